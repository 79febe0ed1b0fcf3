/*
 * helper.c - one T.30 terminal over libspandsp 0.0.6 (Debian) or 3.0 (FreeSWITCH's fork).
 *
 * Rules of this file
 *   - A handler (anything spandsp or libtiff calls) only writes down what it saw, as an event in the queue of
 *     its terminal. It never ends or frees a session: spandsp goes on using its structures after a handler.
 *   - Every entry from Python that can make spandsp work runs between enter() and leave(). leave() is where a
 *     session with a broken document is ended, before the confirmation that spandsp has queued can go out.
 *   - Nothing here calls Python. cffi lets go of the interpreter lock during each call; one terminal belongs to
 *     one thread at a time, different terminals may run on different threads.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tiffio.h>

#include <spandsp.h>
#include <spandsp/version.h> /* 0.0.6's spandsp.h leaves it out, and an unknown release date would count as 0 */

#include "document.h"
#include "helper.h"
#include "mending.h"
#include "recorder.h"
#include "syncing.h"

/* 3.0 dropped the T.30 context from its handlers and renamed the constants. */
#if SPANDSP_RELEASE_DATE >= 20120902
#define T30_CONTEXT
#define COMPRESSIONS (T4_COMPRESSION_T4_1D | T4_COMPRESSION_T4_2D | T4_COMPRESSION_T6)
#define RESOLUTIONS (T4_RESOLUTION_R8_STANDARD | T4_RESOLUTION_R8_FINE | T4_RESOLUTION_R8_SUPERFINE)
#define IMAGE_SIZES (T4_SUPPORT_WIDTH_215MM | T4_SUPPORT_WIDTH_255MM | T4_SUPPORT_WIDTH_303MM \
                     | T4_SUPPORT_LENGTH_US_LETTER | T4_SUPPORT_LENGTH_US_LEGAL | T4_SUPPORT_LENGTH_UNLIMITED)
typedef bool direction_t;
#else
#define T30_CONTEXT t30_state_t *t30,
#define COMPRESSIONS (T30_SUPPORT_T4_1D_COMPRESSION | T30_SUPPORT_T4_2D_COMPRESSION | T30_SUPPORT_T6_COMPRESSION)
#define RESOLUTIONS (T30_SUPPORT_STANDARD_RESOLUTION | T30_SUPPORT_FINE_RESOLUTION \
                     | T30_SUPPORT_SUPERFINE_RESOLUTION | T30_SUPPORT_R8_RESOLUTION)
#define IMAGE_SIZES (T30_SUPPORT_215MM_WIDTH | T30_SUPPORT_255MM_WIDTH | T30_SUPPORT_303MM_WIDTH \
                     | T30_SUPPORT_US_LETTER_LENGTH | T30_SUPPORT_US_LEGAL_LENGTH | T30_SUPPORT_UNLIMITED_LENGTH)
typedef int direction_t;
#endif

#define LAW_A 8
#define CHUNK 160               /* samples per call into the modems: 20 ms */
#define MAX_PATH 255            /* spandsp keeps 256 octets and cuts the rest off in silence */
#define MAX_EVENTS 4096         /* only a reader that has stopped reading gets here */
#define MOST_UNHEARD 1000       /* a far end that waits for its answer sends a few dozen */
#define MOST_AT_ONCE 100        /* packets in one tick: spandsp paces itself, so more means that it goes round and round */
#define KEPT_FRAME_OCTETS 64    /* more than any T.30 control frame that we read */

/* Facsimile control fields as spandsp has them (first bit sent in the lowest place), X bit masked off. */
#define FCF_MASK 0xFE
#define FCF_DIS 0x80
#define FCF_DCS 0x82
#define FCF_PPS 0xBE
#define FCF_MCF 0x8C
#define FCF_RTP 0xCC
#define FCF_RTN 0x4C
#define FCF_PIP 0xAC
#define FCF_PIN 0x2C
#define FCF_FCD 0x06
#define FCF_RCP 0x86
#define FCF_TSI 0x42
#define FCF_CSI 0x40                /* with the X bit, CIG */
#define LONGEST_IDENT_OCTETS 23     /* address, control, and 20 digits behind the field */
/* Longest DCS whose text form still fits spandsp 0.0.6's buffer: 2 + 3 * (25 - 4) + NUL = 67 octets. */
#define MAX_DCS_OCTETS 25

