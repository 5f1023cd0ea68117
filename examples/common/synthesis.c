/* SPDX-License-Identifier: BSD-3-Clause */
#include "synthesis.h"

#include "byte_value.h"
#include "idx_write.h"
#include "png_sheet.h"

#include <dpmix/feature.h>
#include <dpmix/status.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Records are drawn and written in pieces, so that memory does not grow with their number. */
enum { PIECE = 1000, ROWS_WITHOUT_LABELS = 10, LARGEST_PICTURE = 1024 };
enum { SCALES = 2, ANGLES = 8 }; /* of a teacher's features */

struct synthesis {
    const dpmix_mixture *mixture;
    size_t columns;
    float *rows;
    int classes;          /* 0 when the model has no labels */
    float *probabilities; /* of the classes; NULL without labels */
    uint8_t *bytes, *label_bytes, *soft_bytes;
    struct idx_writer images_file, labels_file, soft_file;
    struct png_sheet sheet; /* not open when a record is no picture of a sensible size */
};

static int has_features(const struct idx_shape *shape)
{
    size_t channels, positions;
    const size_t columns = shape->height * shape->width, side = (size_t)lround(sqrt((double)columns));
    return side * side == columns &&
           dpmix_feature_scattering_size(&channels, &positions, side, SCALES, ANGLES) == DPMIX_OK;
}

int synthesis_check(const char *program, const dpmix_options *options, const struct idx_shape *shape,
                    int taught, int makes_labels)
{
    double fraction = 0.0, mix = 0.0;
    int64_t features = 0, labels = 0;
    const char *what = NULL;
    if (dpmix_options_get_double(options, &fraction, DPMIX_OPTION_AUGMENT_FRACTION) != DPMIX_OK ||
        dpmix_options_get_double(options, &mix, DPMIX_OPTION_AUGMENT_MIX) != DPMIX_OK ||
        dpmix_options_get_int(options, &features, DPMIX_OPTION_TEACHER_FEATURES) != DPMIX_OK ||
        dpmix_options_get_int(options, &labels, DPMIX_OPTION_LABELS) != DPMIX_OK)
        what = dpmix_last_error();
    else if (taught && features == DPMIX_TEACHER_FEATURES_SCATTERING && !has_features(shape))
        what = "option 'teacher_features': the images are not square, or of a side that has no such features";
    else if (fraction > 0.0 && mix > 0.0 && makes_labels &&
             (labels == DPMIX_LABELS_MODEL || (!taught && labels != DPMIX_LABELS_TEACHER)))
        what = "option 'augment_mix': mixed records need the labels of a teacher";
    if (what)
        fprintf(stderr, "%s: %s\n", program, what);
    return what ? -1 : 0;
}

int synthesis_has_sheet(const struct idx_shape *shape)
{
    return shape->height <= LARGEST_PICTURE && shape->width <= LARGEST_PICTURE;
}

static int synthesis_open(struct synthesis *s, const struct idx_shape *shape, size_t records,
                          const struct output_files *files)
{
    const size_t sizes[] = {records, shape->height, shape->width};
    s->classes = dpmix_mixture_classes(s->mixture);
    const size_t classes = s->classes > 0 ? (size_t)s->classes : 0;
    const size_t sheet_rows = classes > 0 ? classes : ROWS_WITHOUT_LABELS, soft_sizes[] = {records, classes};
    s->columns = dpmix_mixture_columns(s->mixture);
    if (s->columns != shape->height * shape->width) {
        fputs("release_images: the images changed while they were read\n", stderr);
        return -1;
    }
    s->rows = calloc(PIECE * s->columns, sizeof(*s->rows));
    s->bytes = calloc(PIECE, s->columns);
    s->label_bytes = calloc(PIECE, 1);
    if (classes > 0) {
        s->probabilities = calloc(PIECE * classes, sizeof(*s->probabilities));
        s->soft_bytes = calloc(PIECE, classes);
    }
    int failed =
        !s->rows || !s->bytes || !s->label_bytes || (classes > 0 && (!s->probabilities || !s->soft_bytes));
    if (!failed && synthesis_has_sheet(shape))
        failed = png_sheet_open(&s->sheet, sheet_rows, shape->height, shape->width);
    if (failed) {
        fputs("release_images: out of memory\n", stderr);
        return -1;
    }
    if (idx_write_open(&s->images_file, files->images, sizes, 3) != 0)
        return -1;
    if (classes == 0) {
        remove(files->labels); /* an earlier release's labels would not fit these records */
        return 0;
    }
    if (files->soft_labels && idx_write_open(&s->soft_file, files->soft_labels, soft_sizes, 2) != 0)
        return -1;
    return idx_write_open(&s->labels_file, files->labels, sizes, 1);
}

