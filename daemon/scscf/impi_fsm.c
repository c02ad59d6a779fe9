// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The states of a private identity: TS 24.229 5.4.1.2 (authentication), TS 29.228 6.1.2 and 6.3
 * (what the HSS thinks meanwhile).
 *
 *   idle --challenge--> challenged --right--> assigning --bound--> registered --challenge--> rechallenged
 *    ^                   | wrong, timer          | refused           | gone                    | right, wrong, timer
 *    +-------------------+-----------------------+-------------------+      registered <-------+
 *
 * The waiting states end by reg-await-auth; assigning ends by the SAA, which lib/diameter gives
 * in any case. Invariant: an identity is freed in idle only.
 */
#include "scscf/priv.h"

#define STATES (IMPI_RECHALLENGED + 1)
#define EVENTS (IE_GONE + 1)
#define STAY   (-1)

static const char *const event_names[EVENTS] = {
	[IE_CHALLENGE] = "challenge", [IE_RIGHT] = "right", [IE_WRONG] = "wrong",
	[IE_REFUSED] = "refused",     [IE_BOUND] = "bound", [IE_GONE] = "gone",
};

/* STAY where the event is listed below but changes nothing. */
static const signed char next_state[STATES][EVENTS] = {
	[IMPI_IDLE] = { [IE_CHALLENGE] = IMPI_CHALLENGED, [IE_BOUND] = IMPI_REGISTERED },
	[IMPI_CHALLENGED] = { [IE_CHALLENGE] = IMPI_CHALLENGED,
			      [IE_RIGHT] = IMPI_ASSIGNING,
			      [IE_WRONG] = IMPI_IDLE,
			      [IE_REFUSED] = STAY,
			      [IE_BOUND] = IMPI_RECHALLENGED },
	[IMPI_ASSIGNING] = { [IE_CHALLENGE] = IMPI_CHALLENGED,
			     [IE_REFUSED] = IMPI_IDLE,
			     [IE_BOUND] = IMPI_REGISTERED },
	[IMPI_REGISTERED] = { [IE_CHALLENGE] = IMPI_RECHALLENGED,
			      [IE_REFUSED] = STAY,
			      [IE_GONE] = IMPI_IDLE },
	[IMPI_RECHALLENGED] = { [IE_CHALLENGE] = IMPI_RECHALLENGED,
				[IE_RIGHT] = IMPI_REGISTERED,
				[IE_WRONG] = IMPI_REGISTERED,
				[IE_REFUSED] = STAY,
				[IE_GONE] = IMPI_CHALLENGED },
};

static void on_event(struct fsm *f, int event, void *data _unused_)
{
	int to = next_state[f->state][event];

	if (to != STAY)
		fsm_go(f, to);
}

static struct impi *impi_of(struct fsm *f)
{
	return container_of(f, struct impi, fsm);
}

static void await_answer(struct fsm *f, int prev _unused_)
{
	fsm_set_timer(f, impi_of(f)->s->env.conf->scscf.reg_await_auth_s * USEC_PER_SEC);
}

static void on_timeout(struct fsm *f)
{
	auth_timed_out(impi_of(f));
}

static const struct fsm_state states[STATES] = {
	[IMPI_IDLE] = {
		.name = "idle",
		.doc = "no contact, no challenge; bound: read back from the store",
		.events = FSM_BIT(IE_CHALLENGE) | FSM_BIT(IE_BOUND),
		.next = FSM_BIT(IMPI_CHALLENGED) | FSM_BIT(IMPI_REGISTERED),
		.on_event = on_event,
	},
	[IMPI_CHALLENGED] = {
		.name = "challenged",
		.doc = "401 sent, waits for the answer; 5.4.1.2.1",
		.events = FSM_BIT(IE_CHALLENGE) | FSM_BIT(IE_RIGHT) | FSM_BIT(IE_WRONG) |
			  FSM_BIT(IE_REFUSED) | FSM_BIT(IE_BOUND),
		.next = FSM_BIT(IMPI_CHALLENGED) | FSM_BIT(IMPI_ASSIGNING) | FSM_BIT(IMPI_IDLE) |
			FSM_BIT(IMPI_RECHALLENGED),
		.waiting = true,
		.on_enter = await_answer,
		.on_event = on_event,
		.on_timeout = on_timeout,
	},
	[IMPI_ASSIGNING] = {
		.name = "assigning",
		.doc = "answer was right, waits for the SAA; TS 29.228 6.1.2",
		.events = FSM_BIT(IE_CHALLENGE) | FSM_BIT(IE_REFUSED) | FSM_BIT(IE_BOUND),
		.next = FSM_BIT(IMPI_CHALLENGED) | FSM_BIT(IMPI_IDLE) | FSM_BIT(IMPI_REGISTERED),
		.on_event = on_event,
	},
	[IMPI_REGISTERED] = {
		.name = "registered",
		.doc = "has a contact; 5.4.1.2.2",
		.events = FSM_BIT(IE_CHALLENGE) | FSM_BIT(IE_REFUSED) | FSM_BIT(IE_GONE),
		.next = FSM_BIT(IMPI_RECHALLENGED) | FSM_BIT(IMPI_IDLE),
		.on_event = on_event,
	},
	[IMPI_RECHALLENGED] = {
		.name = "rechallenged",
		.doc = "has a contact and a challenge that waits; whatever comes, the contact stays; "
		       "5.4.1.2.3",
		.events = FSM_BIT(IE_CHALLENGE) | FSM_BIT(IE_RIGHT) | FSM_BIT(IE_WRONG) |
			  FSM_BIT(IE_REFUSED) | FSM_BIT(IE_GONE),
		.next = FSM_BIT(IMPI_RECHALLENGED) | FSM_BIT(IMPI_REGISTERED) |
			FSM_BIT(IMPI_CHALLENGED),
		.waiting = true,
		.on_enter = await_answer,
		.on_event = on_event,
		.on_timeout = on_timeout,
	},
};

const struct fsm_desc impi_fsm = {
	.name = "impi",
	.states = states,
	.n_states = STATES,
	.event_names = event_names,
	.n_events = EVENTS,
};

void impi_event(struct impi *i, enum impi_event e)
{
	fsm_event(&i->fsm, (int)e, NULL);
}

/* A procedure that may have ended without a contact: back to idle, and away when nothing needs it. */
void impi_settle(struct scscf *s, struct impi *i)
{
	if (i && i->fsm.state == IMPI_ASSIGNING && !i->n_contacts)
		impi_event(i, IE_REFUSED);
	impi_put(s, i);
}
