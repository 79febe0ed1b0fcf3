/* T.6 (MMR) of a page whose lines have 1728 pixels.
 *
 * A line is first turned into the list of its changing elements (T.6 2.2.1), found 64 pixels at a time; coding then
 * looks at lists only. The bits are those of libtiff's encoder, a test holds them against each other.
 */
#include "ink.h"

#include <string.h>

typedef struct {
    uint16_t bits;
    uint8_t length;
} code_t;

/* T.4 tables 2 and 3: runs of 0 to 63 pixels, then of 64, 128, ... 1728. The code for more is never needed. */
static const code_t terminating[2][64] = {{
    {0x35, 8}, {0x07, 6}, {0x07, 4}, {0x08, 4}, {0x0b, 4}, {0x0c, 4}, {0x0e, 4}, {0x0f, 4}, {0x13, 5}, {0x14, 5},
    {0x07, 5}, {0x08, 5}, {0x08, 6}, {0x03, 6}, {0x34, 6}, {0x35, 6}, {0x2a, 6}, {0x2b, 6}, {0x27, 7}, {0x0c, 7},
    {0x08, 7}, {0x17, 7}, {0x03, 7}, {0x04, 7}, {0x28, 7}, {0x2b, 7}, {0x13, 7}, {0x24, 7}, {0x18, 7}, {0x02, 8},
    {0x03, 8}, {0x1a, 8}, {0x1b, 8}, {0x12, 8}, {0x13, 8}, {0x14, 8}, {0x15, 8}, {0x16, 8}, {0x17, 8}, {0x28, 8},
    {0x29, 8}, {0x2a, 8}, {0x2b, 8}, {0x2c, 8}, {0x2d, 8}, {0x04, 8}, {0x05, 8}, {0x0a, 8}, {0x0b, 8}, {0x52, 8},
    {0x53, 8}, {0x54, 8}, {0x55, 8}, {0x24, 8}, {0x25, 8}, {0x58, 8}, {0x59, 8}, {0x5a, 8}, {0x5b, 8}, {0x4a, 8},
    {0x4b, 8}, {0x32, 8}, {0x33, 8}, {0x34, 8},
}, {
    {0x37, 10}, {0x02, 3}, {0x03, 2}, {0x02, 2}, {0x03, 3}, {0x03, 4}, {0x02, 4}, {0x03, 5}, {0x05, 6}, {0x04, 6},
    {0x04, 7}, {0x05, 7}, {0x07, 7}, {0x04, 8}, {0x07, 8}, {0x18, 9}, {0x17, 10}, {0x18, 10}, {0x08, 10}, {0x67, 11},
    {0x68, 11}, {0x6c, 11}, {0x37, 11}, {0x28, 11}, {0x17, 11}, {0x18, 11}, {0xca, 12}, {0xcb, 12}, {0xcc, 12},
    {0xcd, 12}, {0x68, 12}, {0x69, 12}, {0x6a, 12}, {0x6b, 12}, {0xd2, 12}, {0xd3, 12}, {0xd4, 12}, {0xd5, 12},
    {0xd6, 12}, {0xd7, 12}, {0x6c, 12}, {0x6d, 12}, {0xda, 12}, {0xdb, 12}, {0x54, 12}, {0x55, 12}, {0x56, 12},
    {0x57, 12}, {0x64, 12}, {0x65, 12}, {0x52, 12}, {0x53, 12}, {0x24, 12}, {0x37, 12}, {0x38, 12}, {0x27, 12},
    {0x28, 12}, {0x58, 12}, {0x59, 12}, {0x2b, 12}, {0x2c, 12}, {0x5a, 12}, {0x66, 12}, {0x67, 12},
}};
static const code_t makeup[2][27] = {{
    {0x1b, 5}, {0x12, 5}, {0x17, 6}, {0x37, 7}, {0x36, 8}, {0x37, 8}, {0x64, 8}, {0x65, 8}, {0x68, 8}, {0x67, 8},
    {0xcc, 9}, {0xcd, 9}, {0xd2, 9}, {0xd3, 9}, {0xd4, 9}, {0xd5, 9}, {0xd6, 9}, {0xd7, 9}, {0xd8, 9}, {0xd9, 9},
    {0xda, 9}, {0xdb, 9}, {0x98, 9}, {0x99, 9}, {0x9a, 9}, {0x18, 6}, {0x9b, 9},
}, {
    {0x0f, 10}, {0xc8, 12}, {0xc9, 12}, {0x5b, 12}, {0x33, 12}, {0x34, 12}, {0x35, 12}, {0x6c, 13}, {0x6d, 13},
    {0x4a, 13}, {0x4b, 13}, {0x4c, 13}, {0x4d, 13}, {0x72, 13}, {0x73, 13}, {0x74, 13}, {0x75, 13}, {0x76, 13},
    {0x77, 13}, {0x52, 13}, {0x53, 13}, {0x54, 13}, {0x55, 13}, {0x5a, 13}, {0x5b, 13}, {0x64, 13}, {0x65, 13},
}};
/* T.6 table 1, from VL3 (a1 three to the left of b1) to VR3. */
static const code_t vertical[7] = {{2, 7}, {2, 6}, {2, 3}, {1, 1}, {3, 3}, {3, 6}, {3, 7}};
static const code_t pass = {1, 4}, horizontal = {1, 3}, end_of_line = {1, 12};

