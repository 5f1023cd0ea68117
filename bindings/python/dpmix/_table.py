# SPDX-License-Identifier: BSD-3-Clause
"""The C interface, as the headers in include/dpmix declare it.

tests/bindings/table.py writes this file and compares it with the headers; change those and run it.
"""

import ctypes
from typing import Dict

SIZE_MAX = 2 ** (8 * ctypes.sizeof(ctypes.c_size_t)) - 1

# DPMIX_CHECK: it returns a status.
FUNCTIONS = """\
DPMIX_CHECK int dpmix_accountant_budget(const dpmix_accountant *accountant, double *epsilon, double *delta, int *adjacency)
void dpmix_accountant_free(dpmix_accountant *accountant)
DPMIX_CHECK int dpmix_accountant_json(const dpmix_accountant *accountant, char *text, size_t capacity, size_t *length)
DPMIX_CHECK int dpmix_accountant_mode(const dpmix_accountant *accountant, int *mode, double *order)
DPMIX_CHECK int dpmix_accountant_new(dpmix_accountant **out, double epsilon, double delta, int adjacency)
DPMIX_CHECK int dpmix_accountant_new_adaptive(dpmix_accountant **out, double epsilon, double delta, int adjacency, int mode, double order)
DPMIX_CHECK int dpmix_accountant_noise(const dpmix_accountant *accountant, double *noise, double share, const int *mechanisms, const double *relative_noise, const double *rates, const uint64_t *counts, size_t n)
DPMIX_CHECK int dpmix_accountant_open(dpmix_accountant **out, const char *path, const char *dataset, double epsilon, double delta, int adjacency)
DPMIX_CHECK int dpmix_accountant_open_adaptive(dpmix_accountant **out, const char *path, const char *dataset, double epsilon, double delta, int adjacency, int mode, double order)
DPMIX_CHECK int dpmix_accountant_report(const dpmix_accountant *accountant, char *text, size_t capacity, size_t *length)
DPMIX_CHECK int dpmix_accountant_spent(const dpmix_accountant *accountant, double *epsilon)
DPMIX_CHECK int dpmix_accountant_spent_group(const dpmix_accountant *accountant, double *epsilon, int group)
DPMIX_CHECK int dpmix_audit_epsilon(double *epsilon, const double *scores, const uint8_t *included, size_t n_canaries, size_t guesses_in, size_t guesses_out, double delta, double confidence)
DPMIX_CHECK int dpmix_audit_epsilon_count(double *epsilon, size_t n_canaries, size_t n_guesses, size_t n_right, double delta, double confidence)
DPMIX_CHECK int dpmix_audit_gaussian(double *mu, double *epsilon, const double *scores, const uint8_t *included, size_t n_canaries, size_t guesses_in, size_t guesses_out, double delta, double confidence)
DPMIX_CHECK int dpmix_audit_gaussian_count(double *mu, double *epsilon, size_t n_canaries, size_t n_guesses, size_t n_right, double delta, double confidence)
DPMIX_CHECK int dpmix_calculate_delta(double *delta, const int *mechanisms, const double *noise, const double *rates, const uint64_t *counts, size_t n, int adjacency, int group, double epsilon)
DPMIX_CHECK int dpmix_calculate_epsilon(double *epsilon, const int *mechanisms, const double *noise, const double *rates, const uint64_t *counts, size_t n, int adjacency, int group, double delta)
DPMIX_CHECK int dpmix_calculate_noise(double *noise, const int *mechanisms, const double *relative_noise, const double *rates, const uint64_t *counts, size_t n, int adjacency, double delta, double epsilon)
DPMIX_CHECK int dpmix_calculate_rdp(double *rdp, const int *mechanisms, const double *noise, const double *rates, const uint64_t *counts, size_t n, int adjacency, double order)
DPMIX_CHECK int dpmix_clusterer_assign(const dpmix_clusterer *clusterer, int32_t *parts, const float *rows, size_t n_rows, size_t n_columns, const int32_t *labels)
DPMIX_CHECK int dpmix_clusterer_centres(const dpmix_clusterer *clusterer, double *centres, size_t n_parts, size_t n_columns)
size_t dpmix_clusterer_columns(const dpmix_clusterer *clusterer)
DPMIX_CHECK int dpmix_clusterer_fit(dpmix_clusterer *clusterer, dpmix_accountant *accountant, dpmix_dataset *dataset, double share, dpmix_progress_fn progress, void *user)
void dpmix_clusterer_free(dpmix_clusterer *clusterer)
DPMIX_CHECK int dpmix_clusterer_ledger(const dpmix_clusterer *clusterer, char *text, size_t capacity, size_t *length)
DPMIX_CHECK int dpmix_clusterer_load(dpmix_clusterer **out, const char *path)
DPMIX_CHECK int dpmix_clusterer_new(dpmix_clusterer **out, int kind, const dpmix_options *options)
int dpmix_clusterer_parts(const dpmix_clusterer *clusterer)
DPMIX_CHECK int dpmix_clusterer_plan(const dpmix_clusterer *clusterer, double *epsilon, double *noise_multiplier, double *bytes, double *seconds, const dpmix_accountant *accountant, double share, size_t n_rows, size_t n_columns, int n_classes)
DPMIX_CHECK int dpmix_clusterer_save(const dpmix_clusterer *clusterer, const char *path)
DPMIX_CHECK int dpmix_clusterer_weights(const dpmix_clusterer *clusterer, double *weights, size_t n_parts)
int dpmix_dataset_classes(const dpmix_dataset *dataset)
size_t dpmix_dataset_columns(const dpmix_dataset *dataset)
void dpmix_dataset_free(dpmix_dataset *dataset)
DPMIX_CHECK int dpmix_dataset_new_arrow(dpmix_dataset **out, const dpmix_schema *schema, struct ArrowArray *array, struct ArrowSchema *types)
DPMIX_CHECK int dpmix_dataset_new_f32(dpmix_dataset **out, const float *rows, size_t n_rows, size_t n_columns, const int32_t *labels, int n_classes, const double *lower, const double *upper, size_t n_bounds, int storage)
DPMIX_CHECK int dpmix_dataset_new_f64(dpmix_dataset **out, const double *rows, size_t n_rows, size_t n_columns, const int32_t *labels, int n_classes, const double *lower, const double *upper, size_t n_bounds, int storage)
DPMIX_CHECK int dpmix_dataset_new_idx(dpmix_dataset **out, const char *images_path, const char *labels_path, int n_classes, double lower, double upper)
DPMIX_CHECK int dpmix_dataset_new_npy(dpmix_dataset **out, const char *rows_path, const char *labels_path, int n_classes, const double *lower, const double *upper, size_t n_bounds)
DPMIX_CHECK int dpmix_dataset_new_stream(dpmix_dataset **out, const dpmix_schema *schema, struct ArrowArrayStream *stream)
DPMIX_CHECK int dpmix_dataset_new_text(dpmix_dataset **out, const dpmix_schema *schema, const char *const *cells, size_t n_rows, size_t n_columns)
DPMIX_CHECK int dpmix_dataset_new_u8(dpmix_dataset **out, const uint8_t *rows, size_t n_rows, size_t n_columns, const int32_t *labels, int n_classes, const double *lower, const double *upper, size_t n_bounds, int storage)
DPMIX_CHECK int dpmix_dataset_set_groups(dpmix_dataset *dataset, const int32_t *groups, size_t n_columns)
DPMIX_CHECK int dpmix_dataset_set_images(dpmix_dataset *dataset, size_t side)
DPMIX_CHECK int dpmix_feature_dct(float *out, const float *rows, size_t n_rows, size_t side, size_t radius)
DPMIX_CHECK int dpmix_feature_dct_inverse(float *out, const float *rows, size_t n_rows, size_t side, size_t radius)
DPMIX_CHECK int dpmix_feature_dct_size(size_t *dims, size_t side, size_t radius)
DPMIX_CHECK int dpmix_feature_distance(float *out, const float *rows, size_t n_rows, size_t side)
DPMIX_CHECK int dpmix_feature_distance_inverse(float *out, const float *rows, size_t n_rows, size_t side)
DPMIX_CHECK int dpmix_feature_scattering(float *out, const float *rows, size_t n_rows, size_t side, int scales, int angles, int groups)
DPMIX_CHECK int dpmix_feature_scattering_size(size_t *n_channels, size_t *n_positions, size_t side, int scales, int angles)
DPMIX_CHECK int dpmix_generator_assign(const dpmix_generator *generator, float *shares, const float *rows, const int32_t *labels, size_t n, size_t n_columns)
DPMIX_CHECK int dpmix_generator_checkpoint(dpmix_generator *generator, const char *path, uint64_t every)
int dpmix_generator_classes(const dpmix_generator *generator)
size_t dpmix_generator_columns(const dpmix_generator *generator)
DPMIX_CHECK int dpmix_generator_components(const dpmix_generator *generator, size_t *n)
DPMIX_CHECK int dpmix_generator_count(const dpmix_generator *generator, double *fractions, const size_t *offsets, size_t n_queries, const size_t *columns, const double *lower, const double *upper, size_t n_predicates, uint64_t n_samples, const uint64_t *seed)
DPMIX_CHECK int dpmix_generator_fit(dpmix_generator *generator, dpmix_accountant *accountant, dpmix_dataset *dataset, double share, dpmix_progress_fn progress, void *user)
void dpmix_generator_free(dpmix_generator *generator)
DPMIX_CHECK int dpmix_generator_ledger(const dpmix_generator *generator, char *text, size_t capacity, size_t *length)
DPMIX_CHECK int dpmix_generator_load(dpmix_generator **out, const char *path)
DPMIX_CHECK int dpmix_generator_log_density(const dpmix_generator *generator, double *out, const float *rows, const int32_t *labels, size_t n, size_t n_columns)
DPMIX_CHECK int dpmix_generator_new(dpmix_generator **out, int kind, const dpmix_options *options)
DPMIX_CHECK int dpmix_generator_plan(const dpmix_generator *generator, double *epsilon, double *noise_multiplier, double *bytes, double *seconds, const dpmix_accountant *accountant, double share, size_t n_rows, size_t n_columns, int n_classes, int n_parts)
DPMIX_CHECK int dpmix_generator_plan_table(const dpmix_generator *generator, double *epsilon, double *noise_multiplier, double *bytes, double *seconds, const dpmix_accountant *accountant, double share, size_t n_rows, const dpmix_schema *schema, int n_parts)
DPMIX_CHECK int dpmix_generator_resume(dpmix_generator **out, const char *path, dpmix_accountant *accountant, dpmix_dataset *dataset, dpmix_progress_fn progress, void *user)
DPMIX_CHECK int dpmix_generator_sample(const dpmix_generator *generator, float *rows, int32_t *labels, uint64_t first, size_t n, size_t n_columns, const uint64_t *seed)
DPMIX_CHECK int dpmix_generator_sample_f64(const dpmix_generator *generator, double *rows, int32_t *labels, uint64_t first, size_t n, size_t n_columns, const uint64_t *seed)
DPMIX_CHECK int dpmix_generator_save(const dpmix_generator *generator, const char *path)
DPMIX_CHECK int dpmix_generator_stream(const dpmix_generator *generator, struct ArrowArrayStream *stream, const dpmix_schema *schema, uint64_t n, const uint64_t *seed)
const char *dpmix_last_error(void)
DPMIX_CHECK int dpmix_memory_protect(int flags)
DPMIX_CHECK int dpmix_mixture_checkpoint(dpmix_mixture *mixture, const char *path, uint64_t every)
int dpmix_mixture_classes(const dpmix_mixture *mixture)
size_t dpmix_mixture_columns(const dpmix_mixture *mixture)
DPMIX_CHECK int dpmix_mixture_count(const dpmix_mixture *mixture, double *fractions, const size_t *offsets, size_t n_queries, const size_t *columns, const double *lower, const double *upper, size_t n_predicates, uint64_t n_samples, const uint64_t *seed)
DPMIX_CHECK int dpmix_mixture_fit(dpmix_mixture *mixture, dpmix_accountant *accountant, dpmix_dataset *dataset, double share, dpmix_progress_fn progress, void *user)
void dpmix_mixture_free(dpmix_mixture *mixture)
DPMIX_CHECK int dpmix_mixture_ledger(const dpmix_mixture *mixture, char *text, size_t capacity, size_t *length)
DPMIX_CHECK int dpmix_mixture_load(dpmix_mixture **out, const char *path)
DPMIX_CHECK int dpmix_mixture_new(dpmix_mixture **out, dpmix_clusterer *clusterer, const dpmix_generator *generator)
int dpmix_mixture_parts(const dpmix_mixture *mixture)
DPMIX_CHECK int dpmix_mixture_resume(dpmix_mixture **out, const char *path, dpmix_accountant *accountant, dpmix_dataset *dataset, dpmix_progress_fn progress, void *user)
DPMIX_CHECK int dpmix_mixture_sample(const dpmix_mixture *mixture, float *rows, int32_t *labels, uint64_t first, size_t n, size_t n_columns, const uint64_t *seed)
DPMIX_CHECK int dpmix_mixture_sample_f64(const dpmix_mixture *mixture, double *rows, int32_t *labels, uint64_t first, size_t n, size_t n_columns, const uint64_t *seed)
DPMIX_CHECK int dpmix_mixture_sample_soft(const dpmix_mixture *mixture, float *rows, float *probabilities, uint64_t first, size_t n, size_t n_columns, int n_classes, const uint64_t *seed)
DPMIX_CHECK int dpmix_mixture_save(const dpmix_mixture *mixture, const char *path)
DPMIX_CHECK int dpmix_mixture_stream(const dpmix_mixture *mixture, struct ArrowArrayStream *stream, const dpmix_schema *schema, uint64_t n, const uint64_t *seed)
DPMIX_CHECK int dpmix_mixture_teach(dpmix_mixture *mixture, dpmix_accountant *accountant, dpmix_dataset *dataset, double share, dpmix_progress_fn progress, void *user)
DPMIX_CHECK int dpmix_option_bounds(int key, double *lower, double *upper, double *preset)
int dpmix_option_by_name(const char *name)
const char *dpmix_option_doc(int key)
const char *dpmix_option_name(int key)
int dpmix_option_next(int key)
int dpmix_option_type(int key)
void dpmix_options_free(dpmix_options *options)
DPMIX_CHECK int dpmix_options_get_double(const dpmix_options *options, double *value, int key)
DPMIX_CHECK int dpmix_options_get_int(const dpmix_options *options, int64_t *value, int key)
DPMIX_CHECK int dpmix_options_new(dpmix_options **out)
DPMIX_CHECK int dpmix_options_set_double(dpmix_options *options, int key, double value)
DPMIX_CHECK int dpmix_options_set_int(dpmix_options *options, int key, int64_t value)
DPMIX_CHECK int dpmix_schema_add_boolean(dpmix_schema *schema, const char *name, int flags, int outside)
DPMIX_CHECK int dpmix_schema_add_categorical(dpmix_schema *schema, const char *name, const char *const *values, size_t n_values, const char *other, int flags, int outside)
DPMIX_CHECK int dpmix_schema_add_continuous(dpmix_schema *schema, const char *name, double lower, double upper, int flags, int outside)
DPMIX_CHECK int dpmix_schema_add_date(dpmix_schema *schema, const char *name, int64_t lower, int64_t upper, int flags, int outside)
DPMIX_CHECK int dpmix_schema_add_integer(dpmix_schema *schema, const char *name, int64_t lower, int64_t upper, int flags, int outside)
DPMIX_CHECK int dpmix_schema_add_ordinal(dpmix_schema *schema, const char *name, const char *const *values, size_t n_values, int flags, int outside)
DPMIX_CHECK int dpmix_schema_add_timestamp(dpmix_schema *schema, const char *name, int64_t lower, int64_t upper, int flags, int outside)
DPMIX_CHECK int dpmix_schema_add_unit(dpmix_schema *schema, const char *name, int64_t max_rows)
DPMIX_CHECK int dpmix_schema_arrow(const dpmix_schema *schema, struct ArrowSchema *types)
int dpmix_schema_classes(const dpmix_schema *schema)
size_t dpmix_schema_columns(const dpmix_schema *schema)
DPMIX_CHECK int dpmix_schema_decode_text(const dpmix_schema *schema, const float *rows, const int32_t *labels, uint64_t first, size_t n, size_t n_places, int categories, const uint64_t *seed, dpmix_record_fn each, void *user)
DPMIX_CHECK int dpmix_schema_encode_text(const dpmix_schema *schema, float *rows, int32_t *labels, const char *const *cells, size_t n_rows, size_t n_columns)
int dpmix_schema_flags(const dpmix_schema *schema, size_t column)
void dpmix_schema_free(dpmix_schema *schema)
DPMIX_CHECK int dpmix_schema_groups(const dpmix_schema *schema, int32_t *groups, size_t n_places)
DPMIX_CHECK int dpmix_schema_json(const dpmix_schema *schema, char *text, size_t capacity, size_t *length)
int dpmix_schema_kind(const dpmix_schema *schema, size_t column)
int64_t dpmix_schema_label(const dpmix_schema *schema)
DPMIX_CHECK int dpmix_schema_load(dpmix_schema **out, const char *path)
const char *dpmix_schema_name(const dpmix_schema *schema, size_t column)
DPMIX_CHECK int dpmix_schema_new(dpmix_schema **out)
DPMIX_CHECK int dpmix_schema_new_arrow(dpmix_schema **out, const struct ArrowSchema *types)
DPMIX_CHECK int dpmix_schema_new_json(dpmix_schema **out, const char *json)
const char *dpmix_schema_other(const dpmix_schema *schema, size_t column)
int dpmix_schema_outside(const dpmix_schema *schema, size_t column)
DPMIX_CHECK int dpmix_schema_places(const dpmix_schema *schema, size_t column, size_t *first, size_t *n)
DPMIX_CHECK int dpmix_schema_range(const dpmix_schema *schema, size_t column, double *lower, double *upper)
DPMIX_CHECK int dpmix_schema_range_int(const dpmix_schema *schema, size_t column, int64_t *lower, int64_t *upper)
DPMIX_CHECK int dpmix_schema_save(const dpmix_schema *schema, const char *path)
DPMIX_CHECK int dpmix_schema_set_label(dpmix_schema *schema, size_t column)
int64_t dpmix_schema_unit(const dpmix_schema *schema)
const char *dpmix_schema_value(const dpmix_schema *schema, size_t column, size_t value)
size_t dpmix_schema_values(const dpmix_schema *schema, size_t column)
size_t dpmix_schema_width(const dpmix_schema *schema)
const char *dpmix_strerror(int status)
const char *dpmix_version(void)
"""