/* T.30 Table 2, bit 15: R8 x 7.7 lines/mm or 200 x 200 dots/inch. */
#define DIS_FINE_OCTET 4
#define DIS_FINE_BIT 0x40

/* T.30 Table 2, bits 17 and 18. */
#define DCS_WIDTH_OCTET 5
#define DCS_WIDTH_LOWER 0x01
#define DCS_WIDTH_INVALID 0x03

typedef struct unheard {
    struct unheard *next;
    uint16_t number;
    size_t length;
    uint8_t packet[];
} unheard_t;

struct terminal {
    fax_state_t *fax;           /* one of the two is set */
    t38_terminal_state_t *t38;
    t30_state_t *t30;           /* inside that one */
    int finished;               /* phase E was reported: spandsp is not called any more */
    int file_failed;            /* libtiff complained: the session ends when the running call returns */
    int next_packet;            /* number of the next IFP packet */
    int packets_at_once;        /* sent by the running call */
    int ecm_block;              /* of the page being sent: blocks of 256 frames already confirmed */
    int partial;                /* the last PPS sent said that the page goes on */
    int octets_out;             /* of the page being sent */
    mending_t mending;
    recorder_t recorder;
    int sending;
    int start_page;
    int pages;                  /* of the whole document, 0 when not known */
    int bad_rows;               /* receiving: rows of the latest page that had to be guessed */
    int pages_written;          /* receiving: so many pages were in the file when the latest ended */
    int page_lost;              /* receiving: the latest page is not among them */
    int pages_synced;           /* receiving: so many pages outlast a power cut and can be read again, or will when `syncing` is over */
    int sync_aside;             /* nobody is to wait for the disk */
    syncing_t *syncing;         /* pages on their way to the disk */
    terminal_event_t *unsaid;   /* the frame about them, which has not gone out */
    int cut_unsaid;             /* ... and does not any more: the line is gone */
    unheard_t *unheard, *unheard_last;  /* packets that came meanwhile */
    int unheards;
    int standard;               /* sending: the far end has no other resolution: standard_path goes out */
    char path[MAX_PATH + 1], standard_path[MAX_PATH + 1];
    char header[T30_MAX_PAGE_HEADER_INFO + 1];
    terminal_event_t *first, *last;
    int events;
};

static atomic_int objects_alive;
/* libtiff's error handler knows no terminal: enter() notes whose call this thread is in. */
static _Thread_local terminal_t *entered;

/* ------------------------------------------------------------------------------------------- events */

static terminal_event_t *make_event(terminal_t *terminal, int kind, const void *data, size_t length)
{
    terminal_event_t *event;

    if (terminal->events >= MAX_EVENTS)
        return NULL;
    if ((event = calloc(1, sizeof(*event) + length)) == NULL)
        return NULL;
    event->kind = kind;
    event->length = length;
    if (length)
        memcpy(event->data, data, length);
    atomic_fetch_add(&objects_alive, 1);
    return event;
}

static void append(terminal_t *terminal, terminal_event_t *event)
{
    if (terminal->last)
        terminal->last->next = event;
    else
        terminal->first = event;
    terminal->last = event;
    terminal->events++;
}

static terminal_event_t *push(terminal_t *terminal, int kind, const void *data, size_t length)
{
    terminal_event_t *event = make_event(terminal, kind, data, length);

    if (event)
        append(terminal, event);
    return event;
}

const terminal_event_t *terminal_first_event(const terminal_t *terminal)
{
    return terminal->first;
}

terminal_event_t *terminal_take_packet(terminal_t *terminal)
{
    terminal_event_t *event, *earlier = NULL;

    for (event = terminal->first; event && event->kind != EVENT_PACKET; event = event->next)
        earlier = event;
    if (event == NULL)
        return NULL;
    if (earlier)
        earlier->next = event->next;
    else
        terminal->first = event->next;
    if (terminal->last == event)
        terminal->last = earlier;
    terminal->events--;
    atomic_fetch_sub(&objects_alive, 1);
    return event;
}

int terminal_has_news(const terminal_t *terminal)
{
    return terminal->first && (terminal->first != terminal->last || terminal->first->kind != EVENT_PROGRESS);
}

