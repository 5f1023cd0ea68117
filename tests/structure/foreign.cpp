// SPDX-License-Identifier: BSD-3-Clause
// The same from C++: handles in smart pointers, a refusal as a number.
#include <dpmix/dpmix.h>

#include <cstdio>
#include <memory>
#include <string>

int main()
{
    if (std::string(dpmix_version()) != DPMIX_VERSION)
        return 1;
    dpmix_options *raw_options = nullptr;
    if (dpmix_options_new(&raw_options) != DPMIX_OK)
        return 1;
    std::unique_ptr<dpmix_options, decltype(&dpmix_options_free)> options(raw_options, dpmix_options_free);
    int64_t threads = 0;
    if (dpmix_options_set_int(options.get(), DPMIX_OPTION_THREADS, 2) != DPMIX_OK ||
        dpmix_options_get_int(options.get(), &threads, DPMIX_OPTION_THREADS) != DPMIX_OK || threads != 2)
        return 1;

    dpmix_accountant *raw_accountant = nullptr;
    if (dpmix_accountant_new(&raw_accountant, -1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE) != DPMIX_ERR_RANGE ||
        raw_accountant || std::string(dpmix_last_error()).find("epsilon") == std::string::npos)
        return 1;
    if (dpmix_accountant_new(&raw_accountant, 1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE) != DPMIX_OK)
        return 1;
    std::unique_ptr<dpmix_accountant, decltype(&dpmix_accountant_free)> accountant(raw_accountant,
                                                                                 dpmix_accountant_free);
    double epsilon = 0;
    if (dpmix_accountant_budget(accountant.get(), &epsilon, nullptr, nullptr) != DPMIX_OK || epsilon != 1.0)
        return 1;
    std::printf("C++, library %s: a budget of epsilon %.1f\n", dpmix_version(), epsilon);
    return 0;
}
