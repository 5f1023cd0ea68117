/* SPDX-License-Identifier: BSD-3-Clause */
/* The VAE against a naive twin in double (gradients by central differences) and against PyTorch's automatic
 * differentiation (tests/data/torch.tsv); bits of rows in and out of company. */
#include "check_main.h"
#include "nn_optim.h"
#include "nn_vae.h"
#include "twin_nets.h"

#include <stdio.h>
#include <stdlib.h>

/* A block of records for a VAE, with its weights. */
struct vae_case {
    struct dpm_nn_vae vae;
    size_t n, n_weights;
    float *weights, *rows, *normals, *scratch;
    int32_t *labels;
    struct factors factors;
};

static struct factors new_vae_factors(const struct dpm_nn_vae *vae, size_t n, size_t shift)
{
    struct factors factors = {0};
    for (int l = 0; l < dpm_nn_vae_factors(vae); l++) {
        struct dpm_nn_vae_factor factor = dpm_nn_vae_factor(vae, l);
        add_factor(&factors, factor.rows, factor.columns, factor.rank, n, shift);
    }
    return factors;
}

static struct vae_case new_vae_case(const struct dpm_nn_vae *shape, size_t n)
{
    struct vae_case vc = {.vae = *shape, .n = n};
    dpm_nn_vae_build(&vc.vae);
    size_t columns = shape->columns;
    vc.n_weights = dpm_nn_vae_size(&vc.vae);
    vc.weights = numbers(vc.n_weights, 21, 0.5f);
    vc.rows = numbers(n * columns, 22, 1);
    for (size_t i = 0; i < n * columns; i++) {
        size_t group = shape->groups ? (size_t)shape->groups[i % columns] : 0;
        vc.rows[i] = group == 0 ? fabsf(vc.rows[i]) : (i % columns + i / columns) % 3 == 0;
    }
    vc.normals = numbers(n * shape->latent * (size_t)shape->draws, 23, 2);
    vc.scratch = numbers(n * dpm_nn_vae_gradient_scratch(&vc.vae), 24, 99);
    vc.labels = allocate(n, sizeof *vc.labels);
    for (size_t i = 0; shape->classes > 0 && i < n; i++)
        vc.labels[i] = (int32_t)(i * 7 % shape->classes);
    vc.factors = new_vae_factors(&vc.vae, n, 0);
    return vc;
}

static void run_vae(struct vae_case *vc, size_t first, size_t n, struct factors *factors)
{
    size_t normals = vc->vae.latent * (size_t)vc->vae.draws;
    dpm_nn_vae_gradient(&vc->vae, vc->weights, n, vc->rows + first * vc->vae.columns,
                        vc->vae.classes ? vc->labels + first : NULL, vc->normals + first * normals,
                        vc->scratch, factors->left, factors->right);
}

/* ---- The twin ---- */

static double twin_output_loss(const struct dpm_nn_vae *vae, const double *own, const float *row,
                               const double *outputs)
{
    double loss = 0;
    for (size_t d = 0; d < vae->columns; d++) {
        double x = (double)row[d], o = outputs[d];
        int group = vae->output == DPMIX_VAE_OUTPUT_MIXED && vae->groups ? vae->groups[d] : 0;
        if (vae->output == DPMIX_VAE_OUTPUT_BERNOULLI) {
            double mean = 1 / (1 + exp(-o));
            loss -= x * log(mean) + (1 - x) * log(1 - mean);
        } else if (group == 0) {
            double w = vae->deviation > 0 ? 2 * log((double)vae->deviation)
                                          : 2 * log(0.25) + 6 * tanh((double)DPM_NN_VAE_LABEL * own[d] / 6);
            loss += (pow(x - (0.5 + o / 4), 2) * exp(-w) + w) / 2;
        } else {
            double sum = 0;
            for (size_t j = 0; j < vae->columns; j++)
                sum += vae->groups[j] == group ? exp(outputs[j]) : 0;
            loss -= x * (o - log(sum));
        }
    }
    return loss;
}

static void put_class(const struct dpm_nn_vae *vae, double *input, int32_t label)
{
    for (size_t c = 0; c < vae->classes; c++)
        input[c] = (size_t)label == c ? (double)DPM_NN_VAE_LABEL : 0;
}

