/*
 * lane.h - the even part of a call's media, from its socket to its terminal and back, without Python.
 */
#ifndef MAIL2FAX_SPANDSP_LANE_H
#define MAIL2FAX_SPANDSP_LANE_H

#include "helper.h"
#include "udptl.h"

/* cdef begins */

/* A datagram that is for Python to read, in the order in which they came. */
typedef struct lane_datagram {
    struct lane_datagram *next;
    double at;                  /* when the kernel took it, by the clock of lanes_run */
    char host[46];
    int port;
    size_t length;
    uint8_t data[];
} lane_datagram_t;

typedef struct {
    uint8_t octets[28];         /* a sockaddr_in or sockaddr_in6 */
    unsigned length;            /* 0: none */
} lane_address_t;

/* Python sets all of it before it sets `running`, and reads from it how far things have come. While `running` is 0
   the lane only collects datagrams. */
typedef struct {
    int file;                   /* the socket */
    int running;
    terminal_t *terminal;
    int is_audio;               /* 1: G.711 over RTP; 0: T.38 over UDPTL */
    double frame_at;            /* when the next frame of 20 ms is due */
    double silent_at;           /* audio: when nothing has come by then, it is Python's */
    int broken_after;           /* T.38: the frame that is so many after a packet of a control frame is Python's */
    int quiet;                  /* T.38: frames since our last packet */

    /* What comes, if it is the next of its stream. */
    lane_address_t source;      /* of no length: nobody is followed yet */
    uint16_t sequence;
    uint16_t shift;             /* T.38: added to the number for the terminal */
    int in_frame, unheard;      /* T.38: the last packet was of a control frame; frames since it */
    uint8_t laws[128];          /* by payload type: 0 mu-law, 8 A-law, LANE_NO_LAW none */
    uint32_t ssrc, timestamp;
    double silence_s;           /* how long after a packet is silent_at */
    int measured;               /* transit is that of a packet */
    double transit, jitter;     /* in samples (RFC 3550 A.8) */

    /* What goes. */
    lane_address_t target;
    udptl_t *udptl;             /* T.38; the rest is for audio */
    int law, payload_type;
    uint32_t own_ssrc, own_timestamp;
    uint16_t own_sequence;

    /* Since Python last set them to 0. */
    int received, sent;
    int repeated;               /* T.38: datagrams that were the last one again, not among `received` */
    double longest_pause_s;

    double new_at;              /* T.38: when the last new packet came ... */
    double heard_at;            /* ... the last packet of the stream, new or not ... */
    double read_at;             /* ... and the last datagram, whatever it was */

    lane_datagram_t *first, *last;
    int datagrams;
} lane_t;

enum { LANE_NO_LAW = 255 };

/* Takes over the reading of a socket; NULL when memory is short. Frees itself and its datagrams, not the socket. */
lane_t *lane_new(int file);
void lane_free(lane_t *lane);
/* 0, or -1 when `host` is no IP address in figures. */
int lane_address(lane_address_t *address, const char *host, int port);
void lane_drop_datagram(lane_t *lane);
/* Moves each lane up to `now` (seconds of any clock) and gives the places of those that want Python: they have datagrams,
   their terminal has events, or they have stopped. `wanted` has room for `count`. */
size_t lanes_run(lane_t *const *lanes, size_t count, double now, uint32_t *wanted);

/* cdef ends */

/* The part without a socket, for tests: one datagram that came from `source`. */
void lane_take(lane_t *lane, const lane_address_t *source, const uint8_t *data, size_t length, double at);

#endif
