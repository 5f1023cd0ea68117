/* SPDX-License-Identifier: BSD-3-Clause */
/* Every read, write, sync, rename, open and close of every call that works on files fails in turn, is cut
 * short or is interrupted; files end early; processes are killed at each of these points. */
#include "calls.h"
#include "io.h"

#include "account_ledger.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { GROUPS = 4, MOST_CALLS = 2000, KILLS = 40 };

static uint8_t old_bytes[] = {1, 2, 3}; /* of a file that is there before */

static void teardown(void)
{
    io_plan(NULL, 0, IO_NOTHING, 0, 0);
    world_close();
}

/* ---- Files ---- */

/* Files of the folder; with `prune`, those that nobody expects are removed. */
static int files(int prune)
{
    int n = 0;
    char path[512];
    DIR *folder = opendir(tiny_folder());
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        n++;
        snprintf(path, sizeof path, "%s/%s", tiny_folder(), entry->d_name);
        if (prune && (strstr(entry->d_name, ".new-") || strstr(entry->d_name, "-journal")))
            unlink(path);
    }
    closedir(folder);
    return n;
}

static int same(struct tiny_bytes a, struct tiny_bytes b)
{
    return a.n == b.n && memcmp(a.bytes, b.bytes, a.n) == 0;
}

/* The path that a row's call reads or writes; NULL when there is none. */
static char *path_of(const struct bench *bench)
{
    for (int i = 0; i < bench->call->n; i++)
        if (strcmp(bench->call->params[i].declared, "const char *") == 0 && bench->values[i].c &&
            strstr(bench->values[i].c, tiny_folder()))
            return bench->values[i].p;
    return NULL;
}

static int saves(const struct row *row)
{
    return strstr(row->function, "_save") != NULL;
}

/* Models, schemas and checkpoints are written whole or not at all; a ledger is a data base. */
static int is_ledger(const struct row *row)
{
    return strstr(row->arguments, "ledger") != NULL;
}

/* ---- One failure ---- */

struct fault {
    enum io_action action;
    int error, for_ever;
    const char *name;
};

static const struct fault faults[] = {
    {IO_ERROR, EIO, 0, "EIO"},
    {IO_ERROR, ENOSPC, 0, "ENOSPC"},
    {IO_ERROR, EINTR, 0, "EINTR"},
    {IO_ERROR, EIO, 1, "EIO for ever"},
    {IO_ERROR, ENOSPC, 1, "ENOSPC for ever"},
    {IO_SHORT, 0, 0, "short"},
    {IO_SHORT, 0, 1, "always short"},
    {IO_END, 0, 0, "the end"},
};

/* SQLite takes EIO of a read for a damaged medium, and gives up when a sync is interrupted. */
static int may_be(const struct fault *fault, int status, char letter, int ledger)
{
    if (ledger && (letter == 'r' || fault->for_ever) && status == DPMIX_ERR_FORMAT)
        return 1;
    if (ledger && letter == 's' && fault->error == EINTR)
        return status == DPMIX_OK || status == DPMIX_ERR_IO;
    if (fault->action == IO_SHORT || fault->error == EINTR)
        return status == DPMIX_OK;
    return status == DPMIX_OK || status == DPMIX_ERR_IO ||
           (fault->action == IO_END && status == DPMIX_ERR_FORMAT);
}

/* The file holds the old bytes or the new ones; after a success the new ones. */
static void expect_whole(const char *path, struct tiny_bytes old, struct tiny_bytes wanted, int status,
                         const char *what)
{
    struct tiny_bytes found = tiny_read(path);
    ck_assert_msg(same(found, wanted) || (status && same(found, old)), "%s: a broken file", what);
    free(found.bytes);
}

