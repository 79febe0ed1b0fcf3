/* What is told of a place by the greys that it has, and by what is written there. */
#ifndef MAIL2FAX_SHADES_H
#define MAIL2FAX_SHADES_H

#include <stddef.h>

/* Beneath this part of the paper's grey (of 256) a place is inked. */
#define TONE_BELOW 236
/* So much darker than its ground is what is written. Of what is inked no more of 100 may be written on that it is a
 * photograph; and of a photograph so much must be inked. */
#define STROKE_DEPTH 50
#define WRITTEN_PART 10
#define FULL_PART 60
#define GREYS_STEP 8

/* Of how many greys there is how much. */
typedef struct {
    size_t inked, dark, greys[256 / GREYS_STEP];
} shades_t;

void shades_add(shades_t *shades, int grey, int white);

/* Whether most is dark, and not all of one grey, as tints are. */
int shades_are_night(const shades_t *shades);

#endif
