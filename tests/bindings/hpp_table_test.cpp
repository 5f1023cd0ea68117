// SPDX-License-Identifier: BSD-3-Clause
// Tables with the C++ wrapper: schemas, text, Arrow in and out.
#include "check_hpp.hpp"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr std::size_t n_records = 500;

dpmix::Schema people()
{
    dpmix::Schema schema;
    schema.integer("age", 17, 90)
        .continuous("income", 1, 1e6, DPMIX_SCHEMA_LOG | DPMIX_SCHEMA_NULLABLE, DPMIX_OUTSIDE_NULL)
        .ordinal("school", {"none", "some", "much"})
        .categorical("job", {"clerk", "nurse"}, "another")
        .categorical("town", {"A", "B"})
        .boolean("member")
        .date("born", -20000, 20000)
        .timestamp("seen", 0, 1000000)
        .set_label(3);
    return schema;
}

// Row by row, as a reader of CSV files has them.
std::vector<const char *> cells()
{
    static const char *const jobs[] = {"clerk", "nurse", "smith"};
    static const char *const ages[] = {"20", "35", "71", "99"};
    std::vector<const char *> made;
    for (std::size_t i = 0; i < n_records; i++) {
        const char *record[] = {ages[i % 4], i % 5 ? "1200.5" : nullptr, "some", jobs[i % 3], i % 2 ? "A" : "B",
                                i % 4 ? "true" : "false", "1970-02-03", "1970-01-01T00:00:00.5"};
        made.insert(made.end(), record, record + 8);
    }
    return made;
}

dpmix::Mixture fitted(const dpmix::Schema &schema)
{
    dpmix::Dataset records = dpmix::Dataset::from_text(schema, cells());
    dpmix::Accountant budget(5, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Clusterer by_job(DPMIX_CLUSTERER_LABEL);
    by_job.fit(budget, records, 0.2);
    dpmix::Mixture mixture(by_job, dpmix::Generator(DPMIX_GENERATOR_GAUSSIAN));
    mixture.fit(budget, records, 1);
    return mixture;
}

} // namespace

START_TEST(test_declared)
{
    dpmix::Schema schema = people();
    ck_assert_uint_eq(schema.columns(), 8);
    ck_assert(schema.name(1) == "income" && schema.kind(1) == DPMIX_KIND_CONTINUOUS);
    ck_assert_int_eq(schema.flags(1), DPMIX_SCHEMA_LOG | DPMIX_SCHEMA_NULLABLE);
    ck_assert_int_eq(schema.outside(1), DPMIX_OUTSIDE_NULL);
    ck_assert(schema.range(1) == std::make_pair(1.0, 1e6));
    ck_assert(schema.range_int(0) == std::make_pair(std::int64_t{17}, std::int64_t{90}));
    ck_assert(schema.values(2) == dpmix::Schema::Texts({"none", "some", "much"}));
    ck_assert(schema.other(3) == "another" && !schema.other(4));
    ck_assert(schema.label() == std::size_t{3} && !schema.unit());
    ck_assert_int_eq(schema.classes(), 3);
    ck_assert_uint_eq(schema.groups().size(), schema.width());
    ck_assert(schema.places(1) == std::make_pair(std::size_t{1}, std::size_t{3}));
    ck_assert_int_eq(status_of([&] { schema.name(8); }), DPMIX_ERR_RANGE);
    ck_assert_int_eq(status_of([&] { schema.range(0); }), DPMIX_ERR_RANGE);
    ck_assert_int_eq(status_of([&] { schema.boolean("age"); }), DPMIX_ERR_STATE);
    schema.unit("who", 3);
    ck_assert(schema.unit() == std::size_t{8});

    ck_assert(dpmix::Schema(schema.json()).json() == schema.json());
    const std::string path = "hpp_table_test.json";
    schema.save(path);
    ck_assert(dpmix::Schema::load(path).json() == schema.json());
    ck_assert_int_eq(std::remove(path.c_str()), 0);
    ck_assert_int_eq(status_of([] { dpmix::Schema("{}"); }), DPMIX_ERR_FORMAT);
    ck_assert_uint_eq(dpmix::Schema().groups().size(), 0);

    dpmix::ArrowType type = schema.arrow();
    ck_assert(type && type->n_children == 8); // without the unit
    ck_assert(dpmix::Schema(*type.get()).json() == schema.json());
}
END_TEST

START_TEST(test_text)
{
    dpmix::Schema schema = people();
    dpmix::Samples<float> rows = schema.encode(cells());
    ck_assert_uint_eq(rows.rows.size(), n_records * schema.width());
    ck_assert(rows.labels[0] == 0 && rows.labels[1] == 1 && rows.labels[2] == 2);
    std::size_t records = 0;
    schema.decode(rows, DPMIX_DECODE_LARGEST, [&](std::uint64_t number, dpmix::span<const char *const> record) {
        ck_assert_uint_eq(number, records++);
        ck_assert_uint_eq(record.size(), 8);
        if (number == 0)
            ck_assert(!record[1] && std::strcmp(record[0], "20") == 0 && std::strcmp(record[3], "clerk") == 0);
        if (number == 3)
            ck_assert_str_eq(record[0], "90"); // 99 is outside
        return true;
    });
    ck_assert_uint_eq(records, n_records);

    records = 0;
    schema.decode(rows, DPMIX_DECODE_DRAW, [&](std::uint64_t, dpmix::span<const char *const>) {
        return ++records < 5;
    }, 7);
    ck_assert_uint_eq(records, 5);
    bool seen = false;
    try {
        schema.decode(rows, DPMIX_DECODE_LARGEST, [](std::uint64_t, dpmix::span<const char *const>) -> bool {
            throw std::logic_error("mine");
        });
    } catch (const std::logic_error &) {
        seen = true;
    }
    ck_assert(seen);
    ck_assert_int_eq(status_of([&] { schema.decode(rows, 99, [](auto, auto) { return true; }); }),
                     DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] {
        std::vector<const char *> odd(7);
        schema.encode(odd);
    }), DPMIX_ERR_ARG);
}
END_TEST

