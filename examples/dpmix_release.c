/* SPDX-License-Identifier: BSD-3-Clause */
/* dpmix-release: from a private table to a releasable one, as an office of statistics would do it. --help
 * lists the arguments. The order of things: a plan; consent; reading; fitting, which spends; sampling;
 * writing. The locale stays that of C, so that numbers are read and printed with a point. */
#include "common/command_line.h"
#include "common/ledger_text.h"
#include "common/progress.h"
#include "release/arguments.h"
#include "release/bins.h"
#include "release/compare.h"
#include "release/complain.h"
#include "release/csv_read.h"
#include "release/interrupt.h"
#include "release/plan.h"
#include "release/report_html.h"
#include "release/sqlite_read.h"
#include "release/staging.h"
#include "release/synthesis.h"

#include <dpmix/dpmix.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BAD = 2, FAILED = 1, INTERRUPTED = 130 };

struct release {
    const struct release_arguments *arguments;
    dpmix_schema *schema;
    dpmix_accountant *accountant;
    struct plan plan;
    struct bins bins;
    struct progress progress;
    struct binned synthetic, real, test; /* the latter two for a comparison only */
    struct comparison comparison;
    dpmix_dataset *dataset;
    dpmix_clusterer *clusterer;
    dpmix_generator *generator;
    dpmix_mixture *mixture;
    struct staging staging;
    int kept;     /* files of the staging that outlive a fault in what comes behind them */
    int spending; /* from here on the ledger may have a debit of this run */
    double spent, spent_of_unit;
    char *words, *ledger;
};

static int complain_of_library(struct release *r)
{
    progress_close(&r->progress);
    return complain("%s", dpmix_last_error());
}

/* ---- Before the data ---- */

static int open_schema(struct release *r)
{
    if (dpmix_schema_load(&r->schema, r->arguments->schema) != DPMIX_OK)
        return complain("--schema %s: %s", r->arguments->schema, dpmix_last_error());
    if (dpmix_schema_width(r->schema) == 0)
        return complain("--schema %s: no column beside label and unit", r->arguments->schema);
    return bins_open(&r->bins, r->schema);
}

static int open_ledger(struct release *r)
{
    const struct release_arguments *a = r->arguments;
    const int status = a->mode == DPMIX_MODE_PLANNED
                           ? dpmix_accountant_open(&r->accountant, a->ledger, a->dataset, a->epsilon,
                                                   a->delta, (int)a->adjacency)
                           : dpmix_accountant_open_adaptive(&r->accountant, a->ledger, a->dataset, a->epsilon,
                                                            a->delta, (int)a->adjacency, (int)a->mode, 0.0);
    if (status != DPMIX_OK)
        return complain("--ledger %s: %s", a->ledger, dpmix_last_error());
    return 0;
}

static void warn(const struct release *r)
{
    if (r->arguments->compare)
        fputs("dpmix-release: WARNING: --compare-nonprivate puts figures of the real records into the "
              "report, without "
              "any protection. The report is not for release.\n",
              stderr);
}

/* ---- The data ---- */

static int keep_records(struct binned *records, struct release *r, const struct table *table)
{
    int failed = binned_open(records, &r->bins, dpmix_schema_classes(r->schema) > 0);
    for (size_t i = 0; !failed && i < table->n_rows; i++)
        failed = binned_add(records, &r->bins, table->cells + i * table->n_columns);
    return failed;
}

/* From a CSV file, or at NULL from the database. Nobody means to spend a budget on a table that is empty. */
static int read_table(struct table *table, const struct release *r, const char *path)
{
    const struct release_arguments *a = r->arguments;
    const int failed =
        path ? csv_read(table, r->schema, path) : sqlite_read(table, r->schema, a->sqlite, a->table);
    if (!failed && table->n_rows == 0)
        return complain("%s: there are no records", path ? path : a->sqlite);
    return failed;
}

static int read_data(struct release *r)
{
    const struct release_arguments *a = r->arguments;
    struct table table;
    int failed = read_table(&table, r, a->csv);
    if (!failed && dpmix_dataset_new_text(&r->dataset, r->schema, table.cells, table.n_rows,
                                          table.n_columns) != DPMIX_OK)
        failed = complain("%s: %s", a->csv ? a->csv : a->sqlite, dpmix_last_error());
    if (!failed && a->compare)
        failed = keep_records(&r->real, r, &table);
    table_close(&table);
    if (failed || !a->test)
        return failed;
    failed = read_table(&table, r, a->test) != 0 || keep_records(&r->test, r, &table) != 0 ? -1 : 0;
    table_close(&table);
    return failed;
}

