/* SPDX-License-Identifier: BSD-3-Clause */
/* A ledger to try something out on. */
#ifndef DPM_ACCOUNT_COPY_H
#define DPM_ACCOUNT_COPY_H

#include "account_event.h"

#include <stddef.h>

struct dpmix_accountant;

/* A copy in memory: same budget, same debits, and the same bits from then on for the same calls. What is
 * debited from it is known to nobody else, nor to the file of a durable ledger. */
int dpm_accountant_copy(struct dpmix_accountant **out, const struct dpmix_accountant *accountant);

/* How many debits there are; and of the events of the last one, the event that runs most often, of several
 * the one with the least noise. Without a debit *event stays as it is. */
int dpm_accountant_last_debit(const struct dpmix_accountant *accountant, size_t *n_debits,
                              struct dpm_event *event);

#endif
