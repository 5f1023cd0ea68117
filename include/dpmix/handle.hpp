/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the wrapper for C++ stands on: owned handles, exceptions, spans, progress, options. Include dpmix/dpmix.hpp.
 */
#ifndef DPMIX_HANDLE_HPP
#define DPMIX_HANDLE_HPP

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "dpmix.hpp is for C++17 and later; C programs include dpmix/dpmix.h"
#endif

#include <dpmix/dpmix.h>

#include <cstddef>
#include <cstdint>
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

/** The version of the library that is loaded; DPMIX_VERSION is that of the headers. */
inline std::string version() { return dpmix_version(); }

/** The fixed text of a status. */
inline std::string text_of_status(int status) { return dpmix_strerror(status); }

/** Throws the last error of this thread when a call returned one. */
inline void check(int status)
{
    if (status != DPMIX_OK)
        throw error(status, dpmix_last_error());
}

/** Keeps the library's memory out of core dumps and the swap, from now on; flags are DPMIX_MEMORY_*. */
inline void protect_memory(int flags) { check(dpmix_memory_protect(flags)); }

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

/** A text for C, where it ends at the first zero: one with a zero inside would be another text there. */
inline const char *c_text(const char *argument, const std::string &text)
{
    if (text.find('\0') != std::string::npos)
        throw error(DPMIX_ERR_ARG, std::string(argument) + ": it has a zero byte inside");
    return text.c_str();
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

/** A text that the library gives in two steps. Another thread may make it longer in between. */
template <typename H>
std::string text(int (*function)(const H *, char *, std::size_t, std::size_t *), const H *handle)
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

/** Rows of so many columns: their number. */
template <typename T> std::size_t rows_of(span<const T> rows, std::size_t columns)
{
    require(columns && rows.size() % columns == 0, "rows: not a multiple of columns");
    return rows.size() / columns;
}

/** The same for a model, which has columns once it is fitted. */
template <typename T> std::size_t rows_of_model(span<const T> rows, std::size_t columns)
{
    if (columns == 0)
        throw error(DPMIX_ERR_STATE, "model: it is not fitted yet");
    return rows_of(rows, columns);
}

/** Labels of n records, or none. */
inline const std::int32_t *labels_of(span<const std::int32_t> labels, std::size_t n)
{
    require(labels.empty() || labels.size() == n, "labels: not one for each record");
    return labels.empty() ? nullptr : labels.data();
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

/** One tuning number: see dpmix_option_bounds(). */
struct Option {
    int key, type; // DPMIX_OPTION_*, DPMIX_OPTION_TYPE_*
    std::string name, doc;
    double lower, upper, preset;
};

/** All options of the library. */
inline std::vector<Option> options()
{
    std::vector<Option> found;
    for (int key = dpmix_option_next(0); key; key = dpmix_option_next(key)) {
        Option option{key, dpmix_option_type(key), dpmix_option_name(key), dpmix_option_doc(key), 0, 0, 0};
        check(dpmix_option_bounds(key, &option.lower, &option.upper, &option.preset));
        found.push_back(std::move(option));
    }
    return found;
}

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
        int key = dpmix_option_by_name(detail::c_text("name", name));
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

} // namespace dpmix

#endif
