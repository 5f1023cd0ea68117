/* SPDX-License-Identifier: BSD-3-Clause */
/* The eigenvectors come from subspace iteration on float32 products, since a whole decomposition of some
 * thousand features would take far longer than the training. Directions need not be exact: any public ones
 * are as private, and those that iteration has not told apart have eigenvalues close to each other. */
#include "teacher_whiten.h"
#include "base_alloc.h"
#include "linalg_eigen.h"
#include "linalg_mat.h"
#include "random_stream.h"

#include <math.h>
#include <string.h>

enum { BLOCK_ROWS = 1024, STRIP = 64, MORE_DIRECTIONS = 32, ITERATIONS = 6 };

static const double least_eigenvalue = 1e-3; /* of the largest */

struct work {
    const struct dpm_teacher *teacher;
    struct dpm_pool *pool;
    const float *rows; /* of the block */
    size_t n_rows;
    size_t size, count;  /* of the features, and directions that are iterated */
    float *features;     /* BLOCK_ROWS x size */
    float *covariance;   /* size x size */
    float *product;      /* STRIP x size for each thread */
    float *scratch;      /* of the features, for each thread */
    float *basis, *next; /* count x size */
    float *small;        /* count x count */
    double *mean;        /* size */
    double *gram, *vectors, *values;
    struct dpm_eigen *eigen;
};

static int allocate(struct work *work)
{
    size_t threads = (size_t)dpm_pool_threads(work->pool), size = work->size, count = work->count;
    work->features = dpm_alloc(BLOCK_ROWS, size * sizeof(float));
    work->covariance = dpm_alloc(size, size * sizeof(float));
    work->product = dpm_alloc(threads * STRIP, size * sizeof(float));
    work->scratch =
        dpm_alloc(threads, dpm_teacher_features_scratch(&work->teacher->features) * sizeof(float));
    work->basis = dpm_alloc(count, size * sizeof(float));
    work->next = dpm_alloc(count, size * sizeof(float));
    work->small = dpm_alloc(count, count * sizeof(float));
    work->mean = dpm_alloc(size, sizeof(double));
    work->gram = dpm_alloc(count, count * sizeof(double));
    work->vectors = dpm_alloc(count, count * sizeof(double));
    work->values = dpm_alloc(count, sizeof(double));
    int complete = work->features && work->covariance && work->product && work->scratch && work->basis &&
                   work->next && work->small && work->mean && work->gram && work->vectors && work->values;
    return complete ? dpm_eigen_new(&work->eigen, count) : DPMIX_ERR_NOMEM;
}

static void free_work(struct work *work)
{
    dpm_free(work->features);
    dpm_free(work->covariance);
    dpm_free(work->product);
    dpm_free(work->scratch);
    dpm_free(work->basis);
    dpm_free(work->next);
    dpm_free(work->small);
    dpm_free(work->mean);
    dpm_free(work->gram);
    dpm_free(work->vectors);
    dpm_free(work->values);
    dpm_eigen_free(work->eigen);
}

/* ---- The covariance ---- */

/* A dpm_task_fn: features of some rows of the block. */
static void make_features(void *context, size_t task, int worker)
{
    struct work *work = context;
    const struct dpm_teacher_features *features = &work->teacher->features;
    size_t first = task * STRIP, n = work->n_rows - first < STRIP ? work->n_rows - first : STRIP;
    dpm_teacher_features_apply(features, work->features + first * work->size,
                               work->rows + first * features->n_columns, n,
                               work->scratch + (size_t)worker * dpm_teacher_features_scratch(features));
}

/* A dpm_task_fn: adds the block's products to some lines of the second moments. */
static void add_moments(void *context, size_t task, int worker)
{
    struct work *work = context;
    size_t size = work->size, first = task * STRIP, n = size - first < STRIP ? size - first : STRIP;
    float *product = work->product + (size_t)worker * STRIP * size, *lines = work->covariance + first * size;
    dpm_mat_mul_at(product, size, work->features + first, size, work->features, size, n, size, work->n_rows);
    for (size_t i = 0; i < n * size; i++)
        lines[i] += product[i];
}

static size_t strips(size_t n)
{
    return (n + STRIP - 1) / STRIP;
}

static void set_covariance(struct work *work, const float *rows, size_t n)
{
    size_t size = work->size;
    for (size_t first = 0; first < n; first += BLOCK_ROWS) {
        work->rows = rows + first * work->teacher->features.n_columns;
        work->n_rows = n - first < BLOCK_ROWS ? n - first : BLOCK_ROWS;
        dpm_pool_run(work->pool, strips(work->n_rows), make_features, work);
        dpm_pool_run(work->pool, strips(size), add_moments, work);
        for (size_t i = 0; i < work->n_rows; i++)
            for (size_t j = 0; j < size; j++)
                work->mean[j] += work->features[i * size + j] / (double)n;
    }
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            work->covariance[i * size + j] =
                (float)(work->covariance[i * size + j] / (double)n - work->mean[i] * work->mean[j]);
}

