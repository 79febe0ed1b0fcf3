/* Rows of a fax page, as ink.h has them. */
#ifndef MAIL2FAX_ROWS_H
#define MAIL2FAX_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* Whether a grey page of that size lies in `size` bytes, and its rows in `rows_size`. */
int rows_fit(size_t size, int width, int height, size_t rows_size);

/* One row: black where a pixel of `grey` is darker than that of `below`; in the middle of the paper. */
void rows_pack(uint8_t *row, const uint8_t *grey, const uint8_t *below, int width);

#endif
