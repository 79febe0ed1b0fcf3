/*
 * tones.h - listens for a fax machine, while we say something else: CED, CNG or the preamble of a V.21 frame.
 */
#ifndef MAIL2FAX_SPANDSP_TONES_H
#define MAIL2FAX_SPANDSP_TONES_H

#include <stddef.h>
#include <stdint.h>

/* cdef begins */

typedef struct tones tones_t;

/* NULL when memory is short. */
tones_t *tones_new(void);
void tones_free(tones_t *tones);
/* Hears samples (`law` 0: mu, 8: A); not 0 once a fax machine was heard, then and ever after. */
int tones_hear_g711(tones_t *tones, const uint8_t *samples, size_t count, int law);

/* cdef ends */

#endif