void terminal_drop_event(terminal_t *terminal)
{
    terminal_event_t *event = terminal->first;

    if (event == NULL)
        return;
    if ((terminal->first = event->next) == NULL)
        terminal->last = NULL;
    terminal->events--;
    free(event);
    atomic_fetch_sub(&objects_alive, 1);
}

static void finish(terminal_t *terminal, int code)
{
    terminal_event_t *event;

    if (terminal->finished)
        return;
    terminal->finished = 1;
    if ((event = push(terminal, EVENT_FINISHED, NULL, 0)))
        event->value = code;
}

/* ----------------------------------------------------------------------------------------- handlers */

static int pages_sent(terminal_t *terminal)
{
    t30_stats_t stats;

    t30_get_transfer_statistics(terminal->t30, &stats);
    return stats.pages_tx;
}

/* "Example GmbH, page 2 of 3". Behind it spandsp prints our TSI and its own "p.2", which names no total. */
static void set_header(terminal_t *terminal, int page)
{
    char header[T30_MAX_PAGE_HEADER_INFO + 1], place[40];
    int length = 0;

    if (terminal->header[0] == '\0')
        return;
    if (terminal->pages > 0)
        length = snprintf(place, sizeof(place), "%spage %d of %d", terminal->header[0] == ' ' ? "" : ", ", page,
                          terminal->pages);
    else
        place[0] = '\0';
    snprintf(header, sizeof(header), "%.*s%s", T30_MAX_PAGE_HEADER_INFO - length, terminal->header, place);
    t30_set_tx_page_header_info(terminal->t30, header);
}

static int confirms(const uint8_t *frame)
{
    int control = frame[2] & FCF_MASK;

    return control == FCF_MCF || control == FCF_RTP || control == FCF_PIP;
}

/* spandsp draws the header when a page begins, which it does as soon as it has read the answer to the one before. */
static void head_next_page(terminal_t *terminal, const uint8_t *frame)
{
    int control = frame[2] & FCF_MASK;
    int page = terminal->start_page + pages_sent(terminal) + 1;

    if (terminal->partial)
        return;
    if (confirms(frame))
        set_header(terminal, page + 1);
    else if (control == FCF_RTN || control == FCF_PIN)
        set_header(terminal, page);
}

/* A machine without fine resolution gets the other rendition, in this very call: spandsp opens the file only after
   its DIS was heard, and would else end with "no common resolution", the call paid for. */
static void choose_rendition(terminal_t *terminal, const uint8_t *frame, int length)
{
    int standard = length <= DIS_FINE_OCTET || !(frame[DIS_FINE_OCTET] & DIS_FINE_BIT);

    if (frame[2] != FCF_DIS || terminal->standard_path[0] == '\0' || standard == terminal->standard
        || pages_sent(terminal) > 0)
        return;
    terminal->standard = standard;
    t30_set_tx_file(terminal->t30, standard ? terminal->standard_path : terminal->path, terminal->start_page, -1);
}

/* There is no "octets sent" in spandsp, but ECM numbers its frames: block and frame give the place in the page.
   Frames sent again lie behind that place, so the figure never falls. */
static void note_progress(terminal_t *terminal, const uint8_t *frame, int length)
{
    t30_stats_t stats;
    terminal_event_t *event = terminal->last;
    int octets = (terminal->ecm_block*256 + frame[3] + 1)*(length - 4);

    if (octets <= terminal->octets_out)
        return;
    terminal->octets_out = octets;
    if (event == NULL || event->kind != EVENT_PROGRESS)
        event = push(terminal, EVENT_PROGRESS, NULL, 0);
    if (event == NULL)
        return;
    t30_get_transfer_statistics(terminal->t30, &stats);
    event->value = octets;
    event->total = stats.image_size;
}

/* T.30 A.4.3: a PPS whose second control field is NULL ends a block but not the page. */
static void follow_blocks(terminal_t *terminal, int incoming, const uint8_t *frame, int length)
{
    int control = frame[2] & FCF_MASK;

    if (!incoming && control == FCF_PPS && length > 3) {
        terminal->partial = (frame[3] & FCF_MASK) == 0;
    } else if (incoming && (control == FCF_MCF || control == FCF_PIP)) {
        terminal->ecm_block = terminal->partial ? terminal->ecm_block + 1 : 0;
        if (!terminal->partial)
            terminal->octets_out = 0;
        terminal->partial = 0;
    }
}

