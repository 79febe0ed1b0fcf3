/* Where a black-and-white picture shows greys as dots. */
#ifndef MAIL2FAX_DOTS_H
#define MAIL2FAX_DOTS_H

#include <stddef.h>
#include <stdint.h>

/* Dots are looked for, and marked, in squares of so many pixels of the fax: a millimetre. */
#define SQUARE 8
/* Marks of a square: nothing, or the number of the area of dots in which it lies, and whether they lie far apart. */
#define NO_DOTS 0
#define AREA_NUMBER 0x7F
#define COARSE 0x80

/* The squares in a row of so many pixels, or in a column. */
static inline int squares_in(int pixels)
{
    return (pixels + SQUARE - 1) / SQUARE;
}

/* Whether `size` marks are those of a page of that size. */
static inline int squares_fit(size_t size, int width, int height)
{
    return size == (size_t) squares_in(width) * (size_t) squares_in(height);
}

#endif
