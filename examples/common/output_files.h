/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of a release, in one folder. */
#ifndef EXAMPLE_OUTPUT_FILES_H
#define EXAMPLE_OUTPUT_FILES_H

struct output_files {
    char *images;      /* synthetic records, IDX */
    char *labels;      /* their labels, IDX; not written when the model has none */
    char *soft_labels; /* NULL unless asked for */
    char *sheet;       /* PNG */
    char *model;
    char *ledger; /* JSON */
};

/* Makes the folder (not its parents) unless it is there. Returns 0, or -1 after a line on stderr. */
int output_files_open(struct output_files *files, const char *folder);

/* Asks for soft labels, too: IDX, a byte for each class of each record. */
int output_files_add_soft_labels(struct output_files *files, const char *folder);

void output_files_close(struct output_files *files);

/* Writes a text file. Returns 0, or -1 after a line on stderr. */
int output_file_write(const char *path, const char *text);

#endif
