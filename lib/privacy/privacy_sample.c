/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_sample.h"
#include "base_alloc.h"
#include "privacy.h"
#include "random_stream.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    ROWS_PER_STREAM = 1024, /* rows whose u comes from one stream */
    FEW_BLOCKS = 64,
    MOST_BLOCKS = 1 << 14,    /* handed over at once */
    LEVELS = 12,              /* of halved intervals whose rows are counted in one pass */
    NODES = 1 << LEVELS,      /* intervals at the lowest of them */
    COUNTS = 64 / LEVELS + 1, /* passes of counting after which an interval has one value */
};

/* What is drawn at once: rows of parts first_part, ..., end_part - 1 with u from lowest to highest, both
 * included. Of several parts these are all that are selected. */
struct portion {
    int first_part, end_part;
    uint64_t lowest, highest;
    size_t n;   /* its rows */
    int counts; /* passes of counting that led to it */
};

struct draw {
    struct dpm_sample *sample;
    const struct dpm_sample_query *query;
    uint64_t last_u; /* the largest that is selected */
    dpm_sample_take_fn *take;
    void *context;
};

/* ---- Memory ---- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Rows that there is room for: whether a portion is full is looked at once for each stream. */
static size_t room(size_t n_rows, size_t portion)
{
    return smaller(n_rows, portion + ROWS_PER_STREAM);
}

static size_t counted_nodes(size_t n_rows, size_t portion)
{
    return n_rows > portion ? (size_t)COUNTS * (NODES + 1) : 0;
}

