/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Clusterers, generators and mixtures for C++. Include dpmix/dpmix.hpp.
 */
#ifndef DPMIX_MODEL_HPP
#define DPMIX_MODEL_HPP

#include <dpmix/accountant.hpp>
#include <dpmix/dataset.hpp>

#include <exception>
#include <functional>

namespace dpmix {

/** Called with phase, steps done, steps in total and the epsilon spent; false ends the fit with
 * DPMIX_ERR_CANCELLED. What it throws ends the fit, too, and comes out of the call. */
using Progress = std::function<bool(int, std::uint64_t, std::uint64_t, double)>;

/** What a fit would cost: see dpmix_generator_plan(). */
struct Plan {
    double epsilon, noise_multiplier, bytes, seconds;
};

/** A part of a counting query: the value of a column (or DPMIX_COLUMN_LABEL) lies in [lower, upper]. */
struct Predicate {
    std::size_t column;
    double lower, upper;
};

/** A counting query: all of them hold. */
using Query = std::vector<Predicate>;

/** Records and the probabilities of their classes, n x classes. */
struct SoftSamples {
    std::vector<float> rows, probabilities;
    std::size_t columns;
    int classes;
};

namespace detail {

/** Gives a progress function to C, and keeps what it throws. */
class Watch {
public:
    explicit Watch(const Progress &progress) : progress_(progress) {}
    dpmix_progress_fn function() const noexcept { return progress_ ? &Watch::step : nullptr; }
    void *user() noexcept { return this; }
    void finish(int status)
    {
        if (raised_)
            std::rethrow_exception(std::exchange(raised_, nullptr));
        check(status);
    }

private:
    static int step(void *user, int phase, std::uint64_t done, std::uint64_t total, double epsilon)
    {
        Watch *self = static_cast<Watch *>(user);
        try {
            return self->progress_(phase, done, total, epsilon) ? 0 : 1;
        } catch (...) {
            self->raised_ = std::current_exception();
            return 1;
        }
    }
    const Progress &progress_;
    std::exception_ptr raised_;
};

/** What generators and mixtures have in common; C names the functions of the library. */
template <typename C> class Sampler : public Handle<typename C::handle, C::free> {
    using Base = Handle<typename C::handle, C::free>;

public:
    using Base::get;

    void fit(Accountant &accountant, Dataset &dataset, double share, const Progress &progress = {})
    {
        Watch watch(progress);
        watch.finish(C::fit(get(), accountant.get(), dataset.get(), share, watch.function(), watch.user()));
    }
    /** An empty path: no more checkpoints. */
    void checkpoint(const std::string &path, std::uint64_t every = 0)
    {
        check(C::checkpoint(get(), path.empty() ? nullptr : c_text("path", path), every));
    }

    std::size_t columns() const noexcept { return C::columns(get()); }
    int classes() const noexcept { return C::classes(get()); }
    Samples<float> sample(std::size_t n, Seed seed = {}, std::uint64_t first = 0) const
    {
        return sampled<float>(C::sample, n, seed, first);
    }
    Samples<double> sample_f64(std::size_t n, Seed seed = {}, std::uint64_t first = 0) const
    {
        return sampled<double>(C::sample_f64, n, seed, first);
    }
    /** The fraction of synthetic records for which each query holds. */
    std::vector<double> count(const std::vector<Query> &queries, std::uint64_t samples = 100000,
                              Seed seed = {}) const
    {
        std::vector<std::size_t> offsets{0}, columns;
        std::vector<double> fractions(queries.size()), lower, upper;
        for (const Query &query : queries) {
            for (const Predicate &predicate : query) {
                columns.push_back(predicate.column);
                lower.push_back(predicate.lower);
                upper.push_back(predicate.upper);
            }
            offsets.push_back(columns.size());
        }
        check(C::count(get(), fractions.data(), offsets.data(), queries.size(), columns.data(), lower.data(),
                       upper.data(), columns.size(), samples, pointer(seed)));
        return fractions;
    }
    /** Records 0, ..., n - 1 as record batches, in the types of the schema that the data set was made with. */
    ArrowStream stream(const Schema &schema, std::uint64_t n, Seed seed = {}) const
    {
        ArrowStream out;
        check(C::stream(get(), out.get(), schema.get(), n, pointer(seed)));
        return out;
    }
    std::string ledger() const { return text(C::ledger, get()); }
    void save(const std::string &path) const { check(C::save(get(), c_text("path", path))); }

protected:
    explicit Sampler(typename C::handle *handle) noexcept : Base(handle) {}
    static typename C::handle *resumed(const std::string &path, Accountant &accountant, Dataset &dataset,
                                       const Progress &progress)
    {
        Watch watch(progress);
        typename C::handle *out = nullptr;
        watch.finish(C::resume(&out, c_text("path", path), accountant.get(), dataset.get(), watch.function(),
                               watch.user()));
        return out;
    }

private:
    template <typename T, typename F>
    Samples<T> sampled(F function, std::size_t n, const Seed &seed, std::uint64_t first) const
    {
        const std::size_t width = columns();
        Samples<T> made{std::vector<T>(n * width), std::vector<std::int32_t>(classes() ? n : 0), width};
        check(function(get(), made.rows.data(), classes() ? made.labels.data() : nullptr, first, n, width,
                       pointer(seed)));
        return made;
    }
};

struct GeneratorCalls {
    using handle = dpmix_generator;
    static constexpr auto free = dpmix_generator_free;
    static constexpr auto fit = dpmix_generator_fit;
    static constexpr auto checkpoint = dpmix_generator_checkpoint;
    static constexpr auto resume = dpmix_generator_resume;
    static constexpr auto columns = dpmix_generator_columns;
    static constexpr auto classes = dpmix_generator_classes;
    static constexpr auto sample = dpmix_generator_sample;
    static constexpr auto sample_f64 = dpmix_generator_sample_f64;
    static constexpr auto count = dpmix_generator_count;
    static constexpr auto stream = dpmix_generator_stream;
    static constexpr auto ledger = dpmix_generator_ledger;
    static constexpr auto save = dpmix_generator_save;
};

struct MixtureCalls {
    using handle = dpmix_mixture;
    static constexpr auto free = dpmix_mixture_free;
    static constexpr auto fit = dpmix_mixture_fit;
    static constexpr auto checkpoint = dpmix_mixture_checkpoint;
    static constexpr auto resume = dpmix_mixture_resume;
    static constexpr auto columns = dpmix_mixture_columns;
    static constexpr auto classes = dpmix_mixture_classes;
    static constexpr auto sample = dpmix_mixture_sample;
    static constexpr auto sample_f64 = dpmix_mixture_sample_f64;
    static constexpr auto count = dpmix_mixture_count;
    static constexpr auto stream = dpmix_mixture_stream;
    static constexpr auto ledger = dpmix_mixture_ledger;
    static constexpr auto save = dpmix_mixture_save;
};

} // namespace detail

/** A private partition. */
class Clusterer : public detail::Handle<dpmix_clusterer, dpmix_clusterer_free> {
public:
    explicit Clusterer(int kind) : Handle(make(dpmix_clusterer_new, kind, nullptr)) {}
    Clusterer(int kind, const Options &options) : Handle(make(dpmix_clusterer_new, kind, options.get()))
    {
        detail::require(static_cast<bool>(options), "options: they were moved from");
    }
    /** Takes over a C handle. */
    explicit Clusterer(dpmix_clusterer *owned) noexcept : Handle(owned) {}
    static Clusterer load(const std::string &path)
    {
        return Clusterer(make(dpmix_clusterer_load, detail::c_text("path", path)));
    }

