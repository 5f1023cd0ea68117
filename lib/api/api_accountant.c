/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "account_ledger.h"
#include "api_check.h"
#include "base_alloc.h"

int dpmix_accountant_new(dpmix_accountant **out, double epsilon, double delta, int adjacency)
{
    API_NEED(out);
    API_RETURN(dpm_accountant_new(out, epsilon, delta, adjacency));
}

int dpmix_accountant_open(dpmix_accountant **out, const char *path, const char *dataset, double epsilon,
                          double delta, int adjacency)
{
    API_NEED(out);
    API_NEED(path);
    API_NEED(dataset);
    API_RETURN(dpm_accountant_open(out, path, dataset, epsilon, delta, adjacency));
}

void dpmix_accountant_free(dpmix_accountant *accountant)
{
    dpm_accountant_unref(accountant);
}

int dpmix_accountant_spent(const dpmix_accountant *accountant, double *epsilon)
{
    API_NEED(accountant);
    API_NEED(epsilon);
    API_RETURN(dpm_accountant_spent(accountant, epsilon));
}

int dpmix_accountant_budget(const dpmix_accountant *accountant, double *epsilon, double *delta,
                            int *adjacency)
{
    API_NEED(accountant);
    if (epsilon)
        *epsilon = dpm_accountant_epsilon(accountant);
    if (delta)
        *delta = dpm_accountant_delta(accountant);
    if (adjacency)
        *adjacency = dpm_accountant_adjacency(accountant);
    return DPMIX_OK;
}

/* Hands out a text that is made for the call. */
static int give_text(int (*make)(char **, const dpmix_accountant *), const dpmix_accountant *accountant,
                     char *text, size_t capacity, size_t *length)
{
    char *made = NULL;
    int status = make(&made, accountant);
    if (!status)
        status = dpm_api_text(made, text, capacity, length);
    dpm_free(made);
    return status;
}

int dpmix_accountant_json(const dpmix_accountant *accountant, char *text, size_t capacity, size_t *length)
{
    API_NEED(accountant);
    API_RETURN(give_text(dpm_accountant_json, accountant, text, capacity, length));
}

int dpmix_accountant_report(const dpmix_accountant *accountant, char *text, size_t capacity, size_t *length)
{
    API_NEED(accountant);
    API_RETURN(give_text(dpm_accountant_text, accountant, text, capacity, length));
}
