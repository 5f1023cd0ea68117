/* SPDX-License-Identifier: BSD-3-Clause */
#undef _FILE_OFFSET_BITS /* the functions of both widths are defined here, under their own names */
#define _GNU_SOURCE
#include "io.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { FILES = 1024 };

static struct {
    const char *folder;
    int nth, error, for_ever, calls, came, files;
    enum io_action action;
    char trace[IO_TRACE];
} plan;

static char watched[FILES];

void io_plan(const char *folder, int nth, enum io_action action, int error, int for_ever)
{
    plan.folder = folder;
    plan.nth = nth;
    plan.action = action;
    plan.error = error;
    plan.for_ever = for_ever;
    plan.calls = plan.came = 0;
    memset(plan.trace, 0, sizeof plan.trace);
}

int io_calls(void)
{
    return plan.calls;
}

int io_came(void)
{
    return plan.came;
}

int io_open_files(void)
{
    return plan.files;
}

const char *io_trace(void)
{
    return plan.trace;
}

/* ---- What to do with a call ---- */

static void *next_of(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* The function of this name that is not ours, as a pointer of the type of `name`. */
#define REAL(name, pointer)                                                                                  \
    do {                                                                                                     \
        static void *found;                                                                                  \
        if (!found)                                                                                          \
            found = next_of(#name);                                                                          \
        memcpy(&(pointer), &found, sizeof found);                                                            \
    } while (0)

static int is_watched(int file)
{
    return plan.folder && file >= 0 && file < FILES && watched[file];
}

static int is_meant(const char *path)
{
    return plan.folder && path && strstr(path, plan.folder) != NULL;
}

/* Counts a call and says what is to become of it. */
static enum io_action due(char letter)
{
    if (plan.calls < IO_TRACE - 1)
        plan.trace[plan.calls] = letter;
    plan.calls++;
    if (plan.nth == 0 || plan.calls < plan.nth || (plan.calls > plan.nth && !plan.for_ever))
        return IO_NOTHING;
    if (plan.action == IO_SHORT && letter != 'r' && letter != 'w')
        return IO_NOTHING;
    if (plan.error == EINTR && letter == 'm')
        return IO_NOTHING; /* signals do not interrupt a rename */
    if (plan.action == IO_END && letter != 'r')
        return IO_NOTHING;
    plan.came = 1;
    if (plan.action == IO_KILL_BEFORE)
        raise(SIGKILL);
    if (plan.action == IO_ERROR)
        errno = plan.error;
    return plan.action;
}

static void after(enum io_action action)
{
    if (action == IO_KILL_AFTER)
        raise(SIGKILL);
}

static size_t shortened(enum io_action action, size_t n)
{
    return action == IO_SHORT && n > 1 ? n / 2 : n;
}

/* ---- The functions ---- */

static int opened(int file)
{
    if (file >= 0 && file < FILES) {
        watched[file] = 1;
        plan.files++;
    }
    return file;
}

#define OPEN(name)                                                                                           \
    int name(const char *path, int flags, ...);                                                              \
    int name(const char *path, int flags, ...)                                                               \
    {                                                                                                        \
        int (*real)(const char *, int, ...);                                                                 \
        va_list arguments;                                                                                   \
        REAL(name, real);                                                                                    \
        va_start(arguments, flags);                                                                          \
        mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;                                       \
        va_end(arguments);                                                                                   \
        if (!is_meant(path))                                                                                 \
            return real(path, flags, mode);                                                                  \
        enum io_action action = due('o');                                                                    \
        int file = action == IO_ERROR ? -1 : opened(real(path, flags, mode));                                \
        after(action);                                                                                       \
        return file;                                                                                         \
    }

OPEN(open)
OPEN(open64)

/* A function of a file and some more, that moves bytes. */
#define MOVE(name, letter, declared, given, bytes)                                                           \
    ssize_t name declared;                                                                                   \
    ssize_t name declared                                                                                    \
    {                                                                                                        \
        ssize_t(*real) declared;                                                                             \
        REAL(name, real);                                                                                    \
        enum io_action action = is_watched(file) ? due(letter) : IO_NOTHING;                                 \
        size_t n = shortened(action, n_wanted);                                                              \
        ssize_t moved = action == IO_ERROR ? -1 : action == IO_END ? 0 : real given;                         \
        after(action);                                                                                       \
        return moved;                                                                                        \
    }

MOVE(read, 'r', (int file, void *bytes, size_t n_wanted), (file, bytes, n), bytes)
MOVE(write, 'w', (int file, const void *bytes, size_t n_wanted), (file, bytes, n), bytes)
MOVE(pread, 'r', (int file, void *bytes, size_t n_wanted, off_t at), (file, bytes, n, at), bytes)
MOVE(pwrite, 'w', (int file, const void *bytes, size_t n_wanted, off_t at), (file, bytes, n, at), bytes)
MOVE(pread64, 'r', (int file, void *bytes, size_t n_wanted, off64_t at), (file, bytes, n, at), bytes)
MOVE(pwrite64, 'w', (int file, const void *bytes, size_t n_wanted, off64_t at), (file, bytes, n, at), bytes)

#define ACT(name, letter, meant, declared, given)                                                            \
    int name declared;                                                                                       \
    int name declared                                                                                        \
    {                                                                                                        \
        int(*real) declared;                                                                                 \
        REAL(name, real);                                                                                    \
        enum io_action action = (meant) ? due(letter) : IO_NOTHING;                                          \
        int status = action == IO_ERROR ? -1 : real given;                                                   \
        after(action);                                                                                       \
        return status;                                                                                       \
    }

ACT(fsync, 's', is_watched(file), (int file), (file))
ACT(fdatasync, 's', is_watched(file), (int file), (file))
ACT(ftruncate, 't', is_watched(file), (int file, off_t n), (file, n))
ACT(ftruncate64, 't', is_watched(file), (int file, off64_t n), (file, n))
ACT(rename, 'm', is_meant(to), (const char *from, const char *to), (from, to))

int close(int file)
{
    int (*real)(int);
    REAL(close, real);
    if (!is_watched(file))
        return real(file);
    watched[file] = 0;
    plan.files--;
    enum io_action action = due('c');
    int status = real(file);
    after(action);
    if (action == IO_ERROR)
        errno = plan.error;
    return action == IO_ERROR ? -1 : status;
}
