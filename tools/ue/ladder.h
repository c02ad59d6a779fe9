/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log of the messages of the phones, SIP and what the access side sends and receives about them, one JSON object a
 * line: time (CLOCK_REALTIME, so that it fits a capture), direction, phone, first line, addresses.
 */
#ifndef KIMS_UE_LADDER_H
#define KIMS_UE_LADDER_H

#include "phone.h"

struct ladder;

int ladder_open(const char *path, struct ladder **ret); /* truncates; -errno */
void ladder_close(struct ladder *l);
/* l NULL: nothing. peer's address for messages out, source for messages in. */
void ladder_log(struct ladder *l, const struct phone *p, bool out, const struct sip_msg *m,
		const struct sip_path *path);
/* A GTPv2-C message of the access side for this phone: its name, cause, and the IEs as text. */
void ladder_log_gtp(struct ladder *l, const struct phone *p, bool out, const uint8_t *msg, size_t n,
		    const char *src, const char *dst);
/* A PFCP message about this phone's session at the SGW-U. */
void ladder_log_pfcp(struct ladder *l, const struct phone *p, bool out, const uint8_t *msg,
		     size_t n, const char *src, const char *dst);
/* What has no message here: paging, service request. */
void ladder_log_event(struct ladder *l, const struct phone *p, const char *line,
		      const char *detail);
/* "INVITE sip:... " or "SIP/2.0 200 OK", cut to size. */
void ladder_first_line(const struct sip_msg *m, char *dst, size_t size);

#endif
