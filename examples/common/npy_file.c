/* SPDX-License-Identifier: BSD-3-Clause */
#include "npy_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { HEADER = 65536, PIECE = 1 << 20, VALUE = 8 };

static const char magic[] = "\x93NUMPY";
static const size_t most_values = (size_t)1 << 40;

struct array {
    gzFile file;
    char type[4]; /* such as "<f4" */
    int dimensions;
    size_t n, columns; /* columns: 1 where there is one dimension */
};

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return -1;
}

/* The dictionary as NumPy itself writes it, which is the only form that is read. */
static int read_header(struct array *a)
{
    static char text[HEADER];
    unsigned char start[12] = {0};
    char order[6];
    unsigned long long n, columns = 1;
    if (gzread(a->file, start, 10) != 10 || memcmp(start, magic, 6) != 0)
        return -1;
    size_t length = start[8] | (size_t)start[9] << 8;
    if (start[6] > 1) {
        if (gzread(a->file, start + 10, 2) != 2 || start[10] || start[11])
            return -1;
    }
    if (length >= HEADER || gzread(a->file, text, (unsigned)length) != (int)length)
        return -1;
    text[length] = '\0';
    if (sscanf(text, "{'descr': '%3[^']', 'fortran_order': %5[A-Za-z], 'shape': (%llu,%llu", a->type, order,
               &n, &columns) < 3)
        return -1;
    const char *shape = strchr(text, '('), *end = shape ? strchr(shape, ')') : NULL;
    a->dimensions = 1;
    for (const char *at = shape; end && at < end; at++)
        a->dimensions += *at == ',' && at + 1 < end;
    a->n = (size_t)n;
    a->columns = (size_t)columns;
    const int bad = !end || strcmp(order, "False") != 0 || columns < 1 || n > most_values / columns;
    return bad ? -1 : 0;
}

static int open_array(struct array *a, const char *path)
{
    *a = (struct array){.file = gzopen(path, "rb")};
    if (!a->file)
        return complain(path, "cannot be read");
    if (read_header(a) == 0)
        return 0;
    gzclose(a->file);
    return complain(path, "not an NPY file that numpy.save() writes of an array in C's order");
}

static size_t value_size(const struct array *a)
{
    return (size_t)(a->type[2] - '0');
}

/* The next n values, at most PIECE of them, as doubles; bytes are little-endian. */
static int read_values(double *values, struct array *a, size_t n)
{
    static unsigned char bytes[PIECE * VALUE];
    const size_t size = value_size(a);
    if (gzread(a->file, bytes, (unsigned)(n * size)) != (int)(n * size))
        return -1;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = 0;
        for (size_t b = 0; b < size; b++)
            bits |= (uint64_t)bytes[i * size + b] << (8 * b);
        if (a->type[1] == 'f' && size == 4) {
            const uint32_t low = (uint32_t)bits;
            float value;
            memcpy(&value, &low, sizeof(value));
            values[i] = (double)value;
        } else if (a->type[1] == 'f') {
            memcpy(&values[i], &bits, sizeof(bits));
        } else {
            const uint64_t sign = (uint64_t)1 << (8 * size - 1); /* a label is small, or no label */
            values[i] = a->type[1] == 'i' && (bits & sign) ? -1.0 : (double)bits;
        }
    }
    return 0;
}

typedef void keep_value(void *out, size_t i, double value);

static int read_all(void *out, struct array *a, keep_value *keep)
{
    const size_t total = a->n * a->columns;
    double *values = malloc(PIECE * sizeof(*values));
    int failed = values ? 0 : -1;
    for (size_t done = 0; failed == 0 && done < total; done += PIECE) {
        const size_t n = total - done < PIECE ? total - done : PIECE;
        failed = read_values(values, a, n);
        for (size_t i = 0; failed == 0 && i < n; i++)
            keep(out, done + i, values[i]);
    }
    free(values);
    return failed;
}

