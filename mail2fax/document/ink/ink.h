/* Pages as the fax sees them: pixels scaled, made black and white, coded. Pure functions over the caller's memory.
 *
 * A fax page is rows of 1728 pixels, one bit each, the most significant first; 1 is black, as in T.4. Every function
 * checks the sizes it is given and touches nothing beyond them.
 */
#ifndef MAIL2FAX_INK_H
#define MAIL2FAX_INK_H

#include <stddef.h>
#include <stdint.h>

#define INK_WIDTH 1728
#define INK_ROW_BYTES 216
#define INK_MOST_ROWS (1 << 16)
#define INK_MOST_SIDE (1 << 24)
/* No pixel costs more than 8 bits (VL3, or a white run of one and a black one); and the end of the block. */
#define INK_T6_BYTES(rows) ((rows) * (INK_WIDTH + 8) + 8)

/* cdef begins */
/* Averages over boxes: `source`, rows of `width` grey pixels (0 is black), becomes `target`, which must not be larger
 * in either direction. When `whole`, a pixel lies in one box only, so that of a stroke as thin as it at least one box
 * sees all there is. 0; -1 when a size is wrong; -2 without memory. */
int ink_scale(const uint8_t *source, size_t source_size, int width, int height, uint8_t *target, size_t target_size,
              int new_width, int new_height, int whole);

/* Where `source`, rows of `width` pixels that are 0 or 255, shows greys as dots, when it becomes a fax of `new_width` x
 * `new_height` pixels: a mark for each 8 x 8 of these, 0 where there are none. 1 when there are any, else 0; -1 and -2
 * as above. */
int ink_find_dots(const uint8_t *source, size_t source_size, int width, int height, int new_width, int new_height,
                  uint8_t *marks, size_t marks_size);

/* Where there are marks, `target` becomes `grey`, a page of the same size, with its dots smoothed away. 0 or -1. */
int ink_smooth(const uint8_t *grey, size_t size, int width, int height, const uint8_t *marks, size_t marks_size,
               uint8_t *target, size_t target_size);

/* A grey page, at most 1728 wide, in black and white, in the middle of `rows`: a pixel is black by its surroundings.
 * Photographs become a screen, of dots (0) or lines (1), with strokes of ink upon it. Specks go (ink_clean). `flat` is
 * the same in standard resolution, half as many rows, with a screen of its own: 1 when there is any photograph; 0 when
 * there is none, and it is what ink_halve makes of it. -1 or -2 as above. */
int ink_binarise(const uint8_t *grey, size_t size, int width, int height, int screen, uint8_t *rows, size_t rows_size,
                 uint8_t *flat, size_t flat_size);

/* The same where there are marks; elsewhere every pixel darker than `below` is black. */
int ink_binarise_dots(const uint8_t *grey, size_t size, int width, int height, const uint8_t *marks, size_t marks_size,
                      int below, int screen, uint8_t *rows, size_t rows_size, uint8_t *flat, size_t flat_size);

/* A grey page of which every pixel darker than `below` is black. */
int ink_cut(const uint8_t *grey, size_t size, int width, int height, int below, uint8_t *rows, size_t rows_size);

/* Black pixels with eight white neighbours, and white ones with eight black ones, take the colour of these. */
int ink_clean(uint8_t *rows, size_t size, int count);

/* Every two of `count` rows become one, black where either is. */
int ink_halve(const uint8_t *rows, size_t size, int count, uint8_t *target, size_t target_size);

/* The T.6 data of `count` rows of 216 bytes; their size, 0 when `size` is less than the rows or `capacity` than the
 * worst case. */
size_t ink_t6(const uint8_t *rows, size_t size, int count, uint8_t *target, size_t capacity);
/* cdef ends */

#endif