/* spandsp 0.0.6 trusts what the far end chooses: an FCD without a frame number is copied with length -1, the text
   form of a long DCS runs over its buffer, and a page whose width is the invalid 11 (bits 17 and 18) is -1 wide and
   its rows are written to nowhere. The frame handler is the only place to stand between; a control field that nobody
   knows makes spandsp refuse the frame, and the width is read as T.30 Table 2 note 6 has it: the widest. An identification
   longer than its digits is no fault of the far end's: Asterisk's gateway leaves out the end of a frame that it could
   not read, and the next one follows in the same. spandsp would say DCN; unsaid, both come again. */
static void defuse(const uint8_t *frame, int length)
{
    int control = frame[2] & FCF_MASK;

    if (control == FCF_DCS && length > DCS_WIDTH_OCTET && (frame[DCS_WIDTH_OCTET] & DCS_WIDTH_INVALID) == DCS_WIDTH_INVALID)
        ((uint8_t *) frame)[DCS_WIDTH_OCTET] &= ~DCS_WIDTH_LOWER;

    if ((control == FCF_FCD && length < 4) || (control == FCF_DCS && length > MAX_DCS_OCTETS))
        ((uint8_t *) frame)[2] = 0;
    if ((control == FCF_TSI || control == FCF_CSI) && length > LONGEST_IDENT_OCTETS)
        mend_unsay(frame);
}

static void fail_file(terminal_t *terminal, const char *words)
{
    if (terminal->file_failed)
        return;
    terminal->file_failed = 1;
    push(terminal, EVENT_FILE_ERROR, words, strlen(words));
}

/* Receiving: we are about to say something about the pages in the file. What we confirm the far end forgets, so it must
   be on the disk by then; with the first page, the name of the file, too. And there must be a page to be had of it. The
   terminal stands still until then (stands_still), if it may. */
static void sync_pages(terminal_t *terminal, int pages)
{
    char words[SYNC_WORDS];
    int first = terminal->pages_synced + 1;

    if (terminal->file_failed || terminal->syncing || pages < first)
        return;
    terminal->pages_synced = pages;
    if (terminal->sync_aside && (terminal->syncing = sync_begin(terminal->path, first, pages)))
        return;
    sync_now(terminal->path, first, pages, words);
    if (words[0])
        fail_file(terminal, words);
}

static void handle_frame(T30_CONTEXT void *user, direction_t direction, const uint8_t *frame, int length)
{
    terminal_t *terminal = user;
    int incoming = direction ? 1 : 0;
    int control;
    size_t kept;
    terminal_event_t *event;
    t30_stats_t stats;

    if (length < 3)
        return;
    if (incoming)
        defuse(frame, length);
    control = frame[2] & FCF_MASK;
    if (control == FCF_FCD && !incoming && length > 4)
        note_progress(terminal, frame, length);
    if (control == FCF_FCD || control == FCF_RCP)
        return;
    if (incoming && terminal->sending) {
        choose_rendition(terminal, frame, length);
        head_next_page(terminal, frame);
    }
    follow_blocks(terminal, incoming, frame, length);
    if (!incoming)
        mend_outgoing(&terminal->mending, frame);
    t30_get_transfer_statistics(terminal->t30, &stats);
    /* spandsp says MCF, too, to a page in error correction of which it has decoded no row, and writes none. Whatever
       else we said, it would not be heard as a no (T.30 A.4.3): without an answer its sender knows. */
    if (!incoming && terminal->page_lost && confirms(frame))
        fail_file(terminal, "not one row of the page could be read");
    if (!incoming && !terminal->sending)
        sync_pages(terminal, stats.pages_rx);
    /* The page is not in the file: whatever spandsp is about to say about it must not count. */
    if (terminal->file_failed)
        return;
    kept = length < KEPT_FRAME_OCTETS ? (size_t) length : KEPT_FRAME_OCTETS;
    if ((event = make_event(terminal, EVENT_FRAME, frame, kept))) {
        event->incoming = incoming;
        event->value = stats.pages_rx;
        event->total = terminal->bad_rows;
        if (terminal->syncing && !terminal->unsaid)
            terminal->unsaid = event;
        else
            append(terminal, event);
    }
    if (incoming)
        mend_incoming(&terminal->mending, terminal->t30, frame, length);
}

