/* SPDX-License-Identifier: BSD-3-Clause */
/* Ledgers in SQLite files. The build of these targets does not look at checksums (see meson.build), so that
 * what is behind them sees hostile numbers, too. What is debited on such a ledger must stay debited, and its
 * JSON must be JSON. */
#include <dpmix/dpmix.h>

#include "fuzz.h"
#include "fuzz_file.h"

#include "account_ledger.h"
#include "tiny_file.h"

#include <dpmix/accountant.h>
#include <jansson.h>

#define EPSILON 3.0
#define DELTA 1e-5

static const struct dpm_event first[] = {{DPM_EVENT_SUBSAMPLED_GAUSSIAN, 4, 0.01, 100},
                                         {DPM_EVENT_GAUSSIAN, 20, 1, 3}};
static const struct dpm_event second[] = {{DPM_EVENT_PURE, 1000, 1e-9, 2}};

static int open_at(dpmix_accountant **out, const char *path)
{
    return dpmix_accountant_open(out, path, "d", EPSILON, DELTA, DPMIX_ADJACENCY_ADD_REMOVE);
}

/* Out of memory is what SQLite says of some records that claim to be larger than their file. */
static void expect(int status)
{
    fuzz_expect(status,
                (int[]){DPMIX_OK, DPMIX_ERR_FORMAT, DPMIX_ERR_STATE, DPMIX_ERR_IO, DPMIX_ERR_BUDGET,
                        DPMIX_ERR_UNSUPPORTED, DPMIX_ERR_NOMEM},
                7);
}

static void check_json(const dpmix_accountant *accountant)
{
    size_t length;
    json_error_t error;
    FUZZ_ASSERT(dpmix_accountant_json(accountant, NULL, 0, &length) == DPMIX_OK);
    char *text = calloc(length + 1, 1);
    FUZZ_ASSERT(text && dpmix_accountant_json(accountant, text, length + 1, NULL) == DPMIX_OK);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fprintf(stderr, "%s\n%s\n", error.text, text);
    FUZZ_ASSERT(root);
    json_decref(root);
    free(text);
}

/* Where the ledger is now, after a debit that may have been refused. */
static void debit(dpmix_accountant *accountant, const char *path)
{
    double before, after = -1, again = -1;
    dpmix_accountant *other = NULL;
    FUZZ_ASSERT(dpmix_accountant_spent(accountant, &before) == DPMIX_OK);
    int status = dpm_accountant_charge(accountant, "more", second, 1, 0, NULL);
    expect(status);
    if (status)
        return;
    FUZZ_ASSERT(dpmix_accountant_spent(accountant, &after) == DPMIX_OK && after >= before);
    FUZZ_ASSERT(open_at(&other, path) == DPMIX_OK);
    FUZZ_ASSERT(dpmix_accountant_spent(other, &again) == DPMIX_OK && again == after);
    dpmix_accountant_free(other);
}

static void use(dpmix_accountant *accountant, const char *path)
{
    double spent = -1;
    size_t length;
    FUZZ_ASSERT(dpmix_accountant_spent(accountant, &spent) == DPMIX_OK && spent >= 0);
    expect(dpmix_accountant_spent_group(accountant, &spent, 2));
    check_json(accountant);
    expect(dpmix_accountant_report(accountant, NULL, 0, &length));
    debit(accountant, path);
}

static void run_ledger(const uint8_t *bytes, size_t n)
{
    dpmix_accountant *accountant = NULL;
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_plain(bytes, n);
    int status = open_at(&accountant, path);
    expect(status);
    if (!status)
        use(accountant, path);
    dpmix_accountant_free(accountant);
    fuzz_memory_end(&memory);
    fuzz_file_forget(path);
}

static void seed_ledger(fuzz_give_fn *give, void *user)
{
    const char *data = getenv("DPMIX_TEST_DATA");
    dpmix_accountant *accountant = NULL;
    CHECK_OK(open_at(&accountant, tiny_path("a")));
    fuzz_file_give_whole(give, user, tiny_path("a"));
    CHECK_OK(dpm_accountant_charge(accountant, "a model", first, 2, 0, NULL));
    CHECK_OK(dpm_accountant_charge(accountant, "a count", second, 1, 1, NULL));
    dpmix_accountant_free(accountant);
    fuzz_file_give_whole(give, user, tiny_path("a"));
    if (data) { /* as the first version had it */
        char path[4096];
        snprintf(path, sizeof path, "%s/ledger_version1.sqlite", data);
        fuzz_file_give_whole(give, user, path);
    }
}

const struct fuzz_target fuzz_ledger = {"ledger", run_ledger, seed_ledger};
