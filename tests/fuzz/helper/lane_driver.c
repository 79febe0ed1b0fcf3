/*
 * lane_driver.c - lanes without Python, under the sanitizers: packets right and wrong, on real sockets of the loopback
 * and given by hand, in memory of just their size.
 *
 *   lane_driver SEED INPUTS FOLDER      so many calls of a few seconds each; FOLDER takes what is received
 *   lane_driver -t SEED SECONDS FOLDER  as many as there is time for
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lane.h"

#define FRAMES 300
#define LARGEST 1500

static uint64_t chance_state;
static unsigned long heard, left;       /* packets that lanes took, and that they left to Python */

static uint32_t chance(uint32_t below)
{
    chance_state ^= chance_state >> 12;
    chance_state ^= chance_state << 25;
    chance_state ^= chance_state >> 27;
    return (uint32_t) ((chance_state*2685821657736338717ULL) >> 33) % below;
}

static int open_socket(lane_address_t *address)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    int file = socket(AF_INET, SOCK_DGRAM, 0);

    if (file < 0 || bind(file, (struct sockaddr *) &name, length) < 0
        || getsockname(file, (struct sockaddr *) &name, &length) < 0
        || lane_address(address, "127.0.0.1", ntohs(name.sin_port)) < 0) {
        perror("socket");
        exit(2);
    }
    return file;
}

static terminal_t *open_terminal(const char *folder, int is_audio)
{
    char path[300];
    terminal_task_t task = {.ecm = 1, .max_bit_rate = 14400, .record_path = "", .path = path, .standard_path = "",
                            .station_id = "1", .sub_address = "", .password = "", .header = "", .time_zone = "",
                            .t38 = !is_audio, .t38_max_buffer = 1024, .t38_max_datagram = 400};

    snprintf(path, sizeof(path), "%s/received.tif", folder);
    return terminal_new(&task);
}

static void set_going(lane_t *lane, double now)
{
    lane->ssrc = chance(4);
    lane->sequence = (uint16_t) chance(1 << 16);
    lane->timestamp = chance(1U << 31)*2;
    lane->silent_at = now + 1;
    lane->silence_s = 1;
    lane->frame_at = now - (chance(20) ? 0 : 5);
    lane->quiet = (int) chance(300);
    lane->broken_after = (int) chance(50);
    lane->shift = (uint16_t) chance(1 << 16);
    memset(lane->laws, LANE_NO_LAW, sizeof(lane->laws));
    lane->laws[0] = 0;
    lane->laws[8] = 8;
    lane->running = 1;
}

/* Mostly the next packet of the stream, or nearly. */
static size_t make(const lane_t *lane, uint8_t *data)
{
    size_t i, length = 12 + (chance(4) ? 160 : chance(LARGEST - 12));

    for (i = 0; i < length; i++)
        data[i] = (uint8_t) chance(256);
    data[0] = 0x80;
    data[1] = chance(2) ? 8 : 0;
    data[2] = (uint8_t) (lane->sequence >> 8);
    data[3] = (uint8_t) lane->sequence;
    for (i = 0; i < 4; i++) {
        data[4 + i] = (uint8_t) (lane->timestamp >> (24 - 8*i));
        data[8 + i] = (uint8_t) (lane->ssrc >> (24 - 8*i));
    }
    if (chance(8) == 0)
        data[chance(12)] = (uint8_t) chance(256);
    if (chance(20) == 0)
        length = chance(14);
    return length;
}

/* The next datagram of UDPTL or the last one again, or nearly. */
static size_t make_t38(const lane_t *lane, udptl_t *theirs, uint8_t *data)
{
    static const uint8_t kinds[] = {0x00, 0x02, 0xC0, 0xD0};
    uint8_t ifp[300], datagram[UDPTL_LONGEST];
    size_t i, length = chance(4) ? 1 + chance(12) : 1 + chance(sizeof(ifp) - 1);
    uint16_t number = (uint16_t) (lane->sequence - (chance(6) == 0));

    for (i = 0; i < length; i++)
        ifp[i] = (uint8_t) chance(256);
    ifp[0] = kinds[chance(sizeof(kinds))];
    if ((length = udptl_wrap(theirs, ifp, length, datagram)) > LARGEST)
        length = LARGEST;
    memcpy(data, datagram, length);
    data[0] = (uint8_t) (number >> 8);
    data[1] = (uint8_t) number;
    if (chance(6) == 0)
        data[chance((uint32_t) length)] = (uint8_t) chance(256);
    return chance(10) ? length : chance((uint32_t) length);
}

