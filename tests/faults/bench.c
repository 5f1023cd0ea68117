/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that are made from rows of the table. */
#include "calls.h"

#include <ctype.h>

static int proceed(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    (void)user, (void)phase, (void)done, (void)total, (void)epsilon_spent;
    return 0;
}

static int take_record(void *user, uint64_t record, const char *const *texts, size_t n)
{
    (void)user, (void)record, (void)texts, (void)n;
    return 0;
}

static void read_number(union call_value *value, enum call_type type, const char *word)
{
    double number = strtod(word, NULL);
    switch (type) {
    case CALL_INT: value->i = (int)number; break;
    case CALL_INT64: value->l = (int64_t)number; break;
    case CALL_UINT64: value->u = (uint64_t)number; break;
    case CALL_SIZE: value->z = (size_t)number; break;
    default: ck_assert_int_eq(type, CALL_DOUBLE); value->d = number;
    }
}

static void read_word(struct bench *bench, int i, char *word)
{
    const struct call_param *param = &bench->call->params[i];
    union call_value *value = &bench->values[i];
    size_t last = strlen(word) - 1;
    bench->optional[i] = word[last] == '?';
    bench->counts[i] = word[last] == '#';
    if (word[last] == '?' || word[last] == '#')
        word[last] = 0;
    if (isdigit((unsigned char)word[0]) || word[0] == '-') {
        read_number(value, param->type, word);
    } else if (word[0] == '_') {
        value->p = bench->slots + i * SLOT;
    } else if (word[0] == '+') {
        value->p = bench->fresh[i] = world_new(bench, word + 1);
    } else if (strcmp(word, "proceed") == 0) {
        value->f = (void (*)(void))proceed;
    } else if (strcmp(word, "take") == 0) {
        value->f = (void (*)(void))take_record;
    } else if (strcmp(word, "null") != 0) {
        value->p = world_thing(word);
    }
}

void bench_clear(struct bench *bench)
{
    memset(bench->slots, 0xa5, (size_t)bench->call->n * SLOT);
}

void bench_open(struct bench *bench, const struct row *row)
{
    char text[256], *next = NULL;
    memset(bench, 0, sizeof *bench);
    bench->row = row;
    bench->call = row_call(row);
    ck_assert_ptr_nonnull(bench->call);
    bench->slots = malloc((size_t)bench->call->n * SLOT + 1);
    ck_assert_ptr_nonnull(bench->slots);
    bench_clear(bench);
    snprintf(text, sizeof text, "%s", row->arguments);
    char *word = strtok_r(text, " ", &next);
    for (int i = 0; i < bench->call->n; i++) {
        ck_assert_msg(word != NULL, "%s: too few words", row->function);
        read_word(bench, i, word);
        word = strtok_r(NULL, " ", &next);
    }
    ck_assert_msg(!word, "%s: too many words", row->function);
}

void bench_close(struct bench *bench)
{
    for (int i = 0; i < bench->call->n; i++) {
        const char *declared = bench->call->params[i].declared;
        if (bench->fresh[i])
            world_free(declared, bench->fresh[i]);
    }
    free(bench->slots);
}

/* What the library gave in Arrow's structs. */
static void release_arrow(const char *declared, void *given)
{
    struct ArrowArrayStream *stream = given;
    struct ArrowSchema *types = given;
    if (strcmp(declared, "struct ArrowArrayStream *") == 0)
        stream->release(stream);
    else if (strcmp(declared, "struct ArrowSchema *") == 0)
        types->release(types);
}

int bench_call(struct bench *bench, const union call_value *values, union call_value *result)
{
    const struct call *call = bench->call;
    values = values ? values : bench->values;
    if (strstr(bench->row->arguments, "+stream") || strstr(bench->row->arguments, "+array")) {
        world_table(&bench->table); /* each call consumes it */
        tiny_table_stream(&bench->table, 2);
    }
    union call_value given = call->make(values);
    int status = call->result == CALL_STATUS ? given.i : 0;
    if (result)
        *result = given;
    for (int i = 0; !status && i < call->n; i++) {
        if (bench->row->flags & ROW_CONSUMES && values[0].p == bench->fresh[0])
            bench->fresh[0] = NULL;
        if (call->params[i].type == CALL_NEW_HANDLE)
            world_free(call->params[i].declared, *(void **)values[i].p);
        if (call->params[i].type == CALL_OUT && !bench->fresh[i])
            release_arrow(call->params[i].declared, values[i].p);
    }
    return status;
}

int bench_untouched(const struct bench *bench)
{
    for (int i = 0; i < bench->call->n; i++)
        for (size_t j = 0; bench->values[i].p == bench->slots + i * SLOT && j < SLOT; j++)
            if (bench->slots[i * SLOT + (int)j] != 0xa5)
                return 0;
    return 1;
}

struct bench_spent bench_spent(const struct bench *bench)
{
    struct bench_spent spent = {0, 0, bench->mode.queries};
    for (int i = 0; i < bench->call->n; i++)
        if (strstr(bench->call->params[i].declared, "accountant") &&
            bench->call->params[i].type == CALL_HANDLE && bench->values[i].p) {
            spent.epsilon += tiny_spent(bench->values[i].p);
            spent.debits += tiny_entries(bench->values[i].p);
        }
    return spent;
}
