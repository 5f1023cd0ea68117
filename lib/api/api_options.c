/* SPDX-License-Identifier: BSD-3-Clause */
/* The option table, and the handle that carries values. */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "base_alloc.h"

#include <math.h>
#include <string.h>

struct option {
    int key, type;
    const char *name;
    double lower, upper, preset;
    const char *doc;
};

#define INT DPMIX_OPTION_TYPE_INT
#define DOUBLE DPMIX_OPTION_TYPE_DOUBLE

/* In the order of the keys. A new option is a row here and a constant in dpmix/options.h. */
static const struct option table[] = {
    {DPMIX_OPTION_THREADS, INT, "threads", 0, 1024, 0, "threads of a fit; 0: one per processor"},
    {DPMIX_OPTION_CLUSTERS, INT, "clusters", 1, 10000, 10, "k-means: number of parts"},
    {DPMIX_OPTION_KMEANS_STEPS, INT, "kmeans_steps", 1, 100, 6, "k-means: iterations, each a noisy query"},
    {DPMIX_OPTION_KMEANS_FEATURES, INT, "kmeans_features", 2, 65536, 128,
     "k-means: random Fourier features, in pairs of cosine and sine; an odd number is rounded up"},
    {DPMIX_OPTION_KMEANS_BANDWIDTH, DOUBLE, "kmeans_bandwidth", 0, 1e6, 0,
     "k-means: bandwidth of the RBF kernel on columns scaled to [0, 1]; 0: a third of the square root of "
     "their number"},
    {DPMIX_OPTION_STEPS, INT, "steps", 1, 10000000, 300, "gradient descent: steps, each a noisy query"},
    {DPMIX_OPTION_SAMPLING_RATE, DOUBLE, "sampling_rate", 1e-9, 1, 0.03,
     "gradient descent: probability that a record takes part in a step"},
    {DPMIX_OPTION_LEARNING_RATE, DOUBLE, "learning_rate", 1e-9, 1e3, 8e-3,
     "gradient descent: step size"},
    {DPMIX_OPTION_CLIP_NORM, DOUBLE, "clip_norm", 1e-5, 1e6, 1,
     "gradient descent: bound on a record's gradient; with clip_quantile, where the bound starts"},
    {DPMIX_OPTION_CONDITIONAL, INT, "conditional", 0, 1, 1,
     "VAE: 1: it is given the label where the data set has one, and makes labels; 0: it is not; in a mixture "
     "by "
     "label the part is the label, and the option means nothing"},
    {DPMIX_OPTION_COUNT_NOISE, INT, "count_noise", DPMIX_COUNT_NOISE_GAUSSIAN, DPMIX_COUNT_NOISE_GEOMETRIC,
     DPMIX_COUNT_NOISE_GAUSSIAN,
     "partition by label, gradient descent: noise on the counts of records by class; 1: Gaussian, 2: geometric"},
    {DPMIX_OPTION_OPTIMIZER, INT, "optimizer", 1, 3, DPMIX_OPTIMIZER_ADAM,
     "gradient descent: 1: with momentum, 2: Adam, 3: AdamW"},
    {DPMIX_OPTION_MOMENTUM, DOUBLE, "momentum", 0, 0.9999, 0.9,
     "gradient descent: decay of the mean gradient; beta1 of Adam"},
    {DPMIX_OPTION_SECOND_MOMENT, DOUBLE, "second_moment", 0, 0.999999, 0.999,
     "gradient descent: decay of the mean square of the gradient; beta2 of Adam"},
    {DPMIX_OPTION_WEIGHT_DECAY, DOUBLE, "weight_decay", 0, 1e3, 0.01,
     "gradient descent: decoupled weight decay of AdamW; no other optimiser has any"},
    {DPMIX_OPTION_VAE_HIDDEN, INT, "vae_hidden", 1, 65536, 200, "VAE: width of the hidden layers"},
    {DPMIX_OPTION_VAE_LATENT, INT, "vae_latent", 1, 4096, 10, "VAE: dimensions of the latent space"},
    {DPMIX_OPTION_GAUSSIAN_RANK, INT, "gaussian_rank", 0, 30000, 0,
     "Gaussian: directions of the covariance; 0: those that stand out of the noise, 64 at most"},
    {DPMIX_OPTION_GAUSSIAN_ROW_CLIP, DOUBLE, "gaussian_row_clip", 1e-4, 1, 0.4,
     "Gaussian: bound on the norm of a record, columns scaled to [0, 1], over the square root of their "
     "number"},
    {DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP, DOUBLE, "gaussian_residual_clip", 1e-4, 1, 0.25,
     "Gaussian: bound on a record's distance from the mean of its part, in the same unit"},
    {DPMIX_OPTION_NOISE_CORRECTION, INT, "noise_correction", 0, 1, 0,
     "gradient descent: 1: Adam subtracts the known variance of the noise from its mean squares"},
    {DPMIX_OPTION_AVERAGING, DOUBLE, "averaging", 0, 0.999999, 0,
     "gradient descent: the model is the moving average of the weights with this decay; 0: the last weights"},
    {DPMIX_OPTION_RATE_SCHEDULE, INT, "rate_schedule", 1, 3, DPMIX_RATE_CONSTANT,
     "gradient descent: learning rate: 1: constant, 2: falls linearly, 3: falls as a cosine"},
    {DPMIX_OPTION_RATE_END, DOUBLE, "rate_end", 0, 1, 0,
     "gradient descent: where the falling learning rate ends, as a fraction of learning_rate"},
    {DPMIX_OPTION_WARMUP, DOUBLE, "warmup", 0, 1, 0,
     "gradient descent: fraction of the steps in which the learning rate grows from zero"},
    {DPMIX_OPTION_NOISE_SCHEDULE, DOUBLE, "noise_schedule", 0.01, 100, 1,
     "gradient descent: noise of the last step over that of the first, geometric between; 1: constant"},
    {DPMIX_OPTION_CLIP_QUANTILE, DOUBLE, "clip_quantile", 0, 0.99, 0,
     "gradient descent: the bound on a gradient follows this quantile of the gradients' norms; 0: it is fixed"},
    {DPMIX_OPTION_CLIP_RATE, DOUBLE, "clip_rate", 0, 10, 0.2,
     "gradient descent: how fast the bound follows: the exponent per step and unit of error"},
};