/* Changing elements of a line, in order; white to black at even places. Behind the last come three that lie at the
 * end of the line. */
typedef uint16_t changes_t[INK_WIDTH + 3];

typedef struct {
    uint8_t *at;
    uint64_t waiting;
    int count; /* of waiting bits, the last of `waiting` */
} writer_t;

static void put(writer_t *out, code_t code)
{
    out->waiting = out->waiting << code.length | code.bits;
    out->count += code.length;
    while (out->count >= 8) {
        out->count -= 8;
        *out->at++ = (uint8_t) (out->waiting >> out->count);
    }
}

static void put_run(writer_t *out, int black, int length)
{
    if (length >= 64)
        put(out, makeup[black][length / 64 - 1]);
    put(out, terminating[black][length % 64]);
}

static uint64_t pixels_at(const uint8_t *row, int byte)
{
    uint64_t word;

    memcpy(&word, row + byte, sizeof(word));
    return __builtin_bswap64(word);
}

static void find_changes(const uint8_t *row, changes_t found)
{
    uint64_t before = 0; /* the pixel to the left, in bit 0: the line begins white (T.6 2.2.1) */
    int count = 0;

    for (int byte = 0; byte < INK_ROW_BYTES; byte += 8) {
        uint64_t word = pixels_at(row, byte);
        uint64_t edges = word ^ (word >> 1 | before << 63);

        before = word & 1;
        while (edges) {
            int bit = __builtin_clzll(edges);

            found[count++] = (uint16_t) (byte * 8 + bit);
            edges &= ~(UINT64_C(1) << 63 >> bit);
        }
    }
    for (int i = 0; i < 3; i++)
        found[count + i] = INK_WIDTH;
}

/* T.6 2.2.3, figure 7. `a` and `b` walk along the lists of this line and of the one above. */
static void put_line(writer_t *out, const uint16_t *a, const uint16_t *above)
{
    const uint16_t *b = above;
    int a0 = -1, black = 0;

    while (a0 < INK_WIDTH) {
        int a1 = *a, distance;

        /* b1: the first change above to the colour that a0 has not, right of a0. */
        if (((b - above) & 1) != black)
            b += b > above ? -1 : 1;
        while (*b <= a0 && *b < INK_WIDTH)
            b += 2;
        distance = a1 - *b;
        if (b[1] < a1) {
            put(out, pass);
            a0 = b[1];
        } else if (distance >= -3 && distance <= 3) {
            put(out, vertical[distance + 3]);
            a0 = a1;
            black = !black;
            a++;
        } else {
            int a2 = a1 < INK_WIDTH ? a[1] : INK_WIDTH;

            put(out, horizontal);
            put_run(out, black, a1 - (a0 < 0 ? 0 : a0));
            put_run(out, !black, a2 - a1);
            a0 = a2;
            a += 2;
        }
    }
}

size_t ink_t6(const uint8_t *rows, size_t size, int count, uint8_t *target, size_t capacity)
{
    changes_t lists[2];
    writer_t out = {target, 0, 0};

    if (count < 0 || size < (size_t) count * INK_ROW_BYTES || capacity < INK_T6_BYTES((size_t) count))
        return 0;
    for (int i = 0; i < 3; i++)
        lists[1][i] = INK_WIDTH; /* T.6 2.2.1: above the first line lies a white one */
    for (int y = 0; y < count; y++) {
        find_changes(rows + (size_t) y * INK_ROW_BYTES, lists[y & 1]);
        put_line(&out, lists[y & 1], lists[~y & 1]);
    }
    put(&out, end_of_line); /* T.6 2.4.1.1: the end-of-facsimile-block is two of them */
    put(&out, end_of_line);
    if (out.count)
        put(&out, (code_t) {0, (uint8_t) (8 - out.count)});
    return (size_t) (out.at - target);
}
