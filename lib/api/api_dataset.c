/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "base_alloc.h"
#include "load_idx.h"
#include "load_npy.h"

/* For data that the caller keeps. */
static void give_back_nothing(void *rows, void *labels)
{
    (void)rows, (void)labels;
}

static int new_from_memory(dpmix_dataset **out, struct dpm_dataset_source *source, int storage)
{
    if (storage != DPMIX_STORAGE_COPY && storage != DPMIX_STORAGE_BORROW)
        return dpm_fail(DPMIX_ERR_ARG, "storage: not a DPMIX_STORAGE_*");
    source->release = storage == DPMIX_STORAGE_BORROW ? give_back_nothing : NULL;
    return dpm_dataset_new(out, source);
}

int dpmix_dataset_new_u8(dpmix_dataset **out, const uint8_t *rows, size_t n_rows, size_t n_columns,
                         const int32_t *labels, int n_classes, const double *lower, const double *upper,
                         size_t n_bounds, int storage)
{
    API_NEED(out);
    API_NEED(lower);
    API_NEED(upper);
    struct dpm_dataset_source source = {DPM_TYPE_U8, rows,  n_rows, n_columns, labels,
                                        n_classes,   lower, upper,  n_bounds,  NULL};
    API_GIVE(out, new_from_memory(out, &source, storage));
}

int dpmix_dataset_new_f32(dpmix_dataset **out, const float *rows, size_t n_rows, size_t n_columns,
                          const int32_t *labels, int n_classes, const double *lower, const double *upper,
                          size_t n_bounds, int storage)
{
    API_NEED(out);
    API_NEED(lower);
    API_NEED(upper);
    struct dpm_dataset_source source = {DPM_TYPE_F32, rows,  n_rows, n_columns, labels,
                                        n_classes,    lower, upper,  n_bounds,  NULL};
    API_GIVE(out, new_from_memory(out, &source, storage));
}

int dpmix_dataset_new_f64(dpmix_dataset **out, const double *rows, size_t n_rows, size_t n_columns,
                          const int32_t *labels, int n_classes, const double *lower, const double *upper,
                          size_t n_bounds, int storage)
{
    API_NEED(out);
    API_NEED(lower);
    API_NEED(upper);
    struct dpm_dataset_source source = {DPM_TYPE_F64, rows,  n_rows, n_columns, labels,
                                        n_classes,    lower, upper,  n_bounds,  NULL};
    API_GIVE(out, new_from_memory(out, &source, storage));
}

static void free_loaded(void *rows, void *labels)
{
    dpm_free_wiped(rows);
    dpm_free_wiped(labels);
}

/* Label bytes as class numbers. */
static int load_labels(int32_t **out, const char *path, size_t n_rows)
{
    struct dpm_idx file = {0};
    int status = dpm_load_idx(&file, path);
    if (status)
        return status;
    int32_t *labels = NULL;
    if (file.item_size != 1 || file.items != n_rows) {
        status = dpm_fail(DPMIX_ERR_FORMAT, "labels_path: not one byte for each of the images");
        goto out;
    }
    labels = dpm_alloc(n_rows, sizeof *labels);
    if (!labels) {
        status = DPMIX_ERR_NOMEM;
        goto out;
    }
    for (size_t i = 0; i < n_rows; i++)
        labels[i] = file.bytes[i];
    *out = labels;
out:
    dpm_free_wiped(file.bytes);
    return status;
}

/* Before a file is read. */
static int check_classes(const char *labels_path, int n_classes, int at_most)
{
    if (labels_path && (n_classes < 1 || n_classes > at_most))
        return dpm_fail(DPMIX_ERR_RANGE, "n_classes: must lie in [1, %d] when labels are given", at_most);
    if (!labels_path && n_classes != 0)
        return dpm_fail(DPMIX_ERR_ARG, "labels_path: NULL although n_classes is not 0");
    return DPMIX_OK;
}

static int new_from_idx(dpmix_dataset **out, const char *images_path, const char *labels_path, int n_classes,
                        double lower, double upper)
{
    struct dpm_idx images = {0};
    int32_t *labels = NULL;
    int status = check_classes(labels_path, n_classes, 256);
    if (status)
        return status;
    status = dpm_load_idx(&images, images_path);
    if (!status && labels_path)
        status = load_labels(&labels, labels_path, images.items);
    if (!status) {
        struct dpm_dataset_source source = {DPM_TYPE_U8, images.bytes, images.items, images.item_size,
                                            labels,      n_classes,    &lower,       &upper,
                                            1,           free_loaded};
        status = dpm_dataset_new(out, &source);
    }
    if (status)
        free_loaded(images.bytes, labels);
    return !status && images.side ? dpm_dataset_set_images(*out, images.side) : status;
}

int dpmix_dataset_new_idx(dpmix_dataset **out, const char *images_path, const char *labels_path,
                          int n_classes, double lower, double upper)
{
    API_NEED(out);
    API_NEED(images_path);
    API_GIVE(out, new_from_idx(out, images_path, labels_path, n_classes, lower, upper));
}

static int new_from_npy(dpmix_dataset **out, const char *rows_path, const char *labels_path, int n_classes,
                        const double *lower, const double *upper, size_t n_bounds)
{
    struct dpm_npy rows = {0};
    int32_t *labels = NULL;
    size_t n_labels = 0;
    int status = check_classes(labels_path, n_classes, DPM_MAX_COLUMNS);
    if (status)
        return status;
    status = dpm_load_npy_rows(&rows, rows_path);
    if (!status && labels_path)
        status = dpm_load_npy_labels(&labels, &n_labels, labels_path);
    if (!status && labels_path && n_labels != rows.items)
        status = dpm_fail(DPMIX_ERR_FORMAT, "labels_path: not one number for each of the rows");
    if (!status) {
        struct dpm_dataset_source source = {rows.type, rows.values, rows.items, rows.item_size, labels,
                                            n_classes, lower,       upper,      n_bounds,       free_loaded};
        status = dpm_dataset_new(out, &source);
    }
    if (status)
        free_loaded(rows.values, labels);
    return !status && rows.side ? dpm_dataset_set_images(*out, rows.side) : status;
}

int dpmix_dataset_new_npy(dpmix_dataset **out, const char *rows_path, const char *labels_path, int n_classes,
                          const double *lower, const double *upper, size_t n_bounds)
{
    API_NEED(out);
    API_NEED(rows_path);
    API_NEED(lower);
    API_NEED(upper);
    API_GIVE(out, new_from_npy(out, rows_path, labels_path, n_classes, lower, upper, n_bounds));
}

int dpmix_dataset_set_groups(dpmix_dataset *dataset, const int32_t *groups, size_t n_columns)
{
    API_NEED(dataset);
    API_NEED(groups);
    API_RETURN(dpm_dataset_set_groups(dataset, groups, n_columns));
}

int dpmix_dataset_set_images(dpmix_dataset *dataset, size_t side)
{
    API_NEED(dataset);
    API_RETURN(dpm_dataset_set_images(dataset, side));
}

void dpmix_dataset_free(dpmix_dataset *dataset)
{
    API_FREE(dataset, dpm_dataset_unref);
}

size_t dpmix_dataset_columns(const dpmix_dataset *dataset)
{
    return API_HAVE(dataset) ? dpm_dataset_columns(dataset) : 0;
}

int dpmix_dataset_classes(const dpmix_dataset *dataset)
{
    return API_HAVE(dataset) ? dpm_dataset_classes(dataset) : 0;
}
