// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls and their bearers: TS 29.213 annex B.2 (session establishment), B.3 (modification), B.5 (release); TS 24.229
 * 5.2.7 (calls), 5.2.8.1 (release by the P-CSCF), 6.2 (descriptions that are not allowed).
 *
 * An AAR goes out when both ends have agreed, on each leg for its own UE; the response that
 * brought the answer waits for the PCRF, so that the UE hears of it when its bearer is on the way.
 * Gates are closed until the call is answered. A refusal ends the call; without a PCRF it goes on unless
 * pcscf.rx_required says no. An offer within a call that asks for more than is agreed waits for the PCRF, too, and is refused alone
 * (B.3; TS 29.214 4.4.2: what the PCRF was told before still holds).
 *
 * Invariants: each kept response goes on exactly once, or its forwarding has ended; responses of a
 * session keep their order; nothing here is called from inside of what it frees.
 */
#include <utlist.h>

#include "pcscf/pcscf.h"

#define HOLDS_MAX 16
/* The longest wait for a PCRF that need not be heard. */
#define PATIENCE_USEC (2 * USEC_PER_SEC)
/* A 2xx that must not stand is followed by a BYE as soon as its ACK has passed; when none comes, or none is due, so
 * much later. Before the ACK the caller may hear of no BYE from the called side (RFC 3261 15), and the
 * P-CSCF of the other end may keep the 2xx as long as this one would. */
#define DOOM_USEC     (500 * USEC_PER_MSEC)
#define DOOM_ACK_USEC (PATIENCE_USEC + 1 * USEC_PER_SEC)

METRIC_COUNTER(m_released, "kims_pcscf_rx_released_total", "calls ended by Rx");

/* --- kept responses --- */

struct rx_hold {
	struct rx *rx;
	struct session *s; /* NULL: an orphan */
	struct sip_fwd *f;
	struct sip_msg *resp;
	struct rx_hold **head; /* list of its request */
	struct rx_hold *next;  /* of its request */
	struct rx_hold *s_prev, *s_next;
};

static void unlink_hold(struct rx_hold *h)
{
	struct rx_hold **list = h->s ? &h->s->rx.holds : &h->rx->orphans;

	DL_DELETE2(*list, h, s_prev, s_next);
	if (h->s)
		h->s->rx.n_holds--;
	LL_DELETE(*h->head, h);
}

void rx_drain(struct rx *rx)
{
	struct rx_hold *h;

	while ((h = rx->orphans)) {
		struct sip_fwd *f = h->f;
		struct sip_msg *resp = h->resp;

		unlink_hold(h);
		free(h);
		sip_fwd_resume(f, resp);
	}
}

static void on_drain(struct timer *t)
{
	rx_drain(container_of(t, struct rx, drain));
}

/* They go on from the loop: whoever calls this may stand inside the session's or the proxy's work. */
static void let_go(struct session *s)
{
	struct rx *rx = s->p->rx;
	struct rx_hold *h;

	timer_stop(s->p->loop, &s->rx.patience);
	while ((h = s->rx.holds)) {
		DL_DELETE2(s->rx.holds, h, s_prev, s_next);
		h->s = NULL;
		DL_APPEND2(rx->orphans, h, s_prev, s_next);
	}
	s->rx.n_holds = 0;
	if (!rx->orphans)
		return;
	rx->drain.fn = on_drain;
	timer_start(s->p->loop, &rx->drain, 0);
}

static void on_patience(struct timer *t)
{
	struct session *s = container_of(t, struct session, rx.patience);

	log_warn("%s: session %s: the PCRF is slow; the call goes on without its answer",
		 s->reg->impi, s->token);
	let_go(s);
}

/* Its final response is negative: what came before it must not hold it up. */
void rx_call_failed(struct session *s)
{
	if (s->p->rx && s->rx.holds)
		let_go(s);
}

static bool is_waiting(const struct session *s)
{
	return timer_running(&s->rx.sync) || s->rx.telling;
}

