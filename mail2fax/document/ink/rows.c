/* What is done with the rows of a fax page, eight or 64 pixels at a time. */
#include "rows.h"
#include "ink.h"

#include <string.h>

#define WORDS (INK_ROW_BYTES / 8)
/* A lone pixel is a speck when nothing is black this far around; nearer to a letter it is the dot of an i, or a point. */
#define SPECK_APART 3
#define RING (2 * SPECK_APART + 1)

int rows_fit(size_t size, int width, int height, size_t rows_size)
{
    return width >= 1 && width <= INK_WIDTH && height >= 1 && height <= INK_MOST_ROWS &&
           size >= (size_t) width * (size_t) height && rows_size >= (size_t) height * INK_ROW_BYTES;
}

void rows_pack(uint8_t *row, const uint8_t *grey, const uint8_t *below, int width)
{
    uint8_t black[INK_WIDTH] = {0};
    uint8_t *first = black + (INK_WIDTH - width) / 2;

    for (int x = 0; x < width; x++)
        first[x] = grey[x] < below[x];
    for (int byte = 0; byte < INK_ROW_BYTES; byte++) {
        const uint8_t *pixel = black + byte * 8;

        row[byte] = (uint8_t) (pixel[0] << 7 | pixel[1] << 6 | pixel[2] << 5 | pixel[3] << 4 | pixel[4] << 3 |
                               pixel[5] << 2 | pixel[6] << 1 | pixel[7]);
    }
}

int ink_cut(const uint8_t *grey, size_t size, int width, int height, int below, uint8_t *rows, size_t rows_size)
{
    uint8_t level[INK_WIDTH];

    if (!rows_fit(size, width, height, rows_size) || below < 0 || below > 255)
        return -1;
    memset(level, below, sizeof(level));
    for (int y = 0; y < height; y++)
        rows_pack(rows + (size_t) y * INK_ROW_BYTES, grey + (size_t) y * (size_t) width, level, width);
    return 0;
}

typedef struct {
    uint64_t words[WORDS];
} line_t;

static void read_line(line_t *line, const uint8_t *row)
{
    memcpy(line->words, row, INK_ROW_BYTES);
    for (int i = 0; i < WORDS; i++)
        line->words[i] = __builtin_bswap64(line->words[i]);
}

static void write_line(const line_t *line, uint8_t *row)
{
    for (int i = 0; i < WORDS; i++) {
        uint64_t word = __builtin_bswap64(line->words[i]);

        memcpy(row + i * 8, &word, sizeof(word));
    }
}

/* The neighbours to the left and to the right of 64 pixels, themselves in it or not. Beyond the paper all is white. */
static uint64_t left_of(const line_t *line, int i)
{
    return line->words[i] >> 1 | (i ? line->words[i - 1] << 63 : 0);
}

static uint64_t right_of(const line_t *line, int i)
{
    return line->words[i] << 1 | (i + 1 < WORDS ? line->words[i + 1] >> 63 : 0);
}

/* A line, and where any of its pixels is black up to SPECK_APART to the left or to the right; beside: not counting the
 * pixel itself. */
typedef struct {
    line_t black, beside, near;
} seen_t;

static void see_line(seen_t *seen, const uint8_t *row)
{
    line_t left, right;

    memset(seen, 0, sizeof(*seen));
    if (!row)
        return;
    read_line(&seen->black, row);
    left = right = seen->black;
    for (int step = 0; step < SPECK_APART; step++) {
        line_t before = left, after = right;

        for (int i = 0; i < WORDS; i++) {
            left.words[i] = left_of(&before, i);
            right.words[i] = right_of(&after, i);
            seen->beside.words[i] |= left.words[i] | right.words[i];
        }
    }
    for (int i = 0; i < WORDS; i++)
        seen->near.words[i] = seen->beside.words[i] | seen->black.words[i];
}

/* Where all neighbours of a pixel are black. */
static uint64_t surrounded(const line_t *above, const line_t *here, const line_t *below, int i)
{
    return left_of(above, i) & above->words[i] & right_of(above, i) & left_of(here, i) & right_of(here, i) &
           left_of(below, i) & below->words[i] & right_of(below, i);
}

/* `seen` are the lines around line `y`, each in its place of a ring. */
static void clean_line(line_t *to, const seen_t *seen, int y)
{
    const seen_t *above = &seen[(y + RING - 1) % RING], *here = &seen[y % RING], *below = &seen[(y + 1) % RING];

    for (int i = 0; i < WORDS; i++) {
        uint64_t any = here->beside.words[i];

        for (int far = 1; far <= SPECK_APART; far++)
            any |= seen[(y + RING - far) % RING].near.words[i] | seen[(y + far) % RING].near.words[i];
        to->words[i] = (here->black.words[i] & any) | surrounded(&above->black, &here->black, &below->black, i);
    }
}

int ink_clean(uint8_t *rows, size_t size, int count)
{
    seen_t seen[RING] = {0};
    line_t cleaned;

    if (count < 1 || count > INK_MOST_ROWS || size < (size_t) count * INK_ROW_BYTES)
        return -1;
    for (int y = -SPECK_APART; y < count; y++) {
        int next = y + SPECK_APART;

        see_line(&seen[next % RING], next < count ? rows + (size_t) next * INK_ROW_BYTES : NULL);
        if (y < 0)
            continue;
        clean_line(&cleaned, seen, y);
        write_line(&cleaned, rows + (size_t) y * INK_ROW_BYTES);
    }
    return 0;
}

int ink_halve(const uint8_t *rows, size_t size, int count, uint8_t *target, size_t target_size)
{
    if (count < 1 || count > INK_MOST_ROWS || size < (size_t) count * INK_ROW_BYTES ||
        target_size < (size_t) ((count + 1) / 2) * INK_ROW_BYTES)
        return -1;
    for (int y = 0; y < count; y += 2) {
        const uint8_t *first = rows + (size_t) y * INK_ROW_BYTES;
        const uint8_t *second = y + 1 < count ? first + INK_ROW_BYTES : first;
        uint8_t *to = target + (size_t) (y / 2) * INK_ROW_BYTES;

        for (int i = 0; i < INK_ROW_BYTES; i++)
            to[i] = first[i] | second[i];
    }
    return 0;
}
