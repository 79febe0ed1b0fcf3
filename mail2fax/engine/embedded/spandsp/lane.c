/*
 * lane.c - the even part of a call's media, from its socket to its terminal and back, without Python.
 *
 * Nearly every packet of a call is the next one of its stream, and what a call in T.38 has to do every 20 ms is to send a
 * packet or nothing. That much is done here, for all calls of the engine in one call from Python. Everything else is Python's:
 * a datagram that is not simply the next one stops the lane, and goes with all that came after it into a queue; Python
 * reads them, runs the frame, and sets the lane going again from where it stands. So there is one place that knows
 * what to do with a lost packet, a stranger's, a report or a pause, and it is not this one.
 */
#define _GNU_SOURCE            /* recvmmsg */
#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "lane.h"

#define FRAME_SAMPLES 160
#define FRAME_S 0.02
#define SAMPLE_RATE 8000
#define RTP_HEADER 12
#define RTP_VERSION_2 0x80
#define RTP_MARKER 0x80
#define AT_ONCE 4               /* datagrams in one call of the kernel: two are rare in 20 ms */
#define ASKED_AT_ONCE 64        /* sockets in one call of the kernel */
#define MOST_AT_ONCE 64         /* of one socket in one run: a flood does not hold up the others */
#define MOST_KEPT 256           /* only a reader that has stopped reading gets here */
#define LONGEST 65536
#define V21_DATA 0xC0           /* first octet of an IFP packet with data of a control frame (T.38 7.1) */
#define MOST_STANDSTILL_S 1.0   /* after more than that, time is lost rather than caught up */

static uint16_t read_16(const uint8_t *data)
{
    return (uint16_t) (data[0] << 8 | data[1]);
}

static uint32_t read_32(const uint8_t *data)
{
    return (uint32_t) read_16(data) << 16 | read_16(data + 2);
}

static void write_16(uint8_t *data, uint16_t value)
{
    data[0] = (uint8_t) (value >> 8);
    data[1] = (uint8_t) value;
}

static void write_32(uint8_t *data, uint32_t value)
{
    write_16(data, (uint16_t) (value >> 16));
    write_16(data + 2, (uint16_t) value);
}

/* ---------------------------------------------------------------------------------------- addresses */

int lane_address(lane_address_t *address, const char *host, int port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t) port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t) port)};

    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        memcpy(address->octets, &v4, address->length = sizeof(v4));
    else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        memcpy(address->octets, &v6, address->length = sizeof(v6));
    return address->length ? 0 : -1;
}

/* Host and port, whatever else the kernel writes into an address. */
static int is_same(const lane_address_t *one, const lane_address_t *other)
{
    struct sockaddr_in a4, b4;
    struct sockaddr_in6 a6, b6;

    if (one->length != other->length)
        return 0;
    if (one->length == sizeof(a4)) {
        memcpy(&a4, one->octets, sizeof(a4));
        memcpy(&b4, other->octets, sizeof(b4));
        return a4.sin_port == b4.sin_port && a4.sin_addr.s_addr == b4.sin_addr.s_addr;
    }
    memcpy(&a6, one->octets, sizeof(a6));
    memcpy(&b6, other->octets, sizeof(b6));
    return a6.sin6_port == b6.sin6_port && memcmp(&a6.sin6_addr, &b6.sin6_addr, sizeof(a6.sin6_addr)) == 0;
}

static void tell_address(const lane_address_t *address, lane_datagram_t *datagram)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->length == sizeof(v4)) {
        memcpy(&v4, address->octets, sizeof(v4));
        inet_ntop(AF_INET, &v4.sin_addr, datagram->host, sizeof(datagram->host));
        datagram->port = ntohs(v4.sin_port);
    } else {
        memcpy(&v6, address->octets, sizeof(v6));
        inet_ntop(AF_INET6, &v6.sin6_addr, datagram->host, sizeof(datagram->host));
        datagram->port = ntohs(v6.sin6_port);
    }
}

/* ------------------------------------------------------------------------------------- making and freeing */

lane_t *lane_new(int file)
{
    lane_t *lane = calloc(1, sizeof(*lane));
    int yes = 1;

    if (lane == NULL)
        return NULL;
    lane->file = file;
    /* Packets wait for the next run; jitter is that of the network. Without the stamp it is that of the run. */
    setsockopt(file, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes));
    return lane;
}

void lane_drop_datagram(lane_t *lane)
{
    lane_datagram_t *datagram = lane->first;

    if (datagram == NULL)
        return;
    if ((lane->first = datagram->next) == NULL)
        lane->last = NULL;
    lane->datagrams--;
    free(datagram);
}

void lane_free(lane_t *lane)
{
    if (lane == NULL)
        return;
    while (lane->first)
        lane_drop_datagram(lane);
    free(lane);
}