static double twin_loss(const struct dpm_nn_vae *vae, const double *weights, const float *row, int32_t label,
                        const float *normals)
{
    double input[WIDEST], encoded[WIDEST], outputs[WIDEST], loss = 0, rebuilt = 0;
    const double *decoder = weights + dpm_nn_dense_size(&vae->encoder);
    const double *own = decoder + dpm_nn_dense_size(&vae->decoder);
    for (size_t d = 0; d < vae->columns; d++)
        input[d] = (double)row[d];
    put_class(vae, input + vae->columns, label);
    twin_dense(&vae->encoder, weights, input, encoded);
    put_class(vae, input + vae->latent, label);
    for (int k = 0; k < vae->draws; k++) {
        for (size_t j = 0; j < vae->latent; j++, normals++) {
            double mean = encoded[j], v = 6 * tanh(encoded[vae->latent + j] / 6);
            input[j] = mean + exp(v / 2) * (double)*normals;
            loss += k == 0 ? (double)vae->beta * (mean * mean + exp(v) - 1 - v) / 2 : 0;
        }
        twin_dense(&vae->decoder, decoder, input, outputs);
        rebuilt += twin_output_loss(vae, own, row, outputs) / vae->draws;
    }
    return loss + rebuilt;
}

/* ---- Tests ---- */

static const int32_t groups[] = {0, 1, 1, 1, 2, 2, 0, 3, 3, 0, 0};

#define SHAPE(classes_, layers_, activation_, output_, draws_, beta_, deviation_, groups_)                   \
    {                                                                                                        \
        .columns = 11, .classes = classes_, .latent = 3, .hidden = 9, .hidden_last = (layers_) > 1 ? 5 : 0,  \
        .layers = layers_, .activation = activation_, .output = output_, .draws = draws_, .beta = beta_,     \
        .deviation = deviation_, .groups = groups_                                                           \
    }

