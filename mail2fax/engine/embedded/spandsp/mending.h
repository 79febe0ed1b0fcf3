/*
 * mending.h - what libspandsp's T.30 gets wrong on lines that lose packets, set right from outside.
 */
#ifndef MAIL2FAX_SPANDSP_MENDING_H
#define MAIL2FAX_SPANDSP_MENDING_H

#include <stddef.h>
#include <stdint.h>

#include <spandsp.h>

#define HEARD_SAMPLES 160       /* 20 ms */

typedef struct {
    int receiving;
    int state_before_dcs, phase_before_dcs;   /* in which the last DCS found T.30 ... */
    int state_after_dcs;        /* ... and left it */
    int dcs_in_hand;
    int asked_last;             /* the far end's last word was that a page was the last ... */
    int confirmed_last;         /* ... and ours, that it is good */
    int state_before_last;      /* in which that found T.30 */
    int held, quiet;            /* samples of one wait: with a signal on the line, and without one since then */
    int forgiven;               /* broken answers to one command of ours that were not counted as tries */
    int timer;                  /* which of its timers T.30 was running the last time */
    int16_t heard[HEARD_SAMPLES];
    int heard_at;
    int since_heard;            /* samples made up since the last one that came */
} mending_t;

void mend_start(mending_t *mending, int receiving);

/* A frame of the far end, before T.30 acts on it. */
void mend_incoming(mending_t *mending, t30_state_t *t30, const uint8_t *frame, int length);
/* A frame of ours. */
void mend_outgoing(mending_t *mending, const uint8_t *frame);
/* T.30 has acted, and so many samples of time have passed; energy: the line carries a signal. */
void mend_timers(mending_t *mending, t30_state_t *t30, int samples, int energy);

/* Whether this packet must be left out: it bears data, and T.30 is speaking. */
int mend_deaf(const t38_terminal_state_t *t38, const uint8_t *packet);

/* Fewer and bigger packets for a far end that takes datagrams of `most` octets: to be called before it begins. */
void mend_pace(t38_terminal_state_t *t38, int most);

/* Whether these samples carry a modem's signal or only noise. */
int mend_energy(const int16_t *samples, size_t count);
/* Remember what was heard. Make up for what was lost: 0 when the gap has become too long for that. */
void mend_heard(mending_t *mending, const int16_t *samples, size_t count);
int mend_gap(mending_t *mending, int16_t *samples, size_t count);

#endif
