/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The S-CSCF (TS 24.229 5.4): registrar and session control of the home network.
 *
 *   scscf.c      the object; who gets which request
 *   registrar.c  REGISTER (5.4.1): bindings, answer
 *   auth.c       challenge and check (5.4.1.2, RFC 3310), resynchronisation; MAR/MAA
 *   impi_fsm.c   the states of a private identity
 *   reg.c        registered sets, contacts, their expiry; SAR/SAA bookkeeping
 *   profile.c    the user profile of the HSS (TS 29.228 annex E)
 *   regevent.c   subscriptions to the reg event (5.4.2.1, RFC 3680); reginfo.c: their documents
 *   session.c    originating and terminating requests (5.4.3)
 *   timer.c      session timer as a proxy (RFC 4028 8)
 *   persist.c    what survives a restart
 *   cxserver.c   RTR and PPR
 *   uac.c        requests of our own
 *   cmds.c       control commands
 *
 * Everything runs on one loop. A registered set (struct irs) owns its identities, contacts and
 * subscriptions; it goes when its last contact has gone.
 */
#ifndef KIMS_SCSCF_SCSCF_H
#define KIMS_SCSCF_SCSCF_H

#include "lib/core/conf.h"
#include "lib/core/ctl.h"
#include "lib/diameter/cx_link.h"
#include "lib/sip/proxy.h"
#include "lib/store/store.h"

struct scscf;

/* The Cx questions, so that tests can answer them; same contract as cx_send_mar()/cx_send_sar(). */
struct scscf_cx {
	int (*mar)(void *link, const struct cx_mar *r, cx_maa_fn fn, void *arg);
	int (*sar)(void *link, const struct cx_sar *r, cx_saa_fn fn, void *arg);
	bool (*is_up)(void *link); /* may be NULL */
};

struct scscf_env { /* all borrowed, alive until scscf_free() */
	struct loop *loop;
	const struct conf *conf;
	struct sip_tp *tp; /* endpoints are open; the stack is made here */
	struct sip_resolver *resolver;
	struct store *store; /* NULL: nothing survives a restart */
	const struct scscf_cx *cx;
	void *cx_link;
};

int scscf_new(const struct scscf_env *env, struct scscf **ret); /* reads back what was stored */
/* Times and limits of c from now on; -EINVAL, nothing changed: a name, address or port is another one. */
int scscf_reload(struct scscf *s, const struct conf *c);
void scscf_free(struct scscf *s);			       /* no Cx answer may come afterwards */

/* Requests of the HSS: TS 29.228 6.1.3 and 6.2. They fill the answer. */
void scscf_rtr(struct scscf *s, const struct cx_rtr *r, struct cx_rta *ret);
void scscf_ppr(struct scscf *s, const struct cx_ppr *r, struct cx_ppa *ret);

extern const struct ctl_cmd scscf_cmds[]; /* arg: struct scscf * */

#endif
