/* Dots are smoothed away: each pixel becomes the average of those around it, the nearer the more.
 *
 * The weights are a pyramid as wide as nine pixels where dots lie far apart, else as wide as five. What is left of the
 * dots is less than the screen adds.
 */
#include "dots.h"
#include "ink.h"

#include <string.h>

#define FINE_REACH 2
#define COARSE_REACH 4

/* Sums of a column around row `y`, for every column. */
static void add_rows(const uint8_t *grey, int width, int height, int y, int reach, uint16_t *restrict sums)
{
    memset(sums, 0, sizeof(uint16_t) * (size_t) width);
    for (int far = -reach; far <= reach; far++) {
        int at = y + far < 0 ? 0 : y + far < height ? y + far : height - 1, weight = reach + 1 - (far < 0 ? -far : far);
        const uint8_t *restrict row = grey + (size_t) at * (size_t) width;

        for (int x = 0; x < width; x++)
            sums[x] = (uint16_t) (sums[x] + row[x] * weight);
    }
}

static uint8_t average(const uint16_t *sums, int width, int x, int reach)
{
    unsigned sum = 0, whole = (unsigned) ((reach + 1) * (reach + 1) * (reach + 1) * (reach + 1));

    for (int far = -reach; far <= reach; far++) {
        int at = x + far < 0 ? 0 : x + far < width ? x + far : width - 1;

        sum += sums[at] * (unsigned) (reach + 1 - (far < 0 ? -far : far));
    }
    return (uint8_t) ((sum + whole / 2) / whole);
}

static void smooth_row(const uint8_t *grey, int width, int height, int y, const uint8_t *marks, int coarse,
                       uint8_t *target)
{
    uint16_t sums[INK_WIDTH];
    int reach = coarse ? COARSE_REACH : FINE_REACH;

    add_rows(grey, width, height, y, reach, sums);
    for (int x = 0; x < width; x++)
        if (marks[x / SQUARE] != NO_DOTS && !(marks[x / SQUARE] & COARSE) == !coarse)
            target[x] = average(sums, width, x, reach);
}

int ink_smooth(const uint8_t *grey, size_t size, int width, int height, const uint8_t *marks, size_t marks_size,
               uint8_t *target, size_t target_size)
{
    if (width < 1 || width > INK_WIDTH || height < 1 || height > INK_MOST_ROWS ||
        size < (size_t) width * (size_t) height || target_size < (size_t) width * (size_t) height ||
        !squares_fit(marks_size, width, height))
        return -1;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = marks + (size_t) (y / SQUARE) * (size_t) squares_in(width);
        int fine = 0, coarse = 0;

        for (int x = 0; x < squares_in(width); x++) {
            fine |= row[x] && !(row[x] & COARSE);
            coarse |= row[x] & COARSE;
        }
        if (fine)
            smooth_row(grey, width, height, y, row, 0, target + (size_t) y * (size_t) width);
        if (coarse)
            smooth_row(grey, width, height, y, row, 1, target + (size_t) y * (size_t) width);
    }
    return 0;
}
