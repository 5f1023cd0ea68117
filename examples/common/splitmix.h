/* SPDX-License-Identifier: BSD-3-Clause */
/* SplitMix64 (Steele, Lea, Flood 2014): random numbers for yardsticks, which must not change from run to run.
 * Nothing private hangs on them. */
#ifndef EXAMPLE_SPLITMIX_H
#define EXAMPLE_SPLITMIX_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t splitmix_draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in 0, ..., n - 1, up to a bias of n / 2^64. */
static inline size_t splitmix_below(uint64_t *state, size_t n)
{
    return (size_t)(splitmix_draw(state) % n);
}

#endif
