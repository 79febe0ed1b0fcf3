/* Grey pages become black and white by what surrounds each pixel, so that pale, reversed and badly lit text stays.
 *
 * The page is looked at in cells of 4 x 4 pixels, about half a millimetre. Of the surroundings of a cell two greys
 * matter: that of the ground, found by a closing as wide as the thickest stroke, and that of the darkest ink within a
 * letter's width. A stroke is what is darker than the middle between them. Where there is no ink, the ground itself is
 * judged: paper is white, a dark area is black. How much darker than its ground ink must be, the noise says.
 */
#include "ink.h"
#include "dots.h"
#include "grid.h"
#include "photo.h"
#include "rows.h"
#include "screen.h"

#include <stdlib.h>
#include <string.h>

/* In cells: a stroke is thinner than 36 pixels (4.5 mm); a letter of 8 points is 20 pixels wide. */
#define STROKE_CELLS 4
#define LETTER_CELLS 2
/* The paper's grey is looked for this far around, in cells: a dark bar across the page is not taken for the paper. */
#define PAPER_CELLS 32
#define PAPER_FLOOR 96
/* Ink begins here on the way from the ground (0) to the darkest ink around (256). */
#define INK_BEGINS 108
/* An area is black when it is darker than this part (of 256) of the paper's grey. */
#define AREA_BLACK 104
/* A ground is paper from this part (of 256) of the paper's grey on. In a photograph strokes on paper are as anywhere;
 * others are so dark that they must be meant. */
#define PAPER_BEGINS 230
#define PHOTO_CONTRAST 120
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

/* Above this grey an area is white. */
static int area_black(int paper)
{
    return bounded(paper, PAPER_FLOOR, 255) * AREA_BLACK / 256;
}

/* The threshold where there is no ink: the ground is on one side of it, and its noise must not reach to the other. */
static int area_below(int ground, int paper, int contrast)
{
    int middle = area_black(paper);

    /* The ground is that of its lightest pixels: most of the noise is below it. */
    return ground < middle ? bounded(ground + contrast / 2, middle, 255) : bounded(ground - contrast, 1, middle);
}

/* How much darker than its ground ink is at least. */
static int least_depth(int ground, int paper, int photo, int contrast)
{
    /* In what was dots something of them is left even on paper. */
    if (photo == IN_DOTS || (photo && ground * 256 < paper * PAPER_BEGINS))
        return PHOTO_CONTRAST;
    return ground < area_black(paper) ? contrast * 2 : contrast;
}

/* `ground` becomes the grey below which a pixel of the cell is black. */
static void decide(grid_t *ground, const grid_t *ink, const grid_t *paper, const grid_t *photo, int contrast)
{
    for (size_t i = 0; i < ground->size; i++) {
        int here = ground->cells[i], depth = here - ink->cells[i], below = depth * INK_BEGINS / 256;

        if (depth >= least_depth(here, paper->cells[i], photo->cells[i], contrast))
            ground->cells[i] = (uint8_t) bounded(here - (below > contrast ? below : contrast), 1, 255);
        else if (photo->cells[i])
            ground->cells[i] = 0;
        else
            ground->cells[i] = (uint8_t) area_below(here, paper->cells[i], contrast);
    }
}

