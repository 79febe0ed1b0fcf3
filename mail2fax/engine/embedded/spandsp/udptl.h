/*
 * udptl.h - what goes out in UDPTL (T.38 section 9.1): each IFP packet with something that stands in for the ones
 * before it. And of what comes, the packet itself.
 */
#ifndef MAIL2FAX_SPANDSP_UDPTL_H
#define MAIL2FAX_SPANDSP_UDPTL_H

#include <stddef.h>
#include <stdint.h>

/* cdef begins */

enum {
    UDPTL_LONGEST_IFP = 1024,       /* spandsp's are of 330 octets at the most */
    UDPTL_LONGEST = 8192,           /* octets of a datagram */
    UDPTL_ENTRIES = 3,              /* copies of page packets in each datagram */
    UDPTL_NOTHING = 0,              /* what goes with a packet: nothing, copies of those before it, or parity */
    UDPTL_COPIES = 1,
    UDPTL_PARITY = 2
};

typedef struct udptl udptl_t;

/* NULL when memory is short. `most` is the longest datagram that the far end takes. */
udptl_t *udptl_new(int scheme, size_t most);
void udptl_free(udptl_t *udptl);
/* The next datagram, with `ifp` in it: its length, and its octets in `datagram`, which has room for UDPTL_LONGEST.
   0 when the packet is longer than UDPTL_LONGEST_IFP. */
size_t udptl_wrap(udptl_t *udptl, const uint8_t *ifp, size_t length, uint8_t *datagram);
/* Whether the last datagram goes out again after so many frames of 20 ms without another. */
int udptl_is_due_again(int quiet);
/* The same octets again, of the datagram made last; 0 when there was none. */
size_t udptl_repeat(const udptl_t *udptl, uint8_t *datagram);
/* The IFP packet of a datagram that bears copies of those before it, or nothing; NULL where it bears parity, or is no
   datagram of UDPTL from its first octet to its last. Octets behind its end do no harm. */
const uint8_t *udptl_primary(const uint8_t *datagram, size_t length, size_t *ifp_length);

/* cdef ends */

#endif
