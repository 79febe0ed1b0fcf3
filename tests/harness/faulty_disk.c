/* A disk that fails where a test tells it to: put before the C library by LD_PRELOAD, so that Python and SQLite alike
 * meet the error, at the system call itself.
 *
 * The file named by FAULTY_DISK holds the faults of the moment, one a line: CALL ERRNO PATH. A CALL (read, write,
 * fsync, rename) on a file whose path contains PATH fails with ERRNO (a number) and is not done; a read only when a
 * kilobyte or more is wanted. The CALL `lose` (ERRNO is any number but 0) has a write of a kilobyte or more succeed, and
 * nothing but zeros arrive. With the CALL `slow` every fsync takes so many milliseconds (ERRNO), and is done. Every fsync
 * is noted, when it is over, in the file named by FAULTY_DISK with ".trail" behind it: ERRNO PATH. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LONGEST 4096
#define LOST 1024 /* octets: a picture, and not the description of one */

static int fault(const char *call, const char *path)
{
    char text[LONGEST], *line, *rest = text;
    const char *orders = getenv("FAULTY_DISK");
    int file = orders ? open(orders, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t length;
    if (file < 0)
        return 0;
    length = syscall(SYS_read, file, text, sizeof(text) - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    while ((line = strsep(&rest, "\n"))) {
        char ordered[16], place[LONGEST];
        int number;
        if (sscanf(line, "%15s %d %4095s", ordered, &number, place) == 3 && !strcmp(ordered, call) &&
            strstr(path, place))
            return number;
    }
    return 0;
}

static const char *path_of(int descriptor, char *path)
{
    char link[64];
    ssize_t length;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, LONGEST - 1);
    path[length > 0 ? length : 0] = 0;
    return path;
}

static int failed(int number)
{
    errno = number;
    return -1;
}

static int fault_at(const char *call, int descriptor)
{
    char path[LONGEST];
    int before = errno, number = fault(call, path_of(descriptor, path));
    errno = before;
    return number;
}

static void note(int number, int descriptor)
{
    char path[LONGEST], line[2 * LONGEST], trail[LONGEST];
    int file, length;
    if (!getenv("FAULTY_DISK"))
        return;
    snprintf(trail, sizeof(trail), "%s.trail", getenv("FAULTY_DISK"));
    length = snprintf(line, sizeof(line), "%d %s\n", number, path_of(descriptor, path));
    file = open(trail, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file >= 0) {
        syscall(SYS_write, file, line, length);
        close(file);
    }
}

/* The real function, found once. */
#define REAL(name, ...)                                                                                                \
    static int (*real)(__VA_ARGS__);                                                                                   \
    if (!real)                                                                                                         \
    real = (int (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int synced(int (*real)(int), int descriptor)
{
    int number = fault_at("fsync", descriptor), slow = fault_at("slow", descriptor);
    if (slow)
        usleep((useconds_t)slow * 1000);
    note(number, descriptor);
    return number ? failed(number) : real(descriptor);
}

int fsync(int descriptor)
{
    REAL("fsync", int);
    return synced(real, descriptor);
}

int fdatasync(int descriptor)
{
    REAL("fdatasync", int);
    return synced(real, descriptor);
}

int rename(const char *source, const char *target)
{
    REAL("rename", const char *, const char *);
    int number = fault("rename", source);
    return number ? failed(number) : real(source, target);
}

ssize_t read(int descriptor, void *data, size_t length)
{
    int number = length >= LOST ? fault_at("read", descriptor) : 0;
    return number ? failed(number) : syscall(SYS_read, descriptor, data, length);
}

/* What arrives on the disk of `length` octets that were written; to be freed. NULL: the data. */
static void *lost(int descriptor, size_t length)
{
    return length >= LOST && fault_at("lose", descriptor) ? calloc(1, length) : NULL;
}

ssize_t write(int descriptor, const void *data, size_t length)
{
    int number = fault_at("write", descriptor);
    void *zeros = number ? NULL : lost(descriptor, length);
    ssize_t written = number ? failed(number) : syscall(SYS_write, descriptor, zeros ? zeros : data, length);
    free(zeros);
    return written;
}

ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t place)
{
    int number = fault_at("write", descriptor);
    return number ? failed(number) : syscall(SYS_pwrite64, descriptor, data, length, place);
}

ssize_t pwrite(int descriptor, const void *data, size_t length, off_t place)
{
    return pwrite64(descriptor, data, length, place);
}
