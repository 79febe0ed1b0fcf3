/*
 * helper.h - what Python sees of libspandsp: one T.30 terminal and its queue of events.
 *
 * build.py hands everything between the two "cdef" marks to cffi as it stands here, so this is the only
 * declaration of these calls. Every structure of spandsp stays behind terminal_t.
 */
#ifndef MAIL2FAX_SPANDSP_HELPER_H
#define MAIL2FAX_SPANDSP_HELPER_H

#include <stddef.h>
#include <stdint.h>

/* cdef begins */

typedef struct terminal terminal_t;

/* What a terminal is to do. Strings end in NUL and are copied; lengths are the caller's business
   (station_id, sub_address and password 20, header 50, paths 255 octets): terminal_new refuses what spandsp would
   cut. */
typedef struct {
    int sending;               /* 1: send the pages of path from start_page on; 0: receive pages into path */
    int calling;               /* 1: we placed the call (T.30 calling station), 0: we answered it */
    int ecm;                   /* 1: offer or ask for error correction (T.30 Annex A) */
    int max_bit_rate;          /* the fastest image modem, bit/s */
    int sync_aside;            /* receiving: stand still while a page goes to the disk, rather than have the caller wait */
    int start_page;            /* from 0, when sending */
    int pages;                 /* of the whole document, for the header line: "page 2 of 3"; 0 when not known */
    const char *record_path;   /* a file that keeps what the terminal was told, until it is freed; "" */
    const char *path;
    const char *standard_path; /* the same document in standard resolution, for machines that have no other; "" */
    const char *station_id;
    const char *sub_address;   /* SUB and SID, sent to machines that say they take them; "" */
    const char *password;
    const char *header;        /* "" for no header line */
    const char *time_zone;     /* POSIX TZ of the header's clock, "" for the machine's own */
    int t38;                   /* 1: T.38 packets; 0: audio */
    int t38_version;
    int t38_local_tcf;         /* 1: T.38 rate management method 1 (localTCF), 0: method 2 (transferredTCF) */
    int t38_fill_bit_removal;
    int t38_max_buffer;
    int t38_max_datagram;
} terminal_task_t;

enum {
    EVENT_FRAME,               /* a T.30 frame: data, incoming; receiving: value = pages written to the file so
                                  far, total = rows of the latest page that had to be guessed */
    EVENT_PROGRESS,            /* ECM image data went out: value = octets of the page so far, total = its size */
    EVENT_PACKET,              /* an IFP packet to send: data, value = its number, total = how many copies */
    EVENT_FILE_ERROR,          /* libtiff failed on the document: data = its words */
    EVENT_FINISHED             /* phase E: value = T.30 completion code */
};

typedef struct terminal_event {
    struct terminal_event *next;
    int kind;
    int incoming;
    int value;
    int total;
    size_t length;
    uint8_t data[];
} terminal_event_t;

/* NULL when memory is short or an argument is not fit to be given to spandsp. */
terminal_t *terminal_new(const terminal_task_t *task);
/* Ends the session if it still runs, and frees everything. Never call it from a handler. */
void terminal_free(terminal_t *terminal);
/* The line is gone: ends the session with the code that is true now. */
void terminal_end(terminal_t *terminal);

/* law: 0 mu-law, 8 A-law (the RTP payload types of RFC 3551). One sample is one octet, 8000 a second. */
void terminal_hear_g711(terminal_t *terminal, const uint8_t *samples, size_t count, int law);
void terminal_hear_gap(terminal_t *terminal, size_t count);
void terminal_speak_g711(terminal_t *terminal, uint8_t *samples, size_t count, int law);

void terminal_hear_packet(terminal_t *terminal, const uint8_t *packet, size_t length, uint16_t number);
void terminal_tick(terminal_t *terminal, int samples);

/* The oldest event, or NULL; it stays valid until terminal_drop_event. */
const terminal_event_t *terminal_first_event(const terminal_t *terminal);
void terminal_drop_event(terminal_t *terminal);

/* Maker and model of the far machine as its NSF tells them, words of spandsp's own list; "" when it does not. */
const char *terminal_far_maker(const terminal_t *terminal);
const char *terminal_far_model(const terminal_t *terminal);

/* Terminals and events now alive in this process: 0 when nothing leaks. */
int helper_objects_alive(void);
/* The release date of the spandsp this was compiled against, as YYYYMMDD. */
int helper_spandsp_release(void);
/* Once per process, before the first terminal: takes spandsp's and libtiff's messages off stderr. */
void helper_init(void);

/* cdef ends */

/* The oldest packet to send, out of turn, or NULL; the caller frees it. */
terminal_event_t *terminal_take_packet(terminal_t *terminal);
/* Whether an event waits that is more than a new figure of progress. */
int terminal_has_news(const terminal_t *terminal);

#endif
