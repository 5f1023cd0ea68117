/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * libdpmix: from a private data set to a releasable one.
 *
 * Five handles carry the work, and the caller composes them:
 *
 *   dataset     the private records, behind one door
 *   accountant  the privacy budget and the ledger of what was spent
 *   clusterer   a differentially private partition of the records
 *   generator   a generative model with differentially private training
 *   mixture     a partition with one generator per part: saved, loaded and sampled
 *
 * Rules that hold for every function:
 *
 * - Order of arguments: the handle, outputs, inputs, a length after its array, a callback then its `void *`.
 *   Constructors are `int dpmix_x_new(dpmix_x **out, ...)`.
 * - A status is 0 or negative (dpmix/status.h). Outputs are written only on success.
 * - What a constructor, a load or a get gives through `**out` the caller frees with the noun's `_free`; NULL is
 *   fine there. Handles hold what they need, so they may be freed in any order.
 * - Calls that take a const handle may run concurrently; a call with a handle that is not const needs it for
 *   itself.
 * - Privacy terms are arguments and have no default. Tuning numbers are options.
 * - After fork(), datasets and accountants refuse to work in the child.
 * - Floating-point exceptions must not trap (feenableexcept()) in a thread that calls the library. Private sums
 *   and their noise are the same whatever rounding that thread has set.
 * - Rows are row-major. `size_t` counts are in elements. An array of no elements may be NULL.
 */
#ifndef DPMIX_DPMIX_H
#define DPMIX_DPMIX_H

#include <dpmix/accountant.h>
#include <dpmix/arrow.h>
#include <dpmix/audit.h>
#include <dpmix/calculator.h>
#include <dpmix/clusterer.h>
#include <dpmix/dataset.h>
#include <dpmix/feature.h>
#include <dpmix/generator.h>
#include <dpmix/memory.h>
#include <dpmix/mixture.h>
#include <dpmix/options.h>
#include <dpmix/schema.h>
#include <dpmix/status.h>
#include <dpmix/version.h>

#endif
