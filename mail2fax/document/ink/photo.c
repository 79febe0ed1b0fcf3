/* Photographs are found by their grounds: between paper and black, and never the same for long.
 *
 * The page is looked at in blocks of 2 mm. In a text the lightest pixel of a block is the paper's, or that of the box
 * or bar on which the text stands, and the same all over it. Where the lightest pixels are grey, and change from
 * block to block, there is a photograph. A shadow on paper changes gently everywhere; of a photograph, be there ever so
 * much sky in it, a part is rough. What is found in one piece is made a rectangle when it fills most of it, for
 * photographs have corners.
 */
#include "photo.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 4 /* cells */
/* Beneath this part of the paper's grey (of 256) a block is a tone, and beneath the other it is black. */
#define TONE_BELOW 236
#define TONE_ABOVE 40
#define GENTLE_CHANGE 8
#define ROUGH_CHANGE 26
/* Of a photograph's blocks so many of 100 are rough. */
#define ROUGH_PART 12
#define AROUND 1
#define LEAST_TONES 4
/* Votes are counted in windows of 5 x 5 blocks, and so many are wanted. */
#define WINDOW 2
#define LEAST_VOTES 9
/* In blocks: 3 cm2. */
#define LEAST_AREA 75
#define FILLED_PART 45 /* of 100 */
/* Of a map's tones the commonest few make up most; of a photograph's they do not. */
#define TONE_BINS 32
#define COMMON_BINS 5
#define COMMON_PART 75 /* of 100 */

typedef struct {
    int width, height;
    uint8_t *tones;  /* the lightest grey of each block, 0 where it is no tone */
    uint8_t *votes;  /* 1: it changes there; 2: roughly */
    uint8_t *marks;  /* 1: thought to be photograph; 2: seen; 3: found */
    int *pending;
} blocks_t;

static int make(blocks_t *blocks, const grid_t *grid)
{
    size_t size;

    blocks->width = (grid->width + BLOCK - 1) / BLOCK;
    blocks->height = (grid->height + BLOCK - 1) / BLOCK;
    size = (size_t) blocks->width * (size_t) blocks->height;
    blocks->tones = calloc(size, 1);
    blocks->votes = calloc(size, 1);
    blocks->marks = calloc(size, 1);
    blocks->pending = malloc(sizeof(int) * size);
    return blocks->tones && blocks->votes && blocks->marks && blocks->pending ? 0 : -1;
}

static void forget(blocks_t *blocks)
{
    free(blocks->tones);
    free(blocks->votes);
    free(blocks->marks);
    free(blocks->pending);
}

static int lightest_of(const grid_t *light, int x, int y)
{
    int lightest = 0;

    for (int cy = y * BLOCK; cy < (y + 1) * BLOCK && cy < light->height; cy++)
        for (int cx = x * BLOCK; cx < (x + 1) * BLOCK && cx < light->width; cx++) {
            int here = light->cells[(size_t) cy * (size_t) light->width + (size_t) cx];

            lightest = here > lightest ? here : lightest;
        }
    return lightest;
}

static void see_tones(blocks_t *blocks, const grid_t *light, const grid_t *paper)
{
    for (int y = 0; y < blocks->height; y++)
        for (int x = 0; x < blocks->width; x++) {
            int lightest = lightest_of(light, x, y);
            int ground = paper->cells[(size_t) y * BLOCK * (size_t) paper->width + (size_t) x * BLOCK];

            if (lightest * 256 < ground * TONE_BELOW && lightest * 256 > ground * TONE_ABOVE)
                blocks->tones[y * blocks->width + x] = (uint8_t) lightest;
        }
}

typedef struct {
    int left, right, top, bottom;
} box_t;

static box_t around(const blocks_t *blocks, int x, int y, int reach)
{
    return (box_t) {x < reach ? 0 : x - reach, x + reach < blocks->width ? x + reach : blocks->width - 1,
                    y < reach ? 0 : y - reach, y + reach < blocks->height ? y + reach : blocks->height - 1};
}

