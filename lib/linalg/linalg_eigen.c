/* SPDX-License-Identifier: BSD-3-Clause */
#include "linalg_eigen.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <assert.h>
#include <lapacke.h>

enum { LARGEST = 30000 }; /* rows: n^2 stays far below the range of LAPACK's 32-bit sizes */

struct dpm_eigen {
    lapack_int n;
    lapack_int work_size, integer_work_size;
    double *work, *values, *vectors;
    lapack_int *integer_work, *support;
};

int dpm_eigen_new(struct dpm_eigen **out, size_t n)
{
    if (n > LARGEST)
        return dpm_fail(DPMIX_ERR_RANGE, "columns: more than %d are too many for a full covariance", LARGEST);
    struct dpm_eigen *eigen = dpm_alloc(1, sizeof *eigen);
    if (!eigen)
        return DPMIX_ERR_NOMEM;
    eigen->n = (lapack_int)n;
    double work_size, no_values = 0;
    lapack_int found;
    lapack_int failed =
        LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, 'V', 'I', 'L', eigen->n, &no_values, eigen->n, 0, 0, 1,
                            eigen->n, 0, &found, &no_values, &no_values, eigen->n, &eigen->integer_work_size,
                            &work_size, -1, &eigen->integer_work_size, -1);
    if (failed) {
        dpm_free(eigen);
        return dpm_fail(DPMIX_ERR_INTERNAL, "LAPACK refuses a matrix of this size");
    }
    eigen->work_size = (lapack_int)work_size;
    eigen->work = dpm_alloc((size_t)eigen->work_size, sizeof(double));
    eigen->integer_work = dpm_alloc((size_t)eigen->integer_work_size, sizeof(lapack_int));
    eigen->values = dpm_alloc(n, sizeof(double));
    eigen->vectors = dpm_alloc(n, n * sizeof(double));
    eigen->support = dpm_alloc(2 * n, sizeof(lapack_int));
    if (!eigen->work || !eigen->integer_work || !eigen->values || !eigen->vectors || !eigen->support) {
        dpm_eigen_free(eigen);
        return DPMIX_ERR_NOMEM;
    }
    *out = eigen;
    return DPMIX_OK;
}

void dpm_eigen_free(struct dpm_eigen *eigen)
{
    if (!eigen)
        return;
    dpm_free(eigen->work);
    dpm_free(eigen->integer_work);
    dpm_free(eigen->values);
    dpm_free(eigen->vectors);
    dpm_free(eigen->support);
    dpm_free(eigen);
}

int dpm_eigen_largest(struct dpm_eigen *eigen, double *values, double *vectors, double *matrix, size_t n,
                      size_t count)
{
    assert(count >= 1 && count <= n && n <= (size_t)eigen->n);
    lapack_int order = (lapack_int)n, found = 0;
    /* Read by columns, LAPACK's native order: a vector is a contiguous run, and the smallest value comes
     * first. */
    lapack_int failed = LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, 'V', 'I', 'L', order, matrix, order, 0, 0,
                                            order - (lapack_int)count + 1, order, 0, &found, eigen->values,
                                            eigen->vectors, order, eigen->support, eigen->work,
                                            eigen->work_size, eigen->integer_work, eigen->integer_work_size);
    if (failed || found != (lapack_int)count)
        return dpm_fail(DPMIX_ERR_INTERNAL, "the eigenvalue iteration did not converge");
    for (size_t i = 0; i < count; i++) {
        size_t from = count - 1 - i;
        values[i] = eigen->values[from];
        for (size_t j = 0; j < n; j++)
            vectors[i * n + j] = eigen->vectors[from * n + j];
    }
    return DPMIX_OK;
}
