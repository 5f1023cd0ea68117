/* SPDX-License-Identifier: BSD-3-Clause */
/* Datasets from encoded tables. */
#ifndef DPM_API_TABLE_H
#define DPM_API_TABLE_H

#include "privacy.h"
#include "table_rows.h"

/* The rows become the dataset's: on success they are empty. */
int dpm_api_table_dataset(struct dpmix_dataset **out, struct dpm_table_rows *rows);

#endif
