// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Media-Component-Description from what both ends agreed on (TS 29.213 6.2.1, TS 29.214 5.3.7, 5.3.16, 5.3.19):
 * one component for each m= line, numbered as they stand; RTP is sub-component 1, RTCP 2. Flows are
 * those between UE and relay, since these are what its bearers carry.
 *
 * Invariant: the same agreement gives the same hash, so that the PCRF is told of changes only.
 */
#include "pcscf/pcscf.h"

/* --- whose --- */

/* END_USER_IMSI from the private identity (TS 23.003 13.3), END_USER_SIP_URI from the default public one. */
static void put_subscription(struct rx_built *b, const struct reg *r)
{
	struct str imsi = str_of(r->impi);
	const char *at = strchr(r->impi, '@');
	size_t n = strspn(r->impi, "0123456789");

	imsi.n = n;
	if (n >= 6 && n <= 15 && (!r->impi[n] || r->impi + n == at))
		b->r.subscription[b->r.n_subscription++] =
			(struct pcc_subscription){ imsi, PCC_IMSI };
	if (r->n_ids && !strncmp(r->ids[0].canon, "sip:", 4))
		b->r.subscription[b->r.n_subscription++] =
			(struct pcc_subscription){ str_of(r->ids[0].canon), PCC_SIP_URI };
}

void rx_build_ue(struct rx_built *b, const struct reg *r)
{
	memset(b, 0, sizeof(*b));
	ie_init(&rx_aar_cmd, &b->r);
	if (r->ue.family == AF_INET) {
		memcpy(b->v4, &r->ue.v4, sizeof(b->v4));
		b->r.framed_ip = (struct str){ (const char *)b->v4, sizeof(b->v4) };
	} else {
		b->v6[1] = 128; /* RFC 3162 2.3: reserved, length, prefix */
		memcpy(b->v6 + 2, &r->ue.v6, 16);
		b->r.framed_ipv6 = (struct str){ (const char *)b->v6, sizeof(b->v6) };
	}
	put_subscription(b, r);
}

void rx_build_subscribe(struct rx_built *b, bool media)
{
	static const uint32_t path[] = { RX_INDICATION_OF_LOSS_OF_BEARER,
					 RX_INDICATION_OF_RELEASE_OF_BEARER,
					 RX_INDICATION_OF_RECOVERY_OF_BEARER, RX_IP_CAN_CHANGE,
					 RX_ACCESS_NETWORK_INFO_REPORT },
			      more[] = { RX_CHARGING_CORRELATION_EXCHANGE,
					 RX_INDICATION_OF_SUCCESSFUL_RESOURCES_ALLOCATION,
					 RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION };
	struct rx_aar *r = &b->r;

	memcpy(r->specific_action, path, sizeof(path));
	r->n_specific_action = ARRAY_SIZE(path);
	if (media) {
		memcpy(r->specific_action + r->n_specific_action, more, sizeof(more));
		r->n_specific_action += ARRAY_SIZE(more);
	}
	r->required_access_info[0] = RX_USER_LOCATION;
	r->required_access_info[1] = RX_MS_TIME_ZONE;
	r->n_required_access_info = 2;
}

/* --- a component --- */

static struct rx_component *new_component(struct rx_aar *r, uint32_t number)
{
	struct rx_component *c = &r->component[r->n_component++];

	*c = (struct rx_component){ .number = number,
				    .media_type = -1,
				    .max_ul = -1,
				    .max_dl = -1,
				    .min_ul = -1,
				    .min_dl = -1,
				    .rs = -1,
				    .rr = -1,
				    .status = -1,
				    .reservation_priority = -1 };
	return c;
}

static struct rx_sub_component *new_sub(struct rx_component *c, int usage)
{
	struct rx_sub_component *f = &c->sub[c->n_sub++];

	*f = (struct rx_sub_component){ .number = (uint32_t)c->n_sub,
					.status = -1,
					.usage = usage,
					.max_ul = -1,
					.max_dl = -1,
					.af_signalling_protocol = -1 };
	return f;
}

void rx_build_signalling(struct rx_built *b)
{
	struct rx_component *c = new_component(&b->r, 0);
	struct rx_sub_component *f = new_sub(c, RX_AF_SIGNALLING);

	f->af_signalling_protocol = 1; /* SIP */
	f->status = PCC_ENABLED;
}

/* TS 29.214 5.3.8: numeric, without mask; the source port of what comes from the relay is its own. */
static void put_flow(char dst[2][RX_FLOW_TEXT], struct rx_sub_component *f,
		     const struct knl_end *ue, const struct knl_end *relay)
{
	char a[SIP_SA_STRLEN], b[SIP_SA_STRLEN];

	gm_addr_str(&relay->addr, a);
	gm_addr_str(&ue->addr, b);
	snprintf(dst[0], RX_FLOW_TEXT, "permit out 17 from %s %u to %s %u", a, relay->port, b,
		 ue->port);
	snprintf(dst[1], RX_FLOW_TEXT, "permit in 17 from %s %u to %s %u", b, ue->port, a,
		 relay->port);
	f->description[0] = str_of(dst[0]);
	f->description[1] = str_of(dst[1]);
	f->n_description = 2;
}

