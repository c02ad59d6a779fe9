/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables behind cx.h, for lib/diameter, the fuzzer and the documentation. */
#ifndef KIMS_REF_CX_TABLES_H
#define KIMS_REF_CX_TABLES_H

#include "lib/ie/ie.h"
#include "ref/cx.h"

extern const struct ie_dict cx_dict; /* continues with the base protocol */
extern const struct ie_command cx_uar_cmd, cx_uaa_cmd, cx_sar_cmd, cx_saa_cmd, cx_lir_cmd,
	cx_lia_cmd, cx_mar_cmd, cx_maa_cmd, cx_rtr_cmd, cx_rta_cmd, cx_ppr_cmd, cx_ppa_cmd;
/* NULL when there is none. */
const struct ie_command *cx_find_command(uint32_t code, bool request);

/* Room for any command of Cx. */
union cx_any {
	struct cx_uar uar;
	struct cx_uaa uaa;
	struct cx_mar mar;
	struct cx_maa maa;
	struct cx_sar sar;
	struct cx_saa saa;
	struct cx_lir lir;
	struct cx_lia lia;
	struct cx_rtr rtr;
	struct cx_rta rta;
	struct cx_ppr ppr;
	struct cx_ppa ppa;
};

void cx_doc(FILE *f); /* docs/ref/cx.md */

#endif
