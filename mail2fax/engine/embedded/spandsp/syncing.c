/*
 * syncing.c - received pages made to last by a thread of their own.
 *
 * Whoever comes last, the thread or the one that has begun it, frees what both share.
 */
#include "syncing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "document.h"

enum { UNDER_WAY, OVER, LEFT };

struct syncing {
    char path[SYNC_PATH + 1];
    int first, last;
    char words[SYNC_WORDS];
    atomic_int stage;
};

/* Where libtiff's words go while this thread reads a page again. */
static _Thread_local char *complaint;

int sync_complain(const char *format, va_list arguments)
{
    if (complaint == NULL)
        return 0;
    if (complaint[0] == '\0')
        vsnprintf(complaint, SYNC_WORDS, format, arguments);
    return 1;
}

static int sync_path(const char *path, int flags)
{
    int failed, file = open(path, flags | O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return -1;
    failed = fsync(file);
    close(file);
    return failed;
}

static int sync_folder(const char *path)
{
    char folder[SYNC_PATH + 1], *slash;

    strcpy(folder, path);
    if ((slash = strrchr(folder, '/')) == NULL)
        return sync_path(".", O_DIRECTORY);
    slash[slash == folder ? 1 : 0] = '\0';
    return sync_path(folder, O_DIRECTORY);
}

void sync_now(const char *path, int first, int last, char words[SYNC_WORDS])
{
    const char *fault;
    int page;

    words[0] = '\0';
    if (sync_path(path, 0) < 0 || (first == 1 && sync_folder(path) < 0)) {
        snprintf(words, SYNC_WORDS, "the page could not be synced: %s", strerror(errno));
        return;
    }
    complaint = words;
    for (page = first; page <= last && words[0] == '\0'; page++) {
        if ((fault = received_fault(path, page)) != NULL && words[0] == '\0')
            snprintf(words, SYNC_WORDS, "%s", fault);
    }
    complaint = NULL;
}

static void *run(void *user)
{
    syncing_t *syncing = user;

    sync_now(syncing->path, syncing->first, syncing->last, syncing->words);
    if (atomic_exchange(&syncing->stage, OVER) == LEFT)
        free(syncing);
    return NULL;
}

syncing_t *sync_begin(const char *path, int first, int last)
{
    syncing_t *syncing;
    pthread_t thread;

    if (strlen(path) > SYNC_PATH || (syncing = calloc(1, sizeof(*syncing))) == NULL)
        return NULL;
    strcpy(syncing->path, path);
    syncing->first = first;
    syncing->last = last;
    if (pthread_create(&thread, NULL, run, syncing) != 0) {
        free(syncing);
        return NULL;
    }
    pthread_detach(thread);
    return syncing;
}

int sync_is_over(syncing_t *syncing)
{
    return atomic_load(&syncing->stage) == OVER;
}

void sync_end(syncing_t *syncing, char words[SYNC_WORDS])
{
    strcpy(words, syncing->words);
    free(syncing);
}

void sync_leave(syncing_t *syncing)
{
    if (atomic_exchange(&syncing->stage, LEFT) == OVER)
        free(syncing);
}
