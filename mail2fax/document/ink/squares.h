/* A black-and-white picture seen in squares of a millimetre: how much of each is ink, and whether that can be dots. */
#ifndef MAIL2FAX_SQUARES_H
#define MAIL2FAX_SQUARES_H

#include <stdint.h>

typedef struct {
    float ink, edges; /* parts of its pixels: the black ones, and those that differ from the next one */
    int lone;         /* whether many pixels differ from all around them */
    int dotted;       /* whether it can be dots, by its edges and corners */
} square_t;

typedef struct {
    const uint8_t *pixels;
    int width, height;         /* of the picture, in its own pixels */
    int new_width, new_height; /* of the fax */
    int across, down;          /* squares */
    square_t *squares;
} squares_t;

/* For a picture of `width` x `height` pixels, 0 or 255, that becomes a fax of `new_width` x `new_height`: 1; 0 when its
 * squares have too few pixels, or too many; -2 without memory. */
int squares_make(squares_t *squares, const uint8_t *pixels, int width, int height, int new_width, int new_height);
void squares_forget(squares_t *squares);

/* Looks at the picture. -2 without memory. */
int squares_look(squares_t *squares);

#endif
