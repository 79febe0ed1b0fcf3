/*
 * mending.c - what libspandsp's T.30 gets wrong on lines that lose packets, set right from outside.
 *
 * Seven things end calls that both ends could have saved (measured by `make bench-loss`). Each is mended where
 * spandsp gives us a hold: in the frame handler, which sees a frame before T.30 acts on it, and after each call.
 *
 *   1. A DCS that comes again while we wait for the training check (TCF): the far end has not heard our answer, or
 *      we have not heard its TCF, and it begins again as T.30 5.3.6 has it. spandsp calls that frame unexpected and
 *      says DCN. We put T.30 back to where the first DCS found it.
 *   2. The last post-page message again after our MCF to it: our MCF was lost. spandsp says DCN (in ECM), and the
 *      sender never learns that its last page arrived. Put back in the same way, it says MCF again.
 *   3. A command that arrives broken: when the carrier drops spandsp waits 0.2 s, gives up, and says DIS in the
 *      middle of the document, which no sender understands. T2 is 6 +- 1 s (T.30 5.4.3.1), and senders repeat their
 *      command after 3 s.
 *   4. An image signal to which the modem could not train: T2 runs out while it still lasts (37 s for a block), with
 *      the same end as in 3. T2 waits for a command; while the line carries a signal none can come. When that signal
 *      was the TCF, its end is the moment to say FTT, for which spandsp waits until T2 has run out.
 *   5. Answers to our command that arrive broken: they count as none, and at the third spandsp gives up. A far end that
 *      answers is there; a PPR takes a second, and one lost packet spoils it.
 *   6. An answer that comes while we say the command again (T.38 only: a modem that speaks does not hear). spandsp acts
 *      on it in the middle of its own frame: it counts the next page as sent without having sent it, and its loop
 *      over the packets to send never ends, with every call of the process standing still. T.30 is half-duplex: who
 *      speaks is deaf. The far end, asked again, answers again (2).
 *   7. A signal of the far end while we still say CED: spandsp breaks off, listens, and has nothing of its own to say
 *      until T1 has run out (35 s); and any frame but a DCS it calls unexpected, and says DCN. When a call goes over to
 *      T.38 in the middle of our first DIS, a calling machine has heard half of that, and asks for it again with CRP
 *      ("command repeat"): HylaFAX does, behind Asterisk's gateway. The answer to it is the DIS that is due anyway. A
 *      DCS that answers the DIS of the audio counts, as spandsp has it.
 *
 * States and phases are private to spandsp and differ between versions: they are only ever put back to values that
 * were seen before. The names of the timers have the same numbers in 0.0.6 and 3.0.
 */
#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES
#include "mending.h"

#include <string.h>

#include <spandsp/version.h>

#define FCF_MASK 0xFE
#define FCF_DCS 0x82
#define FCF_PPS 0xBE
#define FCF_MCF 0x8C
#define FCF_EOP 0x2E
#define FCF_DIS 0x80                /* with the X bit, DTC */
#define FCF_DCN 0xFA
#define FCF_NSS 0x22
#define FINAL_FRAME 0x10            /* in the octet before it */

#define IFP_DATA 0x40               /* T.38 7.2: Type-of-msg is t30-data and not t30-indicator */

#define DATAGRAM_OF_40_MS 324       /* octets: an IFP packet of 77, copies of three others, and what is around them */

#define TIMER_T2 1
#define TIMER_T2_DROPPED 4
#define TIMER_T4_DROPPED 8
#define MOST_FORGIVEN 4
#define SECOND 8000
#define T2_SAMPLES (7*SECOND)
#define LONGEST_HOLD (240*SECOND)       /* a block of 64 KB at 2400 bit/s takes 220 s */
#define SHORTEST_TCF (SECOND/2)
#define TCF_OVER (SECOND/10)
#define LONGEST_MADE_UP 1600            /* 0.2 s */
#define SIGNAL_OVER (SECOND/5)          /* a TCF follows its DCS after 75 ms */
#define LONGEST_LISTENING (6*SECOND)
#define QUIET (160LL*160LL)             /* mean square of -40 dBm0: modems speak at -9 to -33 */