/* The page has ended and the next has not begun: only now is the count of its bad rows to be had. */
static int handle_phase_d(T30_CONTEXT void *user, int result)
{
    terminal_t *terminal = user;
    t30_stats_t stats;

    t30_get_transfer_statistics(terminal->t30, &stats);
    if (terminal->sending)
        return T30_ERR_OK;
    terminal->bad_rows = stats.bad_rows;
    terminal->page_lost = stats.pages_rx <= terminal->pages_written;
    terminal->pages_written = stats.pages_rx;
    return T30_ERR_OK;
}

static void handle_phase_e(T30_CONTEXT void *user, int code)
{
    terminal_t *terminal = user;

    if (terminal->file_failed)
        code = T30_ERR_FILEERROR;
    else if (terminal->cut_unsaid)
        code = T30_ERR_CALLDROPPED;     /* spandsp takes its last MCF for said */
    finish(terminal, code);
}

static int handle_packet(t38_core_state_t *core, void *user, const uint8_t *packet, int length, int copies)
{
    terminal_t *terminal = user;
    terminal_event_t *event;

    if (terminal->file_failed)
        return 0;
    if ((event = push(terminal, EVENT_PACKET, packet, (size_t) length))) {
        event->value = terminal->next_packet;
        event->total = copies;
    }
    terminal->next_packet = (terminal->next_packet + 1) & 0xFFFF;
    return ++terminal->packets_at_once > MOST_AT_ONCE ? -1 : 0;
}

static void note_task(terminal_t *terminal, const terminal_task_t *task)
{
    const char *texts[] = {task->path, task->standard_path, task->station_id, task->sub_address, task->password,
                           task->header, task->time_zone};
    struct {
        record_task_t task;
        char texts[7*(MAX_PATH + 1)];
    } entry = {{task->sending, task->calling, task->ecm, task->max_bit_rate, task->start_page, task->pages,
                task->t38, task->t38_version, task->t38_local_tcf, task->t38_fill_bit_removal,
                task->t38_max_buffer, task->t38_max_datagram}, ""};
    size_t i, used = 0, length;

    for (i = 0; i < sizeof(texts)/sizeof(texts[0]); i++) {
        /* The password stays with whoever gave it. */
        length = texts[i] == task->password ? 0 : strnlen(texts[i], MAX_PATH);
        memcpy(entry.texts + used, texts[i], length);
        used += length + 1;
    }
    recorder_note(&terminal->recorder, RECORD_TASK, 0, &entry, sizeof(entry.task) + used);
}

static void handle_tiff_error(const char *module, const char *format, va_list arguments)
{
    char words[200];

    if (sync_complain(format, arguments) || entered == NULL)
        return;
    vsnprintf(words, sizeof(words), format, arguments);
    fail_file(entered, words);
}

/* Rows that its fax decoder had to guess are only a warning to libtiff. */
static void handle_tiff_warning(const char *module, const char *format, va_list arguments)
{
    if (module && strncmp(module, "Fax", 3) == 0)
        handle_tiff_error(module, format, arguments);
}

/* --------------------------------------------------------------------------------- entry and leaving */

static void enter(terminal_t *terminal)
{
    entered = terminal;
}

static void leave(terminal_t *terminal)
{
    /* A page that could not be read or written whole: 0.0.6 itself would go on and end with code 0. */
    if (terminal->file_failed && !terminal->finished)
        t30_terminate(terminal->t30);
    entered = NULL;
}

/* Pages that are on their way to the disk are not confirmed any more. */
static void abandon_sync(terminal_t *terminal)
{
    unheard_t *unheard;

    if (terminal->syncing)
        sync_leave(terminal->syncing);
    terminal->syncing = NULL;
    if (terminal->unsaid) {
        free(terminal->unsaid);
        atomic_fetch_sub(&objects_alive, 1);
    }
    terminal->unsaid = NULL;
    while ((unheard = terminal->unheard)) {
        terminal->unheard = unheard->next;
        free(unheard);
    }
    terminal->unheard_last = NULL;
    terminal->unheards = 0;
}

static void settle_sync(terminal_t *terminal)
{
    char words[SYNC_WORDS];

    sync_end(terminal->syncing, words);
    terminal->syncing = NULL;
    if (words[0] == '\0') {
        if (terminal->unsaid)
            append(terminal, terminal->unsaid);
        terminal->unsaid = NULL;
        return;
    }
    fail_file(terminal, words);
    abandon_sync(terminal);
}

