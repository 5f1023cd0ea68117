/* SPDX-License-Identifier: BSD-3-Clause */
#include "ledger_text.h"

#include <stdlib.h>

char *ledger_text_read(const dpmix_accountant *accountant, ledger_text get)
{
    int status;
    do {
        size_t length;
        if (get(accountant, NULL, 0, &length) != DPMIX_OK)
            return NULL;
        char *text = malloc(length + 1);
        status = text ? get(accountant, text, length + 1, NULL) : DPMIX_ERR_NOMEM;
        if (!status)
            return text;
        free(text);
    } while (status == DPMIX_ERR_RANGE); /* longer by now: another process has added to the ledger */
    return NULL;
}
