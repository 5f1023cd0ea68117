/* SPDX-License-Identifier: BSD-3-Clause */
/* Loops that are compiled for several vector units and chosen between at run time. The operations are the
 * same in all of them, no compiler may reorder or fuse them, and so every bit is the same, too. */
#ifndef DPM_BASE_SIMD_H
#define DPM_BASE_SIMD_H

enum {
    DPM_SIMD_PLAIN = 0,  /* whatever the compiler takes for granted */
    DPM_SIMD_AVX2 = 1,   /* and fused multiply-add */
    DPM_SIMD_AVX512 = 2, /* F, DQ, BW and VL */
};

/* The best that the processor runs, and the limit allows. */
int dpm_simd_level(void);

/* For tests: levels above are not used from here on. */
void dpm_simd_limit(int level);

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define DPM_SIMD_X86 1
#define DPM_SIMD_TARGET_AVX2 __attribute__((target("avx2")))
#if defined(__clang__)
#define DPM_SIMD_TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#else
#define DPM_SIMD_TARGET_AVX512                                                                               \
    __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,prefer-vector-width=512")))
#endif
#define DPM_SIMD_INLINE static inline __attribute__((always_inline))

/* Defines `static void name parameters`, which runs the DPM_SIMD_INLINE function name_body in the version for
 * the processor. Usage: DPM_SIMD_VERSIONS(scale, (float *x, size_t n), (x, n)) */
#define DPM_SIMD_VERSIONS(name, parameters, arguments)                                                       \
    static void name##_plain parameters                                                                      \
    {                                                                                                        \
        name##_body arguments;                                                                               \
    }                                                                                                        \
    DPM_SIMD_TARGET_AVX2 static void name##_avx2 parameters                                                  \
    {                                                                                                        \
        name##_body arguments;                                                                               \
    }                                                                                                        \
    DPM_SIMD_TARGET_AVX512 static void name##_avx512 parameters                                              \
    {                                                                                                        \
        name##_body arguments;                                                                               \
    }                                                                                                        \
    static void name parameters                                                                              \
    {                                                                                                        \
        int level = dpm_simd_level();                                                                        \
        if (level == DPM_SIMD_AVX512)                                                                        \
            name##_avx512 arguments;                                                                         \
        else if (level == DPM_SIMD_AVX2)                                                                     \
            name##_avx2 arguments;                                                                           \
        else                                                                                                 \
            name##_plain arguments;                                                                          \
    }
#else
#define DPM_SIMD_X86 0
#define DPM_SIMD_INLINE static inline
#define DPM_SIMD_VERSIONS(name, parameters, arguments)                                                       \
    static void name parameters                                                                              \
    {                                                                                                        \
        name##_body arguments;                                                                               \
    }
#endif

/* Has the line of memory at an address fetched early, into a cache that is not the smallest: for walks that
 * the processor does not foresee. A hint, without any other effect. */
#if defined(__GNUC__) || defined(__clang__)
#define DPM_SIMD_FETCH(address) __builtin_prefetch((address), 1, 2)
#else
#define DPM_SIMD_FETCH(address) ((void)(address))
#endif
enum { DPM_SIMD_LINE = 64 }; /* bytes that come at once */

#endif
