// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gx, bearers and N4 of the SMF between an SGW, a UPF and a PCRF of rig.h: the procedures, what is refused or gets
 * lost, collisions, restarts, and random sequences after which all four have the same.
 */
#include "smf/rig.h"

static struct rig_pdn *attached(unsigned int n)
{
	struct rig_pdn *p = rig_create(n);

	rig_ms(20);
	assert_true(p->pgw_teid);
	rig_agree(p);
	return p;
}

static int rar(const struct rig_pdn *p, const struct gx_orders *o)
{
	int r = rig_rar(rig_policy_of(p), o);

	rig_ms(30);
	return r;
}

static int install(const struct rig_pdn *p, const char *name, int qci, int port)
{
	static struct gx_orders o;

	rig_orders(&o);
	rig_install(&o, name, qci, port);
	return rar(p, &o);
}

static int uninstall(const struct rig_pdn *p, const char *name)
{
	static struct gx_orders o;

	rig_orders(&o);
	rig_uninstall(&o, name);
	return rar(p, &o);
}

static void gone(struct rig_pdn *p)
{
	rig_detach(p);
	rig_ms(30);
	assert_int_equal(p->n, 0);
	rig_empty();
}

/* --- procedures --- */

static void test_attach(void **state)
{
	struct rig_pdn *p;

	(void)state;
	p = attached(1);
	assert_int_equal(rig.ccr.type, GX_INITIAL_REQUEST);
	assert_int_equal(rig.ccr.n_subscription, 2);
	assert_int_equal(rig.ccr.ip_can_type, PCC_3GPP_EPS);
	assert_int_equal(rig.ccr.rat_type, PCC_RAT_EUTRAN);
	gone(p);
	assert_int_equal(rig.ccr.type, GX_TERMINATION_REQUEST);
	assert_int_equal(rig.removed, 1);
}

static void test_voice(void **state)
{
	struct rig_pdn *p = attached(1);
	struct rig_session *u = rig_session_of(p);

	(void)state;
	assert_int_equal(install(p, "audio", 1, 4000), PCC_SUCCESS);
	rig_agree(p);
	assert_int_equal(rig.created, 1);
	assert_true(p->b[6].there);
	assert_int_equal(p->b[6].qos.qci, 1);
	assert_int_equal(p->b[6].qos.gbr_dl, 40);
	assert_int_equal(p->b[6].qos.mbr_dl, 64);
	assert_int_equal(__builtin_popcount(p->b[6].filters), 1);
	assert_int_equal(rig_old(u, SX_RULE_QER, 2)->gbr_ul, 40);
	assert_int_equal(uninstall(p, "audio"), PCC_SUCCESS);
	rig_agree(p);
	assert_int_equal(rig.deleted, 1);
	gone(p);
}

/* The downlink of a bearer is there when the UE has it, not before. */
static void test_order(void **state)
{
	struct rig_pdn *p = attached(1);
	struct rig_session *u = rig_session_of(p);

	(void)state;
	rig.hold = true;
	install(p, "audio", 1, 4000);
	assert_non_null(rig.held);
	assert_non_null(rig_find(u, SX_RULE_PDR, 4));
	assert_null(rig_find(u, SX_RULE_PDR, 5));
	rig_release();
	rig_ms(20);
	assert_non_null(rig_find(u, SX_RULE_PDR, 5));
	rig.hold = true;
	uninstall(p, "audio");
	assert_null(rig_find(u, SX_RULE_PDR, 5));
	assert_non_null(rig_find(u, SX_RULE_PDR, 4));
	rig_release();
	rig_ms(20);
	rig_agree(p);
	gone(p);
}

/* TS 23.203 6.2.2.2: what belongs to the dedicated bearer is taken from no other one. */
static void test_wrong_bearer(void **state)
{
	struct rig_pdn *p = attached(1);
	struct rig_session *u = rig_session_of(p);
	static struct gx_orders o;

	(void)state;
	rig.hold = true;
	install(p, "audio", 1, 4000);
	assert_null(
		rig_find(u, SX_RULE_PDR, SMF_N4_GUARD + 2)); /* the UE does not know of it yet */
	rig_release();
	rig_ms(20);
	assert_non_null(rig_find(u, SX_RULE_PDR, SMF_N4_GUARD + 2));
	install(p, "signalling", 5, 5060);
	rig_agree(p);
	rig_orders(&o);
	rig_install(&o, "audio", 1, 4002); /* other flows: the UE has the old ones for a while */
	rig.hold = true;
	rar(p, &o);
	assert_null(rig_find(u, SX_RULE_PDR, SMF_N4_GUARD + 2));
	rig_release();
	rig_ms(50);
	rig_agree(p);
	assert_non_null(rig_find(u, SX_RULE_PDR, SMF_N4_GUARD + 2));
	rig.hold = true;
	uninstall(p, "audio");
	assert_null(rig_find(u, SX_RULE_PDR, SMF_N4_GUARD + 2));
	rig_release();
	rig_ms(20);
	rig_agree(p);
	uninstall(p, "signalling");
	assert_null(rig_find(u, SX_RULE_FAR, 1));
	rig_agree(p);
	gone(p);
}

static void test_two_bearers(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct gx_orders o;

	(void)state;
	rig_orders(&o);
	rig_install(&o, "audio", 1, 4000);
	rig_install(&o, "audio-rtcp", 1, 4002);
	rig_install(&o, "video", 2, 5000);
	assert_int_equal(rar(p, &o), PCC_SUCCESS);
	rig_agree(p);
	assert_int_equal(rig.created, 2);
	assert_int_equal(rig.create_contexts, 2); /* in one request */
	assert_int_equal(p->b[6].qos.gbr_ul, 80); /* of both rules */
	uninstall(p, "audio-rtcp");
	rig_agree(p);
	assert_int_equal(p->b[6].qos.gbr_ul, 40);
	assert_int_equal(__builtin_popcount(p->b[6].filters), 1);
	install(p, "more", 1, 6000);
	rig_agree(p);
	assert_int_equal(__builtin_popcount(p->b[6].filters), 2);
	install(p, "more", 1, 6100); /* other ports: other filters */
	rig_agree(p);
	gone(p);
}

/* A rule with QCI and ARP of the default bearer needs no other. */
static void test_default_bearer(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct gx_orders o;
	struct gx_rule *r;

	(void)state;
	rig_orders(&o);
	r = rig_install(&o, "signalling", 5, 5060);
	r->qos.arp = (struct pcc_arp){ 9, 1, 1 };
	assert_int_equal(rar(p, &o), PCC_SUCCESS);
	rig_agree(p);
	assert_int_equal(rig.created, 0);
	gone(p);
}

