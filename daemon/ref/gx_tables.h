/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables behind gx.h, for lib/diameter's users, the fuzzer and the documentation. */
#ifndef KIMS_REF_GX_TABLES_H
#define KIMS_REF_GX_TABLES_H

#include "ref/pcc_tables.h"
#include "ref/gx.h"

extern const struct ie_command gx_ccr_cmd, gx_cca_cmd, gx_rar_cmd, gx_raa_cmd;
/* NULL when there is none. */
const struct ie_command *gx_find_command(uint32_t code, bool request);

void gx_doc(FILE *f); /* docs/ref/gx.md */

#endif
