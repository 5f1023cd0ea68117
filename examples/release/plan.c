/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"

#include "complain.h"

#include <stdio.h>
#include <string.h>

enum { LEAST_SIDE = 2, MOST_SIDE = 128 }; /* of images that augmentation takes */

static const char *name_of_partition(int partition)
{
    return partition == DPMIX_CLUSTERER_LABEL ? "partition by label" : "partition by k-means";
}

/* A single Gaussian makes no labels, nor does a model that is not given them; a release has no teacher. So a
 * label that the schema declares may need a part for each class. */
static int check_labels(const struct plan *plan, const struct release_arguments *a, int classes)
{
    const int gaussian = a->generator == DPMIX_GENERATOR_GAUSSIAN;
    int64_t conditional = 1, labels = DPMIX_LABELS_RULE;
    if (dpmix_options_get_int(a->options, &conditional, DPMIX_OPTION_CONDITIONAL) != DPMIX_OK ||
        dpmix_options_get_int(a->options, &labels, DPMIX_OPTION_LABELS) != DPMIX_OK)
        return complain("%s", dpmix_last_error());
    if (labels == DPMIX_LABELS_TEACHER)
        return complain("--option labels=%d: a release has no teacher", DPMIX_LABELS_TEACHER);
    if (classes > 0 && plan->partition != DPMIX_CLUSTERER_LABEL && (gaussian || conditional == 0))
        return complain("%s makes no labels, but the schema has one: use --partition label",
                        gaussian ? "--generator gaussian" : "--option conditional=0");
    return 0;
}

/* Of augmentation the rehearsal knows nothing: what it cannot do would be told behind the debits. */
static int check_augmentation(const struct release_arguments *a, size_t width, int classes)
{
    double fraction = 0.0, mix = 0.0;
    if (dpmix_options_get_double(a->options, &fraction, DPMIX_OPTION_AUGMENT_FRACTION) != DPMIX_OK ||
        dpmix_options_get_double(a->options, &mix, DPMIX_OPTION_AUGMENT_MIX) != DPMIX_OK)
        return complain("%s", dpmix_last_error());
    size_t side = LEAST_SIDE;
    while (side < MOST_SIDE && side * side < width)
        side++;
    if (fraction > 0.0 && side * side != width)
        return complain("--option augment_fraction: records of %zu columns are no square images of %d to %d "
                        "pixels a side",
                        width, LEAST_SIDE, MOST_SIDE);
    if (fraction > 0.0 && mix > 0.0 && classes > 0)
        return complain("--option augment_mix: mixed records need a teacher's labels; a release has no "
                        "teacher");
    return 0;
}

static int choose_partition(struct plan *plan, const struct release_arguments *a, int classes)
{
    const int gaussian = a->generator == DPMIX_GENERATOR_GAUSSIAN;
    plan->partition = a->partition >= 0         ? (int)a->partition
                      : gaussian && classes > 0 ? DPMIX_CLUSTERER_LABEL
                                                : 0;
    if (plan->partition == DPMIX_CLUSTERER_LABEL && classes == 0)
        return complain("--partition label: the schema has no label");
    return check_labels(plan, a, classes);
}

static int parts_of(const struct plan *plan, const struct release_arguments *a, int classes)
{
    int64_t clusters = 1;
    if (plan->partition == DPMIX_CLUSTERER_LABEL)
        return classes;
    if (plan->partition != 0 &&
        dpmix_options_get_int(a->options, &clusters, DPMIX_OPTION_CLUSTERS) != DPMIX_OK)
        return 1;
    return (int)clusters;
}

/* The shares of what is left: together the steps spend `a->share` of it, the partition its part of that. */
static void divide(struct plan *plan, const struct release_arguments *a)
{
    const double first = a->share * a->partition_share;
    plan->n = plan->partition ? 2 : 1;
    plan->steps[0] = (struct plan_step){.share = plan->partition ? first : a->share};
    plan->steps[1] = (struct plan_step){.share = a->share < 1.0 ? (a->share - first) / (1.0 - first) : 1.0};
    plan->steps[plan->n - 1].what = "models";
    if (plan->partition)
        plan->steps[0].what = name_of_partition(plan->partition);
}

static int plan_partition(struct plan *plan, const struct release_arguments *a, const dpmix_schema *schema,
                          const dpmix_accountant *accountant)
{
    struct plan_step *step = &plan->steps[0];
    dpmix_clusterer *clusterer = NULL;
    int status = dpmix_clusterer_new(&clusterer, plan->partition, a->options);
    if (status == DPMIX_OK)
        status = dpmix_clusterer_plan(clusterer, &step->epsilon, &step->noise, &step->bytes, &step->seconds,
                                      accountant, step->share, (size_t)a->rows, dpmix_schema_width(schema),
                                      dpmix_schema_classes(schema));
    dpmix_clusterer_free(clusterer);
    return status;
}

