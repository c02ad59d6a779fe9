/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the I-CSCF share.
 */
#ifndef KIMS_ICSCF_PRIV_H
#define KIMS_ICSCF_PRIV_H

#include "icscf/icscf.h"
#include "lib/core/metrics.h"

#define ICSCF_SERVERS_MAX 32 /* one bit each in a mask of tried ones */
#define ICSCF_ID_MAX 256     /* octets of an identity */

struct icscf_server {
	char *uri; /* sip:scscf.DOMAIN:5060 */
	uint32_t caps[CX_CAPS_MAX];
	size_t n_caps;
	uint64_t chosen;
};

struct icscf_servers {
	struct icscf_server s[ICSCF_SERVERS_MAX];
	size_t n;
};

struct icscf {
	struct icscf_env env;
	struct sip_stack *stack;
	struct icscf_servers servers;
};

/* "URI cap=1,2; URI": -EINVAL. */
int icscf_servers_parse(const char *list, struct icscf_servers *ret);
void icscf_servers_free(struct icscf_servers *l);
/*
 * The S-CSCF with all mandatory and most optional capabilities that is not in the mask tried
 * (equal ones: spread by key); -ENOENT. A name that the HSS proposes comes first.
 */
int icscf_select(const struct icscf_servers *l, const struct cx_capabilities *caps, uint32_t tried,
		 struct str key);
int icscf_server_index(const struct icscf_servers *l, struct str uri); /* -ENOENT: not in the list */

void icscf_register(struct icscf *i, struct sip_stx *stx, struct sip_msg *m);
void icscf_request(struct icscf *i, struct sip_stx *stx, struct sip_msg *m, struct str my_route);

/* Final response for a local Cx failure (TS 24.229 5.3.1.2, 5.3.2.1): 504 no answer in time, 480 other. */
int icscf_cx_failure_status(int result);

extern struct metric icscf_m_register, icscf_m_request, icscf_m_refused, icscf_m_cx_failed,
	icscf_m_reselect;

#endif
