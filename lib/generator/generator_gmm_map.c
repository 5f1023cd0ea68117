/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_gmm_map.h"
#include "base_fail.h"
#include "feature_distance.h"

#include <math.h>
#include <string.h>

size_t dpm_gmm_map_side(size_t n_columns)
{
    size_t side = (size_t)(sqrt((double)n_columns) + 0.5);
    return side * side == n_columns && side <= DPM_DISTANCE_SIDE ? side : 0;
}

int dpm_gmm_map_new(struct dpm_gmm_map *map, size_t n_columns, size_t radius, int distance)
{
    size_t side = dpm_gmm_map_side(n_columns);
    *map = (struct dpm_gmm_map){.distance = distance, .n_columns = n_columns, .dims = n_columns};
    if ((radius > 0 || distance) && side == 0)
        return dpm_fail(DPMIX_ERR_RANGE,
                        "gmm_basis, gmm_distance: the rows are not square images of a side "
                        "up to %d",
                        DPM_DISTANCE_SIDE);
    if (radius == 0)
        return DPMIX_OK;
    int status = dpm_feature_dct_new(&map->dct, side, radius < 2 * side ? radius : 2 * side);
    if (!status)
        map->dims = map->dct.dims;
    return status;
}

void dpm_gmm_map_free(struct dpm_gmm_map *map)
{
    dpm_feature_dct_free(&map->dct);
    *map = (struct dpm_gmm_map){0};
}

float dpm_gmm_origin(const struct dpm_gmm_map *map)
{
    return map->dct.matrix || map->distance ? 0 : 0.5f;
}

const float *dpm_gmm_represent(int distance, float *out, const float *rows, size_t n, size_t n_columns)
{
    if (!distance)
        return rows;
    dpm_feature_distance(out, rows, n, dpm_gmm_map_side(n_columns));
    return out;
}

void dpm_gmm_map_apply(const struct dpm_gmm_map *map, float *out, const float *rows, size_t n)
{
    if (map->dct.matrix)
        dpm_feature_dct_forward(&map->dct, out, map->dims, rows, n);
    else
        memcpy(out, rows, n * map->n_columns * sizeof *out);
}

void dpm_gmm_map_back(const struct dpm_gmm_map *map, float *out, const float *coordinates, size_t n)
{
    if (map->dct.matrix)
        dpm_feature_dct_inverse(&map->dct, out, coordinates, map->dims, n);
    else
        memcpy(out, coordinates, n * map->n_columns * sizeof *out);
}