/* Behind a partition the figure for the noise is that of models that come first, and have the whole share. */
static int plan_models(struct plan *plan, const struct release_arguments *a, const dpmix_schema *schema,
                       const dpmix_accountant *accountant)
{
    struct plan_step *step = &plan->steps[plan->n - 1];
    const int parts = parts_of(plan, a, dpmix_schema_classes(schema));
    dpmix_generator *generator = NULL;
    int status = dpmix_generator_new(&generator, (int)a->generator, a->options);
    if (status == DPMIX_OK)
        status = dpmix_generator_plan_table(generator, &step->epsilon, &step->noise, &step->bytes,
                                            &step->seconds, accountant, a->share, (size_t)a->rows, schema,
                                            plan->partition == DPMIX_CLUSTERER_LABEL ? 0 : parts);
    dpmix_generator_free(generator);
    return status;
}

static void write_time(char *text, size_t size, double seconds)
{
    if (seconds < 100.0)
        snprintf(text, size, "%.1f s", seconds);
    else
        snprintf(text, size, "%.0f min", seconds / 60.0);
}

static void write_bytes(char *text, size_t size, double bytes)
{
    const double mebibyte = 1048576.0;
    if (bytes < 1024.0 * mebibyte)
        snprintf(text, size, "%.1f MiB", bytes / mebibyte);
    else
        snprintf(text, size, "%.1f GiB", bytes / mebibyte / 1024.0);
}

static void show_step(const struct plan_step *step, int is_bound)
{
    char time_text[32], memory[32];
    write_time(time_text, sizeof(time_text), step->seconds);
    write_bytes(memory, sizeof(memory), step->bytes);
    printf("  %-22s %-20.6g %s%-15.4g %-10s %s\n", step->what, step->epsilon, is_bound ? "> " : "  ",
           step->noise, time_text, memory);
}

static void show_terms(const struct release_arguments *a, double spent)
{
    printf("Plan for data set '%s'; no row was read so far\n\n", a->dataset);
    printf("  budget   epsilon %g at delta %g, %s\n", a->epsilon, a->delta,
           release_adjacency_name(a->adjacency));
    printf("  ledger   %s: epsilon %.6g is spent\n", a->ledger, spent);
    printf("  output   %s: %lld synthetic records, model, ledger, report\n\n", a->output,
           (long long)a->records);
    fflush(stdout); /* what follows is rehearsed on made-up rows, which takes time */
}

static void show_unit(const dpmix_schema *schema)
{
    int64_t one, most;
    const int64_t unit = dpmix_schema_unit(schema);
    if (unit >= 0 && dpmix_schema_range_int(schema, (size_t)unit, &one, &most) == DPMIX_OK)
        printf("Epsilon is for one record. Of each person at most %lld records are used; the report says "
               "what\nepsilon is for a person.\n",
               (long long)most);
}

static void show_steps(const struct plan *plan, const struct release_arguments *a, const dpmix_schema *schema)
{
    char memory[32];
    write_bytes(memory, sizeof(memory), (double)a->rows * (double)dpmix_schema_width(schema) * sizeof(float));
    printf("  %-22s %-20s   %-15s %-10s %s\n", "step", "epsilon spent then", "noise", "time", "memory");
    for (int i = 0; i < plan->n; i++)
        show_step(&plan->steps[i], i > 0);
    printf(
        "\nTime and memory are for %lld rows (--rows), beside %s for the rows themselves. Noise is in units "
        "of\nthe largest contribution of one record%s.\n"
        "What is spent is spent, also when the work fails or is interrupted.\n",
        (long long)a->rows, memory,
        plan->n > 1 ? ";\nthat of the models will be a little more, because of the partition" : "");
    show_unit(schema);
    fflush(stdout);
}

int plan_make(struct plan *plan, const struct release_arguments *a, const dpmix_schema *schema,
              const dpmix_accountant *accountant)
{
    *plan = (struct plan){0};
    const int classes = dpmix_schema_classes(schema);
    if (choose_partition(plan, a, classes) != 0 ||
        check_augmentation(a, dpmix_schema_width(schema), classes) != 0)
        return -1;
    divide(plan, a);
    int status = dpmix_accountant_spent(accountant, &plan->spent_before);
    if (status == DPMIX_OK)
        show_terms(a, plan->spent_before);
    if (status == DPMIX_OK && plan->partition)
        status = plan_partition(plan, a, schema, accountant);
    if (status == DPMIX_OK)
        status = plan_models(plan, a, schema, accountant);
    if (status == DPMIX_ERR_BUDGET)
        return complain(
            "--ledger: of epsilon %g of data set '%s', %.6g is spent, and what is left does not cover "
            "this release",
            a->epsilon, a->dataset, plan->spent_before);
    if (status != DPMIX_OK)
        return complain("%s", dpmix_last_error());
    show_steps(plan, a, schema);
    return 0;
}

int plan_agreed(void)
{
    char answer[16];
    fputs("\nRead the data and spend this? Type yes: ", stdout);
    fflush(stdout);
    if (!fgets(answer, sizeof(answer), stdin))
        return 0;
    return strcmp(answer, "yes\n") == 0 || strcmp(answer, "y\n") == 0;
}
