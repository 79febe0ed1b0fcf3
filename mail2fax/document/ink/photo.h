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

/* In areas of dots, which `marks` has (dots.h), `mask` becomes IN_DOTS when the area is a photograph, as a whole, and 0
 * when it is a tint. */
void photo_in_dots(const uint8_t *marks, grid_t *mask);

#endif