void mend_start(mending_t *mending, const t30_state_t *t30, int receiving, int calling)
{
    memset(mending, 0, sizeof(*mending));
    mending->receiving = receiving;
    if (receiving && !calling) {
        mending->answering_state = t30->state;
        mending->ced_phase = t30->phase;
    }
}

static int is_last_message(const uint8_t *frame, int length)
{
    return (frame[2] & FCF_MASK) == FCF_PPS && length > 3 && (frame[3] & FCF_MASK) == FCF_EOP;
}

static void heed_dcs(mending_t *mending, t30_state_t *t30)
{
    if (mending->state_after_dcs && t30->state == mending->state_after_dcs) {
        t30->state = mending->state_before_dcs;
        t30->phase = mending->phase_before_dcs;
    }
    mending->state_before_dcs = t30->state;
    mending->phase_before_dcs = t30->phase;
    mending->dcs_in_hand = 1;
}

static void heed_last_message(mending_t *mending, t30_state_t *t30)
{
    if (mending->confirmed_last)
        t30->state = mending->state_before_last;
    mending->state_before_last = t30->state;
}

static int is_before_dis(const mending_t *mending, const t30_state_t *t30)
{
    return mending->answering_state && t30->state == mending->answering_state;
}

/* An NSS, which is about things that only machines of one maker know. */
void mend_unsay(const uint8_t *frame)
{
    ((uint8_t *) frame)[1] &= ~FINAL_FRAME;
    ((uint8_t *) frame)[2] = FCF_NSS;
}

static int makes_sense_before_dis(const uint8_t *frame)
{
    int control = frame[2] & FCF_MASK;

    return !(frame[1] & FINAL_FRAME) || control == FCF_DIS || control == FCF_DCS || control == FCF_DCN;
}

void mend_incoming(mending_t *mending, t30_state_t *t30, const uint8_t *frame, int length)
{
    mending->forgiven = 0;
    if (!mending->receiving)
        return;
    if (is_before_dis(mending, t30) && !makes_sense_before_dis(frame))
        mend_unsay(frame);
    mending->held = mending->quiet = 0;
    mending->asked_last = is_last_message(frame, length);
    if ((frame[2] & FCF_MASK) == FCF_DCS)
        heed_dcs(mending, t30);
    else if (mending->asked_last)
        heed_last_message(mending, t30);
    mending->confirmed_last = 0;
}

void mend_outgoing(mending_t *mending, const uint8_t *frame)
{
    mending->confirmed_last = mending->asked_last && (frame[2] & FCF_MASK) == FCF_MCF;
}

static void hold_t2(mending_t *mending, t30_state_t *t30, int samples)
{
    mending->quiet = 0;
    mending->held += samples;
    if (mending->held < LONGEST_HOLD)
        t30->timer_t2_t4 = T2_SAMPLES;
}

/* A signal has come, to which the modem could not train, and has gone. */
static void end_t2_after_tcf(mending_t *mending, t30_state_t *t30, int samples)
{
    mending->quiet += samples;
    if (t30->state == mending->state_after_dcs && mending->held >= SHORTEST_TCF && mending->quiet >= TCF_OVER)
        t30->timer_t2_t4 = 1;
}

static void mend_wait_for_command(mending_t *mending, t30_state_t *t30, int samples, int energy)
{
    if (mending->dcs_in_hand) {
        mending->dcs_in_hand = 0;
        mending->state_after_dcs = t30->state;
    }
    if (mending->state_after_dcs == 0 || t30->timer_t2_t4 <= 0)
        return;
    if (t30->timer_t2_t4_is == TIMER_T2_DROPPED) {
        t30->timer_t2_t4_is = TIMER_T2;
        t30->timer_t2_t4 = T2_SAMPLES;
    } else if (t30->timer_t2_t4_is == TIMER_T2 && energy) {
        hold_t2(mending, t30, samples);
    } else if (t30->timer_t2_t4_is == TIMER_T2) {
        end_t2_after_tcf(mending, t30, samples);
    }
}