static void test_gates(void **state)
{
	struct rig_pdn *p = attached(1);
	struct rig_session *u = rig_session_of(p);
	static struct gx_orders o;

	(void)state;
	rig_orders(&o);
	rig_install(&o, "audio", 1, 4000)->flow_status = PCC_DISABLED;
	rar(p, &o);
	rig_agree(p);
	assert_int_equal(rig_old(u, SX_RULE_QER, 2)->gate.dl, SX_GATE_CLOSED);
	rig_orders(&o);
	rig_install(&o, "audio", 1, 4000);
	rar(p, &o);
	rig_agree(p);
	assert_int_equal(rig_old(u, SX_RULE_QER, 2)->gate.dl, SX_GATE_OPEN);
	assert_int_equal(rig.updated, 0); /* the UE does not see gates */
	gone(p);
}

static void test_default_qos(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct gx_orders o;

	(void)state;
	rig_orders(&o);
	o.has_default_qos = o.default_qos.has_arp = true;
	o.default_qos.qci = 7;
	o.default_qos.arp = (struct pcc_arp){ 3, 0, 0 };
	o.has_qos = true;
	o.qos.qci = o.qos.mbr_ul = o.qos.mbr_dl = o.qos.gbr_ul = o.qos.gbr_dl = -1;
	o.qos.ambr_ul = 1000000;
	o.qos.ambr_dl = 2000000;
	assert_int_equal(rar(p, &o), PCC_SUCCESS);
	rig_agree(p);
	assert_int_equal(p->b[5].qos.qci, 7);
	assert_int_equal(p->ambr.dl, 2000);
	assert_int_equal(rig_old(rig_session_of(p), SX_RULE_QER, 1)->mbr_ul, 1000);
	o.default_qos.qci =
		65; /* a guaranteed bit rate: not the default bearer's; the rest of it is taken */
	o.default_qos.arp.level = 4;
	assert_int_equal(rar(p, &o), PCC_SUCCESS);
	rig_agree(p);
	assert_int_equal(p->b[5].qos.qci, 7);
	assert_int_equal(p->b[5].qos.arp.priority, 4);
	rig.refuse = S5_NO_RESOURCES;
	rig.refuse_times = 1;
	o.default_qos.qci = 8;
	rar(p, &o);
	assert_int_equal(rig.ccr.type, GX_UPDATE_REQUEST);
	assert_int_equal(rig.ccr.event_trigger[0], GX_DEFAULT_EPS_BEARER_QOS_MODIFICATION_FAILURE);
	rig_agree(p);
	assert_int_equal(p->b[5].qos.qci, 7);
	gone(p);
}

/* --- what fails --- */

static void test_refused(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	rig.refuse = S5_NO_RESOURCES;
	rig.refuse_times = 1;
	assert_int_equal(install(p, "audio", 1, 4000), PCC_SUCCESS);
	assert_int_equal(rig.ccr.type, GX_UPDATE_REQUEST);
	assert_int_equal(rig.ccr.n_report, 1);
	assert_string_equal(rig.ccr_names[0], "audio");
	assert_int_equal(rig.ccr.report[0].failure, GX_RESOURCES_LIMITATION);
	rig_agree(p);
	gone(p);
}

static void test_partly(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct gx_orders o;

	(void)state;
	rig.refuse_one = S5_UE_REFUSES;
	rig_orders(&o);
	rig_install(&o, "audio", 1, 4000);
	rig_install(&o, "video", 2, 5000);
	rar(p, &o);
	rig_agree(p);
	assert_int_equal(rig.created, 1);
	assert_string_equal(rig.ccr_names[0], "video");
	assert_int_equal(rig.ccr.report[0].failure, GX_RESOURCE_ALLOCATION_FAILURE);
	gone(p);
}

static void test_handover(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	rig.refuse = S5_HANDOVER_IN_PROGRESS;
	rig.refuse_times = 3;
	install(p, "audio", 1, 4000);
	assert_int_equal(rig.created, 0);
	rig_seconds(3);
	assert_int_equal(rig.created, 1);
	rig_agree(p);
	gone(p);
}

/* The tries are those of the request, whatever bearers it has. */
static void test_handover_of_two(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct gx_orders o;

	(void)state;
	rig.refuse = S5_HANDOVER_IN_PROGRESS;
	rig.refuse_times = 9;
	rig_orders(&o);
	rig_install(&o, "audio", 1, 4000);
	rig_install(&o, "video", 2, 5000);
	rar(p, &o);
	rig_seconds(6);
	assert_int_equal(rig.created, 2);
	assert_int_equal(rig_policy_of(p)->n_rules, 2);
	rig_agree(p);
	gone(p);
}

/* The UPF is told the types of its interfaces as the configuration says: PDRs where packets come from, FARs where they go. */
static void expect_types(const char *conf, int access, int core)
{
	struct rig_pdn *p;
	struct rig_session *s = rig.session;

	free(rig.conf->smf.interface_types);
	rig.conf->smf.interface_types = strdup(conf);
	p = attached(1);
	install(p, "audio", 1, 4000);
	while (!s->up_seid)
		s++;
	assert_true(s->n > 8);
	for (size_t i = 0; i < s->n; i++) {
		const struct rig_object *o = &s->o[i];

		if (o->type == SX_RULE_PDR)
			assert_int_equal(o->interface_type, o->up ? access : core);
		if (o->type == SX_RULE_FAR && o->forw)
			assert_int_equal(o->interface_type, o->up ? core : access);
	}
	gone(p);
}

static void test_interface_types(void **state)
{
	(void)state;
	expect_types("none", -1, -1);
	expect_types("eps", SX_S5U, SX_SGI);
	expect_types("5gs", SX_N3, SX_N6);
}

static void test_deaf_sgw(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	rig.deaf = true;
	install(p, "audio", 1, 4000);
	rig_seconds(15);
	rig.deaf = false;
	assert_string_equal(rig.ccr_names[0], "audio");
	assert_int_equal(rig.ccr.report[0].failure, GX_RESOURCE_ALLOCATION_FAILURE);
	rig_agree(p);
	gone(p);
}

static void test_unknown_rules(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct gx_orders o;

	(void)state;
	rig_orders(&o);
	rig_install(&o, "bad", 1, 4000)->flow[0].description = STR("permit nonsense");
	o.install[0].name[o.install[0].n_name++] = STR("predefined");
	assert_int_equal(rar(p, &o), GX_PCC_RULE_EVENT);
	rig_agree(p);
	assert_int_equal(rig.created, 0);
	gone(p);
}

static void test_notify(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct gx_orders o;

	(void)state;
	rig_orders(&o);
	rig_install(&o, "audio", 1, 4000);
	o.install[0].allocation_notification = 0;
	rar(p, &o);
	assert_int_equal(rig.ccr.type, GX_UPDATE_REQUEST);
	assert_int_equal(rig.ccr.event_trigger[0], GX_SUCCESSFUL_RESOURCE_ALLOCATION);
	assert_int_equal(rig.ccr.report[0].status, GX_RULE_ACTIVE);
	assert_int_equal(rig.ccr.n_charging_id, 1);
	rig_agree(p);
	gone(p);
}

