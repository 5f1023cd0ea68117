/* SPDX-License-Identifier: BSD-3-Clause */
/* dpmix-account: the calculators of dpmix/calculator.h on the command line. The locale stays that of C, so
 * that numbers are read and printed with a point. Exit status: 0, 2 for a bad command line, 1 for other
 * failures. */
#include <dpmix/dpmix.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAD = 2, FAILED = 1, MAX_SHOWN = 80 };

#define MAX_COUNT 9223372036854775808u /* 2^63 */

/* ---- What the command line may hold ---- */

/* The fields of a mechanism behind its name, in order, one letter each: q rate, s noise, e epsilon (noise of
 * 1 / epsilon), d delta, c count. */
struct mechanism {
    const char *name;
    int number;
    const char *fields;
    size_t needed;
};

static const struct mechanism mechanisms[] = {
    {"gaussian", DPMIX_MECHANISM_GAUSSIAN, "sc", 1},
    {"subsampled-gaussian", DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN, "qsc", 3},
    {"laplace", DPMIX_MECHANISM_LAPLACE, "sc", 1},
    {"subsampled-laplace", DPMIX_MECHANISM_SUBSAMPLED_LAPLACE, "qsc", 3},
    {"geometric", DPMIX_MECHANISM_GEOMETRIC, "ec", 1},
    {"randomized-response", DPMIX_MECHANISM_RANDOMIZED_RESPONSE, "ec", 1},
    {"pure", DPMIX_MECHANISM_PURE, "edc", 1},
};

/* Options by letter: a adjacency, k group, d delta, e epsilon, q rate, t steps, o order. */
struct command {
    const char *name;
    const char *needs, *takes; /* options that must and that may be given */
    int listed;                /* mechanisms follow */
    const char *note;
};

static const struct command commands[] = {
    {"epsilon", "d", "ak", 1, "upper bound on the epsilon of the composition at this delta"},
    {"delta", "e", "ak", 1, "upper bound on the delta of the composition at this epsilon"},
    {"sigma", "edqt", "a", 0,
     "noise multiplier, rounded up, with which the steps of the subsampled Gaussian mechanism satisfy "
     "epsilon at delta"},
    {"rdp", "o", "a", 1,
     "upper bound on the Renyi divergence of the composition at this order, both directions"},
};

static const struct {
    const char *name;
    char letter;
} options[] = {{"--adjacency", 'a'}, {"--group", 'k'}, {"--delta", 'd'}, {"--epsilon", 'e'},
               {"--q", 'q'},         {"--steps", 't'}, {"--order", 'o'}};

static const struct {
    const char *name;
    int number;
} adjacencies[] = {{"add-remove", DPMIX_ADJACENCY_ADD_REMOVE},
                   {"replace-one", DPMIX_ADJACENCY_REPLACE_ONE},
                   {"zero-out", DPMIX_ADJACENCY_ZERO_OUT}};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

struct request {
    const struct command *command;
    char given[LENGTH(options) + 1]; /* letters of the options that were given */
    int json, adjacency, group;
    double delta, epsilon, rate, order;
    uint64_t steps;
    size_t n; /* mechanisms, as the calculators take them */
    int *numbers;
    double *noise, *rates;
    double *given_noise; /* noise or epsilon, as it was given */
    uint64_t *counts;
};

