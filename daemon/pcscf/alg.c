// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IMS-ALG: rewrites session descriptions and drives the kernel's media flows.
 *
 * TS 24.229 5.2.1 item on IMS-ALG, 6.7; TS 23.228 annex G; RFC 3264 8 (modifying), RFC 6337 (which
 * message has the offer), RFC 3262 and 3311 (PRACK, UPDATE), RFC 3605 (a=rtcp), RFC 4961 (symmetric
 * RTP: the source of what we accept is the address that was announced).
 * Invariants: a stream's relay ports never change while the session lives, so that hold, codec
 * change or a fork change nothing for the other side; a flow is in the kernel only when both sides
 * agreed; nothing of a description is touched but addresses and ports.
 */
#include <utlist.h>

#include "pcscf/pcscf.h"

#define FORKS_MAX 32 /* early dialogs of one INVITE: who answers must not fill our memory */

METRIC_COUNTER(m_flows, "kims_pcscf_media_flows_total", "media flows made in the kernel");

static enum side other(enum side s)
{
	return s == SIDE_UE ? SIDE_CORE : SIDE_UE;
}

/* --- addresses of the relay --- */

static const struct conf_addr *media_conf(const struct pcscf *p, sa_family_t family)
{
	const struct conf_pcscf *c = &p->conf->pcscf;

	if (family == AF_INET6)
		return c->media6.family ? &c->media6 : &c->gm6;
	return c->media4.family ? &c->media4 : &c->gm4;
}

/* Towards the UE its own family, towards the core that of Mw: so IPv4 and IPv6 phones meet. */
static sa_family_t family_of(const struct session *s, enum side side)
{
	sa_family_t f = side == SIDE_UE ? s->reg->ue.family : s->p->conf->pcscf.mw.family;

	if (media_conf(s->p, f)->family == f)
		return f;
	return f == AF_INET ? AF_INET6 : AF_INET;
}

void alg_relay_end(const struct session *s, enum side side, uint16_t port, struct knl_end *ret)
{
	const struct conf_addr *a = media_conf(s->p, family_of(s, side));

	memset(ret, 0, sizeof(*ret));
	ret->addr.family = a->family;
	if (a->family == AF_INET)
		ret->addr.v4 = a->v4;
	else
		ret->addr.v6 = a->v6;
	ret->port = port;
}

/* --- descriptions --- */

static void end_of(const union sip_sa *sa, struct knl_end *ret)
{
	memset(ret, 0, sizeof(*ret));
	gm_addr_of(sa, &ret->addr);
	ret->port = sip_sa_port(sa);
}

static bool is_one_of(struct str proto, const char *const *list)
{
	for (; *list; list++)
		if (str_ieqz(proto, *list))
			return true;
	return false;
}

/* SRTP has its header in the clear; behind DTLS there is more than RTP on the port (RFC 7983). */
static enum alg_carry carry_of(struct str proto)
{
	static const char *const rtp[] = { "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", NULL };
	static const char *const udp[] = { "udptl", "UDP/TLS/UDPTL", "UDP/TLS/RTP/SAVP",
					   "UDP/TLS/RTP/SAVPF", NULL };

	if (is_one_of(proto, rtp))
		return CARRY_RTP;
	return is_one_of(proto, udp) ? CARRY_UDP : CARRY_NONE;
}

/* a=rtpmap:<payload type> <name>/<clock>[/...]: 0 when the line is not that of the type. */
static uint32_t rtpmap_clock(struct str line, struct str pt)
{
	const struct str pre = STR("a=rtpmap:");
	struct str rest, head;
	uint64_t hz;

	if (!str_has_prefix(line, pre))
		return 0;
	rest = (struct str){ line.p + pre.n, line.n - pre.n };
	if (!str_split(&rest, ' ', &head) || !str_eq(head, pt) || !str_split(&rest, '/', &head) ||
	    !str_split(&rest, '/', &head) || str_to_u64(str_trim(head), 1000000, &hz))
		return 0;
	return hz >= 1000 ? (uint32_t)hz : 0;
}