/* ---- The fit ---- */

static int fit(struct release *r)
{
    const struct release_arguments *a = r->arguments;
    const struct plan *plan = &r->plan;
    int failed = 0;
    if (plan->partition)
        failed = dpmix_clusterer_new(&r->clusterer, plan->partition, a->options) ||
                 dpmix_clusterer_fit(r->clusterer, r->accountant, r->dataset, plan->steps[0].share,
                                     interrupt_progress, &r->progress);
    failed = failed || dpmix_generator_new(&r->generator, (int)a->generator, a->options) ||
             dpmix_mixture_new(&r->mixture, r->clusterer, r->generator) ||
             dpmix_mixture_fit(r->mixture, r->accountant, r->dataset, plan->steps[plan->n - 1].share,
                               interrupt_progress, &r->progress);
    if (failed)
        return interrupt_seen() ? -1 : complain_of_library(r);
    progress_close(&r->progress);
    return 0;
}

/* ---- What is written ---- */

/* Groups of more than 64 have no figure, nor has a part of a filter's budget. Where one person takes the
 * place of another, the records of both change. */
static void ask_for_unit(struct release *r)
{
    int64_t one, most;
    const int64_t unit = dpmix_schema_unit(r->schema),
                  persons = r->arguments->adjacency == DPMIX_ADJACENCY_REPLACE_ONE ? 2 : 1;
    r->spent_of_unit = NAN;
    if (unit >= 0 && r->arguments->mode == DPMIX_MODE_PLANNED &&
        dpmix_schema_range_int(r->schema, (size_t)unit, &one, &most) == DPMIX_OK && most <= 64 / persons &&
        dpmix_accountant_spent_group(r->accountant, &r->spent_of_unit, (int)(persons * most)) != DPMIX_OK)
        r->spent_of_unit = NAN;
}

/* At once: a ledger that cannot be read now must not cost the model. */
static int write_model(struct release *r)
{
    const char *path = staging_add(&r->staging, "model.dpmix");
    if (!path)
        return -1;
    if (dpmix_mixture_save(r->mixture, path) != DPMIX_OK)
        return complain_of_library(r);
    r->kept = r->staging.n;
    return 0;
}

static int write_ledger(struct release *r)
{
    r->words = ledger_text_read(r->accountant, dpmix_accountant_report);
    r->ledger = r->words ? ledger_text_read(r->accountant, dpmix_accountant_json) : NULL;
    if (!r->ledger || dpmix_accountant_spent(r->accountant, &r->spent) != DPMIX_OK)
        return complain_of_library(r);
    ask_for_unit(r);
    const char *path = staging_add(&r->staging, "ledger.json");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return path ? complain("%s: %s", path, strerror(errno)) : -1;
    fputs(r->ledger, file);
    if (staging_close_file(file, path) != 0)
        return -1;
    r->kept = r->staging.n;
    return 0;
}

static int write_records(struct release *r)
{
    const struct release_arguments *a = r->arguments;
    const char *path = staging_add(&r->staging, "synthetic.csv");
    return path ? release_synthesise(&r->synthetic, &r->bins,
                                     a->compare && dpmix_schema_classes(r->schema) > 0, path, r->mixture,
                                     (int)a->generator, (size_t)a->records, &r->progress)
                : -1;
}

static int write_report(struct release *r)
{
    const struct release_arguments *a = r->arguments;
    int64_t one, rows_of_unit = 0;
    const int64_t unit = dpmix_schema_unit(r->schema);
    const char *path = staging_add(&r->staging, a->compare ? "report-NOT-FOR-RELEASE.html" : "report.html");
    if (!path || (a->compare && compare(&r->comparison, &r->bins, &r->synthetic, &r->real,
                                        a->test ? &r->test : NULL, &r->progress) != 0))
        return -1;
    if (unit >= 0 && dpmix_schema_range_int(r->schema, (size_t)unit, &one, &rows_of_unit) != DPMIX_OK)
        return complain_of_library(r);
    const struct report report = {.arguments = a,
                                  .bins = &r->bins,
                                  .synthetic = &r->synthetic,
                                  .words = r->words,
                                  .ledger = r->ledger,
                                  .spent = r->spent,
                                  .rows_of_unit = rows_of_unit,
                                  .spent_of_unit = r->spent_of_unit,
                                  .real = a->compare ? &r->real : NULL,
                                  .comparison = a->compare ? &r->comparison : NULL};
    return report_write(&report, path);
}