static void test_policy_refused(void **state)
{
	(void)state;
	rig.cca_result = GX_ERROR_INITIAL_PARAMETERS;
	rig_create(1);
	rig_ms(20);
	rig_empty();
	rig.cca_result = 0;
	rig.ccr_lost = 1;
	rig_create(1);
	rig_ms(20);
	rig_empty();
}

static void test_policy_away(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	rig.refuse = S5_NO_RESOURCES;
	rig.refuse_times = 1;
	rig.ccr_lost = 1; /* repeated once */
	install(p, "audio", 1, 4000);
	rig_agree(p);
	*rig_policy_of(p)->id = '\0'; /* the PCRF has lost the session */
	smf_gx_access_changed(rig_smf_pdn(p), SMF_TRIGGER(GX_APN_AMBR_MODIFICATION_FAILURE));
	rig_ms(30);
	assert_int_equal(rig.ccr.type, GX_INITIAL_REQUEST);
	rig_agree(p);
	rig.ccr_lost = 3; /* of CCR-Ts: nothing stays at the PCRF */
	gone(p);
}

/* --- collisions --- */

static void test_removed_while_created(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	rig.hold = true;
	install(p, "audio", 1, 4000);
	uninstall(p, "audio");
	assert_int_equal(rig.held_type, S5_CREATE_BEARER_REQUEST);
	rig_release();
	rig_ms(30);
	assert_int_equal(rig.created, 1);
	assert_int_equal(rig.deleted, 1);
	rig_agree(p);
	gone(p);
}

static void test_detached_while_created(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	rig.hold = true;
	install(p, "audio", 1, 4000);
	gone(p);
	rig_release(); /* an answer to nobody */
	rig_ms(20);
	rig_empty();
}

static void test_twice(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	install(p, "audio", 1, 4000);
	install(p, "audio", 1, 4000);
	assert_int_equal(rig.created, 1);
	assert_int_equal(rig.updated, 0);
	rig_agree(p);
	uninstall(p, "audio");
	uninstall(p, "audio");
	rig_agree(p);
	gone(p);
}

/* A RAR comes while the CCA of a CCR-U is on its way. */
static void test_crossing(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct gx_orders o;

	(void)state;
	rig_orders(&o);
	rig_install(&o, "audio", 1, 4000);
	smf_gx_access_changed(rig_smf_pdn(p), SMF_TRIGGER(GX_APN_AMBR_MODIFICATION_FAILURE));
	assert_int_equal(rig_rar(rig_policy_of(p), &o), PCC_SUCCESS);
	rig_ms(30);
	rig_agree(p);
	gone(p);
}

/* --- the UPF --- */

static void test_without_ftup(void **state)
{
	struct rig_pdn *p;

	(void)state;
	rig.ftup = false;
	rig.smf.upfs->features.ftup = false;
	p = attached(1);
	install(p, "audio", 1, 4000);
	rig_agree(p);
	gone(p);
}

static void test_upf_restart(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	install(p, "audio", 1, 4000);
	pfcp_close(rig.upf);
	memset(rig.session, 0, sizeof(rig.session));
	rig_upf_open(99);
	rig_seconds(20);
	assert_int_equal(rig.restored, 1);
	rig_agree(p);
	gone(p);
}

static void test_upf_forgot(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	memset(rig.session, 0, sizeof(rig.session));
	install(p, "audio", 1, 4000);
	rig_agree(p);
	gone(p);
}

/* One that has dropped the association, with the recovery time stamp of before: heartbeats say nothing of it. */
static void test_upf_without_association(void **state)
{
	struct rig_pdn *p = attached(1), *q;

	(void)state;
	rig.associated = false;
	memset(rig.session, 0, sizeof(rig.session));
	q = rig_create(2);
	rig_seconds(4);
	assert_int_not_equal(q->pgw_teid, 0); /* with the association that was asked for */
	rig_agree(p);
	rig_agree(q);
	assert_int_equal(rig.restored, 1);
	rig.associated = false;
	memset(rig.session, 0, sizeof(rig.session));
	install(p, "audio", 1, 4000);
	rig_seconds(4);
	rig_agree(p);
	assert_int_equal(rig_policy_of(p)->n_rules, 1);
	assert_non_null(rig_smf_pdn(p)->bearers->next);
	rig_agree(q);
	rig_seconds(60);
	rig_detach(q);
	gone(p);
}

/* What the UPF has done and nobody was told of: no session stays there. */
static void test_upf_mute(void **state)
{
	struct rig_pdn *p;

	(void)state;
	rig.upf_mute = true;
	rig_create(1);
	rig_seconds(12);
	assert_int_not_equal(rig.session[0].up_seid, 0);
	rig.upf_mute = false;
	rig_seconds(30);
	rig_empty();
	p = attached(2);
	rig.upf_mute = true;
	rig_detach(p);
	rig_seconds(20);
	assert_int_equal(rig.smf.n_pdns, 1);
	assert_int_equal(rig.removed, 2);
	rig.upf_mute = false;
	rig_seconds(30);
	rig_empty();
	p = attached(3); /* and one that stays away for good is waited for no longer than that */
	rig.upf_mute = true;
	rig_detach(p);
	rig_seconds(80);
	assert_int_equal(rig.smf.n_pdns, 0);
	rig.upf_mute = false;
	memset(rig.session, 0, sizeof(rig.session));
}

/* To another context of the SGW, with the default bearer. */
static void relocate(struct rig_pdn *p)
{
	static struct s5_modify_bearer_request r;

	s5_init(S5_MODIFY_BEARER_REQUEST, &r);
	r.has_sender = true;
	p->teid = ++rig.next_teid;
	p->b[5].teid = ++rig.next_teid;
	r.sender = rig_fteid(S5_IF_S5C_SGW, p->teid, RIG_SGW);
	r.n_bearer = 1;
	r.bearer[0].ebi = 5;
	r.bearer[0].has_s5u_sgw = true;
	r.bearer[0].s5u_sgw = rig_fteid(S5_IF_S5U_SGW, p->b[5].teid, RIG_SGW);
	rig_from_sgw(p, S5_MODIFY_BEARER_REQUEST, &r);
}

/* What a new SGW does not name it has no tunnel for (TS 29.274 7.2.7-2). */
static void test_relocated_without(void **state)
{
	struct rig_pdn *p = attached(1);
	struct smf_pdn *s = rig_smf_pdn(p);

	(void)state;
	install(p, "audio", 1, 4000);
	assert_non_null(s->bearers->next);
	p->b[6] = (struct rig_bearer){ 0 };
	relocate(p);
	rig_ms(50);
	assert_null(s->bearers->next);
	assert_int_equal(rig_policy_of(p)->n_rules, 0);
	rig_agree(p);
	gone(p);
}

