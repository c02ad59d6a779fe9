/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables behind rx.h, for lib/diameter's users, the fuzzer and the documentation. */
#ifndef KIMS_REF_RX_TABLES_H
#define KIMS_REF_RX_TABLES_H

#include "ref/pcc_tables.h"
#include "ref/rx.h"

extern const struct ie_command rx_aar_cmd, rx_aaa_cmd, rx_rar_cmd, rx_raa_cmd, rx_str_cmd,
	rx_sta_cmd, rx_asr_cmd, rx_asa_cmd;
/* NULL when there is none. */
const struct ie_command *rx_find_command(uint32_t code, bool request);

void rx_doc(FILE *f); /* docs/ref/rx.md */

#endif
