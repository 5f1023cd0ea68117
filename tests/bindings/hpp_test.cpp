// SPDX-License-Identifier: BSD-3-Clause
// The C++ wrapper: values in and out, errors as exceptions, who owns what.
#include <dpmix/dpmix.hpp>

#include "check_main.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

namespace {

constexpr std::size_t n_rows = 600, n_columns = 4;
constexpr int n_classes = 3;

std::vector<float> rows()
{
    std::vector<float> made(n_rows * n_columns);
    for (std::size_t i = 0; i < made.size(); i++)
        made[i] = static_cast<float>(i % 7) / 7;
    return made;
}

std::vector<std::int32_t> labels()
{
    std::vector<std::int32_t> made(n_rows);
    for (std::size_t i = 0; i < n_rows; i++)
        made[i] = static_cast<std::int32_t>(i % n_classes);
    return made;
}

dpmix::Dataset dataset()
{
    return dpmix::Dataset(rows(), n_columns, {0, 1}, labels(), n_classes);
}

template <typename F> int status_of(F function)
{
    try {
        function();
    } catch (const dpmix::error &failed) {
        ck_assert_str_ne(failed.what(), "");
        return failed.status();
    }
    return DPMIX_OK;
}

template <typename T> constexpr bool move_only()
{
    return std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
           !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
}

static_assert(move_only<dpmix::Options>() && move_only<dpmix::Dataset>() && move_only<dpmix::Accountant>());
static_assert(move_only<dpmix::Clusterer>() && move_only<dpmix::Generator>() && move_only<dpmix::Mixture>());

} // namespace

