/* A page seen from further away: one byte for each cell of 4 x 4 pixels. */
#ifndef MAIL2FAX_GRID_H
#define MAIL2FAX_GRID_H

#include <stddef.h>
#include <stdint.h>

#define CELL 4

typedef struct {
    int width, height;
    size_t size;
    uint8_t *cells;
} grid_t;

/* A grid for a page of that many pixels; -1 without memory. */
int grid_make(grid_t *grid, int width, int height);
void grid_forget(grid_t *grid);

/* Every cell becomes the lightest (darkest) of those up to `reach` away; -1 without memory. */
int grid_lightest(grid_t *grid, int reach);
int grid_darkest(grid_t *grid, int reach);

#endif