/* ------------------------------------------------------------------------------------------- what comes */

static void keep(lane_t *lane, const lane_address_t *source, const uint8_t *data, size_t length, double at)
{
    lane_datagram_t *datagram;

    if (lane->datagrams >= MOST_KEPT || (datagram = calloc(1, sizeof(*datagram) + length)) == NULL)
        return;                 /* as if the network had lost it */
    datagram->at = at;
    datagram->length = length;
    memcpy(datagram->data, data, length);
    tell_address(source, datagram);
    if (lane->last)
        lane->last->next = datagram;
    else
        lane->first = datagram;
    lane->last = datagram;
    lane->datagrams++;
}

/* RTP without padding, extension and contributing sources, the next one of the stream that we follow. */
static int is_next(const lane_t *lane, const uint8_t *data, size_t length)
{
    return length > RTP_HEADER && data[0] == RTP_VERSION_2 && lane->laws[data[1] & 0x7F] != LANE_NO_LAW
        && read_16(data + 2) == lane->sequence && read_32(data + 4) == lane->timestamp
        && read_32(data + 8) == lane->ssrc;
}

/* A packet of the stream has come. */
static void note(lane_t *lane, double at)
{
    double pause = at - lane->heard_at;

    if (pause > lane->longest_pause_s)
        lane->longest_pause_s = pause;
    lane->heard_at = at;
}

/* RFC 3550 A.8. Timestamps wrap: that is no jitter. */
static void measure(lane_t *lane, double at)
{
    double transit = at*SAMPLE_RATE - lane->timestamp;
    double change = fabs(transit - lane->transit);

    if (lane->measured && change < SAMPLE_RATE)
        lane->jitter += (change - lane->jitter)/16;
    lane->measured = 1;
    lane->transit = transit;
}

static int hear_audio(lane_t *lane, const uint8_t *data, size_t length, double at)
{
    if (!is_next(lane, data, length))
        return 0;
    measure(lane, at);
    note(lane, at);
    lane->received++;
    lane->sequence++;
    lane->timestamp += (uint32_t) (length - RTP_HEADER);
    lane->silent_at = at + lane->silence_s;
    terminal_hear_g711(lane->terminal, data + RTP_HEADER, length - RTP_HEADER, lane->laws[data[1] & 0x7F]);
    return 1;
}

/* Nothing is missing before the next packet: its copies of earlier ones are not needed. The last one may come again. */
static int hear_t38(lane_t *lane, const uint8_t *data, size_t length, double at)
{
    const uint8_t *ifp;
    size_t ifp_length;
    uint16_t ahead;

    if (length < 2 || (ahead = (uint16_t) (read_16(data) - lane->sequence + 1)) > 1)
        return 0;
    if ((ifp = udptl_primary(data, length, &ifp_length)) == NULL || ifp_length == 0)
        return 0;
    note(lane, at);
    if (ahead == 0) {
        lane->repeated++;
        return 1;
    }
    terminal_hear_packet(lane->terminal, ifp, ifp_length, (uint16_t) (lane->sequence + lane->shift));
    lane->received++;
    lane->sequence++;
    lane->new_at = at;
    lane->unheard = 0;
    lane->in_frame = ifp[0] == V21_DATA;
    return 1;
}

void lane_take(lane_t *lane, const lane_address_t *source, const uint8_t *data, size_t length, double at)
{
    lane->read_at = at;
    if (lane->running && lane->first == NULL && is_same(source, &lane->source)
        && (lane->is_audio ? hear_audio(lane, data, length, at) : hear_t38(lane, data, length, at)))
        return;
    keep(lane, source, data, length, at);
}

static double seconds_of(const struct timespec *time)
{
    return (double) time->tv_sec + (double) time->tv_nsec*1e-9;
}

/* How long ago the kernel took it, in seconds; 0 where it does not say. `day` is now, by its clock. */
static double age_of(struct msghdr *message, double day)
{
    struct cmsghdr *head;
    struct timespec time;

    for (head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&time, CMSG_DATA(head), sizeof(time));
            return fmax(0, day - seconds_of(&time));
        }
    }
    return 0;
}