static void print_help(void)
{
    puts("What a composition of differentially private mechanisms costs.\n"
         "\n"
         "  dpmix-account epsilon --delta D [--adjacency A] [--group K] [--json] MECHANISM...\n"
         "  dpmix-account delta --epsilon E [--adjacency A] [--group K] [--json] MECHANISM...\n"
         "  dpmix-account sigma --epsilon E --delta D --q Q --steps T [--adjacency A] [--json]\n"
         "  dpmix-account rdp --order ALPHA [--adjacency A] [--json] MECHANISM...\n"
         "\n"
         "MECHANISM is one of, COUNT being how often it runs (1):\n"
         "\n"
         "  gaussian:SIGMA[:COUNT]               noise of deviation SIGMA times a record's largest norm\n"
         "  subsampled-gaussian:Q:SIGMA:COUNT    the same where each record takes part with probability Q\n"
         "  laplace:B[:COUNT]                    noise of scale B times a record's largest sum of sizes\n"
         "  subsampled-laplace:Q:B:COUNT         the same where each record takes part with probability Q\n"
         "  geometric:A[:COUNT]                  whole noise k, in proportion to exp(-A |k|), on a count\n"
         "  randomized-response:EPS[:COUNT]      the truth with odds of exp(EPS)\n"
         "  pure:EPS[:DELTA[:COUNT]]             anything that is (EPS, DELTA)-differentially private\n"
         "\n"
         "A is add-remove (the default), replace-one or zero-out; K is the number of records that\n"
         "differ (1). Prints one number, an upper bound; with --json an object with all inputs. sigma is\n"
         "the noise multiplier of subsampled-gaussian:Q:SIGMA:T that meets epsilon and delta.");
}

/* ---- Errors ---- */

/* Every way of bad usage ends here: one line, whatever the arguments hold. */
static int refuse(const char *what, const char *shown)
{
    char text[MAX_SHOWN + 1] = "";
    size_t n = 0;
    for (; shown && shown[n] && n < MAX_SHOWN; n++)
        text[n] = (char)(shown[n] >= ' ' && shown[n] <= '~' ? shown[n] : '?');
    text[n] = '\0';
    fprintf(stderr, "dpmix-account: %s%s%s%s; --help says how\n", what, shown ? ": '" : "", text,
            shown ? "'" : "");
    return BAD;
}

static int report(int status)
{
    fprintf(stderr, "dpmix-account: %s\n", dpmix_last_error());
    int usage = status == DPMIX_ERR_ARG || status == DPMIX_ERR_RANGE || status == DPMIX_ERR_UNSUPPORTED;
    return usage ? BAD : FAILED;
}

/* ---- Numbers ---- */

/* A plain decimal number that ends at the end of the text or at `stop`; NULL if it is none. What is negative,
 * not finite or hexadecimal is none. */
static const char *read_number(double *value, const char *text, char stop)
{
    size_t length = strspn(text, "0123456789.eE+-");
    char *end = NULL;
    if (!(text[0] == '.' || (text[0] >= '0' && text[0] <= '9')))
        return NULL;
    *value = strtod(text, &end);
    if (end != text + length || (*end && *end != stop) || !isfinite(*value))
        return NULL;
    return end;
}

/* The same for a whole number from 1 to 2^63, exactly where it is written in digits alone. */
static const char *read_count(uint64_t *value, const char *text, char stop)
{
    double real = 0.0;
    const char *end = read_number(&real, text, stop);
    if (!end || !(real >= 1.0 && real <= 0x1p63) || real != floor(real))
        return NULL;
    *value = (uint64_t)real;
    if (strspn(text, "0123456789") == (size_t)(end - text)) {
        errno = 0;
        unsigned long long whole = strtoull(text, NULL, 10);
        if (errno || whole > MAX_COUNT)
            return NULL;
        *value = whole;
    }
    return end;
}

/* ---- The command line ---- */

static const char *read_field(struct request *request, char field, const char *text)
{
    const size_t i = request->n;
    const char *end = NULL;
    switch (field) {
    case 'c': return read_count(&request->counts[i], text, ':');
    case 'q':
    case 'd': return read_number(&request->rates[i], text, ':');
    default:
        end = read_number(&request->given_noise[i], text, ':');
        if (end)
            request->noise[i] = field == 'e' ? 1.0 / request->given_noise[i] : request->given_noise[i];
        return end && request->noise[i] > 0.0 && isfinite(request->noise[i]) ? end : NULL;
    }
}

