/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The private records for C++: schemas, Arrow, data sets. Include dpmix/dpmix.hpp.
 */
#ifndef DPMIX_DATASET_HPP
#define DPMIX_DATASET_HPP

#include <dpmix/handle.hpp>

#include <cstring>
#include <exception>
#include <functional>

namespace dpmix {

/** Owns one struct of the Arrow C interfaces: released when this goes, unless it was moved on. */
template <typename T> class Arrow {
public:
    Arrow() noexcept : held_{} {}
    /** Takes over a struct: the caller's is marked as released, as the specification has it. */
    explicit Arrow(T *taken) noexcept : held_(*taken) { taken->release = nullptr; }
    Arrow(Arrow &&other) noexcept : Arrow(&other.held_) {}
    Arrow &operator=(Arrow &&other) noexcept
    {
        if (this != &other) {
            free();
            held_ = other.held_;
            other.held_.release = nullptr;
        }
        return *this;
    }
    Arrow(const Arrow &) = delete;
    Arrow &operator=(const Arrow &) = delete;
    ~Arrow() { free(); }

    /** For calls that fill, read or consume the struct. */
    T *get() noexcept { return &held_; }
    const T *get() const noexcept { return &held_; }
    T *operator->() noexcept { return &held_; }
    const T *operator->() const noexcept { return &held_; }
    explicit operator bool() const noexcept { return held_.release != nullptr; }
    /** Moves the struct out, to a consumer that takes it over. */
    void move_to(T *out) noexcept
    {
        *out = held_;
        held_.release = nullptr;
    }

private:
    void free() noexcept
    {
        if (held_.release)
            held_.release(&held_);
    }
    T held_;
};

using ArrowType = Arrow<ArrowSchema>;
using ArrowBatch = Arrow<ArrowArray>;

/** A stream of record batches, a producer's or one of samples. */
class ArrowStream : public Arrow<ArrowArrayStream> {
public:
    using Arrow<ArrowArrayStream>::Arrow;

    ArrowType type()
    {
        ArrowType out;
        detail::require(static_cast<bool>(*this), "stream: it is released, or was moved from");
        need(get()->get_schema(get(), out.get()));
        return out;
    }
    /** The next batch; an empty one at the end. */
    ArrowBatch next()
    {
        ArrowBatch out;
        detail::require(static_cast<bool>(*this), "stream: it is released, or was moved from");
        need(get()->get_next(get(), out.get()));
        return out;
    }

private:
    void need(int failed)
    {
        const char *message = failed ? get()->get_last_error(get()) : nullptr;
        if (failed)
            throw error(DPMIX_ERR_IO, message ? message : "the stream failed, with error " + std::to_string(failed));
    }
};

/** What is declared of a table's columns. Every add function gives the schema back, to go on with. */
class Schema : public detail::Handle<dpmix_schema, dpmix_schema_free> {
public:
    using Texts = std::vector<std::string>;
    /** One record of texts, null pointers for null; false: no more. */
    using Each = std::function<bool(std::uint64_t, span<const char *const>)>;

    Schema() : Handle(make(dpmix_schema_new)) {}
    /** From JSON. */
    explicit Schema(const std::string &json) : Handle(make(dpmix_schema_new_json, detail::c_text("json", json))) {}
    /** From the metadata of an Arrow type, which is only read. */
    explicit Schema(const ArrowSchema &types) : Handle(make(dpmix_schema_new_arrow, &types)) {}
    /** Takes over a C handle. */
    explicit Schema(dpmix_schema *owned) noexcept : Handle(owned) {}
    static Schema load(const std::string &path)
    {
        return Schema(make(dpmix_schema_load, detail::c_text("path", path)));
    }