int rx_call_hold(struct session *s, struct sip_fwd *f, struct sip_msg *resp, bool has_sdp,
		 struct rx_hold **head)
{
	struct rx_hold *h;

	if (!s->p->rx || (!s->rx.holds && !(has_sdp && is_waiting(s))))
		return 0;
	if (s->rx.n_holds >= HOLDS_MAX)
		return sip_msg_status(resp) < 200 ? -ECANCELED : 0;
	h = calloc(1, sizeof(*h));
	if (!h)
		return 0;
	*h = (struct rx_hold){
		.rx = s->p->rx, .s = s, .f = f, .resp = sip_msg_ref(resp), .head = head
	};
	LL_PREPEND(*head, h);
	DL_APPEND2(s->rx.holds, h, s_prev, s_next);
	s->rx.n_holds++;
	s->rx.patience.fn = on_patience;
	if (!s->p->conf->pcscf.rx_required && !timer_running(&s->rx.patience))
		timer_start(s->p->loop, &s->rx.patience, PATIENCE_USEC);
	return -EAGAIN;
}

void rx_call_forget(struct rx_hold **head)
{
	struct rx_hold *h;

	while ((h = *head)) {
		unlink_hold(h);
		sip_msg_unref(h->resp);
		free(h);
	}
}

/* --- the end of a call by Rx --- */

static void end_now(struct session *s)
{
	metric_register(&m_released);
	metric_inc(&m_released);
	session_refuse(s, s->rx.status, s->rx.why, s->rx.reason);
}

static void on_doom(struct timer *t)
{
	end_now(container_of(t, struct session, rx.doom));
}

void rx_call_ack(struct session *s)
{
	/* Behind the ACK, which is still on its way through here. */
	if (s->p->rx && timer_running(&s->rx.doom))
		timer_start(s->p->loop, &s->rx.doom, 0);
}

/* How long what is kept needs to arrive; 0: there is nothing that a BYE could overtake. */
static uint64_t time_to_arrive(const struct session *s)
{
	if (s->fsm.state != SES_CONFIRMED || !s->rx.holds)
		return 0;
	for (const struct rx_hold *h = s->rx.holds; h; h = h->s_next) {
		if (sip_msg_method(h->resp) == SIP_M_INVITE && sip_msg_status(h->resp) >= 200)
			return DOOM_ACK_USEC;
	}
	return DOOM_USEC;
}

/* TS 24.229 5.2.8.1.1, 5.2.8.1.2: with the status before the answer, by BYE both ways after it. */
static void end_call(struct session *s, int status, const char *why, const char *text)
{
	uint64_t wait = time_to_arrive(s);

	if (timer_running(&s->rx.doom))
		return; /* it ends already, for the first reason, once what is on its way has arrived */
	let_go(s);
	s->rx.status = status;
	s->rx.why = why;
	snprintf(s->rx.reason, sizeof(s->rx.reason), "SIP;cause=%d;text=\"%s\"", status, text);
	s->rx.doom.fn = on_doom;
	if (wait)
		timer_start(s->p->loop, &s->rx.doom, wait);
	else
		end_now(s);
}

/* --- the outcome of an AAR --- */

/* TS 24.229 6.2, 5.2.7; TS 29.214 4.4.1, 5.5. */
static int status_of(int result)
{
	switch (result) {
	case RX_REQUESTED_SERVICE_NOT_AUTHORIZED:
	case RX_INVALID_SERVICE_INFORMATION:
	case RX_FILTER_RESTRICTIONS:
		return 488;
	case RX_UNAUTHORIZED_NON_EMERGENCY_SESSION:
	case RX_UNAUTHORIZED_SPONSORED_DATA_CONNECTIVITY:
		return 403;
	default:
		return 503;
	}
}