/* The PCRF has started again without its sessions: it is asked when its connection comes up. */
static void test_pcrf_forgot(void **state)
{
	struct rig_pdn *p = attached(1);
	int ccrs;

	(void)state;
	ccrs = rig.ccrs;
	smf_gx_peer_up(&rig.smf);
	rig_seconds(1);
	assert_int_equal(rig.ccrs, ccrs + 1); /* still there: one CCR-U, no more */
	memset(rig.policy, 0, sizeof(rig.policy));
	smf_gx_peer_up(&rig.smf);
	rig_seconds(1);
	assert_int_equal(rig.ccrs, ccrs + 3);
	assert_int_equal(rig.ccr.type, GX_INITIAL_REQUEST);
	install(p, "audio", 1, 4000);
	rig_agree(p);
	gone(p);
	p = attached(2); /* its connection comes up while a CCR-U finds out */
	memset(rig.policy, 0, sizeof(rig.policy));
	smf_gx_access_changed(rig_smf_pdn(p), SMF_TRIGGER(GX_APN_AMBR_MODIFICATION_FAILURE));
	smf_gx_peer_up(&rig.smf);
	assert_true(rig_step());
	ccrs = rig.ccrs;
	loop_advance(rig.loop, 100 * USEC_PER_MSEC); /* the CCR-I under way is the only one */
	assert_int_equal(rig.ccrs, ccrs);
	rig_seconds(1);
	rig_agree(p);
	gone(p);
}

static void test_upf_refuses(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	rig.upf_refuse = SX_NO_RESOURCES;
	rig_create(2);
	rig_ms(20);
	assert_int_equal(rig.smf.n_pdns, 1);
	assert_int_equal(install(p, "audio", 1, 4000), PCC_SUCCESS);
	assert_string_equal(rig.ccr_names[0], "audio");
	assert_int_equal(rig.ccr.report[0].failure, GX_RESOURCES_LIMITATION);
	rig.upf_refuse = 0;
	rig_seconds(1);
	rig_agree(p);
	gone(p);
}

static void report_error(struct rig_pdn *p, int ebi)
{
	static struct sx_session_report_request r;

	sx_init(SX_SESSION_REPORT_REQUEST, &r);
	r.type.erir = true;
	r.has_error_indication = true;
	r.error_indication.n_fteid = 1;
	r.error_indication.fteid[0] = (struct sx_fteid){ .v4 = true,
							 .teid = p->b[ebi].teid,
							 .ip4.s_addr = htonl(RIG_SGW) };
	rig_from_upf(rig_session_of(p), &r);
	rig_ms(30);
}

static void test_error_indication(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	install(p, "audio", 1, 4000);
	report_error(p, 6);
	assert_int_equal(rig.ccr.event_trigger[0], GX_LOSS_OF_BEARER);
	assert_int_equal(rig.deleted, 1);
	rig_agree(p);
	report_error(p, 5);
	assert_int_equal(p->n, 0);
	rig_empty();
}

static void test_usage(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct sx_session_report_request r;
	static struct gx_orders o;
	struct sx_usage_report *u = &r.usage_report[0];

	(void)state;
	rig_orders(&o);
	o.n_usage = 1;
	o.usage[0] = (struct gx_usage){ .key = STR("session"),
					.granted_total = 5000,
					.level = 0,
					.report = -1,
					.support = -1 };
	rar(p, &o);
	assert_int_equal(rig_old(rig_session_of(p), SX_RULE_URR, 1)->threshold, 5000);
	sx_init(SX_SESSION_REPORT_REQUEST, &r);
	r.type.usar = true;
	r.n_usage_report = 1;
	u->urr_id = 1;
	u->trigger.volth = true;
	u->has_volume = u->volume.has_total = true;
	u->volume.total = 5100;
	rig_from_upf(rig_session_of(p), &r);
	rig_ms(20);
	assert_int_equal(rig.ccr.n_usage, 1);
	assert_int_equal(rig.ccr.usage[0].used_total, 5100);
	gone(p);
	assert_int_equal(rig.ccr.usage[0].used_total, 1000); /* what the deletion told */
}

/* --- a restart of the SMF --- */

static char db[64];

static void restart(void)
{
	rig_smf_close();
	store_close(rig.smf.store);
	rig_smf_open();
	assert_int_equal(store_open(rig.loop, db, &rig.smf.store), 0);
	assert_true(smf_persist_load(&rig.smf) >= 0);
	rig_smf_serve();
	rig_ms(50); /* as main.c: when the peers are there */
	smf_persist_resume(&rig.smf);
	rig_ms(50);
}

static void test_restart(void **state)
{
	struct rig_pdn *p;

	(void)state;
	snprintf(db, sizeof(db), "/tmp/kims-smf-bearer-%d.db", (int)getpid());
	assert_int_equal(store_open(rig.loop, db, &rig.smf.store), 0);
	p = attached(1);
	install(p, "audio", 1, 4000);
	restart();
	rig_agree(p);
	assert_int_equal(rig.established, 1); /* it is still that one */
	install(p, "video", 2, 5000);
	rig_agree(p);
	uninstall(p, "audio");
	rig_agree(p);
	rig.deaf = true;
	uninstall(p, "video"); /* in the middle of this one */
	restart();
	rig.deaf = false;
	rig_seconds(15);
	rig_agree(p);
	assert_false(p->b[7].there);
	gone(p);
	store_close(rig.smf.store);
	unlink(db);
}

static void predefine(const char *text)
{
	char err[128];

	free(rig.smf.predefined);
	free(rig.conf->smf.predefined);
	rig.conf->smf.predefined = strdup(text);
	assert_int_equal(smf_predefined_parse(rig.conf->smf.predefined, &rig.smf.predefined,
					      &rig.smf.n_predefined, err, sizeof(err)),
			 0);
}

/* Rules of a Charging-Rule-Base-Name are reported by that, and together (TS 29.212 4.5.12, 5.3.18, 5.3.22). */
static void test_predefined_reported(void **state)
{
	static struct gx_orders o;
	struct rig_pdn *p;
	int ccrs;

	(void)state;
	predefine("music base=media qci=2 flow=\"permit out 17 from 10.1.0.1 to assigned 7000\";"
		  "film base=media qci=2 flow=\"permit out 17 from 10.1.0.1 to assigned 7002\"");
	p = attached(1);
	rig_orders(&o);
	o.install[0].base_name[o.install[0].n_base_name++] = STR("media");
	o.install[0].allocation_notification = 0;
	o.n_install = 1;
	assert_int_equal(rar(p, &o), PCC_SUCCESS);
	rig_ms(50);
	assert_int_equal(rig.ccr.n_report, 1);
	assert_int_equal(rig.ccr.report[0].status, GX_RULE_ACTIVE);
	assert_int_equal(rig.ccr.report[0].n_name, 0);
	assert_int_equal(rig.ccr.report[0].n_base_name, 1);
	assert_string_equal(rig.ccr_names[0], "media");
	assert_int_equal(rig.ccr.n_charging_id, 1);
	assert_int_equal(rig.ccr.charging_id[0].n_rule, 0);
	assert_int_equal(rig.ccr.charging_id[0].n_base, 1);
	ccrs = rig.ccrs;
	smf_bearer_lost(rig_smf_pdn(p)->bearers->next);
	rig_ms(50);
	assert_int_equal(rig.ccrs, ccrs + 1);
	assert_int_equal(rig.ccr.n_report, 1);
	assert_int_equal(rig.ccr.report[0].status, GX_RULE_INACTIVE);
	assert_int_equal(rig.ccr.report[0].n_base_name, 1);
	assert_string_equal(rig.ccr_names[0], "media");
	gone(p);
}

