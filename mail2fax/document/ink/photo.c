/* Photographs are found by their grounds: grey, and nowhere the same for long.
 *
 * The page is looked at in blocks of 2 mm, through two sieves: one takes dark strokes away, the other light ones. Of
 * text on a bar, of names on a map, of digits in a table of coloured fields at least one of them leaves flat greys, with
 * steps between them. Where both leave greys that change from block to block there may be a photograph. Then steps and
 * shades are told apart: at a step a block differs from its neighbour on one side only, in a shade from those on both.
 * A shadow on paper is a shade, too, but it goes one way for long; in a photograph greys come and go. What is found in
 * one piece is made a rectangle when it fills most of it, for photographs have corners. Flat and dark parts have no shades:
 * they belong to a photograph when they make a rectangle with what is found of it, and nothing is written on them; and so
 * they do without that when they are a night, dark and not of one grey.
 */
#include "photo.h"
#include "pieces.h"
#include "shades.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 4 /* cells */
/* Beneath this part of the paper's grey (of 256) what is inked is no tone, but black. */
#define TONE_ABOVE 40
#define CHANGE 8
/* Of a photograph's blocks so many of 100 are shaded, and darker or lighter than those FAR away on both sides; in a small
 * one some must be so by more than chance. */
#define SHADE 3
#define SHADED_PART 13
#define SHADED_BY_CHANCE 8
#define FAR 3
#define PEAK 8
#define PEAKS_PART 3
#define AROUND 1
#define LEAST_TONES 4
/* Votes are counted in windows of 5 x 5 blocks, and so many are wanted. */
#define WINDOW 2
#define LEAST_VOTES 9
/* In blocks: 3 cm2. */
#define LEAST_AREA 75
#define FILLED_PART 28 /* of 100 */
/* Of what is inked in one piece so many of 100 must be found that all of it is photograph. A night has so many blocks on each
 * side, 24 mm: a bar whose black fades is less high. */
#define FOUND_PART 25
#define NIGHT_SIDE 12

enum { NOTHING, THOUGHT, SEEN, FOUND };

typedef struct {
    int width, height;
    uint8_t *tones;  /* each block's grey without dark strokes, 0 where that is paper or black */
    uint8_t *depths; /* without light strokes, 0 at the same places */
    uint8_t *votes;  /* 1: it changes there */
    uint8_t *marks;   /* what is thought of it */
    uint8_t *inked;   /* THOUGHT where it is no paper */
    uint8_t *strokes; /* 1: there is something much darker than its ground */
    int *pending;
} blocks_t;

static int make(blocks_t *blocks, const grid_t *grid)
{
    size_t size;

    blocks->width = (grid->width + BLOCK - 1) / BLOCK;
    blocks->height = (grid->height + BLOCK - 1) / BLOCK;
    size = (size_t) blocks->width * (size_t) blocks->height;
    blocks->tones = calloc(size, 1);
    blocks->depths = calloc(size, 1);
    blocks->votes = calloc(size, 1);
    blocks->marks = calloc(size, 1);
    blocks->inked = calloc(size, 1);
    blocks->strokes = calloc(size, 1);
    blocks->pending = malloc(sizeof(int) * size);
    return blocks->tones && blocks->depths && blocks->votes && blocks->marks && blocks->inked &&
                   blocks->strokes && blocks->pending
               ? 0
               : -1;
}

static void forget(blocks_t *blocks)
{
    free(blocks->tones);
    free(blocks->depths);
    free(blocks->votes);
    free(blocks->marks);
    free(blocks->inked);
    free(blocks->strokes);
    free(blocks->pending);
}

/* The cell in the middle of a block. */
static size_t middle_of(const grid_t *grid, int x, int y)
{
    int cx = x * BLOCK + BLOCK / 2, cy = y * BLOCK + BLOCK / 2;

    cx = cx < grid->width ? cx : grid->width - 1;
    cy = cy < grid->height ? cy : grid->height - 1;
    return (size_t) cy * (size_t) grid->width + (size_t) cx;
}

static void see_tones(blocks_t *blocks, const grid_t *ground, const grid_t *depth, const grid_t *paper)
{
    for (int y = 0; y < blocks->height; y++)
        for (int x = 0; x < blocks->width; x++) {
            size_t cell = middle_of(ground, x, y);
            int tone = ground->cells[cell], white = paper->cells[cell], at = y * blocks->width + x;

            blocks->inked[at] = tone * 256 < white * TONE_BELOW ? THOUGHT : NOTHING;
            if (tone * 256 >= white * TONE_BELOW || tone * 256 <= white * TONE_ABOVE)
                continue;
            blocks->tones[at] = (uint8_t) tone;
            blocks->depths[at] = depth->cells[cell] ? depth->cells[cell] : 1;
        }
}

