/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_simd.h"

#include <stdatomic.h>

#ifndef DPM_SIMD_MOST /* a build for tests may say less */
#define DPM_SIMD_MOST DPM_SIMD_AVX512
#endif

static atomic_int limit = DPM_SIMD_MOST;

static int supported(void)
{
#if DPM_SIMD_X86
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return DPM_SIMD_PLAIN;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        return DPM_SIMD_AVX512;
    return DPM_SIMD_AVX2;
#else
    return DPM_SIMD_PLAIN;
#endif
}

int dpm_simd_level(void)
{
    int most = atomic_load_explicit(&limit, memory_order_relaxed), level = supported();
    return level < most ? level : most;
}

void dpm_simd_limit(int level)
{
    atomic_store(&limit, level);
}