/* Rules of the configuration, by name and by base name (TS 29.212 4.5.2). */
static void test_predefined(void **state)
{
	static struct gx_orders o;
	struct rig_pdn *p;

	(void)state;
	snprintf(db, sizeof(db), "/tmp/kims-smf-bearer-%d.db", (int)getpid());
	assert_int_equal(store_open(rig.loop, db, &rig.smf.store), 0);
	predefine(
		"music base=media qci=2 arp=7 mbr=500/500 gbr=400/400 precedence=7 flow=\"permit out 17 "
		"from 10.1.0.1 to assigned 7000\"; film base=media qci=2 arp=7 gate=closed rating=9 "
		"flow=\"permit out 17 from 10.1.0.1 to assigned 7002\"; plain gate=downlink "
		"flow=\"permit out ip from 10.2.0.0/16 to assigned\"");
	p = attached(1);
	rig_orders(&o);
	o.install[0].name[o.install[0].n_name++] = STR("plain");
	o.install[0].base_name[o.install[0].n_base_name++] = STR("media");
	o.n_install = 1;
	assert_int_equal(rar(p, &o), PCC_SUCCESS);
	assert_int_equal(rig.created, 1);
	assert_int_equal(p->b[6].qos.gbr_dl, 400);
	assert_int_equal(__builtin_popcount(p->b[6].filters), 2);
	assert_int_equal(smf_rule_by_name(rig_smf_pdn(p), STR("music"))->precedence, 7);
	assert_int_equal(smf_rule_by_name(rig_smf_pdn(p), STR("film"))->rating_group, 9);
	assert_false(smf_rule_by_name(rig_smf_pdn(p), STR("film"))->gate_dl);
	assert_false(smf_rule_by_name(rig_smf_pdn(p), STR("plain"))->gate_ul);
	assert_int_equal(rar(p, &o), PCC_SUCCESS); /* again: nothing changes */
	assert_int_equal(rig.created + rig.updated, 1);
	restart();
	rig_orders(&o);
	o.n_remove = 1;
	o.remove[0].name[o.remove[0].n_name++] = STR("plain");
	o.remove[0].base_name[o.remove[0].n_base_name++] = STR("media");
	assert_int_equal(rar(p, &o), PCC_SUCCESS);
	rig_ms(50);
	assert_int_equal(rig.deleted, 1);
	assert_null(rig_smf_pdn(p)->rules);
	rig_orders(&o);
	o.install[0].base_name[o.install[0].n_base_name++] = STR("nobody's");
	o.n_install = 1;
	assert_int_equal(rar(p, &o), GX_PCC_RULE_EVENT);
	assert_null(rig_smf_pdn(p)->rules);
	gone(p);
	store_close(rig.smf.store);
	unlink(db);
}

/* TS 23.380 5.3, 5.4: the UE hears of P-CSCFs by its default bearer. */
static void test_pcscf(void **state)
{
	struct rig_pdn *p = attached(1), *q;
	struct smf_pdn *s = rig_smf_pdn(p);
	static struct s5_modify_bearer_request m;
	static struct gx_orders o;
	char err[256];

	(void)state;
	s->pco = (struct smf_pco){ .asked = SMF_ASK_PCSCF4 | SMF_ASK_RESELECTION | SMF_ASK_DNS4,
				   .container = SMF_EPCO };
	rig_orders(&o);
	rig.restore = true;
	assert_int_equal(rar(p, &o), PCC_SUCCESS);
	rig.restore = false;
	assert_int_equal(rig.updated, 1);
	assert_int_equal(rig.pcscf4, htonl(0x0a2e0001));
	assert_int_equal(rig.pco_options, s->apn->n_pcscf4); /* and nothing else */
	rig_agree(p);
	/* in the middle of a handover: again */
	rig.refuse = S5_HANDOVER_IN_PROGRESS;
	rig.refuse_times = 1;
	smf_pcscf_restore(s);
	rig_seconds(2);
	assert_int_equal(rig.pco_updates, 3);
	assert_false(s->pcscf_due);
	/* the HSS says it */
	s5_init(S5_MODIFY_BEARER_REQUEST, &m);
	m.has_indication = m.indication.pcri = true;
	rig_from_sgw(p, S5_MODIFY_BEARER_REQUEST, &m);
	rig_ms(30);
	assert_int_equal(rig.pco_updates, 4);
	/* the configuration: one more is nothing to tell, another one is */
	free(rig.conf->smf.apns);
	rig.conf->smf.apns =
		strdup("ims pool=10.45.0.0/16 pool6=fd45::/48 pcscf=10.46.0.1,10.46.0.77,fd46::1");
	assert_int_equal(smf_reload(&rig.smf, rig.conf, err, sizeof(err)), 0);
	rig_ms(30);
	assert_int_equal(rig.pco_updates, 4);
	free(rig.conf->smf.apns);
	rig.conf->smf.apns =
		strdup("ims pool=10.45.0.0/16 pool6=fd45::/48 pcscf=10.46.0.77,fd46::1");
	assert_int_equal(smf_reload(&rig.smf, rig.conf, err, sizeof(err)), 0);
	rig_ms(30);
	assert_int_equal(rig.pco_updates, 5);
	assert_int_equal(rig.pcscf4, htonl(0x0a2e004d));
	/* a configuration that cannot be read changes nothing */
	free(rig.conf->smf.apns);
	rig.conf->smf.apns = strdup("ims pcscf=nonsense");
	assert_int_equal(smf_reload(&rig.smf, rig.conf, err, sizeof(err)), -EINVAL);
	assert_int_equal(s->apn->n_pcscf4, 1);
	/* one that asked for no P-CSCF, and one that cannot be told */
	q = attached(2);
	rig_smf_pdn(q)->pco = (struct smf_pco){ 0 };
	smf_pcscf_restore(rig_smf_pdn(q));
	rig_ms(30);
	rig_agree(q);
	rig_smf_pdn(q)->pco.asked = SMF_ASK_PCSCF4;
	smf_pcscf_restore(rig_smf_pdn(q));
	rig_ms(100);
	assert_null(rig_smf_pdn(q));
	assert_int_equal(rig.pco_updates, 5);
	gone(p);
}

