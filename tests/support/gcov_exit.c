/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests/coverage.sh, linked with --wrap=_exit: what a forked child has run counts, too, although it ends
 * without the handlers that would write it down. */
#include <sys/resource.h>

void __real__exit(int status);
void __wrap__exit(int status);
void __gcov_dump(void);

void __wrap__exit(int status)
{
    struct rlimit most;
    /* Under a limit on files the counts would be cut off, and spoil those of others. */
    if (!getrlimit(RLIMIT_FSIZE, &most) && most.rlim_cur == RLIM_INFINITY)
        __gcov_dump();
    __real__exit(status);
}
