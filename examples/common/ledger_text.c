/* SPDX-License-Identifier: BSD-3-Clause */
#include "ledger_text.h"

#include <stdlib.h>

char *ledger_text_read(const dpmix_accountant *accountant, ledger_text get)
{
    size_t length;
    if (get(accountant, NULL, 0, &length) != DPMIX_OK)
        return NULL;
    char *text = malloc(length + 1);
    if (text && get(accountant, text, length + 1, NULL) == DPMIX_OK)
        return text;
    free(text);
    return NULL;
}
