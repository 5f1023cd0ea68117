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
    return 0;
}
