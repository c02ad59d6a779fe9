// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps that do what must not work (TS 33.203 7, TS 24.229 5.2.6.3):
 *
 *   cleartext  UDP in the clear from the phone's port_uc to the P-CSCF's port_ps
 *   wrong-sa   from the phone's own address and port_uc, under another phone's SA
 *   spoof      under the phone's own SA, from another phone's address
 *   wrong-port under the phone's own SA, from a port that is not bound to it
 *   identity   INVITE over the phone's own SAs with another phone's identity
 *
 * The packets carry a valid OPTIONS whose answer would come back to a phone of ours: the step holds
 * when none comes within LISTEN_USEC. That they were counted and reported is for the network to show.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "call.h"
#include "esp.h"
#include "report.h"
#include "step.h"

#define LISTEN_USEC USEC_PER_SEC
/* Ahead of what the phone's kernel sends next, within its replay window (32): neither is hurt more than once. */
#define SEQ_AHEAD 12

struct attack {
	struct step *s;
	struct phone *phone, *other;
	uint64_t stray[2];
	unsigned int sent;
	struct timer listen;
};

static uint64_t strays(const struct phone *p)
{
	return p ? p->counts.stray : 0;
}

static void on_listen(struct timer *t)
{
	struct attack *a = container_of(t, struct attack, listen);
	uint64_t n = strays(a->phone) - a->stray[0] + strays(a->other) - a->stray[1];

	if (n)
		step_end(a->s, false, "%u sent, %llu ANSWERED", a->sent, (unsigned long long)n);
	else
		step_end(a->s, true, "%u sent, none answered", a->sent);
}

static void abort_attack(struct step *s)
{
	struct attack *a = s->priv;

	if (a)
		timer_stop(step_loop(s), &a->listen);
}

/* A phone with SAs, and the other one when asked for; NULL: the step has ended. */
static struct attack *prepare(struct step *s, bool needs_other)
{
	struct phone *p = step_phone(s, s->a.phone ? s->a.phone : "1"), *other = NULL;
	struct attack *a;

	step_expects(s, "dropped");
	if (p && needs_other)
		other = step_phone(s, s->a.as ? s->a.as : "2");
	if (!p || (needs_other && !other))
		return NULL;
	if (!p->current || (other && !other->current)) {
		step_end(s, false, "no security associations: register with IPsec first");
		return NULL;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		step_end(s, false, "out of memory");
		return NULL;
	}
	*a = (struct attack){ .s = s, .phone = p, .other = other, .listen.fn = on_listen };
	a->stray[0] = strays(p);
	a->stray[1] = strays(other);
	s->priv = a;
	return a;
}