/* While its pages are on their way to the disk a terminal hears nothing, says nothing and counts no time: what is to
   confirm them waits, and the far end waits for it. Speaking begins with a second of preamble or more, so that nothing of
   it can have gone out. */
static int stands_still(terminal_t *terminal)
{
    if (terminal->syncing && sync_is_over(terminal->syncing))
        settle_sync(terminal);
    return terminal->syncing != NULL;
}

static void keep_unheard(terminal_t *terminal, const uint8_t *packet, size_t length, uint16_t number)
{
    unheard_t *unheard;

    if (terminal->unheards >= MOST_UNHEARD || (unheard = malloc(sizeof(*unheard) + length)) == NULL)
        return;
    terminal->unheards++;
    unheard->next = NULL;
    unheard->number = number;
    unheard->length = length;
    memcpy(unheard->packet, packet, length);
    if (terminal->unheard_last)
        terminal->unheard_last->next = unheard;
    else
        terminal->unheard = unheard;
    terminal->unheard_last = unheard;
}

void terminal_end(terminal_t *terminal)
{
    if (terminal->finished)
        return;
    terminal->cut_unsaid = terminal->syncing != NULL;
    abandon_sync(terminal);
    recorder_note(&terminal->recorder, RECORD_END, 0, NULL, 0);
    enter(terminal);
    t30_terminate(terminal->t30);
    leave(terminal);
}

/* --------------------------------------------------------------------------------------------- audio */

static void hear(terminal_t *terminal, int16_t *samples, size_t count)
{
    int energy = mend_energy(samples, count);

    enter(terminal);
    fax_rx(terminal->fax, samples, (int) count);
    mend_timers(&terminal->mending, terminal->t30, (int) count, energy);
    mend_first_dis(&terminal->mending, terminal->t30, (int) count, energy);
    leave(terminal);
}

void terminal_hear_g711(terminal_t *terminal, const uint8_t *samples, size_t count, int law)
{
    int16_t linear[CHUNK];
    size_t chunk, i;

    if (stands_still(terminal))
        return;
    recorder_note(&terminal->recorder, RECORD_G711, (uint32_t) law, samples, count);
    for (; count > 0 && terminal->fax && !terminal->finished; count -= chunk, samples += chunk) {
        chunk = count < CHUNK ? count : CHUNK;
        for (i = 0; i < chunk; i++)
            linear[i] = law == LAW_A ? alaw_to_linear(samples[i]) : ulaw_to_linear(samples[i]);
        mend_heard(&terminal->mending, linear, chunk);
        hear(terminal, linear, chunk);
    }
}

void terminal_hear_gap(terminal_t *terminal, size_t count)
{
    int16_t linear[CHUNK];
    size_t chunk;

    if (stands_still(terminal))
        return;
    recorder_note(&terminal->recorder, RECORD_GAP, (uint32_t) count, NULL, 0);
    for (; count > 0 && terminal->fax && !terminal->finished; count -= chunk) {
        chunk = count < CHUNK ? count : CHUNK;
        if (mend_gap(&terminal->mending, linear, chunk)) {
            hear(terminal, linear, chunk);
            continue;
        }
        enter(terminal);
        fax_rx_fillin(terminal->fax, (int) chunk);
        leave(terminal);
    }
}

void terminal_speak_g711(terminal_t *terminal, uint8_t *samples, size_t count, int law)
{
    int16_t linear[CHUNK];
    size_t chunk, i;
    int silent = stands_still(terminal);

    if (!silent)
        recorder_note(&terminal->recorder, RECORD_SPEAK, (uint32_t) count, NULL, 0);
    for (; count > 0; count -= chunk, samples += chunk) {
        chunk = count < CHUNK ? count : CHUNK;
        memset(linear, 0, sizeof(linear));
        if (terminal->fax && !terminal->finished && !silent) {
            enter(terminal);
            fax_tx(terminal->fax, linear, (int) chunk);
            leave(terminal);
        }
        for (i = 0; i < chunk; i++)
            samples[i] = law == LAW_A ? linear_to_alaw(linear[i]) : linear_to_ulaw(linear[i]);
    }
}

/* ---------------------------------------------------------------------------------------------- T.38 */

