/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "account_ledger.h"
#include "api_check.h"
#include "base_alloc.h"
#include "base_fail.h"

int dpmix_accountant_new(dpmix_accountant **out, double epsilon, double delta, int adjacency)
{
    API_NEED(out);
    API_GIVE(out, dpm_accountant_new(out, epsilon, delta, adjacency));
}

int dpmix_accountant_open(dpmix_accountant **out, const char *path, const char *dataset, double epsilon,
                          double delta, int adjacency)
{
    API_NEED(out);
    API_NEED(path);
    API_NEED(dataset);
    API_GIVE(out, dpm_accountant_open(out, path, dataset, epsilon, delta, adjacency));
}

/* The terms of a privacy filter. */
static int filter_terms(struct dpm_account_terms *terms, double epsilon, double delta, int adjacency,
                        int mode, double order)
{
    if (mode != DPMIX_MODE_RENYI && mode != DPMIX_MODE_GAUSSIAN)
        return dpm_fail(DPMIX_ERR_RANGE, "mode: must be DPMIX_MODE_RENYI or DPMIX_MODE_GAUSSIAN");
    *terms = (struct dpm_account_terms){epsilon, delta, adjacency, mode, order};
    return DPMIX_OK;
}

int dpmix_accountant_new_adaptive(dpmix_accountant **out, double epsilon, double delta, int adjacency,
                                  int mode, double order)
{
    API_NEED(out);
    struct dpm_account_terms terms;
    int status = filter_terms(&terms, epsilon, delta, adjacency, mode, order);
    API_GIVE(out, status ? status : dpm_accountant_new_terms(out, terms));
}

int dpmix_accountant_open_adaptive(dpmix_accountant **out, const char *path, const char *dataset,
                                   double epsilon, double delta, int adjacency, int mode, double order)
{
    API_NEED(out);
    API_NEED(path);
    API_NEED(dataset);
    struct dpm_account_terms terms;
    int status = filter_terms(&terms, epsilon, delta, adjacency, mode, order);
    API_GIVE(out, status ? status : dpm_accountant_open_terms(out, path, dataset, terms));
}

void dpmix_accountant_free(dpmix_accountant *accountant)
{
    API_FREE(accountant, dpm_accountant_unref);
}

int dpmix_accountant_spent(const dpmix_accountant *accountant, double *epsilon)
{
    API_NEED(accountant);
    API_NEED(epsilon);
    API_RETURN(dpm_accountant_spent(accountant, epsilon));
}

int dpmix_accountant_spent_group(const dpmix_accountant *accountant, double *epsilon, int group)
{
    API_NEED(accountant);
    API_NEED(epsilon);
    API_RETURN(dpm_accountant_spent_group(accountant, epsilon, group));
}

int dpmix_accountant_mode(const dpmix_accountant *accountant, int *mode, double *order)
{
    API_NEED(accountant);
    if (mode)
        *mode = dpm_accountant_mode(accountant);
    if (order)
        *order = dpm_accountant_order(accountant);
    return DPMIX_OK;
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