/* The clock of what each stream would rather get: its first payload type (RFC 3264 5.1). */
static void read_clocks(struct alg_desc *d, const struct sdp_info *info, struct str text)
{
	struct str line, fmt, pt = { NULL, 0 };
	size_t k = 0;

	while (k <= d->n && str_split(&text, '\n', &line)) {
		if (str_has_prefix(line, STR("m="))) {
			if (k == d->n)
				break;
			fmt = info->m[k++].fmt;
			if (!str_split(&fmt, ' ', &pt))
				pt.n = 0;
		} else if (k && !d->m[k - 1].clock && pt.n) {
			d->m[k - 1].clock = rtpmap_clock(str_trim(line), pt);
		}
	}
}

/*
 * c= zero (RFC 3264 8.4, the hold of RFC 2543) only says that nothing is wanted; where the stream
 * is, was said before.
 */
static void hold_by_zero(struct alg_media *m, const struct alg_desc *before, size_t k)
{
	bool may_send = m->dir == SDP_SENDRECV || m->dir == SDP_SENDONLY;

	m->dir = may_send ? SDP_SENDONLY : SDP_INACTIVE;
	m->rtp = m->rtcp = (struct knl_end){ 0 };
	if (before && k < before->n) {
		m->rtp = before->m[k].rtp;
		m->rtcp = before->m[k].rtcp;
	}
}

/* What Codec-Data of Rx is made of (TS 29.214 5.3.7); a=crypto, k= and candidates stay here. */
static bool tells_codec(struct str line)
{
	static const char *const kept[] = { "m=",	  "b=",		   "a=rtpmap:",	   "a=fmtp:",
					    "a=ptime:",	  "a=maxptime:",   "a=sendrecv",   "a=sendonly",
					    "a=recvonly", "a=inactive",	   "a=framerate:", "a=imageattr:" };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (str_has_prefix(line, str_of(kept[i])))
			return true;
	return false;
}

#define TEXT_MAX	4096 /* of a description; what does not fit is left out */
#define TEXT_STREAM_MAX 1024

static char *text_base(struct alg_desc *d)
{
	return (char *)&d->m[d->n];
}

static void keep_text(struct alg_desc *d, struct str text, size_t room)
{
	struct alg_media *m = NULL;
	struct str line;
	size_t k = 0;

	while (str_split(&text, '\n', &line)) {
		line = str_trim(line);
		if (str_has_prefix(line, STR("m="))) {
			if (k == d->n)
				return;
			m = &d->m[k++];
			m->text = (uint32_t)d->n_text;
		}
		if (!m || !tells_codec(line) || d->n_text + line.n + 1 > room ||
		    m->n_text + line.n + 1 > TEXT_STREAM_MAX)
			continue;
		memcpy(text_base(d) + d->n_text, line.p, line.n);
		d->n_text += line.n;
		text_base(d)[d->n_text++] = '\n';
		m->n_text += (uint32_t)line.n + 1;
	}
}

struct str alg_text(const struct alg_desc *d, size_t k)
{
	return (struct str){ (const char *)&d->m[d->n] + d->m[k].text, d->m[k].n_text };
}

static struct alg_desc *desc_of(const struct sdp_info *i, struct str text, bool keep,
				const struct alg_desc *before)
{
	size_t room = keep ? MIN(text.n, TEXT_MAX) : 0;
	struct alg_desc *d = calloc(1, sizeof(*d) + i->n * sizeof(d->m[0]) + room);

	if (!d)
		return NULL;
	d->n = i->n;
	if (room)
		keep_text(d, text, room);
	for (size_t k = 0; k < i->n; k++) {
		struct alg_media *m = &d->m[k];

		m->carry = carry_of(i->m[k].proto);
		m->mux = i->m[k].rtcp_mux;
		m->dir = i->m[k].dir;
		m->as_kbps = i->m[k].b_as_kbps;
		m->rs = i->m[k].b_rs;
		m->rr = i->m[k].b_rr;
		if (!i->m[k].port)
			continue;
		end_of(&i->m[k].rtp, &m->rtp);
		end_of(&i->m[k].rtcp, &m->rtcp);
		if (i->m[k].conn_zero)
			hold_by_zero(m, before, k);
	}
	read_clocks(d, i, text);
	return d;
}

