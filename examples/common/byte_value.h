/* SPDX-License-Identifier: BSD-3-Clause */
/* The byte nearest to a sampled value. */
#ifndef EXAMPLE_BYTE_VALUE_H
#define EXAMPLE_BYTE_VALUE_H

#include <stdint.h>

static inline uint8_t byte_of_value(float value)
{
    return value > 0.0f ? (uint8_t)(value < 255.0f ? value + 0.5f : 255.0f) : 0;
}

#endif
