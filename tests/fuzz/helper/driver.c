/*
 * driver.c - the C helper without Python: plays records again (recorder.h), as they are or mutated, under the
 * sanitizers.
 *
 *   driver FOLDER RECORD...                  plays each record once
 *   driver -s SEED -n INPUTS FOLDER RECORD...    then mutates and plays them, so many times
 *   driver -s SEED -t SECONDS FOLDER RECORD...   then mutates and plays them until the time is over
 *
 * FOLDER takes what is received, and `current.t30`, the input in hand: after a crash that is the one. Documents to
 * send are found by the paths in the records, or in FOLDER by their names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "helper.h"
#include "recorder.h"

#define ENTRIES 200000
#define SCRATCH 70000
#define LONGEST_S 30            /* processor time of one input: a call of many minutes takes less than one */

typedef struct {
    record_head_t head;
    const uint8_t *data;
} entry_t;

typedef struct {
    uint8_t *octets;
    size_t length;
    entry_t *entries;
    size_t count;
} record_t;

static const char *folder;
static unsigned long frames;    /* of T.30, told by all inputs: how deep they got */
static uint64_t chance_state;

static uint32_t chance(uint32_t below)
{
    /* xorshift64*: the same seed, the same run. */
    chance_state ^= chance_state >> 12;
    chance_state ^= chance_state << 25;
    chance_state ^= chance_state >> 27;
    return (uint32_t) ((chance_state*2685821657736338717ULL) >> 33) % below;
}

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "%s: %s\n", what, name);
    exit(2);
}

static int read_record(record_t *record, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t at = RECORD_MAGIC_LENGTH;
    record_head_t head;

    if (file == NULL)
        return -1;
    record->octets = malloc(RECORD_MAX);
    record->entries = malloc(ENTRIES*sizeof(entry_t));
    record->length = fread(record->octets, 1, RECORD_MAX, file);
    record->count = 0;
    fclose(file);
    if (record->length < RECORD_MAGIC_LENGTH || memcmp(record->octets, RECORD_MAGIC, RECORD_MAGIC_LENGTH) != 0)
        return -1;
    while (at + sizeof(head) <= record->length && record->count < ENTRIES) {
        memcpy(&head, record->octets + at, sizeof(head));
        at += sizeof(head);
        if (head.kind == RECORD_END_OF_FILE || head.length > record->length - at)
            break;
        record->entries[record->count++] = (entry_t) {head, record->octets + at};
        at += head.length;
    }
    return record->count && record->entries[0].head.kind == RECORD_TASK ? 0 : -1;
}

static void write_record(const entry_t *entries, size_t count)
{
    char path[400];
    FILE *file;
    size_t i;

    snprintf(path, sizeof(path), "%s/current.t30", folder);
    if ((file = fopen(path, "wb")) == NULL)
        fail("not written", path);
    fwrite(RECORD_MAGIC, 1, RECORD_MAGIC_LENGTH, file);
    for (i = 0; i < count; i++) {
        fwrite(&entries[i].head, sizeof(entries[i].head), 1, file);
        fwrite(entries[i].data, 1, entries[i].head.length, file);
    }
    fclose(file);
}

/* The next of the texts of a task; "" when there is none. */
static const char *next_text(const char **at, const char *end)
{
    const char *text = *at, *stop = text < end ? memchr(text, 0, (size_t) (end - text)) : NULL;

    if (stop == NULL)
        return "";
    *at = stop + 1;
    return text;
}

static const char *here(char *buffer, size_t size, const char *path)
{
    const char *name = strrchr(path, '/');

    if (path[0] == '\0' || access(path, R_OK) == 0)
        return path;
    snprintf(buffer, size, "%s/%s", folder, name ? name + 1 : path);
    return buffer;
}

static terminal_t *begin(const entry_t *entry)
{
    record_task_t task;
    terminal_task_t orders;
    char document[400], standard[400], received[400];
    const char *at, *end;

    if (entry->head.length < sizeof(task))
        return NULL;
    memcpy(&task, entry->data, sizeof(task));
    at = (const char *) entry->data + sizeof(task);
    end = (const char *) entry->data + entry->head.length;
    memset(&orders, 0, sizeof(orders));
    orders.sending = task.sending;
    orders.calling = task.calling;
    orders.ecm = task.ecm;
    orders.max_bit_rate = task.max_bit_rate;
    orders.start_page = task.start_page < 0 ? 0 : task.start_page;
    orders.pages = task.pages;
    orders.t38 = task.t38;
    orders.t38_version = task.t38_version;
    orders.t38_local_tcf = task.t38_local_tcf;
    orders.t38_fill_bit_removal = task.t38_fill_bit_removal;
    orders.t38_max_buffer = task.t38_max_buffer;
    orders.t38_max_datagram = task.t38_max_datagram;
    snprintf(received, sizeof(received), "%s/received.tif", folder);
    orders.path = here(document, sizeof(document), next_text(&at, end));
    orders.standard_path = here(standard, sizeof(standard), next_text(&at, end));
    if (!task.sending)
        orders.path = received;
    orders.station_id = next_text(&at, end);
    orders.sub_address = next_text(&at, end);
    orders.password = next_text(&at, end);
    orders.header = next_text(&at, end);
    orders.time_zone = next_text(&at, end);
    orders.record_path = "";
    return terminal_new(&orders);
}

