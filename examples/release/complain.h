/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes wrong is said on one line of stderr. It never holds a value of the data. */
#ifndef RELEASE_COMPLAIN_H
#define RELEASE_COMPLAIN_H

/* Returns -1. */
#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(printf, 1, 2)))
#endif
int complain(const char *format, ...);

#endif