/* Of one address, or of one IPv6 prefix of a UE (TS 23.401 5.3.1.2.2: a /64). */
static bool is_at_ue(const struct reg *r, const struct knl_end *e)
{
	if (!e->port || (e->addr.family == AF_INET && gm_addr_eq(&e->addr, &r->ue)))
		return true;
	return e->addr.family == AF_INET6 && r->ue.family == AF_INET6 &&
	       !memcmp(&e->addr.v6, &r->ue.v6, 8);
}

/* A UE has its media sent to itself: the relay is no way to reach the core or other UEs. */
static bool ends_at_ue(const struct session *s, const struct alg_desc *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->m[i].carry &&
		    (!is_at_ue(s->reg, &d->m[i].rtp) || !is_at_ue(s->reg, &d->m[i].rtcp)))
			return false;
	return true;
}

static struct alg_desc *desc_dup(const struct alg_desc *d)
{
	size_t size = sizeof(*d) + d->n * sizeof(d->m[0]) + d->n_text;
	struct alg_desc *c = malloc(size);

	if (c)
		memcpy(c, d, size);
	return c;
}

/* --- streams and ports --- */

static int stream_ports(struct session *s, struct alg_stream *st)
{
	for (enum side side = SIDE_UE; side <= SIDE_CORE; side++) {
		int r;

		if (st->port[side])
			continue;
		r = ports_get(&s->p->ports, family_of(s, side) == AF_INET6, &st->port[side]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int streams_for(struct session *s, const struct alg_desc *d)
{
	struct alg *a = &s->alg;

	if (d->n > a->n) {
		struct alg_stream *n = reallocarray(a->stream, d->n, sizeof(*n));

		if (!n)
			return -ENOMEM;
		memset(n + a->n, 0, (d->n - a->n) * sizeof(*n));
		a->stream = n;
		a->n = d->n;
	}
	for (size_t i = 0; i < d->n; i++) {
		int r = d->m[i].carry && d->m[i].rtp.port ? stream_ports(s, &a->stream[i]) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int rewrite(struct session *s, struct sip_msg *m, struct str text, const struct alg_desc *d,
		   enum side reader)
{
	struct sdp_rewrite rw[SDP_MEDIA_MAX] = { 0 };
	_cleanup_free_ char *out = NULL;
	struct knl_end e;
	size_t len;
	int r;

	for (size_t i = 0; i < d->n; i++) {
		uint16_t port = s->alg.stream[i].port[reader];

		if (!d->m[i].carry || !d->m[i].rtp.port)
			continue;
		alg_relay_end(s, reader, port, &e);
		gm_sa_of(&e.addr, port, &rw[i].rtp);
		gm_sa_of(&e.addr, (uint16_t)(port + 1), &rw[i].rtcp);
	}
	r = sdp_relay(text, rw, d->n, &out, &len);
	return r < 0 ? r : sip_msg_replace_sdp(m, out, len);
}

/* --- flows --- */

static bool sends(enum sdp_dir d)
{
	return d == SDP_SENDRECV || d == SDP_SENDONLY;
}

static bool receives(enum sdp_dir d)
{
	return d == SDP_SENDRECV || d == SDP_RECVONLY;
}

static uint32_t flow_hash(const struct knl_rtp_flow *f)
{
	const uint8_t *b = (const uint8_t *)f;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(*f); i++)
		h = (h ^ b[i]) * 16777619u;
	return h ? h : 1;
}

void alg_describe_flow(const struct session *s, size_t i, int k, struct knl_rtp_flow *f)
{
	enum side from = k == FLOW_UP || k == FLOW_UP_RTCP ? SIDE_UE : SIDE_CORE, to = other(from);
	bool rtcp = k == FLOW_UP_RTCP || k == FLOW_DOWN_RTCP;
	const struct alg_media *src = &s->alg.now[from]->m[i], *dst = &s->alg.now[to]->m[i];
	const struct alg_stream *st = &s->alg.stream[i];

	memset(f, 0, sizeof(*f));
	f->cookie = s->id;
	alg_relay_end(s, from, (uint16_t)(st->port[from] + rtcp), &f->local);
	alg_relay_end(s, to, (uint16_t)(st->port[to] + rtcp), &f->out_local);
	f->peer = rtcp ? src->rtcp : src->rtp;
	f->out_peer = rtcp ? dst->rtcp : dst->rtp;
	f->rtcp = rtcp && src->carry == CARRY_RTP;
	f->any_udp = src->carry == CARRY_UDP;
	f->rtcp_mux = !rtcp && !f->any_udp && src->mux && dst->mux;
	f->clock_rate = rtcp ? 0 : dst->clock;
	f->gate = rtcp || (sends(src->dir) && receives(dst->dir)) ? KNL_GATE_OPEN : KNL_GATE_CLOSED;
	f->inactivity_ms = s->p->conf->pcscf.media_timeout_s * 1000;
	f->dscp = -1;
}

static int put_flow(struct session *s, struct alg_flow *af, struct knl_rtp_flow *f)
{
	struct pcscf *p = s->p;
	uint32_t h = flow_hash(f);
	int r;

	af->closed = f->gate == KNL_GATE_CLOSED;
	if (af->id && af->hash == h)
		return 0;
	if (af->id) {
		f->id = af->id;
		r = p->kops->rtp_replace(p->karg, f);
	} else {
		r = p->kops->rtp_new(p->karg, f, &af->id);
		metric_register(&m_flows);
		metric_inc(&m_flows);
		if (r < 0)
			af->id = 0;
	}
	if (r < 0) {
		log_warn("%s: media flow at port %u: %s (%s)", s->reg->impi, f->local.port,
			 strerror(-r), p->kops->error(p->karg));
		return r;
	}
	af->hash = h;
	af->inactive = false;
	return 0;
}

static const char *const flow_names[FLOW_N] = { "up", "up rtcp", "down", "down rtcp" };

static void del_flow(struct session *s, size_t i, int k)
{
	struct alg_flow *af = &s->alg.stream[i].flow[k];
	struct knl_rtp_stats st = { 0 };

	if (!af->id)
		return;
	if (s->p->kops->rtp_del(s->p->karg, af->id, &st) < 0)
		log_warn("%s: media flow %u: %s", s->reg->impi, af->id,
			 s->p->kops->error(s->p->karg));
	log_info("%s: session %s stream %zu %s: %llu packets, %llu octets, %llu lost, jitter %u, "
		 "dropped %llu",
		 s->reg->impi, s->token, i + 1, flow_names[k], (unsigned long long)st.packets,
		 (unsigned long long)st.octets, (unsigned long long)st.lost, st.jitter,
		 (unsigned long long)(st.drop_source + st.drop_gate + st.drop_malformed +
				      st.drop_other));
	session_note_flow(s, i, k, &st);
	*af = (struct alg_flow){ 0 };
}

static bool wanted(const struct session *s, size_t i, int k)
{
	const struct alg_desc *u = s->alg.now[SIDE_UE], *c = s->alg.now[SIDE_CORE];

	if (i >= u->n || i >= c->n || !u->m[i].carry || !c->m[i].carry || !u->m[i].rtp.port ||
	    !c->m[i].rtp.port)
		return false;
	if ((k == FLOW_UP_RTCP || k == FLOW_DOWN_RTCP) && u->m[i].mux && c->m[i].mux)
		return false; /* it comes with RTP */
	return s->alg.stream[i].port[SIDE_UE] && s->alg.stream[i].port[SIDE_CORE];
}

/* Makes the kernel have what both sides agreed on. */
static int program(struct session *s)
{
	struct alg *a = &s->alg;
	int r = 0;

	if (!a->now[SIDE_UE] || !a->now[SIDE_CORE] || a->stopped)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		for (int k = 0; k < FLOW_N; k++) {
			struct knl_rtp_flow f;
			int e;

			if (!wanted(s, i, k)) {
				del_flow(s, i, k);
				continue;
			}
			alg_describe_flow(s, i, k, &f);
			e = put_flow(s, &a->stream[i].flow[k], &f);
			if (e < 0 && !r)
				r = e;
		}
	session_media_changed(s);
	return r;
}

/* --- offer and answer --- */

static bool answers_outstanding(const struct alg *a, enum side from)
{
	return a->offer && a->offer_from != from;
}

/* RFC 6337 table 1. */
static enum alg_kind kind_of(const struct alg *a, const struct sip_msg *m, enum side from)
{
	bool request = sip_msg_is_request(m);

	switch (sip_msg_method(m)) {
	case SIP_M_INVITE:
		if (request)
			return ALG_OFFER;
		return a->inv_cseq == sip_msg_cseq(m) && a->inv_from != from ? ALG_ANSWER
									     : ALG_OFFER;
	case SIP_M_UPDATE:
		return request ? ALG_OFFER : ALG_ANSWER;
	case SIP_M_PRACK:
		if (request)
			return answers_outstanding(a, from) ? ALG_ANSWER : ALG_OFFER;
		return ALG_ANSWER;
	case SIP_M_ACK:
		return ALG_ANSWER;
	case SIP_M_UNKNOWN:
	case SIP_M_CANCEL:
	case SIP_M_BYE:
	case SIP_M_OPTIONS:
	case SIP_M_REGISTER:
	case SIP_M_INFO:
	case SIP_M_MESSAGE:
	case SIP_M_SUBSCRIBE:
	case SIP_M_NOTIFY:
	case SIP_M_REFER:
	case SIP_M_PUBLISH:
		break;
	}
	return ALG_OFFER;
}

static void set_desc(struct alg_desc **slot, struct alg_desc *d)
{
	free(*slot);
	*slot = d;
}

static void take_offer(struct alg *a, const struct sip_msg *m, enum side from, struct alg_desc *d)
{
	set_desc(&a->offer, d);
	a->offer_from = from;
	a->offer_cseq = sip_msg_cseq(m);
	if (sip_msg_method(m) == SIP_M_INVITE && sip_msg_is_request(m)) {
		a->inv_cseq = a->offer_cseq;
		a->inv_from = from;
	}
}

static int remember_fork(struct alg *a, struct str tag, const struct alg_desc *d)
{
	struct alg_fork *f;
	int n;

	for (f = a->forks; f && !str_eqz(tag, f->tag);)
		f = f->next;
	if (!f) {
		LL_COUNT(a->forks, f, n);
		if (n >= FORKS_MAX)
			return -E2BIG;
		f = calloc(1, sizeof(*f));
		if (!f)
			return -ENOMEM;
		f->tag = str_dup(tag);
		if (!f->tag) {
			free(f);
			return -ENOMEM;
		}
		LL_PREPEND(a->forks, f);
	}
	set_desc(&f->desc, desc_dup(d));
	return f->desc ? 0 : -ENOMEM;
}

static int take_answer(struct session *s, const struct sip_msg *m, enum side from, struct str tag,
		       struct alg_desc *d)
{
	struct alg *a = &s->alg;
	int r = 0;

	if (answers_outstanding(a, from)) {
		set_desc(&a->now[a->offer_from], a->offer);
		a->now_offered = a->offer_from;
		a->offer = NULL;
	}
	/* Only answers of the called side to the first INVITE can come from several dialogs. */
	if (s->fsm.state == SES_EARLY && tag.n && !sip_msg_is_request(m))
		r = remember_fork(a, tag, d);
	set_desc(&a->now[from], d);
	return r < 0 ? r : program(s);
}

/* Reads and rewrites. */
static int pass_text(struct session *s, struct sip_msg *m, struct str text, enum side from,
		     struct alg_desc **ret)
{
	struct sdp_info info;
	struct alg_desc *d;
	int r;

	if (sdp_read(text, &info) < 0)
		return -EINVAL;
	d = desc_of(&info, text, s->p->rx, s->alg.now[from]);
	if (!d)
		return -ENOMEM;
	r = from == SIDE_UE && !ends_at_ue(s, d) ? -EINVAL : streams_for(s, d);
	if (!r)
		r = rewrite(s, m, text, d, other(from));
	if (r < 0) {
		free(d);
		return r;
	}
	*ret = d;
	return 0;
}

int alg_pass(struct session *s, struct sip_msg *m, enum side from, struct str fork_tag)
{
	struct alg_desc *d;
	struct str text;
	int r;

	if (!s->p->kops)
		return 0;
	text = sip_msg_sdp(m);
	if (!text.n)
		return 0;
	r = pass_text(s, m, text, from, &d);
	if (r < 0) { /* what cannot be refused any more goes on without it */
		sip_msg_set_body(m, NULL, NULL, 0);
		return r;
	}
	if (kind_of(&s->alg, m, from) == ALG_ANSWER)
		return take_answer(s, m, from, fork_tag, d);
	take_offer(&s->alg, m, from, d);
	return 0;
}

static void free_forks(struct alg *a)
{
	struct alg_fork *f;

	while ((f = a->forks)) {
		a->forks = f->next;
		free(f->desc);
		free(f->tag);
		free(f);
	}
}

void alg_confirm(struct session *s, struct str fork_tag)
{
	enum side callee = s->orig ? SIDE_CORE : SIDE_UE;
	struct alg *a = &s->alg;
	struct alg_fork *f;

	LL_FOREACH (a->forks, f)
		if (str_eqz(fork_tag, f->tag) && f->desc && a->forks->next) {
			set_desc(&a->now[callee], f->desc);
			f->desc = NULL;
			program(s);
			break;
		}
	free_forks(a);
}

void alg_refused(struct session *s, uint32_t cseq)
{
	struct alg *a = &s->alg;

	if (!a->offer || a->offer_cseq != cseq)
		return;
	free(a->offer);
	a->offer = NULL;
}

void alg_stop(struct session *s)
{
	s->alg.stopped = true;
	for (size_t i = 0; i < s->alg.n; i++)
		for (int k = 0; k < FLOW_N; k++)
			del_flow(s, i, k);
}

void alg_free(struct session *s, bool kernel)
{
	struct alg *a = &s->alg;

	for (size_t i = 0; i < a->n; i++) {
		for (int k = 0; kernel && k < FLOW_N; k++)
			del_flow(s, i, k);
		for (enum side side = SIDE_UE; side <= SIDE_CORE; side++)
			ports_put(&s->p->ports, family_of(s, side) == AF_INET6,
				  a->stream[i].port[side]);
	}
	free(a->stream);
	free(a->now[0]);
	free(a->now[1]);
	free(a->offer);
	free_forks(a);
	memset(a, 0, sizeof(*a));
}

void alg_restored(struct session *s)
{
	for (size_t i = 0; i < s->alg.n; i++)
		for (enum side side = SIDE_UE; side <= SIDE_CORE; side++)
			if (s->alg.stream[i].port[side])
				ports_take(&s->p->ports, family_of(s, side) == AF_INET6,
					   s->alg.stream[i].port[side]);
	if (s->p->kops)
		program(s);
}

/* --- inactivity --- */

static bool direction_dead(const struct session *s, int rtp, int rtcp)
{
	bool any = false;

	for (size_t i = 0; i < s->alg.n; i++) {
		const struct alg_flow *f = s->alg.stream[i].flow;

		if (f[rtp].id && !f[rtp].closed) {
			any = true;
			if (!f[rtp].inactive)
				return false;
		}
		if (f[rtcp].id && !f[rtcp].inactive)
			return false;
	}
	return any;
}

/* Neither RTP where it may flow nor RTCP: a muted phone still reports, a held one may be silent. */
bool alg_is_dead(const struct session *s)
{
	return direction_dead(s, FLOW_UP, FLOW_UP_RTCP) ||
	       direction_dead(s, FLOW_DOWN, FLOW_DOWN_RTCP);
}

bool alg_inactive(struct session *s, uint32_t flow_id, bool inactive)
{
	for (size_t i = 0; i < s->alg.n; i++)
		for (int k = 0; k < FLOW_N; k++)
			if (s->alg.stream[i].flow[k].id == flow_id)
				s->alg.stream[i].flow[k].inactive = inactive;
	return alg_is_dead(s);
}

enum sdp_dir alg_dir(const struct session *s)
{
	bool up = false, down = false;

	for (size_t i = 0; i < s->alg.n; i++) {
		up |= s->alg.stream[i].flow[FLOW_UP].id && !s->alg.stream[i].flow[FLOW_UP].closed;
		down |= s->alg.stream[i].flow[FLOW_DOWN].id &&
			!s->alg.stream[i].flow[FLOW_DOWN].closed;
	}
	if (up)
		return down ? SDP_SENDRECV : SDP_SENDONLY;
	return down ? SDP_RECVONLY : SDP_INACTIVE;
}