/* The grey that all but two of a hundred cells have at most: the white of photographs. */
static int white_of(const grid_t *paper)
{
    size_t counts[256] = {0}, seen = 0;
    int white = 255;

    for (size_t i = 0; i < paper->size; i++)
        counts[paper->cells[i]]++;
    while (white > PAPER_FLOOR && (seen += counts[white]) < paper->size / 50)
        white--;
    return white;
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

typedef struct {
    grid_t light, dark, depth, paper, photo;
    uint8_t *below; /* of one row of pixels */
    int white, contrast;
} page_t;

static int make(page_t *page, int width, int height)
{
    page->below = malloc((size_t) width);
    return page->below && !grid_make(&page->light, width, height) && !grid_make(&page->dark, width, height) &&
                   !grid_make(&page->depth, width, height) && !grid_make(&page->paper, width, height) &&
                   !grid_make(&page->photo, width, height)
               ? 0
               : -2;
}

static void forget(page_t *page)
{
    grid_forget(&page->light);
    grid_forget(&page->dark);
    grid_forget(&page->depth);
    grid_forget(&page->paper);
    grid_forget(&page->photo);
    free(page->below);
}

static int without_dark_strokes(grid_t *grid)
{
    return grid_lightest(grid, STROKE_CELLS) || grid_darkest(grid, STROKE_CELLS);
}

static int without_light_strokes(grid_t *grid)
{
    return grid_darkest(grid, STROKE_CELLS) || grid_lightest(grid, STROKE_CELLS);
}

/* A page to be made black and white. Where there are no `marks` of dots, if it has any, `below` is its threshold. */
typedef struct {
    const uint8_t *grey, *marks;
    int width, height, below, screen;
} order_t;

/* Everything that is to be known of the page before its first row is written. */
static int study(page_t *page, const order_t *order)
{
    int noise;

    look(order->grey, order->width, order->height, &page->light, &page->dark);
    noise = noise_of(&page->light, &page->dark);
    page->contrast = bounded(LEAST_CONTRAST / 2 + noise * 4, LEAST_CONTRAST, MOST_CONTRAST);
    memcpy(page->paper.cells, page->light.cells, page->light.size);
    memcpy(page->depth.cells, page->dark.cells, page->dark.size);
    if (grid_lightest(&page->paper, PAPER_CELLS) || without_dark_strokes(&page->light) ||
        without_light_strokes(&page->depth) ||
        photo_find(&page->light, &page->depth, &page->dark, &page->paper, noise, &page->photo))
        return -2;
    page->white = white_of(&page->paper);
    if (order->marks)
        photo_in_dots(order->marks, &page->light, &page->dark, page->white, &page->photo);
    if (grid_darkest(&page->dark, LETTER_CELLS))
        return -2;
    decide(&page->light, &page->dark, &page->paper, &page->photo, page->contrast);
    return 0;
}

/* Where row `y` lies in a photograph, cell by cell. */
static const uint8_t *photo_at(const page_t *page, int y)
{
    return page->photo.cells + (size_t) (y / CELL) * (size_t) page->photo.width;
}

/* The threshold of a row between the areas of dots. */
static void between_dots(const order_t *order, int y, uint8_t *below)
{
    const uint8_t *marks = order->marks + (size_t) (y / SQUARE) * (size_t) squares_in(order->width);

    for (int x = 0; x < order->width; x++)
        if (marks[x / SQUARE] == NO_DOTS)
            below[x] = (uint8_t) order->below;
}

static void write_rows(const order_t *order, const page_t *page, uint8_t *rows)
{
    screen_t screen = {.lines = order->screen, .white = page->white};

    for (int y = 0; y < order->height; y++) {
        thresholds(&page->light, y, page->below, order->width);
        screen_row(screen, y, photo_at(page, y), page->below, order->width);
        if (order->marks)
            between_dots(order, y, page->below);
        rows_pack(rows + (size_t) y * INK_ROW_BYTES, order->grey + (size_t) y * (size_t) order->width, page->below,
                  order->width);
    }
}

/* What a photograph has in row `y` and the next one, as one row of standard resolution: `shown` is black by a screen of its
 * own, or where either row has a stroke; `where` is black where there is photograph. */
static void flat_row(const order_t *order, const page_t *page, int y, uint8_t *shown, uint8_t *where)
{
    const uint8_t *upper = order->grey + (size_t) y * (size_t) order->width, *photo = photo_at(page, y);
    const uint8_t *lower = y + 1 < order->height ? upper + order->width : upper;
    screen_t screen = {.lines = order->screen, .flat = 1, .white = page->white};
    uint8_t next[INK_WIDTH], grey[INK_WIDTH], inside[INK_WIDTH];

    thresholds(&page->light, y, page->below, order->width);
    thresholds(&page->light, y + 1 < order->height ? y + 1 : y, next, order->width);
    for (int x = 0; x < order->width; x++) {
        int stroke = upper[x] < page->below[x] || lower[x] < next[x];

        inside[x] = photo[x / CELL] > 0;
        grey[x] = stroke ? 0 : (uint8_t) ((upper[x] + lower[x] + 1) / 2);
        page->below[x] = inside[x] && stroke;
    }
    screen_row(screen, y / 2, photo, page->below, order->width);
    rows_pack(shown, grey, page->below, order->width);
    memset(grey, 0, sizeof(grey));
    rows_pack(where, grey, inside, order->width);
}

/* Every two rows become one: what is photograph has a screen of that resolution, for two dots beside each other in one row
 * would be too dark. Returns whether anything is. */
static int write_flat(const order_t *order, const page_t *page, const uint8_t *rows, uint8_t *flat, size_t flat_size)
{
    uint8_t shown[INK_ROW_BYTES], where[INK_ROW_BYTES];
    int any = 0;

    ink_halve(rows, (size_t) order->height * INK_ROW_BYTES, order->height, flat, flat_size);
    for (int y = 0; y < order->height; y += 2, flat += INK_ROW_BYTES) {
        if (!memchr(photo_at(page, y), IN_GREY, (size_t) page->photo.width) &&
            !memchr(photo_at(page, y), IN_DOTS, (size_t) page->photo.width))
            continue;
        any = 1;
        flat_row(order, page, y, shown, where);
        for (int i = 0; i < INK_ROW_BYTES; i++)
            flat[i] = (uint8_t) ((flat[i] & ~where[i]) | shown[i]);
    }
    return any;
}

static int binarise(const order_t *order, uint8_t *rows, uint8_t *flat, size_t flat_size)
{
    page_t page = {0};
    int result = make(&page, order->width, order->height);

    if (!result)
        result = study(&page, order);
    if (!result) {
        write_rows(order, &page, rows);
        ink_clean(rows, (size_t) order->height * INK_ROW_BYTES, order->height);
        result = write_flat(order, &page, rows, flat, flat_size);
    }
    forget(&page);
    return result;
}

/* Whether there is room for a page and its rows, fine and flat, and the screen is one. */
static int is_fair(const order_t *order, size_t size, size_t rows_size, size_t flat_size)
{
    return rows_fit(size, order->width, order->height, rows_size) && order->screen >= 0 && order->screen < SCREENS &&
           flat_size >= (size_t) ((order->height + 1) / 2) * INK_ROW_BYTES;
}

int ink_binarise(const uint8_t *grey, size_t size, int width, int height, int screen, uint8_t *rows, size_t rows_size,
                 uint8_t *flat, size_t flat_size)
{
    order_t order = {grey, NULL, width, height, 0, screen};

    return is_fair(&order, size, rows_size, flat_size) ? binarise(&order, rows, flat, flat_size) : -1;
}

int ink_binarise_dots(const uint8_t *grey, size_t size, int width, int height, const uint8_t *marks, size_t marks_size,
                      int below, int screen, uint8_t *rows, size_t rows_size, uint8_t *flat, size_t flat_size)
{
    order_t order = {grey, marks, width, height, below, screen};

    if (!is_fair(&order, size, rows_size, flat_size) || below < 0 || below > 255 ||
        !squares_fit(marks_size, width, height))
        return -1;
    return binarise(&order, rows, flat, flat_size);
}
