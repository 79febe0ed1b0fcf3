/* Pixels that differ from all four neighbours are everywhere in a dither, and nowhere in print. Of dots that have
 * grown together there are as many edges one way as the other, and corners for their edges. Of lines most edges go
 * one way, and where lines cross they leave holes.
 */
#include "squares.h"
#include "dots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So many pixels a side must a square have for anything to be told; and counts of them fit into a byte. */
#define LEAST_SIDE 5
#define MOST_SIDE 250
/* Of a square's rows so many are looked at. */
#define ENOUGH_ROWS 8
/* Parts of a square. Lone pixels; ink of a grey, or white; how much edges differ by their direction, and by how many
 * they may by chance. */
#define LONE 0.03F
#define GREY_FROM 0.02F
#define ANY_WAY 0.35F
#define EDGES_BY_CHANCE 0.02F
#define DOTS_TOUCH 0.31F
#define DOTS_JOIN 0.45F
/* Where dots touch there are so many edges for each pixel of the fax, or more: on a press of 45 lines to an inch 0.28,
 * on paper that is ruled by the millimetre 0.21. */
#define RULED 0.24F
/* Of round dots ink x corners / edges^2 is pi / 4. */
#define ROUND 0.35F

enum { INK, ACROSS, DOWN, FALLING, RISING, LONELY, CORNERS, HOLLOWS, TOUCHING, COUNTS };

/* What was counted in so many columns. */
#define STRIP 64
typedef struct {
    uint8_t counts[COUNTS][STRIP];
} strip_t;

typedef struct {
    const squares_t *of;
    uint8_t *counts[COUNTS]; /* of each column of a row of squares; none of the first and the last */
    int step;                /* from one row that is looked at to the next */
} look_t;

/* Adds to the counts of `width` columns what one row has. A pixel is 0 or 255, so that what differs is 255: one less
 * than nothing, as bytes are counted. */
static inline void count_row(const uint8_t *restrict above, const uint8_t *restrict here, const uint8_t *restrict below,
                             strip_t *restrict strip, int width)
{
    for (int x = 0; x < width; x++) {
        uint8_t pixel = here[x], next = pixel ^ here[x + 1], under = pixel ^ below[x];
        uint8_t odd = next ^ below[x] ^ below[x + 1];
        uint8_t three = (uint8_t) ~((pixel | here[x + 1]) & (below[x] | below[x + 1]));

        strip->counts[INK][x] -= (uint8_t) ~pixel;
        strip->counts[ACROSS][x] -= next;
        strip->counts[DOWN][x] -= under;
        strip->counts[FALLING][x] -= pixel ^ below[x + 1];
        strip->counts[RISING][x] -= pixel ^ below[x - 1];
        strip->counts[CORNERS][x] -= odd & (uint8_t) ~three;
        strip->counts[HOLLOWS][x] -= odd & three;
        strip->counts[TOUCHING][x] -= next & under & (uint8_t) ~odd;
        strip->counts[LONELY][x] -= next & under & (pixel ^ here[x - 1]) & (pixel ^ above[x]);
    }
}

/* Whether nothing is black in so many columns from `here` on: so are most of a letter's. */
static int is_white(const uint8_t *here, size_t width, int columns, int rows)
{
    uint8_t all[STRIP];

    memset(all, 255, sizeof(all));
    for (int y = 0; y < rows; y++, here += width) {
        if (columns == STRIP)
            for (int x = 0; x < STRIP; x++)
                all[x] &= here[x];
        else
            for (int x = 0; x < columns; x++)
                all[x] &= here[x];
    }
    for (int x = 1; x < STRIP; x++)
        all[0] &= all[x];
    return all[0];
}

/* Counts so many columns from `left` on, over the rows from `top` to before `end`. */
static void count_strip(const look_t *look, int left, int columns, int top, int end)
{
    size_t width = (size_t) look->of->width;
    strip_t strip = {0};

    if (is_white(look->of->pixels + (size_t) top * width + left, width, columns, end - top))
        end = top;
    for (int y = top; y < end; y += look->step) {
        const uint8_t *here = look->of->pixels + (size_t) y * width + left;
        const uint8_t *above = y ? here - width : here, *below = y + 1 < look->of->height ? here + width : here;

        /* A loop whose length the compiler knows is vector code without a rest. */
        if (columns == STRIP)
            count_row(above, here, below, &strip, STRIP);
        else
            count_row(above, here, below, &strip, columns);
    }
    for (int i = 0; i < COUNTS; i++)
        memcpy(look->counts[i] + left, strip.counts[i], (size_t) columns);
}

