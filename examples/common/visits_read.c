/* SPDX-License-Identifier: BSD-3-Clause */
#include "visits_read.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PIECE = 1 << 16 };

static const size_t most_columns = 1000000;

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return -1;
}

/* The file as a string, inflated. */
static char *read_text(const char *path)
{
    size_t used = 0, room = 0;
    char *text = NULL;
    gzFile file = gzopen(path, "rb");
    int got = file ? 1 : -1;
    while (got > 0) {
        if (room - used <= PIECE) {
            room = 2 * room + 2 * PIECE;
            char *wider = realloc(text, room);
            if (!wider)
                break;
            text = wider;
        }
        got = gzread(file, text + used, PIECE);
        used += got > 0 ? (size_t)got : 0;
    }
    if (file)
        gzclose(file);
    if (got != 0 || memchr(text, '\0', used)) {
        complain(path, "cannot be read");
        free(text);
        return NULL;
    }
    text[used] = '\0';
    return text;
}

static int read_columns(size_t *columns, const char *path)
{
    static const char key[] = "\"columns\"";
    char *text = read_text(path);
    if (!text)
        return -1;
    const char *at = strstr(text, key);
    if (at)
        at += strlen(key) + strspn(at + strlen(key), " \t\r\n");
    const unsigned long long n = at && *at == ':' ? strtoull(at + 1, NULL, 10) : 0;
    free(text);
    if (n < 1 || n > most_columns)
        return complain(path, "declares no number of columns");
    *columns = (size_t)n;
    return 0;
}

/* NAME.txt.gz and NAME.txt become NAME.json. */
static char *path_of_json(const char *path)
{
    const size_t length = strlen(path);
    char *json = malloc(length + sizeof(".json"));
    if (!json)
        return NULL;
    memcpy(json, path, length + 1);
    if (length > 3 && strcmp(json + length - 3, ".gz") == 0)
        json[length - 3] = '\0';
    char *end = strrchr(json, '.');
    if (end && strcmp(end, ".txt") == 0)
        *end = '\0';
    strcat(json, ".json");
    return json;
}

/* A last line may lack its line feed. */
static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n' || text[1] == '\0';
    return lines;
}

static int fill(struct idx_records *records, const char *text)
{
    uint8_t *row = records->bytes;
    while (*text) {
        if (*text == '\n') {
            row += records->columns;
        } else if (isdigit((unsigned char)*text)) {
            char *end;
            const unsigned long long column = strtoull(text, &end, 10);
            if (column >= records->columns)
                return -1;
            row[column] = 1;
            text = end;
            continue;
        } else if (*text != ' ' && *text != '\r') {
            return -1;
        }
        text++;
    }
    return 0;
}

int visits_read(struct idx_records *records, const char *path)
{
    char *json = path_of_json(path), *text = NULL;
    *records = (struct idx_records){0};
    int failed = json ? read_columns(&records->columns, json) : complain(path, "out of memory");
    if (failed == 0 && !(text = read_text(path)))
        failed = -1;
    if (failed == 0) {
        records->n = count_lines(text);
        records->bytes = calloc(records->n + 1, records->columns);
        if (!records->bytes)
            failed = complain(path, "out of memory");
        else if (fill(records, text) != 0)
            failed = complain(path, "holds something else than numbers of columns");
    }
    free(text);
    free(json);
    if (failed != 0)
        idx_records_close(records);
    return failed;
}