/* How different the tones in the box are, when they are many; else 0. */
static int change_in(const blocks_t *blocks, box_t box)
{
    int count = 0, lightest = 0, darkest = 255;

    for (int y = box.top; y <= box.bottom; y++)
        for (int x = box.left; x <= box.right; x++) {
            int tone = blocks->tones[y * blocks->width + x];

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
            int change = change_in(blocks, around(blocks, x, y, AROUND));

            blocks->votes[y * blocks->width + x] =
                (uint8_t) ((change >= GENTLE_CHANGE + noise) + (change >= ROUGH_CHANGE + noise));
        }
    for (int y = 0; y < blocks->height; y++)
        for (int x = 0; x < blocks->width; x++)
            blocks->marks[y * blocks->width + x] = votes_in(blocks, around(blocks, x, y, WINDOW)) >= LEAST_VOTES;
}

typedef struct {
    box_t box;
    int size, rough, tones;
    int bins[TONE_BINS];
} piece_t;

/* The piece at `start`, which is marked as seen. */
static piece_t explore(blocks_t *blocks, int start)
{
    piece_t piece = {.box = {blocks->width, 0, blocks->height, 0}};
    box_t *box = &piece.box;
    int count = 0;

    blocks->marks[start] = 2;
    blocks->pending[count++] = start;
    while (count) {
        int at = blocks->pending[--count], x = at % blocks->width, y = at / blocks->width;
        box_t near = around(blocks, x, y, 1);

        piece.size++;
        piece.rough += blocks->votes[at] == 2;
        if (blocks->tones[at]) {
            piece.tones++;
            piece.bins[blocks->tones[at] * TONE_BINS / 256]++;
        }
        box->left = x < box->left ? x : box->left;
        box->right = x > box->right ? x : box->right;
        box->top = y < box->top ? y : box->top;
        box->bottom = y > box->bottom ? y : box->bottom;
        for (int ny = near.top; ny <= near.bottom; ny++)
            for (int nx = near.left; nx <= near.right; nx++)
                if (blocks->marks[ny * blocks->width + nx] == 1) {
                    blocks->marks[ny * blocks->width + nx] = 2;
                    blocks->pending[count++] = ny * blocks->width + nx;
                }
    }
    return piece;
}

/* How many blocks have one of the commonest tones. */
static int common_tones(piece_t piece)
{
    int count = 0;

    for (int i = 0; i < COMMON_BINS; i++) {
        int most = 0;

        for (int bin = 1; bin < TONE_BINS; bin++)
            most = piece.bins[bin] > piece.bins[most] ? bin : most;
        count += piece.bins[most];
        piece.bins[most] = 0;
    }
    return count;
}

/* The piece that was just seen is found, or forgotten: 2 becomes 3 or 0; of a rectangle all becomes 3. */
static void settle(blocks_t *blocks, piece_t piece)
{
    box_t box = piece.box;
    int area = (box.right - box.left + 1) * (box.bottom - box.top + 1);
    int found = piece.size >= LEAST_AREA && piece.rough * 100 >= piece.size * ROUGH_PART &&
                common_tones(piece) * 100 <= piece.tones * COMMON_PART;
    int whole = found && piece.size * 100 >= area * FILLED_PART;

    for (int y = box.top; y <= box.bottom; y++)
        for (int x = box.left; x <= box.right; x++) {
            uint8_t *mark = &blocks->marks[y * blocks->width + x];

            if (whole || (found && *mark == 2))
                *mark = 3;
            else if (*mark == 2)
                *mark = 0;
        }
}

int photo_find(const grid_t *light, const grid_t *paper, int noise, grid_t *mask)
{
    blocks_t blocks = {0};
    int failed = make(&blocks, light);

    if (!failed) {
        see_tones(&blocks, light, paper);
        vote(&blocks, noise);
        for (int at = 0; at < blocks.width * blocks.height; at++)
            if (blocks.marks[at] == 1)
                settle(&blocks, explore(&blocks, at));
        for (int y = 0; y < mask->height; y++)
            for (int x = 0; x < mask->width; x++)
                mask->cells[(size_t) y * (size_t) mask->width + (size_t) x] =
                    blocks.marks[y / BLOCK * blocks.width + x / BLOCK] == 3;
    }
    forget(&blocks);
    return failed;
}
