/* SPDX-License-Identifier: BSD-3-Clause */
/* The texts of an accountant. */
#ifndef EXAMPLE_LEDGER_TEXT_H
#define EXAMPLE_LEDGER_TEXT_H

#include <dpmix/accountant.h>

/* dpmix_accountant_report() or dpmix_accountant_json(). */
typedef int (*ledger_text)(const dpmix_accountant *accountant, char *text, size_t capacity, size_t *length);

/* The text, or NULL with the library's message; the caller frees it. */
char *ledger_text_read(const dpmix_accountant *accountant, ledger_text get);

#endif
