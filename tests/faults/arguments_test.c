/* SPDX-License-Identifier: BSD-3-Clause */
/* Every argument of every public function in turn: missing, of another type, or such as nobody should give.
 * The call says so, naming it, and changes nothing; or it does what it can. It never crashes, and no
 * sanitizer has anything to say. */
#include "calls.h"

#include <float.h>
#include <limits.h>
#include <math.h>

enum { GROUPS = 8, LONG_TEXT = 6000, ARRAY = 1024 };

static int n_attacks;

/* ---- One call ---- */

struct attack {
    struct bench *bench;
    const struct row *row;
    int argument;
    const char *what;
};

static const char *attacked(const struct attack *attack)
{
    static char text[256];
    const struct call *call = attack->bench->call;
    snprintf(text, sizeof text, "%s(%s), %s: %s", call->name, attack->row->arguments,
             call->params[attack->argument].name, attack->what);
    return text;
}

static int is_empty(const struct call *call, union call_value result)
{
    switch (call->result) {
    case CALL_INT: return result.i == 0;
    case CALL_INT64: return result.l == -1;
    case CALL_SIZE: return result.z == 0;
    case CALL_IN: return result.c == NULL;
    default: return 1;
    }
}

/* Whether the message is of this function and names an argument: the one that was changed, unless it may be
 * another one with which it does not go together. */
static int names(const struct attack *attack, int any)
{
    const char *message = dpmix_last_error();
    const struct call *call = attack->bench->call;
    size_t n = strlen(call->name);
    if (strncmp(message, call->name, n) != 0 || strncmp(message + n, ": ", 2) != 0)
        return 0;
    for (int i = 0; i < call->n; i++)
        if ((any || i == attack->argument) && strstr(message + n, call->params[i].name))
            return 1;
    return any && strstr(message, "the number of rows") != NULL;
}

/* Makes the call with another value for one argument. A call that fails has changed nothing. `wanted` is the
 * status, or 1 for any but INTERNAL. */
static void attack_with(struct attack *attack, union call_value value, int wanted, const char *what)
{
    struct bench *bench = attack->bench;
    union call_value values[MOST_ARGUMENTS], result;
    attack->what = what;
    memcpy(values, bench->values, sizeof values);
    values[attack->argument] = value;
    struct bench_spent before = bench_spent(bench);
    int status = bench_call(bench, values, &result);
    ck_assert_msg(status <= 0 && status >= DPMIX_ERR_UNSUPPORTED, "%s: %d", attacked(attack), status);
    n_attacks++;
    if (bench->call->result != CALL_STATUS) {
        ck_assert_msg(wanted != DPMIX_ERR_ARG || is_empty(bench->call, result), "%s", attacked(attack));
        status = wanted == 1 ? 0 : wanted;
    }
    ck_assert_msg(wanted == 1 || status == wanted, "%s: %d, not %d, %s", attacked(attack), status, wanted,
                  dpmix_last_error());
    if (status != DPMIX_OK) {
        struct bench_spent after = bench_spent(bench);
        ck_assert_msg(bench_untouched(bench), "%s: an output", attacked(attack));
        ck_assert_msg(after.epsilon == before.epsilon && after.debits == before.debits &&
                          after.queries == before.queries,
                      "%s: a debit", attacked(attack));
        int to_name = bench->call->result == CALL_STATUS && status >= DPMIX_ERR_RANGE;
        ck_assert_msg(!to_name || names(attack, wanted == 1), "%s: %s", attacked(attack), dpmix_last_error());
    } else {
        bench_close(bench); /* the call has used up what was made for it, and written outputs */
        bench_open(bench, attack->row);
    }
}

/* ---- Values ---- */