/* ---- Its eigenvectors ---- */

/* A dpm_task_fn: some lines of next = basis covariance. */
static void multiply(void *context, size_t task, int worker)
{
    struct work *work = context;
    size_t size = work->size, first = task * STRIP;
    size_t n = work->count - first < STRIP ? work->count - first : STRIP;
    (void)worker;
    dpm_mat_mul(work->next + first * size, size, work->basis + first * size, size, work->covariance, size, n,
                size, size);
}

/* The eigenvectors of the symmetric matrix small into `vectors`, their eigenvalues into `values`. */
static int decompose_small(struct work *work)
{
    size_t count = work->count;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            work->gram[i * count + j] = ((double)work->small[i * count + j] + work->small[j * count + i]) / 2;
    return dpm_eigen_largest(work->eigen, work->values, work->vectors, work->gram, count, count);
}

/* basis = vectors next, line i times scales[i]. */
static void rotate(struct work *work, const double *scales)
{
    size_t count = work->count, size = work->size;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            work->small[i * count + j] = (float)(scales[i] * work->vectors[i * count + j]);
    dpm_mat_mul(work->basis, size, work->small, count, work->next, size, count, size, count);
}

/* Makes the lines of `next` an orthonormal basis by the eigenvectors of their inner products, twice
 * (Stathopoulos and Wu, A block orthogonalization procedure with constant synchronization requirements, SISC
 * 2002). */
static int orthonormalise(struct work *work)
{
    size_t count = work->count, size = work->size;
    for (int pass = 0; pass < 2; pass++) {
        dpm_mat_mul_bt(work->small, count, work->next, size, work->next, size, count, count, size);
        int status = decompose_small(work);
        if (status)
            return status;
        double least = fmax(1e-7 * work->values[0], 1e-30); /* below, rounding is all there is */
        for (size_t i = 0; i < count; i++)
            work->values[i] = 1 / sqrt(fmax(work->values[i], least));
        rotate(work, work->values);
        memcpy(work->next, work->basis, count * size * sizeof *work->next);
    }
    return DPMIX_OK;
}

/* A basis of the leading directions into `next`, as vectors and values tell to turn it. */
static int iterate(struct work *work)
{
    size_t count = work->count, size = work->size;
    uint8_t key[DPM_KEY_SIZE];
    struct dpm_stream stream;
    dpm_random_seed(key, 0);
    dpm_stream_open(&stream, key, DPM_STREAM_MODEL, 0, 0);
    dpm_stream_normals(&stream, work->next, count * size);
    dpm_stream_wipe(&stream);
    int status = orthonormalise(work);
    for (int i = 0; !status && i < ITERATIONS; i++) {
        dpm_pool_run(work->pool, strips(count), multiply, work);
        status = orthonormalise(work);
    }
    if (status)
        return status;
    dpm_pool_run(work->pool, strips(count), multiply, work);
    dpm_mat_mul_bt(work->small, count, work->next, size, work->basis, size, count, count, size);
    memcpy(work->next, work->basis, count * size * sizeof *work->next);
    return decompose_small(work);
}

static void set_directions(struct dpm_teacher *teacher, struct work *work)
{
    size_t directions = teacher->width - 1, size = work->size;
    double least = fmax(least_eigenvalue * work->values[0], 1e-30);
    for (size_t i = 0; i < work->count; i++)
        work->values[i] = 1 / sqrt(fmax(work->values[i], least) * (double)directions);
    rotate(work, work->values);
    memcpy(teacher->directions, work->basis, directions * size * sizeof *teacher->directions);
    for (size_t i = 0; i < directions; i++) {
        double along = 0;
        for (size_t j = 0; j < size; j++)
            along += teacher->directions[i * size + j] * work->mean[j];
        teacher->offset[i] = (float)along;
    }
}

int dpm_teacher_set_whitening(struct dpm_teacher *teacher, const float *rows, size_t n, struct dpm_pool *pool)
{
    size_t size = teacher->features.size, count = teacher->width - 1 + MORE_DIRECTIONS;
    struct work work = {.teacher = teacher, .pool = pool, .size = size, .count = count < size ? count : size};
    int status = allocate(&work);
    if (!status) {
        set_covariance(&work, rows, n);
        status = iterate(&work);
    }
    if (!status)
        set_directions(teacher, &work);
    free_work(&work);
    return status;
}
