/* SPDX-License-Identifier: BSD-3-Clause */
#include "output_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int complain(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return -1;
}

static char *join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

int output_files_open(struct output_files *files, const char *folder)
{
    struct stat found;
    *files = (struct output_files){0};
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return complain(folder);
    if (stat(folder, &found) != 0)
        return complain(folder);
    if (!S_ISDIR(found.st_mode)) {
        errno = ENOTDIR;
        return complain(folder);
    }
    files->images = join(folder, "synthetic-images-idx3-ubyte");
    files->labels = join(folder, "synthetic-labels-idx1-ubyte");
    files->sheet = join(folder, "samples.png");
    files->model = join(folder, "model.dpmix");
    files->ledger = join(folder, "ledger.json");
    if (files->images && files->labels && files->sheet && files->model && files->ledger)
        return 0;
    output_files_close(files);
    errno = ENOMEM;
    return complain(folder);
}

int output_files_add_soft_labels(struct output_files *files, const char *folder)
{
    files->soft_labels = join(folder, "synthetic-soft-labels-idx2-ubyte");
    if (files->soft_labels)
        return 0;
    errno = ENOMEM;
    return complain(folder);
}

void output_files_close(struct output_files *files)
{
    free(files->images);
    free(files->labels);
    free(files->soft_labels);
    free(files->sheet);
    free(files->model);
    free(files->ledger);
    *files = (struct output_files){0};
}

int output_file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return complain(path);
    const int failed = fputs(text, file) == EOF;
    return fclose(file) != 0 || failed ? complain(path) : 0;
}
