/* What is done with the rows of a fax page, eight or 64 pixels at a time. */
#include "rows.h"
#include "ink.h"

#include <string.h>

#define WORDS (INK_ROW_BYTES / 8)

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

static void clean_line(line_t *to, const line_t *above, const line_t *here, const line_t *below)
{
    for (int i = 0; i < WORDS; i++) {
        uint64_t any = left_of(above, i) | above->words[i] | right_of(above, i) | left_of(here, i) |
                       right_of(here, i) | left_of(below, i) | below->words[i] | right_of(below, i);
        uint64_t all = left_of(above, i) & above->words[i] & right_of(above, i) & left_of(here, i) &
                       right_of(here, i) & left_of(below, i) & below->words[i] & right_of(below, i);

        to->words[i] = (here->words[i] & any) | all;
    }
}

int ink_clean(uint8_t *rows, size_t size, int count)
{
    line_t lines[3] = {0}, cleaned;

    if (count < 1 || count > INK_MOST_ROWS || size < (size_t) count * INK_ROW_BYTES)
        return -1;
    read_line(&lines[0], rows);
    for (int y = 0; y < count; y++) {
        if (y + 1 < count)
            read_line(&lines[(y + 1) % 3], rows + (size_t) (y + 1) * INK_ROW_BYTES);
        else
            memset(&lines[(y + 1) % 3], 0, sizeof(line_t));
        clean_line(&cleaned, &lines[(y + 2) % 3], &lines[y % 3], &lines[(y + 1) % 3]);
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
