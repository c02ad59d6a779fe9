// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands about bearers (TS 29.274 7.2.5, 7.2.14, 7.2.17; TS 23.401 5.4.2.1, 5.4.4.2, 5.4.5): what the UE, the HSS or the
 * radio network want is put to the PCRF, and answered by the request that comes of it, or by a failure
 * indication.
 *
 * Invariants: one command waits per PDN connection, a second one is refused; a command is answered once.
 */
#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "smf/bearer.h"

static union s5_any msg;

static void respond(struct xchg_token *t, uint32_t teid, enum s5_message type, const void *m)
{
	uint8_t buf[512];
	struct tlv_buf b = TLV_BUF(buf);

	if (s5_encode(type, teid, m, &b))
		gtpc_drop(t);
	else
		gtpc_respond(t, b.p, b.n);
}

static void refuse_resource(struct xchg_token *t, uint32_t teid, struct s5_cause_ie cause,
			    uint8_t lbi, uint8_t pti)
{
	static struct s5_bearer_resource_failure f;

	s5_init(S5_BEARER_RESOURCE_FAILURE, &f);
	f.cause = cause;
	f.lbi = lbi;
	f.pti = pti;
	respond(t, teid, S5_BEARER_RESOURCE_FAILURE, &f);
}

/* op->pti and lbi are the command's, as far as it has them. */
void smf_command_refuse(struct smf_pdn *p, uint8_t cause)
{
	struct smf_bearer_op *op = &p->op;
	struct xchg_token *t = op->command;
	struct s5_cause_ie c = { .value = cause };
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);

	op->command = NULL;
	op->command_ready = false;
	if (op->command_type == S5_BEARER_RESOURCE_COMMAND)
		refuse_resource(t, p->peer.teid, c, op->lbi, op->pti);
	else if (s5_encode_refusal(op->command_type, p->peer.teid, c, &b))
		gtpc_drop(t);
	else
		gtpc_respond(t, b.p, b.n);
}

static void wait_for(struct smf_pdn *p, struct xchg_token *t, uint8_t type)
{
	p->op.command = t;
	p->op.command_type = type;
	p->op.command_ready = false;
	p->op.lbi = p->op.pti = 0;
}

void smf_bearers_answered(struct smf_pdn *p, uint8_t refused)
{
	if (!p->op.command)
		return;
	if (refused) {
		smf_command_refuse(p, refused);
		return;
	}
	p->op.command_ready = true;
	smf_bearers_apply(p);
}

/* --- Modify Bearer Command: the HSS changed QoS or AMBR --- */

static struct smf_qos qos_of(const struct s5_qos *q)
{
	return (struct smf_qos){ .qci = q->qci, .arp = q->arp };
}

static void on_modify(struct smf_pdn *p, const struct s5_modify_bearer_command *c)
{
	struct smf_qos q = c->bearer.has_qos ? qos_of(&c->bearer.qos) : p->default_qos;
	uint64_t ul = c->ambr.ul * UINT64_C(1000), dl = c->ambr.dl * UINT64_C(1000);
	int e;

	if (c->bearer.ebi != p->bearers->ebi) {
		smf_command_refuse(p, S5_CONTEXT_NOT_FOUND);
		return;
	}
	if (pcc_is_gbr(q.qci)) { /* TS 23.401 4.7.2.1 */
		smf_command_refuse(p, S5_REQUEST_REJECTED);
		return;
	}
	e = smf_gx_ask_default(p, &q, ul, dl);
	if (e)
		smf_command_refuse(p, S5_NO_RESOURCES);
}

/* --- Delete Bearer Command: the radio network lost bearers --- */

static void refuse_delete(struct smf_pdn *p, const struct s5_delete_bearer_command *c)
{
	static struct s5_delete_bearer_failure f;
	struct xchg_token *t = p->op.command;

	s5_init(S5_DELETE_BEARER_FAILURE, &f);
	f.cause.value = S5_CONTEXT_NOT_FOUND;
	f.n_bearer = c->n_bearer;
	for (size_t i = 0; i < c->n_bearer; i++) {
		f.bearer[i].ebi = c->bearer[i].ebi;
		f.bearer[i].cause.value = S5_CONTEXT_NOT_FOUND;
	}
	p->op.command = NULL;
	respond(t, p->peer.teid, S5_DELETE_BEARER_FAILURE, &f);
}

static void on_delete(struct smf_pdn *p, const struct s5_delete_bearer_command *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_bearer; i++) {
		struct smf_bearer *b = smf_bearer_by_ebi(p, c->bearer[i].ebi);

		if (!b || b == p->bearers)
			continue;
		smf_bearer_mark_lost(b);
		n++;
	}
	if (!n) {
		refuse_delete(p, c);
		return;
	}
	p->op.command_ready = true;
	smf_bearers_apply(p);
}

/* --- Bearer Resource Command: the UE asks for resources --- */

static void on_resource(struct smf_pdn *p, const struct s5_bearer_resource_command *c)
{
	p->op.pti = c->pti;
	p->op.lbi = c->lbi;
	if (c->lbi != p->bearers->ebi)
		smf_command_refuse(p, S5_CONTEXT_NOT_FOUND);
	else if (c->has_ebi && !smf_bearer_by_ebi(p, c->ebi))
		smf_command_refuse(p, S5_CONTEXT_NOT_FOUND);
	else if (smf_gx_ask(p, c))
		smf_command_refuse(p, S5_SERVICE_DENIED);
}

void smf_on_command(struct smf_pdn *p, struct xchg_token *t, const struct xchg_msg *m)
{
	uint8_t type = m->hdr->type, buf[256];
	struct tlv_buf b = TLV_BUF(buf);
	struct s5_cause_ie cause = { .value = S5_REQUEST_REJECTED };
	struct tlv_error e;
	bool bad = s5_decode(m->p, m->n, NULL, &msg, &e);

	if (bad)
		cause = s5_cause_of(&e);
	if (!bad && !p->op.command && p->bearers && p->fsm.state == SMF_PDN_ACTIVE) {
		wait_for(p, t, type);
		switch (type) {
		case S5_MODIFY_BEARER_COMMAND:
			on_modify(p, &msg.modify_bearer_command);
			return;
		case S5_DELETE_BEARER_COMMAND:
			on_delete(p, &msg.delete_bearer_command);
			return;
		case S5_BEARER_RESOURCE_COMMAND:
			on_resource(p, &msg.bearer_resource_command);
			return;
		}
		p->op.command = NULL;
	}
	if (!bad && type == S5_BEARER_RESOURCE_COMMAND)
		refuse_resource(t, p->peer.teid, cause, msg.bearer_resource_command.lbi,
				msg.bearer_resource_command.pti);
	else if (s5_encode_refusal(type, p->peer.teid, cause, &b))
		gtpc_drop(t);
	else
		gtpc_respond(t, b.p, b.n);
}