    void fit(Accountant &accountant, Dataset &dataset, double share, const Progress &progress = {})
    {
        detail::Watch watch(progress);
        watch.finish(dpmix_clusterer_fit(get(), accountant.get(), dataset.get(), share, watch.function(),
                                         watch.user()));
    }
    Plan plan(const Accountant &accountant, double share, std::size_t rows, std::size_t columns,
              int classes = 0) const
    {
        Plan plan{};
        check(dpmix_clusterer_plan(get(), &plan.epsilon, &plan.noise_multiplier, &plan.bytes, &plan.seconds,
                                   accountant.get(), share, rows, columns, classes));
        return plan;
    }
    int parts() const noexcept { return dpmix_clusterer_parts(get()); }
    std::size_t columns() const noexcept { return dpmix_clusterer_columns(get()); }
    std::vector<double> weights() const
    {
        std::vector<double> weights(static_cast<std::size_t>(parts()));
        check(dpmix_clusterer_weights(get(), weights.data(), weights.size()));
        return weights;
    }
    /** The centres of the parts, parts x columns, where the kind has such. */
    std::vector<double> centres() const
    {
        std::vector<double> centres(static_cast<std::size_t>(parts()) * columns());
        check(dpmix_clusterer_centres(get(), centres.data(), static_cast<std::size_t>(parts()), columns()));
        return centres;
    }
    /** The part of each of the caller's rows. */
    std::vector<std::int32_t> assign(span<const float> rows, span<const std::int32_t> labels = {}) const
    {
        std::vector<std::int32_t> parts(detail::rows_of_model(rows, columns()));
        check(dpmix_clusterer_assign(get(), parts.data(), rows.data(), parts.size(), columns(),
                                     detail::labels_of(labels, parts.size())));
        return parts;
    }
    std::string ledger() const { return detail::text(dpmix_clusterer_ledger, get()); }
    void save(const std::string &path) const { check(dpmix_clusterer_save(get(), detail::c_text("path", path))); }
};

/** A generative model. */
class Generator : public detail::Sampler<detail::GeneratorCalls> {
public:
    explicit Generator(int kind) : Sampler(make(dpmix_generator_new, kind, nullptr)) {}
    Generator(int kind, const Options &options) : Sampler(make(dpmix_generator_new, kind, options.get()))
    {
        detail::require(static_cast<bool>(options), "options: they were moved from");
    }
    /** Takes over a C handle. */
    explicit Generator(dpmix_generator *owned) noexcept : Sampler(owned) {}
    static Generator load(const std::string &path)
    {
        return Generator(make(dpmix_generator_load, detail::c_text("path", path)));
    }
    static Generator resume(const std::string &path, Accountant &accountant, Dataset &dataset,
                            const Progress &progress = {})
    {
        return Generator(resumed(path, accountant, dataset, progress));
    }

