/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes what the library says of its options, for the reference: the table behind dpmix_option_doc() is the
 * only place that has these words. */
#include <dpmix/dpmix.h>

#include <ctype.h>
#include <stdio.h>

static const char *type_name(int key)
{
    return dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT ? "whole" : "real";
}

/* DPMIX_OPTION_STEPS for "steps". */
static void print_constant(const char *name)
{
    fputs("DPMIX_OPTION_", stdout);
    for (; *name; name++)
        putchar(toupper((unsigned char)*name));
}

static int print_option(int key, int in_table)
{
    double lower, upper, preset;
    if (dpmix_option_bounds(key, &lower, &upper, &preset))
        return 1;
    const char *name = dpmix_option_name(key);
    fputs(in_table ? " * | `" : "/** @def ", stdout);
    if (in_table)
        printf("%s` | %s | %g | %g | %g | %s |\n", name, type_name(key), lower, upper, preset,
               dpmix_option_doc(key));
    else {
        print_constant(name);
        printf("\n * `%s`, %s, from %g to %g, default %g: %s. */\n", name, type_name(key), lower, upper,
               preset, dpmix_option_doc(key));
    }
    return 0;
}

int main(void)
{
    int failed = 0;
    for (int key = dpmix_option_next(0); key; key = dpmix_option_next(key))
        failed |= print_option(key, 0);
    puts("/** @page options Options\n"
         " * What dpmix_option_next(), dpmix_option_doc() and their like say.\n *\n"
         " * | name | type | from | to | default | meaning |\n"
         " * |---|---|---|---|---|---|");
    for (int key = dpmix_option_next(0); key; key = dpmix_option_next(key))
        failed |= print_option(key, 1);
    puts(" */");
    return failed;
}
