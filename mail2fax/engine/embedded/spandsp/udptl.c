/*
 * udptl.c - what goes out in UDPTL (T.38 section 9.1): each IFP packet with something that stands in for the ones
 * before it.
 *
 * With three copies 10 % loss does no harm; with none, 5 % ends every call. Short packets are of control frames: at
 * 300 bit/s an octet or two each, and the whole call hangs on them. Seven copies of those are still shorter than one
 * packet of a page; Asterisk and FreeSWITCH take up to 15.
 *
 * Parity always covers the eight packets before this one: four entries over two packets each. Asterisk and FreeSWITCH
 * throw a whole datagram away that has more than five entries. They also look for what is missing in the entries of up
 * to 15 datagrams, in a ring of 16 packets: an entry that reached further back than those of later datagrams would be
 * laid over packets that have taken the place of its own in the ring, and "repair" what is lost with nonsense. So
 * control frames and pages are covered alike, and where room is short two entries cover four packets each.
 *
 * Where the datagram would be longer than the far end takes, the oldest copies go first, or there are fewer entries.
 * Asterisk settles on one lower number beforehand ((max - 8) / (entries + 1) * 0.95 >= 80); counted per datagram never
 * more octets go out, and short packets keep all their copies.
 */
#include <stdlib.h>
#include <string.h>

#include "udptl.h"

#define SMALL 20                /* IFP packets up to this size are of control frames */
#define SMALL_COPIES 7
#define SMALL_DATAGRAM 100
#define PARITY_ENTRIES 4
#define EARLIER 8               /* as far as parity reaches: entries by span */
#define LONGEST_SPAN 5          /* packets that one entry covers at the most, for Asterisk */
#define PARITY_FOLLOWS 0x80     /* the CHOICE bit of error-recovery: copies without it, parity with it */

typedef struct {
    size_t length;
    uint8_t data[UDPTL_LONGEST_IFP];
} ifp_t;

struct udptl {
    int scheme;
    size_t most;
    uint16_t sequence;
    size_t count, newest;       /* of the packets before this one, and where the newest lies */
    ifp_t earlier[EARLIER];
    size_t last_length;
    uint8_t last[UDPTL_LONGEST];
};

udptl_t *udptl_new(int scheme, size_t most)
{
    udptl_t *udptl = calloc(1, sizeof(*udptl));

    if (udptl) {
        udptl->scheme = scheme;
        udptl->most = most;
    }
    return udptl;
}

void udptl_free(udptl_t *udptl)
{
    free(udptl);
}

/* The length at `at`, and what stands behind it; NULL where the datagram ends before, or things come in fragments. */
static const uint8_t *read_length(const uint8_t *at, const uint8_t *end, size_t *length)
{
    if (at >= end || *at >= 0xC0)
        return NULL;
    if (*at < 0x80) {
        *length = *at;
        return at + 1;
    }
    if (end - at < 2)
        return NULL;
    *length = (size_t) (at[0] & 0x3F) << 8 | at[1];
    return at + 2;
}

/* What stands behind the open type at `at`, which has so many octets. */
static const uint8_t *skip_open_type(const uint8_t *at, const uint8_t *end, size_t *length)
{
    at = read_length(at, end, length);
    return at && *length <= (size_t) (end - at) ? at + *length : NULL;
}

const uint8_t *udptl_primary(const uint8_t *datagram, size_t length, size_t *ifp_length)
{
    const uint8_t *end = datagram + length, *behind, *at;
    size_t copies, size;

    if (length < 2 || (behind = skip_open_type(datagram + 2, end, ifp_length)) == NULL)
        return NULL;
    if (behind >= end || *behind & PARITY_FOLLOWS)
        return NULL;
    for (at = read_length(behind + 1, end, &copies); at && copies > 0; copies--)
        at = skip_open_type(at, end, &size);
    return at ? behind - *ifp_length : NULL;
}

/* The packet so many places before this one; 1 is the last. */
static const ifp_t *before(const udptl_t *udptl, size_t back)
{
    return &udptl->earlier[(udptl->newest + EARLIER + 1 - back)%EARLIER];
}

static void remember(udptl_t *udptl, const uint8_t *ifp, size_t length)
{
    udptl->newest = (udptl->newest + 1)%EARLIER;
    udptl->earlier[udptl->newest].length = length;
    memcpy(udptl->earlier[udptl->newest].data, ifp, length);
    if (udptl->count < EARLIER)
        udptl->count++;
}

/* X.691 10.9: lengths below 128 take one octet, longer ones two. */
static size_t put_open_type(uint8_t *to, const uint8_t *data, size_t length)
{
    size_t used = 0;

    if (length >= 0x80)
        to[used++] = (uint8_t) (0x80 | length >> 8);
    to[used++] = (uint8_t) length;
    memcpy(to + used, data, length);
    return used + length;
}