/* 0 when the call makes fewer calls of the system. */
static int call_fails(struct bench *bench, int nth, const struct fault *fault, struct tiny_bytes old,
                      struct tiny_bytes wanted)
{
    char what[256], *path = path_of(bench);
    struct bench_spent before = bench_spent(bench);
    int n_files = files(0);
    bench_clear(bench);
    if (saves(bench->row))
        tiny_write(path, old.bytes, old.n);
    io_plan(tiny_folder(), nth, fault->action, fault->error, fault->for_ever);
    int status = bench_call(bench, NULL, NULL), came = io_came(), n_made = io_calls();
    char letter = io_trace()[nth - 1];
    io_plan(tiny_folder(), 0, IO_NOTHING, 0, 0);
    snprintf(what, sizeof what, "%s(%s), %s at call %d, '%c'", bench->row->function, bench->row->arguments,
             fault->name, nth, letter);
    ck_assert_msg(came || !status, "%s: %d, %s", what, status, dpmix_last_error());
    ck_assert_msg(may_be(fault, status, letter, is_ledger(bench->row)), "%s: %d, %s", what, status,
                  dpmix_last_error());
    ck_assert_msg(io_open_files() == 0, "%s: a file stays open", what);
    if (saves(bench->row))
        expect_whole(path, old, wanted, status, what);
    if (!is_ledger(bench->row))
        ck_assert_msg(files(0) == n_files, "%s: a file is left", what);
    if (status) {
        struct bench_spent after = bench_spent(bench);
        ck_assert_msg(bench_untouched(bench), "%s: an output", what);
        ck_assert_msg(after.debits >= before.debits && after.epsilon >= before.epsilon, "%s: less debits",
                      what);
        ck_assert_msg(after.queries == before.queries || after.debits > before.debits, "%s: rows for nothing",
                      what);
    }
    return nth < n_made || came;
}

/* What a save writes. */
static struct tiny_bytes wanted_of(struct bench *bench)
{
    struct tiny_bytes none = {NULL, 0};
    if (!saves(bench->row))
        return none;
    CHECK_OK(bench_call(bench, NULL, NULL));
    return tiny_read(path_of(bench));
}

/* Another row with files for every group. */
START_TEST(every_call_of_the_system_may_fail)
{
    struct tiny_bytes old = {old_bytes, sizeof old_bytes};
    int n = 0;
    for (size_t r = (size_t)_i; r < n_rows; r += GROUPS) {
        struct bench bench;
        bench_open(&bench, &rows[r]);
        for (size_t f = 0; path_of(&bench) && f < sizeof faults / sizeof *faults; f++) {
            struct tiny_bytes wanted = wanted_of(&bench);
            int nth = 1;
            while (call_fails(&bench, nth, &faults[f], old, wanted))
                ck_assert_int_lt(++nth, MOST_CALLS);
            ck_assert(nth > 1 || rows[r].flags & ROW_UNFITTED);
            n += nth - 1;
            free(wanted.bytes);
            bench_close(&bench);
            bench_open(&bench, &rows[r]);
        }
        bench_close(&bench);
    }
    ck_assert_int_gt(n, 200);
}
END_TEST

/* ---- Files that end early ---- */

START_TEST(every_file_may_end_early)
{
    int n = 0;
    for (size_t r = 0; r < n_rows; r++) {
        struct bench bench;
        bench_open(&bench, &rows[r]);
        char *path = path_of(&bench);
        if (path && access(path, F_OK) == 0 && !is_ledger(&rows[r]) && !saves(&rows[r])) {
            struct tiny_bytes whole = tiny_read(path);
            for (size_t cut = 0; cut < whole.n; cut++) {
                tiny_write(path, whole.bytes, cut);
                int status = bench_call(&bench, NULL, NULL);
                int is_text = whole.bytes[0] == '{'; /* it ends before its last byte, a new line */
                int blank = is_text && whole.bytes[cut] == '\n' && cut + 1 == whole.n;
                ck_assert_msg(status == (blank ? DPMIX_OK : DPMIX_ERR_FORMAT), "%s(%s), %zu bytes: %d, %s",
                              rows[r].function, rows[r].arguments, cut, status, dpmix_last_error());
            }
            tiny_write(path, whole.bytes, whole.n);
            CHECK_OK(bench_call(&bench, NULL, NULL));
            free(whole.bytes);
            n++;
        }
        bench_close(&bench);
    }
    ck_assert_int_gt(n, 12);
}
END_TEST

/* ---- Power and kills ---- */