static int read_mechanism(struct request *request, const char *text)
{
    const struct mechanism *mechanism = NULL;
    const size_t length = strcspn(text, ":");
    for (size_t i = 0; i < LENGTH(mechanisms); i++)
        if (strlen(mechanisms[i].name) == length && strncmp(mechanisms[i].name, text, length) == 0)
            mechanism = &mechanisms[i];
    if (!mechanism)
        return refuse("not a mechanism", text);
    request->numbers[request->n] = mechanism->number;
    request->rates[request->n] = mechanism->number == DPMIX_MECHANISM_PURE ? 0.0 : 1.0;
    request->counts[request->n] = 1;
    const char *at = text + length;
    size_t fields = 0;
    for (; *at == ':' && mechanism->fields[fields]; fields++) {
        at = read_field(request, mechanism->fields[fields], at + 1);
        if (!at)
            return refuse("a number is missing, malformed or out of range", text);
    }
    if (*at)
        return refuse("too many numbers", text);
    if (fields < mechanism->needed)
        return refuse("too few numbers", text);
    request->n++;
    return 0;
}

static int read_adjacency(struct request *request, const char *value)
{
    for (size_t i = 0; i < LENGTH(adjacencies); i++) {
        if (strcmp(adjacencies[i].name, value) == 0) {
            request->adjacency = adjacencies[i].number;
            return 0;
        }
    }
    return refuse("not an adjacency", value);
}

static int read_option(struct request *request, char letter, const char *value)
{
    uint64_t whole = 0;
    int ok = 0;
    switch (letter) {
    case 'a': return read_adjacency(request, value);
    case 'k':
        ok = read_count(&whole, value, '\0') && whole <= 64;
        request->group = (int)whole;
        break;
    case 't': ok = read_count(&request->steps, value, '\0') != NULL; break;
    case 'd': ok = read_number(&request->delta, value, '\0') != NULL; break;
    case 'e': ok = read_number(&request->epsilon, value, '\0') != NULL; break;
    case 'q': ok = read_number(&request->rate, value, '\0') != NULL; break;
    default: ok = read_number(&request->order, value, '\0') != NULL; break;
    }
    return ok ? 0 : refuse("a number is malformed or out of range", value);
}

/* The option at argv[*i] with its value; moves *i on to the value. */
static int take_option(struct request *request, int argc, char **argv, int *i)
{
    const char *name = argv[*i];
    char letter = '\0';
    if (strcmp(name, "--json") == 0) {
        request->json = 1;
        return 0;
    }
    for (size_t k = 0; k < LENGTH(options); k++)
        if (strcmp(options[k].name, name) == 0)
            letter = options[k].letter;
    if (!letter)
        return refuse("not an option", name);
    if (!strchr(request->command->needs, letter) && !strchr(request->command->takes, letter))
        return refuse("not an option of this command", name);
    if (strchr(request->given, letter))
        return refuse("given twice", name);
    if (++*i == argc)
        return refuse("a value is missing", name);
    request->given[strlen(request->given)] = letter;
    return read_option(request, letter, argv[*i]);
}

static int read_arguments(struct request *request, int argc, char **argv)
{
    for (size_t i = 0; i < LENGTH(commands); i++)
        if (strcmp(commands[i].name, argv[1]) == 0)
            request->command = &commands[i];
    if (!request->command)
        return refuse("not a command", argv[1]);
    for (int i = 2; i < argc; i++) {
        int status = argv[i][0] == '-' ? take_option(request, argc, argv, &i)
            : request->command->listed ? read_mechanism(request, argv[i])
                                       : refuse("this command takes no mechanism", argv[i]);
        if (status)
            return status;
    }
    for (size_t i = 0; i < LENGTH(options); i++)
        if (strchr(request->command->needs, options[i].letter) && !strchr(request->given, options[i].letter))
            return refuse("an option is missing", options[i].name);
    if (request->command->listed && request->n == 0)
        return refuse("a mechanism is missing", NULL);
    return 0;
}

/* ---- The answer ---- */

