/* Minima and maxima over squares of cells, row by row and then column by column. */
#include "grid.h"

#include <stdlib.h>
#include <string.h>

int grid_make(grid_t *grid, int width, int height)
{
    grid->width = (width + CELL - 1) / CELL;
    grid->height = (height + CELL - 1) / CELL;
    grid->size = (size_t) grid->width * (size_t) grid->height;
    grid->cells = malloc(grid->size);
    return grid->cells ? 0 : -1;
}

void grid_forget(grid_t *grid)
{
    free(grid->cells);
    grid->cells = NULL;
}

static void lighten(uint8_t *restrict to, const uint8_t *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = to[i] > from[i] ? to[i] : from[i];
}

/* A window of 2 * reach + 1 is joined from windows that double: 1, 2, 4, ... cells long. `step` is the distance
 * between neighbours, `count` their number, and `block` how many of them lie side by side at each place. */
static void widen(uint8_t *cells, uint8_t *spare, size_t count, size_t block, size_t reach)
{
    size_t length = 1, window = 2 * reach + 1;

    /* Forwards: each becomes the lightest of the `window` that begin with it; those beyond the end do not count. */
    while (length < window) {
        size_t step = length < window - length ? length : window - length;

        if (step >= count)
            break;
        memcpy(spare, cells, count * block);
        lighten(cells, spare + step * block, (count - step) * block);
        length += step;
    }
}

/* The window is to have its cell in the middle: the line is laid out with `reach` cells of darkness before it. */
static void along(uint8_t *line, uint8_t *room, uint8_t *spare, size_t count, size_t block, size_t reach)
{
    memset(room, 0, reach * block);
    memcpy(room + reach * block, line, count * block);
    widen(room, spare, count + reach, block, reach);
    memcpy(line, room, count * block);
}

int grid_lightest(grid_t *grid, int reach)
{
    size_t width = (size_t) grid->width, height = (size_t) grid->height, far = (size_t) reach;
    size_t most = (width + far) * (height + far);
    uint8_t *room = malloc(most), *spare = malloc(most);

    if (room && spare) {
        for (size_t y = 0; y < height; y++)
            along(grid->cells + y * width, room, spare, width, 1, far);
        along(grid->cells, room, spare, height, width, far);
    }
    free(room);
    free(spare);
    return room && spare ? 0 : -1;
}

static void negate(grid_t *grid)
{
    for (size_t i = 0; i < grid->size; i++)
        grid->cells[i] = (uint8_t) ~grid->cells[i];
}

int grid_darkest(grid_t *grid, int reach)
{
    int failed;

    negate(grid);
    failed = grid_lightest(grid, reach);
    negate(grid);
    return failed;
}