/* Bytes are on the disk before the name is theirs, and the name before the call ends. */
START_TEST(saves_are_synced_in_order)
{
    for (size_t r = 0; r < n_rows; r++) {
        struct bench bench;
        bench_open(&bench, &rows[r]);
        if (saves(&rows[r])) {
            char order[8] = "";
            io_plan(tiny_folder(), 0, IO_NOTHING, 0, 0);
            CHECK_OK(bench_call(&bench, NULL, NULL));
            for (const char *at = io_trace(); *at; at++)
                if (*at != 'c' && (*at != 'w' || at[-1] != 'w')) /* the file may be closed at any time */
                    strncat(order, at, 1);
            ck_assert_msg(strcmp(order, "owsmos") == 0, "%s: %s", rows[r].function, io_trace());
        }
        bench_close(&bench);
    }
}
END_TEST

static int is_killed(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

/* In a child, with a kill before or after a call of the system. */
static int save_and_die(struct bench *bench, int nth, enum io_action action)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        io_plan(tiny_folder(), nth, action, 0, 0);
        _exit(bench_call(bench, NULL, NULL) ? 1 : 0);
    }
    return is_killed(child);
}

START_TEST(a_killed_save_leaves_the_old_file_or_the_new_one)
{
    struct tiny_bytes old = {old_bytes, sizeof old_bytes};
    for (size_t r = 0; r < n_rows; r++) {
        struct bench bench;
        bench_open(&bench, &rows[r]);
        struct tiny_bytes wanted = wanted_of(&bench);
        for (int nth = 1, more = saves(&rows[r]); more; nth++)
            for (int i = 0; i < 2; i++) {
                tiny_write(path_of(&bench), old.bytes, old.n);
                more = save_and_die(&bench, nth, i ? IO_KILL_AFTER : IO_KILL_BEFORE);
                expect_whole(path_of(&bench), old, wanted, more, rows[r].function);
                files(1);
            }
        free(wanted.bytes);
        bench_close(&bench);
    }
}
END_TEST

/* Two models take turns at one path. */
static _Noreturn void save_for_ever(const char *const words[2], const char *path)
{
    for (int i = 0;; i = 1 - i)
        if (dpmix_generator_save(world_thing(words[i]), path))
            _exit(1);
}

/* At any moment, while another process saves. */
START_TEST(a_kill_at_any_moment_leaves_a_whole_file)
{
    const char *path = world_thing("out"), *words[] = {"vae", "gmm"};
    struct tiny_bytes wanted[2];
    struct tiny_random random = {(uint64_t)getpid()};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(dpmix_generator_save(world_thing(words[i]), path));
        wanted[i] = tiny_read(path);
    }
    for (int kill_number = 0; kill_number < KILLS; kill_number++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
            save_for_ever(words, path);
        struct timespec pause = {0, (long)(2e7 * tiny_uniform(&random))};
        nanosleep(&pause, NULL);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert(is_killed(child));
        expect_whole(path, wanted[0], wanted[1], 1, "save");
        files(1);
    }
    free(wanted[0].bytes);
    free(wanted[1].bytes);
}
END_TEST

/* ---- Ledgers ---- */

static dpmix_accountant *open_ledger(void)
{
    dpmix_accountant *accountant = NULL;
    CHECK_OK(dpmix_accountant_open(&accountant, world_thing("ledger"), "debits", 1e6, TINY_DELTA,
                                   DPMIX_ADJACENCY_ADD_REMOVE));
    return accountant;
}

static size_t debits_of_file(void)
{
    dpmix_accountant *accountant = open_ledger();
    size_t n = tiny_entries(accountant);
    dpmix_accountant_free(accountant);
    return n;
}

/* A fit whose queries are counted in *queries, with a ledger in a file. */
static int fit_with_ledger(dpmix_accountant *accountant, unsigned *queries)
{
    struct tiny_mode mode;
    dpmix_dataset *dataset = NULL;
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    CHECK_OK(dpmix_dataset_new_text(&dataset, world_thing("schema"), world_thing("cells"), TABLE_ROWS,
                                    TABLE_COLUMNS));
    tiny_mode_set(&mode, dataset, 1);
    int status = dpmix_clusterer_fit(clusterer, accountant, dataset, 1e-5, NULL, NULL);
    *queries = mode.queries;
    dpmix_clusterer_free(clusterer);
    dpmix_dataset_free(dataset);
    return status;
}