static int calculate(const struct request *r, double *result)
{
    const int sampled = DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN;
    const double one = 1.0;
    switch (r->command->name[0]) {
    case 'e':
        return dpmix_calculate_epsilon(result, r->numbers, r->noise, r->rates, r->counts, r->n, r->adjacency,
                                       r->group, r->delta);
    case 'd':
        return dpmix_calculate_delta(result, r->numbers, r->noise, r->rates, r->counts, r->n, r->adjacency,
                                     r->group, r->epsilon);
    case 's':
        return dpmix_calculate_noise(result, &sampled, &one, &r->rate, &r->steps, 1, r->adjacency, r->delta,
                                     r->epsilon);
    default:
        return dpmix_calculate_rdp(result, r->numbers, r->noise, r->rates, r->counts, r->n, r->adjacency,
                                   r->order);
    }
}

static void print_mechanism(const struct request *request, size_t i)
{
    const struct mechanism *mechanism = &mechanisms[0];
    while (mechanism->number != request->numbers[i])
        mechanism++;
    printf("%s{\"mechanism\": \"%s\"", i ? ", " : "", mechanism->name);
    for (const char *field = mechanism->fields; *field; field++) {
        switch (*field) {
        case 's': printf(", \"noise\": %.17g", request->given_noise[i]); break;
        case 'e': printf(", \"epsilon\": %.17g", request->given_noise[i]); break;
        case 'q': printf(", \"rate\": %.17g", request->rates[i]); break;
        case 'd': printf(", \"delta\": %.17g", request->rates[i]); break;
        default: printf(", \"count\": %llu", (unsigned long long)request->counts[i]); break;
        }
    }
    putchar('}');
}

/* An infinite result is null: JSON has no number for it. */
static void print_json(const struct request *request, double result)
{
    const char *needs = request->command->needs;
    printf("{\"command\": \"%s\", \"adjacency\": \"%s\", \"group\": %d", request->command->name,
           adjacencies[request->adjacency - DPMIX_ADJACENCY_ADD_REMOVE].name, request->group);
    if (strchr(needs, 'e'))
        printf(", \"epsilon\": %.17g", request->epsilon);
    if (strchr(needs, 'd'))
        printf(", \"delta\": %.17g", request->delta);
    if (strchr(needs, 'q'))
        printf(", \"rate\": %.17g, \"steps\": %llu", request->rate, (unsigned long long)request->steps);
    if (strchr(needs, 'o'))
        printf(", \"order\": %.17g", request->order);
    if (request->command->listed) {
        printf(", \"mechanisms\": [");
        for (size_t i = 0; i < request->n; i++)
            print_mechanism(request, i);
        putchar(']');
    }
    if (isfinite(result))
        printf(", \"result\": %.17g", result);
    else
        printf(", \"result\": null");
    printf(", \"note\": \"%s%s\", \"version\": \"%s\"}\n", request->command->note,
           isfinite(result) ? "" : "; null: no finite one is known", dpmix_version());
}

static int run(struct request *request, int argc, char **argv)
{
    double result = 0.0;
    int status = read_arguments(request, argc, argv);
    if (status)
        return status;
    status = calculate(request, &result);
    if (status)
        return report(status);
    if (request->json)
        print_json(request, result);
    else
        printf("%.17g\n", result);
    return 0;
}

/* What was printed is not lost unnoticed. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("dpmix-account: the result could not be written\n", stderr);
    return FAILED;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return finish(0);
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("dpmix-account %s\n", dpmix_version());
            return finish(0);
        }
    }
    if (argc < 2)
        return refuse("a command is missing", NULL);
    const size_t room = (size_t)argc;
    struct request request = {.adjacency = DPMIX_ADJACENCY_ADD_REMOVE, .group = 1};
    request.numbers = calloc(room, sizeof *request.numbers);
    request.noise = calloc(room, sizeof *request.noise);
    request.given_noise = calloc(room, sizeof *request.given_noise);
    request.rates = calloc(room, sizeof *request.rates);
    request.counts = calloc(room, sizeof *request.counts);
    int status = FAILED;
    if (request.numbers && request.noise && request.given_noise && request.rates && request.counts)
        status = run(&request, argc, argv);
    else
        fputs("dpmix-account: out of memory\n", stderr);
    free(request.numbers);
    free(request.noise);
    free(request.given_noise);
    free(request.rates);
    free(request.counts);
    return finish(status);
}