START_TEST(test_plan)
{
    dpmix::Schema schema = people();
    dpmix::Options options;
    options.set("products_components", 4).set("products_steps", 20);
    dpmix::Generator products(DPMIX_GENERATOR_PRODUCTS, options);
    dpmix::Accountant budget(1, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Plan plan = products.plan(budget, 0.5, n_records, schema);
    ck_assert(plan.epsilon > 0 && plan.epsilon <= 0.5 && plan.noise_multiplier > 0);
    dpmix::Dataset records = dpmix::Dataset::from_text(schema, cells());
    products.fit(budget, records, 0.5);
    ck_assert(budget.spent() == plan.epsilon);
}
END_TEST

/* What another program would do with samples, and what a data set takes back in. */
START_TEST(test_arrow_round_trip)
{
    dpmix::Schema schema = people();
    dpmix::Mixture mixture = fitted(schema);
    dpmix::ArrowStream stream = mixture.stream(schema, 9000, 5);
    dpmix::ArrowType type = stream.type();
    ck_assert_int_eq(type->n_children, 8);
    dpmix::Schema carried(*type.get());
    ck_assert(carried.json() == schema.json());
    std::int64_t records = 0;
    while (dpmix::ArrowBatch batch = stream.next()) {
        records += batch->length;
        const std::int64_t *ages = static_cast<const std::int64_t *>(batch->children[0]->buffers[1]);
        for (std::int64_t i = 0; i < batch->length; i++)
            ck_assert(ages[i] >= 17 && ages[i] <= 90);
    }
    ck_assert_int_eq(records, 9000);

    dpmix::ArrowStream again = mixture.stream(schema, 300);
    dpmix::Dataset taken = dpmix::Dataset::from_stream(carried, again.get());
    ck_assert(!again && taken.columns() == schema.width() && taken.classes() == 3);
    ck_assert_int_eq(status_of([&] { again.next(); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { again.type(); }), DPMIX_ERR_ARG);
    dpmix::ArrowStream last = mixture.stream(schema, 10);
    dpmix::ArrowType last_type = last.type();
    dpmix::ArrowBatch batch = last.next();
    ck_assert_uint_eq(dpmix::Dataset::from_batch(carried, batch.get(), last_type.get()).columns(), schema.width());
    ck_assert(!batch && !last_type);

    dpmix::Accountant budget(5, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Generator alone(DPMIX_GENERATOR_GAUSSIAN);
    alone.fit(budget, taken, 1);
    ck_assert_int_eq(status_of([&] { alone.stream(schema, 10); }), DPMIX_ERR_UNSUPPORTED); // it has no labels
}
END_TEST

/* A name, a value or JSON that C would end before its end. */
START_TEST(test_zero_bytes)
{
    using namespace std::string_literals;
    dpmix::Schema schema;
    ck_assert_int_eq(status_of([&] { schema.boolean("a\0b"s); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { schema.ordinal("a", {"one", "two\0"s}); }), DPMIX_ERR_ARG);
    ck_assert_int_eq(status_of([&] { schema.categorical("a", {"one"}, "x\0y"s); }), DPMIX_ERR_ARG);
    ck_assert_uint_eq(schema.columns(), 0);
    const std::string json = people().json();
    ck_assert_int_eq(status_of([&] { dpmix::Schema(json + "\0{"s); }), DPMIX_ERR_ARG);
}
END_TEST

START_TEST(test_structs_have_one_owner)
{
    dpmix::Schema schema = people();
    dpmix::ArrowType type = schema.arrow(), moved = std::move(type), third;
    ck_assert(!type && moved && !third);
    third = std::move(moved);
    ck_assert(!moved && third);
    ArrowSchema raw;
    third.move_to(&raw);
    ck_assert(!third && raw.release != nullptr);
    dpmix::ArrowType taken(&raw);
    ck_assert(raw.release == nullptr && taken);
    ck_assert_int_eq(status_of([&] { dpmix::Schema{raw}; }), DPMIX_ERR_ARG);
}
END_TEST

static Suite *suite()
{
    Suite *made = suite_create("hpp_table");
    CHECK_ADD(made, test_declared);
    CHECK_ADD(made, test_text);
    CHECK_ADD(made, test_plan);
    CHECK_ADD(made, test_arrow_round_trip);
    CHECK_ADD(made, test_zero_bytes);
    CHECK_ADD(made, test_structs_have_one_owner);
    return made;
}

CHECK_MAIN(suite)