static int synthesis_close(struct synthesis *s)
{
    int failed = idx_write_close(&s->images_file);
    if (idx_write_close(&s->labels_file) != 0)
        failed = -1;
    if (idx_write_close(&s->soft_file) != 0)
        failed = -1;
    png_sheet_close(&s->sheet);
    free(s->rows);
    free(s->probabilities);
    free(s->bytes);
    free(s->label_bytes);
    free(s->soft_bytes);
    return failed;
}

/* The class with the largest probability, of equals the first, as dpmix_mixture_sample() has it. */
static void set_label(struct synthesis *s, size_t i)
{
    const float *probability = s->probabilities + i * (size_t)s->classes;
    int label = 0;
    for (int c = 1; c < s->classes; c++)
        if (probability[c] > probability[label])
            label = c;
    s->label_bytes[i] = (uint8_t)label;
}

/* Square roots are the probabilities at twice the temperature: a teacher is surer than it is right, and its
 * second thoughts are what a pupil learns from beside the label. Bytes are in proportion. */
static void set_soft_label(struct synthesis *s, size_t i)
{
    const float *probability = s->probabilities + i * (size_t)s->classes;
    float sum = 0;
    for (int c = 0; c < s->classes; c++)
        sum += sqrtf(probability[c]);
    for (int c = 0; c < s->classes; c++)
        s->soft_bytes[i * (size_t)s->classes + (size_t)c] = byte_of_value(255 * sqrtf(probability[c]) / sum);
}

/* Sampling is post-processing: it costs no privacy, with a seed or without. */
static int sample_piece(struct synthesis *s, size_t first, size_t n)
{
    return s->classes > 0 ? dpmix_mixture_sample_soft(s->mixture, s->rows, s->probabilities, first, n,
                                                      s->columns, s->classes, NULL)
                          : dpmix_mixture_sample(s->mixture, s->rows, NULL, first, n, s->columns, NULL);
}

static int write_piece(struct synthesis *s, size_t first, size_t n)
{
    if (sample_piece(s, first, n) != DPMIX_OK) {
        fprintf(stderr, "release_images: %s\n", dpmix_last_error());
        return -1;
    }
    for (size_t i = 0; i < n * s->columns; i++)
        s->bytes[i] = byte_of_value(s->rows[i]);
    for (size_t i = 0; i < n; i++) {
        if (s->classes > 0)
            set_label(s, i);
        if (s->soft_file.file)
            set_soft_label(s, i);
        if (s->sheet.pixels)
            png_sheet_offer(&s->sheet, s->classes > 0 ? s->label_bytes[i] : (first + i) / PNG_SHEET_COLUMNS,
                            s->bytes + i * s->columns);
    }
    if (idx_write(&s->images_file, s->bytes, n * s->columns) != 0)
        return -1;
    if (s->soft_file.file && idx_write(&s->soft_file, s->soft_bytes, n * (size_t)s->classes) != 0)
        return -1;
    return s->classes > 0 ? idx_write(&s->labels_file, s->label_bytes, n) : 0;
}

int synthesis_write(const dpmix_mixture *mixture, const struct idx_shape *shape, size_t records,
                    const struct output_files *files, struct progress *progress)
{
    struct synthesis s = {.mixture = mixture};
    int failed = synthesis_open(&s, shape, records, files);
    for (size_t first = 0; failed == 0 && first < records; first += PIECE) {
        const size_t left = records - first;
        const size_t n = left < PIECE ? left : PIECE;
        failed = write_piece(&s, first, n);
        if (failed == 0)
            progress_update(progress, "sampling", first + n, records);
    }
    progress_close(progress);
    if (failed == 0 && s.sheet.pixels)
        failed = png_sheet_write(&s.sheet, files->sheet);
    if (failed == 0 && !s.sheet.pixels)
        fputs("release_images: the records are too large for a sheet of pictures; none is written\n", stderr);
    return synthesis_close(&s) != 0 ? -1 : failed;
}
