// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The session timer as a proxy: RFC 4028 8.1 (request), 8.2 (response), TS 24.229 5.4.3.2.
 *
 * Invariants: Session-Expires never leaves below Min-SE; a caller that does not know the extension
 * is never refused for it.
 */
#include "scscf/priv.h"

static int reply_too_small(struct scscf *s, struct sip_stx *stx)
{
	_cleanup_msg_ struct sip_msg *resp =
		sip_msg_new_response(sip_stx_request(stx), 422, NULL, NULL);

	if (resp && sip_msg_set(resp, SIP_H_MIN_SE, "%u", s->env.conf->scscf.min_se_s) == 0)
		sip_stx_respond(stx, resp);
	if (!sip_stx_done(stx))
		sip_stx_reply(stx, 422, NULL, NULL);
	return 422;
}

static uint32_t min_se(const struct scscf *s, const struct sip_msg *m)
{
	uint32_t v = 0;

	if (sip_msg_u32(m, SIP_H_MIN_SE, &v) < 0)
		v = 0;
	return MAX(v, s->env.conf->scscf.min_se_s);
}

/* delta-seconds and what follows it (";refresher=uac"). */
static bool read_expires(const struct sip_msg *m, uint32_t *ret, struct str *ret_params)
{
	struct str rest = sip_msg_value(m, SIP_H_SESSION_EXPIRES), head;
	uint64_t v;

	if (!rest.n)
		return false;
	str_split(&rest, ';', &head);
	if (str_to_u64(str_trim(head), UINT32_MAX, &v) < 0)
		return false;
	*ret = (uint32_t)v;
	*ret_params = rest.p ? (struct str){ rest.p - 1, rest.n + 1 } : (struct str){ "", 0 };
	return true;
}

int se_request(struct scscf *s, struct sip_stx *stx, struct sip_msg *m, struct se_state *ret)
{
	uint32_t ours = s->env.conf->scscf.session_expires_s, least = min_se(s, m), v;
	struct str params;

	ret->uac_supports = sip_msg_has_token(m, SIP_H_SUPPORTED, "timer");
	ret->expires = MAX(ours, least);
	if (!read_expires(m, &v, &params)) {
		sip_msg_set(m, SIP_H_SESSION_EXPIRES, "%u", ret->expires);
		return 0;
	}
	if (v < s->env.conf->scscf.min_se_s && ret->uac_supports)
		return reply_too_small(s, stx);
	ret->expires = MAX(MIN(v, MAX(ours, least)), least);
	if (ret->expires != v)
		sip_msg_set(m, SIP_H_SESSION_EXPIRES, "%u%.*s", ret->expires, STR_FMT(params));
	if (v < least)
		sip_msg_set(m, SIP_H_MIN_SE, "%u", least);
	return 0;
}

void se_response(struct sip_msg *resp, struct se_state *st)
{
	struct str params;

	if (read_expires(resp, &st->expires, &params))
		return;
	if (!st->uac_supports) {
		st->expires = 0; /* neither end refreshes */
		return;
	}
	sip_msg_set(resp, SIP_H_SESSION_EXPIRES, "%u;refresher=uac", st->expires);
	if (!sip_msg_has_token(resp, SIP_H_REQUIRE, "timer"))
		sip_msg_add(resp, SIP_H_REQUIRE, "timer");
}
