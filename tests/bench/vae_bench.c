/* SPDX-License-Identifier: BSD-3-Clause */
/* Private training of a VAE 784-400-20-400-784 on 60,000 records of bytes, and sampling from it; private
 * training of a GAN and of an RBM of 500 hidden units. Figures of one core are by the processor's clock,
 * those of two threads by the wall clock.
 *
 * vae_public_*: the same net without privacy by the same kernels, for what privacy costs.
 *
 * Usage: vae_bench        all figures, each the best of several rounds
 *        vae_bench NAME   one figure from one round, alone on its line: for comparisons by turns */
#include "linalg_mat.h"
#include "nn_optim.h"
#include "nn_vae.h"
#include "random_stream.h"

#include "figures.h"

#include <dpmix/accountant.h>
#include <dpmix/dataset.h>
#include <dpmix/generator.h>

enum { HIDDEN = 400, LATENT = 20, RBM_HIDDEN = 500, WARM_UP = 4 };

static float samples[ROWS * COLUMNS];

static double seconds_on(int threads)
{
    return seconds_by(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC);
}

struct training {
    int kind; /* DPMIX_GENERATOR_* */
    int batch, threads, steps;
    double start, end;
};

/* A dpmix_progress_fn: when the first steps were over, and when the last. */
static int watch(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    struct training *training = user;
    (void)phase, (void)epsilon_spent;
    if (done == WARM_UP)
        training->start = seconds_on(training->threads);
    if (done == total)
        training->end = seconds_on(training->threads);
    return 0;
}

static dpmix_generator *fit(struct training *training)
{
    const double lower = 0, upper = 255;
    dpmix_dataset *dataset;
    dpmix_accountant *accountant;
    dpmix_options *options;
    dpmix_generator *generator;
    must(dpmix_options_new(&options));
    must(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, training->threads));
    must(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, WARM_UP + training->steps));
    must(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, (double)training->batch / ROWS));
    must(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, HIDDEN));
    must(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, LATENT));
    must(dpmix_options_set_int(options, DPMIX_OPTION_RBM_HIDDEN, RBM_HIDDEN));
    must(dpmix_dataset_new_u8(&dataset, images, ROWS, COLUMNS, NULL, 0, &lower, &upper, 1,
                              DPMIX_STORAGE_BORROW));
    must(dpmix_accountant_new(&accountant, 1, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE));
    must(dpmix_generator_new(&generator, training->kind, options));
    must(dpmix_generator_fit(generator, accountant, dataset, 1, watch, training));
    dpmix_options_free(options);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    return generator;
}

/* Records a second of private training. */
static double train(int kind, int batch, int threads)
{
    struct training training = {.kind = kind, .batch = batch, .threads = threads, .steps = 40 * 1024 / batch};
    dpmix_generator_free(fit(&training));
    return (double)training.steps * batch / (training.end - training.start);
}

static double private_b1024(void)
{
    return train(DPMIX_GENERATOR_VAE, 1024, 1);
}

static double private_b256(void)
{
    return train(DPMIX_GENERATOR_VAE, 256, 1);
}

static double private_b1024_2threads(void)
{
    return train(DPMIX_GENERATOR_VAE, 1024, 2);
}

/* ---- Without privacy ---- */

/* A batch's gradients in factor form, and their sums. */
struct plain_batch {
    float *rows, *normals, *scratch, *sum;
    float *left[DPM_NN_VAE_FACTORS], *right[DPM_NN_VAE_FACTORS];
};

static float *floats(size_t n)
{
    float *memory = calloc(n, sizeof(float));
    if (!memory)
        must(DPMIX_ERR_NOMEM);
    return memory;
}

static struct plain_batch plain_batch_new(const struct dpm_nn_vae *vae, size_t n)
{
    struct plain_batch batch = {.rows = floats(n * COLUMNS),
                                .normals = floats(n * LATENT),
                                .scratch = floats(n * dpm_nn_vae_gradient_scratch(vae)),
                                .sum = floats(dpm_nn_vae_size(vae))};
    for (int l = 0; l < dpm_nn_vae_factors(vae); l++) {
        batch.left[l] = floats(n * dpm_nn_vae_factor(vae, l).rows);
        batch.right[l] = floats(n * dpm_nn_vae_factor(vae, l).columns);
    }
    return batch;
}

static void plain_batch_free(struct plain_batch *batch)
{
    free(batch->rows);
    free(batch->normals);
    free(batch->scratch);
    free(batch->sum);
    for (int l = 0; l < DPM_NN_VAE_FACTORS; l++) {
        free(batch->left[l]);
        free(batch->right[l]);
    }
}