int rx_media_type(struct str text)
{
	static const struct {
		const char *name;
		int type;
	} types[] = { { "m=audio ", RX_AUDIO },	    { "m=video ", RX_VIDEO },
		      { "m=data ", RX_DATA },	    { "m=application ", RX_APPLICATION },
		      { "m=control ", RX_CONTROL }, { "m=text ", RX_TEXT },
		      { "m=message ", RX_MESSAGE } };

	if (!text.n)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (str_has_prefix(text, str_of(types[i].name)))
			return types[i].type;
	return RX_OTHER;
}

static bool may_flow(const struct alg_media *from, const struct alg_media *to)
{
	return (from->dir == SDP_SENDRECV || from->dir == SDP_SENDONLY) &&
	       (to->dir == SDP_SENDRECV || to->dir == SDP_RECVONLY);
}

/* TS 29.213 table 6.2.1, and closed before the answer unless P-Early-Media says otherwise (TS 24.229 5.2.7). */
static int flow_status(const struct session *s, const struct alg_media *ue,
		       const struct alg_media *core)
{
	bool up = may_flow(ue, core), down = may_flow(core, ue);

	if (s->fsm.state == SES_EARLY && !s->p->conf->pcscf.early_media) {
		up = up && (s->rx.early & RX_EARLY_UP);
		down = down && (s->rx.early & RX_EARLY_DOWN);
	}
	if (up)
		return down ? PCC_ENABLED : PCC_ENABLED_UPLINK;
	return down ? PCC_ENABLED_DOWNLINK : PCC_DISABLED;
}

static int bits(uint32_t kbps)
{
	return kbps ? (int)MIN((uint64_t)kbps * 1000, (uint64_t)INT32_MAX) : -1;
}

static int larger(uint32_t a, uint32_t b)
{
	uint32_t m = MAX(a, b);

	return m ? (int)MIN(m, (uint32_t)INT32_MAX) : -1;
}

/* b=AS tells what its writer wants to receive (RFC 4566 5.8). */
static void put_rates(struct rx_component *c, const struct alg_media *ue,
		      const struct alg_media *core)
{
	c->max_dl = bits(ue->as_kbps);
	c->max_ul = bits(core->as_kbps);
	c->rs = larger(ue->rs, core->rs);
	c->rr = larger(ue->rr, core->rr);
}

static void put_codec(struct rx_component *c, char dst[1100], bool up, bool offer, struct str text)
{
	int n;

	if (!text.n)
		return;
	n = snprintf(dst, 1100, "%s\n%s\n%.*s", up ? "uplink" : "downlink",
		     offer ? "offer" : "answer", STR_FMT(text));
	c->codec_data[c->n_codec_data++] = (struct str){ dst, MIN((size_t)n, (size_t)1099) };
}

static void put_flows(struct rx_built *b, struct rx_component *c, const struct session *s, size_t i,
		      size_t k)
{
	const struct alg_media *ue = &s->alg.now[SIDE_UE]->m[k],
			       *core = &s->alg.now[SIDE_CORE]->m[k];
	uint16_t port = s->alg.stream[k].port[SIDE_UE];
	struct knl_end relay;

	alg_relay_end(s, SIDE_UE, port, &relay);
	put_flow(b->flow[i][0], new_sub(c, -1), &ue->rtp, &relay);
	if (ue->carry != CARRY_RTP || (ue->mux && core->mux))
		return;
	alg_relay_end(s, SIDE_UE, (uint16_t)(port + 1), &relay);
	put_flow(b->flow[i][1], new_sub(c, RX_RTCP), &ue->rtcp, &relay);
}

bool rx_media_is_active(const struct session *s, size_t k)
{
	const struct alg_media *ue = &s->alg.now[SIDE_UE]->m[k],
			       *core = &s->alg.now[SIDE_CORE]->m[k];

	return ue->carry && core->carry && ue->rtp.port && core->rtp.port &&
	       s->alg.stream[k].port[SIDE_UE];
}

