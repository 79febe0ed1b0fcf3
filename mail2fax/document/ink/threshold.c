/* Grey pages become black and white by what surrounds each pixel, so that pale, reversed and badly lit text stays.
 *
 * The page is looked at in cells of 4 x 4 pixels, about half a millimetre. Of the surroundings of a cell two greys
 * matter: that of the ground, found by a closing as wide as the thickest stroke, and that of the darkest ink within a
 * letter's width. A stroke is what is darker than the middle between them. Where there is no ink, the ground itself is
 * judged: paper is white, a dark area is black. How much darker than its ground ink must be, the noise says.
 */
#include "ink.h"
#include "grid.h"
#include "rows.h"

#include <stdlib.h>
#include <string.h>

/* In cells: a stroke is thinner than 36 pixels (4.5 mm); a letter of 8 points is 20 pixels wide. */
#define STROKE_CELLS 4
#define LETTER_CELLS 2
/* The paper's grey is looked for this far around, in cells: a dark bar across the page is not taken for the paper. */
#define PAPER_CELLS 32
#define PAPER_FLOOR 96
/* Ink begins here on the way from the ground (0) to the darkest ink around (256). */
#define INK_BEGINS 120
/* An area is black when it is darker than this part (of 256) of the paper's grey. */
#define AREA_BLACK 128
#define LEAST_CONTRAST 22
#define MOST_CONTRAST 56

/* What is seen in each cell: averages of 2 x 2 pixels, the lightest and the darkest. */
static void look(const uint8_t *grey, int width, int height, grid_t *light, grid_t *dark)
{
    memset(light->cells, 0, light->size);
    memset(dark->cells, 255, dark->size);
    for (int y = 0; y < height; y += 2) {
        const uint8_t *upper = grey + (size_t) y * (size_t) width;
        const uint8_t *lower = y + 1 < height ? upper + width : upper;
        uint8_t *lights = light->cells + (size_t) (y / CELL) * (size_t) light->width;
        uint8_t *darks = dark->cells + (size_t) (y / CELL) * (size_t) dark->width;

        for (int x = 0; x < width; x += 2) {
            int right = x + 1 < width ? x + 1 : x;
            uint8_t mean = (uint8_t) ((upper[x] + upper[right] + lower[x] + lower[right] + 2) / 4);

            if (mean > lights[x / CELL])
                lights[x / CELL] = mean;
            if (mean < darks[x / CELL])
                darks[x / CELL] = mean;
        }
    }
}

/* The range that two fifths of the cells do not exceed: even a page full of text has as many without any. */
static int noise_of(const grid_t *light, const grid_t *dark)
{
    size_t counts[256] = {0}, seen = 0;
    int range = 0;

    for (size_t i = 0; i < light->size; i++)
        counts[light->cells[i] - dark->cells[i]]++;
    while (range < 255 && (seen += counts[range]) < light->size * 2 / 5)
        range++;
    return range;
}

static int bounded(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

/* `ground` becomes the grey below which a pixel of the cell is black. */
static void decide(grid_t *ground, const grid_t *ink, const grid_t *paper, int contrast)
{
    for (size_t i = 0; i < ground->size; i++) {
        int here = ground->cells[i], depth = here - ink->cells[i];
        int below = depth * INK_BEGINS / 256;

        if (depth < contrast)
            ground->cells[i] = (uint8_t) (bounded(paper->cells[i], PAPER_FLOOR, 255) * AREA_BLACK / 256);
        else
            ground->cells[i] = (uint8_t) bounded(here - (below > contrast ? below : contrast), 1, 255);
    }
}

/* The thresholds of one row of pixels, between those of the cells' middles. */
static void thresholds(const grid_t *grid, int y, uint8_t *restrict row, int width)
{
    int above = (y - CELL / 2 + CELL) / CELL - 1, part = (y - CELL / 2 + CELL) % CELL * 2 + 1;
    const uint8_t *upper = grid->cells + (size_t) bounded(above, 0, grid->height - 1) * (size_t) grid->width;
    const uint8_t *lower = grid->cells + (size_t) bounded(above + 1, 0, grid->height - 1) * (size_t) grid->width;

    for (int x = 0; x < width; x++) {
        int left = (x - CELL / 2 + CELL) / CELL - 1, along = (x - CELL / 2 + CELL) % CELL * 2 + 1;
        int first = left < 0 ? 0 : left, second = left + 1 < grid->width ? left + 1 : grid->width - 1;
        int from = upper[first] * (8 - part) + lower[first] * part;
        int to = upper[second] * (8 - part) + lower[second] * part;

        row[x] = (uint8_t) ((from * (8 - along) + to * along + 32) / 64);
    }
}

int ink_binarise(const uint8_t *grey, size_t size, int width, int height, uint8_t *rows, size_t rows_size)
{
    grid_t light = {0}, dark = {0}, paper = {0};
    uint8_t *row = NULL;
    int failed = -2;

    if (!rows_fit(size, width, height, rows_size))
        return -1;
    row = malloc((size_t) width);
    if (row && !grid_make(&light, width, height) && !grid_make(&dark, width, height) &&
        !grid_make(&paper, width, height)) {
        int contrast;

        look(grey, width, height, &light, &dark);
        contrast = bounded(LEAST_CONTRAST / 2 + noise_of(&light, &dark) * 4, LEAST_CONTRAST, MOST_CONTRAST);
        failed = grid_lightest(&light, STROKE_CELLS) || grid_darkest(&light, STROKE_CELLS);
        memcpy(paper.cells, light.cells, light.size);
        failed = failed || grid_lightest(&paper, PAPER_CELLS) || grid_darkest(&dark, LETTER_CELLS) ? -2 : 0;
        decide(&light, &dark, &paper, contrast);
        for (int y = 0; !failed && y < height; y++) {
            thresholds(&light, y, row, width);
            rows_pack(rows + (size_t) y * INK_ROW_BYTES, grey + (size_t) y * (size_t) width, row, width);
        }
    }
    grid_forget(&light);
    grid_forget(&dark);
    grid_forget(&paper);
    free(row);
    return failed;
}