/* One step of Adam on rows drawn with replacement. */
static void plain_step(const struct dpm_nn_vae *vae, const struct dpm_nn_optim *optim,
                       struct dpm_nn_track *track, struct plain_batch *batch, size_t n,
                       struct dpm_stream *stream)
{
    static uint64_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        const uint8_t *image = images + (state >> 32) % ROWS * COLUMNS;
        for (size_t p = 0; p < COLUMNS; p++)
            batch->rows[i * COLUMNS + p] = (float)image[p] / 255;
    }
    dpm_stream_normals(stream, batch->normals, n * LATENT);
    dpm_nn_vae_gradient(vae, track->weights, n, batch->rows, NULL, batch->normals, batch->scratch,
                        batch->left, batch->right);
    float *sum = batch->sum;
    for (int l = 0; l < dpm_nn_vae_factors(vae); l++) {
        struct dpm_nn_vae_factor factor = dpm_nn_vae_factor(vae, l);
        dpm_mat_mul_at(sum, factor.columns, batch->left[l], factor.rows, batch->right[l], factor.columns,
                       factor.rows, factor.columns, n);
        sum += factor.rows * factor.columns;
    }
    dpm_nn_optim_step(optim, track, batch->sum, optim->rate / (double)n, 0);
}

static double train_public(size_t n)
{
    const uint8_t key[DPM_KEY_SIZE] = {1};
    const int steps = 40 * 1024 / (int)n;
    struct dpm_nn_vae vae = {.columns = COLUMNS,
                             .latent = LATENT,
                             .hidden = HIDDEN,
                             .layers = 1,
                             .activation = DPMIX_ACTIVATION_RELU,
                             .output = DPMIX_VAE_OUTPUT_BERNOULLI,
                             .draws = 1,
                             .beta = 1};
    struct dpm_nn_optim optim = {.kind = DPMIX_OPTIMIZER_ADAM,
                                 .momentum = 0.9,
                                 .second_moment = 0.999,
                                 .rate = 0.001,
                                 .schedule = DPMIX_RATE_CONSTANT,
                                 .rate_end = 1};
    struct dpm_stream stream;
    dpm_nn_vae_build(&vae);
    size_t size = dpm_nn_vae_size(&vae);
    struct plain_batch batch = plain_batch_new(&vae, n);
    struct dpm_nn_track track = {
        .n = size, .weights = floats(size), .first = floats(size), .second = floats(size)};
    dpm_stream_open(&stream, key, DPM_STREAM_MODEL, 0, 0);
    dpm_stream_normals(&stream, track.weights, size);
    dpm_nn_vae_start(&vae, track.weights, track.weights);
    double start = 0;
    for (int step = 0; step < WARM_UP + steps; step++) {
        if (step == WARM_UP)
            start = seconds();
        plain_step(&vae, &optim, &track, &batch, n, &stream);
    }
    double time = seconds() - start;
    dpm_stream_wipe(&stream);
    plain_batch_free(&batch);
    free(track.weights);
    free(track.first);
    free(track.second);
    return steps * (double)n / time;
}

static double public_b1024(void)
{
    return train_public(1024);
}

static double public_b256(void)
{
    return train_public(256);
}

/* The nets of DP-CGAN's authors without a class, 100-128-784 and 784-128-1, the generator trained at every
 * second step. */
static double cgan_private_b256(void)
{
    return train(DPMIX_GENERATOR_CGAN, 256, 1);
}

static double rbm_private_b256(void)
{
    return train(DPMIX_GENERATOR_RBM, 256, 1);
}

/* Peak memory beyond the records, in MB, once a fit has been made (see account_bench.c on getrusage). */
static double private_b1024_peak(void)
{
    char line[256];
    double peak = 0;
    train(DPMIX_GENERATOR_VAE, 1024, 1);
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak = strtod(line + 6, NULL);
    if (status)
        fclose(status);
    return (peak * 1024 - sizeof images) / 1e6;
}

static double sample_seconds(void)
{
    const uint64_t seed = 1;
    struct training training = {.kind = DPMIX_GENERATOR_VAE, .batch = 256, .threads = 1, .steps = 1};
    dpmix_generator *generator = fit(&training);
    memset(samples, 1, sizeof samples); /* the system's work for fresh pages is not the library's */
    double start = seconds();
    must(dpmix_generator_sample(generator, samples, NULL, 0, ROWS, COLUMNS, &seed));
    double time = seconds() - start;
    dpmix_generator_free(generator);
    return time;
}

/* The peak comes before whatever else would raise it. */
static struct figure figures[] = {
    {"vae_private_b1024_peak_mb", "MB", 1, private_b1024_peak, 0},
    {"vae_private_b1024", "samples/s", 0, private_b1024, 0},
    {"vae_private_b256", "samples/s", 0, private_b256, 0},
    {"vae_public_b1024", "samples/s", 0, public_b1024, 0},
    {"vae_public_b256", "samples/s", 0, public_b256, 0},
    {"vae_private_b1024_2threads", "samples/s", 0, private_b1024_2threads, 0},
    {"cgan_private_b256", "samples/s", 0, cgan_private_b256, 0},
    {"rbm_private_b256", "samples/s", 0, rbm_private_b256, 0},
    {"sample_60000_s", "s", 1, sample_seconds, 0},
};
enum { FIGURES = sizeof figures / sizeof *figures };

int main(int argc, char **argv)
{
    return run_figures(figures, FIGURES, 1, argc, argv);
}