static int options_text(const struct phone *p, char *dst, size_t size)
{
	char us[SIP_SA_STRLEN], branch[13], call_id[13], tag[9];

	sip_random_token(branch, sizeof(branch) - 1);
	sip_random_token(call_id, sizeof(call_id) - 1);
	sip_random_token(tag, sizeof(tag) - 1);
	sip_sa_str(&p->current->us, us);
	return snprintf(
		dst, size,
		"OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKx%s\r\nMax-Forwards: 70\r\n"
		"From: <%s>;tag=%s\r\nTo: <sip:%s>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		p->conf.domain, us, branch, p->conf.impu, tag, p->conf.domain, call_id);
}

/* In the phone's namespace; esp NULL: in the clear. */
static int send_one(struct attack *a, const union sip_sa *src, const struct sa_set *under,
		    uint32_t seq)
{
	const union sip_sa *dst = &a->phone->current->ps;
	uint8_t udp[RAW_PACKET_MAX], esp[RAW_PACKET_MAX];
	_cleanup_netns_ int back = netns_enter(&a->phone->ns);
	char text[1024];
	int n = options_text(a->phone, text, sizeof(text));

	if (back < -1)
		return back + 1;
	n = udp_build(src, dst, text, (size_t)n, udp, sizeof(udp));
	if (n < 0 || !under)
		return n < 0 ? n : raw_send(src, dst, IPPROTO_UDP, udp, (size_t)n);
	n = esp_build(&under->x, under->x.peer_spi_s, seq, udp, (size_t)n, esp, sizeof(esp));
	return n < 0 ? n : raw_send(src, dst, IPPROTO_ESP, esp, (size_t)n);
}

static void run(struct attack *a, const union sip_sa *src, const struct sa_set *under)
{
	uint32_t seq = under ? (uint32_t)sa_packets_sent(under) + SEQ_AHEAD : 0;
	uint32_t count = a->s->a.count ? a->s->a.count : 1;
	int r = 0;

	for (uint32_t i = 0; !r && i < count; i++) {
		r = send_one(a, src, under, seq + i);
		a->sent += !r;
	}
	if (r)
		step_end(a->s, false, "could not be sent: %s", strerror(-r));
	else
		timer_start(step_loop(a->s), &a->listen, LISTEN_USEC);
}

static void start_cleartext(struct step *s)
{
	struct attack *a = prepare(s, false);

	if (a)
		run(a, sip_ep_local(a->phone->current->ep_c), NULL);
}

static void start_wrong_sa(struct step *s)
{
	struct attack *a = prepare(s, true);

	if (a)
		run(a, sip_ep_local(a->phone->current->ep_c), a->other->current);
}

static void start_spoof(struct step *s)
{
	struct attack *a = prepare(s, true);
	union sip_sa src;

	if (!a)
		return;
	src = a->other->local;
	sip_sa_set_port(&src, 9); /* no port of a set */
	run(a, &src, a->phone->current);
}

static void start_wrong_port(struct step *s)
{
	struct attack *a = prepare(s, false);
	union sip_sa src;

	if (!a)
		return;
	src = a->phone->local;
	sip_sa_set_port(&src, 9);
	run(a, &src, a->phone->current);
}

/* --- somebody else's identity --- */

struct fraud {
	struct step *s;
	struct call *c;
	uint64_t want;
};

static void on_fraud(void *arg, struct call *c, enum call_event e)
{
	struct fraud *f = arg;

	if (e == CALL_EV_UP) {
		call_hangup(c);
		step_end(f->s, false, "the call was ANSWERED");
	} else if (e == CALL_EV_ENDED) {
		step_end(f->s, c->status == (int)f->want, "%d %s", c->status, c->why);
	} else {
		return;
	}
	c->event = NULL;
	call_unref(c);
	f->c = NULL;
}

static void start_identity(struct step *s)
{
	struct phone *p = step_phone(s, s->a.phone ? s->a.phone : "1"), *other = NULL;
	struct fraud *f = calloc(1, sizeof(*f));
	struct call_opts o;
	int r;

	s->priv = f;
	if (p)
		other = step_phone(s, s->a.as ? s->a.as : "2");
	if (!f || !p || !other) {
		step_end(s, false, "out of memory");
		return;
	}
	f->s = s;
	f->want = 403;
	if (s->a.expect && str_to_u64(str_of(s->a.expect), 699, &f->want)) {
		step_end(s, false, "expect: a status code, not \"%s\"", s->a.expect);
		return;
	}
	step_expects(s, "%llu", (unsigned long long)f->want);
	call_defaults(p, &o);
	snprintf(o.identity, sizeof(o.identity), "%s", phone_identity(other));
	snprintf(o.to, sizeof(o.to), "%s", s->a.uri ? s->a.uri : phone_identity(other));
	r = call_dial(p, &o, on_fraud, f, &f->c);
	if (r)
		step_end(s, false, "INVITE could not be sent: %s", strerror(-r));
}

static void abort_identity(struct step *s)
{
	struct fraud *f = s->priv;

	if (!f || !f->c)
		return;
	f->c->event = NULL;
	call_hangup(f->c);
	call_unref(f->c);
}

const struct step_kind step_cleartext = {
	"cleartext",
	"phone count",
	"send OPTIONS in the clear to the P-CSCF's protected port",
	10 * USEC_PER_SEC,
	start_cleartext,
	NULL,
	abort_attack,
	NULL,
};
const struct step_kind step_wrong_sa = {
	"wrong-sa",
	"phone as count",
	"send OPTIONS from the phone's own address and port under another phone's SA (as)",
	10 * USEC_PER_SEC,
	start_wrong_sa,
	NULL,
	abort_attack,
	NULL,
};
const struct step_kind step_spoof = {
	"spoof",
	"phone as count",
	"send OPTIONS under the phone's own SA with another phone's address (as) as source",
	10 * USEC_PER_SEC,
	start_spoof,
	NULL,
	abort_attack,
	NULL,
};
const struct step_kind step_wrong_port = {
	"wrong-port",
	"phone count",
	"send OPTIONS under the phone's own SA from a port that does not belong to it",
	10 * USEC_PER_SEC,
	start_wrong_port,
	NULL,
	abort_attack,
	NULL,
};
const struct step_kind step_identity = {
	"identity",
	"phone as uri expect",
	"INVITE with another phone's identity (as) in From and P-Preferred-Identity",
	140 * USEC_PER_SEC,
	start_identity,
	NULL,
	abort_identity,
	NULL,
};