/* A packet of any size, in memory of just that. */
static void wrap(udptl_t *udptl)
{
    size_t i, length = chance(UDPTL_LONGEST_IFP + 20), room = UDPTL_LONGEST;
    uint8_t *ifp = malloc(length), *datagram = malloc(room);

    if (chance(2))
        length %= 30;
    for (i = 0; i < length; i++)
        ifp[i] = (uint8_t) chance(256);
    if (udptl_wrap(udptl, ifp, length, datagram) > room || udptl_repeat(udptl, datagram) > room)
        abort();
    free(ifp);
    free(datagram);
}

static void deliver(lane_t *lane, udptl_t *theirs, int from, const lane_address_t *source,
                    const lane_address_t *address, double now)
{
    uint8_t data[LARGEST], *exact;
    size_t length = lane->is_audio ? make(lane, data) : make_t38(lane, theirs, data);

    if (chance(2)) {
        sendto(from, data, length, MSG_DONTWAIT, (const struct sockaddr *) address->octets, address->length);
        return;
    }
    exact = malloc(length);
    memcpy(exact, data, length);
    lane_take(lane, source, exact, length, now);
    free(exact);
}

static void play(const char *folder)
{
    lane_address_t our_address, far_address, strange_address;
    int ours = open_socket(&our_address), far = open_socket(&far_address), stranger = open_socket(&strange_address);
    int frame, is_audio = (int) chance(2), is_stranger;
    terminal_t *terminal = open_terminal(folder, is_audio);
    lane_t *lane = lane_new(ours);
    lane_t *lanes[1] = {lane};
    udptl_t *theirs = udptl_new(chance(4) ? UDPTL_COPIES : (int) chance(3), 1400);
    uint8_t spoken[LARGEST];
    uint32_t wanted[1];
    double now = 0;

    lane->is_audio = is_audio;
    lane->terminal = terminal;
    lane->udptl = udptl_new((int) chance(3), 64 + chance(400));
    lane->source = lane->target = far_address;
    for (frame = 0; frame < FRAMES; frame++, now += 0.02) {
        while (chance(3)) {
            is_stranger = chance(30) == 0;
            deliver(lane, theirs, is_stranger ? stranger : far, is_stranger ? &strange_address : &far_address,
                    &our_address, now);
        }
        lanes_run(lanes, 1, now, wanted);
        heard += (unsigned long) lane->received;
        lane->received = 0;
        for (; lane->first && chance(40); lane_drop_datagram(lane))
            left++;
        wrap(lane->udptl);
        while (terminal_first_event(terminal))
            terminal_drop_event(terminal);
        if (!lane->running && chance(2))
            set_going(lane, now);
        while (recv(far, spoken, sizeof(spoken), MSG_DONTWAIT) >= 0)
            ;
    }
    udptl_free(theirs);
    udptl_free(lane->udptl);
    lane_free(lane);
    terminal_free(terminal);
    close(ours);
    close(far);
    close(stranger);
    if (helper_objects_alive() != 0) {
        fprintf(stderr, "%d objects of the helper stay behind\n", helper_objects_alive());
        abort();
    }
}

int main(int argc, char **argv)
{
    int timed = argc == 5 && strcmp(argv[1], "-t") == 0;
    unsigned long amount, played = 0;
    time_t until;

    if (argc != 4 + timed)
        return 2;
    argv += timed;
    chance_state = 88172645463325252ULL ^ (strtoul(argv[1], NULL, 10)*6364136223846793005ULL + 1442695040888963407ULL);
    amount = strtoul(argv[2], NULL, 10);
    until = time(NULL) + (time_t) amount;
    helper_init();
    for (; timed ? time(NULL) < until : played < amount; played++)
        play(argv[3]);
    printf("%lu inputs, %lu packets taken, %lu left\n", played, heard, left);
    return 0;
}
