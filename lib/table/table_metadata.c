/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_metadata.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "table_json.h"

#include <dpmix/arrow.h>

#include <string.h>

/* The specification's encoding: the number of pairs, then for each pair key and value, each behind its
 * length. Numbers are int32 in the machine's byte order, at any address. */

static char *put_text(char *at, const char *text, size_t n)
{
    int32_t length = (int32_t)n;
    memcpy(at, &length, sizeof length);
    memcpy(at + sizeof length, text, n);
    return at + sizeof length + n;
}

int dpm_metadata_write(char **out, const struct dpmix_schema *schema)
{
    static const char key[] = DPMIX_ARROW_METADATA_KEY;
    const int32_t pairs = 1;
    char *json = NULL, *metadata = NULL;
    int status = dpm_json_write(schema, &json);
    size_t length = status ? 0 : strlen(json);
    if (!status && length > INT32_MAX)
        status = dpm_fail(DPMIX_ERR_RANGE, "schema: its JSON has more than 2 GB");
    if (!status && !(metadata = dpm_alloc(3 * sizeof pairs + strlen(key) + length, 1)))
        status = DPMIX_ERR_NOMEM;
    if (!status) {
        memcpy(metadata, &pairs, sizeof pairs);
        put_text(put_text(metadata + sizeof pairs, key, strlen(key)), json, length);
        *out = metadata;
    }
    dpm_free(json);
    return status;
}

struct text {
    const char *bytes;
    size_t n;
};

/* 0 for a length that cannot be. How long the metadata is as a whole nothing tells. */
static int get_text(struct text *text, const char **at)
{
    int32_t length;
    memcpy(&length, *at, sizeof length);
    if (length < 0)
        return 0;
    text->bytes = *at + sizeof length;
    text->n = (size_t)length;
    *at = text->bytes + text->n;
    return 1;
}

static int is_key(const struct text *text)
{
    static const char key[] = DPMIX_ARROW_METADATA_KEY;
    return text->n == strlen(key) && memcmp(text->bytes, key, text->n) == 0;
}

int dpm_metadata_read(struct dpmix_schema **out, const char *argument, const char *metadata)
{
    struct text found = {NULL, 0};
    int32_t pairs = 0;
    if (metadata) {
        memcpy(&pairs, metadata, sizeof pairs);
        metadata += sizeof pairs;
    }
    if (pairs < 0)
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: the metadata has a length below 0", argument);
    for (int32_t i = 0; i < pairs; i++) {
        struct text key, value;
        if (!get_text(&key, &metadata) || !get_text(&value, &metadata))
            return dpm_fail(DPMIX_ERR_FORMAT, "%s: the metadata has a length below 0", argument);
        if (!is_key(&key))
            continue;
        if (found.bytes)
            return dpm_fail(DPMIX_ERR_FORMAT, "%s: the metadata has a schema twice", argument);
        found = value;
    }
    if (!found.bytes)
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: the metadata has no schema", argument);
    return dpm_json_read(out, argument, found.bytes, found.n);
}