    Plan plan(const Accountant &accountant, double share, std::size_t rows, std::size_t columns, int classes = 0,
              int parts = 1) const
    {
        Plan plan{};
        check(dpmix_generator_plan(get(), &plan.epsilon, &plan.noise_multiplier, &plan.bytes, &plan.seconds,
                                   accountant.get(), share, rows, columns, classes, parts));
        return plan;
    }
    /** For a dataset made with the schema; parts 0: a mixture by label. */
    Plan plan(const Accountant &accountant, double share, std::size_t rows, const Schema &schema, int parts = 1) const
    {
        Plan plan{};
        check(dpmix_generator_plan_table(get(), &plan.epsilon, &plan.noise_multiplier, &plan.bytes, &plan.seconds,
                                         accountant.get(), share, rows, schema.get(), parts));
        return plan;
    }

    /** Of a Gaussian mixture: the number of components. */
    std::size_t components() const
    {
        std::size_t n = 0;
        check(dpmix_generator_components(get(), &n));
        return n;
    }
    /** Of a Gaussian mixture: logarithms of the density of the caller's rows, or of rows and labels. */
    std::vector<double> log_density(span<const float> rows, span<const std::int32_t> labels = {}) const
    {
        std::vector<double> out(detail::rows_of_model(rows, columns()));
        check(dpmix_generator_log_density(get(), out.data(), rows.data(), detail::labels_of(labels, out.size()),
                                          out.size(), columns()));
        return out;
    }
    /** Of a Gaussian mixture: the share of each component in the caller's rows, rows x components. */
    std::vector<float> assign(span<const float> rows, span<const std::int32_t> labels = {}) const
    {
        const std::size_t n = detail::rows_of_model(rows, columns());
        std::vector<float> shares(n * components());
        check(dpmix_generator_assign(get(), shares.data(), rows.data(), detail::labels_of(labels, n), n,
                                     columns()));
        return shares;
    }
};

/** A partition with one generator per part. */
class Mixture : public detail::Sampler<detail::MixtureCalls> {
public:
    Mixture(Clusterer &clusterer, const Generator &generator)
        : Sampler(make(dpmix_mixture_new, clusterer.get(), generator.get()))
    {
        detail::require(static_cast<bool>(clusterer), "clusterer: it was moved from");
    }
    /** Of one part, without a clusterer. */
    explicit Mixture(const Generator &generator)
        : Sampler(make(dpmix_mixture_new, static_cast<dpmix_clusterer *>(nullptr), generator.get()))
    {
    }
    /** Takes over a C handle. */
    explicit Mixture(dpmix_mixture *owned) noexcept : Sampler(owned) {}
    static Mixture load(const std::string &path)
    {
        return Mixture(make(dpmix_mixture_load, detail::c_text("path", path)));
    }
    static Mixture resume(const std::string &path, Accountant &accountant, Dataset &dataset,
                          const Progress &progress = {})
    {
        return Mixture(resumed(path, accountant, dataset, progress));
    }

    /** Trains a private teacher, which from then on labels samples. */
    void teach(Accountant &accountant, Dataset &dataset, double share, const Progress &progress = {})
    {
        detail::Watch watch(progress);
        watch.finish(dpmix_mixture_teach(get(), accountant.get(), dataset.get(), share, watch.function(),
                                         watch.user()));
    }
    int parts() const noexcept { return dpmix_mixture_parts(get()); }
    /** The records of sample() with the probabilities of their classes. */
    SoftSamples sample_soft(std::size_t n, detail::Seed seed = {}, std::uint64_t first = 0) const
    {
        SoftSamples made{std::vector<float>(n * columns()),
                         std::vector<float>(n * static_cast<std::size_t>(classes())), columns(), classes()};
        check(dpmix_mixture_sample_soft(get(), made.rows.data(), made.probabilities.data(), first, n, columns(),
                                        classes(), detail::pointer(seed)));
        return made;
    }
};

} // namespace dpmix

#endif
