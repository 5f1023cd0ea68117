/* SPDX-License-Identifier: BSD-3-Clause */
/* Schemas in the metadata of Arrow types: out and in, beside other keys, and what is no such thing. */
#include <dpmix/dpmix.h>

#include "base_alloc.h"

#include "tiny_arrow.h"

#include <string.h>

static const char declared[] =
    "{\"dpmix_schema\": 1, \"columns\": ["
    "{\"name\": \"age\", \"kind\": \"integer\", \"lower\": 17, \"upper\": 90},"
    "{\"name\": \"income\", \"kind\": \"continuous\", \"lower\": 1, \"upper\": 1e6, \"scale\": \"log\","
    " \"nullable\": true, \"outside\": \"null\"},"
    "{\"name\": \"job\", \"kind\": \"categorical\", \"values\": [\"clerk\", \"n\\u00fcrse\"],"
    " \"other\": \"another\", \"outside\": \"other\"},"
    "{\"name\": \"who\", \"kind\": \"unit\", \"max_rows\": 5}], \"label\": \"job\"}";

static void expect_same(const dpmix_schema *one, const dpmix_schema *other)
{
    char texts[2][2048];
    CHECK_OK(dpmix_schema_json(one, texts[0], sizeof texts[0], NULL));
    CHECK_OK(dpmix_schema_json(other, texts[1], sizeof texts[1], NULL));
    ck_assert_str_eq(texts[0], texts[1]);
}