/* For Reason and Warning: what the caller is told. */
static const char *text_of(int result)
{
	switch (result) {
	case RX_REQUESTED_SERVICE_NOT_AUTHORIZED:
		return "Media not authorised";
	case RX_INVALID_SERVICE_INFORMATION:
		return "Media description refused";
	case RX_FILTER_RESTRICTIONS:
		return "Media flows refused";
	case RX_IP_CAN_SESSION_NOT_AVAILABLE:
		return "No IP-CAN session at the PCRF";
	case RX_UNAUTHORIZED_NON_EMERGENCY_SESSION:
		return "Emergency calls only";
	case RX_UNAUTHORIZED_SPONSORED_DATA_CONNECTIVITY:
		return "Sponsored data not authorised";
	case RX_TEMPORARY_NETWORK_FAILURE:
		return "Temporary network failure";
	default:
		return "Resources not authorised";
	}
}

/* False: the call ends, or has ended (s is gone). */
static bool unreachable(struct session *s)
{
	if (s->p->conf->pcscf.rx_required) {
		end_call(s, 503, "no PCRF answers", "Policy server unavailable");
		return false;
	}
	if (!s->rx.warned)
		log_warn(
			"%s: session %s: no PCRF answers; the call goes on without bearers of its own",
			s->reg->impi, s->token);
	s->rx.warned = true;
	let_go(s);
	return true;
}

static void refused(struct session *s, int result)
{
	log_notice("%s: session %s: the PCRF refused its media with %d", s->reg->impi, s->token,
		   result >= 10000 ? result - 10000 : result);
	end_call(s, status_of(result), "refused by the PCRF", text_of(result));
}

static bool is_alive(const struct session *s)
{
	return s->fsm.state == SES_EARLY || s->fsm.state == SES_CONFIRMED;
}

/* --- AAR --- */

static int send_aar(struct session *s, const struct rx_built *b)
{
	struct rx_af *x = s->rx.af;
	int e;

	s->rx.telling = b->hash;
	e = x ? rx_update(x, &b->r) : rx_open(s->p->rx, RX_OF_SESSION, s->id, &b->r, &s->rx.af);
	if (e < 0)
		s->rx.telling = 0;
	return e;
}

static void tell_pcrf(struct session *s)
{
	_cleanup_free_ struct rx_built *b = NULL;
	struct rx_af *x = s->rx.af;

	if (x && x->busy) {
		s->rx.again = true;
		return;
	}
	if (x && x->stale) {
		rx_close(x, RX_ADMINISTRATIVE);
		s->rx.told = 0;
	}
	b = malloc(sizeof(*b));
	if (!b) {
		unreachable(s);
		return;
	}
	rx_build_ue(b, s->reg);
	rx_build_media(b, s);
	/* One that has forgotten may take what we think an update for the first AAR. */
	if (!s->rx.af || s->rx.renewals)
		rx_build_subscribe(b, true);
	if (b->hash == s->rx.told)
		let_go(s);
	else if (send_aar(s, b) < 0)
		unreachable(s);
}

static void on_sync(struct timer *t)
{
	tell_pcrf(container_of(t, struct session, rx.sync));
}

void rx_call_changed(struct session *s)
{
	if (!s->p->rx || !is_alive(s) || !s->alg.now[SIDE_UE] || !s->alg.now[SIDE_CORE] ||
	    timer_running(&s->rx.doom))
		return;
	s->rx.sync.fn = on_sync;
	if (!timer_running(&s->rx.sync))
		timer_start(s->p->loop, &s->rx.sync, 0);
}

/* --- an offer in a call --- */

/* The offer goes on without the PCRF's answer: what is agreed then will be judged. */
static void on_ask_timer(struct timer *t)
{
	struct session *s = container_of(t, struct session, rx.ask_timer);
	struct reqtx *ask = s->rx.ask;

	s->rx.ask = NULL;
	request_go(ask);
}