static void hear_packet(terminal_t *terminal, const uint8_t *packet, size_t length, uint16_t number)
{
    recorder_note(&terminal->recorder, RECORD_PACKET, number, packet, length);
    if (mend_deaf(terminal->t38, packet))
        return;
    enter(terminal);
    t38_core_rx_ifp_packet(t38_terminal_get_t38_core_state(terminal->t38), packet, (int) length, number);
    mend_timers(&terminal->mending, terminal->t30, 0, 0);
    leave(terminal);
}

/* What came while the terminal stood still, until it does so again or has finished. */
static void hear_unheard(terminal_t *terminal)
{
    unheard_t *unheard;

    while ((unheard = terminal->unheard) && !terminal->syncing && !terminal->finished) {
        if ((terminal->unheard = unheard->next) == NULL)
            terminal->unheard_last = NULL;
        terminal->unheards--;
        hear_packet(terminal, unheard->packet, unheard->length, unheard->number);
        free(unheard);
    }
}

void terminal_hear_packet(terminal_t *terminal, const uint8_t *packet, size_t length, uint16_t number)
{
    if (terminal->t38 == NULL || terminal->finished || length == 0)
        return;
    if (!stands_still(terminal))
        hear_unheard(terminal);
    if (terminal->syncing)
        keep_unheard(terminal, packet, length, number);
    else if (!terminal->finished)
        hear_packet(terminal, packet, length, number);
}

void terminal_tick(terminal_t *terminal, int samples)
{
    if (terminal->t38 == NULL || terminal->finished || stands_still(terminal))
        return;
    hear_unheard(terminal);
    if (terminal->syncing || terminal->finished)
        return;
    recorder_note(&terminal->recorder, RECORD_TICK, (uint32_t) samples, NULL, 0);
    enter(terminal);
    terminal->packets_at_once = 0;
    t38_terminal_send_timeout(terminal->t38, samples);
    mend_timers(&terminal->mending, terminal->t30, samples, 0);
    if (mend_first_dis(&terminal->mending, terminal->t30, samples, mend_t38_signal(terminal->t38)))
        mend_t38_hasten(terminal->t38);
    leave(terminal);
}

/* --------------------------------------------------------------------------------- making and freeing */

/* V.17 goes to 14400 and cannot be held at 12000; V.29 goes to 9600; V.27ter, always there, to 4800. */
static int modems_up_to(int bit_rate)
{
    int modems = T30_SUPPORT_V27TER;

    if (bit_rate >= 9600)
        modems |= T30_SUPPORT_V29;
    if (bit_rate >= 14400)
        modems |= T30_SUPPORT_V17;
    return modems;
}

static void prepare_t30(terminal_t *terminal, const terminal_task_t *task)
{
    t30_state_t *t30 = terminal->t30;

    t30_set_real_time_frame_handler(t30, handle_frame, terminal);
    t30_set_phase_d_handler(t30, handle_phase_d, terminal);
    t30_set_phase_e_handler(t30, handle_phase_e, terminal);
    t30_set_tx_ident(t30, task->station_id);
    t30_set_supported_modems(t30, modems_up_to(task->max_bit_rate));
    t30_set_ecm_capability(t30, task->ecm);
    t30_set_supported_compressions(t30, COMPRESSIONS);
    t30_set_supported_image_sizes(t30, IMAGE_SIZES);
#if SPANDSP_RELEASE_DATE >= 20120902
    t30_set_supported_bilevel_resolutions(t30, RESOLUTIONS);
    t30_set_supported_output_compressions(t30, T4_COMPRESSION_T6);
#else
    t30_set_supported_resolutions(t30, RESOLUTIONS);
    t30_set_rx_encoding(t30, T4_COMPRESSION_ITU_T6);
#endif
    if (task->sending) {
        set_header(terminal, task->start_page + 1);
        if (task->sub_address[0])
            t30_set_tx_sub_address(t30, task->sub_address);
        /* T.30 5.3.6.2.7: SID holds the password of who sends; PWD is that of who polls. */
        if (task->password[0])
            t30_set_tx_sender_ident(t30, task->password);
        if (task->time_zone[0])
            t30_set_tx_page_header_tz(t30, task->time_zone);
        t30_set_tx_file(t30, task->path, task->start_page, -1);
    } else {
        t30_set_rx_file(t30, task->path, -1);
    }
}

static int open_audio(terminal_t *terminal, const terminal_task_t *task)
{
    if ((terminal->fax = fax_init(NULL, task->calling)) == NULL)
        return -1;
    fax_set_transmit_on_idle(terminal->fax, 1);
    terminal->t30 = fax_get_t30_state(terminal->fax);
    return 0;
}

