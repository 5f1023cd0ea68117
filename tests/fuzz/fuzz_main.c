/* SPDX-License-Identifier: BSD-3-Clause */
/* The targets under libFuzzer: --target=NAME chooses one. With --seeds=FOLDER its seeds are written there,
 * and nothing else is done. */
#include "fuzz.h"

#include "tiny_file.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What Check's macros call. Check itself is not linked: nothing here runs under its runner. */
void _mark_point(const char *file, int line)
{
    (void)file, (void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...)
{
    (void)message;
    fprintf(stderr, "%s:%d: %s; %s\n", file, line, expression, dpmix_last_error());
    abort();
}

static const struct fuzz_target *const targets[] = FUZZ_TARGETS;
static const struct fuzz_target *target;

struct seeds {
    const char *folder;
    int n;
};

static void write_seed(void *user, const uint8_t *bytes, size_t n)
{
    struct seeds *seeds = user;
    char path[4096];
    snprintf(path, sizeof path, "%s/seed%d", seeds->folder, seeds->n++);
    tiny_write(path, bytes, n);
}

/* The value of --name=value, or NULL. */
static const char *value_of(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 ? argument + length : NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct seeds seeds = {NULL, 0};
    for (int i = 1; i < *argc; i++) {
        const char *name = value_of((*argv)[i], "--target="), *folder = value_of((*argv)[i], "--seeds=");
        seeds.folder = folder ? folder : seeds.folder;
        for (size_t t = 0; name && t < sizeof targets / sizeof *targets; t++)
            if (strcmp(targets[t]->name, name) == 0)
                target = targets[t];
    }
    if (!target) {
        fprintf(stderr, "--target= is missing, or names none\n");
        exit(2);
    }
    tiny_folder_setup();
    if (seeds.folder) {
        target->seed(write_seed, &seeds);
        tiny_folder_teardown();
        exit(0);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    target->run(bytes, n);
    return 0;
}
