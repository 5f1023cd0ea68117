/* SPDX-License-Identifier: BSD-3-Clause */
#include "staging.h"

#include "complain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_on(const char *path)
{
    return complain("%s: %s", path, strerror(errno));
}

int staging_check(const char *folder)
{
    DIR *found = opendir(folder);
    if (!found)
        return errno == ENOENT ? 0 : fail_on(folder);
    int others = 0;
    for (struct dirent *entry = readdir(found); entry; entry = readdir(found))
        others += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(found);
    return others ? complain("--output: the folder '%s' is not empty", folder) : 0;
}

/* A link, a mount point or the folder one stands in cannot be replaced: known before anything is spent. */
static int rehearse(const struct staging *s)
{
    return rename(s->work, s->folder) == 0 && rename(s->folder, s->work) == 0 ? 0 : -1;
}

int staging_open(struct staging *s, const char *folder)
{
    struct stat found;
    size_t length = strlen(folder);
    const size_t size = length + 48;
    *s = (struct staging){.folder = malloc(length + 1), .work = malloc(size)};
    if (!s->folder || !s->work) {
        staging_close(s);
        return complain("out of memory");
    }
    while (length > 1 && folder[length - 1] == '/')
        length--;
    memcpy(s->folder, folder, length);
    s->folder[length] = '\0';
    snprintf(s->work, size, "%s.partial-%ld", s->folder, (long)getpid());
    s->existed = stat(s->folder, &found) == 0;
    const mode_t mode = s->existed ? (found.st_mode & 0777) | S_IRWXU : 0777;
    int failed = mkdir(s->work, mode) == 0 ? 0 : fail_on(s->work);
    if (!failed && rehearse(s) == 0)
        return 0;
    if (!failed) {
        failed = complain("--output '%s': %s", s->folder, strerror(errno));
        rmdir(s->work);
    }
    free(s->work);
    s->work = NULL;
    staging_close(s);
    return failed;
}

const char *staging_add(struct staging *s, const char *name)
{
    const size_t size = strlen(s->work) + strlen(name) + 2;
    char *path = s->n < STAGING_FILES ? malloc(size) : NULL;
    if (!path) {
        complain("out of memory");
        return NULL;
    }
    snprintf(path, size, "%s/%s", s->work, name);
    s->files[s->n++] = path;
    return path;
}

int staging_close_file(FILE *file, const char *path)
{
    int failed = ferror(file) || fflush(file) != 0 || fsync(fileno(file)) != 0;
    const int error = errno;
    failed |= fclose(file) != 0;
    return failed ? complain("%s: %s", path, strerror(error)) : 0;
}

void staging_drop(struct staging *s, int n)
{
    while (s->n > n) {
        unlink(s->files[--s->n]);
        free(s->files[s->n]);
    }
}

/* Its names are on the disk then. Not every file system does that, and nothing can be done about it. */
static void sync_parent(const char *path)
{
    char *copy = strdup(path);
    const int parent = copy ? open(dirname(copy), O_RDONLY) : -1;
    if (parent >= 0) {
        fsync(parent);
        close(parent);
    }
    free(copy);
}

int staging_publish(struct staging *s)
{
    const int failed = rename(s->work, s->folder) == 0
                           ? 0
                           : complain("%s: %s; all files are in %s", s->folder, strerror(errno), s->work);
    sync_parent(s->folder);
    free(s->work);
    s->work = NULL;
    return failed;
}

void staging_close(struct staging *s)
{
    if (s->work)
        staging_drop(s, 0);
    for (int i = 0; i < s->n; i++)
        free(s->files[i]);
    if (s->work && (!s->existed || rename(s->work, s->folder) != 0))
        rmdir(s->work);
    free(s->folder);
    free(s->work);
    *s = (struct staging){0};
}
