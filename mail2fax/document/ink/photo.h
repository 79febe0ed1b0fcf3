/* Where a page shows photographs. */
#ifndef MAIL2FAX_PHOTO_H
#define MAIL2FAX_PHOTO_H

#include "grid.h"

/* Cells of photographs: of what was grey on the page, and of what was dots. */
enum { IN_GREY = 1, IN_DOTS };

/* `mask` becomes IN_GREY in the cells that lie in a photograph, 0 elsewhere. `ground` holds the grey of each cell
 * without dark strokes, `depth` that without light ones, `dark` the darkest in it,
 * `paper` that of the paper there, `noise` how much greys
 * differ by chance. -1 without memory. */
int photo_find(const grid_t *ground, const grid_t *depth, const grid_t *dark, const grid_t *paper, int noise,
               grid_t *mask);

/* (areas.c) In areas of dots, which `marks` has (dots.h), `mask` becomes IN_DOTS where there is photograph: all of an area, or what
 * was found of it; and 0 where it is a tint. `ground` and `dark` as above, `white` is the grey of the lightest paper. */
void photo_in_dots(const uint8_t *marks, const grid_t *ground, const grid_t *dark, int white, grid_t *mask);

#endif