/* Only a call that the PCRF knows as it is, and that nothing else is said of just now. */
static bool may_ask(const struct session *s)
{
	const struct rx_af *x = s->rx.af;

	return s->fsm.state == SES_CONFIRMED && x && x->fsm.state == RXS_OPEN && !x->busy &&
	       !x->stale && s->rx.told && !s->rx.ask && s->alg.offer && s->alg.now[SIDE_UE] &&
	       s->alg.now[SIDE_CORE] && !timer_running(&s->rx.sync) && !timer_running(&s->rx.doom);
}

int rx_call_ask(struct session *s, struct reqtx *t, uint32_t cseq, enum side from)
{
	_cleanup_free_ struct rx_built *b = NULL;

	if (!s->p->rx || !may_ask(s) || s->alg.offer_cseq != cseq || s->alg.offer_from != from)
		return 0;
	b = malloc(sizeof(*b));
	if (!b)
		return 0;
	rx_build_ue(b, s->reg);
	if (!rx_build_offer(b, s) || send_aar(s, b) < 0)
		return 0;
	s->rx.ask = t;
	s->rx.asking = s->rx.asked = true;
	s->rx.ask_timer.fn = on_ask_timer;
	if (!s->p->conf->pcscf.rx_required)
		timer_start(s->p->loop, &s->rx.ask_timer, PATIENCE_USEC);
	return -EAGAIN;
}

void rx_call_unask(struct session *s)
{
	timer_stop(s->p->loop, &s->rx.ask_timer);
	s->rx.ask = NULL;
	rx_call_offer_failed(s);
}

void rx_call_offer_failed(struct session *s)
{
	if (!s->rx.asked)
		return;
	s->rx.asked = false;
	rx_call_changed(s);
}

/* True: the AAR was about an offer, and that is all that its answer decides. */
static bool offer_judged(struct session *s, enum rx_outcome o, int result)
{
	bool required = s->p->conf->pcscf.rx_required;
	struct reqtx *t = s->rx.ask;

	if (!s->rx.asking)
		return false;
	s->rx.asking = false;
	s->rx.ask = NULL;
	timer_stop(s->p->loop, &s->rx.ask_timer);
	if (o == RX_REFUSED)
		s->rx.asked = false;
	if (t && o == RX_REFUSED)
		request_refused(t, status_of(result), text_of(result));
	else if (t && o == RX_UNREACHABLE && required)
		request_refused(t, 503, "Policy server unavailable");
	else if (t)
		request_go(t);
	return o == RX_REFUSED || o == RX_UNREACHABLE;
}

/* --- a PCRF that has forgotten --- */

/* Many at once would be a flood; and the SMF must have opened its Gx session again (TS 29.214 4.4.1: 5065). */
#define RENEW_USEC	  (USEC_PER_SEC / 2)
#define RENEW_SPREAD_USEC (3 * USEC_PER_SEC)
#define RENEW_AGAIN_USEC  (5 * USEC_PER_SEC)
#define RENEWALS_MAX	  6

static void on_renew(struct timer *t)
{
	struct session *s = container_of(t, struct session, rx.renew);

	s->rx.told = 0;
	rx_call_changed(s);
}

void rx_call_renew(struct session *s)
{
	/* After a restart of ours the codecs are not known: what the PCRF was told then is better. */
	if (!is_alive(s) || !s->alg.now[SIDE_UE] || !s->alg.now[SIDE_UE]->n_text)
		return;
	s->rx.renewals = 1;
	s->rx.renew.fn = on_renew;
	timer_start(s->p->loop, &s->rx.renew, RENEW_USEC + s->id % RENEW_SPREAD_USEC);
}

/* It was allowed before, or not judged: what stands in its way is a restart, or a PCRF with too much to do. */
static void retry_later(struct session *s)
{
	let_go(s);
	if (s->rx.renewals++ >= RENEWALS_MAX) {
		log_warn("%s: session %s: its bearer cannot be had again; the call goes on without",
			 s->reg->impi, s->token);
		s->rx.renewals = 0;
		return;
	}
	s->rx.renew.fn = on_renew;
	timer_start(s->p->loop, &s->rx.renew, RENEW_AGAIN_USEC);
}