START_TEST(a_type_carries_its_schema)
{
    dpmix_schema *schema = NULL, *again = NULL;
    struct ArrowSchema types;
    CHECK_OK(dpmix_schema_new_json(&schema, declared));
    CHECK_OK(dpmix_schema_arrow(schema, &types));
    ck_assert_int_eq(types.n_children, 3); /* without the unit, which the metadata have */
    ck_assert_str_eq(types.format, "+s");
    ck_assert_str_eq(types.children[1]->name, "income");
    ck_assert_int_eq(types.children[1]->flags, ARROW_FLAG_NULLABLE);
    ck_assert_ptr_null(types.children[1]->metadata);
    CHECK_OK(dpmix_schema_new_arrow(&again, &types));
    expect_same(schema, again);
    ck_assert(types.release != NULL); /* it was only read */
    dpmix_schema_free(schema);
    types.release(&types);
    CHECK_FAILS(dpmix_schema_new_arrow(&again, &types), DPMIX_ERR_ARG, "types");
    dpmix_schema_free(again);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

START_TEST(out_of_memory_at_every_allocation)
{
    dpmix_schema *schema = NULL;
    CHECK_OK(dpmix_schema_new_json(&schema, declared));
    int64_t live = dpm_alloc_live();
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status; nth++) {
        dpmix_schema *again = NULL;
        struct ArrowSchema types = {0};
        dpm_alloc_fail_after(nth, 1);
        status = dpmix_schema_arrow(schema, &types);
        if (!status)
            status = dpmix_schema_new_arrow(&again, &types);
        dpm_alloc_fail_after(0, 0);
        ck_assert(status == DPMIX_OK || status == DPMIX_ERR_NOMEM);
        ck_assert(status == DPMIX_OK || !again);
        if (types.release)
            types.release(&types);
        dpmix_schema_free(again);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
    dpmix_schema_free(schema);
}
END_TEST

/* ---- Metadata of other makers ---- */

struct metadata {
    char bytes[4096];
    size_t used;
};

static void put_number(struct metadata *metadata, int32_t number)
{
    memcpy(metadata->bytes + metadata->used, &number, sizeof number);
    metadata->used += sizeof number;
}

static void put_text(struct metadata *metadata, const char *text)
{
    put_number(metadata, (int32_t)strlen(text));
    memcpy(metadata->bytes + metadata->used, text, strlen(text));
    metadata->used += strlen(text);
}

static int take(const struct metadata *metadata)
{
    struct ArrowSchema types = {
        .format = "+s", .metadata = metadata ? metadata->bytes : NULL, .release = tiny_release_type};
    dpmix_schema *found = NULL;
    int status = dpmix_schema_new_arrow(&found, &types);
    ck_assert_int_eq(status == DPMIX_OK, found != NULL);
    dpmix_schema_free(found);
    return status;
}

/* Numbers and texts at odd addresses; keys that begin as the schema's does, and that it begins with. */
START_TEST(it_stands_beside_other_keys)
{
    struct metadata metadata = {.used = 0};
    put_number(&metadata, 4);
    put_text(&metadata, "odd");
    put_text(&metadata, "");
    put_text(&metadata, "dpmix_schema_2");
    put_text(&metadata, "x");
    put_text(&metadata, "dpmix_schema");
    put_text(&metadata, declared);
    put_text(&metadata, "dpmix");
    put_text(&metadata, "y");
    ck_assert_int_eq(take(&metadata), DPMIX_OK);
}
END_TEST

START_TEST(what_is_no_schema_is_refused)
{
    struct metadata metadata = {.used = 0};
    CHECK_FAILS(take(NULL), DPMIX_ERR_FORMAT, "types: the metadata has no schema");
    put_number(&metadata, 0);
    CHECK_FAILS(take(&metadata), DPMIX_ERR_FORMAT, "no schema");
    memset(&metadata, 0, sizeof metadata);
    put_number(&metadata, -1);
    CHECK_FAILS(take(&metadata), DPMIX_ERR_FORMAT, "below 0");
    memset(&metadata, 0, sizeof metadata);
    put_number(&metadata, 1);
    put_number(&metadata, -5);
    CHECK_FAILS(take(&metadata), DPMIX_ERR_FORMAT, "below 0");
    memset(&metadata, 0, sizeof metadata);
    put_number(&metadata, 1);
    put_text(&metadata, "dpmix_schema");
    put_number(&metadata, INT32_MIN);
    CHECK_FAILS(take(&metadata), DPMIX_ERR_FORMAT, "below 0");
    memset(&metadata, 0, sizeof metadata);
    put_number(&metadata, 1);
    put_text(&metadata, "dpmix_schema");
    put_text(&metadata, "{\"dpmix_schema\": 1}");
    CHECK_FAILS(take(&metadata), DPMIX_ERR_FORMAT, "types");
    memset(&metadata, 0, sizeof metadata);
    put_number(&metadata, 2);
    for (int i = 0; i < 2; i++) {
        put_text(&metadata, "dpmix_schema");
        put_text(&metadata, declared);
    }
    CHECK_FAILS(take(&metadata), DPMIX_ERR_FORMAT, "twice");
}
END_TEST

START_TEST(arguments_are_needed)
{
    dpmix_schema *schema = NULL;
    struct ArrowSchema types = {0};
    CHECK_FAILS(dpmix_schema_new_arrow(NULL, &types), DPMIX_ERR_ARG, "out");
    CHECK_FAILS(dpmix_schema_new_arrow(&schema, NULL), DPMIX_ERR_ARG, "types");
    CHECK_FAILS(dpmix_schema_arrow(NULL, &types), DPMIX_ERR_ARG, "schema");
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_FAILS(dpmix_schema_arrow(schema, NULL), DPMIX_ERR_ARG, "types");
    dpmix_schema_free(schema);
}
END_TEST

static Suite *metadata_suite(void)
{
    Suite *suite = suite_create("metadata");
    CHECK_ADD(suite, a_type_carries_its_schema);
    CHECK_ADD(suite, out_of_memory_at_every_allocation);
    CHECK_ADD(suite, it_stands_beside_other_keys);
    CHECK_ADD(suite, what_is_no_schema_is_refused);
    CHECK_ADD(suite, arguments_are_needed);
    return suite;
}

CHECK_MAIN(metadata_suite)
