/* SPDX-License-Identifier: BSD-3-Clause */
/* Clipping in factor form against contributions that are written out, with rows made to break it. */
#include "check_main.h"
#include "privacy_clip.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { ROWS = 7, COLUMNS = 11, RANK = 3, MATRICES = 2 };

static uint32_t state = 99;

static float next(void)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) * 0x1p-23f - 1;
}

/* Matrix 0 is ROWS x COLUMNS, matrix 1 the other way round. */
static struct dpm_query_plan plan_of(int rank, double clip, double cancellation)
{
    return (struct dpm_query_plan){
        .n_matrices = MATRICES,
        .matrix = {{ROWS, COLUMNS, rank}, {COLUMNS, ROWS, rank}},
        .clip_norm = clip,
        .cancellation = cancellation,
        .sampling_rate = 1,
        .steps = 1,
    };
}

struct factors {
    float left[MATRICES][2 * RANK * COLUMNS], right[MATRICES][2 * RANK * COLUMNS]; /* two rows of the block */
};

static void fill(struct factors *factors, float scale)
{
    float *all = &factors->left[0][0];
    for (size_t i = 0; i < sizeof *factors / sizeof(float); i++)
        all[i] = scale * next();
}

static void clip_row(const struct dpm_query_plan *plan, struct factors *factors, size_t i)
{
    float *left[MATRICES] = {factors->left[0], factors->left[1]};
    float *right[MATRICES] = {factors->right[0], factors->right[1]};
    dpm_clip_row(plan, left, right, i);
}

/* Norm of row i's contribution, written out in long double; *lengths: A. */
static double exact_norm(const struct dpm_query_plan *plan, const struct factors *factors, size_t i,
                         double *lengths)
{
    long double squared = 0, squared_lengths = 0;
    for (int m = 0; m < MATRICES; m++) {
        size_t rows = plan->matrix[m].rows, columns = plan->matrix[m].columns,
               rank = (size_t)plan->matrix[m].rank;
        const float *l = factors->left[m] + i * rank * rows, *r = factors->right[m] + i * rank * columns;
        long double sum_lengths = 0;
        for (size_t a = 0; a < rows; a++)
            for (size_t b = 0; b < columns; b++) {
                long double entry = 0;
                for (size_t k = 0; k < rank; k++)
                    entry += (long double)l[k * rows + a] * (long double)r[k * columns + b];
                squared += entry * entry;
            }
        for (size_t k = 0; k < rank; k++) {
            long double ll = 0, rr = 0;
            for (size_t a = 0; a < rows; a++)
                ll += (long double)l[k * rows + a] * (long double)l[k * rows + a];
            for (size_t b = 0; b < columns; b++)
                rr += (long double)r[k * columns + b] * (long double)r[k * columns + b];
            sum_lengths += sqrtl(ll * rr);
        }
        squared_lengths += sum_lengths * sum_lengths;
    }
    *lengths = (double)sqrtl(squared_lengths);
    return (double)sqrtl(squared);
}

/* What doc/privacy.md states: C sqrt(1 + eta kappa^2) + 2^-24 kappa C, with eta far above what 18 entries
 * need. */
static double allowed(const struct dpm_query_plan *plan)
{
    double kappa = plan->cancellation;
    return plan->clip_norm * (sqrt(1 + 1e-13 * kappa * kappa) + 0x1p-24 * kappa + 0x1p-40);
}

START_TEST(long_contributions_are_scaled_to_the_clip_norm)
{
    for (int trial = 0; trial < 500; trial++) {
        int rank = 1 + trial % RANK;
        struct dpm_query_plan plan = plan_of(rank, 0.5, 64);
        struct factors factors, before;
        double lengths;
        fill(&factors, trial % 2 ? 3 : 1e8f);
        before = factors;
        clip_row(&plan, &factors, 1);
        double norm = exact_norm(&plan, &factors, 1, &lengths), was = exact_norm(&plan, &before, 1, &lengths);
        ck_assert_double_gt(was, 0.5);
        ck_assert_double_le(norm, allowed(&plan));
        ck_assert_double_ge(norm, 0.5 * (1 - 1e-6)); /* and not to less */
        ck_assert_mem_eq(factors.left[0], before.left[0], (size_t)rank * ROWS * sizeof(float)); /* row 0 */
    }
}
END_TEST

START_TEST(short_contributions_keep_their_bits)
{
    struct dpm_query_plan plan = plan_of(2, 100, 4);
    struct factors factors, before;
    fill(&factors, 0.1f);
    before = factors;
    clip_row(&plan, &factors, 0);
    clip_row(&plan, &factors, 1);
    ck_assert_mem_eq(&factors, &before, sizeof factors);
}
END_TEST

START_TEST(cancelling_pairs_are_bounded_too)
{
    /* l1 r1' + l2 r2' with l2 = -l1 and r2 = r1 to within rounding: the norm is small, the pairs are long. */
    struct dpm_query_plan plan = plan_of(2, 1, 8);
    for (int trial = 0; trial < 200; trial++) {
        struct factors factors;
        double lengths;
        fill(&factors, 1000);
        for (int m = 0; m < MATRICES; m++) {
            size_t rows = plan.matrix[m].rows, columns = plan.matrix[m].columns;
            for (size_t a = 0; a < rows; a++)
                factors.left[m][rows + a] = -factors.left[m][a] * (1 + (trial % 2 ? FLT_EPSILON : 0));
            memcpy(factors.right[m] + columns, factors.right[m], columns * sizeof(float));
        }
        clip_row(&plan, &factors, 0);
        double norm = exact_norm(&plan, &factors, 0, &lengths);
        ck_assert_double_le(norm, allowed(&plan));
        ck_assert_double_le(lengths, 8 * (1 + 1e-6)); /* kappa C */
    }
}
END_TEST