static int open_t38(terminal_t *terminal, const terminal_task_t *task)
{
    t38_core_state_t *core;

    if ((terminal->t38 = t38_terminal_init(NULL, task->calling, handle_packet, terminal)) == NULL)
        return -1;
    terminal->t30 = t38_terminal_get_t30_state(terminal->t38);
    core = t38_terminal_get_t38_core_state(terminal->t38);
    t38_set_t38_version(core, task->t38_version);
    t38_set_data_rate_management_method(core, task->t38_local_tcf ? 1 : 2);
    t38_set_max_buffer_size(core, task->t38_max_buffer);
    t38_set_max_datagram_size(core, task->t38_max_datagram);
    t38_set_fill_bit_removal(core, task->t38_fill_bit_removal);
    mend_pace(terminal->t38, task->t38_max_datagram);
    t38_terminal_set_fill_bit_removal(terminal->t38, task->t38_fill_bit_removal);
    return 0;
}

terminal_t *terminal_new(const terminal_task_t *task)
{
    terminal_t *terminal;
    int fault;

    if (strlen(task->path) > MAX_PATH || strlen(task->standard_path) > MAX_PATH
        || strlen(task->station_id) > T30_MAX_IDENT_LEN || strlen(task->sub_address) > T30_MAX_IDENT_LEN
        || strlen(task->password) > T30_MAX_IDENT_LEN || strlen(task->record_path) > MAX_PATH || strlen(task->header) > T30_MAX_PAGE_HEADER_INFO)
        return NULL;
    if ((terminal = calloc(1, sizeof(*terminal))) == NULL)
        return NULL;
    terminal->sending = task->sending;
    terminal->sync_aside = task->sync_aside;
    terminal->start_page = task->start_page;
    terminal->pages = task->pages;
    strcpy(terminal->path, task->path);
    strcpy(terminal->standard_path, task->standard_path);
    strcpy(terminal->header, task->header);
    if ((task->t38 ? open_t38(terminal, task) : open_audio(terminal, task)) < 0) {
        free(terminal);
        return NULL;
    }
    atomic_fetch_add(&objects_alive, 1);
    recorder_open(&terminal->recorder, task->record_path);
    note_task(terminal, task);
    mend_start(&terminal->mending, terminal->t30, !task->sending, task->calling);
    prepare_t30(terminal, task);
    if (task->sending) {
        enter(terminal);
        fault = document_fault(task->path, task->start_page);
        if (fault == T30_ERR_OK && task->standard_path[0])
            fault = document_fault(task->standard_path, task->start_page);
        entered = NULL;
        if (fault != T30_ERR_OK)
            finish(terminal, fault);
    }
    return terminal;
}

void terminal_free(terminal_t *terminal)
{
    if (terminal == NULL)
        return;
    /* Only a session that has ended has given back what it holds of the far end's frames; the one that
       document_fault stopped has reported its end but never began. */
    abandon_sync(terminal);
    enter(terminal);
    t30_terminate(terminal->t30);
    if (terminal->fax)
        fax_free(terminal->fax);
    else
        t38_terminal_free(terminal->t38);
    entered = NULL;
    while (terminal->first)
        terminal_drop_event(terminal);
    recorder_remove(&terminal->recorder);
    free(terminal);
    atomic_fetch_sub(&objects_alive, 1);
}

/* ------------------------------------------------------------------------------------------- process */

static const char *or_nothing(const char *words)
{
    return words ? words : "";
}

const char *terminal_far_maker(const terminal_t *terminal)
{
    return or_nothing(t30_get_rx_vendor(terminal->t30));
}

const char *terminal_far_model(const terminal_t *terminal)
{
    return or_nothing(t30_get_rx_model(terminal->t30));
}

int helper_objects_alive(void)
{
    return atomic_load(&objects_alive);
}

int helper_spandsp_release(void)
{
    return SPANDSP_RELEASE_DATE;
}

void helper_init(void)
{
#if SPANDSP_RELEASE_DATE >= 20120902
    span_set_message_handler(NULL, NULL);
#else
    span_set_message_handler(NULL);
#endif
    TIFFSetWarningHandler(handle_tiff_warning);
    TIFFSetErrorHandler(handle_tiff_error);
}
