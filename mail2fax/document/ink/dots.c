/* Greys that a scanner or a program has made of dots: strewn (Floyd-Steinberg), in a pattern (Bayer), or grown
 * (halftone).
 *
 * Squares in which there can be dots (squares.h) vote for those around them, when they are as dark as those beside
 * them: of text, one millimetre is black and the next one white. What is elected beyond doubt makes an area, together
 * with what is likely and touches it.
 */
#include "dots.h"
#include "grid.h"
#include "ink.h"
#include "pieces.h"
#include "squares.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How much the ink of a square may differ from that beside it, when there is so much ink, or more; and the votes
 * that are wanted in a window of 5 x 5 squares. */
typedef struct {
    float uneven, uneven_from;
    int votes;
} degree_t;
static const degree_t sure = {0.07F, 0.20F, 13}, likely = {0.10F, 0.15F, 10};
#define WINDOW 2
/* Between what is elected up to CLOSED squares are closed, for words stand on tints; and the rim of an area is never
 * even. */
#define CLOSED 3
#define RIM 1
/* Of one area is what is not further apart than twice so many squares: the sky of a photograph may be white. */
#define NEAR 4
#define LEAST_AREA 100
#define SURE_PART 30
/* Edges for each pixel of the fax, where half of it is ink: with fewer the dots lie far apart. Of 85 lines to an inch
 * there are 0.53. */
#define FINE_EDGES 0.58F
#define HALF_FROM 0.3F
#define HALF_TO 0.7F

/* Marks on the way to numbers. */
enum { THOUGHT = 1, SEEN, FIRST_NUMBER };
typedef struct {
    squares_t seen;
    uint8_t *sure; /* the squares that are elected beyond doubt */
    int *pending;
} dots_t;

/* How much the ink of a square differs from that of those beside it, which is that of the page's rim beyond it. */
static float unevenness(const dots_t *dots, int x, int y)
{
    const square_t *here = dots->seen.squares + y * dots->seen.across + x;
    float sum = x ? here[-1].ink : here->ink;

    sum += x + 1 < dots->seen.across ? here[1].ink : here->ink;
    sum += y ? here[-dots->seen.across].ink : here->ink;
    sum += y + 1 < dots->seen.down ? here[dots->seen.across].ink : here->ink;
    return fabsf(here->ink - sum / 4);
}

static int has_dots(const dots_t *dots, int x, int y, const degree_t *degree)
{
    const square_t *here = dots->seen.squares + y * dots->seen.across + x;
    float part = here->ink < 0.5F ? here->ink : 1 - here->ink, most = degree->uneven;

    if (part < degree->uneven_from)
        most *= part / degree->uneven_from;
    return here->dotted && (here->lone || unevenness(dots, x, y) < most);
}

/* `counts` becomes how many votes there are in each column, up to WINDOW above row `y` and below it. */
static void count_votes(const grid_t *votes, int y, uint8_t *restrict counts)
{
    box_t box = box_around(0, y, WINDOW, votes->width, votes->height);

    memset(counts, 0, (size_t) votes->width);
    for (int row = box.top; row <= box.bottom; row++) {
        const uint8_t *restrict here = votes->cells + (size_t) row * (size_t) votes->width;

        for (int x = 0; x < votes->width; x++)
            counts[x] += here[x];
    }
}

static int is_elected(const uint8_t *counts, int x, int width, int votes)
{
    box_t box = box_around(x, 0, WINDOW, width, 1);
    int count = 0;

    for (int at = box.left; at <= box.right; at++)
        count += counts[at];
    return count >= votes;
}

/* `marks` become THOUGHT where there are votes enough of that degree; returns whether anywhere. */
static int vote(const dots_t *dots, const degree_t *degree, grid_t *votes, uint8_t *marks)
{
    uint8_t counts[INK_WIDTH / SQUARE];
    int any = 0;

    for (int y = 0; y < dots->seen.down; y++)
        for (int x = 0; x < dots->seen.across; x++)
            votes->cells[y * dots->seen.across + x] = (uint8_t) has_dots(dots, x, y, degree);
    for (int y = 0; y < dots->seen.down; y++) {
        count_votes(votes, y, counts);
        for (int x = 0; x < dots->seen.across; x++) {
            int elected = is_elected(counts, x, dots->seen.across, degree->votes);

            marks[y * dots->seen.across + x] = elected ? THOUGHT : NO_DOTS;
            any |= elected;
        }
    }
    return any;
}

/* Dots must be somewhere beyond doubt; then what may be dots about there is. 1 when there are any, else 0; -2 without
 * memory. */
