/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dialog (RFC 3261 12) seen from one end, or watched from the middle by a proxy that may have to
 * end it (network-initiated BYE, TS 24.229 5.2.8.1): identifiers, CSeq both ways, route set,
 * remote target. Requests within it are built here. Serialisable, so that it survives a restart.
 */
#ifndef KIMS_SIP_DLG_H
#define KIMS_SIP_DLG_H

#include <jansson.h>

#include "lib/sip/msg.h"

struct sip_dlg {
	char *call_id;
	char *local_tag, *remote_tag;
	char *local_uri, *remote_uri;	/* name-addr without tag */
	char *remote_target;		/* Contact of the other end */
	char **route; size_t n_route;	/* in sending order */
	uint32_t local_cseq, remote_cseq; /* 0: none yet */
};

/* UAC: from request sent and the response that made or confirmed the dialog (1xx with tag, 2xx). */
int sip_dlg_uac(const struct sip_msg *req, struct sip_msg *resp, struct sip_dlg **ret);
/* UAS: from the request and our own tag. */
int sip_dlg_uas(struct sip_msg *req, const char *local_tag, struct sip_dlg **ret);
/*
 * Proxy in the middle, from the request and the response as they passed it (own Record-Route in
 * both): two dialogs for requests of its own, to the callee as if it were the caller, and the
 * other way round. is_me finds its Record-Route. -ENOENT: it is not in the route set. The proxy
 * must keep local_cseq above what it saw from that end, or its BYE is refused.
 */
int sip_dlg_middle(const struct sip_msg *req, struct sip_msg *resp, bool (*is_me)(void *arg, const struct sip_uri *uri), void *arg,
		   struct sip_dlg **ret_callee, struct sip_dlg **ret_caller);
void sip_dlg_free(struct sip_dlg *d); /* NULL is fine */
int sip_dlg_update_target(struct sip_dlg *d, struct sip_msg *m); /* target refresh: Contact of m */
/* New request in the dialog: start line, Route, From, To, Call-ID, CSeq (next), Max-Forwards. ACK: cseq of the INVITE, given. */
struct sip_msg *sip_dlg_request(struct sip_dlg *d, const char *method, uint32_t ack_cseq);
/* Is the request within this dialog and in order? 0, -ENOENT (another dialog: 481), -ERANGE (old CSeq: 500). Advances remote_cseq. */
int sip_dlg_check(struct sip_dlg *d, const struct sip_msg *req);
json_t *sip_dlg_save(const struct sip_dlg *d);
int sip_dlg_load(const json_t *j, struct sip_dlg **ret);

#endif
