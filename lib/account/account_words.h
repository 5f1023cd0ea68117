/* SPDX-License-Identifier: BSD-3-Clause */
/* A ledger in plain words, for people who do not know the field. */
#ifndef DPM_ACCOUNT_WORDS_H
#define DPM_ACCOUNT_WORDS_H

#include "account_text.h"

struct dpmix_accountant;

/* The caller holds the lock. */
int dpm_account_words(struct dpm_text *text, const struct dpmix_accountant *accountant);

#endif