/* Killed while the UE is being told: it is told again. */
static void test_pcscf_restart(void **state)
{
	struct rig_pdn *p;
	struct smf_pdn *s;

	(void)state;
	snprintf(db, sizeof(db), "/tmp/kims-smf-bearer-%d.db", (int)getpid());
	assert_int_equal(store_open(rig.loop, db, &rig.smf.store), 0);
	p = attached(1);
	s = rig_smf_pdn(p);
	s->pco = (struct smf_pco){ .asked = SMF_ASK_PCSCF4 | SMF_ASK_RESELECTION,
				   .container = SMF_PCO };
	rig.deaf = true;
	smf_pcscf_restore(s);
	assert_non_null(s->op.call);
	rig_ms(50);
	restart();
	rig.deaf = false;
	rig_seconds(15);
	assert_int_equal(rig.pco_updates, 1);
	rig_agree(p);
	gone(p);
	store_close(rig.smf.store);
	unlink(db);
}

/* Killed while the UPF, which has done it, is not heard: no session stays there. */
static void test_upf_mute_restart(void **state)
{
	struct rig_pdn *p;

	(void)state;
	snprintf(db, sizeof(db), "/tmp/kims-smf-bearer-%d.db", (int)getpid());
	assert_int_equal(store_open(rig.loop, db, &rig.smf.store), 0);
	rig.upf_mute = true;
	p = rig_create(1);
	rig_ms(100);
	assert_int_not_equal(rig.session[0].up_seid, 0);
	rig.upf_mute = false;
	restart();
	rig_seconds(60); /* and the SGW has asked again */
	rig_agree(p);
	gone(p);
	store_close(rig.smf.store);
	unlink(db);
}

/* --- load, overload, a UPF that leaves (TS 29.244 6.2.3, 6.2.4, 6.2.8.3) --- */

static bool can_attach(unsigned int n)
{
	struct rig_pdn *p = rig_create(n);

	rig_ms(30);
	if (!p->pgw_teid)
		return false;
	rig_detach(p);
	rig_ms(30);
	return true;
}

/* As the UPF says it: in a report of a session. */
static void say(struct rig_pdn *p, uint32_t seq, uint8_t reduction, uint8_t validity)
{
	static struct sx_session_report_request r;

	sx_init(SX_SESSION_REPORT_REQUEST, &r);
	r.type.dldr = r.has_dl_data = true;
	r.dl_data.n_pdr_id = 1;
	r.dl_data.pdr_id[0] = 3;
	r.has_load = r.has_overload = true;
	r.load = (struct sx_load){ .seq = seq, .load = 50 };
	r.overload = (struct sx_overload){ .seq = seq,
					   .reduction = reduction,
					   .validity = { .value = validity } };
	rig_from_upf(rig_session_of(p), &r);
	rig_ms(20);
}

static void test_overload(void **state)
{
	struct rig_pdn *p = attached(1);
	struct smf_upf *u = rig.smf.upfs;
	struct smf_upf other;

	(void)state;
	say(p, 5, 100, 31);
	assert_int_equal(u->load, 50);
	assert_false(can_attach(2));
	install(p, "audio", 1, 4000); /* what is there goes on */
	rig_agree(p);
	say(p, 4, 0, 31); /* an old one */
	assert_false(can_attach(2));
	say(p, 6, 0, 31);
	assert_true(can_attach(2));
	say(p, 7, 100, 1);
	assert_false(can_attach(2));
	rig_seconds(3); /* no longer valid */
	assert_true(can_attach(2));
	say(p, 8, 255, 0xff & 31); /* out of range: all */
	assert_int_equal(u->reduction, 100);
	say(p, 9, 0, 0);
	/* another one that is better off */
	other = *u;
	other.next = NULL;
	u->next = &other;
	other.load = 10;
	assert_ptr_equal(smf_upf_choose(&rig.smf), &other);
	other.load = 90;
	assert_ptr_equal(smf_upf_choose(&rig.smf), u);
	u->next = NULL;
	say(p, 900, 100, 31); /* one that has restarted has said nothing yet */
	assert_false(can_attach(2));
	pfcp_close(rig.upf);
	memset(rig.session, 0, sizeof(rig.session));
	rig_upf_open(99);
	rig_seconds(20);
	assert_true(can_attach(2));
	gone(p);
}

/* TS 29.274 12.3: no new bearers for an access that is overloaded; those of emergencies and priorities nevertheless. */
static void test_overloaded_access(void **state)
{
	struct rig_pdn *p = attached(1);
	struct smf_pdn *s = rig_smf_pdn(p);
	struct s5_overload o = { .seq = 9, .reduction = 100, .validity = { .value = 5 } };
	static struct gx_orders g;

	(void)state;
	install(p, "video", 2, 6000);
	assert_int_equal(rig.created, 1);
	smf_path_overload(s, 1, &o);
	assert_int_equal(install(p, "audio", 1, 4000), GX_PCC_RULE_EVENT);
	assert_int_equal(rig.created, 1);
	install(p, "more video", 2, 6002); /* on the bearer that is there */
	assert_int_equal(rig.created, 1);
	rig_agree(p);
	rig_orders(&g);
	rig_install(&g, "mps", 1, 7000)->qos.arp = (struct pcc_arp){ 2, 0, 1 };
	rar(p, &g);
	assert_int_equal(rig.created, 2);
	o = (struct s5_overload){ .seq = 8 }; /* an old one */
	smf_path_overload(s, 1, &o);
	assert_true(smf_path_throttles(s));
	o.seq = 10;
	smf_path_overload(s, 1, &o);
	assert_false(smf_path_throttles(s));
	o = (struct s5_overload){ .seq = 1, .reduction = 250, .validity = { .value = 1 } };
	smf_path_overload(s, 0, &o); /* the MME: all, for two seconds */
	assert_true(smf_path_throttles(s));
	smf_path_overload(s, 3, &o);
	rig_seconds(3);
	assert_false(smf_path_throttles(s));
	install(p, "audio", 1, 4000);
	assert_int_equal(rig.created, 3);
	rig_agree(p);
	gone(p);
}

static void test_upf_leaves(void **state)
{
	int left = 0;

	(void)state;
	for (unsigned int i = 1; i < 5; i++)
		attached(i);
	rig_upf_leaves(4); /* eight seconds: one session a second */
	rig_ms(500);
	for (int i = 0; i < RIG_PDNS; i++)
		left += rig.session[i].up_seid != 0;
	assert_int_equal(left, 2);
	assert_false(can_attach(6));
	assert_int_equal(rig.released, 0);
	rig_seconds(3);
	assert_int_equal(rig.smf.n_pdns, 0);
	assert_int_equal(rig.released, 1);
	rig_seconds(4); /* and back */
	assert_true(can_attach(7));
	rig_upf_leaves(0); /* nothing to end */
	rig_ms(100);
	assert_int_equal(rig.released, 2);
	rig_seconds(4);
	attached(1);
	rig_upf_leaves(0);
	rig_ms(200);
	assert_int_equal(rig.smf.n_pdns, 0);
	assert_int_equal(rig.released, 3);
}

