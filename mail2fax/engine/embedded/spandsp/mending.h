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
    int answering_state, ced_phase;     /* of one that was called, before its first DIS; no state has the number 0 */
    int listening, silent;      /* samples since its CED was broken off, and since the far end's signal ended */
    int16_t heard[HEARD_SAMPLES];
    int heard_at;
    int since_heard;            /* samples made up since the last one that came */
} mending_t;

/* T.30 has been made, and has not begun. */
void mend_start(mending_t *mending, const t30_state_t *t30, int receiving, int calling);

/* A frame of the far end, before T.30 acts on it; and one that it shall take note of and not act on. */
void mend_unsay(const uint8_t *frame);
void mend_incoming(mending_t *mending, t30_state_t *t30, const uint8_t *frame, int length);
/* A frame of ours. */
void mend_outgoing(mending_t *mending, const uint8_t *frame);
/* T.30 has acted, and so many samples of time have passed; energy: the line carries a signal. */
void mend_timers(mending_t *mending, t30_state_t *t30, int samples, int energy);

/* The same while we have not said our first DIS; signal: the far end is saying something. Whether it begins now. */
int mend_first_dis(mending_t *mending, t30_state_t *t30, int samples, int signal);

/* Whether the far end is in mid signal. */
int mend_t38_signal(const t38_terminal_state_t *t38);
/* What goes out next does not wait for the end of a tone that was broken off. */
void mend_t38_hasten(t38_terminal_state_t *t38);

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
