/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "base_alloc.h"
#include "feature_dct.h"
#include "feature_distance.h"
#include "feature_scatter.h"

/* ---- Low frequencies ---- */

int dpmix_feature_dct_size(size_t *dims, size_t side, size_t radius)
{
    API_NEED(dims);
    int status = dpm_feature_dct_check(side, radius);
    if (!status)
        *dims = dpm_feature_dct_size(side, radius);
    API_RETURN(status);
}

static int open_dct(struct dpm_feature_dct *map, size_t n_rows, size_t side, size_t radius)
{
    int status = dpm_feature_dct_check(side, radius);
    if (!status)
        status = dpm_api_length("n_rows", n_rows, side * side * sizeof(float));
    return status ? status : dpm_feature_dct_new(map, side, radius);
}

int dpmix_feature_dct(float *out, const float *rows, size_t n_rows, size_t side, size_t radius)
{
    struct dpm_feature_dct map;
    if (n_rows > 0) {
        API_NEED(out);
        API_NEED(rows);
    }
    int status = open_dct(&map, n_rows, side, radius);
    if (status)
        API_RETURN(status);
    dpm_feature_dct_forward(&map, out, map.dims, rows, n_rows);
    dpm_feature_dct_free(&map);
    return DPMIX_OK;
}

int dpmix_feature_dct_inverse(float *out, const float *rows, size_t n_rows, size_t side, size_t radius)
{
    struct dpm_feature_dct map;
    if (n_rows > 0) {
        API_NEED(out);
        API_NEED(rows);
    }
    int status = open_dct(&map, n_rows, side, radius);
    if (status)
        API_RETURN(status);
    dpm_feature_dct_inverse(&map, out, rows, map.dims, n_rows);
    dpm_feature_dct_free(&map);
    return DPMIX_OK;
}

/* ---- Scattering ---- */

/* Negative numbers become too large ones. */
static int check_shape(size_t side, int scales, int angles)
{
    return dpm_feature_scatter_check(side, (size_t)scales, (size_t)angles);
}

static int check_groups(int groups, size_t n_channels)
{
    if (groups < 0 || (groups > 0 && n_channels % (size_t)groups != 0))
        return dpm_fail(DPMIX_ERR_RANGE, "groups: must be 0 or divide the number of channels");
    return DPMIX_OK;
}

int dpmix_feature_scattering_size(size_t *n_channels, size_t *n_positions, size_t side, int scales,
                                  int angles)
{
    API_NEED(n_channels);
    API_NEED(n_positions);
    int status = check_shape(side, scales, angles);
    if (!status) {
        *n_channels = dpm_feature_scatter_channels((size_t)scales, (size_t)angles);
        *n_positions = (side >> scales) * (side >> scales);
    }
    API_RETURN(status);
}

int dpmix_feature_scattering(float *out, const float *rows, size_t n_rows, size_t side, int scales,
                             int angles, int groups)
{
    struct dpm_feature_scatter *plan;
    if (n_rows > 0) {
        API_NEED(out);
        API_NEED(rows);
    }
    int status = check_shape(side, scales, angles);
    if (status)
        API_RETURN(status);
    size_t n_channels = dpm_feature_scatter_channels((size_t)scales, (size_t)angles);
    size_t size = dpm_feature_scatter_size(side, (size_t)scales, (size_t)angles);
    status = check_groups(groups, n_channels);
    if (!status)
        status = dpm_api_length("n_rows", n_rows, (size > side * side ? size : side * side) * sizeof *rows);
    if (!status)
        status = dpm_feature_scatter_new(&plan, side, (size_t)scales, (size_t)angles);
    if (status)
        API_RETURN(status);
    float *scratch = dpm_alloc(dpm_feature_scatter_scratch(plan), sizeof *scratch);
    if (scratch) {
        dpm_feature_scatter_apply(plan, out, size, rows, n_rows, scratch);
        if (groups > 0)
            dpm_feature_scatter_normalise(out, size, n_rows, n_channels, size / n_channels, (size_t)groups);
    }
    status = scratch ? DPMIX_OK : DPMIX_ERR_NOMEM;
    dpm_free_wiped(scratch);
    dpm_feature_scatter_free(plan);
    API_RETURN(status);
}

/* ---- Signed distances ---- */

static int check_images(size_t n_rows, size_t side)
{
    if (side < 1 || side > DPM_DISTANCE_SIDE)
        return dpm_fail(DPMIX_ERR_RANGE, "side: must lie in [1, %d]", (int)DPM_DISTANCE_SIDE);
    return dpm_api_length("n_rows", n_rows, side * side * sizeof(float));
}

int dpmix_feature_distance(float *out, const float *rows, size_t n_rows, size_t side)
{
    if (n_rows > 0) {
        API_NEED(out);
        API_NEED(rows);
    }
    int status = check_images(n_rows, side);
    if (!status)
        dpm_feature_distance(out, rows, n_rows, side);
    API_RETURN(status);
}

int dpmix_feature_distance_inverse(float *out, const float *rows, size_t n_rows, size_t side)
{
    if (n_rows > 0) {
        API_NEED(out);
        API_NEED(rows);
    }
    int status = check_images(n_rows, side);
    if (!status)
        dpm_feature_distance_inverse(out, rows, n_rows * side * side);
    API_RETURN(status);
}