START_TEST(a_bad_entry_makes_the_contribution_zero)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 0x1.000002p60f, -0x1p100f};
    struct dpm_query_plan plan = plan_of(1, 1, 1);
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++)
        for (int place = 0; place < 4; place++) {
            struct factors factors;
            double lengths;
            fill(&factors, 1);
            float *side = place % 2 ? factors.left[place / 2] : factors.right[place / 2];
            side[5] = bad[b];
            clip_row(&plan, &factors, 0);
            ck_assert(exact_norm(&plan, &factors, 0, &lengths) == 0);
            ck_assert(lengths == 0); /* both sides are zero, so that no product is infinity times zero */
        }
}
END_TEST

START_TEST(extreme_but_finite_rows_stay_in_bounds)
{
    static const float scales[] = {0x1p60f, 0x1p40f, 0x1p-60f, 0x1p-149f, FLT_MIN};
    struct dpm_query_plan plan = plan_of(2, 1, 2);
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        for (size_t j = 0; j < sizeof scales / sizeof *scales; j++) {
            struct factors factors;
            double lengths;
            fill(&factors, 1);
            for (int m = 0; m < MATRICES; m++)
                for (size_t k = 0; k < RANK * COLUMNS; k++) {
                    factors.left[m][k] *= scales[i] / 2;
                    factors.right[m][k] *= scales[j] / 2;
                }
            clip_row(&plan, &factors, 0);
            ck_assert_double_le(exact_norm(&plan, &factors, 0, &lengths), allowed(&plan));
        }
}
END_TEST

START_TEST(the_norm_is_joint_over_all_matrices)
{
    /* Each matrix alone has the clip norm: clipped by itself it would pass; together they are sqrt(2) too
     * long. */
    struct dpm_query_plan plan = plan_of(1, 1, 1);
    struct factors factors = {0};
    double lengths;
    for (int m = 0; m < MATRICES; m++)
        factors.left[m][3] = factors.right[m][4] = 1;
    clip_row(&plan, &factors, 0);
    ck_assert_double_le(exact_norm(&plan, &factors, 0, &lengths), allowed(&plan));
    ck_assert_double_eq_tol((double)factors.left[0][3], sqrt(0.5), 1e-7);
    ck_assert_double_eq_tol((double)factors.left[1][3], sqrt(0.5), 1e-7);
}
END_TEST

/* What the short way says is within, the long way leaves as it is; and the short way is worth having. */
START_TEST(what_is_surely_within_is_within)
{
    enum { LONG = 785 };
    static const double clips[] = {1e-6, 0.5, 1, 1.001, 1.01, 2, 1e6};
    static const float odd[] = {0, -0.0f, NAN, INFINITY, 0x1p70f, 0x1p-75f, 0x1p-140f};
    static float right[LONG], kept[LONG];
    int surely = 0, within = 0;
    for (size_t trial = 0; trial < 2000; trial++) {
        struct dpm_query_plan plan = {
            .n_matrices = 1, .matrix = {{1, 1 + trial % LONG, 1}}, .cancellation = 1};
        size_t n = plan.matrix[0].columns;
        float left = trial % 11 ? next() : odd[trial / 11 % 7], before = left, *l = &left, *r = right;
        double square = 0;
        for (size_t i = 0; i < n; i++) {
            right[i] = next() * (trial % 5 ? 1.0f : 0x1p-74f);
            square += (double)right[i] * (double)right[i];
        }
        if (trial % 7 == 0)
            right[trial % n] = odd[trial / 7 % 7];
        memcpy(kept, right, sizeof kept);
        plan.clip_norm = clips[trial % 7] * fmax(fabs((double)left) * sqrt(square), 0x1p-40);
        if (!(plan.clip_norm <= 0x1p20))
            plan.clip_norm = 1;
        int sure = dpm_clip_is_within(&plan, left, right), is_within = dpm_clip_row(&plan, &l, &r, 0);
        surely += sure, within += is_within;
        if (sure) {
            ck_assert(is_within);
            ck_assert_mem_eq(&left, &before, sizeof left);
            ck_assert_mem_eq(right, kept, n * sizeof *right);
        }
    }
    ck_assert_int_gt(surely, 500);
    ck_assert_int_gt(surely, within * 2 / 3);
    ck_assert_int_lt(within, 1900);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("clip");
    CHECK_ADD(s, long_contributions_are_scaled_to_the_clip_norm);
    CHECK_ADD(s, short_contributions_keep_their_bits);
    CHECK_ADD(s, cancelling_pairs_are_bounded_too);
    CHECK_ADD(s, a_bad_entry_makes_the_contribution_zero);
    CHECK_ADD(s, extreme_but_finite_rows_stay_in_bounds);
    CHECK_ADD(s, what_is_surely_within_is_within);
    CHECK_ADD(s, the_norm_is_joint_over_all_matrices);
    return s;
}

CHECK_MAIN(suite)
