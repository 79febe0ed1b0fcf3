/* An area of dots is a photograph, or a tint with words on it, or a scan that was dithered as a whole.
 *
 * What is found of a photograph by its shades (photo.c) is one in dots, too. The rest of the area may belong to it.
 */
#include "dots.h"
#include "photo.h"
#include "shades.h"

/* Of an area so many of 100 cells must be found that all of it is photograph; or so many where nothing is written. */
#define FOUND_PART 25
#define SOME_PART 8

/* The mark of a cell's square. */
static uint8_t mark_of(const uint8_t *marks, const grid_t *grid, size_t cell)
{
    size_t x = cell % (size_t) grid->width, y = cell / (size_t) grid->width, each = SQUARE / CELL;

    return marks[y / each * (((size_t) grid->width + each - 1) / each) + x / each];
}

/* What an area of dots is like: how many cells it has, in which a photograph was found, and where something is written; and
 * the shades of those that are inked. */
typedef struct {
    size_t cells, found, written;
    shades_t shades;
    int whole; /* whether all of it is photograph */
} area_t;

static void see_areas(area_t *areas, const uint8_t *marks, const grid_t *ground, const grid_t *dark, int white,
                      const grid_t *mask)
{
    for (size_t i = 0; i < mask->size; i++) {
        area_t *area = &areas[mark_of(marks, mask, i)];
        int grey = ground->cells[i];

        area->cells++;
        area->found += mask->cells[i] > 0;
        area->written += grey - dark->cells[i] >= STROKE_DEPTH;
        if (grey * 256 < white * TONE_BELOW)
            shades_add(&area->shades, grey, white);
    }
}

/* Whether all of the area is photograph: much of it is found; or hardly anything is written on what is no paper, and some
 * of it is found, or it is dark, where shades are too faint to be found, and no tint. */
static int is_all_photo(const area_t *area)
{
    if (area->found * 100 >= area->cells * FOUND_PART)
        return 1;
    if (area->shades.inked * 100 < area->cells * FULL_PART || area->written * 100 > area->cells * WRITTEN_PART)
        return 0;
    return area->found * 100 >= area->cells * SOME_PART || shades_are_night(&area->shades);
}

void photo_in_dots(const uint8_t *marks, const grid_t *ground, const grid_t *dark, int white, grid_t *mask)
{
    area_t areas[256] = {0};

    see_areas(areas, marks, ground, dark, white, mask);
    for (int i = 0; i < 256; i++)
        areas[i].whole = is_all_photo(&areas[i]);
    for (size_t i = 0; i < mask->size; i++) {
        uint8_t mark = mark_of(marks, mask, i);

        if (mark != NO_DOTS)
            mask->cells[i] = mask->cells[i] || areas[mark].whole ? IN_DOTS : 0;
    }
}
