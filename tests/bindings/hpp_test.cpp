// SPDX-License-Identifier: BSD-3-Clause
// The C++ wrapper: values in and out, errors as exceptions, who owns what.
#include <dpmix/dpmix.hpp>

#include "check_hpp.hpp"

#include <cmath>
#include <cstdio>
#include <string>
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

static_assert(move_only<dpmix::Options>() && move_only<dpmix::Dataset>() && move_only<dpmix::Accountant>());
static_assert(move_only<dpmix::Schema>() && move_only<dpmix::ArrowStream>());
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
    ck_assert_uint_eq(by_label.columns(), n_columns);
    ck_assert(by_label.assign(rows(), labels()) == labels());
    ck_assert_int_eq(status_of([&] { by_label.centres(); }), DPMIX_ERR_UNSUPPORTED);

    dpmix::Mixture mixture(by_label, dpmix::Generator(DPMIX_GENERATOR_GAUSSIAN));
    int calls = 0;
    mixture.fit(budget, records, 1.0, [&](int phase, std::uint64_t done, std::uint64_t total, double spent) {
        calls++;
        return phase == DPMIX_PHASE_TRAIN && done <= total && spent > 0;
    });
    ck_assert_int_gt(calls, 0);
    ck_assert(budget.spent() > 1.9 && budget.spent() <= 2.0);
    ck_assert(budget.spent_group(1) == budget.spent());
    ck_assert(budget.spent_group(2) > 1.5 * budget.spent());
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
    ck_assert(mixture.sample(50, 7 + (UINT64_C(1) << 32)).rows != samples.rows);
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

