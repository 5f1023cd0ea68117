/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls of the system on files below the test's folder, which fail when told to: a program that is linked
 * with io.c has them in the place of the C library's, for all libraries. */
#ifndef DPM_TESTS_IO_H
#define DPM_TESTS_IO_H

enum io_action {
    IO_NOTHING,
    IO_ERROR, /* fails with an errno, and does nothing; a close closes */
    IO_SHORT, /* reads or writes half of the bytes */
    IO_END,   /* reads as if the file ended there */
    IO_KILL_BEFORE,
    IO_KILL_AFTER,
};

enum { IO_TRACE = 4096 };

/* The nth call from now, and with `for_ever` all that follow. nth 0: none; calls are counted. `folder` is
 * part of the paths that are meant. */
void io_plan(const char *folder, int nth, enum io_action action, int error, int for_ever);

/* Calls since then; whether the planned one came and was of a kind that the action is for; files that are
 * open; a letter for each call: o open, r read, w write, s sync, t truncate, m rename, u unlink, c close. */
int io_calls(void);
int io_came(void);
int io_open_files(void);
const char *io_trace(void);

#endif
