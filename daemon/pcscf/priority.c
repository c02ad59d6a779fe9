// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Multimedia priority service: Resource-Priority (RFC 4412) of the namespaces ets and wps, TS 24.229 4.11; MPS-Identifier and
 * Reservation-Priority of the AAR (TS 29.214 4.4.1, 5.3.30; TS 29.213 annex B).
 *
 * Invariants: a phone has a priority only if pcscf.mps names it, else its Resource-Priority goes no further, of whatever
 * namespace; what comes from the trust domain counts as it is; a session that has a priority keeps it, over a restart too.
 */
#include "pcscf/pcscf.h"

#define LEVELS 5 /* RFC 4412 12.3, 12.4: 0 is the highest, 4 the lowest */

static const char *const namespaces[] = { "ets", "wps" };

static bool parse(struct str value, struct priority *ret)
{
	struct str ns;
	uint64_t level;

	if (!str_split(&value, '.', &ns) || str_to_u64(value, LEVELS - 1, &level))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (str_ieqz(ns, namespaces[i])) {
			*ret = (struct priority){ namespaces[i], LEVELS - (int)level };
			return true;
		}
	return false;
}

/* As in Resource-Priority; what parse() reads. */
static const char *text_of(const struct priority *p, char dst[PRIORITY_LEN])
{
	snprintf(dst, PRIORITY_LEN, "%s.%d", p->ns, LEVELS - p->reservation);
	return dst;
}

/* The highest of the message; false: none. */
static bool priority_of(const struct sip_msg *m, struct priority *ret)
{
	struct sip_elem e = { 0 };
	struct priority one;
	bool any = false;

	while (sip_msg_next_elem(m, SIP_H_RESOURCE_PRIORITY, &e))
		if (parse(str_trim(e.text), &one) && (!any || one.reservation > ret->reservation)) {
			*ret = one;
			any = true;
		}
	return any;
}

/* "00101000000001*": an IMSI, or with '*' what it begins with. */
static bool names(struct str item, const char *impi)
{
	struct str user = { impi, strspn(impi, "0123456789") };

	if (impi[user.n] && impi[user.n] != '@')
		return false;
	if (item.p[item.n - 1] != '*')
		return str_eq(item, user);
	item.n--;
	return str_has_prefix(user, item);
}

static bool may_use(const struct reg *r)
{
	struct str rest = str_of(r->p->conf->pcscf.mps), item;

	while (rest.n && str_split(&rest, ' ', &item))
		if (item.n && names(item, r->impi))
			return true;
	return false;
}

void priority_from_ue(const struct reg *r, struct sip_msg *m)
{
	char text[PRIORITY_LEN];
	struct priority p;

	if (!sip_msg_hf(m, SIP_H_RESOURCE_PRIORITY))
		return;
	if (!may_use(r) || !priority_of(m, &p)) {
		log_info("%s: Resource-Priority removed: not for this phone", r->impi);
		sip_msg_remove(m, SIP_H_RESOURCE_PRIORITY);
		return;
	}
	/* Only what was judged: it may have named other namespaces, too. */
	if (sip_msg_set(m, SIP_H_RESOURCE_PRIORITY, "%s", text_of(&p, text)) < 0)
		sip_msg_remove(m, SIP_H_RESOURCE_PRIORITY);
}

bool priority_note(struct session *s, const struct sip_msg *m)
{
	enum sip_method_id method = sip_msg_method(m);
	char text[PRIORITY_LEN];
	struct priority p;

	if ((method != SIP_M_INVITE && method != SIP_M_UPDATE) || !priority_of(m, &p) ||
	    p.reservation <= s->priority.reservation)
		return false;
	s->priority = p;
	log_info("%s: session %s has priority %s", s->reg->impi, s->token, text_of(&p, text));
	return true;
}

const char *priority_write(const struct session *s, char dst[PRIORITY_LEN])
{
	return s->priority.ns ? text_of(&s->priority, dst) : NULL;
}

void priority_read(struct session *s, struct str text)
{
	struct priority p;

	if (parse(text, &p))
		s->priority = p;
}

int priority_check(const struct conf_pcscf *c)
{
	struct str rest = str_of(c->mps), item;

	while (rest.n && str_split(&rest, ' ', &item)) {
		size_t n = 0;

		while (n < item.n && item.p[n] >= '0' && item.p[n] <= '9')
			n++;
		if (n > 15 || (n < item.n && (n + 1 < item.n || item.p[n] != '*')))
			return -EINVAL;
	}
	return 0;
}
