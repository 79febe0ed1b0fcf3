/* Where a page shows photographs. */
#ifndef MAIL2FAX_PHOTO_H
#define MAIL2FAX_PHOTO_H

#include "grid.h"

/* `mask` becomes 1 in the cells that lie in a photograph, 0 elsewhere. `ground` holds the grey of each cell without
 * dark strokes, `depth` that without light ones, `paper` that of the paper there, `noise` how much greys differ by
 * chance. -1 without memory. */
int photo_find(const grid_t *ground, const grid_t *depth, const grid_t *paper, int noise, grid_t *mask);

#endif
