/*
 * syncing.h - received pages made to last by a thread of their own.
 *
 * A page is confirmed when it outlasts a power cut, and a disk may take its time for that. The thread that moves all
 * calls must not wait for it: one call that waits is none, two hundred that stand still with it are two hundred.
 */
#ifndef MAIL2FAX_SPANDSP_SYNCING_H
#define MAIL2FAX_SPANDSP_SYNCING_H

#include <stdarg.h>
#include <stddef.h>

#define SYNC_PATH 255
#define SYNC_WORDS 200

typedef struct syncing syncing_t;

/* Pages `first` to `last` (from 1) of the file: on the disk, with the first its name, too, and to be read again. Puts
   into `words` why not, "" when all is well. */
void sync_now(const char *path, int first, int last, char words[SYNC_WORDS]);

/* The same beside us. NULL when there is no memory or no thread for it. */
syncing_t *sync_begin(const char *path, int first, int last);
int sync_is_over(syncing_t *syncing);
/* What one that is over has come to, and the end of it. */
void sync_end(syncing_t *syncing, char words[SYNC_WORDS]);
/* Nobody waits for it any more, be it over or not. */
void sync_leave(syncing_t *syncing);

/* libtiff's words: 1 when they are about a page that this thread makes to last. */
int sync_complain(const char *format, va_list arguments);

#endif
