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
    {DPMIX_OPTION_KMEANS_FEATURES, INT, "kmeans_features", 0, 65536, 128,
     "k-means: random Fourier features, in pairs of cosine and sine; an odd number is rounded up; 0: the "
     "columns"},
    {DPMIX_OPTION_KMEANS_BANDWIDTH, DOUBLE, "kmeans_bandwidth", 0, 1e6, 0,
     "k-means: bandwidth of the RBF kernel on columns scaled to [0, 1], at least 1e-3; 0: a third of the "
     "square root of their number"},
    {DPMIX_OPTION_KMEANS_ROW_CLIP, DOUBLE, "kmeans_row_clip", 0, 1, 0,
     "k-means on the columns, coreset: bound on a record's distance from the mean, columns scaled to [0, 1], "
     "over the square root of their number, at least 1/1024; 0: found privately, about 95 of 100 records lie "
     "within"},
    {DPMIX_OPTION_CORESET_BITS, INT, "coreset_bits", 1, 14, 10,
     "coreset: random planes, which cut the records into two to this power cells"},
    {DPMIX_OPTION_STEPS, INT, "steps", 1, 10000000, 300, "gradient descent: steps, each a noisy query"},
    {DPMIX_OPTION_SAMPLING_RATE, DOUBLE, "sampling_rate", 1e-9, 1, 0.03,
     "gradient descent: probability that a record takes part in a step"},
    {DPMIX_OPTION_LEARNING_RATE, DOUBLE, "learning_rate", 1e-9, 1e3, 8e-3, "gradient descent: step size"},
    {DPMIX_OPTION_CLIP_NORM, DOUBLE, "clip_norm", 1e-5, 1e6, 1,
     "gradient descent: bound on a record's gradient; with clip_quantile, where the bound starts"},
    {DPMIX_OPTION_CONDITIONAL, INT, "conditional", 0, 1, 1,
     "all models but the Gaussian: 1: it is given the label where the data set has one, and makes labels; 0: "
     "it is not; in a mixture by label the part is the label, and the option means nothing"},
    {DPMIX_OPTION_COUNT_NOISE, INT, "count_noise", DPMIX_COUNT_NOISE_GAUSSIAN, DPMIX_COUNT_NOISE_GEOMETRIC,
     DPMIX_COUNT_NOISE_GAUSSIAN,
     "partition by label, gradient descent: noise on the counts of records by class; 1: Gaussian, 2: "
     "geometric"},
    {DPMIX_OPTION_OPTIMIZER, INT, "optimizer", 1, 3, DPMIX_OPTIMIZER_ADAM,
     "gradient descent: 1: with momentum, 2: Adam, 3: AdamW"},
    {DPMIX_OPTION_MOMENTUM, DOUBLE, "momentum", 0, 0.9999, 0.9,
     "gradient descent: decay of the mean gradient; beta1 of Adam"},
    {DPMIX_OPTION_SECOND_MOMENT, DOUBLE, "second_moment", 0, 0.999999, 0.999,
     "gradient descent: decay of the mean square of the gradient; beta2 of Adam"},
    {DPMIX_OPTION_WEIGHT_DECAY, DOUBLE, "weight_decay", 0, 1e3, 0.01,
     "gradient descent: decoupled weight decay of AdamW; no other optimiser has any"},
    {DPMIX_OPTION_VAE_HIDDEN, INT, "vae_hidden", 1, 65536, 200,
     "VAE: width of the hidden layers; with vae_hidden_last, of the one next to the records"},
    {DPMIX_OPTION_VAE_LATENT, INT, "vae_latent", 1, 4096, 10,
     "VAE: dimensions of the latent space; with vae_prior 2 and 3 at most 256"},
    {DPMIX_OPTION_VAE_LAYERS, INT, "vae_layers", 1, 6, 1, "VAE: hidden layers of encoder and decoder each"},
    {DPMIX_OPTION_VAE_ACTIVATION, INT, "vae_activation", 1, 4, DPMIX_ACTIVATION_RELU,
     "VAE: of the hidden layers: 1: ReLU, 2: tanh, 3: leaky ReLU, 4: softplus"},
    {DPMIX_OPTION_VAE_OUTPUT, INT, "vae_output", 1, 3, DPMIX_VAE_OUTPUT_BERNOULLI,
     "VAE: law of the columns: 1: Bernoulli, 2: Gaussian, 3: mixed: one-hot groups, the others Gaussian"},
    {DPMIX_OPTION_VAE_BETA, DOUBLE, "vae_beta", 0, 1e3, 1,
     "VAE: weight of the latent space's divergence from the standard normal"},
    {DPMIX_OPTION_VAE_DRAWS, INT, "vae_draws", 1, 32, 1,
     "VAE: draws from the latent space that a record's gradient is the mean of"},
    {DPMIX_OPTION_VAE_PRIOR, INT, "vae_prior", 1, 3, DPMIX_VAE_PRIOR_NORMAL,
     "VAE: samples come from: 1: the standard normal, 2: a Gaussian per class fitted after the training, 3: "
     "a Gaussian mixture per class, with the options of the Gaussian mixture"},
    {DPMIX_OPTION_VAE_PRIOR_SHARE, DOUBLE, "vae_prior_share", 1e-3, 0.5, 0.05,
     "VAE: what fitting that law may spend, as a fraction of what the training spends"},
    {DPMIX_OPTION_VAE_DRAW, INT, "vae_draw", 0, 1, 0,
     "VAE: samples are 0: means of the output law, 1: draws from it; those of the mixed law are always "
     "drawn"},
    {DPMIX_OPTION_GAUSSIAN_RANK, INT, "gaussian_rank", 0, 30000, 0,
     "Gaussian: directions of the covariance; 0: those that stand out of the noise, 64 at most"},
    {DPMIX_OPTION_GAUSSIAN_ROW_CLIP, DOUBLE, "gaussian_row_clip", 0, 1, 0,
     "Gaussian: bound on the norm of a record, columns scaled to [0, 1], over the square root of their "
     "number, at least 1e-4; columns are taken about 1/2, declared images about 0; 0: 0.5 for columns, 0.4 "
     "for images"},
    {DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP, DOUBLE, "gaussian_residual_clip", 1e-4, 1, 0.25,
     "Gaussian: bound on a record's distance from the mean of its part, in the same unit; as a "
     "distance it must be at least 1/1024"},
    {DPMIX_OPTION_VAE_DEVIATION, DOUBLE, "vae_deviation", 0, 10, 0,
     "VAE: standard deviation of Gaussian columns, scaled to [0, 1], at least 1e-3; 0: it is learned for "
     "each column"},
    {DPMIX_OPTION_VAE_HIDDEN_LAST, INT, "vae_hidden_last", 0, 65536, 0,
     "VAE: width of the hidden layer next to the latent space, the others in geometric sequence between; "
     "0: all have the same"},
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
     "gradient descent: the bound on a gradient follows this quantile of the gradients' norms; 0: it is "
     "fixed"},
    {DPMIX_OPTION_CLIP_RATE, DOUBLE, "clip_rate", 0, 10, 0.2,
     "gradient descent: how fast the bound follows: the exponent per step and unit of error"},
    {DPMIX_OPTION_RBM_HIDDEN, INT, "rbm_hidden", 1, 65536, 256, "RBM: hidden units"},
    {DPMIX_OPTION_RBM_VISIBLE, INT, "rbm_visible", DPMIX_RBM_BERNOULLI, DPMIX_RBM_GAUSSIAN,
     DPMIX_RBM_BERNOULLI, "RBM: visible units: 1: Bernoulli, 2: Gaussian"},
    {DPMIX_OPTION_RBM_CD_STEPS, INT, "rbm_cd_steps", 1, 100, 1,
     "RBM: steps of the chain that starts at each record in training"},
    {DPMIX_OPTION_RBM_BURN_IN, INT, "rbm_burn_in", 0, 100000, 3,
     "RBM: steps of a chain before its first sampled record"},
    {DPMIX_OPTION_RBM_THINNING, INT, "rbm_thinning", 0, 100000, 0,
     "RBM: steps of a chain between two sampled records, of which it gives up to eight; 0: every record "
     "has a chain of its own"},
    {DPMIX_OPTION_RBM_OUTPUT, INT, "rbm_output", DPMIX_RBM_MEANS, DPMIX_RBM_DRAWS, DPMIX_RBM_MEANS,
     "RBM: sampled records are 1: means, 2: draws of the visible units"},
    {DPMIX_OPTION_RBM_DEVIATION, DOUBLE, "rbm_deviation", 1e-3, 1e3, 0.25,
     "RBM: standard deviation of Gaussian visible units, columns scaled to [0, 1]"},
    {DPMIX_OPTION_CGAN_NOISE, INT, "cgan_noise", 1, 4096, 100, "CGAN: dimensions of the generator's noise"},
    {DPMIX_OPTION_CGAN_HIDDEN, INT, "cgan_hidden", 1, 65536, 128, "CGAN: width of the hidden layers"},
    {DPMIX_OPTION_CGAN_LAYERS, INT, "cgan_layers", 1, 4, 1, "CGAN: hidden layers of each of the two nets"},
    {DPMIX_OPTION_CGAN_CRITIC_STEPS, INT, "cgan_critic_steps", 1, 100000, 1,
     "CGAN: steps of the discriminator to each step of the generator"},
    {DPMIX_OPTION_CGAN_SMOOTHING, DOUBLE, "cgan_smoothing", 0, 0.5, 0.1,
     "CGAN: real records count as real by 1 less this"},
    {DPMIX_OPTION_CGAN_OPTIMIZER, INT, "cgan_optimizer", 1, 2, DPMIX_OPTIMIZER_ADAM,
     "CGAN: optimiser of the generator: 1: gradient descent with momentum, 2: Adam"},
    {DPMIX_OPTION_CGAN_RATE, DOUBLE, "cgan_rate", 1e-9, 1e3, 1e-3,
     "CGAN: step size of the generator; it follows rate_schedule"},
    {DPMIX_OPTION_CGAN_FAKES, DOUBLE, "cgan_fakes", 1e-3, 100, 1,
     "CGAN: made-up records of a step to each real one that is expected"},
    {DPMIX_OPTION_GMM_COMPONENTS, INT, "gmm_components", 0, 64, 0,
     "Gaussian mixture: components of a class; 0: as many as its noisy count supports, 20 at most"},
    {DPMIX_OPTION_GMM_BASIS, INT, "gmm_basis", DPMIX_GMM_BASIS_RULE, DPMIX_GMM_BASIS_DCT,
     DPMIX_GMM_BASIS_RULE,
     "Gaussian mixture: 0: low frequencies where the data set declares square images, else the columns; 1: "
     "columns as they are; 2: low frequencies (DCT) of square images"},
    {DPMIX_OPTION_GMM_RADIUS, INT, "gmm_radius", 0, 256, 0,
     "Gaussian mixture: frequencies (i, j) with i^2 + j^2 up to its square are kept; 0: by the budget, "
     "0.30 to 0.66 of the image's side"},
    {DPMIX_OPTION_GMM_COVARIANCE, INT, "gmm_covariance", DPMIX_GMM_COVARIANCE_FULL,
     DPMIX_GMM_COVARIANCE_FACTORS, DPMIX_GMM_COVARIANCE_FULL,
     "Gaussian mixture: covariances: 1: full, 2: tied, 3: diagonal, 4: low rank and diagonal"},
    {DPMIX_OPTION_GMM_RANK, INT, "gmm_rank", 0, 4096, 0,
     "Gaussian mixture: dimensions of the subspace; 0: those that stand out of the noise, 8 at least and 150 "
     "at most"},
    {DPMIX_OPTION_GMM_ROW_CLIP, DOUBLE, "gmm_row_clip", 0, 1, 0,
     "Gaussian mixture: bound on the norm of a record, columns scaled to [0, 1], over the square root of "
     "their number; columns are taken about 1/2; as a norm it must be at least 1e-6; 0: 0.5 for columns, 0.4 "
     "for the DCT, 0.3 for distances"},
    {DPMIX_OPTION_GMM_RESIDUAL_CLIP, DOUBLE, "gmm_residual_clip", 0, 1, 0,
     "Gaussian mixture: bound on a record's distance from the mean of its class and of its component, in the "
     "same unit, at least 1e-6; 0: it follows the scatter that the noisy sums show"},
    {DPMIX_OPTION_GMM_STEPS, INT, "gmm_steps", 1, 100, 4,
     "Gaussian mixture: k-means steps, each a noisy query"},
    {DPMIX_OPTION_GMM_EM_STEPS, INT, "gmm_em_steps", 0, 100, 0,
     "Gaussian mixture: steps of EM that follow, each a noisy query"},
    {DPMIX_OPTION_GMM_DISTANCE, INT, "gmm_distance", DPMIX_GMM_DISTANCE_NONE, DPMIX_GMM_DISTANCE_BOTH,
     DPMIX_GMM_DISTANCE_NONE,
     "Gaussian mixture: square images as 0: they are, 1: signed distances, 2: half of the model each"},
    {DPMIX_OPTION_GMM_PRIOR_ROWS, DOUBLE, "gmm_prior_rows", 0, 1e9, 600,
     "Gaussian mixture: rows that the covariance of all counts for in a class's, and a class's in a "
     "component's"},
    {DPMIX_OPTION_GMM_REST, INT, "gmm_rest", 0, 1, 0,
     "Gaussian mixture: 1: samples scatter in the directions outside the subspace, too; 0: they do not"},
    {DPMIX_OPTION_PRODUCTS_COMPONENTS, INT, "products_components", 0, 4096, 0,
     "mixture of products: components; 0: as many as the noisy count of records supports, 2 to 128"},
    {DPMIX_OPTION_PRODUCTS_BINS, INT, "products_bins", 2, 256, 24,
     "mixture of products: bins of a number, at most"},
    {DPMIX_OPTION_PRODUCTS_STEPS, INT, "products_steps", 1, 1000000, 1000,
     "mixture of products: steps of its fit to the noisy tables, which cost no budget"},
    {DPMIX_OPTION_PRODUCTS_LABEL_WEIGHT, DOUBLE, "products_label_weight", 0.01, 100, 2,
     "mixture of products: weight of tables with the label against others, in signal-to-noise"},
    {DPMIX_OPTION_LABELS, INT, "labels", 0, 2, DPMIX_LABELS_RULE,
     "mixture: labels of samples are 0: the teacher's where there is one, else 1; 1: of the model or part; "
     "2: the teacher's"},
    {DPMIX_OPTION_TEACHER_STEPS, INT, "teacher_steps", 0, 100000, 0,
     "teacher: steps, each a noisy query; 0: 40 to 120, by the size of the noise"},
    {DPMIX_OPTION_TEACHER_WIDTH, INT, "teacher_width", 0, 4096, 0,
     "teacher: directions of whitened features; 0: 32 to 512, by the size of the noise"},
    {DPMIX_OPTION_TEACHER_CLIP, DOUBLE, "teacher_clip", 0, 1e3, 0,
     "teacher: bound on a record's gradient, at least 1e-6; 0: 0.25"},
    {DPMIX_OPTION_TEACHER_RATE, DOUBLE, "teacher_rate", 0, 1e3, 0,
     "teacher: step size over the number of directions; 0: 1 to 3, by the size of the noise"},
    {DPMIX_OPTION_TEACHER_RECORDS, INT, "teacher_records", 100, 1000000, 20000,
     "teacher: synthetic records for whitening and start"},
    {DPMIX_OPTION_TEACHER_FEATURES, INT, "teacher_features", 0, 2, DPMIX_TEACHER_FEATURES_RULE,
     "teacher: 0: scattering where the data set declares square images, else the columns; 1: the columns; 2: "
     "scattering"},
    {DPMIX_OPTION_AUGMENT_FRACTION, DOUBLE, "augment_fraction", DPMIX_AUGMENT_RULE, 1, DPMIX_AUGMENT_RULE,
     "mixture of square images: fraction of the samples that are changed as the next options say; below 0: "
     "2/3 where a teacher labels declared images, else 0"},
    {DPMIX_OPTION_AUGMENT_ROTATION, DOUBLE, "augment_rotation", 0, 180, 10, "augmentation: +- degrees"},
    {DPMIX_OPTION_AUGMENT_SHEAR, DOUBLE, "augment_shear", 0, 4, 0.15,
     "augmentation: +- pixels along a line for each line from the middle"},
    {DPMIX_OPTION_AUGMENT_SCALE, DOUBLE, "augment_scale", 0, 0.99, 0.1, "augmentation: size times 1 +- this"},
    {DPMIX_OPTION_AUGMENT_SHIFT, DOUBLE, "augment_shift", 0, 128, 1.2,
     "augmentation: +- pixels in each direction"},
    {DPMIX_OPTION_AUGMENT_ELASTIC, DOUBLE, "augment_elastic", 0, 128, 1.2,
     "augmentation: standard deviation of a smooth displacement, in pixels"},
    {DPMIX_OPTION_AUGMENT_MIRROR, DOUBLE, "augment_mirror", 0, 1, 0,
     "augmentation: probability that left and right are exchanged"},
    {DPMIX_OPTION_AUGMENT_MIX, DOUBLE, "augment_mix", DPMIX_AUGMENT_RULE, 1, DPMIX_AUGMENT_RULE,
     "augmentation: probability that a rectangle comes from another sample, to be labelled by a teacher; "
     "below 0: 1/2 where a teacher labels declared images, else 0"},
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
    API_GIVE(out, DPMIX_OK);
}

void dpmix_options_free(dpmix_options *options)
{
    API_FREE(options, dpm_free);
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

int dpm_api_options_check(const struct dpmix_options *options)
{
    struct dpmix_options copy;
    for (int key = 0; key < DPM_OPTION_KEYS; key++) {
        const struct option *option = find_option(key);
        double value = options->value[key];
        if (!option && value != 0)
            return dpm_fail(DPMIX_ERR_ARG, "key: not a DPMIX_OPTION_*");
        int status = option ? set_value(&copy, key, value) : DPMIX_OK;
        if (status)
            return status;
        if (option && option->type == INT && value != floor(value))
            return dpm_fail(DPMIX_ERR_RANGE, "value: %s is a whole number", option->name);
    }
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