    Schema &continuous(const std::string &name, double lower, double upper, int flags = 0,
                       int outside = DPMIX_OUTSIDE_CLAMP)
    {
        return added(dpmix_schema_add_continuous(get(), detail::c_text("name", name), lower, upper, flags, outside));
    }
    Schema &integer(const std::string &name, std::int64_t lower, std::int64_t upper, int flags = 0,
                    int outside = DPMIX_OUTSIDE_CLAMP)
    {
        return added(dpmix_schema_add_integer(get(), detail::c_text("name", name), lower, upper, flags, outside));
    }
    Schema &ordinal(const std::string &name, const Texts &values, int flags = 0,
                    int outside = DPMIX_OUTSIDE_CLAMP)
    {
        return added(dpmix_schema_add_ordinal(get(), detail::c_text("name", name), pointers(values).data(),
                                              values.size(), flags, outside));
    }
    Schema &categorical(const std::string &name, const Texts &values, int flags = 0,
                        int outside = DPMIX_OUTSIDE_CLAMP)
    {
        return added(dpmix_schema_add_categorical(get(), detail::c_text("name", name), pointers(values).data(),
                                                  values.size(), nullptr, flags, outside));
    }
    /** With a text for what is not in the list. */
    Schema &categorical(const std::string &name, const Texts &values, const std::string &other, int flags = 0,
                        int outside = DPMIX_OUTSIDE_OTHER)
    {
        return added(dpmix_schema_add_categorical(get(), detail::c_text("name", name), pointers(values).data(),
                                                  values.size(), detail::c_text("other", other), flags, outside));
    }
    Schema &boolean(const std::string &name, int flags = 0, int outside = DPMIX_OUTSIDE_CLAMP)
    {
        return added(dpmix_schema_add_boolean(get(), detail::c_text("name", name), flags, outside));
    }
    Schema &date(const std::string &name, std::int64_t lower, std::int64_t upper, int flags = 0,
                 int outside = DPMIX_OUTSIDE_CLAMP)
    {
        return added(dpmix_schema_add_date(get(), detail::c_text("name", name), lower, upper, flags, outside));
    }
    Schema &timestamp(const std::string &name, std::int64_t lower, std::int64_t upper, int flags = 0,
                      int outside = DPMIX_OUTSIDE_CLAMP)
    {
        return added(dpmix_schema_add_timestamp(get(), detail::c_text("name", name), lower, upper, flags, outside));
    }
    Schema &unit(const std::string &name, std::int64_t max_rows)
    {
        return added(dpmix_schema_add_unit(get(), detail::c_text("name", name), max_rows));
    }
    Schema &set_label(std::size_t column) { return added(dpmix_schema_set_label(get(), column)); }

    std::string json() const { return detail::text(dpmix_schema_json, get()); }
    void save(const std::string &path) const { check(dpmix_schema_save(get(), detail::c_text("path", path))); }
    /** The Arrow type of its records, with the schema in its metadata. */
    ArrowType arrow() const
    {
        ArrowType out;
        check(dpmix_schema_arrow(get(), out.get()));
        return out;
    }

    std::size_t columns() const noexcept { return dpmix_schema_columns(get()); }
    std::string name(std::size_t column) const { return text_of(dpmix_schema_name(get(), column)); }
    int kind(std::size_t column) const noexcept { return dpmix_schema_kind(get(), column); }
    int flags(std::size_t column) const noexcept { return dpmix_schema_flags(get(), column); }
    int outside(std::size_t column) const noexcept { return dpmix_schema_outside(get(), column); }
    std::pair<double, double> range(std::size_t column) const
    {
        std::pair<double, double> range;
        check(dpmix_schema_range(get(), column, &range.first, &range.second));
        return range;
    }
    std::pair<std::int64_t, std::int64_t> range_int(std::size_t column) const
    {
        std::pair<std::int64_t, std::int64_t> range;
        check(dpmix_schema_range_int(get(), column, &range.first, &range.second));
        return range;
    }
    Texts values(std::size_t column) const
    {
        Texts values(dpmix_schema_values(get(), column));
        for (std::size_t i = 0; i < values.size(); i++)
            values[i] = dpmix_schema_value(get(), column, i);
        return values;
    }
    std::optional<std::string> other(std::size_t column) const
    {
        const char *other = dpmix_schema_other(get(), column);
        return other ? std::optional<std::string>(other) : std::nullopt;
    }
    std::optional<std::size_t> label() const { return number_of(dpmix_schema_label(get())); }
    std::optional<std::size_t> unit() const { return number_of(dpmix_schema_unit(get())); }

