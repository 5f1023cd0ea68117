/* SPDX-License-Identifier: BSD-3-Clause */
/* The order of debit and read, by fault injection. Rows and labels lie in memory that is locked once the
 * data set is built; a child process then runs a mechanism on it and dies at the first touch, or in the
 * first contribution, or with a debit that fails. The parent asks what had happened by then. In builds
 * where the order is broken on purpose (BROKEN_BUILD), the same experiments must show it. */
#include "account_ledger.h"
#include "check_main.h"
#include "mechanism.h"

#include <dpmix/status.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOUCHED = 1, CONTRIBUTED = 2, RETURNED = 3 };

/* What a child says before it ends. */
struct report {
    int end, debits, status;
    double spent;
};

/* Of the child. */
static int report_to;
static struct dpmix_accountant *child_accountant;

static void end_child(struct report report)
{
    report.debits = adversary_debits();
    ssize_t written = write(report_to, &report, sizeof report);
    _exit(written == (ssize_t)sizeof report ? 0 : 1);
}

static void on_touch(int signal_number)
{
    (void)signal_number;
    end_child((struct report){.end = TOUCHED});
}

static void on_contribution(const void *model, const struct dpm_block *block, float *const *left,
                            float *const *right)
{
    struct report report = {.end = CONTRIBUTED};
    (void)model, (void)block, (void)left, (void)right;
    report.status = dpm_accountant_spent(child_accountant, &report.spent);
    end_child(report);
}

static void keep_memory(void *rows, void *labels)
{
    (void)rows, (void)labels;
}

/* Pages of their own. */
static void *new_pages(size_t bytes)
{
    int file = open("/dev/zero", O_RDWR);
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (file < 0 || pages == MAP_FAILED)
        _exit(2);
    close(file);
    return pages;
}

struct fault {
    int lock_rows;
    int charge_status;
    dpm_block_fn *contribution;
};

static void run_child(const struct mechanism *mechanism, const struct fault *fault)
{
    const struct adversary_knowledge nothing = {0};
    size_t row_bytes = ADVERSARY_ROWS * ADVERSARY_COLUMNS * sizeof(float);
    size_t label_bytes = ADVERSARY_ROWS * sizeof(int32_t);
    float *rows = new_pages(row_bytes);
    int32_t *labels = new_pages(label_bytes);
    double statistics[STOCHASTIC_STATISTICS];
    size_t n_rows = mechanism_rows(mechanism, 1, rows, labels);
    struct dpmix_dataset *dataset = mechanism_dataset(mechanism, rows, labels, n_rows, keep_memory);
    child_accountant = mechanism_accountant(mechanism);
    adversary_begin(&nothing);
    adversary_inject(fault->charge_status, fault->contribution);
    struct sigaction action = {.sa_handler = on_touch};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    int access = fault->lock_rows ? PROT_NONE : PROT_READ;
    if (mprotect(rows, row_bytes, access) || mprotect(labels, label_bytes, access))
        _exit(2);
    int status = mechanism_release(mechanism, dataset, child_accountant, statistics);
    end_child((struct report){.end = RETURNED, .status = status});
}

static struct report run_with_fault(const struct mechanism *mechanism, struct fault fault)
{
    struct report report = {0};
    int ends[2], status = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[0]);
        report_to = ends[1];
        run_child(mechanism, &fault);
    }
    close(ends[1]);
    ssize_t bytes = read(ends[0], &report, sizeof report);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0 && bytes == (ssize_t)sizeof report,
                  "%s: the child ended with %#x", mechanism->name, (unsigned)status);
    return report;
}

/* A run with real randomness may select no row, and then reads none. */
static struct report run_until_read(const struct mechanism *mechanism, struct fault fault)
{
    struct report report = {.end = RETURNED};
    for (int i = 0; i < 200 && report.end == RETURNED && report.status == 0; i++)
        report = run_with_fault(mechanism, fault);
    return report;
}

/* The first byte that is read finds one debit made. */
static int debit_is_before_the_touch(const struct mechanism *mechanism)
{
    struct report report = run_until_read(mechanism, (struct fault){.lock_rows = 1});
    return report.end == TOUCHED && report.debits == 1;
}

/* A crash in the first contribution finds the epsilon spent, and all of it: learners spend their whole
 * share at once. */
static int epsilon_is_spent_before_the_contribution(const struct mechanism *mechanism)
{
    struct report report = run_until_read(mechanism, (struct fault){.contribution = on_contribution});
    double all = mechanism->learner ? 0.99 * dpm_accountant_epsilon(mechanism_accountant(mechanism)) : 0;
    return report.end == CONTRIBUTED && report.status == 0 && report.debits == 1 && report.spent > all;
}

/* A debit that fails, for want of budget or for any other reason, is the result, and not a byte is read. */
static int nothing_is_read_without_a_debit(const struct mechanism *mechanism, int charge_status)
{
    struct report report =
        run_with_fault(mechanism, (struct fault){.lock_rows = 1, .charge_status = charge_status});
    return report.end == RETURNED && report.status == charge_status && report.debits == 0;
}

static int order_is_kept(const struct mechanism *mechanism)
{
    return debit_is_before_the_touch(mechanism) && epsilon_is_spent_before_the_contribution(mechanism) &&
           nothing_is_read_without_a_debit(mechanism, DPMIX_ERR_BUDGET) &&
           nothing_is_read_without_a_debit(mechanism, DPMIX_ERR_IO);
}

START_TEST(the_debit_comes_first)
{
    const struct mechanism *mechanism = mechanism_number((size_t)_i);
#ifdef BROKEN_BUILD
    ck_assert_msg(!order_is_kept(mechanism), "%s is not caught by \"%s\"", BROKEN_BUILD, mechanism->name);
#else
    ck_assert_msg(order_is_kept(mechanism), "%s: rows are read without a debit", mechanism->name);
#endif
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("stochastic, debit");
    TCase *order = tcase_create("order");
    int n = 0;
    while (mechanism_number((size_t)n))
        n++;
    tcase_set_timeout(order, 0);
    tcase_add_loop_test(order, the_debit_comes_first, 0, n);
    suite_add_tcase(s, order);
    return s;
}

CHECK_MAIN(suite)