int dpm_sample_new(struct dpm_sample *sample, size_t n_rows, int n_parts, size_t portion)
{
    size_t rows = room(n_rows, portion);
    sample->portion = portion;
    sample->most_blocks = smaller(rows, MOST_BLOCKS);
    sample->order = dpm_alloc(rows, sizeof *sample->order);
    sample->blocks = dpm_alloc(sample->most_blocks, sizeof *sample->blocks);
    sample->keys = dpm_alloc(rows, sizeof *sample->keys);
    sample->other_order = dpm_alloc(rows, sizeof *sample->other_order);
    sample->other_keys = dpm_alloc(rows, sizeof *sample->other_keys);
    sample->part_ends = dpm_alloc((size_t)n_parts, sizeof *sample->part_ends);
    sample->part_rows = dpm_alloc((size_t)n_parts, sizeof *sample->part_rows);
    sample->node_ends = dpm_alloc(counted_nodes(n_rows, portion), sizeof *sample->node_ends);
    int complete = sample->order && sample->blocks && sample->keys && sample->other_order &&
                   sample->other_keys && sample->part_ends && sample->part_rows && sample->node_ends;
    return complete ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

size_t dpm_release_draw_bytes(size_t n_rows)
{
    size_t rows = room(n_rows, DPM_SAMPLE_PORTION);
    return rows * 2 * (sizeof(size_t) + sizeof(uint64_t)) +
           smaller(rows, MOST_BLOCKS) * sizeof(struct dpm_sample_block) +
           counted_nodes(n_rows, DPM_SAMPLE_PORTION) * sizeof(size_t);
}

void dpm_sample_free(struct dpm_sample *sample)
{
    dpm_free_wiped(sample->order);
    dpm_free_wiped(sample->blocks);
    dpm_free_wiped(sample->keys);
    dpm_free_wiped(sample->other_order);
    dpm_free_wiped(sample->other_keys);
    dpm_free_wiped(sample->part_ends);
    dpm_free_wiped(sample->part_rows);
    dpm_free_wiped(sample->node_ends);
    *sample = (struct dpm_sample){0};
}

/* ---- Rows ---- */

/* u of row `first`, where a stream begins, and of those that follow in it; returns where they end. */
static size_t read_stream(const struct dpm_sample_query *query, size_t first, uint64_t *words)
{
    struct dpm_stream stream;
    dpm_stream_open(&stream, query->key, DPM_STREAM_SELECT, query->number, first / ROWS_PER_STREAM);
    dpm_stream_fill(&stream, words, ROWS_PER_STREAM);
    dpm_stream_wipe(&stream);
    return first + smaller(query->n_rows - first, ROWS_PER_STREAM);
}

/* Whether a row is of the portion; without a branch that would have to be guessed. */
static inline unsigned is_inside(const struct portion *portion, const int32_t *parts, size_t row, uint64_t u)
{
    unsigned in_part = !parts || (uint32_t)(parts[row] - portion->first_part) <
                                     (uint32_t)(portion->end_part - portion->first_part);
    return in_part & (u - portion->lowest <= portion->highest - portion->lowest);
}

/* Rows of the portion in row order, with their u. False, and the rest is not drawn, when it holds more than a
 * portion may. */
static int select_rows(struct dpm_sample *sample, const struct dpm_sample_query *query,
                       struct portion *portion)
{
    uint64_t words[ROWS_PER_STREAM];
    size_t n = 0, first = 0;
    for (size_t end; first < query->n_rows && n <= sample->portion; first = end) {
        end = read_stream(query, first, words);
        for (size_t row = first; row < end; row++) {
            uint64_t u = words[row - first];
            sample->order[n] = row; /* there is room: n <= row, and n <= row - first + portion */
            sample->keys[n] = u;
            n += is_inside(portion, query->parts, row, u);
        }
    }
    dpm_wipe(words, sizeof words);
    portion->n = n;
    return first >= query->n_rows;
}

static void count_parts(const struct draw *draw, const struct portion *portion)
{
    const struct dpm_sample_query *query = draw->query;
    uint64_t words[ROWS_PER_STREAM];
    assert(query->parts); /* or there are not several */
    memset(draw->sample->part_rows, 0, (size_t)query->n_parts * sizeof *draw->sample->part_rows);
    for (size_t first = 0, end; first < query->n_rows; first = end) {
        end = read_stream(query, first, words);
        for (size_t row = first; row < end; row++)
            draw->sample->part_rows[query->parts[row]] +=
                is_inside(portion, query->parts, row, words[row - first]);
    }
    dpm_wipe(words, sizeof words);
}

/* Which of the lowest intervals u lies in, from the left, as split_interval() halves them; without branches,
 * which nobody could guess. An interval of one value is its own left half. */
static size_t node_of(uint64_t u, uint64_t lowest, uint64_t highest)
{
    uint64_t offset = u - lowest, last = highest - lowest, node = 0;
    for (int level = 0; level < LEVELS; level++) {
        uint64_t middle = last / 2, right = offset > middle;
        offset -= (0 - right) & (middle + 1);
        last = middle - (right & ~last & 1); /* the right half of an odd number of values has one less */
        node = 2 * node + right;
    }
    return (size_t)node;
}

/* ends[i]: rows of the portion in the lowest intervals before number i. */
static void count_nodes(const struct draw *draw, const struct portion *portion, size_t *ends)
{
    const struct dpm_sample_query *query = draw->query;
    uint64_t words[ROWS_PER_STREAM];
    memset(ends, 0, (NODES + 1) * sizeof *ends);
    for (size_t first = 0, end; first < query->n_rows; first = end) {
        end = read_stream(query, first, words);
        for (size_t row = first; row < end; row++)
            if (is_inside(portion, query->parts, row, words[row - first]))
                ends[node_of(words[row - first], portion->lowest, portion->highest) + 1]++;
    }
    for (size_t i = 0; i < NODES; i++)
        ends[i + 1] += ends[i];
    dpm_wipe(words, sizeof words);
}

/* ---- Blocks ---- */

/* Brings the rows of each part together, in stable order; part_ends[p] is where part p ends. */
static void group_by_part(struct dpm_sample *sample, const struct portion *portion, const int32_t *parts)
{
    int first_part = portion->first_part, end_part = portion->end_part;
    memset(sample->part_ends + first_part, 0, (size_t)(end_part - first_part) * sizeof *sample->part_ends);
    for (size_t i = 0; i < portion->n; i++)
        if (parts[sample->order[i]] + 1 < end_part)
            sample->part_ends[parts[sample->order[i]] + 1]++;
    for (int p = first_part + 1; p < end_part; p++)
        sample->part_ends[p] += sample->part_ends[p - 1]; /* where part p begins, until the next loop */
    for (size_t i = 0; i < portion->n; i++) {
        size_t to = sample->part_ends[parts[sample->order[i]]]++;
        sample->other_order[to] = sample->order[i];
        sample->other_keys[to] = sample->keys[i];
    }
    memcpy(sample->order, sample->other_order, portion->n * sizeof *sample->order);
    memcpy(sample->keys, sample->other_keys, portion->n * sizeof *sample->keys);
}

/* Rows with u up to `middle` come first; both sides keep their order. Returns how many these are. */
static size_t split_rows(struct dpm_sample *sample, size_t first, size_t n, uint64_t middle)
{
    size_t low = 0, high = 0;
    for (size_t i = first; i < first + n; i++) {
        size_t row = sample->order[i]; /* to both sides: which it is cannot be guessed */
        uint64_t key = sample->keys[i];
        sample->other_order[high] = sample->order[first + low] = row;
        sample->other_keys[high] = sample->keys[first + low] = key;
        high += key > middle;
        low += key <= middle;
    }
    memcpy(sample->order + first + low, sample->other_order, high * sizeof *sample->order);
    memcpy(sample->keys + first + low, sample->other_keys, high * sizeof *sample->keys);
    return low;
}

/* Threads that take large blocks first end at about the same time. Of many blocks the order hardly matters.
 */
static void largest_first(struct dpm_sample *sample)
{
    for (size_t i = 1; i < sample->n_blocks && sample->n_blocks <= FEW_BLOCKS; i++) {
        struct dpm_sample_block block = sample->blocks[i];
        size_t at = i;
        for (; at > 0 && sample->blocks[at - 1].n < block.n; at--)
            sample->blocks[at] = sample->blocks[at - 1];
        sample->blocks[at] = block;
    }
}

static void hand_over(const struct draw *draw)
{
    if (!draw->query->parts)
        largest_first(draw->sample);
    if (draw->sample->n_blocks > 0)
        draw->take(draw->context, draw->sample);
}

static void add_block(const struct draw *draw, size_t first, size_t n, int part)
{
    struct dpm_sample *sample = draw->sample;
    if (sample->n_blocks == sample->most_blocks) {
        hand_over(draw);
        sample->n_blocks = 0;
    }
    sample->blocks[sample->n_blocks++] = (struct dpm_sample_block){first, n, part};
}

/* Splits the interval from lowest to highest u, both included. One that the portion holds a piece of only is
 * known to have more rows than a block may. Rows that share all of u (how unlikely for more than a block of
 * them, stands in doc/privacy.md, Lemma 3) are cut by number. */
static void split_interval(const struct draw *draw, const struct portion *portion, size_t first, size_t n,
                           int part, uint64_t lowest, uint64_t highest)
{
    size_t block_rows = draw->query->block_rows;
    int whole = portion->lowest <= lowest && highest <= portion->highest;
    if (n == 0)
        return;
    if (n <= block_rows && whole) {
        add_block(draw, first, n, part);
        return;
    }
    if (lowest == highest) {
        for (size_t i = 0; i < n; i += block_rows)
            add_block(draw, first + i, smaller(n - i, block_rows), part);
        return;
    }
    uint64_t middle = lowest + (highest - lowest) / 2;
    size_t low = split_rows(draw->sample, first, n, middle);
    split_interval(draw, portion, first, low, part, lowest, middle);
    split_interval(draw, portion, first + low, n - low, part, middle + 1, highest);
}

/* The blocks of the rows that were selected for the portion. */
static void make_blocks(const struct draw *draw, const struct portion *portion)
{
    struct dpm_sample *sample = draw->sample;
    int several = portion->end_part - portion->first_part > 1;
    sample->n_blocks = 0;
    if (several)
        group_by_part(sample, portion, draw->query->parts);
    for (int part = portion->first_part; part < portion->end_part; part++) {
        size_t first = part == portion->first_part ? 0 : sample->part_ends[part - 1];
        size_t end = several ? sample->part_ends[part] : portion->n;
        split_interval(draw, portion, first, end - first, part, 0, draw->last_u);
    }
    hand_over(draw);
}

/* ---- Portions ---- */

static void divide(const struct draw *draw, const struct portion *portion);

/* Draws a portion whose rows were counted, or portions of it. (More rows than a portion may hold share all of
 * u with a probability below 2^-10000000; they would be left out.) */
static void draw_portion(const struct draw *draw, struct portion *portion)
{
    if (portion->n > draw->sample->portion && portion->lowest < portion->highest)
        divide(draw, portion);
    else if (portion->n > 0 && select_rows(draw->sample, draw->query, portion))
        make_blocks(draw, portion);
}

/* Runs of parts that a portion can hold; a part that it cannot hold alone. */
static void draw_parts(const struct draw *draw, const struct portion *all)
{
    struct portion run = *all;
    const size_t *rows = draw->sample->part_rows;
    count_parts(draw, all);
    run.n = 0;
    for (int part = all->first_part; part < all->end_part; part++) {
        if (run.n + rows[part] > draw->sample->portion && run.n > 0) {
            run.end_part = part;
            draw_portion(draw, &run);
            run.first_part = part;
            run.n = 0;
        }
        run.n += rows[part];
    }
    run.end_part = all->end_part;
    draw_portion(draw, &run);
}

/* Goes through the intervals from the left and joins as many as a portion can hold. One that would have to be
 * cut is cut only if blocks do so too. */
static void draw_nodes(const struct draw *draw, struct portion *run, uint64_t lowest, uint64_t highest,
                       int level, size_t node)
{
    const size_t *ends = draw->sample->node_ends + (size_t)(run->counts - 1) * (NODES + 1);
    size_t width = (size_t)1 << (LEVELS - level);
    size_t n = ends[(node + 1) * width] - ends[node * width];
    if (run->n + n <= draw->sample->portion) {
        run->n += n;
        run->highest = highest;
    } else if (n > draw->query->block_rows && level < LEVELS && lowest < highest) {
        uint64_t middle = lowest + (highest - lowest) / 2;
        draw_nodes(draw, run, lowest, middle, level + 1, 2 * node);
        draw_nodes(draw, run, middle + 1, highest, level + 1, 2 * node + 1);
    } else {
        draw_portion(draw, run);
        run->n = n;
        run->lowest = lowest;
        run->highest = highest;
    }
}

static void divide(const struct draw *draw, const struct portion *portion)
{
    if (portion->end_part - portion->first_part > 1) {
        draw_parts(draw, portion);
        return;
    }
    struct portion run = *portion;
    assert(run.counts < COUNTS);
    count_nodes(draw, portion, draw->sample->node_ends + (size_t)run.counts * (NODES + 1));
    run.counts++;
    run.n = 0;
    run.highest = run.lowest;
    draw_nodes(draw, &run, portion->lowest, portion->highest, 0, 0);
    draw_portion(draw, &run);
}

void dpm_sample_draw(struct dpm_sample *sample, const struct dpm_sample_query *query,
                     dpm_sample_take_fn *take, void *context)
{
    sample->n_blocks = 0;
    uint64_t threshold = query->rate >= 1 ? 0 : (uint64_t)ldexp(query->rate, 64);
    if (query->rate < 1 && threshold == 0)
        return;
    assert(query->block_rows <= sample->portion);
    uint64_t last_u = threshold - 1; /* wraps to the largest where all are selected */
    struct draw draw = {sample, query, last_u, take, context};
    struct portion all = {0, query->parts ? query->n_parts : 1, 0, last_u, 0, 0};
    if (select_rows(sample, query, &all))
        make_blocks(&draw, &all);
    else
        divide(&draw, &all);
}