static void attack_number(struct attack *attack, enum call_type type)
{
    static const int ints[] = {INT_MIN, -1, 0, 3, 1000, INT_MAX};
    static const int64_t longs[] = {INT64_MIN, -1, 0, 1000, INT64_MAX};
    static const uint64_t unsigned_longs[] = {0, UINT64_MAX};
    static const size_t sizes[] = {0, 1, 3, SIZE_MAX / 2 + 1, SIZE_MAX / 8 + 1, SIZE_MAX};
    static const size_t lengths[] = {0, SIZE_MAX / 2 + 1, SIZE_MAX};
    static const double doubles[] = {NAN, INFINITY, -INFINITY, -1, -0.0, 5e-324, DBL_MAX};
    char what[32];
    for (size_t i = 0; type == CALL_INT && i < sizeof ints / sizeof *ints; i++) {
        snprintf(what, sizeof what, "%d", ints[i]);
        attack_with(attack, (union call_value){.i = ints[i]}, 1, what);
    }
    for (size_t i = 0; type == CALL_INT64 && i < sizeof longs / sizeof *longs; i++) {
        snprintf(what, sizeof what, "%lld", (long long)longs[i]);
        attack_with(attack, (union call_value){.l = longs[i]}, 1, what);
    }
    for (size_t i = 0; type == CALL_UINT64 && i < sizeof unsigned_longs / sizeof *unsigned_longs; i++) {
        snprintf(what, sizeof what, "%llu", (unsigned long long)unsigned_longs[i]);
        attack_with(attack, (union call_value){.u = unsigned_longs[i]}, 1, what);
    }
    int of_array = attack->bench->counts[attack->argument];
    const size_t *given = of_array ? lengths : sizes;
    size_t n = of_array ? sizeof lengths / sizeof *lengths : sizeof sizes / sizeof *sizes;
    for (size_t i = 0; type == CALL_SIZE && i < n; i++) {
        snprintf(what, sizeof what, "%zu", given[i]);
        attack_with(attack, (union call_value){.z = given[i]}, 1, what);
    }
    for (size_t i = 0; type == CALL_DOUBLE && i < sizeof doubles / sizeof *doubles; i++) {
        snprintf(what, sizeof what, "%g", doubles[i]);
        attack_with(attack, (union call_value){.d = doubles[i]}, 1, what);
    }
}