static int elect(dots_t *dots, grid_t *spare, grid_t *marks)
{
    if (!vote(dots, &sure, spare, dots->sure))
        return 0;
    vote(dots, &likely, spare, marks->cells);
    return grid_lightest(marks, CLOSED) || grid_darkest(marks, CLOSED) || grid_lightest(marks, RIM) ? -2 : 1;
}

/* Whether the dots of the area lie far apart: by its edges, where it is half grey. */
static int is_coarse(const dots_t *dots, const uint8_t *marks, piece_t piece)
{
    float edges = 0, ratio = (float) dots->seen.width / (float) dots->seen.new_width;
    int count = 0;

    for (int y = piece.box.top; y <= piece.box.bottom; y++)
        for (int x = piece.box.left; x <= piece.box.right; x++) {
            const square_t *square = dots->seen.squares + y * dots->seen.across + x;

            if (marks[y * dots->seen.across + x] != SEEN || square->ink < HALF_FROM || square->ink > HALF_TO)
                continue;
            edges += square->edges * ratio;
            count++;
        }
    return edges < FINE_EDGES * (float) count;
}

/* The squares of a piece of `near` that are thought to be dots are seen now; returns whether enough are sure. */
static int see(const dots_t *dots, const uint8_t *near, uint8_t *marks, piece_t piece)
{
    int count = 0, sure_ones = 0;

    for (int y = piece.box.top; y <= piece.box.bottom; y++)
        for (int x = piece.box.left; x <= piece.box.right; x++) {
            int at = y * dots->seen.across + x;

            if (near[at] != SEEN || marks[at] != THOUGHT)
                continue;
            marks[at] = SEEN;
            count++;
            sure_ones += dots->sure[at] == THOUGHT;
        }
    return count >= LEAST_AREA && sure_ones * 100 >= count * SURE_PART;
}

static void mark_seen(const dots_t *dots, uint8_t *marks, box_t box, uint8_t to)
{
    for (int y = box.top; y <= box.bottom; y++)
        for (int x = box.left; x <= box.right; x++)
            if (marks[y * dots->seen.across + x] == SEEN)
                marks[y * dots->seen.across + x] = to;
}

/* What was thought to be dots gets the number of its area, which goes on where `near` does; those beyond the last
 * number share it. */
static int number_areas(const dots_t *dots, uint8_t *near, uint8_t *marks)
{
    uint8_t next = FIRST_NUMBER;

    for (int at = 0; at < dots->seen.across * dots->seen.down; at++) {
        piece_t piece;

        if (near[at] != THOUGHT)
            continue;
        piece = piece_at(near, dots->seen.across, dots->seen.down, dots->pending, at, THOUGHT, SEEN);
        if (see(dots, near, marks, piece)) {
            mark_seen(dots, marks, piece.box, is_coarse(dots, marks, piece) ? next | COARSE : next);
            next += next < AREA_NUMBER;
        } else {
            mark_seen(dots, marks, piece.box, NO_DOTS);
        }
        mark_seen(dots, near, piece.box, NO_DOTS);
    }
    return next > FIRST_NUMBER;
}

static int find(dots_t *dots, uint8_t *marks)
{
    grid_t spare, found = {dots->seen.across, dots->seen.down, 0, marks};
    int any;

    if (grid_make(&spare, dots->seen.across * CELL, dots->seen.down * CELL))
        return -2;
    found.size = spare.size;
    any = elect(dots, &spare, &found);
    if (any > 0) {
        memcpy(spare.cells, marks, found.size);
        any = grid_lightest(&spare, NEAR) ? -2 : number_areas(dots, spare.cells, marks);
    }
    grid_forget(&spare);
    return any;
}

static int look_and_find(dots_t *dots, uint8_t *marks)
{
    size_t count = (size_t) dots->seen.across * (size_t) dots->seen.down;
    int found = squares_look(&dots->seen);

    dots->sure = malloc(count);
    dots->pending = malloc(sizeof(int) * count);
    if (!found)
        found = dots->sure && dots->pending ? find(dots, marks) : -2;
    free(dots->sure);
    free(dots->pending);
    return found;
}

int ink_find_dots(const uint8_t *source, size_t source_size, int width, int height, int new_width, int new_height,
                  uint8_t *marks, size_t marks_size)
{
    dots_t dots = {0};
    int found;

    if (width < 1 || height < 1 || width > INK_MOST_SIDE || height > INK_MOST_SIDE || new_width < 1 ||
        new_width > INK_WIDTH || new_height < 1 || new_height > INK_MOST_ROWS ||
        source_size < (size_t) width * (size_t) height || !squares_fit(marks_size, new_width, new_height))
        return -1;
    found = squares_make(&dots.seen, source, width, height, new_width, new_height);
    if (found > 0)
        found = look_and_find(&dots, marks);
    squares_forget(&dots.seen);
    return found;
}
