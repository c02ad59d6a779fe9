/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I-CSCF (TS 24.229 5.3, TS 29.228 6.1.1 and 6.1.4): the way into the home network.
 *
 *   icscf.c     who gets which request; the object itself
 *   register.c  REGISTER: UAR/UAA, choice of an S-CSCF, a second choice when the first fails
 *   request.c   other initial requests: LIR/LIA
 *   select.c    S-CSCFs by capability (TS 29.228 6.7)
 *
 * It keeps no state but that of running transactions, and no Record-Route of its own. Every request
 * ends with a final response, whatever the HSS does.
 */
#ifndef KIMS_ICSCF_ICSCF_H
#define KIMS_ICSCF_ICSCF_H

#include "lib/core/conf.h"
#include "lib/core/ctl.h"
#include "lib/diameter/cx_link.h"
#include "lib/sip/proxy.h"

struct icscf;

/* The two Cx questions, so that tests can answer them; same contract as cx_send_uar()/cx_send_lir(). */
struct icscf_cx {
	int (*uar)(void *link, const struct cx_uar *r, cx_uaa_fn fn, void *arg);
	int (*lir)(void *link, const struct cx_lir *r, cx_lia_fn fn, void *arg);
	bool (*is_up)(void *link); /* may be NULL */
};

struct icscf_env { /* all borrowed, alive until icscf_free() */
	struct loop *loop;
	const struct conf *conf;
	struct sip_tp *tp; /* endpoints are open; the stack is made here */
	struct sip_resolver *resolver;
	const struct icscf_cx *cx;
	void *cx_link;
};

int icscf_new(const struct icscf_env *env, struct icscf **ret); /* -EINVAL: icscf.scscf_list */
/* Times and limits of c from now on; -EINVAL, nothing changed: a name, address or port is another one. */
int icscf_reload(struct icscf *i, const struct conf *c);
void icscf_free(struct icscf *i);			       /* no Cx answer may come afterwards */

extern const struct ctl_cmd icscf_cmds[]; /* arg: struct icscf * */

#endif
