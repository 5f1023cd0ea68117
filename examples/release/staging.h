/* SPDX-License-Identifier: BSD-3-Clause */
/* The folder of a release appears whole or not at all: its files are written into a folder beside it, which
 * takes its name at the end. */
#ifndef RELEASE_STAGING_H
#define RELEASE_STAGING_H

#include <stdio.h>

enum { STAGING_FILES = 8 };

struct staging {
    char *folder, *work;        /* `work` is NULL once it was published */
    char *files[STAGING_FILES]; /* paths within `work` */
    int n;
    int existed; /* the folder was there, empty */
};

/* The functions return 0, or -1 after a line on stderr. */

/* Whether a folder of that name can be made: there is none, or an empty one. */
int staging_check(const char *folder);

int staging_open(struct staging *staging, const char *folder);

/* The path of a new file, which belongs to the staging; NULL after a line on stderr. */
const char *staging_add(struct staging *staging, const char *name);

/* Closes a file that was written, once it is on the disk. */
int staging_close_file(FILE *file, const char *path);

/* Deletes all files but the first n. */
void staging_drop(struct staging *staging, int n);

/* Makes the folder appear, also after a power failure. Where that fails the files stay where they were
 * written, and the line says where.
 */
int staging_publish(struct staging *staging);

/* Frees; deletes all that was not published. An empty folder that was there is there again. */
void staging_close(struct staging *staging);

#endif
