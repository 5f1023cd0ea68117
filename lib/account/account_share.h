/* SPDX-License-Identifier: BSD-3-Clause */
/* What each entry of a ledger has part in: its share of the whole, and what it would cost alone. */
#ifndef DPM_ACCOUNT_SHARE_H
#define DPM_ACCOUNT_SHARE_H

struct dpmix_accountant;

/* Brings `share` and `alone` of all entries and `share_order` of the state up to date; what is known is not
 * computed again. The caller holds the lock. */
int dpm_account_measure(const struct dpmix_accountant *accountant);
int dpm_account_measure_alone(const struct dpmix_accountant *accountant); /* `alone` only */

#endif
