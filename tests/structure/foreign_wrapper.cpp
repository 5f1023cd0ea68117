// SPDX-License-Identifier: BSD-3-Clause
// The same with the C++ wrapper: a refusal is an exception.
#include <dpmix/dpmix.hpp>

#include <cstdio>
#include <vector>

int main()
{
    try {
        dpmix::Accountant(-1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
        return 1;
    } catch (const dpmix::error &refused) {
        if (refused.status() != DPMIX_ERR_RANGE)
            return 1;
    }
    dpmix::Accountant budget(1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    std::vector<float> rows(200, 0.5f);
    dpmix::Dataset records(rows, 2, {0, 1});
    dpmix::Generator gaussian(DPMIX_GENERATOR_GAUSSIAN);
    gaussian.fit(budget, records, 1.0);
    std::printf("C++ wrapper: epsilon %.1f spent, %zu numbers sampled\n", budget.spent(),
                gaussian.sample(3).rows.size());

    // Record batches of somebody's, through a table's schema, to a data set.
    dpmix::Schema schema;
    schema.integer("age", 17, 90).continuous("income", 0, 1e6, DPMIX_SCHEMA_NULLABLE, DPMIX_OUTSIDE_NULL);
    const char *const cells[] = {"41", "1200.5", "17", nullptr};
    dpmix::Dataset people = dpmix::Dataset::from_text(schema, cells);
    dpmix::Accountant other(1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix::Generator model(DPMIX_GENERATOR_GAUSSIAN);
    model.fit(other, people, 1.0);
    dpmix::ArrowStream stream = model.stream(schema, 100);
    dpmix::Schema carried(*stream.type().get());
    dpmix::Dataset again = dpmix::Dataset::from_stream(carried, stream.get());
    if (carried.json() != schema.json() || again.columns() != schema.width())
        return 1;
    return 0;
}
