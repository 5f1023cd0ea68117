/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoints of generators and mixtures, whose training the ledger knows. Random bits are always the same,
 * so that the training has one name in every process. */
#include "fuzz.h"
#include "fuzz_file.h"

#include "account_copy.h"
#include "account_state.h"
#include "base_blob.h"
#include "base_threads.h"
#include "random_stream.h"
#include "tiny_file.h"
#include "tiny_model.h"

enum { STEPS = 4, STOP_AT = 2, N_KINDS = 3, MIXTURE = N_KINDS, N_CASES = N_KINDS + 1 };

#define EPSILON 50.0

typedef int key_fn(uint8_t key[DPM_KEY_SIZE]);
key_fn __wrap_dpm_random_key;

int __wrap_dpm_random_key(uint8_t key[DPM_KEY_SIZE])
{
    for (size_t i = 0; i < DPM_KEY_SIZE; i++)
        key[i] = (uint8_t)(i + 1);
    return DPMIX_OK;
}

/* A training that was stopped, and the ledger as it was then. */
struct training {
    dpmix_accountant *accountant;
    dpmix_clusterer *clusterer; /* of a mixture */
    int64_t memory;             /* that to go on with it takes */
};

static float rows[TINY_ROWS * TINY_COLUMNS];
static int32_t labels[TINY_ROWS];
static struct training trainings[N_CASES];
static struct tiny_bytes inputs[N_CASES];

static const int kinds[N_KINDS] = {DPMIX_GENERATOR_VAE, DPMIX_GENERATOR_RBM, DPMIX_GENERATOR_CGAN};

static dpmix_generator *new_generator(int kind)
{
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, STEPS));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_ADAMW));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_AVERAGING, 0.8));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 1)); /* quick to account for */
    CHECK_OK(dpmix_generator_new(&generator, kind, options));
    dpmix_options_free(options);
    return generator;
}

static int stop_there(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    const uint64_t *stop_at = user;
    (void)phase, (void)total, (void)epsilon_spent;
    return done >= *stop_at;
}

/* One for each ledger: it belongs to the first that was debited for it. */
static dpmix_dataset *new_dataset(void)
{
    return tiny_dataset(rows, TINY_ROWS, TINY_COLUMNS, labels, TINY_CLASSES);
}

/* Its checkpoint is then in file "a". */
static void begin(struct training *training, int kind)
{
    uint64_t stop_at = STOP_AT;
    dpmix_generator *generator = new_generator(kind);
    int status;
    dpmix_dataset *dataset = new_dataset();
    training->accountant = tiny_accountant(EPSILON);
    if (training->clusterer) {
        dpmix_mixture *mixture = NULL;
        CHECK_OK(dpmix_mixture_new(&mixture, training->clusterer, generator));
        CHECK_OK(dpmix_mixture_checkpoint(mixture, tiny_path("a"), 0));
        status = dpmix_mixture_fit(mixture, training->accountant, dataset, 0.3, stop_there, &stop_at);
        dpmix_mixture_free(mixture);
    } else {
        CHECK_OK(dpmix_generator_checkpoint(generator, tiny_path("a"), 0));
        status = dpmix_generator_fit(generator, training->accountant, dataset, 0.3, stop_there, &stop_at);
    }
    ck_assert_int_eq(status, DPMIX_ERR_CANCELLED);
    dpmix_generator_free(generator);
    dpmix_dataset_free(dataset);
}

/* With the training's debit and its run, as if nobody had gone on with it. */
static dpmix_accountant *copy_ledger(const struct training *training)
{
    dpmix_accountant *copy = NULL;
    FUZZ_ASSERT(dpm_accountant_copy(&copy, training->accountant) == DPMIX_OK);
    dpm_alloc_set_kind(copy, dpm_alloc_kind(training->accountant));
    FUZZ_ASSERT(dpm_account_run_reserve(copy->state) == DPMIX_OK);
    dpm_account_run_keep(copy->state, &training->accountant->state->runs[0]);
    return copy;
}

static int resume(const struct training *training, dpmix_accountant *accountant, const char *path)
{
    uint64_t stop_at = STOP_AT + 1;
    dpmix_dataset *dataset = new_dataset();
    dpmix_generator *generator = NULL;
    dpmix_mixture *mixture = NULL;
    int status = training->clusterer
                     ? dpmix_mixture_resume(&mixture, path, accountant, dataset, stop_there, &stop_at)
                     : dpmix_generator_resume(&generator, path, accountant, dataset, stop_there, &stop_at);
    FUZZ_ASSERT((status == DPMIX_OK) == (mixture || generator));
    dpmix_mixture_free(mixture);
    dpmix_generator_free(generator);
    dpmix_dataset_free(dataset);
    return status;
}

