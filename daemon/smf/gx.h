/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside gx.c and gx_ccr.c: the Gx session of a PDN connection.
 *
 *   gx.c      the session: when a CCR goes out, what its answer changes, RAR
 *   gx_ccr.c  what a CCR says
 */
#ifndef KIMS_SMF_GX_H
#define KIMS_SMF_GX_H

#include "smf/smf.h"

enum smf_gx_state {
	SMF_GX_LOCAL, /* there is no PCRF: what was asked for is granted */
	SMF_GX_OPENING,
	SMF_GX_OPEN,
	SMF_GX_CLOSING,
	SMF_GX_CLOSED,
};

/* What the PCRF has not heard yet of a rule (TS 29.212 4.5.12). */
struct smf_gx_report {
	struct smf_gx_report *next;
	char name[64];
	bool base, lost;
	bool sent;   /* in the CCR under way */
	bool in_raa; /* in the RAA that is made now */
	int status;  /* enum gx_rule_status */
	int failure; /* enum gx_rule_failure, -1: none */
	uint32_t charging_id;
};

/* What the UE asked for (TS 29.212 4.5.1, 5.3.46, 5.3.55). */
struct smf_gx_ask {
	int operation; /* enum gx_packet_filter_operation */
	size_t n;
	struct {
		char text[200], id[8];
		int direction;
	} filter[GX_FLOWS_MAX];
	bool has_qos;
	struct smf_qos qos;
};

struct smf_gx {
	struct smf_pdn *pdn;
	enum smf_gx_state state;
	uint64_t serial; /* no other session of this process has it */
	char *id;	 /* Session-Id; ends with our TEID: a RAR is found by it */
	char *host;	 /* of the PCRF that has the session; NULL: not known yet */
	uint32_t number; /* CC-Request-Number of the next one, or the one under way */
	bool busy;	 /* a CCR is under way */
	bool hold;	 /* none now: a RAR is being served */
	bool reopen;	 /* the PCRF had lost it; this CCR-I brings it back */
	bool check;	 /* does the PCRF still have it? */
	bool close;	 /* CCR-T when the CCA is there */
	uint8_t tries;
	uint64_t subscribed;	/* event triggers */
	uint64_t pending, sent; /* to be reported; in the CCR under way */
	struct smf_gx_report *reports;
	struct smf_gx_ask *ask;
	bool asking, ask_sent; /* a command waits for the PCRF; it is in the CCR under way */
	bool ask_default;
	struct smf_qos default_qos; /* of a Modify Bearer Command */
	uint64_t ambr_ul, ambr_dl;
	struct timer soon, revalidation, again; /* again: the PCRF is away, no CCR-U until then */
	uint32_t revalidation_time; /* NTP seconds; 0: none */
};

/* Fills r; memory of views is in g or static until the next call. */
void smf_gx_fill(struct smf_gx *g, enum gx_request_type type, struct gx_ccr *r);
/* What has been told with the CCR under way is told (done), or to be told again. */
void smf_gx_told(struct smf_gx *g, bool done);
bool smf_gx_has_news(const struct smf_gx *g);

#endif