static void play_entry(terminal_t *terminal, const entry_t *entry)
{
    static uint8_t spoken[SCRATCH];
    uint32_t number = entry->head.number;
    /* Of its own size, so that reading beyond its end is seen. */
    uint8_t *data = malloc(entry->head.length);

    memcpy(data, entry->data, entry->head.length);
    switch (entry->head.kind) {
    case RECORD_PACKET:
        terminal_hear_packet(terminal, data, entry->head.length, (uint16_t) number);
        break;
    case RECORD_TICK:
        terminal_tick(terminal, (int) (number % 8000));
        break;
    case RECORD_G711:
        terminal_hear_g711(terminal, data, entry->head.length, (int) number);
        break;
    case RECORD_GAP:
        terminal_hear_gap(terminal, number % 8000);
        break;
    case RECORD_SPEAK:
        terminal_speak_g711(terminal, spoken, number % SCRATCH, 8);
        break;
    case RECORD_END:
        terminal_end(terminal);
        break;
    default:
        break;
    }
    free(data);
}

/* It may be spandsp that goes round and round, so only a signal gets us out. */
static void end_spinning(int signal)
{
    static const char words[] = "one input takes too long\n";

    if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
        _exit(3);
    abort();
}

static void limit_input(void)
{
    struct itimerval limit = {{0, 0}, {LONGEST_S, 0}};

    setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

static void play(const entry_t *entries, size_t count)
{
    terminal_t *terminal = begin(&entries[0]);
    const terminal_event_t *event;
    size_t i;

    if (terminal == NULL)
        return;
    limit_input();
    for (i = 1; i < count; i++) {
        play_entry(terminal, &entries[i]);
        while ((event = terminal_first_event(terminal))) {
            frames += event->kind == EVENT_FRAME;
            terminal_drop_event(terminal);
        }
    }
    terminal_free(terminal);
    if (helper_objects_alive() != 0) {
        fprintf(stderr, "%d objects of the helper stay behind\n", helper_objects_alive());
        abort();
    }
}

/* What a network, or somebody who means harm, makes of an entry; `pool` takes the octets. */
static void mutate_entry(entry_t *entry, uint8_t **pool)
{
    static const uint8_t telling[] = {0x00, 0xFF, 0x13, 0x03, 0x06, 0x80, 0x82, 0x83, 0xBE, 0xBF, 0x41, 0xC8, 0x60};
    uint8_t *data = *pool;
    uint32_t i, length = entry->head.length;

    if (entry->head.kind != RECORD_PACKET && entry->head.kind != RECORD_G711) {
        if (entry->head.kind != RECORD_TASK)
            entry->head.number = chance(4) ? chance(500) : chance(8000);
        return;
    }
    memcpy(data, entry->data, length);
    for (i = chance(4) + 1; i > 0 && length > 0; i--)
        data[chance(length)] = chance(2) ? telling[chance(sizeof(telling))] : (uint8_t) chance(256);
    if (chance(4) == 0)
        length = chance(length + 1);
    else if (chance(8) == 0)
        for (i = 4 + chance(400); i > 0; i--)
            data[length++] = telling[chance(sizeof(telling))];
    if (chance(6) == 0)
        entry->head.number += chance(20) - 10;
    entry->data = data;
    entry->head.length = length;
    *pool += length + 1;
}

static size_t mutate(const record_t *record, entry_t *entries, uint8_t *pool)
{
    size_t i, count = 0, changes = 1 + chance(60);
    size_t from = chance((uint32_t) record->count), reach = 1 + chance((uint32_t) record->count);

    for (i = 0; i < record->count && count + 1 < 2*ENTRIES; i++) {
        entries[count] = record->entries[i];
        if (i > 0 && i >= from && i < from + reach && changes && chance(1 + (uint32_t) (reach/60)) == 0) {
            changes--;
            switch (chance(8)) {
            case 0:
                continue;       /* lost */
            case 1:
                entries[count + 1] = entries[count];
                count++;        /* twice */
                break;
            case 2:             /* of another time in the call */
                entries[count] = record->entries[1 + chance((uint32_t) record->count - 1)];
                break;
            default:
                mutate_entry(&entries[count], &pool);
                break;
            }
        }
        count++;
    }
    if (chance(10) == 0)
        count = 1 + chance((uint32_t) count);
    return count;
}

int main(int argc, char **argv)
{
    unsigned long seed = 0, seconds = 0, inputs = 0, played = 0;
    record_t *records;
    entry_t *entries;
    uint8_t *pool;
    time_t until;
    size_t count, number, i;
    int option;

    while ((option = getopt(argc, argv, "s:n:t:")) != -1) {
        if (option == 's')
            seed = strtoul(optarg, NULL, 10);
        else if (option == 'n')
            inputs = strtoul(optarg, NULL, 10);
        else if (option == 't')
            seconds = strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    if (argc - optind < 2)
        return 2;
    folder = argv[optind++];
    number = (size_t) (argc - optind);
    records = calloc(number, sizeof(record_t));
    helper_init();
    signal(SIGVTALRM, end_spinning);
    for (i = 0; i < number; i++) {
        if (read_record(&records[i], argv[optind + (int) i]) < 0)
            fail("no record", argv[optind + (int) i]);
        write_record(records[i].entries, records[i].count);
        play(records[i].entries, records[i].count);
        played++;
    }
    chance_state = 88172645463325252ULL ^ (seed*6364136223846793005ULL + 1442695040888963407ULL);
    entries = malloc(2*ENTRIES*sizeof(entry_t));
    pool = malloc(RECORD_MAX + 64*1024);
    until = time(NULL) + (time_t) seconds;
    for (i = 0; seconds ? time(NULL) < until : i < inputs; i++) {
        count = mutate(&records[chance((uint32_t) number)], entries, pool);
        write_record(entries, count);
        play(entries, count);
        played++;
    }
    for (i = 0; i < number; i++) {
        free(records[i].octets);
        free(records[i].entries);
    }
    free(records);
    free(entries);
    free(pool);
    printf("%lu inputs, %lu frames\n", played, frames);
    return 0;
}
