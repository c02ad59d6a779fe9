/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line-level helpers shared by sdp.c and sdp_relay.c. */
#ifndef KIMS_SIP_SDP_INTERNAL_H
#define KIMS_SIP_SDP_INTERNAL_H

#include <netinet/in.h>

#include "lib/sip/sdp.h"

struct sdp_line {
	struct str whole; /* with line end */
	struct str value; /* behind "x=", without line end */
	char type;	  /* 0: no "x=" line */
};

bool sdp_next_line(struct str *rest, struct sdp_line *ret);
bool sdp_word(struct str *rest, struct str *ret);
bool sdp_attr(struct str value, const char *name, struct str *ret); /* "name" or "name:..." */
int sdp_addr(struct str *rest, union sip_sa *ret);
int sdp_m_line(struct str value, struct sdp_media *m);
bool sdp_addr_is_zero(const union sip_sa *a);

#endif
