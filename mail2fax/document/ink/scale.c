/* Smaller pictures, each pixel the average of the box that it covers.
 *
 * Rows are summed first, 16 bits wide, which a compiler makes into vector code; the weights of a box make 256 exactly,
 * so white stays white.
 */
#include "ink.h"

#include <stdlib.h>
#include <string.h>

#define WHOLE 256
#define LARGEST (1 << 24)

/* The boxes in one direction: box i begins at `first[i]`, its weights at `weights[start[i]]`. */
typedef struct {
    int *first, *start;
    uint16_t *weights;
} boxes_t;

static void forget(boxes_t *boxes)
{
    free(boxes->first);
    free(boxes->start);
    free(boxes->weights);
}

static int make_boxes(boxes_t *boxes, int length, int count, int whole)
{
    int used = 0;

    boxes->first = malloc(sizeof(int) * (size_t) count);
    boxes->start = malloc(sizeof(int) * ((size_t) count + 1));
    /* A pixel lies in one box, or is cut by the edge between two. */
    boxes->weights = malloc(sizeof(uint16_t) * ((size_t) length + (size_t) count));
    if (!boxes->first || !boxes->start || !boxes->weights)
        return -2;
    for (int i = 0; i < count; i++) {
        /* In units of 1/count of a pixel: a pixel has `count` of them, a box `length`. */
        int64_t begin = (int64_t) i * length, end = begin + length, at, size;

        if (whole) {
            begin = (begin + count / 2) / count * count;
            end = (end + count / 2) / count * count;
        }
        at = begin;
        size = end - begin;
        boxes->first[i] = (int) (begin / count);
        boxes->start[i] = used;
        for (int64_t pixel = begin / count; at < end; pixel++) {
            int64_t until = (pixel + 1) * count < end ? (pixel + 1) * count : end;

            boxes->weights[used++] = (uint16_t) ((until - begin) * WHOLE / size - (at - begin) * WHOLE / size);
            at = until;
        }
    }
    boxes->start[count] = used;
    return 0;
}

static void add_row(uint16_t *restrict sums, const uint8_t *restrict row, int width, uint16_t weight)
{
    for (int x = 0; x < width; x++)
        sums[x] = (uint16_t) (sums[x] + row[x] * weight);
}

static void narrow(uint8_t *restrict target, const uint16_t *restrict sums, const boxes_t *boxes, int count)
{
    for (int i = 0; i < count; i++) {
        const uint16_t *from = sums + boxes->first[i], *weights = boxes->weights + boxes->start[i];
        int taps = boxes->start[i + 1] - boxes->start[i];
        uint32_t sum = WHOLE * WHOLE / 2;

        for (int k = 0; k < taps; k++)
            sum += (uint32_t) from[k] * weights[k];
        target[i] = (uint8_t) (sum / (WHOLE * WHOLE));
    }
}

static void scale(const uint8_t *source, int width, uint8_t *target, int new_width, int new_height,
                  const boxes_t *across, const boxes_t *down, uint16_t *sums)
{
    for (int y = 0; y < new_height; y++) {
        memset(sums, 0, sizeof(uint16_t) * (size_t) width);
        for (int k = down->start[y]; k < down->start[y + 1]; k++) {
            size_t from = (size_t) (down->first[y] + k - down->start[y]);

            add_row(sums, source + (size_t) width * from, width, down->weights[k]);
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

    if (new_width < 1 || new_height < 1 || new_width > width || new_height > height || width > LARGEST ||
        height > LARGEST || source_size < (size_t) width * (size_t) height ||
        target_size < (size_t) new_width * (size_t) new_height)
        return -1;
    sums = malloc(sizeof(uint16_t) * (size_t) width);
    if (sums && !make_boxes(&across, width, new_width, whole) && !make_boxes(&down, height, new_height, whole)) {
        scale(source, width, target, new_width, new_height, &across, &down, sums);
        failed = 0;
    }
    forget(&across);
    forget(&down);
    free(sums);
    return failed;
}