/* `now` and `day` are the same moment, by two clocks. `octets` is room for AT_ONCE datagrams. */
static void receive(lane_t *lane, double now, double day, uint8_t (*octets)[LONGEST])
{
    struct mmsghdr messages[AT_ONCE];
    struct iovec parts[AT_ONCE];
    lane_address_t sources[AT_ONCE];
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(sizeof(struct timespec))];
    } controls[AT_ONCE];
    int i, got, taken = 0;

    do {
        memset(messages, 0, sizeof(messages));
        for (i = 0; i < AT_ONCE; i++) {
            parts[i] = (struct iovec) {octets[i], LONGEST};
            messages[i].msg_hdr = (struct msghdr) {
                .msg_name = sources[i].octets, .msg_namelen = sizeof(sources[i].octets), .msg_iov = &parts[i],
                .msg_iovlen = 1, .msg_control = &controls[i], .msg_controllen = sizeof(controls[i])};
        }
        got = recvmmsg(lane->file, messages, AT_ONCE, MSG_DONTWAIT, NULL);
        for (i = 0; i < got; i++) {
            sources[i].length = messages[i].msg_hdr.msg_namelen;
            lane_take(lane, &sources[i], octets[i], messages[i].msg_len, now - age_of(&messages[i].msg_hdr, day));
        }
        taken += got;
    } while (got == AT_ONCE && taken < MOST_AT_ONCE);
}

/* -------------------------------------------------------------------------------------------- what goes */

static void send_out(lane_t *lane, const uint8_t *datagram, size_t length)
{
    /* What the kernel does not take is lost, as on any other stretch of the way. */
    sendto(lane->file, datagram, length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *) lane->target.octets,
           lane->target.length);
    lane->sent++;
}

static void speak(lane_t *lane)
{
    uint8_t packet[RTP_HEADER + FRAME_SAMPLES];

    packet[0] = RTP_VERSION_2;
    packet[1] = (uint8_t) lane->payload_type;
    write_16(packet + 2, lane->own_sequence);
    write_32(packet + 4, lane->own_timestamp);
    write_32(packet + 8, lane->own_ssrc);
    terminal_speak_g711(lane->terminal, packet + RTP_HEADER, FRAME_SAMPLES, lane->law);
    lane->own_sequence++;
    lane->own_timestamp += FRAME_SAMPLES;
    send_out(lane, packet, sizeof(packet));
}

static void repeat(lane_t *lane)
{
    uint8_t datagram[UDPTL_LONGEST];
    size_t length = udptl_repeat(lane->udptl, datagram);

    if (length > 0)
        send_out(lane, datagram, length);
}

static void tick(lane_t *lane)
{
    uint8_t datagram[UDPTL_LONGEST];
    terminal_event_t *packet;
    size_t length;

    lane->quiet++;
    lane->unheard++;
    terminal_tick(lane->terminal, FRAME_SAMPLES);
    while ((packet = terminal_take_packet(lane->terminal))) {
        if ((length = udptl_wrap(lane->udptl, packet->data, packet->length, datagram)) > 0) {
            send_out(lane, datagram, length);
            lane->quiet = 0;
        }
        free(packet);
    }
    if (udptl_is_due_again(lane->quiet))
        repeat(lane);
}

static int must_stop(const lane_t *lane, double now)
{
    if (lane->first)
        return 1;
    return lane->is_audio ? now >= lane->silent_at : lane->in_frame && lane->unheard + 1 >= lane->broken_after;
}

/* Whether Python is wanted. */
static int run(lane_t *lane, double now)
{
    if (!lane->running)
        return lane->first != NULL;
    lane->frame_at = fmax(lane->frame_at, now - MOST_STANDSTILL_S);
    while (lane->running && lane->frame_at <= now + FRAME_S/2) {    /* a little early is no reason to leave one out */
        if (must_stop(lane, now)) {
            lane->running = 0;
            return 1;
        }
        lane->frame_at += FRAME_S;
        if (lane->is_audio)
            speak(lane);
        else
            tick(lane);
    }
    return !lane->running || lane->first != NULL || terminal_has_news(lane->terminal);
}

/* Which sockets have something, or an error to give up. Whoever sends a page in T.38 hears nothing for a minute: a look at
   each socket would be a third of what the call costs. */
static void ask(lane_t *const *lanes, size_t count, struct pollfd *files)
{
    size_t i;

    for (i = 0; i < count; i++)
        files[i] = (struct pollfd) {.fd = lanes[i]->file, .events = POLLIN};
    if (poll(files, count, 0) >= 0)
        return;
    for (i = 0; i < count; i++)
        files[i].revents = POLLIN;
}

size_t lanes_run(lane_t *const *lanes, size_t count, double now, uint32_t *wanted)
{
    uint8_t octets[AT_ONCE][LONGEST];
    struct pollfd files[ASKED_AT_ONCE];
    struct timespec day;
    size_t i, found = 0;

    clock_gettime(CLOCK_REALTIME, &day);
    for (i = 0; i < count; i++) {
        if (i % ASKED_AT_ONCE == 0)
            ask(lanes + i, count - i < ASKED_AT_ONCE ? count - i : ASKED_AT_ONCE, files);
        if (files[i % ASKED_AT_ONCE].revents)
            receive(lanes[i], now, seconds_of(&day), octets);
        if (run(lanes[i], now))
            wanted[found++] = (uint32_t) i;
    }
    return found;
}