/* C would end a text there: two data sets would have one budget. */
START_TEST(test_zero_bytes)
{
    using namespace std::string_literals;
    const std::string path = "hpp_test.zero", cut = "a\0b"s;
    const int zero_out = DPMIX_ADJACENCY_ZERO_OUT, renyi = DPMIX_MODE_RENYI;
    dpmix::Options options;
    dpmix::Generator generator(DPMIX_GENERATOR_GAUSSIAN);
    std::remove(path.c_str());
    ck_assert_int_eq(status_of([&] { dpmix::Accountant::open(path, cut, 1, 1e-5, zero_out); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { dpmix::Accountant::open(path + cut, "a", 1, 1e-5, zero_out); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { dpmix::Accountant::open_adaptive(path, cut, 1, 1e-5, zero_out, renyi); }),
                     DPMIX_ERR_ARG);
    ck_assert_ptr_null(std::fopen(path.c_str(), "r"));
    ck_assert_int_eq(status_of([&] { options.set("steps\0s"s, 1); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { generator.checkpoint(cut); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { dpmix::Generator::load(cut); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { dpmix::Dataset::from_npy(cut, "", 0, {0, 1}); }), DPMIX_ERR_ARG);
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
    dpmix::Options empty, moved = std::move(empty); // in C a null pointer are the defaults
    ck_assert_int_eq(status_of([&] { dpmix::Generator(DPMIX_GENERATOR_VAE, empty); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { dpmix::Clusterer(DPMIX_CLUSTERER_LABEL, empty); }), DPMIX_ERR_ARG);

    dpmix::Accountant budget(1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Generator vae(DPMIX_GENERATOR_VAE, options);
    dpmix::Plan plan = vae.plan(budget, 1.0, n_rows, n_columns, n_classes);
    ck_assert(plan.epsilon > 0.9 && plan.epsilon <= 1.0 && plan.noise_multiplier > 0 && plan.bytes > 0);
    ck_assert(budget.spent() == 0);
    dpmix::Dataset records = dataset();
    vae.fit(budget, records, 1.0);
    ck_assert(budget.spent() == plan.epsilon);
    ck_assert_uint_eq(vae.columns(), n_columns);
    ck_assert_int_eq(vae.classes(), n_classes);
    ck_assert_uint_eq(vae.sample(3).labels.size(), 3);

    bool found = false;
    for (const dpmix::Option &option : dpmix::options())
        found = found || (option.key == DPMIX_OPTION_STEPS && option.name == "steps" && !option.doc.empty() &&
                          option.type == DPMIX_OPTION_TYPE_INT && option.lower <= option.preset &&
                          option.preset <= option.upper);
    ck_assert(found);
    dpmix::protect_memory(0);
    ck_assert_int_eq(status_of([] { dpmix::protect_memory(-1); }), DPMIX_ERR_ARG);
    ck_assert(dpmix::version() == DPMIX_VERSION);
    ck_assert(dpmix::text_of_status(DPMIX_ERR_NOMEM) == "out of memory");
}
END_TEST

START_TEST(test_calculators)
{
    const int adjacency = DPMIX_ADJACENCY_ADD_REMOVE;
    dpmix::Mechanisms plan{{DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN, 1, 0.01, 1000}, {DPMIX_MECHANISM_GAUSSIAN, 4}};
    std::vector<double> noise = dpmix::noise(plan, 1.0, 1e-5, adjacency);
    ck_assert_double_eq_tol(noise[1] / noise[0], 4, 1e-12);
    for (std::size_t i = 0; i < plan.size(); i++)
        plan[i].noise = noise[i];
    const double spent = dpmix::epsilon(plan, 1e-5, adjacency);
    ck_assert(spent > 0.999 && spent <= 1.0);
    ck_assert(dpmix::epsilon(plan, 1e-5, adjacency, 2) > spent);
    ck_assert(dpmix::delta(plan, spent, adjacency) <= 1.001e-5);
    ck_assert(dpmix::delta(plan, spent, adjacency, 2) > 1e-4);
    ck_assert_double_eq_tol(dpmix::rdp({{DPMIX_MECHANISM_GAUSSIAN, 2}}, 8, adjacency), 1, 1e-6);
    ck_assert_double_eq_tol(dpmix::rdp({{DPMIX_MECHANISM_GAUSSIAN, 2, {}, 3}}, 8, adjacency), 3, 1e-6);
    ck_assert(dpmix::rdp({{DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN, 2, 0.1}}, 8, adjacency) < 0.5);
    ck_assert_double_eq_tol(dpmix::epsilon({{DPMIX_MECHANISM_PURE, 2}}, 1e-9, adjacency), 0.5, 1e-6);
    ck_assert_int_eq(status_of([&] { dpmix::epsilon(plan, 2, adjacency); }), DPMIX_ERR_RANGE);

    dpmix::Accountant budget = dpmix::Accountant::adaptive(1, 1e-5, adjacency, DPMIX_MODE_RENYI, 9.5);
    ck_assert(budget.mode().mode == DPMIX_MODE_RENYI && budget.mode().order == 9.5);
    ck_assert(budget.budget().epsilon == 1 && budget.budget().delta == 1e-5);
    ck_assert_int_eq(budget.budget().adjacency, adjacency);
    dpmix::Accountant planned(1, 1e-5, adjacency);
    ck_assert_double_eq_tol(planned.noise(plan, 1)[0], noise[0], 1e-6);
    ck_assert(planned.noise(plan, 0.5)[0] > noise[0]);
}
END_TEST

START_TEST(test_audits)
{
    std::vector<std::uint8_t> coins(400);
    std::vector<double> scores(400), flat(400);
    for (std::size_t i = 0; i < coins.size(); i++)
        scores[i] = coins[i] = i % 2;
    const double bound = dpmix::audit_epsilon(scores, coins, 50, 50, 1e-6, 0.95);
    ck_assert(bound > 2 && dpmix::audit_epsilon(flat, coins, 50, 50, 1e-6, 0.95) == 0);
    ck_assert(dpmix::audit_epsilon_count(400, 100, 100, 1e-6, 0.95) == bound);
    dpmix::GaussianAudit gaussian = dpmix::audit_gaussian(scores, coins, 50, 50, 1e-6, 0.95);
    ck_assert(gaussian.mu > 1 && gaussian.epsilon > 1);
    ck_assert(dpmix::audit_gaussian_count(400, 100, 100, 1e-6, 0.95).mu == gaussian.mu);
    for (std::size_t i = 200; i < coins.size(); i++) // now a high score tells, and a low one does not
        scores[i] = -1;
    ck_assert(dpmix::audit_epsilon(scores, coins, 100, 0, 1e-6, 0.95) > 2);
    ck_assert(dpmix::audit_epsilon(scores, coins, 0, 100, 1e-6, 0.95) < 1);
    ck_assert(dpmix::audit_gaussian(scores, coins, 100, 0, 1e-6, 0.95).mu > 1);
    ck_assert(dpmix::audit_gaussian(scores, coins, 0, 100, 1e-6, 0.95).mu < 0.5);
    scores.pop_back();
    ck_assert_int_eq(status_of([&] { dpmix::audit_epsilon(scores, coins, 5, 5, 0, 0.9); }), DPMIX_ERR_ARG);
}
END_TEST

/* An empty vector has a null pointer: it is an array of no elements, and no mistake. */
START_TEST(test_none)
{
    const std::vector<float> none;
    dpmix::Dataset records = dataset();
    dpmix::Accountant budget(5, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Clusterer parts(DPMIX_CLUSTERER_LABEL);
    parts.fit(budget, records, 0.5);
    ck_assert(parts.assign(none).empty());
    dpmix::Mixture mixture(parts, dpmix::Generator(DPMIX_GENERATOR_GAUSSIAN));
    mixture.fit(budget, records, 1);
    ck_assert(mixture.sample(0).rows.empty() && mixture.sample_soft(0).probabilities.empty());
    ck_assert(dpmix::feature::dct(none, 28, 8).empty() && dpmix::feature::dct_inverse(none, 28, 8).empty());
    ck_assert(dpmix::feature::scattering(none, 28).empty() && dpmix::feature::distance(none, 28).empty());
    ck_assert(dpmix::feature::distance_inverse(none, 28).empty());
}
END_TEST

/* Not the array that the wrapper had no size for is at fault. */
START_TEST(test_not_fitted)
{
    dpmix::Clusterer parts(DPMIX_CLUSTERER_KMEANS);
    dpmix::Generator model(DPMIX_GENERATOR_GMM);
    ck_assert_int_eq(status_of([&] { parts.weights(); }), DPMIX_ERR_STATE);
    ck_assert_int_eq(status_of([&] { parts.centres(); }), DPMIX_ERR_STATE);
    ck_assert_int_eq(status_of([&] { parts.assign(rows(), labels()); }), DPMIX_ERR_STATE);
    ck_assert_int_eq(status_of([&] { model.assign(rows(), labels()); }), DPMIX_ERR_STATE);
    ck_assert_int_eq(status_of([&] { model.log_density(rows()); }), DPMIX_ERR_STATE);
}
END_TEST

START_TEST(test_gaussian_mixture)
{
    dpmix::Dataset records = dataset();
    dpmix::Accountant budget(5, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Generator model(DPMIX_GENERATOR_GMM);
    ck_assert_int_eq(status_of([&] { model.components(); }), DPMIX_ERR_STATE);
    model.fit(budget, records, 1);
    const std::size_t n = model.components();
    std::vector<float> shares = model.assign(rows(), labels());
    ck_assert_uint_eq(shares.size(), n_rows * n);
    float sum = 0;
    for (std::size_t i = 0; i < n; i++)
        sum += shares[i];
    ck_assert_float_eq_tol(sum, 1, 1e-5f);
    std::vector<double> joint = model.log_density(rows(), labels()), alone = model.log_density(rows());
    ck_assert(joint.size() == n_rows && joint[0] < alone[0]);

    std::vector<double> fractions =
        model.count({{}, {{0, 0, 0.5}}, {{0, 0, 0.5}, {DPMIX_COLUMN_LABEL, 1, 1}}, {{0, 0.6, 2}}}, 5000, 3);
    ck_assert_uint_eq(fractions.size(), 4);
    ck_assert(fractions[0] == 1 && fractions[1] > fractions[2] && fractions[2] > 0);
    ck_assert_double_eq_tol(fractions[1] + fractions[3], 1, 0.3);
    ck_assert_int_eq(status_of([&] { model.count({{{n_columns, 0, 1}}}); }), DPMIX_ERR_RANGE);
}
END_TEST

/* A fit that is broken off goes on from its checkpoint. A teacher labels what the mixture makes. */
START_TEST(test_checkpoint_and_teacher)
{
    const std::string path = "hpp_test.checkpoint";
    dpmix::Options options;
    options.set("steps", 20).set("sampling_rate", 0.1).set("vae_hidden", 8).set("teacher_steps", 10);
    dpmix::Dataset records = dataset();
    dpmix::Accountant budget(4, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Mixture mixture(dpmix::Generator(DPMIX_GENERATOR_VAE, options));
    ck_assert_int_eq(status_of([&] { mixture.sample_soft(1); }), DPMIX_ERR_STATE);
    mixture.checkpoint(path, 5);
    auto stop = [](int, std::uint64_t done, std::uint64_t, double) { return done < 10; };
    ck_assert_int_eq(status_of([&] { mixture.fit(budget, records, 0.3, stop); }), DPMIX_ERR_CANCELLED);
    std::uint64_t first = UINT64_MAX;
    dpmix::Mixture resumed =
        dpmix::Mixture::resume(path, budget, records, [&](int, std::uint64_t done, std::uint64_t, double) {
            first = done < first ? done : first;
            return true;
        });
    ck_assert(first >= 5 && first <= 10);
    ck_assert_int_eq(resumed.parts(), 1);
    ck_assert_int_eq(std::remove(path.c_str()), 0);
    resumed.teach(budget, records, 1);
    dpmix::SoftSamples soft = resumed.sample_soft(20, 5);
    dpmix::Samples<float> hard = resumed.sample(20, 5);
    ck_assert(soft.rows == hard.rows && soft.classes == n_classes);
    for (std::size_t i = 0; i < 20; i++) {
        const float *at = &soft.probabilities[i * n_classes];
        ck_assert_float_eq_tol(at[0] + at[1] + at[2], 1, 1e-5f);
        ck_assert(at[hard.labels[i]] >= at[0] && at[hard.labels[i]] >= at[1] && at[hard.labels[i]] >= at[2]);
    }
    ck_assert_int_eq(status_of([&] { resumed.teach(budget, records, 1); }), DPMIX_ERR_STATE);

    dpmix::Generator vae(DPMIX_GENERATOR_VAE, options);
    dpmix::Accountant more(1, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Dataset again = dataset();
    vae.checkpoint(path, 5);
    ck_assert_int_eq(status_of([&] { vae.fit(more, again, 0.5, stop); }), DPMIX_ERR_CANCELLED);
    ck_assert_uint_eq(dpmix::Generator::resume(path, more, again).columns(), n_columns);
    ck_assert_int_eq(std::remove(path.c_str()), 0);
    dpmix::Generator unsaved(DPMIX_GENERATOR_VAE, options);
    unsaved.checkpoint(path, 5);
    unsaved.checkpoint("");
    unsaved.fit(more, again, 1);
    ck_assert_int_ne(std::remove(path.c_str()), 0);
    unsaved.save(path);
    ck_assert(dpmix::Generator::load(path).sample(5, 1).rows == unsaved.sample(5, 1).rows);
    ck_assert_int_eq(std::remove(path.c_str()), 0);
}
END_TEST

START_TEST(test_centres)
{
    dpmix::Options options;
    options.set("clusters", 3).set("kmeans_features", 0);
    dpmix::Dataset records = dataset();
    dpmix::Accountant budget(50, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Clusterer parts(DPMIX_CLUSTERER_KMEANS, options);
    dpmix::Plan plan = parts.plan(budget, 1, n_rows, n_columns);
    parts.fit(budget, records, 1);
    ck_assert(budget.spent() == plan.epsilon);
    std::vector<double> centres = parts.centres();
    ck_assert_uint_eq(centres.size(), static_cast<std::size_t>(parts.parts()) * n_columns);
    for (double value : centres)
        ck_assert(value >= -1 && value <= 2);
    parts.save("hpp_test.dpmix");
    ck_assert(dpmix::Clusterer::load("hpp_test.dpmix").centres() == centres);
    ck_assert(!parts.ledger().empty());
    ck_assert_int_eq(std::remove("hpp_test.dpmix"), 0);
}
END_TEST

START_TEST(test_features)
{
    std::vector<float> images(3 * 64);
    for (std::size_t i = 0; i < images.size(); i++)
        images[i] = static_cast<float>((i % 64 / 8 + i % 8) % 2);
    std::vector<float> low = dpmix::feature::dct(images, 8, 16), back = dpmix::feature::dct_inverse(low, 8, 16);
    ck_assert_uint_eq(low.size(), 3 * dpmix::feature::dct_size(8, 16));
    for (std::size_t i = 0; i < images.size(); i++)
        ck_assert_float_eq_tol(back[i], images[i], 1e-5f);
    dpmix::feature::Scattering shape = dpmix::feature::scattering_size(8, 1, 4);
    ck_assert_uint_eq(dpmix::feature::scattering(images, 8, 1, 4).size(), 3 * shape.channels * shape.positions);
    std::vector<float> outlines = dpmix::feature::distance_inverse(dpmix::feature::distance(images, 8), 8);
    for (std::size_t i = 0; i < images.size(); i++)
        ck_assert_float_eq_tol(outlines[i], images[i], 1e-5f);
    ck_assert_int_eq(status_of([&] { dpmix::feature::distance(images, 7); }), DPMIX_ERR_ARG);
}
END_TEST

START_TEST(test_ledger_file)
{
    const std::string path = "hpp_test.ledger";
    std::remove(path.c_str());
    int status = status_of([&] {
        dpmix::Accountant budget = dpmix::Accountant::open(path, "people", 1, 1e-5, DPMIX_ADJACENCY_ZERO_OUT);
        dpmix::Dataset records = dataset();
        dpmix::Generator(DPMIX_GENERATOR_GAUSSIAN).fit(budget, records, 0.5);
        ck_assert(dpmix::Accountant::open(path, "people", 1, 1e-5, DPMIX_ADJACENCY_ZERO_OUT).spent() ==
                  budget.spent());
        dpmix::Accountant::open_adaptive(path, "others", 1, 1e-5, DPMIX_ADJACENCY_ZERO_OUT, DPMIX_MODE_RENYI);
    });
    ck_assert(status == DPMIX_OK || status == DPMIX_ERR_UNSUPPORTED); // built without SQLite
    std::remove(path.c_str());
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
    empty.set_images(2);
    ck_assert_int_eq(status_of([&] { empty.set_images(3); }), DPMIX_ERR_RANGE);
    ck_assert_int_eq(status_of([] { dpmix::Dataset::from_npy("no such file", "", 0, {0, 1}); }), DPMIX_ERR_IO);
    ck_assert_int_eq(status_of([] { dpmix::Dataset::from_idx("no such file", "", 0, 0, 1); }), DPMIX_ERR_IO);
}
END_TEST

static Suite *suite()
{
    Suite *made = suite_create("hpp");
    CHECK_ADD(made, test_mixture);
    CHECK_ADD(made, test_errors);
    CHECK_ADD(made, test_zero_bytes);
    CHECK_ADD(made, test_progress_ends_fit);
    CHECK_ADD(made, test_options_and_plan);
    CHECK_ADD(made, test_datasets);
    CHECK_ADD(made, test_calculators);
    CHECK_ADD(made, test_audits);
    CHECK_ADD(made, test_none);
    CHECK_ADD(made, test_not_fitted);
    CHECK_ADD(made, test_gaussian_mixture);
    CHECK_ADD(made, test_checkpoint_and_teacher);
    CHECK_ADD(made, test_centres);
    CHECK_ADD(made, test_features);
    CHECK_ADD(made, test_ledger_file);
    return made;
}

CHECK_MAIN(suite)