START_TEST(test_mixture)
{
    dpmix::Dataset records = dataset();
    ck_assert_uint_eq(records.columns(), n_columns);
    ck_assert_int_eq(records.classes(), n_classes);
    dpmix::Accountant budget(2.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Clusterer by_label(DPMIX_CLUSTERER_LABEL);
    by_label.fit(budget, records, 0.2);
    ck_assert_int_eq(by_label.parts(), n_classes);
    double sum = 0;
    for (double weight : by_label.weights())
        sum += weight;
    ck_assert_double_eq_tol(sum, 1, 1e-9);
    ck_assert(by_label.assign(rows(), n_columns, labels()) == labels());

    dpmix::Mixture mixture(by_label, dpmix::Generator(DPMIX_GENERATOR_GAUSSIAN));
    int calls = 0;
    mixture.fit(budget, records, 1.0, [&](int phase, std::uint64_t done, std::uint64_t total, double spent) {
        calls++;
        return phase == DPMIX_PHASE_TRAIN && done <= total && spent > 0;
    });
    ck_assert_int_gt(calls, 0);
    ck_assert(budget.spent() > 1.9 && budget.spent() <= 2.0);
    ck_assert(budget.spent_group(1) == budget.spent());
    ck_assert(budget.json() == mixture.ledger());
    ck_assert(budget.report().find("epsilon") != std::string::npos);

    dpmix::Samples<float> samples = mixture.sample(50, 7);
    ck_assert_uint_eq(samples.rows.size(), 50 * n_columns);
    ck_assert_uint_eq(samples.labels.size(), 50);
    for (float value : samples.rows)
        ck_assert(value >= 0 && value <= 1);
    ck_assert(mixture.sample(10, 7, 40).rows ==
              std::vector<float>(samples.rows.end() - 10 * n_columns, samples.rows.end()));
    ck_assert(mixture.sample(50).rows != samples.rows);
    ck_assert(static_cast<float>(mixture.sample_f64(1, 7).rows[0]) == samples.rows[0]);

    std::string path = "hpp_test.dpmix";
    mixture.save(path);
    ck_assert(dpmix::Mixture::load(path).sample(50, 7).rows == samples.rows);
    ck_assert_int_eq(std::remove(path.c_str()), 0);
}
END_TEST

START_TEST(test_errors)
{
    ck_assert_int_eq(status_of([] { dpmix::Accountant(-1, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE); }), DPMIX_ERR_RANGE);
    ck_assert_int_eq(status_of([] { dpmix::Mixture::load("no such file"); }), DPMIX_ERR_IO);
    ck_assert_int_eq(status_of([] { dpmix::Dataset(rows(), 7, {0, 1}); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([] { dpmix::Dataset(rows(), n_columns, {1, 0}); }), DPMIX_ERR_RANGE);
    std::vector<std::int32_t> few(5);
    ck_assert_int_eq(status_of([&] { dpmix::Dataset(rows(), n_columns, {0, 1}, few, 2); }), DPMIX_ERR_ARG);

    dpmix::Dataset records = dataset();
    dpmix::Accountant budget(1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Generator spent(DPMIX_GENERATOR_GAUSSIAN), late(DPMIX_GENERATOR_GAUSSIAN);
    spent.fit(budget, records, 1.0);
    ck_assert_int_eq(status_of([&] { late.fit(budget, records, 1.0); }), DPMIX_ERR_BUDGET);
    dpmix::Generator moved = std::move(late);
    ck_assert(moved && !late);
    ck_assert_int_eq(status_of([&] { late.fit(budget, records, 1.0); }), DPMIX_ERR_ARG);
}
END_TEST

/* A progress function ends a fit by its result, or by what it throws; the debit stays. */
START_TEST(test_progress_ends_fit)
{
    dpmix::Dataset records = dataset();
    dpmix::Accountant budget(1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Generator stopped(DPMIX_GENERATOR_GAUSSIAN), broken(DPMIX_GENERATOR_GAUSSIAN);
    auto stop = [](int, std::uint64_t, std::uint64_t, double) { return false; };
    ck_assert_int_eq(status_of([&] { stopped.fit(budget, records, 0.5, stop); }), DPMIX_ERR_CANCELLED);
    bool seen = false;
    try {
        broken.fit(budget, records, 0.5,
                   [](int, std::uint64_t, std::uint64_t, double) -> bool { throw std::logic_error("mine"); });
    } catch (const std::logic_error &raised) {
        seen = std::string(raised.what()) == "mine";
    }
    ck_assert(seen);
    ck_assert(budget.spent() > 0.7);
}
END_TEST

START_TEST(test_options_and_plan)
{
    dpmix::Options options;
    options.set("steps", 20).set(DPMIX_OPTION_SAMPLING_RATE, 0.5).set("vae_hidden", std::size_t{8});
    ck_assert_int_eq(options.get_int(DPMIX_OPTION_STEPS), 20);
    ck_assert(options.get_double(DPMIX_OPTION_SAMPLING_RATE) == 0.5);
    ck_assert_int_eq(status_of([&] { options.set("stepps", 1); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { options.set("steps", 1.5); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { options.set("steps", 1e300); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { options.set("steps", std::nan("")); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { options.set("steps", 0); }), DPMIX_ERR_RANGE);

    dpmix::Accountant budget(1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Generator vae(DPMIX_GENERATOR_VAE, options);
    dpmix::Plan plan = vae.plan(budget, 1.0, n_rows, n_columns, n_classes);
    ck_assert(plan.epsilon > 0.9 && plan.epsilon <= 1.0 && plan.noise_multiplier > 0 && plan.bytes > 0);
    ck_assert(budget.spent() == 0);
    dpmix::Dataset records = dataset();
    vae.fit(budget, records, 1.0);
    ck_assert(budget.spent() == plan.epsilon);
    ck_assert_uint_eq(vae.sample(3, n_columns, true).labels.size(), 3);
}
END_TEST

/* Borrowed bytes, no labels, no rows. */
START_TEST(test_datasets)
{
    std::vector<std::uint8_t> bytes(40, 9);
    dpmix::Dataset borrowed(bytes, 4, {0, 255}, {}, 0, DPMIX_STORAGE_BORROW);
    ck_assert_int_eq(borrowed.classes(), 0);
    dpmix::Dataset empty(dpmix::span<const double>(), 4, {{0, 0, 0, 0}, {1, 1, 1, 1}}, {}, 2);
    ck_assert_int_eq(empty.classes(), 2);
    const std::int32_t groups[] = {0, 1, 1, 0};
    empty.set_groups(groups);
}
END_TEST

static Suite *suite()
{
    Suite *made = suite_create("hpp");
    CHECK_ADD(made, test_mixture);
    CHECK_ADD(made, test_errors);
    CHECK_ADD(made, test_progress_ends_fit);
    CHECK_ADD(made, test_options_and_plan);
    CHECK_ADD(made, test_datasets);
    return made;
}

CHECK_MAIN(suite)