static void keep_float(void *out, size_t i, double value)
{
    ((float *)out)[i] = (float)value;
}

static void keep_label(void *out, size_t i, double value)
{
    ((int *)out)[i] = value >= 0.0 && value < 256.0 ? (int)value : 256;
}

static int known(const struct array *a, const char *const *types)
{
    for (; *types; types++)
        if (strcmp(a->type, *types) == 0)
            return 1;
    return 0;
}

int npy_read_rows(float **rows, size_t *n, size_t *columns, const char *path)
{
    static const char *const types[] = {"<f4", "<f8", NULL};
    struct array a;
    if (open_array(&a, path) != 0)
        return -1;
    int failed = 0;
    *rows = NULL;
    if (a.dimensions != 2 || !known(&a, types))
        failed = complain(path, "does not hold rows of float32 or float64");
    if (failed == 0) {
        *rows = calloc(a.n * a.columns + 1, sizeof(**rows));
        if (!*rows || read_all(*rows, &a, keep_float) != 0)
            failed = complain(path, *rows ? "truncated or damaged" : "out of memory");
    }
    gzclose(a.file);
    if (failed != 0)
        free(*rows);
    *n = a.n;
    *columns = a.columns;
    return failed;
}

int npy_read_labels(uint8_t **labels, size_t *n, const char *path, int classes)
{
    static const char *const types[] = {"|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", NULL};
    struct array a;
    if (open_array(&a, path) != 0)
        return -1;
    int failed = 0, *found = NULL;
    *labels = NULL;
    if (a.dimensions != 1 || !known(&a, types))
        failed = complain(path, "does not hold one integer for each record");
    if (failed == 0) {
        found = calloc(a.n + 1, sizeof(*found));
        *labels = calloc(a.n + 1, 1);
        if (!found || !*labels || read_all(found, &a, keep_label) != 0)
            failed = complain(path, found && *labels ? "truncated or damaged" : "out of memory");
    }
    for (size_t i = 0; failed == 0 && i < a.n; i++) {
        if (found[i] >= classes)
            failed = complain(path, "holds a label that is not below the number of classes");
        (*labels)[i] = (uint8_t)found[i];
    }
    gzclose(a.file);
    free(found);
    if (failed != 0)
        free(*labels);
    *n = a.n;
    return failed;
}

int npy_is_file(const char *path)
{
    char start[6] = {0};
    gzFile file = gzopen(path, "rb");
    const int found = file && gzread(file, start, 6) == 6 && memcmp(start, magic, 6) == 0;
    if (file)
        gzclose(file);
    return found;
}

/* The header is padded so that values begin at a multiple of 64 bytes, as the format asks. */
static int write_array(const char *path, const char *type, const char *shape, const void *bytes, size_t size)
{
    char text[118 + 1];
    const unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
    const int used =
        snprintf(text, sizeof(text), "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    memset(text + used, ' ', sizeof(text) - 1 - (size_t)used);
    text[117] = '\n';
    FILE *file = fopen(path, "wb");
    if (!file)
        return complain(path, "cannot be written");
    int failed = fwrite(start, 1, 10, file) != 10 || fwrite(text, 1, 118, file) != 118 ||
                 fwrite(bytes, 1, size, file) != size;
    failed = fclose(file) != 0 || failed;
    return failed ? complain(path, "cannot be written") : 0;
}

int npy_write_rows(const char *path, const float *rows, size_t n, size_t columns)
{
    const uint16_t one = 1;
    char shape[48];
    snprintf(shape, sizeof(shape), "(%zu, %zu)", n, columns);
    return write_array(path, *(const unsigned char *)&one ? "<f4" : ">f4", shape, rows,
                       n * columns * sizeof(*rows));
}

int npy_write_labels(const char *path, const uint8_t *labels, size_t n)
{
    char shape[32];
    snprintf(shape, sizeof(shape), "(%zu,)", n);
    return write_array(path, "|u1", shape, labels, n);
}
