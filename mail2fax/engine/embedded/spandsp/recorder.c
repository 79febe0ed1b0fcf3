/*
 * recorder.c - what a terminal was told, in a file that outlives a crash of the process.
 *
 * Room on the disk is asked for in steps before it is written to: a write to a mapping of a full disk would be a
 * SIGBUS, the very end that this file is to tell of.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "recorder.h"

#define STEP (64*1024)

static void stop(recorder_t *recorder)
{
    if (recorder->map)
        munmap(recorder->map, RECORD_MAX);
    if (recorder->file >= 0)
        close(recorder->file);
    recorder->map = NULL;
    recorder->file = -1;
}

/* Whether there is room for so much more, and a head of zeros behind it. */
static int has_room(recorder_t *recorder, size_t length)
{
    size_t needed = recorder->used + length + sizeof(record_head_t);

    while (recorder->allotted < needed) {
        if (recorder->allotted + STEP > RECORD_MAX
            || posix_fallocate(recorder->file, (off_t) recorder->allotted, STEP) != 0)
            return 0;
        recorder->allotted += STEP;
    }
    return 1;
}

void recorder_open(recorder_t *recorder, const char *path)
{
    void *map;

    memset(recorder, 0, sizeof(*recorder));
    recorder->file = -1;
    if (path[0] == '\0')
        return;
    snprintf(recorder->path, sizeof(recorder->path), "%s", path);
    if ((recorder->file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
        return;
    if (!has_room(recorder, RECORD_MAGIC_LENGTH)) {
        recorder_remove(recorder);
        return;
    }
    map = mmap(NULL, RECORD_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, recorder->file, 0);
    if (map == MAP_FAILED) {
        recorder_remove(recorder);
        return;
    }
    recorder->map = map;
    memcpy(recorder->map, RECORD_MAGIC, RECORD_MAGIC_LENGTH);
    recorder->used = RECORD_MAGIC_LENGTH;
}

void recorder_note(recorder_t *recorder, uint32_t kind, uint32_t number, const void *data, size_t length)
{
    record_head_t head = {kind, number, (uint32_t) length};

    if (recorder->map == NULL)
        return;
    if (!has_room(recorder, sizeof(head) + length)) {
        stop(recorder);
        return;
    }
    memcpy(recorder->map + recorder->used, &head, sizeof(head));
    if (length)
        memcpy(recorder->map + recorder->used + sizeof(head), data, length);
    recorder->used += sizeof(head) + length;
}

void recorder_remove(recorder_t *recorder)
{
    stop(recorder);
    if (recorder->path[0])
        unlink(recorder->path);
    recorder->path[0] = '\0';
}
