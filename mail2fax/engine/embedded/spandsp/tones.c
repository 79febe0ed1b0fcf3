/*
 * tones.c - listens for a fax machine, while we say something else.
 *
 * T.30 4.3.3: a machine that answers sends CED (2100 Hz), then its DIS in V.21 with a preamble of flags; one that was
 * told to call sends CNG (1100 Hz). libspandsp has a detector for each; its callback only notes that one was heard.
 */
#include <stdlib.h>

#include <spandsp.h>

#include "tones.h"

#define LAW_A 8
#define CHUNK 160
#define KINDS 3

static const int kinds[KINDS] = {
    MODEM_CONNECT_TONES_FAX_CED, MODEM_CONNECT_TONES_FAX_PREAMBLE, MODEM_CONNECT_TONES_FAX_CNG
};

struct tones {
    modem_connect_tones_rx_state_t *detectors[KINDS];
    int heard;
};

static void note(void *user, int tone, int level, int delay)
{
    tones_t *tones = user;

    (void) level;
    (void) delay;
    if (tone != MODEM_CONNECT_TONES_NONE)
        tones->heard = 1;
}

tones_t *tones_new(void)
{
    tones_t *tones = calloc(1, sizeof(*tones));
    int kind;

    if (tones == NULL)
        return NULL;
    for (kind = 0; kind < KINDS; kind++) {
        tones->detectors[kind] = modem_connect_tones_rx_init(NULL, kinds[kind], note, tones);
        if (tones->detectors[kind] == NULL) {
            tones_free(tones);
            return NULL;
        }
    }
    return tones;
}

void tones_free(tones_t *tones)
{
    int kind;

    if (tones == NULL)
        return;
    for (kind = 0; kind < KINDS; kind++)
        if (tones->detectors[kind])
            modem_connect_tones_rx_free(tones->detectors[kind]);
    free(tones);
}

int tones_hear_g711(tones_t *tones, const uint8_t *samples, size_t count, int law)
{
    int16_t linear[CHUNK];
    size_t chunk, i;
    int kind;

    for (; count > 0; count -= chunk, samples += chunk) {
        chunk = count < CHUNK ? count : CHUNK;
        for (i = 0; i < chunk; i++)
            linear[i] = law == LAW_A ? alaw_to_linear(samples[i]) : ulaw_to_linear(samples[i]);
        for (kind = 0; kind < KINDS; kind++)
            modem_connect_tones_rx(tones->detectors[kind], linear, (int) chunk);
    }
    return tones->heard;
}