static size_t put_copies(const udptl_t *udptl, size_t entries, uint8_t *to)
{
    size_t back, used = 0;

    entries = entries < udptl->count ? entries : udptl->count;
    to[used++] = 0;
    to[used++] = (uint8_t) entries;
    for (back = 1; back <= entries; back++)
        used += put_open_type(to + used, before(udptl, back)->data, before(udptl, back)->length);
    return used;
}

/* The exclusive or of `span` packets, each `step` places before the other; shorter ones are filled up with zeros. */
static size_t put_entry(const udptl_t *udptl, size_t first, size_t step, size_t span, uint8_t *to)
{
    ifp_t sum = {0};
    const ifp_t *packet;
    size_t i;

    for (; span > 0; span--, first += step) {
        packet = before(udptl, first);
        if (packet->length > sum.length)
            sum.length = packet->length;
        for (i = 0; i < packet->length; i++)
            sum.data[i] ^= packet->data[i];
    }
    return put_open_type(to, sum.data, sum.length);
}

/* Fewer entries, or a shorter span, while there are not yet packets enough to cover. */
static size_t put_parity(const udptl_t *udptl, size_t entries, uint8_t *to)
{
    size_t i, used = 0, span = entries ? EARLIER/entries : 0;

    if (span > LONGEST_SPAN)
        span = LONGEST_SPAN;

    entries = entries < udptl->count ? entries : udptl->count;
    if (entries == 0)
        span = 0;
    else if (span > udptl->count/entries)
        span = udptl->count/entries;
    to[used++] = PARITY_FOLLOWS;
    to[used++] = 1;             /* the span is an INTEGER, with its length before it */
    to[used++] = (uint8_t) span;
    to[used++] = (uint8_t) entries;
    for (i = 0; i < entries; i++)       /* entry i covers what lies entries - i, 2*entries - i, ... back */
        used += put_entry(udptl, entries - i, entries, span, to + used);
    return used;
}

static size_t build(const udptl_t *udptl, const uint8_t *ifp, size_t length, size_t entries, uint8_t *to)
{
    size_t used = 2;

    to[0] = (uint8_t) (udptl->sequence >> 8);
    to[1] = (uint8_t) udptl->sequence;
    used += put_open_type(to + used, ifp, length);
    if (udptl->scheme == UDPTL_PARITY)
        return used + put_parity(udptl, entries, to + used);
    return used + put_copies(udptl, udptl->scheme == UDPTL_COPIES ? entries : 0, to + used);
}

static size_t build_with_parity(const udptl_t *udptl, const uint8_t *ifp, size_t length, uint8_t *to)
{
    size_t entries, used;

    for (entries = PARITY_ENTRIES; entries > 0; entries /= 2)
        if ((used = build(udptl, ifp, length, entries, to)) <= udptl->most)
            return used;
    return build(udptl, ifp, length, 0, to);
}

static size_t build_with_copies(const udptl_t *udptl, const uint8_t *ifp, size_t length, uint8_t *to)
{
    size_t copies, used, most = udptl->most < SMALL_DATAGRAM ? udptl->most : SMALL_DATAGRAM;

    for (copies = SMALL_COPIES; length <= SMALL && copies > UDPTL_ENTRIES; copies--)
        if ((used = build(udptl, ifp, length, copies, to)) <= most)
            return used;
    for (copies = UDPTL_ENTRIES; copies > 0; copies--)
        if ((used = build(udptl, ifp, length, copies, to)) <= udptl->most)
            return used;
    return build(udptl, ifp, length, 0, to);
}

size_t udptl_wrap(udptl_t *udptl, const uint8_t *ifp, size_t length, uint8_t *datagram)
{
    size_t used;

    if (length > UDPTL_LONGEST_IFP)
        return 0;
    used = udptl->scheme == UDPTL_PARITY ? build_with_parity(udptl, ifp, length, datagram)
                                         : build_with_copies(udptl, ifp, length, datagram);
    memcpy(udptl->last, datagram, udptl->last_length = used);
    remember(udptl, ifp, length);
    udptl->sequence++;
    return used;
}

/* After 40 ms to 0.7 s: within a signal a packet goes out every 30 or 40 ms and bears copies of the ones before; what a
   signal ends with has nothing else to stand in for it. And every 5 s for as long as we have nothing to say: a page
   takes minutes, and firewalls and address translators forget a flow that is silent for 30 s. */
int udptl_is_due_again(int quiet)
{
    return quiet == 2 || quiet == 3 || quiet == 5 || quiet == 9 || quiet == 17 || quiet == 33
        || (quiet > 0 && quiet % 250 == 0);
}

size_t udptl_repeat(const udptl_t *udptl, uint8_t *datagram)
{
    memcpy(datagram, udptl->last, udptl->last_length);
    return udptl->last_length;
}