void rx_call_answered(struct session *s, enum rx_outcome o, const struct rx_aaa *a)
{
	bool again = s->rx.again, renewed = s->rx.renewed;
	uint64_t hash = s->rx.telling;

	s->rx.telling = 0;
	s->rx.again = false;
	if (!is_alive(s)) {
		let_go(s);
		return;
	}
	if (offer_judged(s, o, a->result)) {
		if (o == RX_UNREACHABLE)
			s->rx.told = 0;
		if (again)
			rx_call_changed(s);
		else if (!timer_running(&s->rx.sync))
			let_go(s);
		return;
	}
	s->rx.told = o == RX_OK ? hash : 0;
	switch (o) {
	case RX_OK:
		s->rx.renewals = 0;
		s->rx.renewed = false;
		access_from_aaa(s->reg, s, a);
		if (again || timer_running(&s->rx.sync))
			rx_call_changed(s);
		else
			let_go(s);
		break;
	case RX_REFUSED:
		if (s->rx.renewals && s->fsm.state == SES_CONFIRMED)
			retry_later(s);
		else
			refused(s, a->result);
		break;
	case RX_UNREACHABLE: /* the next try also says what has changed meanwhile */
		if (unreachable(s) && !timer_running(&s->rx.doom))
			retry_later(s);
		break;
	case RX_FORGOTTEN:
		s->rx.renewed = true;
		s->rx.renewals = 1;
		if (renewed)
			unreachable(s);
		else
			rx_call_changed(s);
		break;
	}
}

/* --- what passes --- */

/* RFC 5009 8: "sendonly" is backward early media, as the called side sees it. The word of a UE opens nothing. */
void rx_call_early(struct session *s, const struct sip_msg *resp)
{
	struct str v = sip_msg_value(resp, SIP_H_P_EARLY_MEDIA), word = { NULL, 0 };
	uint8_t bits = 0;

	if (!s->p->rx || !v.n || s->fsm.state != SES_EARLY || !str_split(&v, ',', &word))
		return;
	word = str_trim(word);
	if (str_ieqz(word, "sendrecv"))
		bits = RX_EARLY_UP | RX_EARLY_DOWN;
	else if (str_ieqz(word, "sendonly"))
		bits = s->orig ? RX_EARLY_DOWN : RX_EARLY_UP;
	else if (str_ieqz(word, "recvonly"))
		bits = s->orig ? RX_EARLY_UP : RX_EARLY_DOWN;
	if (bits == s->rx.early)
		return;
	s->rx.early = bits;
	rx_call_changed(s);
}

static void stop(struct session *s)
{
	timer_stop(s->p->loop, &s->rx.sync);
	timer_stop(s->p->loop, &s->rx.loss);
	timer_stop(s->p->loop, &s->rx.doom);
	timer_stop(s->p->loop, &s->rx.patience);
	timer_stop(s->p->loop, &s->rx.renew);
	timer_stop(s->p->loop, &s->rx.ask_timer);
}

void rx_call_end(struct session *s)
{
	struct reqtx *ask = s->rx.ask;

	if (!s->p->rx)
		return;
	stop(s);
	let_go(s);
	s->rx.ask = NULL;
	if (ask)
		request_refused(ask, 487, "The call has ended");
	rx_close(s->rx.af, RX_LOGOUT);
	s->rx.af = NULL;
}

void rx_call_free(struct session *s)
{
	stop(s);
	free(s->rx.charging);
	s->rx.charging = NULL;
}

/* --- what the PCRF says --- */

static bool names_media(const struct rx_rar *r, uint32_t component)
{
	for (size_t i = 0; i < r->n_flows; i++) {
		const struct pcc_flows *f = &r->flows[i];

		if (f->component != component)
			continue;
		for (size_t k = 0; k < f->n_number; k++)
			if (f->number[k] == 1)
				return true;
		if (!f->n_number)
			return true;
	}
	return false;
}

