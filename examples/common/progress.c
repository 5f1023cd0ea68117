/* SPDX-License-Identifier: BSD-3-Clause */
#include "progress.h"

#include "clock.h"

#include <dpmix/options.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A terminal is redrawn this often at most, and an estimate of the time left needs this much of a past. */
static const double pause_seconds = 0.2, past_seconds = 0.5;

void progress_open(struct progress *progress)
{
    *progress = (struct progress){.terminal = isatty(STDERR_FILENO)};
}

static void write_time(char *text, size_t size, double seconds)
{
    const unsigned long whole = (unsigned long)(seconds + 0.999);
    if (whole < 60)
        snprintf(text, size, "%lu s", whole);
    else
        snprintf(text, size, "%lu min %02lu s", whole / 60, whole % 60);
}

static void draw(const struct progress *progress, uint64_t done, uint64_t total, double now)
{
    const double elapsed = now - progress->started, part = (double)done / (double)total;
    char line[128], time_text[32];
    int used = snprintf(line, sizeof(line), "%s: %3d %%", progress->work, (int)(100.0 * part));
    if (used < 0 || (size_t)used >= sizeof(line))
        return;
    if (done >= total) {
        write_time(time_text, sizeof(time_text), elapsed);
        snprintf(line + used, sizeof(line) - (size_t)used, ", took %s", time_text);
    } else if (done > 0 && elapsed >= past_seconds) {
        write_time(time_text, sizeof(time_text), elapsed * (1.0 - part) / part);
        snprintf(line + used, sizeof(line) - (size_t)used, ", %s left", time_text);
    }
    /* The padding covers what a longer line left on a terminal. */
    if (progress->terminal)
        fprintf(stderr, "\r%-60s%s", line, done >= total ? "\n" : "");
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
}

void progress_update(struct progress *progress, const char *work, uint64_t done, uint64_t total)
{
    const double now = clock_seconds();
    if (total == 0 || done > total)
        return;
    if (!progress->work || strcmp(progress->work, work) != 0) {
        progress_close(progress);
        progress->work = work;
        progress->started = now;
        progress->drawn = now - pause_seconds;
        progress->shown = -1;
    }
    const int percent = (int)(100.0 * ((double)done / (double)total));
    const int shown = progress->terminal ? percent : percent / 10;
    const int news = progress->terminal ? now - progress->drawn >= pause_seconds : shown != progress->shown;
    if (news || done == total) {
        draw(progress, done, total, now);
        progress->drawn = now;
        progress->shown = shown;
    }
    if (done == total)
        progress->work = NULL;
}

void progress_close(struct progress *progress)
{
    if (progress->work && progress->terminal)
        fputc('\n', stderr);
    progress->work = NULL;
}

int progress_of_fit(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    (void)epsilon_spent; /* it does not grow within a fit; the ledger is printed afterwards */
    progress_update(user, phase == DPMIX_PHASE_CLUSTER ? "fitting the partition" : "training the generators",
                    done, total);
    return 0;
}
