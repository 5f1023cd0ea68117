// SPDX-License-Identifier: BSD-3-Clause
// What the tests of the C++ wrapper share.
#ifndef DPM_TESTS_CHECK_HPP_HPP
#define DPM_TESTS_CHECK_HPP_HPP

#include <dpmix/dpmix.hpp>

#include "check_main.h"

#include <type_traits>

// The status of what a function throws; it has a message.
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

// It moves without exceptions, and does not copy.
template <typename T> constexpr bool move_only()
{
    return std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
           !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
}

#endif