/* Everything that is there to the end: the dataset, and the trainings. */
static void set_up(void)
{
    static int done;
    if (done++)
        return;
    tiny_blobs(rows, labels, TINY_ROWS, TINY_COLUMNS, TINY_CLASSES, 1);
    dpmix_dataset *dataset = new_dataset();
    dpmix_accountant *of_partition = tiny_accountant(EPSILON);
    trainings[MIXTURE].clusterer = tiny_clusterer(DPMIX_CLUSTERER_KMEANS);
    CHECK_OK(dpmix_clusterer_fit(trainings[MIXTURE].clusterer, of_partition, dataset, 0.3, NULL, NULL));
    dpmix_accountant_free(of_partition);
    dpmix_dataset_free(dataset);
    for (int i = 0; i < N_CASES; i++) {
        begin(&trainings[i], kinds[i % N_KINDS]);
        inputs[i] = tiny_read(tiny_path("a"));
        dpmix_accountant *accountant = copy_ledger(&trainings[i]);
        int64_t held = dpm_alloc_watch();
        ck_assert_int_eq(resume(&trainings[i], accountant, tiny_path("a")), DPMIX_ERR_CANCELLED);
        trainings[i].memory = dpm_alloc_peak() - held;
        dpmix_accountant_free(accountant);
    }
}

static void run_checkpoint(const uint8_t *bytes, size_t n)
{
    set_up();
    uint8_t first = n > 0 ? bytes[0] : 0;
    const struct training *training = &trainings[first / 2 % N_CASES];
    const char *path = fuzz_file_model(
        training->clusterer ? DPM_BLOB_MIXTURE_CHECKPOINT : DPM_BLOB_GENERATOR_CHECKPOINT, bytes, n);
    struct fuzz_memory memory = fuzz_memory_begin();
    dpmix_accountant *accountant = copy_ledger(training);
    double before = tiny_spent(accountant);
    int status = resume(training, accountant, path);
    /* The training had one thread; a file may ask for as many as there are processors. */
    fuzz_memory_bound(&memory, (1 + (size_t)dpm_processors()) * (size_t)training->memory + 64 * n + 65536);
    fuzz_expect(status,
                (int[]){DPMIX_OK, DPMIX_ERR_FORMAT, DPMIX_ERR_STATE, DPMIX_ERR_BUDGET, DPMIX_ERR_CANCELLED},
                5);
    FUZZ_ASSERT(tiny_spent(accountant) >= before);
    if (status == DPMIX_ERR_FORMAT || status == DPMIX_ERR_STATE) /* nothing was begun */
        FUZZ_ASSERT(accountant->state->n_entries == 1);
    dpmix_accountant_free(accountant);
    fuzz_memory_end(&memory);
}

static void store_f64(uint8_t *bytes, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    tiny_store(bytes, bits, sizeof bits);
}

/* What was a fault once: a width in the settings that the file has no weights for, and noise that is out of
 * the sampler's range. The payload of a VAE begins with how often it is written (8 bytes), the kind (4), and
 * how many options there are (8), a key and a value each; its noise is behind its purpose and a number. */
static void give_claims(fuzz_give_fn *give, void *user)
{
    const uint8_t dressed = FUZZ_DRESSED; /* of the first training */
    size_t n = inputs[0].n - TINY_HEADER - TINY_CHECKSUM;
    uint8_t *payload = malloc(n);
    FUZZ_ASSERT(payload);
    for (int claim = 0; claim < 2; claim++) {
        size_t found = 0;
        memcpy(payload, inputs[0].bytes + TINY_HEADER, n);
        for (size_t at = 20; claim == 0 && !found && at + 16 < n; at += 16)
            found = payload[at] == DPMIX_OPTION_VAE_HIDDEN ? at + 8 : 0;
        for (size_t at = 20; claim == 1 && !found && at + 19 < n; at++)
            found = memcmp(payload + at, "VAE", 3) == 0 ? at + 3 + 8 : 0;
        FUZZ_ASSERT(found);
        store_f64(payload + found, claim == 0 ? 65536 : 1e300);
        fuzz_file_give_bytes(give, user, dressed, payload, n);
    }
    free(payload);
}

static void seed_checkpoint(fuzz_give_fn *give, void *user)
{
    set_up();
    give_claims(give, user);
    for (int i = 0; i < N_CASES; i++) {
        const struct tiny_bytes *file = &inputs[i];
        fuzz_file_give_bytes(give, user, (uint8_t)(2 * i + FUZZ_AS_IS), file->bytes, file->n);
        fuzz_file_give_bytes(give, user, (uint8_t)(2 * i + FUZZ_DRESSED), file->bytes + TINY_HEADER,
                             file->n - TINY_HEADER - TINY_CHECKSUM);
    }
}

const struct fuzz_target fuzz_checkpoint = {"checkpoint", run_checkpoint, seed_checkpoint};