static box_t around(const blocks_t *blocks, int x, int y, int reach)
{
    return box_around(x, y, reach, blocks->width, blocks->height);
}

/* How different the tones in the box are, when they are many; else 0. */
static int change_in(const blocks_t *blocks, const uint8_t *tones, box_t box)
{
    int count = 0, lightest = 0, darkest = 255;

    for (int y = box.top; y <= box.bottom; y++)
        for (int x = box.left; x <= box.right; x++) {
            int tone = tones[y * blocks->width + x];

            if (!tone)
                continue;
            count++;
            lightest = tone > lightest ? tone : lightest;
            darkest = tone < darkest ? tone : darkest;
        }
    return count >= LEAST_TONES ? lightest - darkest : 0;
}

static int votes_in(const blocks_t *blocks, box_t box)
{
    int count = 0;

    for (int y = box.top; y <= box.bottom; y++)
        for (int x = box.left; x <= box.right; x++)
            count += blocks->votes[y * blocks->width + x] > 0;
    return count;
}

static void vote(blocks_t *blocks, int noise)
{
    for (int y = 0; y < blocks->height; y++)
        for (int x = 0; x < blocks->width; x++) {
            box_t box = around(blocks, x, y, AROUND);

            blocks->votes[y * blocks->width + x] = change_in(blocks, blocks->tones, box) >= CHANGE + noise &&
                                                   change_in(blocks, blocks->depths, box) >= CHANGE + noise;
        }
    for (int y = 0; y < blocks->height; y++)
        for (int x = 0; x < blocks->width; x++)
            blocks->marks[y * blocks->width + x] = votes_in(blocks, around(blocks, x, y, WINDOW)) >= LEAST_VOTES;
}

/* By how much the grey of a block differs from each of two blocks; negative when it lies between them; 0 where one of
 * them has none. */
static int apart(int here, int before, int after)
{
    int first = abs(here - before), second = abs(here - after), least = first < second ? first : second;

    if (!here || !before || !after)
        return 0;
    return (here > before) == (here > after) ? least : -least;
}

/* The same for the blocks `far` away on both sides, and above and below: the larger one as a shade, and as a peak. */
typedef struct {
    int shade, peak;
} relief_t;

static relief_t relief_at(const blocks_t *blocks, const uint8_t *tones, int x, int y, int far)
{
    const uint8_t *here = tones + y * blocks->width + x;
    int inside = x >= far && x + far < blocks->width, across = inside ? apart(*here, here[-far], here[far]) : 0;
    int step = far * blocks->width, within = y >= far && y + far < blocks->height;
    int down = within ? apart(*here, here[-step], here[step]) : 0;

    return (relief_t) {abs(across) > abs(down) ? abs(across) : abs(down), across > down ? across : down};
}

typedef struct {
    int tones, shaded, peaks;
} relief_count_t;

/* Counts what the block says: shades and peaks are those that both sieves leave. */
static void judge(const blocks_t *blocks, relief_count_t *count, int x, int y, int noise)
{
    relief_t tone = relief_at(blocks, blocks->tones, x, y, 1), depth = relief_at(blocks, blocks->depths, x, y, 1);
    relief_t high = relief_at(blocks, blocks->tones, x, y, FAR), deep = relief_at(blocks, blocks->depths, x, y, FAR);

    count->tones += blocks->tones[y * blocks->width + x] > 0;
    count->shaded += tone.shade >= SHADE + noise / 2 && depth.shade >= SHADE + noise / 2;
    count->peaks += high.peak >= PEAK + noise && deep.peak >= PEAK + noise;
}

/* Whether the piece that was just seen is a photograph. */
static int is_photo(const blocks_t *blocks, piece_t piece, int noise)
{
    relief_count_t count = {0};

    for (int y = piece.box.top; y <= piece.box.bottom; y++)
        for (int x = piece.box.left; x <= piece.box.right; x++)
            if (blocks->marks[y * blocks->width + x] == SEEN)
                judge(blocks, &count, x, y, noise);
    return piece.size >= LEAST_AREA && (count.shaded - SHADED_BY_CHANCE) * 100 >= count.tones * SHADED_PART &&
           count.peaks * 100 >= count.tones * PEAKS_PART;
}

/* The piece that was just seen is found, or forgotten; of a rectangle all is found. */
static void settle(blocks_t *blocks, piece_t piece, int found)
{
    box_t box = piece.box;
    int area = (box.right - box.left + 1) * (box.bottom - box.top + 1);
    int whole = found && piece.size * 100 >= area * FILLED_PART;

    for (int y = box.top; y <= box.bottom; y++)
        for (int x = box.left; x <= box.right; x++) {
            uint8_t *mark = &blocks->marks[y * blocks->width + x];

            if (whole || (found && *mark == SEEN))
                *mark = FOUND;
            else if (*mark == SEEN)
                *mark = NOTHING;
        }
}