static const struct dpm_nn_vae shapes[] = {
    SHAPE(0, 1, 1, 1, 1, 1, 0, NULL),      SHAPE(1, 1, 1, 1, 1, 1, 0, NULL),
    SHAPE(5, 1, 1, 1, 1, 1, 0, NULL),      SHAPE(3, 2, 2, 1, 3, 0.5f, 0, NULL),
    SHAPE(0, 6, 3, 1, 2, 0, 0, NULL),      SHAPE(2, 3, 4, 1, 1, 2, 0, groups),
    SHAPE(0, 1, 2, 2, 1, 1, 0.125f, NULL), SHAPE(3, 2, 4, 2, 1, 1, 0, NULL),
    SHAPE(0, 4, 3, 2, 5, 0.1f, 0, groups), SHAPE(0, 1, 1, 3, 1, 1, 0, groups),
    SHAPE(4, 2, 2, 3, 4, 0.3f, 0, groups), SHAPE(2, 5, 4, 3, 2, 1, 0.25f, groups),
    SHAPE(0, 1, 2, 3, 1, 1, 0, NULL),
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

START_TEST(gradients_are_those_of_the_loss)
{
    struct vae_case vc = new_vae_case(&shapes[_i], 4);
    double *twin = allocate(vc.n_weights, sizeof *twin);
    run_vae(&vc, 0, vc.n, &vc.factors);
    for (size_t w = 0; w < vc.n_weights; w++)
        twin[w] = (double)vc.weights[w];
    for (size_t i = 0; i < vc.n; i++) {
        const float *row = vc.rows + i * vc.vae.columns;
        const float *normals = vc.normals + i * vc.vae.latent * (size_t)vc.vae.draws;
        size_t w = 0;
        for (int l = 0; l < vc.factors.n_matrices; l++) {
            size_t size = vc.factors.left_width[l] * vc.factors.right_width[l];
            for (size_t own = 0; own < size; own++, w++) {
                double centre = twin[w];
                twin[w] = centre + DIFFERENCE;
                double up = twin_loss(&vc.vae, twin, row, vc.labels[i], normals);
                twin[w] = centre - DIFFERENCE;
                double down = twin_loss(&vc.vae, twin, row, vc.labels[i], normals);
                twin[w] = centre;
                assert_near(factor_gradient(&vc.factors, l, i, own), (up - down) / (2 * DIFFERENCE), 1e-5);
            }
        }
        ck_assert_uint_eq(w, vc.n_weights);
    }
}
END_TEST

START_TEST(rows_are_pure)
{
    struct dpm_nn_vae shape = shapes[_i / COMPANIES];
    shape.hidden = 53;
    size_t n = company[_i % COMPANIES], shift = _i % 3;
    struct vae_case vc = new_vae_case(&shape, ROWS);
    struct factors part = new_vae_factors(&vc.vae, n, shift);
    run_vae(&vc, 0, ROWS, &vc.factors);
    for (size_t first = 0; first < ROWS; first += n) {
        size_t left = ROWS - first < n ? ROWS - first : n;
        run_vae(&vc, first, left, &part);
        assert_same_rows(&vc.factors, first, &part, left);
    }
}
END_TEST

/* Weights at their limit give means that are finite, and probabilities where they should be; and finite
 * factors, but in deep nets (where the vault counts such a row as zero). */
START_TEST(all_stays_finite)
{
    struct vae_case vc = new_vae_case(&shapes[_i], 8);
    size_t columns = vc.vae.columns;
    float *means = numbers(vc.n * columns, 1, 1), *deviations = numbers(columns, 1, 1);
    float *scratch = numbers(vc.n * dpm_nn_vae_decode_scratch(&vc.vae), 1, 1);
    for (size_t w = 0; w < vc.n_weights; w++)
        vc.weights[w] = copysignf(DPM_NN_WEIGHT_LIMIT, vc.weights[w]);
    run_vae(&vc, 0, vc.n, &vc.factors);
    for (int l = 0; l < vc.factors.n_matrices && vc.vae.layers == 1; l++) {
        size_t lines = vc.n * (size_t)vc.factors.rank[l];
        for (size_t i = 0; i < lines * vc.factors.left_width[l]; i++)
            ck_assert(isfinite(vc.factors.left[l][i]));
        for (size_t i = 0; i < lines * vc.factors.right_width[l]; i++)
            ck_assert(isfinite(vc.factors.right[l][i]));
    }
    dpm_nn_vae_decode(&vc.vae, vc.weights, vc.n, vc.normals, vc.labels, scratch, means);
    for (size_t i = 0; i < vc.n * columns; i++) {
        int in_group = vc.vae.output == DPMIX_VAE_OUTPUT_MIXED && vc.vae.groups && groups[i % columns] > 0;
        ck_assert(isfinite(means[i]));
        if (in_group || vc.vae.output == DPMIX_VAE_OUTPUT_BERNOULLI)
            ck_assert(means[i] >= 0 && means[i] <= 1);
    }
    if (vc.vae.output == DPMIX_VAE_OUTPUT_BERNOULLI)
        return;
    dpm_nn_vae_deviations(&vc.vae, vc.weights, deviations);
    for (size_t d = 0; d < columns; d++)
        ck_assert(deviations[d] > 0.01f && deviations[d] < 10);
}
END_TEST

/* The two ways through one net each, against the twin, in and out of company. */
START_TEST(one_way_is_right)
{
    enum { N = 6 };
    struct vae_case vc = new_vae_case(&shapes[_i], N);
    const struct dpm_nn_vae *vae = &vc.vae;
    size_t columns = vae->columns, latent = vae->latent;
    float means[N * 11], alone[11], places[N * 3], log_variances[N * 3];
    float *scratch = numbers(N * dpm_nn_vae_decode_scratch(vae), 1, 1);
    float *encode_scratch = numbers(N * dpm_nn_vae_encode_scratch(vae), 1, 1);
    double *weights = allocate(vc.n_weights, sizeof *weights), input[WIDEST], output[WIDEST];
    for (size_t w = 0; w < vc.n_weights; w++)
        weights[w] = (double)vc.weights[w];
    dpm_nn_vae_decode(vae, vc.weights, N, vc.normals, vc.labels, scratch, means);
    dpm_nn_vae_encode(vae, vc.weights, N, vc.rows, vc.labels, encode_scratch, places, log_variances);
    for (size_t i = 0; i < N; i++) {
        for (size_t d = 0; d < columns; d++)
            input[d] = (double)vc.rows[i * columns + d];
        put_class(vae, input + columns, vc.labels[i]);
        twin_dense(&vae->encoder, weights, input, output);
        for (size_t j = 0; j < latent; j++) {
            assert_near((double)places[i * latent + j], output[j], 1e-5);
            assert_near((double)log_variances[i * latent + j], 6 * tanh(output[latent + j] / 6), 1e-5);
            input[j] = (double)vc.normals[i * latent + j];
        }
        put_class(vae, input + latent, vc.labels[i]);
        twin_dense(&vae->decoder, weights + dpm_nn_dense_size(&vae->encoder), input, output);
        for (size_t d = 0; d < columns; d++) {
            int group = vae->output == DPMIX_VAE_OUTPUT_MIXED && vae->groups ? vae->groups[d] : 0;
            double mean = 0.5 + output[d] / 4, sum = 0;
            for (size_t j = 0; group > 0 && j < columns; j++)
                sum += vae->groups[j] == group ? exp(output[j]) : 0;
            mean = vae->output == DPMIX_VAE_OUTPUT_BERNOULLI ? 1 / (1 + exp(-output[d])) : mean;
            mean = group > 0 ? exp(output[d]) / sum : mean;
            assert_near((double)means[i * columns + d], mean, 1e-5);
        }
        dpm_nn_vae_decode(vae, vc.weights, 1, vc.normals + i * latent, vc.labels + i, scratch, alone);
        ck_assert_mem_eq(alone, means + i * columns, sizeof alone);
    }
}
END_TEST

START_TEST(widths_lie_between_first_and_last)
{
    struct dpm_nn_vae vae = {.columns = 100,
                             .latent = 4,
                             .hidden = 256,
                             .hidden_last = 64,
                             .layers = 3,
                             .activation = 1,
                             .output = 1,
                             .draws = 1};
    const size_t widths[] = {256, 128, 64};
    dpm_nn_vae_build(&vae);
    for (int l = 0; l < 3; l++) {
        ck_assert_uint_eq(vae.encoder.layer[l].out, widths[l]);
        ck_assert_uint_eq(vae.decoder.layer[l].out, widths[2 - l]);
    }
    ck_assert_uint_eq(dpm_nn_vae_size(&vae),
                      101 * 256 + 257 * 128 + 129 * 64 + 65 * 8 + 5 * 64 + 65 * 128 + 129 * 256 + 257 * 100);
    vae.columns = SIZE_MAX / 64;
    dpm_nn_vae_build(&vae);
    ck_assert_uint_eq(dpm_nn_vae_size(&vae), 0);
}
END_TEST

/* ---- PyTorch ---- */

enum { MOST_NUMBERS = 1024 };

/* The next line: its name, and its numbers. 0 at the end of the file. */
static int read_line(FILE *file, const char *name, double *values, size_t *n)
{
    static char line[1 << 16];
    if (!fgets(line, sizeof line, file))
        return 0;
    char *at = line + strlen(name), *end;
    ck_assert_msg(strncmp(line, name, strlen(name)) == 0, "a line that should be %s", name);
    for (*n = 0;; at = end) {
        double value = strtod(at, &end);
        if (end == at)
            return 1;
        ck_assert_uint_lt(*n, MOST_NUMBERS);
        values[(*n)++] = value;
    }
}

struct dump {
    double weights[MOST_NUMBERS], row[MOST_NUMBERS], normals[MOST_NUMBERS], loss[MOST_NUMBERS],
        gradient[MOST_NUMBERS];
    float weights32[MOST_NUMBERS], row32[MOST_NUMBERS], normals32[MOST_NUMBERS];
    size_t n_weights;
};

static void read_dump(FILE *file, struct dump *dump)
{
    size_t n;
    ck_assert(read_line(file, "weights", dump->weights, &dump->n_weights));
    for (size_t i = 0; i < dump->n_weights; i++)
        dump->weights32[i] = (float)dump->weights[i];
    ck_assert(read_line(file, "row", dump->row, &n));
    for (size_t i = 0; i < n; i++)
        dump->row32[i] = (float)dump->row[i];
    ck_assert(read_line(file, "normals", dump->normals, &n));
    for (size_t i = 0; i < n; i++)
        dump->normals32[i] = (float)dump->normals[i];
    ck_assert(read_line(file, "loss", dump->loss, &n) && n == 1);
    ck_assert(read_line(file, "gradient", dump->gradient, &n) && n == dump->n_weights);
}

static void assert_gradient(const struct factors *factors, const struct dump *dump)
{
    size_t w = 0;
    for (int l = 0; l < factors->n_matrices; l++)
        for (size_t own = 0; own < factors->left_width[l] * factors->right_width[l]; own++, w++)
            assert_near(factor_gradient(factors, l, 0, own), dump->gradient[w], 1e-5);
    ck_assert_uint_eq(w, dump->n_weights);
}

/* terms: activation and widths, as in make_torch.py. */
static void check_mlp(const double *terms, size_t n_terms, const struct dump *dump)
{
    struct dpm_nn_dense net = {.n_layers = (int)n_terms - 2};
    struct factors factors = {0};
    float output[WIDEST];
    double loss = 0;
    for (int l = 0; l < net.n_layers; l++) {
        net.layer[l] = (struct dpm_nn_layer){(size_t)terms[1 + l], (size_t)terms[2 + l], (int)terms[0]};
        add_factor(&factors, net.layer[l].in + 1, net.layer[l].out, 1, 1, 0);
    }
    size_t n_outputs = net.layer[net.n_layers - 1].out;
    memcpy(factors.left[0], dump->row32, net.layer[0].in * sizeof(float));
    dpm_nn_dense_forward(&net, dump->weights32, 1, factors.left, output);
    for (size_t j = 0; j < n_outputs; j++)
        loss += (double)output[j] * (double)output[j] / 2;
    assert_near(loss, dump->loss[0], 1e-5);
    memcpy(factors.right[net.n_layers - 1], output, n_outputs * sizeof(float));
    dpm_nn_dense_backward(&net, dump->weights32, 1, factors.left, output, factors.right);
    assert_gradient(&factors, dump);
}

static void check_vae(const double *terms, size_t n_terms, const struct dump *dump)
{
    static const int32_t own_groups[] = {0, 1, 1, 1, 2, 2, 0};
    const int32_t label = 1;
    ck_assert_uint_eq(n_terms, 10);
    struct dpm_nn_vae vae = {
        .output = (int)terms[0],
        .activation = (int)terms[1],
        .columns = (size_t)terms[2],
        .classes = (size_t)terms[3],
        .latent = (size_t)terms[4],
        .hidden = (size_t)terms[5],
        .hidden_last = (size_t)terms[6],
        .draws = (int)terms[7],
        .beta = (float)terms[8],
        .deviation = (float)terms[9],
        .layers = 2,
        .groups = own_groups,
    };
    dpm_nn_vae_build(&vae);
    struct factors factors = new_vae_factors(&vae, 1, 0);
    float *scratch = numbers(dpm_nn_vae_gradient_scratch(&vae), 1, 99);
    ck_assert_uint_eq(dpm_nn_vae_size(&vae), dump->n_weights);
    assert_near(twin_loss(&vae, dump->weights, dump->row32, label, dump->normals32), dump->loss[0], 1e-7);
    dpm_nn_vae_gradient(&vae, dump->weights32, 1, dump->row32, &label, dump->normals32, scratch, factors.left,
                        factors.right);
    assert_gradient(&factors, dump);
}

START_TEST(gradients_are_those_of_pytorch)
{
    static struct dump dump;
    const char *folder = getenv("DPMIX_TEST_DATA");
    char path[4096], kind[8];
    double terms[MOST_NUMBERS];
    size_t n_terms, n_cases = 0;
    ck_assert_msg(folder != NULL, "DPMIX_TEST_DATA: must name the folder of the tables");
    snprintf(path, sizeof path, "%s/torch.tsv", folder);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fscanf(file, "case\t%7s", kind) == 1) {
        ck_assert(read_line(file, "", terms, &n_terms));
        read_dump(file, &dump);
        if (strcmp(kind, "mlp") == 0)
            check_mlp(terms, n_terms, &dump);
        else
            check_vae(terms, n_terms, &dump);
        free_blocks();
        n_cases++;
    }
    ck_assert_uint_eq(n_cases, 10);
    fclose(file);
}
END_TEST

static void add(Suite *suite, const TTest *function, int n)
{
    TCase *check_case = tcase_create("vae");
    tcase_set_timeout(check_case, 0);
    tcase_add_checked_fixture(check_case, NULL, free_blocks);
    tcase_add_loop_test(check_case, function, 0, n);
    suite_add_tcase(suite, check_case);
}

static Suite *suite(void)
{
    Suite *s = suite_create("nn_vae");
    add(s, gradients_are_those_of_the_loss, SHAPES);
    add(s, rows_are_pure, SHAPES * COMPANIES);
    add(s, all_stays_finite, SHAPES);
    add(s, one_way_is_right, SHAPES);
    add(s, widths_lie_between_first_and_last, 1);
    add(s, gradients_are_those_of_pytorch, 1);
    return s;
}

CHECK_MAIN(suite)
