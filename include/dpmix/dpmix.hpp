/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * libdpmix for C++17 and later: handles that free themselves, exceptions for statuses, spans for arrays.
 *
 * A header only, around the functions of dpmix/dpmix.h, which say what everything means. Classes are move-only; a
 * handle that was moved from is empty, and calls on it throw. get() gives the C handle, for calls that are to return
 * a status. Constants (DPMIX_GENERATOR_VAE, ...) are those of C.
 *
 *     dpmix::Dataset records = dpmix::Dataset::from_idx(images, labels, 10, 0, 255);
 *     dpmix::Accountant budget(1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
 *     dpmix::Clusterer by_label(DPMIX_CLUSTERER_LABEL);
 *     by_label.fit(budget, records, 0.1);
 *     dpmix::Mixture mixture(by_label, dpmix::Generator(DPMIX_GENERATOR_GAUSSIAN));
 *     mixture.fit(budget, records, 1.0);
 *     dpmix::Samples<float> samples = mixture.sample(1000);
 */
#ifndef DPMIX_DPMIX_HPP
#define DPMIX_DPMIX_HPP

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "dpmix.hpp is for C++17 and later; C programs include dpmix/dpmix.h"
#endif

#include <dpmix/dpmix.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L
#include <span>
#endif

namespace dpmix {

#if __cplusplus >= 202002L
template <typename T> using span = std::span<T>;
#else
/** As much of C++20's std::span as this header needs: a pointer and a number of elements. */
template <typename T> class span {
public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    template <typename C, typename = std::enable_if_t<
                              std::is_convertible_v<decltype(std::declval<C &>().data()), T *>>>
    constexpr span(C &&container) noexcept : data_(container.data()), size_(container.size())
    {
    }

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t i) const { return data_[i]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
#endif

/** What a failing call throws: its status, and the message that dpmix_last_error() had. */
class error : public std::runtime_error {
public:
    error(int status, const std::string &message) : std::runtime_error(message), status_(status) {}
    /** DPMIX_ERR_*. */
    int status() const noexcept { return status_; }

private:
    int status_;
};

/** Throws the last error of this thread when a call returned one. */
inline void check(int status)
{
    if (status != DPMIX_OK)
        throw error(status, dpmix_last_error());
}

/** Called with phase, steps done, steps in total and the epsilon spent; false ends the fit with
 * DPMIX_ERR_CANCELLED. What it throws ends the fit, too, and comes out of the call. */
using Progress = std::function<bool(int, std::uint64_t, std::uint64_t, double)>;

/** What a fit would cost: see dpmix_generator_plan(). */
struct Plan {
    double epsilon, noise_multiplier, bytes, seconds;
};

/** Records, row by row, and their labels (empty where the model has none). */
template <typename T> struct Samples {
    std::vector<T> rows;
    std::vector<std::int32_t> labels;
    std::size_t columns;
};

namespace detail {

inline void require(bool holds, const char *message)
{
    if (!holds)
        throw error(DPMIX_ERR_ARG, message);
}

template <typename H, void (*Free)(H *)> struct Deleter {
    void operator()(H *handle) const noexcept { Free(handle); }
};

/** Owns one handle of the library. */
template <typename H, void (*Free)(H *)> class Handle {
public:
    H *get() const noexcept { return handle_.get(); }
    explicit operator bool() const noexcept { return handle_ != nullptr; }

protected:
    explicit Handle(H *handle) noexcept : handle_(handle) {}
    /** Calls a constructor of the library, whose first argument is H **. */
    template <typename F, typename... A> static H *make(F function, A... arguments)
    {
        H *out = nullptr;
        check(function(&out, arguments...));
        return out;
    }

private:
    std::unique_ptr<H, Deleter<H, Free>> handle_;
};

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

/** A text that the library gives in two steps. Another thread may make it longer in between. */
template <typename H> std::string text(int (*function)(const H *, char *, std::size_t, std::size_t *), const H *handle)
{
    std::size_t length = 0;
    check(function(handle, nullptr, 0, &length));
    for (;;) {
        std::string room(length + 1, '\0');
        int status = function(handle, room.data(), room.size(), &length);
        if (status == DPMIX_OK) {
            room.resize(length);
            return room;
        }
        error failed(status, dpmix_last_error());
        check(function(handle, nullptr, 0, &length));
        if (length < room.size())
            throw failed;
    }
}

using Seed = std::optional<std::uint64_t>;

inline const std::uint64_t *pointer(const Seed &seed) { return seed ? &*seed : nullptr; }

} // namespace detail

/** Declared bounds: one pair for all columns, or one per column. */
struct Bounds {
    std::vector<double> lower, upper;
    Bounds(double low, double high) : lower{low}, upper{high} {}
    Bounds(std::vector<double> lows, std::vector<double> highs) : lower(std::move(lows)), upper(std::move(highs))
    {
        detail::require(lower.size() == upper.size(), "bounds: as many lower as upper ones are needed");
    }
};

/** Tuning numbers, by key or name. */
class Options : public detail::Handle<dpmix_options, dpmix_options_free> {
public:
    Options() : Handle(make(dpmix_options_new)) {}

    template <typename N> Options &set(int key, N value)
    {
        static_assert(std::is_arithmetic_v<N>, "an option is a number");
        if (dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT) {
            const double approximate = static_cast<double>(value); // in range, or beyond it: 2^63 is a double
            detail::require(approximate >= -0x1p63 && approximate < 0x1p63 &&
                                static_cast<N>(static_cast<std::int64_t>(value)) == value,
                            "value: a whole number is needed");
            check(dpmix_options_set_int(get(), key, static_cast<std::int64_t>(value)));
        } else {
            check(dpmix_options_set_double(get(), key, static_cast<double>(value)));
        }
        return *this;
    }
    template <typename N> Options &set(const std::string &name, N value)
    {
        int key = dpmix_option_by_name(name.c_str());
        if (!key)
            throw error(DPMIX_ERR_ARG, "options: there is no " + name);
        return set(key, value);
    }
    std::int64_t get_int(int key) const
    {
        std::int64_t value = 0;
        check(dpmix_options_get_int(get(), &value, key));
        return value;
    }
    double get_double(int key) const
    {
        double value = 0;
        check(dpmix_options_get_double(get(), &value, key));
        return value;
    }
};

/** The private records. */
class Dataset : public detail::Handle<dpmix_dataset, dpmix_dataset_free> {
public:
    /** From records in memory, n x columns. They are copied, or with DPMIX_STORAGE_BORROW used where they lie, and
     * must then stay there for the life of this data set and of all that was fitted to it.
     * @param labels  as many as records, or none; then classes is 0. */
    Dataset(span<const std::uint8_t> rows, std::size_t columns, const Bounds &bounds,
            span<const std::int32_t> labels = {}, int classes = 0, int storage = DPMIX_STORAGE_COPY)
        : Handle(from(dpmix_dataset_new_u8, rows, columns, bounds, labels, classes, storage))
    {
    }
    Dataset(span<const float> rows, std::size_t columns, const Bounds &bounds,
            span<const std::int32_t> labels = {}, int classes = 0, int storage = DPMIX_STORAGE_COPY)
        : Handle(from(dpmix_dataset_new_f32, rows, columns, bounds, labels, classes, storage))
    {
    }
    Dataset(span<const double> rows, std::size_t columns, const Bounds &bounds,
            span<const std::int32_t> labels = {}, int classes = 0, int storage = DPMIX_STORAGE_COPY)
        : Handle(from(dpmix_dataset_new_f64, rows, columns, bounds, labels, classes, storage))
    {
    }
    /** Takes over a C handle. */
    explicit Dataset(dpmix_dataset *owned) noexcept : Handle(owned) {}

    /** From IDX files; an empty path: no labels. */
    static Dataset from_idx(const std::string &images, const std::string &labels, int classes, double lower,
                            double upper)
    {
        return Dataset(make(dpmix_dataset_new_idx, images.c_str(), labels.empty() ? nullptr : labels.c_str(),
                            classes, lower, upper));
    }
    /** From NPY files; an empty path: no labels. */
    static Dataset from_npy(const std::string &rows, const std::string &labels, int classes, const Bounds &bounds)
    {
        return Dataset(make(dpmix_dataset_new_npy, rows.c_str(), labels.empty() ? nullptr : labels.c_str(),
                            classes, bounds.lower.data(), bounds.upper.data(), bounds.lower.size()));
    }

    void set_groups(span<const std::int32_t> groups)
    {
        check(dpmix_dataset_set_groups(get(), groups.data(), groups.size()));
    }
    std::size_t columns() const noexcept { return dpmix_dataset_columns(get()); }
    int classes() const noexcept { return dpmix_dataset_classes(get()); }

private:
    template <typename F, typename T>
    static dpmix_dataset *from(F function, span<const T> rows, std::size_t columns, const Bounds &bounds,
                               span<const std::int32_t> labels, int classes, int storage)
    {
        detail::require(columns && rows.size() % columns == 0, "rows: not a multiple of columns");
        const std::size_t n = rows.size() / columns;
        detail::require(labels.empty() || labels.size() == n, "labels: not one for each record");
        static const std::int32_t none = 0; // the labels of no records are still labels
        const std::int32_t *marks = labels.empty() && n == 0 && classes ? &none : labels.data();
        return make(function, rows.data(), n, columns, marks, classes, bounds.lower.data(), bounds.upper.data(),
                    bounds.lower.size(), storage);
    }
};

/** A privacy budget and its ledger. */
class Accountant : public detail::Handle<dpmix_accountant, dpmix_accountant_free> {
public:
    Accountant(double epsilon, double delta, int adjacency)
        : Handle(make(dpmix_accountant_new, epsilon, delta, adjacency))
    {
    }
    /** Takes over a C handle. */
    explicit Accountant(dpmix_accountant *owned) noexcept : Handle(owned) {}

    static Accountant adaptive(double epsilon, double delta, int adjacency, int mode, double order = 0)
    {
        return Accountant(make(dpmix_accountant_new_adaptive, epsilon, delta, adjacency, mode, order));
    }
    static Accountant open(const std::string &path, const std::string &dataset, double epsilon, double delta,
                           int adjacency)
    {
        return Accountant(
            make(dpmix_accountant_open, path.c_str(), dataset.c_str(), epsilon, delta, adjacency));
    }
    static Accountant open_adaptive(const std::string &path, const std::string &dataset, double epsilon,
                                    double delta, int adjacency, int mode, double order = 0)
    {
        return Accountant(make(dpmix_accountant_open_adaptive, path.c_str(), dataset.c_str(), epsilon, delta,
                               adjacency, mode, order));
    }

    double spent() const
    {
        double epsilon = 0;
        check(dpmix_accountant_spent(get(), &epsilon));
        return epsilon;
    }
    double spent_group(int group) const
    {
        double epsilon = 0;
        check(dpmix_accountant_spent_group(get(), &epsilon, group));
        return epsilon;
    }
    std::string json() const { return detail::text(dpmix_accountant_json, get()); }
    std::string report() const { return detail::text(dpmix_accountant_report, get()); }
};

/** A private partition. */
class Clusterer : public detail::Handle<dpmix_clusterer, dpmix_clusterer_free> {
public:
    explicit Clusterer(int kind) : Handle(make(dpmix_clusterer_new, kind, nullptr)) {}
    Clusterer(int kind, const Options &options) : Handle(make(dpmix_clusterer_new, kind, options.get())) {}
    /** Takes over a C handle. */
    explicit Clusterer(dpmix_clusterer *owned) noexcept : Handle(owned) {}
    static Clusterer load(const std::string &path) { return Clusterer(make(dpmix_clusterer_load, path.c_str())); }

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
    std::vector<double> weights() const
    {
        std::vector<double> weights(static_cast<std::size_t>(parts()));
        check(dpmix_clusterer_weights(get(), weights.data(), weights.size()));
        return weights;
    }
    std::vector<std::int32_t> assign(span<const float> rows, std::size_t columns,
                                     span<const std::int32_t> labels = {}) const
    {
        detail::require(columns && rows.size() % columns == 0, "rows: not a multiple of columns");
        std::vector<std::int32_t> parts(rows.size() / columns);
        detail::require(labels.empty() || labels.size() == parts.size(), "labels: not one for each record");
        check(dpmix_clusterer_assign(get(), parts.data(), rows.data(), parts.size(), columns,
                                     labels.empty() ? nullptr : labels.data()));
        return parts;
    }
    std::string ledger() const { return detail::text(dpmix_clusterer_ledger, get()); }
    void save(const std::string &path) const { check(dpmix_clusterer_save(get(), path.c_str())); }
};

/** A generative model. The library has no getter for its columns: sample() takes their number. */
class Generator : public detail::Handle<dpmix_generator, dpmix_generator_free> {
public:
    explicit Generator(int kind) : Handle(make(dpmix_generator_new, kind, nullptr)) {}
    Generator(int kind, const Options &options) : Handle(make(dpmix_generator_new, kind, options.get())) {}
    /** Takes over a C handle. */
    explicit Generator(dpmix_generator *owned) noexcept : Handle(owned) {}
    static Generator load(const std::string &path) { return Generator(make(dpmix_generator_load, path.c_str())); }
    static Generator resume(const std::string &path, Accountant &accountant, Dataset &dataset,
                            const Progress &progress = {})
    {
        detail::Watch watch(progress);
        dpmix_generator *out = nullptr;
        watch.finish(dpmix_generator_resume(&out, path.c_str(), accountant.get(), dataset.get(), watch.function(),
                                            watch.user()));
        return Generator(out);
    }

    void fit(Accountant &accountant, Dataset &dataset, double share, const Progress &progress = {})
    {
        detail::Watch watch(progress);
        watch.finish(dpmix_generator_fit(get(), accountant.get(), dataset.get(), share, watch.function(),
                                         watch.user()));
    }
    void checkpoint(const std::string &path, std::uint64_t every)
    {
        check(dpmix_generator_checkpoint(get(), path.c_str(), every));
    }
    Plan plan(const Accountant &accountant, double share, std::size_t rows, std::size_t columns, int classes = 0,
              int parts = 1) const
    {
        Plan plan{};
        check(dpmix_generator_plan(get(), &plan.epsilon, &plan.noise_multiplier, &plan.bytes, &plan.seconds,
                                   accountant.get(), share, rows, columns, classes, parts));
        return plan;
    }
    Samples<float> sample(std::size_t n, std::size_t columns, bool labels, detail::Seed seed = {},
                          std::uint64_t first = 0) const
    {
        Samples<float> made{std::vector<float>(n * columns), std::vector<std::int32_t>(labels ? n : 0), columns};
        check(dpmix_generator_sample(get(), made.rows.data(), labels ? made.labels.data() : nullptr, first, n,
                                     columns, detail::pointer(seed)));
        return made;
    }
    Samples<double> sample_f64(std::size_t n, std::size_t columns, bool labels, detail::Seed seed = {},
                               std::uint64_t first = 0) const
    {
        Samples<double> made{std::vector<double>(n * columns), std::vector<std::int32_t>(labels ? n : 0), columns};
        check(dpmix_generator_sample_f64(get(), made.rows.data(), labels ? made.labels.data() : nullptr, first, n,
                                         columns, detail::pointer(seed)));
        return made;
    }
    std::string ledger() const { return detail::text(dpmix_generator_ledger, get()); }
    void save(const std::string &path) const { check(dpmix_generator_save(get(), path.c_str())); }
};

/** A partition with one generator per part. */
class Mixture : public detail::Handle<dpmix_mixture, dpmix_mixture_free> {
public:
    Mixture(Clusterer &clusterer, const Generator &generator)
        : Handle(make(dpmix_mixture_new, clusterer.get(), generator.get()))
    {
    }
    /** Takes over a C handle. */
    explicit Mixture(dpmix_mixture *owned) noexcept : Handle(owned) {}
    static Mixture load(const std::string &path) { return Mixture(make(dpmix_mixture_load, path.c_str())); }
    static Mixture resume(const std::string &path, Accountant &accountant, Dataset &dataset,
                          const Progress &progress = {})
    {
        detail::Watch watch(progress);
        dpmix_mixture *out = nullptr;
        watch.finish(dpmix_mixture_resume(&out, path.c_str(), accountant.get(), dataset.get(), watch.function(),
                                          watch.user()));
        return Mixture(out);
    }

    void fit(Accountant &accountant, Dataset &dataset, double share, const Progress &progress = {})
    {
        detail::Watch watch(progress);
        watch.finish(dpmix_mixture_fit(get(), accountant.get(), dataset.get(), share, watch.function(),
                                       watch.user()));
    }
    void checkpoint(const std::string &path, std::uint64_t every)
    {
        check(dpmix_mixture_checkpoint(get(), path.c_str(), every));
    }
    int parts() const noexcept { return dpmix_mixture_parts(get()); }
    std::size_t columns() const noexcept { return dpmix_mixture_columns(get()); }
    int classes() const noexcept { return dpmix_mixture_classes(get()); }
    Samples<float> sample(std::size_t n, detail::Seed seed = {}, std::uint64_t first = 0) const
    {
        const std::size_t width = columns();
        Samples<float> made{std::vector<float>(n * width), std::vector<std::int32_t>(classes() ? n : 0), width};
        check(dpmix_mixture_sample(get(), made.rows.data(), classes() ? made.labels.data() : nullptr, first, n,
                                   width, detail::pointer(seed)));
        return made;
    }
    Samples<double> sample_f64(std::size_t n, detail::Seed seed = {}, std::uint64_t first = 0) const
    {
        const std::size_t width = columns();
        Samples<double> made{std::vector<double>(n * width), std::vector<std::int32_t>(classes() ? n : 0), width};
        check(dpmix_mixture_sample_f64(get(), made.rows.data(), classes() ? made.labels.data() : nullptr, first, n,
                                       width, detail::pointer(seed)));
        return made;
    }
    std::string ledger() const { return detail::text(dpmix_mixture_ledger, get()); }
    void save(const std::string &path) const { check(dpmix_mixture_save(get(), path.c_str())); }
};

} // namespace dpmix

#endif