/* Where the squares of number `i` begin among `length` pixels that become `new_length`. */
static int begin_of(int i, int length, int new_length)
{
    int64_t at = (int64_t) i * SQUARE * length / new_length;

    return at < length ? (int) at : length;
}

/* Part `what` of a square: the columns from `left` to before `right` of so many rows. */
static float part_of(const look_t *look, int what, int left, int right, int rows)
{
    unsigned sum = 0;

    for (int x = left; x < right; x++)
        sum += look->counts[what][x];
    return (float) sum / (float) (rows * (right - left));
}

static int are_alike(float one, float other)
{
    return fabsf(one - other) < ANY_WAY * (one + other + EDGES_BY_CHANCE);
}

/* Whether the corners of what there is of ink are those of dots, and of white those of holes (Euler): a dot has four
 * more than it has hollows, a hole four less, and where two touch at their corners that makes two less. Lines that
 * cross, and letters, have few for their edges. Where half is ink, dots and holes are the same; and where lines are
 * thick, what they leave are holes, too, but larger than a press makes them. `ratio`: pixels for each one of the fax. */
static int is_dotted(const square_t *square, float ratio, float corners, float hollows, float touching)
{
    float balance = square->ink < 0.5F ? corners - hollows : hollows - corners;
    float part = square->ink < 0.5F ? square->ink : 1 - square->ink, apart = balance - 2 * touching;

    if (part > DOTS_TOUCH)
        return square->edges * ratio > RULED && (part > DOTS_JOIN || balance > 0);
    return square->lone ? apart > 0 : apart * part > ROUND * square->edges * square->edges;
}

/* Most squares of a page are white, and of most others it is soon clear what they are. */
static square_t square_of(const look_t *look, int left, int right, int rows)
{
    square_t square = {.ink = part_of(look, INK, left, right, rows)};
    float across, down, ratio = (float) look->of->width / (float) look->of->new_width;

    if (square.ink <= 0)
        return square;
    square.lone = part_of(look, LONELY, left, right, rows) >= LONE;
    if (!square.lone && (square.ink < GREY_FROM || square.ink > 1 - GREY_FROM))
        return square;
    across = part_of(look, ACROSS, left, right, rows);
    down = part_of(look, DOWN, left, right, rows);
    square.edges = (across + down) / 2;
    square.dotted = are_alike(across, down) &&
                  are_alike(part_of(look, FALLING, left, right, rows), part_of(look, RISING, left, right, rows)) &&
                  is_dotted(&square, ratio, part_of(look, CORNERS, left, right, rows),
                            part_of(look, HOLLOWS, left, right, rows), part_of(look, TOUCHING, left, right, rows));
    return square;
}

static void count_squares(const look_t *look, int number)
{
    const squares_t *of = look->of;
    int top = begin_of(number, of->height, of->new_height), end = begin_of(number + 1, of->height, of->new_height);
    int rows = (end - top + look->step - 1) / look->step;

    for (int x = 1; x < of->width - 1; x += STRIP)
        count_strip(look, x, x + STRIP < of->width ? STRIP : of->width - 1 - x, top, end);
    for (int x = 0; x < of->across; x++) {
        int left = begin_of(x, of->width, of->new_width), right = begin_of(x + 1, of->width, of->new_width);

        of->squares[number * of->across + x] = square_of(look, left, right, rows);
    }
}

static int side_is_fair(int length, int new_length)
{
    int side = length * SQUARE / new_length;

    return side >= LEAST_SIDE && side <= MOST_SIDE;
}

int squares_make(squares_t *squares, const uint8_t *pixels, int width, int height, int new_width, int new_height)
{
    *squares = (squares_t) {pixels,          width, height, new_width, new_height, squares_in(new_width),
                            squares_in(new_height), NULL};
    if (!side_is_fair(width, new_width) || !side_is_fair(height, new_height))
        return 0;
    squares->squares = malloc(sizeof(square_t) * (size_t) squares->across * (size_t) squares->down);
    return squares->squares ? 1 : -2;
}

void squares_forget(squares_t *squares)
{
    free(squares->squares);
    squares->squares = NULL;
}

int squares_look(squares_t *squares)
{
    look_t look = {.of = squares};
    int failed = 0;

    /* Odd, so that of patterns that repeat after 2, 4 or 8 rows it sees each. */
    look.step = squares->height * SQUARE / squares->new_height / ENOUGH_ROWS | 1;
    for (int i = 0; i < COUNTS; i++)
        if (!(look.counts[i] = calloc((size_t) squares->width, 1)))
            failed = -2;
    for (int y = 0; !failed && y < squares->down; y++)
        count_squares(&look, y);
    for (int i = 0; i < COUNTS; i++)
        free(look.counts[i]);
    return failed;
}