/* ---- The whole ---- */

static int prepare(struct release *r)
{
    const struct release_arguments *a = r->arguments;
    if (open_schema(r) != 0 || open_ledger(r) != 0 || staging_check(a->output) != 0 ||
        plan_make(&r->plan, a, r->schema, r->accountant) != 0)
        return -1;
    warn(r);
    return 0;
}

/* The model is paid for: it outlives what goes wrong behind it, and who has no time for the records. */
static int keep_model(struct release *r)
{
    const char *kept = r->kept > 1 ? ", and the ledger are" : ", is";
    staging_drop(&r->staging, r->kept);
    if (staging_publish(&r->staging) == 0)
        complain("the model, which is paid for%s in %s", kept, r->arguments->output);
    return -1;
}

static int make_release(struct release *r)
{
    if (r->arguments->compare)
        umask(077); /* what is not for release is for nobody else */
    if (read_data(r) != 0 || staging_open(&r->staging, r->arguments->output) != 0)
        return -1;
    interrupt_watch();
    r->spending = 1;
    if (fit(r) != 0 || write_model(r) != 0)
        return -1;
    if (write_ledger(r) != 0 || write_records(r) != 0 || write_report(r) != 0 || interrupt_seen())
        return keep_model(r);
    return staging_publish(&r->staging);
}

static void print_end(const struct release *r)
{
    const struct release_arguments *a = r->arguments;
    printf("\nEpsilon %.6g of %g at delta %g is spent.\nWritten to %s:\n"
           "  synthetic.csv  %zu records\n"
           "  model.dpmix    the model: more records can be drawn from it, without further cost\n"
           "  ledger.json    what was spent\n"
           "  %s\n",
           r->spent, a->epsilon, a->delta, a->output, r->synthetic.n,
           a->compare ? "report-NOT-FOR-RELEASE.html" : "report.html    the report");
}

/* However a run ends early, what it spent is told. */
static int end_early(struct release *r)
{
    const char *how = !interrupt_seen() ? ""
                      : r->staging.work ? "interrupted; nothing was written; "
                                        : "interrupted; ";
    double spent;
    progress_close(&r->progress);
    if (dpmix_accountant_spent(r->accountant, &spent) == DPMIX_OK)
        complain("%sepsilon %.6g of %g is spent, as %s says", how, spent, r->arguments->epsilon,
                 r->arguments->ledger);
    else
        complain("%swhat is spent stands in %s", how, r->arguments->ledger);
    return interrupt_seen() ? INTERRUPTED : FAILED;
}

static void release_close(struct release *r)
{
    staging_close(&r->staging);
    comparison_close(&r->comparison);
    binned_close(&r->synthetic);
    binned_close(&r->real);
    binned_close(&r->test);
    dpmix_mixture_free(r->mixture);
    dpmix_generator_free(r->generator);
    dpmix_clusterer_free(r->clusterer);
    dpmix_dataset_free(r->dataset);
    dpmix_accountant_free(r->accountant);
    bins_close(&r->bins);
    dpmix_schema_free(r->schema);
    free(r->words);
    free(r->ledger);
}

static int run(const struct release_arguments *arguments)
{
    struct release r = {.arguments = arguments};
    int status = 0;
    progress_open(&r.progress);
    if (prepare(&r) != 0) {
        status = FAILED;
    } else if (arguments->plan_only) {
        if (ferror(stdout)) {
            complain("the plan cannot be written to the standard output");
            status = FAILED;
        }
    } else if (!arguments->yes && !plan_agreed()) {
        complain("not agreed; nothing was read or spent");
        status = FAILED;
    } else {
        if (make_release(&r) == 0)
            print_end(&r);
        else
            status = r.spending ? end_early(&r) : FAILED;
    }
    release_close(&r);
    return status;
}

int main(int argc, char **argv)
{
    struct release_arguments arguments;
    const int outcome = release_arguments_read(&arguments, argc, argv);
    const int status = outcome == COMMAND_RUN ? run(&arguments) : outcome == COMMAND_BAD ? BAD : 0;
    release_arguments_close(&arguments);
    return status;
}
