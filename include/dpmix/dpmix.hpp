/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * libdpmix for C++17 and later: handles that free themselves, exceptions for statuses, spans for arrays.
 *
 * A header only, around the functions of dpmix/dpmix.h, which say what everything means. Classes are move-only; a
 * handle that was moved from is empty, and calls on it throw. get() gives the C handle, for calls that are to return
 * a status. Strings are refused that hold a zero byte, where C would end them. Constants (DPMIX_GENERATOR_VAE, ...)
 * are those of C.
 *
 *     dpmix::Dataset records = dpmix::Dataset::from_idx(images, labels, 10, 0, 255);
 *     dpmix::Accountant budget(1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
 *     dpmix::Clusterer by_label(DPMIX_CLUSTERER_LABEL);
 *     by_label.fit(budget, records, 0.1);
 *     dpmix::Mixture mixture(by_label, dpmix::Generator(DPMIX_GENERATOR_GAUSSIAN));
 *     mixture.fit(budget, records, 1.0);
 *     dpmix::Samples<float> samples = mixture.sample(1000);
 */
#ifndef DPMIX_DPMIX_HPP
#define DPMIX_DPMIX_HPP

#include <dpmix/accountant.hpp>
#include <dpmix/dataset.hpp>
#include <dpmix/feature.hpp>
#include <dpmix/handle.hpp>
#include <dpmix/model.hpp>

#endif