/* The HSS wants another AMBR (and QCI, 0: not), and the PCRF agrees. */
static void modify_command(struct rig_pdn *p, uint8_t qci)
{
	static struct s5_modify_bearer_command c;
	static struct gx_orders o;

	s5_init(S5_MODIFY_BEARER_COMMAND, &c);
	c.bearer.has_qos = qci;
	c.bearer.qos = (struct s5_qos){ .qci = qci, .arp.priority = 3 };
	c.ambr = (struct s5_ambr){ 10, 20 };
	c.bearer.ebi = 5;
	c.has_bearer = true;
	rig_orders(&o);
	o.has_qos = true;
	o.qos.ambr_ul = 10000;
	o.qos.ambr_dl = 20000;
	rig.orders = &o;
	rig_from_sgw(p, S5_MODIFY_BEARER_COMMAND, &c);
}

static void ambr_command(struct rig_pdn *p)
{
	modify_command(p, 0);
}

/* --- commands --- */

static void test_modify_command(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	ambr_command(p);
	rig_ms(20);
	assert_int_equal(rig.last_answer, S5_UPDATE_BEARER_REQUEST);
	assert_int_equal(p->ambr.dl, 20);
	ambr_command(p); /* nothing changes: answered all the same */
	rig_ms(20);
	assert_int_equal(rig.last_answer, S5_UPDATE_BEARER_REQUEST);
	modify_command(p, 66); /* a guaranteed bit rate: not the default bearer's */
	rig_ms(20);
	assert_int_equal(rig.last_answer, S5_MODIFY_BEARER_FAILURE);
	assert_true(rig.ccr.default_qos.qci != 66);
	modify_command(p, 8);
	rig_ms(20);
	assert_int_equal(rig.last_answer, S5_UPDATE_BEARER_REQUEST);
	assert_int_equal(rig.ccr.default_qos.qci, 8);
	rig_agree(p);
	gone(p);
}

/* A command of an SGW that is left before the PCRF has answered: refused, and the new SGW is told by itself. */
static void test_command_and_move(void **state)
{
	struct rig_pdn *p = attached(1);

	(void)state;
	ambr_command(p);
	relocate(p);
	while (rig_smf_pdn(p)->peer.teid != p->teid)
		assert_true(rig_step());
	assert_null(rig_smf_pdn(p)->op.command);
	rig_ms(100);
	assert_int_equal(rig.last_answer, S5_MODIFY_BEARER_RESPONSE);
	assert_int_equal(p->ambr.dl, 20);
	rig_agree(p);
	gone(p);
}

static void test_delete_command(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct s5_delete_bearer_command c;

	(void)state;
	install(p, "audio", 1, 4000);
	s5_init(S5_DELETE_BEARER_COMMAND, &c);
	c.n_bearer = 1;
	c.bearer[0].ebi = 6;
	rig_from_sgw(p, S5_DELETE_BEARER_COMMAND, &c);
	rig_ms(20);
	assert_int_equal(rig.last_answer, S5_DELETE_BEARER_REQUEST);
	assert_int_equal(rig.ccr.event_trigger[0], GX_LOSS_OF_BEARER);
	rig_agree(p);
	rig_from_sgw(p, S5_DELETE_BEARER_COMMAND, &c);
	rig_ms(20);
	assert_int_equal(rig.last_answer, S5_DELETE_BEARER_FAILURE);
	gone(p);
}

static void test_resource_command(void **state)
{
	struct rig_pdn *p = attached(1);
	static struct s5_bearer_resource_command c;
	static struct gx_orders o;

	(void)state;
	s5_init(S5_BEARER_RESOURCE_COMMAND, &c);
	c.lbi = 5;
	c.pti = 42;
	c.tad.op = NAS_TFT_CREATE;
	c.tad.n_filter = 1;
	c.tad.filter[0] = (struct nas_filter){ .dir = NAS_DIR_BOTH,
					       .has = NAS_REMOTE4 | NAS_PROTO | NAS_REMOTE_PORT,
					       .remote4.s_addr = htonl(0x01020304),
					       .remote4_mask.s_addr = UINT32_MAX,
					       .proto = 17,
					       .remote_low = 9,
					       .remote_high = 9 };
	c.has_flow_qos = true;
	c.flow_qos =
		(struct s5_qos){ .qci = 1, .gbr_ul = 10, .gbr_dl = 10, .mbr_ul = 10, .mbr_dl = 10 };
	rig_from_sgw(p, S5_BEARER_RESOURCE_COMMAND, &c);
	rig_ms(20);
	assert_int_equal(rig.ccr.n_filter, 1);
	assert_int_equal(rig.last_answer, S5_BEARER_RESOURCE_FAILURE); /* the PCRF gave no rule */
	rig_orders(&o);
	rig_install(&o, "asked", 1, 4000);
	rig.orders = &o;
	rig_from_sgw(p, S5_BEARER_RESOURCE_COMMAND, &c);
	rig_ms(20);
	assert_int_equal(rig.last_answer, S5_CREATE_BEARER_REQUEST);
	assert_int_equal(rig.last_pti, 42);
	rig_agree(p);
	gone(p);
}

static void test_cycles(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		struct rig_pdn *p = attached(1 + i % 7);

		install(p, "audio", 1, 4000);
		if (i % 2)
			uninstall(p, "audio");
		gone(p);
	}
	rig_seconds(40);
	assert_int_equal(rig.smf.by_teid.n + rig.smf.by_user.n + rig.smf.by_v4.n, 0);
	for (size_t i = 0; i < rig.smf.n_apns; i++)
		assert_int_equal(rig.smf.apns[i].pool4.n_taken, 0);
	assert_int_equal(rig.smf.upfs->n_sessions, 0);
}

/* --- sequences --- */

/* Rules come, change and go. */
static void random_rule(struct rig_pdn *p, unsigned int *seed, bool install)
{
	static const int qcis[] = { 1, 2, 5, 7 };
	static struct gx_orders o;
	unsigned int n = rand_r(seed) % 9;
	char name[8];
	struct gx_rule *r;

	snprintf(name, sizeof(name), "r%u", n);
	rig_orders(&o);
	if (install) {
		r = rig_install(&o, name, qcis[(n + rand_r(seed) % 8 / 7) % 4],
				(int)(4000 + 10 * n + 100 * (rand_r(seed) % 3)));
		r->flow_status = rand_r(seed) % 3 ? PCC_ENABLED : PCC_DISABLED;
		r->precedence = (int)(100 + rand_r(seed) % 5);
		r->qos.gbr_ul = r->qos.gbr_ul > 0 ? (int)(1000 * (1 + rand_r(seed) % 50)) : -1;
	} else {
		rig_uninstall(&o, name);
	}
	rig_rar(rig_policy_of(p), &o);
}