static void find(blocks_t *blocks, int noise)
{
    for (int at = 0; at < blocks->width * blocks->height; at++)
        if (blocks->marks[at] == THOUGHT) {
            piece_t piece = piece_at(blocks->marks, blocks->width, blocks->height, blocks->pending, at, THOUGHT, SEEN);

            settle(blocks, piece, is_photo(blocks, piece, noise));
        }
}

static void see_strokes(blocks_t *blocks, const grid_t *ground, const grid_t *dark)
{
    for (int y = 0; y < ground->height; y++)
        for (int x = 0; x < ground->width; x++) {
            size_t cell = (size_t) y * (size_t) ground->width + (size_t) x;

            if (ground->cells[cell] - dark->cells[cell] >= STROKE_DEPTH)
                blocks->strokes[y / BLOCK * blocks->width + x / BLOCK] = 1;
        }
}

/* Whether all that is inked in one piece, which was just seen, is one photograph: most of a rectangle, much of it found, or
 * dark, where shades are too faint to be found, and hardly anything written on the rest. */
static int is_one_photo(const blocks_t *blocks, piece_t piece, const grid_t *ground)
{
    int across = piece.box.right - piece.box.left + 1, down = piece.box.bottom - piece.box.top + 1;
    int found = 0, written = 0, large = across >= NIGHT_SIDE && down >= NIGHT_SIDE;
    shades_t shades = {0};

    for (int y = piece.box.top; y <= piece.box.bottom; y++)
        for (int x = piece.box.left; x <= piece.box.right; x++) {
            int at = y * blocks->width + x;

            if (blocks->inked[at] != SEEN)
                continue;
            found += blocks->marks[at] == FOUND;
            written += blocks->marks[at] != FOUND && blocks->strokes[at];
            shades_add(&shades, ground->cells[middle_of(ground, x, y)], 255);
        }
    return (found * 100 >= piece.size * FOUND_PART || (large && shades_are_night(&shades))) &&
           written * 100 <= (piece.size - found) * WRITTEN_PART && piece.size * 100 >= across * down * FULL_PART;
}

static int is_seen_from(const blocks_t *blocks, box_t box, int x, int y, int right, int down)
{
    for (; x >= box.left && x <= box.right && y >= box.top && y <= box.bottom; x += right, y += down)
        if (blocks->inked[y * blocks->width + x] == SEEN)
            return 1;
    return 0;
}

/* Whether the block lies in the piece that was just seen, or in a hole of it: in the middle of a wide flat part there is
 * no lighter paper near enough to tell that it is inked. */
static int is_within(const blocks_t *blocks, box_t box, int x, int y)
{
    return is_seen_from(blocks, box, x, y, -1, 0) && is_seen_from(blocks, box, x, y, 1, 0) &&
           is_seen_from(blocks, box, x, y, 0, -1) && is_seen_from(blocks, box, x, y, 0, 1);
}

static void find_within(blocks_t *blocks, box_t box)
{
    for (int y = box.top; y <= box.bottom; y++)
        for (int x = box.left; x <= box.right; x++)
            if (is_within(blocks, box, x, y))
                blocks->marks[y * blocks->width + x] = FOUND;
}

/* Of a photograph the flat and the dark parts are not found by themselves: they are those that go on from what is. */
static void complete(blocks_t *blocks, const grid_t *ground)
{
    for (int at = 0; at < blocks->width * blocks->height; at++) {
        piece_t piece;

        if (blocks->inked[at] != THOUGHT)
            continue;
        piece = piece_at(blocks->inked, blocks->width, blocks->height, blocks->pending, at, THOUGHT, SEEN);
        if (is_one_photo(blocks, piece, ground))
            find_within(blocks, piece.box);
        piece_at(blocks->inked, blocks->width, blocks->height, blocks->pending, at, SEEN, NOTHING);
    }
}

int photo_find(const grid_t *ground, const grid_t *depth, const grid_t *dark, const grid_t *paper, int noise,
               grid_t *mask)
{
    blocks_t blocks = {0};
    int failed = make(&blocks, ground);

    if (!failed) {
        see_tones(&blocks, ground, depth, paper);
        vote(&blocks, noise);
        find(&blocks, noise);
        see_strokes(&blocks, ground, dark);
        complete(&blocks, ground);
        for (int y = 0; y < mask->height; y++)
            for (int x = 0; x < mask->width; x++)
                mask->cells[(size_t) y * (size_t) mask->width + (size_t) x] =
                    blocks.marks[y / BLOCK * blocks.width + x / BLOCK] == FOUND ? IN_GREY : 0;
    }
    forget(&blocks);
    return failed;
}