/* A call without its voice, or without anything, is none; without video it goes on. */
static bool is_vital(const struct session *s, const struct rx_rar *r)
{
	size_t active = 0, named = 0;

	if (!r->n_flows)
		return true;
	for (size_t k = 0; s->alg.now[SIDE_UE] && k < s->alg.now[SIDE_UE]->n; k++) {
		if (!rx_media_is_active(s, k))
			continue;
		active++;
		if (!names_media(r, (uint32_t)k + 1))
			continue;
		named++;
		if (rx_media_type(alg_text(s->alg.now[SIDE_UE], k)) == RX_AUDIO)
			return true;
	}
	return named && named == active;
}

static void on_loss(struct timer *t)
{
	struct session *s = container_of(t, struct session, rx.loss);

	end_call(s, 503, "its bearer is lost", "Bearer lost");
}

static void lost(struct session *s, const struct rx_rar *r)
{
	uint32_t wait = s->p->conf->pcscf.rx_loss_s;

	log_notice("%s: session %s: a bearer is lost", s->reg->impi, s->token);
	if (!is_vital(s, r) || timer_running(&s->rx.loss))
		return;
	s->rx.loss.fn = on_loss;
	timer_start(s->p->loop, &s->rx.loss, wait * USEC_PER_SEC);
}

static void released(struct session *s, const struct rx_rar *r, const char *why, const char *text)
{
	log_notice("%s: session %s: %s", s->reg->impi, s->token, why);
	if (is_vital(s, r))
		end_call(s, 503, why, text);
}

static void on_action(struct session *s, enum rx_specific_action a, const struct rx_rar *r)
{
	switch (a) {
	case RX_INDICATION_OF_LOSS_OF_BEARER:
		lost(s, r);
		break;
	case RX_INDICATION_OF_RECOVERY_OF_BEARER:
		if (is_vital(s, r))
			timer_stop(s->p->loop, &s->rx.loss);
		break;
	case RX_INDICATION_OF_RELEASE_OF_BEARER:
		released(s, r, "its bearer was released", "Bearer released");
		break;
	case RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION:
		released(s, r, "no resources for its bearer", "Resource allocation failed");
		break;
	case RX_INDICATION_OF_SUCCESSFUL_RESOURCES_ALLOCATION:
		s->rx.allocated = true;
		break;
	case RX_INDICATION_OF_OUT_OF_CREDIT:
		released(s, r, "out of credit", "Out of credit");
		break;
	case RX_CHARGING_CORRELATION_EXCHANGE:
	case RX_IP_CAN_CHANGE:
	case RX_ACCESS_NETWORK_INFO_REPORT:
	case RX_INDICATION_OF_LIMITED_PCC_DEPLOYMENT:
	case RX_USAGE_REPORT:
		break;
	}
}

void rx_call_rar(struct session *s, const struct rx_rar *r)
{
	uint64_t id = s->id;
	struct pcscf *p = s->p;

	access_from_rar(s->reg, s, r);
	for (size_t i = 0; i < r->n_specific_action; i++) {
		s = session_by_id(p, id);
		if (!s || !is_alive(s))
			return;
		on_action(s, (enum rx_specific_action)r->specific_action[i], r);
	}
}

void rx_call_asr(struct session *s, int cause)
{
	const char *text = "Bearer released";

	switch ((enum rx_abort_cause)cause) {
	case RX_INSUFFICIENT_SERVER_RESOURCES:
	case RX_INSUFFICIENT_BEARER_RESOURCES:
		text = "Insufficient bearer resources";
		break;
	case RX_PS_TO_CS_HANDOVER:
		text = "PS to CS handover";
		break;
	case RX_SPONSORED_DATA_CONNECTIVITY_DISALLOWED:
		text = "Sponsored data connectivity disallowed";
		break;
	case RX_BEARER_RELEASED:
		break;
	}
	if (is_alive(s))
		end_call(s, 503, "ended by the PCRF", text);
}