/* Other numbers in an array that is read. */
static void attack_array(struct attack *attack, const char *declared)
{
    static double doubles[ARRAY];
    static float floats[ARRAY];
    static int32_t ints[ARRAY];
    static uint64_t longs[ARRAY];
    static const double bad[] = {NAN, INFINITY, -INFINITY, -1, 0, 1e300, 1e-300};
    static const int32_t bad_ints[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    static const uint64_t bad_longs[] = {0, 1, UINT64_MAX};
    char what[32];
    _Static_assert(sizeof(size_t) == sizeof(uint64_t) || sizeof(size_t) == sizeof(uint32_t), "sizes");
    for (size_t v = 0; v < sizeof bad / sizeof *bad; v++) {
        for (size_t i = 0; i < ARRAY; i++) {
            doubles[i] = bad[v];
            floats[i] = (float)fmin(fmax(bad[v], -1e38), 1e38);
            floats[i] = isfinite(bad[v]) ? floats[i] : (float)bad[v];
        }
        snprintf(what, sizeof what, "all %g", bad[v]);
        if (strcmp(declared, "const double *") == 0)
            attack_with(attack, (union call_value){.p = doubles}, 1, what);
        if (strcmp(declared, "const float *") == 0)
            attack_with(attack, (union call_value){.p = floats}, 1, what);
    }
    for (size_t v = 0; v < sizeof bad_ints / sizeof *bad_ints; v++) {
        for (size_t i = 0; i < ARRAY; i++)
            ints[i] = bad_ints[v];
        snprintf(what, sizeof what, "all %d", (int)bad_ints[v]);
        if (strcmp(declared, "const int *") == 0 || strcmp(declared, "const int32_t *") == 0)
            attack_with(attack, (union call_value){.p = ints}, 1, what);
        if (strcmp(declared, "const uint8_t *") == 0)
            attack_with(attack, (union call_value){.p = ints}, 1, what);
    }
    for (size_t v = 0; v < sizeof bad_longs / sizeof *bad_longs; v++) {
        for (size_t i = 0; i < ARRAY; i++)
            longs[i] = bad_longs[v];
        snprintf(what, sizeof what, "all %llu", (unsigned long long)bad_longs[v]);
        if (strcmp(declared, "const uint64_t *") == 0 || strcmp(declared, "const size_t *") == 0)
            attack_with(attack, (union call_value){.p = longs}, 1, what);
    }
}

/* Texts, of which some are paths: of nothing, of a folder, too long. */
static void attack_text(struct attack *attack)
{
    static char long_text[LONG_TEXT];
    static const char *const texts[] = {
        "", "no/such/folder/file", "\xff\xfe\x01", "{\"a\": [1,", "%s%n%d", long_text};
    memset(long_text, 'x', sizeof long_text - 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        attack_with(attack, (union call_value){.c = texts[i]}, 1, i == 5 ? "a long text" : texts[i]);
    attack_with(attack, (union call_value){.c = tiny_folder()}, 1, "a folder");
}

/* ---- Every argument ---- */

static void attack_pointer(struct attack *attack, const struct call_param *param)
{
    const struct bench *bench = attack->bench;
    int i = attack->argument, consumes = bench->row->flags & ROW_CONSUMES;
    const char *user = "void *";
    if (strcmp(param->declared, user) == 0)
        return; /* the caller's own */
    attack_with(attack, (union call_value){.p = NULL},
                bench->optional[i] || consumes ? DPMIX_OK : DPMIX_ERR_ARG, "NULL");
    if (param->type == CALL_HANDLE || param->type == CALL_CONST_HANDLE) {
        attack_with(attack, (union call_value){.p = world_other(param->declared)},
                    consumes ? DPMIX_OK : DPMIX_ERR_ARG, "a handle of another type");
        int fitted = !bench->fresh[i] && world_unfitted(param->declared);
        if (fitted && bench->call->result == CALL_STATUS && !(bench->row->flags & ROW_UNFITTED))
            attack_with(attack, (union call_value){.p = world_unfitted(param->declared)}, DPMIX_ERR_STATE,
                        "not fitted");
        if (strstr(param->declared, "schema") && !consumes)
            attack_with(attack, (union call_value){.p = world_thing("empty schema")}, 1, "no columns");
        if (strstr(param->declared, "accountant") && !consumes)
            attack_with(attack, (union call_value){.p = world_thing("empty accountant")}, 1, "no budget");
    } else if (strcmp(param->declared, "const char *") == 0) {
        attack_text(attack);
    } else if (param->type == CALL_IN) {
        attack_array(attack, param->declared);
    }
}

START_TEST(every_argument_may_be_wrong)
{
    for (size_t r = (size_t)_i; r < n_rows; r += GROUPS) {
        struct bench bench;
        struct attack attack = {&bench, &rows[r], 0, ""};
        bench_open(&bench, &rows[r]);
        for (int i = 0; i < bench.call->n; i++) {
            const struct call_param *param = &bench.call->params[i];
            attack.argument = i;
            if (param->type >= CALL_FUNCTION)
                attack_pointer(&attack, param);
            else
                attack_number(&attack, param->type);
        }
        CHECK_OK(bench_call(&bench, NULL, NULL)); /* handles live through all of it */
        bench_close(&bench);
    }
    ck_assert_int_gt(n_attacks, 250);
}
END_TEST

/* ---- Outputs in the place of inputs ---- */

START_TEST(outputs_may_be_inputs_where_headers_say_so)
{
    static const struct {
        struct row row;
        int input;
        size_t size;
    } pairs[] = {
        {{"dpmix_calculate_noise", "_ mechanisms noise rates counts 2# 1 1e-5 1", 0}, 2, 2 * sizeof(double)},
        {{"dpmix_accountant_noise", "accountant _ 0.5 mechanisms noise rates counts 2#", 0},
         4,
         2 * sizeof(double)},
        {{"dpmix_feature_distance", "_ rows 2# 8", 0}, 1, 128 * sizeof(float)},
        {{"dpmix_feature_distance_inverse", "_ rows 2# 8", 0}, 1, 128 * sizeof(float)},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct bench apart, together;
        bench_open(&apart, &pairs[i].row);
        bench_open(&together, &pairs[i].row);
        int output = strncmp(pairs[i].row.arguments, "_", 1) == 0 ? 0 : 1;
        void *memory = together.values[output].p;
        memcpy(memory, together.values[pairs[i].input].p, pairs[i].size);
        together.values[pairs[i].input].p = memory;
        CHECK_OK(bench_call(&apart, NULL, NULL));
        CHECK_OK(bench_call(&together, NULL, NULL));
        ck_assert_mem_eq(memory, apart.values[output].p, pairs[i].size);
        bench_close(&apart);
        bench_close(&together);
    }
}
END_TEST

/* ---- Loaded models in the place of made ones ---- */

/* Files hold no options of fits: what is loaded has the defaults, and goes wherever a new handle goes. */
START_TEST(a_loaded_model_can_be_a_pattern_and_be_taught)
{
    struct bench bench;
    struct row row = {"dpmix_mixture_fit", "+mixture +accountant +dataset 0.5 proceed? null?", 0};
    dpmix_generator *pattern = NULL;
    dpmix_mixture *mixture = NULL, *loaded = NULL;
    const char *path = world_thing("out");
    bench_open(&bench, &row);
    CHECK_OK(dpmix_generator_load(&pattern, world_thing("saved_gaussian")));
    CHECK_OK(dpmix_mixture_new(&mixture, world_thing("plain"), pattern));
    CHECK_OK(dpmix_mixture_fit(mixture, bench.values[1].p, bench.values[2].p, 0.5, NULL, NULL));
    CHECK_OK(dpmix_mixture_save(mixture, path));
    CHECK_OK(dpmix_mixture_load(&loaded, path));
    CHECK_OK(dpmix_mixture_teach(loaded, bench.values[1].p, bench.values[2].p, 0.5, NULL, NULL));
    dpmix_mixture_free(loaded);
    dpmix_mixture_free(mixture);
    dpmix_generator_free(pattern);
    bench_close(&bench);
}
END_TEST

/* ---- Frees ---- */

enum { HANDLES = 5, ORDERS = 120 };

/* Handles of one release, of which any may be gone. */
struct family {
    dpmix_dataset *dataset;
    dpmix_accountant *accountant;
    dpmix_clusterer *clusterer;
    dpmix_generator *generator;
    dpmix_mixture *mixture;
};

static void found(struct family *family)
{
    *family = (struct family){
        .dataset = tiny_dataset(world_thing("rows"), TABLE_ROWS, TABLE_WIDTH, world_thing("labels"), 2),
        .accountant = tiny_accountant(10),
        .clusterer = tiny_clusterer(DPMIX_CLUSTERER_LABEL),
        .generator = tiny_generator(DPMIX_GENERATOR_GAUSSIAN)};
    CHECK_OK(dpmix_clusterer_fit(family->clusterer, family->accountant, family->dataset, 0.1, NULL, NULL));
    CHECK_OK(dpmix_mixture_new(&family->mixture, family->clusterer, family->generator));
    CHECK_OK(dpmix_mixture_fit(family->mixture, family->accountant, family->dataset, 0.1, NULL, NULL));
}

static void free_one(struct family *family, int handle)
{
    switch (handle) {
    case 0:
        dpmix_dataset_free(family->dataset);
        family->dataset = NULL;
        break;
    case 1:
        dpmix_accountant_free(family->accountant);
        family->accountant = NULL;
        break;
    case 2:
        dpmix_clusterer_free(family->clusterer);
        family->clusterer = NULL;
        break;
    case 3:
        dpmix_generator_free(family->generator);
        family->generator = NULL;
        break;
    default: dpmix_mixture_free(family->mixture); family->mixture = NULL;
    }
}

/* What is left does all that it could. */
static void use(const struct family *family)
{
    static const uint64_t seed = 1;
    float samples[4 * TABLE_WIDTH];
    int32_t parts[TABLE_ROWS];
    dpmix_accountant *other = tiny_accountant(10);
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    if (family->accountant)
        ck_assert_uint_ge(tiny_entries(family->accountant), 2);
    if (family->dataset) /* it belongs to the accountant, which lives as long as anybody holds it */
        CHECK_FAILS(dpmix_clusterer_fit(clusterer, other, family->dataset, 0.1, NULL, NULL), DPMIX_ERR_STATE,
                    "dataset");
    if (family->dataset && family->accountant)
        CHECK_OK(dpmix_clusterer_fit(clusterer, family->accountant, family->dataset, 0.01, NULL, NULL));
    if (family->clusterer)
        CHECK_OK(dpmix_clusterer_assign(family->clusterer, parts, world_thing("rows"), TABLE_ROWS,
                                        TABLE_WIDTH, world_thing("labels")));
    if (family->clusterer && family->generator) {
        dpmix_mixture *mixture = NULL;
        CHECK_OK(dpmix_mixture_new(&mixture, family->clusterer, family->generator));
        dpmix_mixture_free(mixture);
    }
    if (family->mixture)
        CHECK_OK(dpmix_mixture_sample(family->mixture, samples, NULL, 0, 4, TABLE_WIDTH, &seed));
    dpmix_clusterer_free(clusterer);
    dpmix_accountant_free(other);
}

START_TEST(handles_may_be_freed_in_any_order)
{
    for (int order = 0; order < ORDERS; order++) {
        int left[HANDLES] = {0, 1, 2, 3, 4}, code = order;
        struct family family;
        int64_t before = dpm_alloc_live();
        found(&family);
        for (int n = HANDLES; n > 0; n--) {
            int at = code % n;
            code /= n;
            free_one(&family, left[at]);
            left[at] = left[n - 1];
            use(&family);
        }
        ck_assert_int_eq(dpm_alloc_live(), before);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("arguments");
    TCase *test_case = check_case(suite, "arguments");
    tcase_add_checked_fixture(test_case, world_open, world_close);
    tcase_add_loop_test(test_case, every_argument_may_be_wrong, 0, GROUPS);
    tcase_add_test(test_case, outputs_may_be_inputs_where_headers_say_so);
    tcase_add_test(test_case, a_loaded_model_can_be_a_pattern_and_be_taught);
    tcase_add_test(test_case, handles_may_be_freed_in_any_order);
    return suite;
}

CHECK_MAIN(suite)
