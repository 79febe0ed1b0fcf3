/*
 * recorder.h - what a terminal was told, in a file that outlives a crash of the process.
 *
 * The file is a shared mapping: what was written there reaches the disk whatever becomes of us, and a call into
 * spandsp is noted before it is made. It can be played again (tests/fuzz/helper_driver.c). Numbers are those of this
 * machine: "M2FBOX1\n", then entries of a head and `length` octets each; the first has the task, a head of zeros is
 * the end.
 */
#ifndef MAIL2FAX_SPANDSP_RECORDER_H
#define MAIL2FAX_SPANDSP_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_MAGIC "M2FBOX1\n"
#define RECORD_MAGIC_LENGTH 8
#define RECORD_MAX (8*1024*1024)    /* over an hour of T.38, a quarter of an hour of audio; then the record stops */

enum {
    RECORD_END_OF_FILE,
    RECORD_TASK,               /* data: record_task_t, then its texts, each with its NUL */
    RECORD_PACKET,             /* data; number */
    RECORD_TICK,               /* number: samples */
    RECORD_G711,               /* data; number: law */
    RECORD_GAP,                /* number: samples */
    RECORD_SPEAK,              /* number: samples */
    RECORD_END                 /* the line was gone */
};

typedef struct {
    uint32_t kind;
    uint32_t number;
    uint32_t length;
} record_head_t;

typedef struct {
    int32_t sending, calling, ecm, max_bit_rate, start_page, pages;
    int32_t t38, t38_version, t38_local_tcf, t38_fill_bit_removal, t38_max_buffer, t38_max_datagram;
} record_task_t;

typedef struct {
    char path[256];
    uint8_t *map;
    int file;
    size_t used, allotted;
} recorder_t;

/* A recorder that could not be opened, or whose disk is full, records nothing (more); the call goes on. */
void recorder_open(recorder_t *recorder, const char *path);
void recorder_note(recorder_t *recorder, uint32_t kind, uint32_t number, const void *data, size_t length);
/* All went well: the file goes. */
void recorder_remove(recorder_t *recorder);

#endif
