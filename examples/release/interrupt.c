/* SPDX-License-Identifier: BSD-3-Clause */
#include "interrupt.h"

#include "common/progress.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t seen;

/* A step may take a while: who has asked once should know that it was heard. */
static void note(int number)
{
    static const char heard[] = "\nstopping behind this step\n";
    const int error = errno;
    (void)number;
    if (!seen && write(STDERR_FILENO, heard, sizeof(heard) - 1) < 0)
        errno = error;
    seen = 1;
}

void interrupt_watch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    /* Where nobody reads what is told, or a file may not grow, the write fails: what was paid for is kept. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction now;
        /* Who started us may have chosen that a signal does not matter (nohup). */
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

int interrupt_seen(void)
{
    return seen != 0;
}

int interrupt_progress(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    progress_of_fit(user, phase, done, total, epsilon_spent);
    return interrupt_seen();
}