enum { N_OPTIONS = sizeof table / sizeof *table };

static const struct option *find_option(int key)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (table[i].key == key)
            return &table[i];
    return NULL;
}

struct dpmix_options dpm_api_options(const struct dpmix_options *options)
{
    struct dpmix_options defaults = {{0}};
    for (size_t i = 0; i < N_OPTIONS; i++)
        defaults.value[table[i].key] = table[i].preset;
    return options ? *options : defaults;
}

int dpmix_options_new(dpmix_options **out)
{
    API_NEED(out);
    struct dpmix_options *options = dpm_alloc(1, sizeof *options);
    if (!options)
        API_RETURN(DPMIX_ERR_NOMEM);
    *options = dpm_api_options(NULL);
    *out = options;
    return DPMIX_OK;
}

void dpmix_options_free(dpmix_options *options)
{
    dpm_free(options);
}

static int check_key(int key, int type)
{
    const struct option *option = find_option(key);
    if (!option)
        return dpm_fail(DPMIX_ERR_ARG, "key: not a DPMIX_OPTION_*");
    if (option->type != type)
        return dpm_fail(DPMIX_ERR_ARG, "key: %s is %s", option->name,
                        option->type == INT ? "a whole number" : "a real number");
    return DPMIX_OK;
}

static int set_value(struct dpmix_options *options, int key, double value)
{
    const struct option *option = find_option(key);
    if (!(value >= option->lower && value <= option->upper))
        return dpm_fail(DPMIX_ERR_RANGE, "value: %s must lie in [%g, %g]", option->name, option->lower,
                        option->upper);
    options->value[key] = value;
    return DPMIX_OK;
}

int dpmix_options_set_int(dpmix_options *options, int key, int64_t value)
{
    API_NEED(options);
    int status = check_key(key, INT);
    API_RETURN(status ? status : set_value(options, key, (double)value));
}

int dpmix_options_set_double(dpmix_options *options, int key, double value)
{
    API_NEED(options);
    int status = check_key(key, DOUBLE);
    API_RETURN(status ? status : set_value(options, key, value));
}

int dpmix_options_get_int(const dpmix_options *options, int64_t *value, int key)
{
    API_NEED(options);
    API_NEED(value);
    int status = check_key(key, INT);
    if (!status)
        *value = (int64_t)options->value[key];
    API_RETURN(status);
}

int dpmix_options_get_double(const dpmix_options *options, double *value, int key)
{
    API_NEED(options);
    API_NEED(value);
    int status = check_key(key, DOUBLE);
    if (!status)
        *value = options->value[key];
    API_RETURN(status);
}

int dpmix_option_next(int key)
{
    if (key == 0)
        return table[0].key;
    for (size_t i = 0; i + 1 < N_OPTIONS; i++)
        if (table[i].key == key)
            return table[i + 1].key;
    return 0;
}

int dpmix_option_by_name(const char *name)
{
    for (size_t i = 0; name && i < N_OPTIONS; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].key;
    return 0;
}

const char *dpmix_option_name(int key)
{
    const struct option *option = find_option(key);
    return option ? option->name : NULL;
}

const char *dpmix_option_doc(int key)
{
    const struct option *option = find_option(key);
    return option ? option->doc : NULL;
}

int dpmix_option_type(int key)
{
    const struct option *option = find_option(key);
    return option ? option->type : 0;
}

int dpmix_option_bounds(int key, double *lower, double *upper, double *preset)
{
    const struct option *option = find_option(key);
    if (!option)
        API_RETURN(dpm_fail(DPMIX_ERR_ARG, "key: not a DPMIX_OPTION_*"));
    if (lower)
        *lower = option->lower;
    if (upper)
        *upper = option->upper;
    if (preset)
        *preset = option->preset;
    return DPMIX_OK;
}
