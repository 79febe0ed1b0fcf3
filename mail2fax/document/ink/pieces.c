/* Pieces of a map are walked from place to place, with a list of those that are still to be looked around. */
#include "pieces.h"

box_t box_around(int x, int y, int reach, int width, int height)
{
    return (box_t) {x < reach ? 0 : x - reach, x + reach < width ? x + reach : width - 1, y < reach ? 0 : y - reach,
                    y + reach < height ? y + reach : height - 1};
}

static void include(box_t *box, int x, int y)
{
    box->left = x < box->left ? x : box->left;
    box->right = x > box->right ? x : box->right;
    box->top = y < box->top ? y : box->top;
    box->bottom = y > box->bottom ? y : box->bottom;
}

piece_t piece_at(uint8_t *marks, int width, int height, int *pending, int start, uint8_t from, uint8_t to)
{
    piece_t piece = {.box = {width, 0, height, 0}};
    int count = 0;

    marks[start] = to;
    pending[count++] = start;
    while (count) {
        int at = pending[--count], x = at % width, y = at / width;
        box_t near = box_around(x, y, 1, width, height);

        piece.size++;
        include(&piece.box, x, y);
        for (int ny = near.top; ny <= near.bottom; ny++)
            for (int nx = near.left; nx <= near.right; nx++)
                if (marks[ny * width + nx] == from) {
                    marks[ny * width + nx] = to;
                    pending[count++] = ny * width + nx;
                }
    }
    return piece;
}
