// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The signalling path of a registration (TS 29.214 4.4.5, TS 29.213 annex B.1; TS 24.229 5.2.2, 5.2.8.1): the P-CSCF asks to be told when the
 * bearer that carries SIP is gone, and where the UE is. What the loss does is pcscf.rx_signalling.
 */
#include "pcscf/pcscf.h"

METRIC_COUNTER(m_lost, "kims_pcscf_rx_signalling_lost_total",
	       "registrations whose signalling bearer was lost");

/* Of registrations that have to be told anew, so many go out at a time; and a PCRF has to hear from the SMF first. */
#define SWEEP_BATCH	 50
#define SWEEP_USEC	 (100 * USEC_PER_MSEC)
#define SWEEP_AGAIN_USEC (5 * USEC_PER_SEC)
#define SWEEP_ROUNDS	 6

static struct rx_built *build(const struct reg *r)
{
	struct rx_built *b = malloc(sizeof(*b));

	if (!b)
		return NULL;
	rx_build_ue(b, r);
	rx_build_signalling(b);
	return b;
}

void rx_reg_registered(struct reg *r)
{
	_cleanup_free_ struct rx_built *b = NULL;
	struct pcscf *p = r->p;

	if (!p->rx || !strcmp(p->conf->pcscf.rx_signalling, "off"))
		return;
	if (r->rx && r->rx->stale && !r->rx->busy) {
		rx_close(r->rx, RX_ADMINISTRATIVE);
		r->rx = NULL;
	}
	if (r->rx)
		return;
	b = build(r);
	if (!b)
		return;
	rx_build_subscribe(b, false);
	rx_open(p->rx, RX_OF_REG, r->id, &b->r, &r->rx);
}

/* --- all of them --- */

static void probe_any(struct rx *rx)
{
	rx->reprobe = false;
	if (!rx->ops->is_up(rx->arg)) /* rx_on_peer() asks then */
		return;
	for (struct reg *r = rx->p->regs; r && !rx->probe; r = r->hh_id.next)
		if (r->rx && r->rx->fsm.state == RXS_OPEN && !r->rx->busy && !r->rx->stale)
			rx_reg_probe(r->rx);
}

static void on_sweep(struct timer *t)
{
	struct rx *rx = container_of(t, struct rx, sweep.timer);
	struct reg *r;

	if (!rx->sweep.next) {
		if (rx->reprobe)
			probe_any(rx);
		if (!rx->sweep.missed || rx->sweep.rounds++ >= SWEEP_ROUNDS)
			return;
		rx->sweep.next = rx->p->regs;
		rx->sweep.missed = false;
	}
	for (int i = 0; i < SWEEP_BATCH && (r = rx->sweep.next); i++) {
		rx->sweep.next = r->hh_id.next;
		if (r->fsm.state != REG_REGISTERED)
			continue;
		rx_reg_registered(r);
		if (!r->rx || r->rx->stale)
			rx->sweep.missed = true;
	}
	timer_start(rx->p->loop, t, rx->sweep.next ? SWEEP_USEC : SWEEP_AGAIN_USEC);
}

void rx_reg_sweep(struct rx *rx)
{
	if (rx->quitting || !strcmp(rx->p->conf->pcscf.rx_signalling, "off"))
		return;
	rx->sweep.next = NULL;
	rx->sweep.rounds = 0;
	rx->sweep.missed = true;
	rx->sweep.timer.fn = on_sweep;
	timer_start(rx->p->loop, &rx->sweep.timer, SWEEP_USEC);
}

void rx_reg_probe(struct rx_af *x)
{
	_cleanup_free_ struct rx_built *b = build(reg_by_id(x->p, x->owner_id));

	if (!b)
		return;
	rx_build_subscribe(b, false); /* if it has forgotten, this may be the first AAR to it */
	if (!rx_update(x, &b->r))
		x->p->rx->probe = x;
}

/* One that has just come up may have too much to do for an answer. */
void rx_reg_reprobe(struct rx *rx)
{
	if (rx->probes++ >= SWEEP_ROUNDS)
		return;
	rx->reprobe = true;
	rx->sweep.timer.fn = on_sweep;
	if (!timer_running(&rx->sweep.timer))
		timer_start(rx->p->loop, &rx->sweep.timer, SWEEP_AGAIN_USEC);
}

void rx_reg_end(struct reg *r)
{
	if (r->p->rx && r->p->rx->sweep.next == r)
		r->p->rx->sweep.next = r->hh_id.next;
	timer_stop(r->p->loop, &r->rx_loss);
	if (!r->rx)
		return;
	rx_close(r->rx, RX_LOGOUT);
	r->rx = NULL;
}

/*
 * The registration stands without it (TS 29.214 4.4.5); it is asked for again when the phone registers again, and when
 * a PCRF comes back.
 */
void rx_reg_answered(struct reg *r, enum rx_outcome o, const struct rx_aaa *a)
{
	if (o == RX_OK) {
		timer_stop(r->p->loop, &r->rx_loss);
		access_from_aaa(r, NULL, a);
		return;
	}
	r->p->rx->sweep.missed = true;
	log_info("%s: status of the signalling path: %s (%d)", r->impi, rx_outcome_str(o),
		 a->result >= 10000 ? a->result - 10000 : a->result);
}

static void end_calls(struct reg *r)
{
	struct session *s, *next;

	for (s = r->sessions; s; s = next) {
		next = s->reg_next;
		session_release(s, "the signalling bearer is lost",
				"SIP;cause=503;text=\"Signalling bearer lost\"");
	}
}

static void lost(struct reg *r)
{
	bool remove = !strcmp(r->p->conf->pcscf.rx_signalling, "remove");

	timer_stop(r->p->loop, &r->rx_loss); /* or calls made since would end by it */
	metric_register(&m_lost);
	metric_inc(&m_lost);
	log_notice("%s: the signalling bearer is lost", r->impi);
	end_calls(r);
	if (remove)
		reg_leave(r, "the signalling bearer is lost");
}

static void on_loss(struct timer *t)
{
	lost(container_of(t, struct reg, rx_loss));
}

static void lost_for_now(struct reg *r)
{
	if (timer_running(&r->rx_loss))
		return;
	log_notice("%s: the signalling bearer is lost, perhaps for a moment", r->impi);
	r->rx_loss.fn = on_loss;
	timer_start(r->p->loop, &r->rx_loss, r->p->conf->pcscf.rx_loss_s * USEC_PER_SEC);
}

/* LOSS is what may come back (TS 29.214 5.3.13: RECOVERY), as of a phone that is in a call of the CS domain; RELEASE is not. */
void rx_reg_rar(struct reg *r, const struct rx_rar *rar)
{
	bool released = false;

	access_from_rar(r, NULL, rar);
	for (size_t i = 0; i < rar->n_specific_action; i++) {
		uint32_t a = rar->specific_action[i];

		if (a == RX_INDICATION_OF_LOSS_OF_BEARER)
			lost_for_now(r);
		else if (a == RX_INDICATION_OF_RECOVERY_OF_BEARER)
			timer_stop(r->p->loop, &r->rx_loss);
		released |= a == RX_INDICATION_OF_RELEASE_OF_BEARER;
	}
	if (released)
		lost(r);
}

void rx_reg_asr(struct reg *r, int cause _unused_)
{
	lost(r);
	rx_reg_end(r);
}