static void put_component(struct rx_built *b, const struct session *s, size_t k)
{
	const struct alg_desc *ue = s->alg.now[SIDE_UE], *core = s->alg.now[SIDE_CORE];
	size_t i = b->r.n_component;
	struct rx_component *c = new_component(&b->r, (uint32_t)k + 1);
	bool ue_offered = s->alg.now_offered == SIDE_UE;

	c->media_type = rx_media_type(alg_text(ue, k));
	if (!rx_media_is_active(s, k)) {
		c->status = PCC_REMOVED;
		return;
	}
	c->status = flow_status(s, &ue->m[k], &core->m[k]);
	put_rates(c, &ue->m[k], &core->m[k]);
	put_codec(c, b->codec[i][0], true, ue_offered, alg_text(ue, k));
	put_codec(c, b->codec[i][1], false, !ue_offered, alg_text(core, k));
	put_flows(b, c, s, i, k);
}

/* --- all of it --- */

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *o = p;

	while (n--)
		h = (h ^ *o++) * UINT64_C(1099511628211);
	return h;
}

static uint64_t hash_of(const struct rx_built *b)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < b->r.n_component; i++) {
		const struct rx_component *c = &b->r.component[i];
		const int32_t v[] = {
			(int32_t)c->number, c->media_type,    c->max_ul, c->max_dl, c->rs, c->rr,
			c->status,	    (int32_t)c->n_sub
		};

		h = mix(h, v, sizeof(v));
		for (size_t k = 0; k < c->n_sub; k++)
			h = mix(h, c->sub[k].description[0].p, c->sub[k].description[0].n);
		for (size_t k = 0; k < c->n_codec_data; k++)
			h = mix(h, c->codec_data[k].p, c->codec_data[k].n);
	}
	h = mix(h, &b->r.reservation_priority, sizeof(b->r.reservation_priority));
	h = mix(h, &b->r.service_info_status, sizeof(b->r.service_info_status));
	return h ? h : 1;
}

static void put_service(struct rx_built *b, const struct session *s)
{
	b->r.sip_forking = s->alg.forks && s->alg.forks->next ? 1 : 0;
	if (*s->icid)
		b->r.af_charging_id = str_of(s->icid);
	if (s->priority.ns) {
		b->r.mps_id = str_of(s->priority.ns);
		b->r.reservation_priority = s->priority.reservation;
	}
	b->hash = hash_of(b);
}

/*
 * What is not carried over UDP has no component but as a removed one, since streams keep their numbers. At most
 * RX_COMPONENTS_MAX: more of them share what the first ones get.
 */
void rx_build_media(struct rx_built *b, const struct session *s)
{
	const struct alg_desc *ue = s->alg.now[SIDE_UE], *core = s->alg.now[SIDE_CORE];
	size_t n = MIN(MIN(ue->n, core->n), s->alg.n);

	for (size_t k = 0; k < n && k < RX_COMPONENTS_MAX; k++)
		put_component(b, s, k);
	b->r.service_info_status = 0; /* FINAL_SERVICE_INFORMATION: both ends have spoken */
	put_service(b, s);
}

/* Without flows: they are known when it is answered, and until then nothing is to be installed for it. */
static void put_offered(struct rx_built *b, const struct session *s, size_t k)
{
	const struct alg_desc *d = s->alg.offer;
	bool ue = s->alg.offer_from == SIDE_UE;
	size_t i = b->r.n_component;
	struct rx_component *c = new_component(&b->r, (uint32_t)k + 1);

	c->media_type = rx_media_type(alg_text(d, k));
	c->status = PCC_DISABLED;
	*(ue ? &c->max_dl : &c->max_ul) = bits(d->m[k].as_kbps);
	put_codec(c, b->codec[i][0], ue, true, alg_text(d, k));
}

/* More rate than is agreed, for a stream that goes on. */
static bool raise_rate(struct rx_component *c, const struct session *s, size_t k)
{
	const struct alg_media *m = &s->alg.offer->m[k];
	int *rate = s->alg.offer_from == SIDE_UE ? &c->max_dl : &c->max_ul;

	if (!m->rtp.port || m->as_kbps <= s->alg.now[s->alg.offer_from]->m[k].as_kbps)
		return false;
	*rate = bits(m->as_kbps);
	return true;
}

bool rx_build_offer(struct rx_built *b, const struct session *s)
{
	const struct alg_desc *ue = s->alg.now[SIDE_UE], *core = s->alg.now[SIDE_CORE],
			      *d = s->alg.offer;
	size_t n = MIN(MIN(ue->n, core->n), s->alg.n);
	bool more = false;

	for (size_t k = 0; k < d->n && k < RX_COMPONENTS_MAX; k++) {
		bool active = k < n && rx_media_is_active(s, k);

		if (!active && d->m[k].carry && d->m[k].rtp.port) {
			put_offered(b, s, k);
			more = true;
		} else if (k < n) {
			put_component(b, s, k);
			more |= active && raise_rate(&b->r.component[b->r.n_component - 1], s, k);
		}
	}
	b->r.service_info_status = 1; /* PRELIMINARY_SERVICE_INFORMATION */
	put_service(b, s);
	return more;
}
