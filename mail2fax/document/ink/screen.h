/* Photographs as dots or lines. */
#ifndef MAIL2FAX_SCREEN_H
#define MAIL2FAX_SCREEN_H

#include <stdint.h>

#define SCREENS 2

typedef struct {
    int lines; /* in place of dots */
    int flat;  /* in standard resolution */
    int white; /* the grey of white */
} screen_t;

/* Where `photo` (a byte for each cell of the row) is not 0, the threshold `below` of each pixel of row `y` becomes that
 * of the screen, if it is the higher one. */
void screen_row(screen_t screen, int y, const uint8_t *photo, uint8_t *below, int width);

#endif
