/* Smaller pictures, each pixel the average of the box that it covers.
 *
 * Rows are summed first, 16 bits wide, which a compiler makes into vector code; the weights of a box make 256 exactly,
 * so white stays white.
 */
#include "ink.h"

#include <stdlib.h>
#include <string.h>

#define WHOLE 256

/* The boxes in one direction: box i begins at pixel `first[i]`, and has `taps` weights at i * taps, the last ones 0 when
 * it touches fewer pixels. */
typedef struct {
    int taps;
    int *first;
    uint16_t *weights;
} boxes_t;

static void forget(boxes_t *boxes)
{
    free(boxes->first);
    free(boxes->weights);
}

static void make_box(boxes_t *boxes, int i, int length, int count, int whole)
{
    /* In units of 1/count of a pixel: a pixel has `count` of them, a box `length`. */
    int64_t begin = (int64_t) i * length, end = begin + length, at, size;
    uint16_t *weight = boxes->weights + (size_t) i * (size_t) boxes->taps;

    if (whole) {
        begin = (begin + count / 2) / count * count;
        end = (end + count / 2) / count * count;
    }
    at = begin;
    size = end - begin;
    boxes->first[i] = (int) (begin / count);
    for (int64_t pixel = begin / count; at < end; pixel++) {
        int64_t until = (pixel + 1) * count < end ? (pixel + 1) * count : end;

        *weight++ = (uint16_t) ((until - begin) * WHOLE / size - (at - begin) * WHOLE / size);
        at = until;
    }
}

static int make_boxes(boxes_t *boxes, int length, int count, int whole)
{
    boxes->taps = length / count + 2;
    boxes->first = malloc(sizeof(int) * (size_t) count);
    boxes->weights = calloc((size_t) count * (size_t) boxes->taps, sizeof(uint16_t));
    if (!boxes->first || !boxes->weights)
        return -2;
    for (int i = 0; i < count; i++)
        make_box(boxes, i, length, count, whole);
    return 0;
}

static void add_row(uint16_t *restrict sums, const uint8_t *restrict row, int width, uint16_t weight)
{
    for (int x = 0; x < width; x++)
        sums[x] = (uint16_t) (sums[x] + row[x] * weight);
}

static inline void narrow_by(uint8_t *restrict target, const uint16_t *restrict sums, const boxes_t *boxes, int count,
                             int taps)
{
    const uint16_t *weights = boxes->weights;

    for (int i = 0; i < count; i++, weights += taps) {
        const uint16_t *from = sums + boxes->first[i];
        uint32_t sum = WHOLE * WHOLE / 2;

        for (int k = 0; k < taps; k++)
            sum += (uint32_t) from[k] * weights[k];
        target[i] = (uint8_t) (sum / (WHOLE * WHOLE));
    }
}

/* A loop whose length the compiler knows takes half the time: 3 is for 300 dots per inch, 4 for 600. */
static void narrow(uint8_t *target, const uint16_t *sums, const boxes_t *boxes, int count)
{
    if (boxes->taps == 3)
        narrow_by(target, sums, boxes, count, 3);
    else if (boxes->taps == 4)
        narrow_by(target, sums, boxes, count, 4);
    else
        narrow_by(target, sums, boxes, count, boxes->taps);
}

static void scale(const uint8_t *source, int width, uint8_t *target, int new_width, int new_height,
                  const boxes_t *across, const boxes_t *down, uint16_t *sums)
{
    for (int y = 0; y < new_height; y++) {
        memset(sums, 0, sizeof(uint16_t) * (size_t) width);
        for (int k = 0; k < down->taps; k++) {
            uint16_t weight = down->weights[y * down->taps + k];

            if (weight)
                add_row(sums, source + (size_t) width * (size_t) (down->first[y] + k), width, weight);
        }
        narrow(target + (size_t) new_width * (size_t) y, sums, across, new_width);
    }
}

int ink_scale(const uint8_t *source, size_t source_size, int width, int height, uint8_t *target, size_t target_size,
              int new_width, int new_height, int whole)
{
    boxes_t across = {0}, down = {0};
    uint16_t *sums = NULL;
    int failed = -2;

    if (new_width < 1 || new_height < 1 || new_width > width || new_height > height || width > INK_MOST_SIDE ||
        height > INK_MOST_SIDE || source_size < (size_t) width * (size_t) height ||
        target_size < (size_t) new_width * (size_t) new_height)
        return -1;
    if (!make_boxes(&across, width, new_width, whole) && !make_boxes(&down, height, new_height, whole)) {
        /* The last boxes have weights of 0 for pixels beyond the row. */
        sums = calloc((size_t) width + (size_t) across.taps, sizeof(uint16_t));
        if (sums) {
            scale(source, width, target, new_width, new_height, &across, &down, sums);
            failed = 0;
        }
    }
    forget(&across);
    forget(&down);
    free(sums);
    return failed;
}
