/* Pieces of a map: marked places that touch each other. */
#ifndef MAIL2FAX_PIECES_H
#define MAIL2FAX_PIECES_H

#include <stdint.h>

typedef struct {
    int left, right, top, bottom;
} box_t;

typedef struct {
    box_t box;
    int size;
} piece_t;

/* The places up to `reach` away from x, y on a map of that size. */
box_t box_around(int x, int y, int reach, int width, int height);

/* All places that are marked `from` and touch the one at `start`, over corners too, become `to`. `pending` has room for
 * the number of every place. */
piece_t piece_at(uint8_t *marks, int width, int height, int *pending, int start, uint8_t from, uint8_t to);

#endif