static void mend_wait_for_answer(mending_t *mending, t30_state_t *t30)
{
    int before = mending->timer;

    mending->timer = t30->timer_t2_t4_is;
    if (mending->timer != TIMER_T4_DROPPED || before == TIMER_T4_DROPPED)
        return;
    if (t30->retries > 0 && mending->forgiven < MOST_FORGIVEN) {
        mending->forgiven++;
        t30->retries--;
    }
}

void mend_timers(mending_t *mending, t30_state_t *t30, int samples, int energy)
{
    if (mending->receiving)
        mend_wait_for_command(mending, t30, samples, energy);
    else
        mend_wait_for_answer(mending, t30);
}

int mend_first_dis(mending_t *mending, t30_state_t *t30, int samples, int signal)
{
    if (!is_before_dis(mending, t30) || t30->phase == mending->ced_phase)
        return 0;
    mending->listening += samples;
    mending->silent = signal ? 0 : mending->silent + samples;
    if (mending->silent < SIGNAL_OVER && mending->listening < LONGEST_LISTENING)
        return 0;
    t30_front_end_status(t30, T30_FRONT_END_SEND_STEP_COMPLETE);        /* of the CED: what follows is the DIS */
    return 1;
}

void mend_t38_hasten(t38_terminal_state_t *t38)
{
    t38->t38_fe.next_tx_samples = t38->t38_fe.samples;
}

int mend_t38_signal(const t38_terminal_state_t *t38)
{
    int indicator = t38->t38_fe.t38.current_rx_indicator;

    return indicator != T38_IND_NO_SIGNAL && indicator != T38_IND_CNG && indicator != T38_IND_CED;
}

/* What is left out is missing in the numbers of the packets, so a frame of which we heard only a part is no frame. The
   indicators go on to spandsp: one that it does not know of makes it miss the next signal. */
int mend_deaf(const t38_terminal_state_t *t38, const uint8_t *packet)
{
    return (packet[0] & IFP_DATA) && t38->t38_fe.current_rx_type == T30_MODEM_NONE;
}

/* 30 ms of image data make six packets of each ECM frame at 14400 bit/s, and 40 ms five. More than that, far ends with a
   small buffer for jitter may not like. */
void mend_pace(t38_terminal_state_t *t38, int most)
{
    if (most < DATAGRAM_OF_40_MS)
        return;
#if SPANDSP_RELEASE_DATE >= 20120902
    t38->t38_fe.t38.microseconds_per_tx_chunk = 40000;
#else
    t38->t38_fe.us_per_tx_chunk = 40000;
#endif
}

int mend_energy(const int16_t *samples, size_t count)
{
    int64_t sum = 0;
    size_t i;

    for (i = 0; i < count; i++)
        sum += (int32_t) samples[i]*samples[i];
    return sum > QUIET*(int64_t) count;
}

void mend_heard(mending_t *mending, const int16_t *samples, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        mending->heard[mending->heard_at] = samples[i];
        mending->heard_at = (mending->heard_at + 1)%HEARD_SAMPLES;
    }
    mending->since_heard = 0;
}

/* 20 ms are a whole number of symbols and of carrier cycles of every fax modem (V.17 and V.29: 48 symbols, V.27ter: 32
   or 24; 1800, 1700, 1650, 1850, 2100, 1100 Hz), so the last 20 ms again are what keeps a receiver in step best:
   phase, timing and the count of training symbols go on. fax_rx_fillin stops the count, and a packet lost in training
   is a training lost. */
int mend_gap(mending_t *mending, int16_t *samples, size_t count)
{
    size_t i;

    if (mending->since_heard + (int) count > LONGEST_MADE_UP)
        return 0;
    for (i = 0; i < count; i++) {
        samples[i] = mending->heard[mending->heard_at];
        mending->heard_at = (mending->heard_at + 1)%HEARD_SAMPLES;
    }
    mending->since_heard += (int) count;
    return 1;
}