static void lose_bearer(struct rig_pdn *p, unsigned int ebi)
{
	static struct s5_delete_bearer_command c;

	s5_init(S5_DELETE_BEARER_COMMAND, &c);
	c.n_bearer = 1;
	c.bearer[0].ebi = (uint8_t)ebi;
	if (p->b[ebi].there)
		rig_from_sgw(p, S5_DELETE_BEARER_COMMAND, &c);
}

static void restart_upf(void)
{
	static uint32_t ts = 1000;

	if (rig_upf_ops)
		return;
	pfcp_close(rig.upf);
	memset(rig.session, 0, sizeof(rig.session));
	rig_upf_open(++ts);
	rig_seconds(20);
}

static void random_step(struct rig_pdn *p, unsigned int *seed)
{
	unsigned int what = rand_r(seed) % 64;
	struct smf_pdn *s = rig_smf_pdn(p);

	if (!s || s->fsm.state != SMF_PDN_ACTIVE || s->gx->state != SMF_GX_OPEN ||
	    !rig_policy_of(p))
		return;
	if (what < 45) {
		random_rule(p, seed, what < 25);
	} else if (what < 50) {
		rig.refuse = what % 2 ? S5_NO_RESOURCES : S5_HANDOVER_IN_PROGRESS;
		rig.refuse_times = 1;
	} else if (what < 54) {
		smf_gx_access_changed(s, SMF_TRIGGER(GX_APN_AMBR_MODIFICATION_FAILURE));
	} else if (what < 57) {
		rig_ms(rand_r(seed) % 4);
	} else if (what < 60) {
		lose_bearer(p, 6 + rand_r(seed) % 3);
	} else if (what == 60) {
		rig.ccr_lost = 1;
	} else if (what == 61 && !s->gx->busy) {
		*rig_policy_of(p)->id = '\0';
		smf_gx_access_changed(s, SMF_TRIGGER(GX_APN_AMBR_MODIFICATION_FAILURE));
	} else if (what == 62) {
		memset(rig.session, 0,
		       sizeof(rig.session)); /* the UPF has lost all, and says nothing */
	} else if (what == 63) {
		restart_upf();
	}
	for (unsigned int k = rand_r(seed) % 6; k; k--)
		rig_step();
}

static void random_run(unsigned int seed, unsigned int loss)
{
	struct rig_pdn *p = attached(1), *q = attached(2);
	unsigned int s = seed;

	rig.loss = loss;
	rig.seed = seed;
	for (int i = 0; i < 60; i++)
		random_step(rand_r(&s) % 2 ? p : q, &s);
	rig.loss = 0;
	rig.refuse = 0;
	rig_seconds(40);
	if (!rig_upf_ops) /* one that lost them finds out with the next modification */
		restart_upf();
	assert_true((rig_smf_pdn(p) && rig_smf_pdn(q)) ||
		    loss); /* no answer to anything: released */
	if (rig_smf_pdn(p))
		rig_agree(p);
	if (rig_smf_pdn(q))
		rig_agree(q);
	rig_detach(q);
	rig_detach(p);
	rig_ms(30);
	rig_empty();
}

static void dump_to(const char *dir, bool on)
{
	FILE **files[] = { &rig_gtp, &rig_pfcp, &rig_dia };
	static const char *const names[] = { "gtp", "pfcp", "dia" };
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (*files[i])
			fclose(*files[i]);
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		*files[i] = on ? fopen(path, "we") : NULL;
	}
}

static char dump_dir[] = "/tmp/kims-smf-XXXXXX";

/* tshark must find nothing wrong in any message of the tests above. */
static void test_tshark(void **state)
{
	static const char *const ports[] = { "-u 2123,2123 hex", "-u 8805,8805 hex",
					     "-T 40000,3868 hex" };
	char cmd[640], got[1024], *end;
	size_t n;
	FILE *f;

	(void)state;
	dump_to(dump_dir, false);
	if (system("command -v tshark text2pcap >/dev/null 2>&1"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		snprintf(
			cmd, sizeof(cmd),
			"cd %s && mv %s hex && text2pcap -q %s p.pcap >/dev/null 2>&1; tshark -n -r p.pcap "
			"-Y '_ws.malformed || _ws.expert.severity >= 6291456' -T fields -e frame.number "
			"-e _ws.expert.message 2>/dev/null; tshark -n -r p.pcap -Y '!%s' 2>/dev/null; tshark -n -r p.pcap 2>/dev/null | wc -l",
			dump_dir,
			i == 0	 ? "gtp"
			: i == 1 ? "pfcp"
				 : "dia",
			ports[i],
			i == 0	 ? "gtpv2"
			: i == 1 ? "pfcp"
				 : "diameter");
		f = popen(cmd, "re");
		n = fread(got, 1, sizeof(got) - 1, f);
		pclose(f);
		got[n] = '\0';
		if (strtol(got, &end, 10) < 50 || strcmp(end, "\n"))
			fail_msg("%s", got);
	}
	snprintf(cmd, sizeof(cmd), "rm -r %s", dump_dir);
	assert_int_equal(system(cmd), 0);
}

static void test_random(void **state)
{
	for (unsigned int seed = 1; seed <= 150; seed++) {
		random_run(seed, seed % 3 ? 0 : 15);
		rig_teardown(state);
		rig_setup(state);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(test_attach),
		T(test_voice),
		T(test_order),
		T(test_wrong_bearer),
		T(test_two_bearers),
		T(test_default_bearer),
		T(test_gates),
		T(test_default_qos),
		T(test_refused),
		T(test_partly),
		T(test_handover),
		T(test_handover_of_two),
		T(test_interface_types),
		T(test_deaf_sgw),
		T(test_unknown_rules),
		T(test_notify),
		T(test_policy_refused),
		T(test_policy_away),
		T(test_removed_while_created),
		T(test_detached_while_created),
		T(test_twice),
		T(test_crossing),
		T(test_without_ftup),
		T(test_upf_restart),
		T(test_upf_forgot),
		T(test_upf_without_association),
		T(test_upf_mute),
		T(test_relocated_without),
		T(test_pcrf_forgot),
		T(test_upf_refuses),
		T(test_error_indication),
		T(test_usage),
		T(test_modify_command),
		T(test_command_and_move),
		T(test_delete_command),
		T(test_resource_command),
		T(test_restart),
		T(test_predefined),
		T(test_predefined_reported),
		T(test_pcscf),
		T(test_pcscf_restart),
		T(test_upf_mute_restart),
		T(test_overload),
		T(test_upf_leaves),
		T(test_overloaded_access),
		cmocka_unit_test(test_tshark),
		T(test_cycles),
		T(test_random),
	};

	if (!mkdtemp(dump_dir))
		return 1;
	dump_to(dump_dir, true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