    /** The encoding: places of a row, classes of the label, a column's (first place, places), groups. */
    std::size_t width() const noexcept { return dpmix_schema_width(get()); }
    int classes() const noexcept { return dpmix_schema_classes(get()); }
    std::pair<std::size_t, std::size_t> places(std::size_t column) const
    {
        std::pair<std::size_t, std::size_t> places;
        check(dpmix_schema_places(get(), column, &places.first, &places.second));
        return places;
    }
    std::vector<std::int32_t> groups() const
    {
        std::vector<std::int32_t> groups(width() ? width() : 1); // none is no reason for a null pointer
        check(dpmix_schema_groups(get(), groups.data(), width()));
        groups.resize(width());
        return groups;
    }
    /** Cells of text, row by row, as rows and labels. */
    Samples<float> encode(span<const char *const> cells) const
    {
        const std::size_t n = detail::rows_of(cells, columns());
        Samples<float> made{std::vector<float>(n * width()), std::vector<std::int32_t>(classes() ? n : 0), width()};
        check(dpmix_schema_encode_text(get(), made.rows.data(), classes() ? made.labels.data() : nullptr,
                                       cells.data(), n, columns()));
        return made;
    }
    /** Samples as records of text. What `each` throws comes out of the call. */
    void decode(const Samples<float> &samples, int categories, const Each &each, detail::Seed seed = {},
                std::uint64_t first = 0) const
    {
        const std::size_t n = detail::rows_of(span<const float>(samples.rows), samples.columns);
        detail::require(!classes() || samples.labels.size() == n, "samples: not one label for each record");
        Caller caller{each, nullptr, false};
        const int status = dpmix_schema_decode_text(get(), samples.rows.data(),
                                                    classes() ? samples.labels.data() : nullptr, first, n,
                                                    samples.columns, categories, detail::pointer(seed),
                                                    &Caller::step, &caller);
        if (caller.raised)
            std::rethrow_exception(caller.raised);
        if (!caller.stopped)
            check(status);
    }

private:
    struct Caller {
        const Each &each;
        std::exception_ptr raised;
        bool stopped;
        static int step(void *user, std::uint64_t record, const char *const *cells, std::size_t n)
        {
            Caller *self = static_cast<Caller *>(user);
            try {
                self->stopped = !self->each(record, span<const char *const>(cells, n));
            } catch (...) {
                self->raised = std::current_exception();
            }
            return self->stopped || self->raised;
        }
    };
    static std::vector<const char *> pointers(const Texts &texts)
    {
        std::vector<const char *> made;
        for (const std::string &text : texts)
            made.push_back(detail::c_text("values", text));
        return made;
    }
    static std::string text_of(const char *text)
    {
        if (!text)
            throw error(DPMIX_ERR_RANGE, "column: the schema has fewer");
        return text;
    }
    static std::optional<std::size_t> number_of(std::int64_t column)
    {
        return column < 0 ? std::nullopt : std::optional<std::size_t>(static_cast<std::size_t>(column));
    }
    Schema &added(int status)
    {
        check(status);
        return *this;
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
        return Dataset(make(dpmix_dataset_new_idx, detail::c_text("images", images),
                            labels.empty() ? nullptr : detail::c_text("labels", labels), classes, lower, upper));
    }
    /** From NPY files; an empty path: no labels. */
    static Dataset from_npy(const std::string &rows, const std::string &labels, int classes, const Bounds &bounds)
    {
        return Dataset(make(dpmix_dataset_new_npy, detail::c_text("rows", rows),
                            labels.empty() ? nullptr : detail::c_text("labels", labels), classes,
                            bounds.lower.data(), bounds.upper.data(), bounds.lower.size()));
    }

    /** From cells of text, row by row in the order of the schema; a null pointer is null. */
    static Dataset from_text(const Schema &schema, span<const char *const> cells)
    {
        return Dataset(make(dpmix_dataset_new_text, schema.get(), cells.data(),
                            detail::rows_of(cells, schema.columns()), schema.columns()));
    }
    /** From a stream of record batches, which is consumed. */
    static Dataset from_stream(const Schema &schema, ArrowArrayStream *stream)
    {
        return Dataset(make(dpmix_dataset_new_stream, schema.get(), stream));
    }
    /** From one record batch and its type, both consumed. */
    static Dataset from_batch(const Schema &schema, ArrowArray *batch, ArrowSchema *types)
    {
        return Dataset(make(dpmix_dataset_new_arrow, schema.get(), batch, types));
    }

    void set_groups(span<const std::int32_t> groups)
    {
        check(dpmix_dataset_set_groups(get(), groups.data(), groups.size()));
    }
    /** Declares square images, side x side pixels. */
    void set_images(std::size_t side) { check(dpmix_dataset_set_images(get(), side)); }
    std::size_t columns() const noexcept { return dpmix_dataset_columns(get()); }
    int classes() const noexcept { return dpmix_dataset_classes(get()); }

private:
    template <typename F, typename T>
    static dpmix_dataset *from(F function, span<const T> rows, std::size_t columns, const Bounds &bounds,
                               span<const std::int32_t> labels, int classes, int storage)
    {
        const std::size_t n = detail::rows_of(rows, columns);
        static const std::int32_t none = 0; // the labels of no records are still labels
        const std::int32_t *marks = n == 0 && classes ? &none : detail::labels_of(labels, n);
        return make(function, rows.data(), n, columns, marks, classes, bounds.lower.data(), bounds.upper.data(),
                    bounds.lower.size(), storage);
    }
};

} // namespace dpmix

#endif
