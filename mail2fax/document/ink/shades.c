/* Greys are counted in steps. Of a tint more have one grey than FLAT_PART of 100; a grey is dark below DARK_BELOW (of 256) of
 * white.
 */
#include "shades.h"

#define FLAT_PART 75
#define DARK_BELOW 96

void shades_add(shades_t *shades, int grey, int white)
{
    shades->inked++;
    shades->dark += grey * 256 < white * DARK_BELOW;
    shades->greys[grey / GREYS_STEP]++;
}

int shades_are_night(const shades_t *shades)
{
    size_t most = 0;

    for (int i = 1; i + 1 < 256 / GREYS_STEP; i++) {
        size_t alike = shades->greys[i - 1] + shades->greys[i] + shades->greys[i + 1];

        most = alike > most ? alike : most;
    }
    return shades->dark * 2 > shades->inked && most * 100 <= shades->inked * FLAT_PART;
}