/* A debit under failures of the file: what has read rows is in it, and what failed has read none. */
START_TEST(a_ledger_never_counts_too_little)
{
    const struct fault *fault = &faults[_i];
    int came = 1;
    for (int nth = 1; came; nth++) {
        unsigned queries;
        size_t before = debits_of_file();
        dpmix_accountant *accountant = open_ledger();
        io_plan(tiny_folder(), nth, fault->action, fault->error, fault->for_ever);
        int status = fit_with_ledger(accountant, &queries);
        came = io_came() || nth < io_calls();
        char letter = io_trace()[nth - 1];
        io_plan(tiny_folder(), 0, IO_NOTHING, 0, 0);
        dpmix_accountant_free(accountant);
        size_t after = debits_of_file();
        ck_assert_msg(may_be(fault, status, letter, 1), "%s at call %d, '%c': %d, %s", fault->name, nth,
                      letter, status, dpmix_last_error());
        ck_assert_msg(after == before + 1 || (status && after == before), "%s at call %d, '%c': %zu debits",
                      fault->name, nth, letter, after - before);
        ck_assert_msg(queries == 0 || status == DPMIX_OK, "%s at call %d: rows were read", fault->name, nth);
        ck_assert_int_eq(io_open_files(), 0);
        ck_assert_int_lt(nth, MOST_CALLS);
    }
    files(1);
}
END_TEST

/* A power failure takes what is not on the disk: the journal is there before the ledger changes, the ledger
 * before the journal goes, and the folder, or the journal comes back and undoes the debit. */
START_TEST(a_debit_is_synced_in_order)
{
    static const char wanted[] = "wswsos";
    char order[IO_TRACE] = "";
    unsigned queries;
    size_t n = 0;
    dpmix_accountant *accountant = open_ledger();
    io_plan(tiny_folder(), 0, IO_NOTHING, 0, 0);
    CHECK_OK(fit_with_ledger(accountant, &queries));
    for (const char *at = io_trace(); *at; at++)
        if (strchr("osw", *at) && !(n > 0 && *at == 'w' && order[n - 1] == 'w'))
            order[n++] = *at;
    ck_assert_msg(n > strlen(wanted) && strcmp(order + n - strlen(wanted), wanted) == 0, "%s", io_trace());
    dpmix_accountant_free(accountant);
}
END_TEST

/* The child tells through the pipe that it has read rows. */
static int debit_and_die(int nth, enum io_action action, int *has_read)
{
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        unsigned queries;
        dpmix_accountant *accountant = open_ledger();
        io_plan(tiny_folder(), nth, action, 0, 0);
        int status = fit_with_ledger(accountant, &queries);
        if (queries > 0 && write(ends[1], "q", 1) != 1)
            _exit(1);
        dpmix_accountant_free(accountant);
        _exit(status ? 1 : 0);
    }
    close(ends[1]);
    int killed = is_killed(child);
    *has_read = read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    return killed;
}

START_TEST(a_kill_at_every_call_of_the_system_loses_no_debit)
{
    for (int nth = 1, more = 1; more; nth++)
        for (int i = 0; i < 2; i++) {
            int has_read;
            size_t before = debits_of_file();
            more = debit_and_die(nth, i ? IO_KILL_AFTER : IO_KILL_BEFORE, &has_read);
            size_t after = debits_of_file();
            ck_assert_msg(after == before + 1 || (after == before && more && !has_read), "call %d", nth);
        }
    files(1);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("io");
    TCase *test_case = check_case(suite, "io");
    tcase_add_checked_fixture(test_case, world_open, teardown);
    tcase_add_loop_test(test_case, every_call_of_the_system_may_fail, 0, GROUPS);
    tcase_add_test(test_case, every_file_may_end_early);
    tcase_add_test(test_case, saves_are_synced_in_order);
    tcase_add_test(test_case, a_killed_save_leaves_the_old_file_or_the_new_one);
    tcase_add_test(test_case, a_kill_at_any_moment_leaves_a_whole_file);
    tcase_add_loop_test(test_case, a_ledger_never_counts_too_little, 0, sizeof faults / sizeof *faults);
    tcase_add_test(test_case, a_debit_is_synced_in_order);
    tcase_add_test(test_case, a_kill_at_every_call_of_the_system_loses_no_debit);
    return suite;
}

CHECK_MAIN(suite)