CALLBACKS = """\
int (*dpmix_progress_fn)(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
int (*dpmix_record_fn)(void *user, uint64_t record, const char *const *cells, size_t n_columns)
"""

CONSTANTS: Dict[str, int] = {
    "DPMIX_ACTIVATION_LEAKY_RELU": 3,
    "DPMIX_ACTIVATION_RELU": 1,
    "DPMIX_ACTIVATION_SOFTPLUS": 4,
    "DPMIX_ACTIVATION_TANH": 2,
    "DPMIX_ADJACENCY_ADD_REMOVE": 1,
    "DPMIX_ADJACENCY_REPLACE_ONE": 2,
    "DPMIX_ADJACENCY_ZERO_OUT": 3,
    "DPMIX_AUGMENT_RULE": -1,
    "DPMIX_CLUSTERER_CORESET": 3,
    "DPMIX_CLUSTERER_KMEANS": 2,
    "DPMIX_CLUSTERER_LABEL": 1,
    "DPMIX_COLUMN_LABEL": SIZE_MAX,
    "DPMIX_COUNT_NOISE_GAUSSIAN": 1,
    "DPMIX_COUNT_NOISE_GEOMETRIC": 2,
    "DPMIX_DATE_MAX": 2932896,
    "DPMIX_DATE_MIN": -719162,
    "DPMIX_DECODE_DRAW": 1,
    "DPMIX_DECODE_LARGEST": 2,
    "DPMIX_ERR_ARG": -1,
    "DPMIX_ERR_BUDGET": -5,
    "DPMIX_ERR_CANCELLED": -6,
    "DPMIX_ERR_FORMAT": -8,
    "DPMIX_ERR_INTERNAL": -10,
    "DPMIX_ERR_IO": -7,
    "DPMIX_ERR_NOMEM": -4,
    "DPMIX_ERR_RANGE": -2,
    "DPMIX_ERR_STATE": -3,
    "DPMIX_ERR_UNSUPPORTED": -9,
    "DPMIX_GENERATOR_CGAN": 4,
    "DPMIX_GENERATOR_GAUSSIAN": 1,
    "DPMIX_GENERATOR_GMM": 5,
    "DPMIX_GENERATOR_PRODUCTS": 6,
    "DPMIX_GENERATOR_RBM": 3,
    "DPMIX_GENERATOR_VAE": 2,
    "DPMIX_GMM_BASIS_COLUMNS": 1,
    "DPMIX_GMM_BASIS_DCT": 2,
    "DPMIX_GMM_BASIS_RULE": 0,
    "DPMIX_GMM_COVARIANCE_DIAGONAL": 3,
    "DPMIX_GMM_COVARIANCE_FACTORS": 4,
    "DPMIX_GMM_COVARIANCE_FULL": 1,
    "DPMIX_GMM_COVARIANCE_TIED": 2,
    "DPMIX_GMM_DISTANCE_BOTH": 2,
    "DPMIX_GMM_DISTANCE_NONE": 0,
    "DPMIX_GMM_DISTANCE_ONLY": 1,
    "DPMIX_KIND_BOOLEAN": 5,
    "DPMIX_KIND_CATEGORICAL": 4,
    "DPMIX_KIND_CONTINUOUS": 1,
    "DPMIX_KIND_DATE": 6,
    "DPMIX_KIND_INTEGER": 2,
    "DPMIX_KIND_ORDINAL": 3,
    "DPMIX_KIND_TIMESTAMP": 7,
    "DPMIX_KIND_UNIT": 8,
    "DPMIX_LABELS_MODEL": 1,
    "DPMIX_LABELS_RULE": 0,
    "DPMIX_LABELS_TEACHER": 2,
    "DPMIX_MECHANISM_GAUSSIAN": 1,
    "DPMIX_MECHANISM_GEOMETRIC": 5,
    "DPMIX_MECHANISM_LAPLACE": 3,
    "DPMIX_MECHANISM_PURE": 7,
    "DPMIX_MECHANISM_RANDOMIZED_RESPONSE": 6,
    "DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN": 2,
    "DPMIX_MECHANISM_SUBSAMPLED_LAPLACE": 4,
    "DPMIX_MEMORY_LOCK": 2,
    "DPMIX_MEMORY_NO_DUMP": 1,
    "DPMIX_MODE_GAUSSIAN": 3,
    "DPMIX_MODE_PLANNED": 1,
    "DPMIX_MODE_RENYI": 2,
    "DPMIX_OK": 0,
    "DPMIX_OPTIMIZER_ADAM": 2,
    "DPMIX_OPTIMIZER_ADAMW": 3,
    "DPMIX_OPTIMIZER_SGD": 1,
    "DPMIX_OPTION_AUGMENT_ELASTIC": 112,
    "DPMIX_OPTION_AUGMENT_FRACTION": 107,
    "DPMIX_OPTION_AUGMENT_MIRROR": 113,
    "DPMIX_OPTION_AUGMENT_MIX": 114,
    "DPMIX_OPTION_AUGMENT_ROTATION": 108,
    "DPMIX_OPTION_AUGMENT_SCALE": 110,
    "DPMIX_OPTION_AUGMENT_SHEAR": 109,
    "DPMIX_OPTION_AUGMENT_SHIFT": 111,
    "DPMIX_OPTION_AVERAGING": 51,
    "DPMIX_OPTION_CGAN_CRITIC_STEPS": 73,
    "DPMIX_OPTION_CGAN_FAKES": 77,
    "DPMIX_OPTION_CGAN_HIDDEN": 71,
    "DPMIX_OPTION_CGAN_LAYERS": 72,
    "DPMIX_OPTION_CGAN_NOISE": 70,
    "DPMIX_OPTION_CGAN_OPTIMIZER": 75,
    "DPMIX_OPTION_CGAN_RATE": 76,
    "DPMIX_OPTION_CGAN_SMOOTHING": 74,
    "DPMIX_OPTION_CLIP_NORM": 23,
    "DPMIX_OPTION_CLIP_QUANTILE": 56,
    "DPMIX_OPTION_CLIP_RATE": 57,
    "DPMIX_OPTION_CLUSTERS": 10,
    "DPMIX_OPTION_CONDITIONAL": 24,
    "DPMIX_OPTION_CORESET_BITS": 15,
    "DPMIX_OPTION_COUNT_NOISE": 25,
    "DPMIX_OPTION_GAUSSIAN_RANK": 40,
    "DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP": 42,
    "DPMIX_OPTION_GAUSSIAN_ROW_CLIP": 41,
    "DPMIX_OPTION_GMM_BASIS": 81,
    "DPMIX_OPTION_GMM_COMPONENTS": 80,
    "DPMIX_OPTION_GMM_COVARIANCE": 83,
    "DPMIX_OPTION_GMM_DISTANCE": 89,
    "DPMIX_OPTION_GMM_EM_STEPS": 88,
    "DPMIX_OPTION_GMM_PRIOR_ROWS": 90,
    "DPMIX_OPTION_GMM_RADIUS": 82,
    "DPMIX_OPTION_GMM_RANK": 84,
    "DPMIX_OPTION_GMM_RESIDUAL_CLIP": 86,
    "DPMIX_OPTION_GMM_REST": 91,
    "DPMIX_OPTION_GMM_ROW_CLIP": 85,
    "DPMIX_OPTION_GMM_STEPS": 87,
    "DPMIX_OPTION_KMEANS_BANDWIDTH": 13,
    "DPMIX_OPTION_KMEANS_FEATURES": 12,
    "DPMIX_OPTION_KMEANS_ROW_CLIP": 14,
    "DPMIX_OPTION_KMEANS_STEPS": 11,
    "DPMIX_OPTION_LABELS": 100,
    "DPMIX_OPTION_LEARNING_RATE": 22,
    "DPMIX_OPTION_MOMENTUM": 27,
    "DPMIX_OPTION_NOISE_CORRECTION": 50,
    "DPMIX_OPTION_NOISE_SCHEDULE": 55,
    "DPMIX_OPTION_OPTIMIZER": 26,
    "DPMIX_OPTION_PRODUCTS_BINS": 94,
    "DPMIX_OPTION_PRODUCTS_COMPONENTS": 93,
    "DPMIX_OPTION_PRODUCTS_LABEL_WEIGHT": 96,
    "DPMIX_OPTION_PRODUCTS_STEPS": 95,
    "DPMIX_OPTION_RATE_END": 53,
    "DPMIX_OPTION_RATE_SCHEDULE": 52,
    "DPMIX_OPTION_RBM_BURN_IN": 63,
    "DPMIX_OPTION_RBM_CD_STEPS": 62,
    "DPMIX_OPTION_RBM_DEVIATION": 66,
    "DPMIX_OPTION_RBM_HIDDEN": 60,
    "DPMIX_OPTION_RBM_OUTPUT": 65,
    "DPMIX_OPTION_RBM_THINNING": 64,
    "DPMIX_OPTION_RBM_VISIBLE": 61,
    "DPMIX_OPTION_SAMPLING_RATE": 21,
    "DPMIX_OPTION_SECOND_MOMENT": 28,
    "DPMIX_OPTION_STEPS": 20,
    "DPMIX_OPTION_TEACHER_CLIP": 103,
    "DPMIX_OPTION_TEACHER_FEATURES": 106,
    "DPMIX_OPTION_TEACHER_RATE": 104,
    "DPMIX_OPTION_TEACHER_RECORDS": 105,
    "DPMIX_OPTION_TEACHER_STEPS": 101,
    "DPMIX_OPTION_TEACHER_WIDTH": 102,
    "DPMIX_OPTION_THREADS": 1,
    "DPMIX_OPTION_TYPE_DOUBLE": 2,
    "DPMIX_OPTION_TYPE_INT": 1,
    "DPMIX_OPTION_VAE_ACTIVATION": 33,
    "DPMIX_OPTION_VAE_BETA": 35,
    "DPMIX_OPTION_VAE_DEVIATION": 43,
    "DPMIX_OPTION_VAE_DRAW": 39,
    "DPMIX_OPTION_VAE_DRAWS": 36,
    "DPMIX_OPTION_VAE_HIDDEN": 30,
    "DPMIX_OPTION_VAE_HIDDEN_LAST": 44,
    "DPMIX_OPTION_VAE_LATENT": 31,
    "DPMIX_OPTION_VAE_LAYERS": 32,
    "DPMIX_OPTION_VAE_OUTPUT": 34,
    "DPMIX_OPTION_VAE_PRIOR": 37,
    "DPMIX_OPTION_VAE_PRIOR_SHARE": 38,
    "DPMIX_OPTION_WARMUP": 54,
    "DPMIX_OPTION_WEIGHT_DECAY": 29,
    "DPMIX_OUTSIDE_CLAMP": 1,
    "DPMIX_OUTSIDE_NULL": 3,
    "DPMIX_OUTSIDE_OTHER": 2,
    "DPMIX_PHASE_CLUSTER": 1,
    "DPMIX_PHASE_TRAIN": 2,
    "DPMIX_RATE_CONSTANT": 1,
    "DPMIX_RATE_COSINE": 3,
    "DPMIX_RATE_LINEAR": 2,
    "DPMIX_RBM_BERNOULLI": 1,
    "DPMIX_RBM_DRAWS": 2,
    "DPMIX_RBM_GAUSSIAN": 2,
    "DPMIX_RBM_MEANS": 1,
    "DPMIX_SCHEMA_LOG": 2,
    "DPMIX_SCHEMA_NULLABLE": 1,
    "DPMIX_STORAGE_BORROW": 2,
    "DPMIX_STORAGE_COPY": 1,
    "DPMIX_TEACHER_FEATURES_COLUMNS": 1,
    "DPMIX_TEACHER_FEATURES_RULE": 0,
    "DPMIX_TEACHER_FEATURES_SCATTERING": 2,
    "DPMIX_TIMESTAMP_MAX": 253402300799999999,
    "DPMIX_TIMESTAMP_MIN": -62135596800000000,
    "DPMIX_VAE_OUTPUT_BERNOULLI": 1,
    "DPMIX_VAE_OUTPUT_GAUSSIAN": 2,
    "DPMIX_VAE_OUTPUT_MIXED": 3,
    "DPMIX_VAE_PRIOR_GAUSSIAN": 2,
    "DPMIX_VAE_PRIOR_MIXTURE": 3,
    "DPMIX_VAE_PRIOR_NORMAL": 1,
}

# The values of options that choose among methods.
OPTION_VALUES: Dict[str, Dict[str, int]] = {
    "count_noise": {"gaussian": 1, "geometric": 2},
    "gmm_basis": {"rule": 0, "columns": 1, "dct": 2},
    "gmm_covariance": {"full": 1, "tied": 2, "diagonal": 3, "factors": 4},
    "gmm_distance": {"none": 0, "only": 1, "both": 2},
    "labels": {"rule": 0, "model": 1, "teacher": 2},
    "optimizer": {"sgd": 1, "adam": 2, "adamw": 3},
    "rate_schedule": {"constant": 1, "linear": 2, "cosine": 3},
    "rbm_output": {"means": 1, "draws": 2},
    "rbm_visible": {"bernoulli": 1, "gaussian": 2},
    "teacher_features": {"rule": 0, "columns": 1, "scattering": 2},
    "vae_activation": {"relu": 1, "tanh": 2, "leaky-relu": 3, "softplus": 4},
    "vae_output": {"bernoulli": 1, "gaussian": 2, "mixed": 3},
    "vae_prior": {"normal": 1, "gaussian": 2, "mixture": 3},
}
