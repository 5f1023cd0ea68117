/* SPDX-License-Identifier: BSD-3-Clause */
/* The training of conditional GANs on the engine, one pair of nets for each part. The engine's net is the
 * discriminator. What the hooks do is post-processing: fakes are made by the generator from public random
 * bits, with labels drawn by the noisy class weights, and generators learn from discriminators alone. */
#ifndef DPM_GENERATOR_CGAN_TRAIN_H
#define DPM_GENERATOR_CGAN_TRAIN_H

#include "generator_train.h"
#include "nn_gan.h"
#include "nn_optim.h"

struct dpm_cgan {
    struct dpm_nn_gan gan;
    size_t n_parts, n_weights;   /* n_weights: of one part's generator */
    uint64_t critic_steps;       /* the discriminator's to each of the generator's */
    float real;                  /* target for real records */
    double fakes;                /* to each real record that is expected */
    struct dpm_nn_optim optim;   /* of the generators */
    struct dpm_nn_track *tracks; /* n_parts, into the memory below */
    float *weights, *first;      /* n_parts x n_weights, as the two below */
    float *second;               /* NULL where the optimiser has none */
    float *average;              /* NULL without averaging */
    float *gradient;             /* a generator's */
    float *sum;                  /* of a discriminator's gradients */
    float *noise;                /* DPM_NN_GAN_BLOCK x gan.noise */
    float *scratch;
};

/* Allocates for the options. `conditional` with classes > 0 only. */
int dpm_cgan_new(struct dpm_cgan **out, const struct dpmix_options *options, size_t columns, size_t classes,
                 int n_parts);
void dpm_cgan_free(struct dpm_cgan *cgan); /* NULL is fine */

/* The net for the engine; it points into `cgan`. */
struct dpm_train_net dpm_cgan_net(struct dpm_cgan *cgan);

/* After the training: the generators' weights, n_parts x n_weights, averaged where the options ask for it;
 * for the caller to keep. */
float *dpm_cgan_take_weights(struct dpm_cgan *cgan);

#endif
