/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Public maps of square images for C++ (dpmix/feature.h). Include dpmix/dpmix.hpp.
 */
#ifndef DPMIX_FEATURE_HPP
#define DPMIX_FEATURE_HPP

#include <dpmix/handle.hpp>

namespace dpmix {
namespace feature {

/** The shape of scattering features. */
struct Scattering {
    std::size_t channels, positions;
};

inline std::size_t dct_size(std::size_t side, std::size_t radius)
{
    std::size_t dims = 0;
    check(dpmix_feature_dct_size(&dims, side, radius));
    return dims;
}

inline Scattering scattering_size(std::size_t side, int scales, int angles)
{
    Scattering shape{};
    check(dpmix_feature_scattering_size(&shape.channels, &shape.positions, side, scales, angles));
    return shape;
}

/** The low frequencies of images, n x dct_size(). */
inline std::vector<float> dct(span<const float> images, std::size_t side, std::size_t radius)
{
    const std::size_t n = detail::rows_of(images, side * side);
    std::vector<float> out(n * dct_size(side, radius));
    check(dpmix_feature_dct(out.data(), images.data(), n, side, radius));
    return out;
}

/** Images from their low frequencies. */
inline std::vector<float> dct_inverse(span<const float> rows, std::size_t side, std::size_t radius)
{
    const std::size_t n = detail::rows_of(rows, dct_size(side, radius));
    std::vector<float> out(n * side * side);
    check(dpmix_feature_dct_inverse(out.data(), rows.data(), n, side, radius));
    return out;
}

/** Scattering features, n x (channels x positions). groups: 0, or that many groups are normalised. */
inline std::vector<float> scattering(span<const float> images, std::size_t side, int scales = 2, int angles = 8,
                                     int groups = 0)
{
    const std::size_t n = detail::rows_of(images, side * side);
    const Scattering shape = scattering_size(side, scales, angles);
    std::vector<float> out(n * shape.channels * shape.positions);
    check(dpmix_feature_scattering(out.data(), images.data(), n, side, scales, angles, groups));
    return out;
}

/** Signed distances from the outlines of images. */
inline std::vector<float> distance(span<const float> images, std::size_t side)
{
    std::vector<float> out(images.size());
    check(dpmix_feature_distance(out.data(), images.data(), detail::rows_of(images, side * side), side));
    return out;
}

/** Images from signed distances. */
inline std::vector<float> distance_inverse(span<const float> rows, std::size_t side)
{
    std::vector<float> out(rows.size());
    check(dpmix_feature_distance_inverse(out.data(), rows.data(), detail::rows_of(rows, side * side), side));
    return out;
}

} // namespace feature
} // namespace dpmix

#endif
