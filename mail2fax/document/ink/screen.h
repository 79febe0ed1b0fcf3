/* Photographs as dots or lines. */
#ifndef MAIL2FAX_SCREEN_H
#define MAIL2FAX_SCREEN_H

#include <stdint.h>

#define SCREENS 2

/* Where `photo` (a byte for each cell of the row) is not 0, the threshold `below` of each pixel of row `y` becomes that
 * of the screen, if it is the higher one: 0 is a screen of dots, 1 of lines. `white` is the grey of white. */
void screen_row(int screen, int white, int y, const uint8_t *photo, uint8_t *below, int width);

#endif
