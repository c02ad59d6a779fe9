// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The UPF between a mock wire and a mock kernel, with a virtual clock: associations, sessions, rules and
 * what is wrong with them, reports, restart of the process, cycles without a leak. At the end tshark reads every
 * message that went over the wire.
 */
#include <dirent.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define FUZZ_REPLAY
#include "tests/fuzz/fuzz_upf.c"

#define WIRE_MAX 4096

static struct loop *loop;
static struct {
	uint8_t p[4096];
	size_t n;
	struct tlv_hdr h;
	struct sockaddr_storage to;
} sent[WIRE_MAX];
static int n_sent, n_seen;
static bool keep; /* for tshark */
static FILE *hex;
static uint32_t seq;
static union sx_any msg, got;
static char state_path[64];
static uint8_t seed[8192]; /* of the fuzzer: all requests of a test */
static size_t n_seed;
static int n_seeds;

/* --- the wire --- */

static void dump(const uint8_t *p, size_t n)
{
	if (!hex || !keep)
		return;
	for (size_t i = 0; i < n; i++)
		fprintf(hex, "%06zx %02x\n", i, p[i]);
}

static void on_send(void *arg, const struct sockaddr_storage *to, const void *p, size_t n)
{
	(void)arg;
	if (((const uint8_t *)p)[1] == SX_HEARTBEAT_REQUEST)
		return;
	if (n_sent == WIRE_MAX)
		n_sent = n_seen = 0;
	assert_true(n <= sizeof(sent[0].p));
	memcpy(sent[n_sent].p, p, n);
	sent[n_sent].n = n;
	sent[n_sent].to = *to;
	assert_int_equal(tlv_pfcp.parse(p, n, &sent[n_sent++].h), 0);
	dump(p, n);
}

/* The next message must be of this type; decoded into got. */
static const struct tlv_hdr *take(uint8_t type)
{
	struct tlv_error e;

	upf_flush(&upf);
	if (n_seen >= n_sent)
		fail_msg("nothing sent, expected message %u", type);
	assert_int_equal(sent[n_seen].h.type, type);
	assert_int_equal(sx_decode(sent[n_seen].p, sent[n_seen].n, NULL, &got, &e), 0);
	return &sent[n_seen++].h;
}

static void none(void)
{
	upf_flush(&upf);
	if (n_seen < n_sent)
		fail_msg("not expected: message %u", sent[n_seen].h.type);
	n_sent = n_seen = 0;
}

static void put_from(const struct sockaddr_storage *from, enum sx_message type, uint64_t seid,
		     uint32_t with_seq)
{
	static uint8_t buf[65536];
	struct tlv_buf b = TLV_BUF(buf);

	assert_int_equal(sx_encode(type, seid, &msg, &b), 0);
	tlv_pfcp.set_seq(buf, with_seq);
	dump(buf, b.n);
	if (n_seed + b.n <= sizeof(seed)) {
		memcpy(seed + n_seed, buf, b.n);
		n_seed += b.n;
	}
	pfcp_input(upf.pfcp, from, buf, b.n);
}

static void put(enum sx_message type, uint64_t seid)
{
	put_from(&cp, type, seid, ++seq);
}

/* --- messages --- */

static void associate_as(const struct sockaddr_storage *from, uint32_t ts, bool retain)
{
	struct sx_association_setup_request *m = &msg.association_setup_request;

	sx_init(SX_ASSOCIATION_SETUP_REQUEST, m);
	m->has_node_id = m->has_recovery_ts = m->has_cp_features = true;
	m->node_id = (struct sx_node_id){ .type = SX_NODE_IPV4,
					  .ip4 = ((const struct sockaddr_in *)from)->sin_addr };
	m->recovery_ts = ts;
	m->cp_features.load = true;
	m->has_retention = retain;
	put_from(from, SX_ASSOCIATION_SETUP_REQUEST, 0, ++seq);
	take(SX_ASSOCIATION_SETUP_RESPONSE);
	assert_int_equal(got.association_setup_response.cause, SX_ACCEPTED);
}

static struct sx_session_establishment_request *begin(uint64_t cp_seid)
{
	struct sx_session_establishment_request *m = &msg.session_establishment_request;

	sx_init(SX_SESSION_ESTABLISHMENT_REQUEST, m);
	m->has_node_id = m->has_cp_fseid = true;
	m->node_id = (struct sx_node_id){ .type = SX_NODE_IPV4, .ip4.s_addr = htonl(0x0a2e0005) };
	m->cp_fseid =
		(struct sx_fseid){ .seid = cp_seid, .v4 = true, .ip4.s_addr = htonl(0x0a2e0005) };
	m->has_user_id = true;
	m->user_id.imsi = STR("\x00\x01\x01\x00\x00\x00\x00\xf1");
	return m;
}

static struct sx_create_pdr *add_pdr(struct sx_session_establishment_request *m, uint16_t id,
				     uint8_t source)
{
	struct sx_create_pdr *p = &m->create_pdr[m->n_create_pdr++];

	memset(p, 0, sizeof(*p));
	p->has_id = p->has_precedence = p->has_pdi = p->has_far_id = true;
	p->id = id;
	p->precedence = 255;
	p->pdi.has_source = true;
	p->pdi.source = source;
	p->far_id = id;
	return p;
}

static void choose(struct sx_create_pdr *p, uint8_t choose_id)
{
	p->pdi.has_fteid = p->has_removal = true;
	p->pdi.fteid = (struct sx_fteid){
		.ch = true, .v4 = true, .chid = choose_id, .choose_id = choose_id
	};
	p->removal.desc = SX_REMOVE_GTPU4;
}

static struct sx_create_far *add_far(struct sx_session_establishment_request *m, uint32_t id,
				     uint8_t destination)
{
	struct sx_create_far *f = &m->create_far[m->n_create_far++];

	memset(f, 0, sizeof(*f));
	f->has_id = f->has_action = f->has_forwarding = f->forwarding.has_destination = true;
	f->id = id;
	f->action.forw = true;
	f->forwarding.destination = destination;
	return f;
}

/* Default bearer: uplink by F-TEID of ours, downlink by address, one QER, one URR. */
static struct sx_session_establishment_request *ordinary(uint64_t cp_seid, uint32_t ue)
{
	struct sx_session_establishment_request *m = begin(cp_seid);
	struct sx_create_pdr *ul = add_pdr(m, 1, SX_ACCESS), *dl = add_pdr(m, 2, SX_CORE);
	struct sx_create_far *f;

	choose(ul, 5);
	ul->pdi.has_ue_ip = dl->pdi.has_ue_ip = true;
	ul->pdi.ue_ip = (struct sx_ue_ip){ .v4 = true, .ip4.s_addr = htonl(ue) };
	dl->pdi.ue_ip = (struct sx_ue_ip){ .v4 = true, .sd = true, .ip4.s_addr = htonl(ue) };
	ul->n_qer_id = dl->n_qer_id = ul->n_urr_id = dl->n_urr_id = 1;
	ul->qer_id[0] = dl->qer_id[0] = ul->urr_id[0] = dl->urr_id[0] = 1;
	add_far(m, 1, SX_CORE);
	f = add_far(m, 2, SX_ACCESS);
	f->forwarding.has_creation = true;
	f->forwarding.creation = (struct sx_creation){ .desc = SX_CREATE_GTPU4,
						       .teid = 0x77,
						       .ip4.s_addr = htonl(0x0a2f0001) };
	m->n_create_qer = m->n_create_urr = 1;
	m->create_qer[0] = (struct sx_create_qer){
		.has_id = true, .id = 1, .has_gate = true, .has_mbr = true, .mbr = { 5000, 20000 }
	};
	m->create_urr[0] =
		(struct sx_create_urr){ .has_id = true,
					.id = 1,
					.has_method = true,
					.method.volum = true,
					.has_triggers = true,
					.triggers.volth = true,
					.has_volume_threshold = true,
					.volume_threshold = { .has_total = true, .total = 1000 } };
	return m;
}

static const struct sx_session_establishment_response *established(uint8_t cause)
{
	const struct sx_session_establishment_response *r = &got.session_establishment_response;

	take(SX_SESSION_ESTABLISHMENT_RESPONSE);
	assert_int_equal(r->cause, cause);
	return r;
}

/* An ordinary session; its UP SEID. */
static uint64_t establish(uint64_t cp_seid, uint32_t ue)
{
	ordinary(cp_seid, ue);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	return established(SX_ACCEPTED)->up_fseid.seid;
}

static struct sx_session_modification_request *change(void)
{
	sx_init(SX_SESSION_MODIFICATION_REQUEST, &msg);
	return &msg.session_modification_request;
}

static const struct sx_session_modification_response *modify(uint64_t seid, uint8_t cause)
{
	put(SX_SESSION_MODIFICATION_REQUEST, seid);
	take(SX_SESSION_MODIFICATION_RESPONSE);
	assert_int_equal(got.session_modification_response.cause, cause);
	return &got.session_modification_response;
}

static const struct sx_session_deletion_response *delete (uint64_t seid, uint8_t cause)
{
	sx_init(SX_SESSION_DELETION_REQUEST, &msg);
	put(SX_SESSION_DELETION_REQUEST, seid);
	take(SX_SESSION_DELETION_RESPONSE);
	assert_int_equal(got.session_deletion_response.cause, cause);
	return &got.session_deletion_response;
}

static void answer_report(uint8_t cause)
{
	struct sx_session_report_response *m = &msg.session_report_response;
	uint32_t s = sent[n_seen - 1].h.seq;

	sx_init(SX_SESSION_REPORT_RESPONSE, m);
	m->has_cause = true;
	m->cause = cause;
	put_from(&cp, SX_SESSION_REPORT_RESPONSE, 0, s);
}

/* --- the frame --- */

static void open_upf(bool kept)
{
	assert_int_equal(upf_begin(loop, on_send, state_path, kept), 0);
}

static int setup(void **state)
{
	(void)state;
	snprintf(state_path, sizeof(state_path), "/tmp/kims-upf-test-%d", (int)getpid());
	unlink(state_path);
	n_sent = n_seen = 0;
	keep = true;
	mk_check_ue = true;
	mk_open();
	assert_int_equal(loop_new_virtual(&loop), 0);
	open_upf(false);
	associate_as(&cp, 1000, false);
	none();
	return 0;
}

/* KIMS_UPDATE_DOCS=1: the seeds of the fuzzer are written. */
static void write_seed(void)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "tests/fuzz/seeds/upf/%02d", n_seeds++);
	f = getenv("KIMS_UPDATE_DOCS") ? fopen(path, "we") : NULL;
	if (f) {
		fwrite(seed, 1, n_seed, f);
		fclose(f);
	}
	n_seed = 0;
}

static int teardown(void **state)
{
	(void)state;
	write_seed();
	upf_end();
	mk_close();
	loop_free(loop);
	unlink(state_path);
	return 0;
}

static struct mk_session *kernel(uint64_t seid)
{
	struct mk_session *s = mk_find(seid);

	assert_non_null(s);
	return s;
}

static struct knl_pdr *kpdr(struct mk_session *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_pdrs; i++)
		if (s->pdr[i].id == id + 1)
			return &s->pdr[i];
	return NULL;
}

static struct knl_far *kfar(struct mk_session *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_fars; i++)
		if (s->far[i].id == id + 1)
			return &s->far[i];
	return NULL;
}

/* --- tests --- */

static void test_association(void **state)
{
	(void)state;
	assert_true(upf.nodes && upf.nodes->up);
	/* no association from here */
	ordinary(7, 0x0a2d0001);
	msg.session_establishment_request.node_id.ip4.s_addr = htonl(0x0a2e000f);
	put_from(&cp2, SX_SESSION_ESTABLISHMENT_REQUEST, 0, ++seq);
	established(SX_NO_ASSOCIATION);
	assert_int_equal(sent[n_seen - 1].h.id, 7);
	establish(1, 0x0a2d0001);
	/* a second CP function with its own sessions */
	associate_as(&cp2, 5, false);
	establish(2, 0x0a2d0002);
	assert_int_equal(upf.n_sessions, 2);
	/* set up anew: sessions stay when asked for, else go */
	associate_as(&cp, 1000, true);
	assert_int_equal(upf.n_sessions, 2);
	assert_true(got.association_setup_response.asrsp_flags & 1);
	associate_as(&cp, 1000, false);
	assert_int_equal(upf.n_sessions, 0);
	assert_int_equal(mk.n, 0);
	establish(3, 0x0a2d0003);
	sx_init(SX_ASSOCIATION_RELEASE_REQUEST, &msg);
	msg.association_release_request.has_node_id = true;
	msg.association_release_request.node_id =
		(struct sx_node_id){ .ip4.s_addr = htonl(0x0a2e0005) };
	put(SX_ASSOCIATION_RELEASE_REQUEST, 0);
	take(SX_ASSOCIATION_RELEASE_RESPONSE);
	assert_int_equal(mk.n, 0);
	assert_false(upf_node_by_index(&upf, 1)->up);
}

static void test_session(void **state)
{
	const struct sx_session_establishment_response *r;
	struct sx_session_modification_request *m;
	struct mk_session *k;
	uint64_t seid;
	uint32_t teid;

	(void)state;
	ordinary(0x1122, 0x0a2d0001);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	r = established(SX_ACCEPTED);
	assert_int_equal(sent[n_seen - 1].h.id, 0x1122);
	assert_int_equal(r->n_created_pdr, 1);
	assert_int_equal(r->created_pdr[0].id, 1);
	assert_true(r->created_pdr[0].fteid.v4 && !r->created_pdr[0].fteid.v6);
	assert_true(r->has_load);
	seid = r->up_fseid.seid;
	teid = r->created_pdr[0].fteid.teid;
	k = kernel(seid);
	assert_int_equal(k->n_pdrs, 2);
	assert_int_equal(kpdr(k, 1)->teid, teid);
	assert_int_equal(kpdr(k, 1)->endpoint, 1);
	assert_false(kpdr(k, 1)->any_source);
	assert_int_equal(kpdr(k, 2)->teid, 0);
	assert_int_equal(kfar(k, 2)->teid, 0x77);
	assert_int_equal(k->qer[0].mbr_dl, 20000000);
	assert_int_equal(k->urr[0].threshold.total, 1000);
	assert_int_equal(k->ue4.v4.s_addr, htonl(0x0a2d0001));
	assert_string_equal(upf_session_find(&upf, seid)->subscriber, "001010000000001");
	/* the FAR alone: buffer, drop what waits, then another tunnel with an End Marker */
	m = change();
	m->n_update_far = 1;
	m->update_far[0] = (struct sx_update_far){ .has_id = true,
						   .id = 2,
						   .has_action = true,
						   .action = { .buff = true, .nocp = true } };
	modify(seid, SX_ACCEPTED);
	assert_int_equal(kfar(kernel(seid), 2)->action, KNL_BUFF | KNL_NOCP);
	m = change();
	m->has_smreq_flags = m->smreq_flags.drobu = true;
	mk.calls_change = 0;
	modify(seid, SX_ACCEPTED);
	assert_int_equal(mk.calls_change, 2);
	assert_int_equal(kfar(kernel(seid), 2)->action, KNL_BUFF | KNL_NOCP);
	m = change();
	m->n_update_far = 1;
	m->update_far[0] = (struct sx_update_far){
		.has_id = true,
		.id = 2,
		.has_action = true,
		.action.forw = true,
		.has_forwarding = true,
		.forwarding = { .has_creation = true,
				.creation = { .desc = SX_CREATE_GTPU6, .teid = 0x88 },
				.has_smreq_flags = true,
				.smreq_flags.sndem = true }
	};
	modify(seid, SX_ACCEPTED);
	k = kernel(seid);
	assert_int_equal(kfar(k, 2)->endpoint, 2);
	assert_true(kfar(k, 2)->send_end_marker);
	assert_int_equal(kpdr(k, 1)->teid, teid);
	delete (seid, SX_ACCEPTED);
	assert_int_equal(got.session_deletion_response.n_usage_report, 1);
	assert_true(got.session_deletion_response.usage_report[0].trigger.termr);
	assert_int_equal(upf.teids.n, 0);
	assert_int_equal(mk.n, 0);
	delete (seid, SX_SESSION_NOT_FOUND);
	none();
}

static void test_dedicated(void **state)
{
	uint64_t seid = establish(0x1122, 0x0a2d0001);
	struct sx_session_modification_request *m;
	struct mk_session *k;

	(void)state;
	/* a dedicated bearer: its own F-TEID for both families, filters, gate closed */
	m = change();
	m->n_create_pdr = 1;
	m->create_pdr[0] = (struct sx_create_pdr){
		.has_id = true,
		.id = 3,
		.has_precedence = true,
		.precedence = 10,
		.has_far_id = true,
		.far_id = 1,
		.has_removal = true,
		.removal.desc = SX_REMOVE_GTPU,
		.n_qer_id = 1,
		.qer_id = { 2 },
		.has_pdi = true,
		.pdi = { .has_source = true,
			 .has_fteid = true,
			 .fteid = { .ch = true, .v4 = true, .v6 = true },
			 .n_sdf = 1,
			 .sdf[0] = { .fd = true,
				     .bid = true,
				     .id = 9,
				     .flow = STR(
					     "permit out 17 from 10.46.0.1 20000 to assigned 5000-5001") } }
	};
	m->n_create_qer = 1;
	m->create_qer[0] = (struct sx_create_qer){ .has_id = true,
						   .id = 2,
						   .has_gate = true,
						   .gate = { 1, 1 },
						   .has_gbr = true,
						   .gbr = { 64, 64 } };
	modify(seid, SX_ACCEPTED);
	assert_int_equal(got.session_modification_response.n_created_pdr, 1);
	assert_true(got.session_modification_response.created_pdr[0].fteid.v6);
	k = kernel(seid);
	assert_int_equal(k->n_pdrs, 4); /* and its twin */
	assert_int_equal(kpdr(k, 3)->filters[0].remote_ports[0].low, 20000);
	assert_int_equal(kpdr(k, 3 + UPF_TWIN)->endpoint, 2);
	assert_int_equal(kpdr(k, 3)->teid, kpdr(k, 3 + UPF_TWIN)->teid);
	assert_int_equal(upf.teids.n, 2);
	/* gate opened, the filter used downlink by its id */
	m = change();
	m->n_update_qer = 1;
	m->update_qer[0] = (struct sx_update_qer){ .has_id = true, .id = 2, .has_gate = true };
	m->n_update_pdr = 1;
	m->update_pdr[0] = (struct sx_update_pdr){
		.has_id = true, .id = 3, .has_precedence = true, .precedence = 11
	};
	m->n_create_pdr = 1;
	m->create_pdr[0] = (struct sx_create_pdr){ .has_id = true,
						   .id = 4,
						   .has_precedence = true,
						   .precedence = 10,
						   .has_far_id = true,
						   .far_id = 2,
						   .has_pdi = true,
						   .pdi = { .has_source = true,
							    .source = SX_CORE,
							    .n_sdf = 1,
							    .sdf[0] = { .bid = true, .id = 9 } } };
	modify(seid, SX_ACCEPTED);
	k = kernel(seid);
	assert_int_equal(k->n_pdrs, 5);
	assert_int_equal(kpdr(k, 4)->filters[0].ue_ports[0].high, 5001);
	assert_int_equal(kpdr(k, 3 + UPF_TWIN)->precedence, 11);
	assert_int_equal(k->qer[1].gate_ul, KNL_GATE_OPEN);
	assert_int_equal(k->qer[1].gbr_dl, 64000);
	/* removed: the twin and the TEID, too */
	m = change();
	m->n_remove_pdr = 2;
	m->remove_pdr[0] = (struct sx_remove_pdr){ .has_id = true, .id = 3 };
	m->remove_pdr[1] = (struct sx_remove_pdr){ .has_id = true, .id = 4 };
	m->n_remove_qer = 1;
	m->remove_qer[0] = (struct sx_remove_qer){ .has_id = true, .id = 2 };
	modify(seid, SX_ACCEPTED);
	assert_int_equal(kernel(seid)->n_pdrs, 2);
	assert_int_equal(upf.teids.n, 1);
}

static void test_choose(void **state)
{
	struct sx_session_establishment_request *m = begin(1);
	const struct sx_session_establishment_response *r;

	(void)state;
	choose(add_pdr(m, 1, SX_ACCESS), 1);
	choose(add_pdr(m, 2, SX_ACCESS), 2);
	choose(add_pdr(m, 3, SX_ACCESS), 1);
	choose(add_pdr(m, 4, SX_ACCESS), 0);
	add_pdr(m, 5, SX_CORE)->pdi.has_ue_ip = true;
	m->create_pdr[4].pdi.ue_ip = (struct sx_ue_ip){ .chv4 = true, .chv6 = true, .sd = true };
	m->create_pdr[4].pdi.has_network_instance = true;
	m->create_pdr[4].pdi.network_instance = STR("\3ims");
	for (uint32_t i = 1; i <= 5; i++)
		add_far(m, i, SX_CORE);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	r = established(SX_ACCEPTED);
	assert_int_equal(r->n_created_pdr, 5);
	assert_int_equal(r->created_pdr[0].fteid.teid, r->created_pdr[2].fteid.teid);
	assert_int_not_equal(r->created_pdr[0].fteid.teid, r->created_pdr[1].fteid.teid);
	assert_int_not_equal(r->created_pdr[0].fteid.teid, r->created_pdr[3].fteid.teid);
	assert_int_equal(r->created_pdr[4].ue_ip[0].ip4.s_addr, htonl(0x0a2d0001));
	assert_true(r->created_pdr[4].ue_ip[0].v6);
	assert_int_equal(upf.pools[0].taken4, 1);
	assert_int_equal(upf.teids.n, 3);
	delete (r->up_fseid.seid, SX_ACCEPTED);
	assert_int_equal(upf.pools[0].taken4 + upf.pools[0].taken6 + upf.teids.n, 0);
}

/* What the CP function can get wrong: cause, offending IE, rule. */
static void refused(uint8_t cause, uint16_t offending, int rule, uint32_t id)
{
	const struct sx_session_establishment_response *r;

	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	r = established(cause);
	assert_int_equal(sent[n_seen - 1].h.id, 9);
	assert_int_equal(r->has_offending ? r->offending : 0, offending);
	assert_int_equal(r->has_failed_rule, rule >= 0);
	if (rule >= 0) {
		assert_int_equal(r->failed_rule.type, rule);
		assert_int_equal(r->failed_rule.id, id);
	}
	assert_int_equal(mk.n + upf.n_sessions + upf.teids.n, 0);
}

static void test_refusals(void **state)
{
	struct sx_session_establishment_request *m;

	(void)state;
	m = ordinary(9, 0x0a2d0001);
	m->create_pdr[0].has_far_id = false;
	refused(SX_CONDITIONAL_IE_MISSING, SX_IE_FAR_ID, -1, 0);
	m = ordinary(9, 0x0a2d0001);
	m->create_pdr[1].far_id = 77;
	refused(SX_RULE_FAILURE, SX_IE_FAR_ID, SX_RULE_PDR, 2);
	m = ordinary(9, 0x0a2d0001);
	m->create_pdr[1].id = 1;
	refused(SX_RULE_FAILURE, SX_IE_PDR_ID, SX_RULE_PDR, 1);
	m = ordinary(9, 0x0a2d0001);
	m->create_pdr[1].qer_id[0] = 5;
	refused(SX_RULE_FAILURE, SX_IE_QER_ID, SX_RULE_PDR, 2);
	m = ordinary(9, 0x0a2d0001);
	m->create_far[1].action.drop = true;
	refused(SX_RULE_FAILURE, SX_IE_APPLY_ACTION, SX_RULE_FAR, 2);
	m = ordinary(9, 0x0a2d0001);
	m->create_far[0].has_forwarding = false;
	refused(SX_CONDITIONAL_IE_MISSING, SX_IE_FORWARDING, -1, 0);
	m = ordinary(9, 0x0a2d0001);
	m->create_far[1].forwarding.has_policy = true;
	m->create_far[1].forwarding.policy = STR("x");
	refused(SX_INVALID_FORWARDING_POLICY, SX_IE_FORWARDING_POLICY, SX_RULE_FAR, 2);
	m = ordinary(9, 0x0a2d0001);
	m->create_pdr[0].pdi.fteid =
		(struct sx_fteid){ .v4 = true, .teid = 5, .ip4.s_addr = htonl(0x01020304) };
	refused(SX_RULE_FAILURE, SX_IE_F_TEID, SX_RULE_PDR, 1);
	m = ordinary(9, 0x0a2d0001);
	m->create_pdr[0].pdi.n_sdf = 1;
	m->create_pdr[0].pdi.sdf[0] =
		(struct sx_sdf_filter){ .fd = true, .flow = STR("permit nonsense") };
	refused(SX_RULE_FAILURE, SX_IE_SDF_FILTER, SX_RULE_PDR, 1);
	m = ordinary(9, 0x0a2d0001);
	m->create_pdr[1].pdi.ue_ip.ip4.s_addr = 5;
	refused(SX_RULE_FAILURE, SX_IE_UE_IP, SX_RULE_PDR, 2);
	m = ordinary(9, 0x0a2d0001);
	m->create_pdr[0].n_activate = 1;
	m->create_pdr[0].activate[0] = STR("gold");
	refused(SX_UNKNOWN_PREDEFINED_RULE, SX_IE_ACTIVATE_RULES, -1, 0);
	m = ordinary(9, 0x0a2d0001);
	m->create_urr[0].triggers.perio = true;
	refused(SX_RULE_FAILURE, SX_IE_PERIOD, SX_RULE_URR, 1);
	m = ordinary(9, 0x0a2d0001);
	m->create_urr[0].id = 0x80000001;
	refused(SX_RULE_FAILURE, SX_IE_URR_ID, SX_RULE_URR, 0x80000001);
	m = ordinary(9, 0x0a2d0001);
	m->create_far[0].has_bar_id = true;
	refused(SX_RULE_FAILURE, SX_IE_BAR_ID, SX_RULE_FAR, 1);
	m = ordinary(9, 0x0a2d0001);
	m->n_create_pdr = 0;
	refused(SX_MANDATORY_IE_MISSING, SX_IE_CREATE_PDR, -1, 0);
	m = ordinary(9, 0x0a2d0001);
	mk.fail = -ENOMEM;
	refused(SX_NO_RESOURCES, 0, -1, 0);
	/* pool without room, instance without pool */
	m = ordinary(9, 0x0a2d0001);
	m->create_pdr[0].pdi.ue_ip = m->create_pdr[1].pdi.ue_ip = (struct sx_ue_ip){ .chv4 = true };
	m->create_pdr[0].pdi.has_network_instance = true;
	m->create_pdr[0].pdi.network_instance = STR("\4none");
	refused(SX_ADDRESSES_OCCUPIED, SX_IE_UE_IP, -1, 0);
}

/* A modification that is refused changes nothing, here and in the kernel. */
static void test_refused_change(void **state)
{
	uint64_t seid = establish(1, 0x0a2d0001), teids;
	struct sx_session_modification_request *m = change();
	struct upf_session *s = upf_session_find(&upf, seid);

	(void)state;
	teids = s->teids->node.key;
	m->n_create_bar = 1;
	m->create_bar[0] = (struct sx_create_bar){ .has_id = true, .id = 1 };
	m->n_create_pdr = 2;
	for (int i = 0; i < 2; i++)
		m->create_pdr[i] =
			(struct sx_create_pdr){ .has_id = true,
						.id = (uint16_t)(10 + i),
						.has_precedence = true,
						.has_far_id = true,
						.far_id = i ? 99 : 1,
						.has_pdi = true,
						.pdi = { .has_source = true,
							 .has_fteid = true,
							 .fteid = { .ch = true, .v4 = true },
							 .has_ue_ip = true,
							 .ue_ip = { .chv6 = true } } };
	modify(seid, SX_RULE_FAILURE);
	assert_int_equal(got.session_modification_response.failed_rule.id, 11);
	assert_int_equal(upf.teids.n, 1);
	assert_int_equal(s->teids->node.key, teids);
	assert_false(s->has_bar || s->has_ue6);
	assert_int_equal(upf.pools[0].taken6, 0);
	assert_int_equal(kernel(seid)->n_pdrs, 2);
	m->n_create_pdr = 1;
	mk.fail = 0;
	modify(seid, SX_ACCEPTED);
	assert_true(s->has_bar && s->has_ue6);
	assert_int_equal(kernel(seid)->ue6.family, AF_INET6);
	change()->n_remove_far = 1;
	msg.session_modification_request.remove_far[0] =
		(struct sx_remove_far){ .has_id = true, .id = 1 };
	modify(seid, SX_RULE_FAILURE); /* PDRs use it */
	assert_int_equal(kernel(seid)->n_fars, 2);
	modify(seid ^ 1, SX_SESSION_NOT_FOUND);
}

/* Requests of one round are one call to the kernel; one that is refused does not harm the others. */
static void test_batch(void **state)
{
	uint64_t seid[8];
	int n = 0, bad = 0;

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		ordinary(100 + i, i == 5 ? 0x0a2d0003 : 0x0a2d0001 + i);
		put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	}
	assert_int_equal(mk.calls_new, 0);
	upf_flush(&upf);
	assert_int_equal(mk.in_batch, 8);
	while (n_seen < n_sent) {
		take(SX_SESSION_ESTABLISHMENT_RESPONSE);
		if (got.session_establishment_response.cause == SX_ACCEPTED)
			seid[n++] = got.session_establishment_response.up_fseid.seid;
		else
			bad = (int)sent[n_seen - 1].h.id;
	}
	assert_int_equal(n, 7);
	assert_int_equal(bad, 105);
	assert_int_equal(mk.n, 7);
	for (int i = 0; i < 7; i++) {
		sx_init(SX_SESSION_DELETION_REQUEST, &msg);
		put(SX_SESSION_DELETION_REQUEST, seid[i]);
	}
	assert_int_equal(mk.calls_del, 0);
	for (int i = 0; i < 7; i++)
		take(SX_SESSION_DELETION_RESPONSE);
	assert_int_equal(mk.calls_del, 1);
	/* a change right behind its establishment, a deletion behind that */
	ordinary(200, 0x0a2d0009);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	seid[0] = upf.nodes->sessions->by_seid.key;
	change();
	put(SX_SESSION_MODIFICATION_REQUEST, seid[0]);
	sx_init(SX_SESSION_DELETION_REQUEST, &msg);
	put(SX_SESSION_DELETION_REQUEST, seid[0]);
	put(SX_SESSION_DELETION_REQUEST, seid[0]);
	take(SX_SESSION_ESTABLISHMENT_RESPONSE);
	take(SX_SESSION_MODIFICATION_RESPONSE);
	take(SX_SESSION_DELETION_RESPONSE);
	assert_int_equal(got.session_deletion_response.cause, SX_SESSION_NOT_FOUND);
	take(SX_SESSION_DELETION_RESPONSE);
	assert_int_equal(got.session_deletion_response.cause, SX_ACCEPTED);
	assert_int_equal(mk.n, 0);
	/* the same request twice: one session, one answer repeated */
	ordinary(300, 0x0a2d0009);
	put_from(&cp, SX_SESSION_ESTABLISHMENT_REQUEST, 0, 5000);
	put_from(&cp, SX_SESSION_ESTABLISHMENT_REQUEST, 0, 5000);
	take(SX_SESSION_ESTABLISHMENT_RESPONSE);
	put_from(&cp, SX_SESSION_ESTABLISHMENT_REQUEST, 0, 5000);
	take(SX_SESSION_ESTABLISHMENT_RESPONSE);
	assert_int_equal(mk.n, 1);
	none();
}

/* One session of a CP F-SEID: a request that comes again replaces it, whoever asks for another's. */
static void test_again(void **state)
{
	uint64_t first, second, other;

	(void)state;
	upf.max_sessions = 2;
	associate_as(&cp2, 1000, false);
	first = establish(7, 0x0a2d0001);
	ordinary(7, 0x0a2d0002); /* of another CP function: another session */
	msg.session_establishment_request.node_id.ip4.s_addr = htonl(0x0a2e000f);
	msg.session_establishment_request.cp_fseid.ip4.s_addr = htonl(0x0a2e000f);
	put_from(&cp2, SX_SESSION_ESTABLISHMENT_REQUEST, 0, ++seq);
	other = established(SX_ACCEPTED)->up_fseid.seid;
	assert_int_equal(mk.n, 2);
	second = establish(7, 0x0a2d0001); /* same address, and the UPF is full */
	assert_int_not_equal(first, second);
	assert_int_equal(mk.n, 2);
	assert_int_equal(upf.n_sessions, 2);
	delete (first, SX_SESSION_NOT_FOUND);
	delete (second, SX_ACCEPTED);
	assert_non_null(kernel(other));
	/* in the same round */
	ordinary(8, 0x0a2d0003);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	ordinary(8, 0x0a2d0003);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	first = established(SX_ACCEPTED)->up_fseid.seid;
	second = established(SX_ACCEPTED)->up_fseid.seid;
	assert_null(mk_find(first));
	assert_non_null(kernel(second));
	/* one that is refused leaves nothing of the old one */
	ordinary(8, 0x0a2d0002);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	established(SX_RULE_FAILURE);
	assert_int_equal(mk.n, 1);
	assert_int_equal(upf.by_cp.n, 1);
	none();
}

/* What a deletion gives back is free for an establishment of the same round. */
static void test_address_again(void **state)
{
	uint64_t first = establish(1, 0x0a2d0001);

	(void)state;
	sx_init(SX_SESSION_DELETION_REQUEST, &msg);
	put(SX_SESSION_DELETION_REQUEST, first);
	ordinary(2, 0x0a2d0001);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	take(SX_SESSION_DELETION_RESPONSE);
	assert_int_equal(got.session_deletion_response.cause, SX_ACCEPTED);
	established(SX_ACCEPTED);
	assert_int_equal(mk.n, 1);
	none();
}

/* --- reports --- */

static void count(uint64_t seid, uint64_t ul, uint64_t dl)
{
	struct knl_usage *k = &kernel(seid)->usage[0];

	k->octets.ul += ul;
	k->octets.dl += dl;
	k->octets.total += ul + dl;
	k->first_ns = 1;
}

/* As the kernel reports a threshold. */
static void usage_event(uint64_t seid, unsigned int trigger, bool lost)
{
	struct knl_usage *k = &kernel(seid)->usage[0];
	struct knl_gtpu_event e = { .kind = KNL_GTPU_USAGE, .session = seid };

	k->trigger = trigger;
	e.usage = *k;
	if (!lost)
		upf_on_event(&upf, &e);
	k->reported = k->octets;
	k->seq++;
}

static const struct sx_usage_report *reported(void)
{
	take(SX_SESSION_REPORT_REQUEST);
	assert_true(got.session_report_request.type.usar);
	return &got.session_report_request.usage_report[0];
}

static void test_usage(void **state)
{
	uint64_t seid = establish(0x42, 0x0a2d0001);
	const struct sx_usage_report *r;
	struct sx_session_modification_request *m;

	(void)state;
	count(seid, 600, 500);
	usage_event(seid, KNL_VOLTH, false);
	r = reported();
	assert_int_equal(sent[n_seen - 1].h.id, 0x42);
	assert_true(r->trigger.volth && r->seqn == 0 && r->volume.total == 1100 &&
		    r->volume.ul == 600);
	answer_report(SX_ACCEPTED);
	count(seid, 10, 0);
	m = change();
	m->n_query_urr = 1;
	m->query_urr[0] = (struct sx_remove_urr){ .has_id = true, .id = 1 };
	r = &modify(seid, SX_ACCEPTED)->usage_report[0];
	assert_true(r->trigger.immer && r->seqn == 1 && r->volume.total == 10);
	count(seid, 0, 90);
	usage_event(seid, KNL_VOLTH, false);
	r = reported();
	assert_true(r->seqn == 2 && r->volume.total == 90 && r->volume.dl == 90);
	/* nobody answers: the next one has it */
	for (int i = 0; i < 5; i++)
		loop_advance(loop, 4 * USEC_PER_SEC);
	n_seen = n_sent;
	count(seid, 5, 0);
	usage_event(seid, KNL_PERIO, false);
	r = reported();
	assert_true(r->seqn == 3 && r->volume.total == 95);
	answer_report(SX_ACCEPTED);
	/* removed: final counts in the answer */
	count(seid, 7, 0);
	m = change();
	m->n_remove_urr = 1;
	m->remove_urr[0] = (struct sx_remove_urr){ .has_id = true, .id = 1 };
	r = &modify(seid, SX_ACCEPTED)->usage_report[0];
	assert_int_equal(got.session_modification_response.n_usage_report, 1);
	assert_true(r->trigger.termr && r->seqn == 4 && r->volume.total == 7);
	assert_int_equal(kernel(seid)->n_urrs, 0);
	assert_int_equal(kpdr(kernel(seid), 1)->n_urrs, 0);
	delete (seid, SX_ACCEPTED);
	assert_int_equal(got.session_deletion_response.n_usage_report, 0);
	n_seen = n_sent;
}

/* A URR that is changed keeps what is left of its quota, over a restart too; a new grant begins anew. */
static void test_quota(void **state)
{
	struct sx_session_modification_request *m;
	uint64_t seid;

	(void)state;
	ordinary(1, 0x0a2d0001)->create_urr[0].has_volume_quota = true;
	msg.session_establishment_request.create_urr[0].volume_quota =
		(struct sx_volume){ .has_total = true, .total = 5000 };
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	seid = established(SX_ACCEPTED)->up_fseid.seid;
	assert_int_equal(kernel(seid)->urr[0].quota.total, 5000);
	for (int i = 1; i <= 2; i++) {
		count(seid, 500, 500);
		m = change();
		m->n_update_urr = 1;
		m->update_urr[0] = (struct sx_update_urr){ .has_id = true,
							   .id = 1,
							   .has_volume_threshold = true,
							   .volume_threshold = { .has_total = true,
										 .total = 10 } };
		modify(seid, SX_ACCEPTED);
		assert_int_equal(kernel(seid)->urr[0].quota.total, 5000 - 1000 * i);
		none();
		upf_end();
		open_upf(true);
	}
	m = change();
	m->n_update_urr = 1;
	m->update_urr[0] =
		(struct sx_update_urr){ .has_id = true,
					.id = 1,
					.has_volume_quota = true,
					.volume_quota = { .has_total = true, .total = 7000 } };
	modify(seid, SX_ACCEPTED);
	assert_int_equal(kernel(seid)->urr[0].quota.total, 7000);
	count(seid, 8000, 0);
	m = change();
	m->n_update_urr = 1;
	m->update_urr[0] =
		(struct sx_update_urr){ .has_id = true, .id = 1, .has_period = true, .period = 60 };
	modify(seid, SX_ACCEPTED);
	assert_int_equal(kernel(seid)->urr[0].quota.total, 1); /* nothing is left */
	delete (seid, SX_ACCEPTED);
}

static void test_events(void **state)
{
	uint64_t seid = establish(0x42, 0x0a2d0001);
	struct knl_gtpu_event e = {
		.kind = KNL_GTPU_DL_DATA, .session = seid, .pdr = 3, .dscp = 46
	};
	struct sx_session_modification_request *m = change();

	(void)state;
	m->n_create_bar = 1;
	m->create_bar[0] =
		(struct sx_create_bar){ .has_id = true, .id = 3, .has_delay = true, .delay = 2 };
	modify(seid, SX_ACCEPTED);
	assert_int_equal(kernel(seid)->bar.delay_ms, 100);
	upf_on_event(&upf, &e);
	take(SX_SESSION_REPORT_REQUEST);
	assert_int_equal(got.session_report_request.dl_data.pdr_id[0], 2);
	assert_int_equal(got.session_report_request.dl_data.service[0].ppi, 46);
	sx_init(SX_SESSION_REPORT_RESPONSE, &msg);
	msg.session_report_response.has_cause = true;
	msg.session_report_response.cause = SX_ACCEPTED;
	msg.session_report_response.n_update_bar = 1;
	msg.session_report_response.update_bar[0] =
		(struct sx_report_bar){ .has_id = true,
					.id = 3,
					.has_duration = true,
					.duration = { .unit = 0, .value = 5 },
					.has_dl_packets = true,
					.dl_packets = { .v = 20, .octets = 1 } };
	put_from(&cp, SX_SESSION_REPORT_RESPONSE, seid, sent[n_seen - 1].h.seq);
	assert_int_equal(kernel(seid)->bar.timeout_ms, 10000);
	assert_int_equal(kernel(seid)->bar.packets, 20);
	e = (struct knl_gtpu_event){ .kind = KNL_GTPU_ERROR_INDICATION,
				     .session = seid,
				     .far = 3,
				     .teid = 0x77,
				     .peer = { .addr = { .family = AF_INET } } };
	upf_on_event(&upf, &e);
	take(SX_SESSION_REPORT_REQUEST);
	assert_true(got.session_report_request.type.erir);
	assert_int_equal(got.session_report_request.error_indication.fteid[0].teid, 0x77);
	answer_report(SX_ACCEPTED);
	e.kind = KNL_GTPU_IDLE;
	upf_on_event(&upf, &e);
	take(SX_SESSION_REPORT_REQUEST);
	assert_true(got.session_report_request.type.upir);
	/* the CP function knows nothing of it: it goes */
	answer_report(SX_SESSION_NOT_FOUND);
	assert_int_equal(mk.n, 0);
	assert_int_equal(upf.n_sessions, 0);
	none();
}

/* --- restart --- */

static void test_restart(void **state)
{
	uint64_t seid = establish(0x42, 0x0a2d0001), other;
	uint32_t ts = upf.recovery_ts, teid = kpdr(kernel(seid), 1)->teid;
	struct sx_session_modification_request *m;
	const struct sx_usage_report *r;
	struct upf_session *s;

	(void)state;
	m = change();
	m->n_create_bar = 1;
	m->create_bar[0] = (struct sx_create_bar){ .has_id = true, .id = 3 };
	modify(seid, SX_ACCEPTED);
	count(seid, 1000, 0);
	usage_event(seid, KNL_VOLTH, false);
	assert_int_equal(reported()->seqn, 0);
	answer_report(SX_ACCEPTED);
	other = establish(0x44, 0x0a2d0002);
	none();
	upf_end(); /* as by kill -9: nothing is done at the end */
	count(seid, 0, 2000);
	usage_event(seid, KNL_VOLTH, true);
	loop_advance(loop, 60 * USEC_PER_SEC);
	open_upf(true);
	assert_int_equal(upf.recovery_ts, ts);
	assert_int_equal(upf.n_sessions, 2);
	assert_int_equal(upf.teids.n, 2);
	r = reported(); /* what nobody heard */
	assert_int_equal(sent[n_seen - 1].h.id, 0x42);
	assert_true(r->trigger.volth && r->seqn == 1 && r->volume.total == 2000);
	answer_report(SX_ACCEPTED);
	none();
	s = upf_session_find(&upf, seid);
	assert_true(s->has_bar && s->bar == 3 && s->cp_seid == 0x42 && s->has_ue4);
	assert_string_equal(s->subscriber, "001010000000001");
	assert_int_equal(upf.pools[0].taken4, 2);
	m = change();
	m->n_create_pdr = 1;
	m->create_pdr[0] = (struct sx_create_pdr){
		.has_id = true,
		.id = 7,
		.has_precedence = true,
		.has_far_id = true,
		.far_id = 1,
		.has_pdi = true,
		.pdi = { .has_source = true,
			 .has_fteid = true,
			 .fteid = { .v4 = true, .teid = teid, .ip4 = upf.gtpu4 } },
		.has_removal = true
	};
	modify(seid, SX_ACCEPTED); /* it knows the TEID as the session's */
	delete (seid, SX_ACCEPTED);
	r = &got.session_deletion_response.usage_report[0];
	assert_true(r->seqn == 2 && r->volume.total == 0);
	delete (other, SX_ACCEPTED);
	assert_int_equal(mk.n, 0);
	/* the kernel has lost all: a new time stamp, no association */
	establish(0x45, 0x0a2d0003);
	upf_end();
	loop_advance(loop, USEC_PER_SEC);
	open_upf(false);
	assert_int_not_equal(upf.recovery_ts, ts);
	assert_null(upf.nodes);
	assert_int_equal(upf.n_sessions + mk.n, 0);
}

/* Peers compare for equality: a stamp of the same second, or of a clock that was set back, would hide the loss. */
static void test_restart_at_once(void **state)
{
	uint32_t ts = upf.recovery_ts;

	(void)state;
	for (uint32_t n = 1; n <= 3; n++) {
		upf_end();
		open_upf(false);
		assert_int_equal(upf.recovery_ts, ts + n);
		associate_as(&cp, 1000, false);
		none();
	}
}

static void test_label(void **state)
{
	static struct upf_node node = { .index = 17 };
	struct upf_session s = { .node = &node,
				 .cp_seid = 0x123456789abcdef0,
				 .own_ue6 = true,
				 .has_bar = true,
				 .bar = 255,
				 .created = 0xe1234567,
				 .subscriber = "001010000000001" },
			   r;
	struct upf_csid q = { .node_type = 1, .role = 2, .csid = 0xfffe, .node = { 0xfd, 1 } };
	char text[UPF_LABEL_MAX + 1], again[UPF_LABEL_MAX + 1];
	uint32_t n;

	(void)state;
	inet_pton(AF_INET6, "fd46::5", &s.cp);
	upf_csid_add(&s, &q);
	for (uint32_t i = 0; i < 20; i++)
		*upf_urr_get(&s, i, true) =
			(struct upf_urr){ .id = i, .seqn = 3, .ul = 1ull << 40, .start = 5 };
	upf_label_write(&s, text);
	memset(&r, 0, sizeof(r));
	assert_int_equal(upf_label_read(&r, text, &n), 0);
	assert_int_equal(n, 17);
	assert_true(r.n_urrs > 1 && r.n_urrs < 20 && r.urrs[1].ul == 1ull << 40);
	r.node = &node;
	upf_label_write(&r, again);
	assert_string_equal(text, again);
	assert_memory_equal(&r.cp, &s.cp, 16);
	/* cut and flipped anywhere: an error or a session, and nothing outside */
	for (size_t i = 0; i < strlen(text); i++) {
		struct upf_session x = { 0 };
		char cut[UPF_LABEL_MAX + 1];

		memcpy(cut, text, sizeof(cut));
		cut[i] ^= 5;
		upf_label_read(&x, cut, &n);
		free(x.urrs);
		free(x.csids);
		memset(&x, 0, sizeof(x));
		cut[i] = '\0';
		upf_label_read(&x, cut, &n);
		free(x.urrs);
		free(x.csids);
	}
	assert_int_equal(upf_label_read(&(struct upf_session){ 0 }, "somebody else's", &n),
			 -EBADMSG);
	free(s.urrs);
	free(s.csids);
	free(r.urrs);
	free(r.csids);
}

static bool reads(const char *text, struct upf_session *ret)
{
	uint32_t n;

	memset(ret, 0, sizeof(*ret));
	return !upf_label_read(ret, text, &n);
}

/* The largest values of everything: all is there after a restart; of the URRs those that fit. */
static void test_longest_label(void **state)
{
	static struct upf_node node = { .index = UINT32_MAX };
	struct upf_session s = { .node = &node,
				 .cp_seid = UINT64_MAX,
				 .own_ue4 = true,
				 .own_ue6 = true,
				 .has_bar = true,
				 .bar = 255,
				 .created = UINT32_MAX },
			   r;
	char text[2 * UPF_LABEL_MAX], again[UPF_LABEL_MAX + 1];

	(void)state;
	memset(s.subscriber, 'x', sizeof(s.subscriber) - 1);
	memset(&s.cp, 0xff, sizeof(s.cp));
	for (uint8_t i = 0; i < UPF_CSIDS_MAX; i++) {
		struct upf_csid q = { .node_type = 1, .role = 15, .csid = UINT16_MAX - i };

		memset(q.node, 0xff - i, sizeof(q.node));
		assert_int_equal(upf_csid_add(&s, &q), 0);
	}
	for (int urrs = 0; urrs < 2; urrs++) {
		memset(text, 'y', sizeof(text));
		upf_label_write(&s, text);
		assert_true(strlen(text) <= UPF_LABEL_MAX);
		assert_int_equal(text[UPF_LABEL_MAX + 1], 'y');
		assert_true(reads(text, &r));
		assert_int_equal(r.n_csids, UPF_CSIDS_MAX);
		assert_memory_equal(r.csids, s.csids, UPF_CSIDS_MAX * sizeof(*s.csids));
		assert_string_equal(r.subscriber, s.subscriber);
		assert_true(r.own_ue4 && r.own_ue6 && r.bar == 255 && r.cp_seid == UINT64_MAX);
		assert_int_equal(r.n_urrs, urrs);
		r.node = &node;
		upf_label_write(&r, again);
		assert_string_equal(text, again);
		free(r.csids);
		free(r.urrs);
		*upf_urr_get(&s, 1, true) = (struct upf_urr){ .id = 1, .seqn = 2, .ul = 3 };
		*upf_urr_get(&s, 2, true) = (struct upf_urr){ .id = UINT32_MAX, .ul = UINT64_MAX };
	}
	free(s.csids);
	free(s.urrs);
}

static void test_label_csids(void **state)
{
	static struct upf_node node = { .index = 17 };
	static const struct upf_csid is[] = {
		{ .node_type = 0, .role = 2, .csid = 0x17, .node = { 10, 46, 0, 5 } },
		{ .node_type = 1, .role = 3, .csid = 0xfffe, .node = { 0xfd, 1 } },
		{ .node_type = 2, .role = 1, .csid = 1, .node = { 0, 0x10, 0x12, 0x34 } },
	};
	static const char *const wrong[] = { "f",
					     "f0",
					     "f00000",
					     "f0000000000p",
					     "f000000000",

					     "f00000000000",
					     "f@0000000000",
					     "f000000000000000000000000000000",
					     "f00 0000000000" };
	struct upf_session s = { .node = &node }, r;
	char text[UPF_LABEL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(is); i++)
		upf_csid_add(&s, &is[i]);
	upf_label_write(&s, text);
	assert_non_null(strstr(text, " f0P0G2Rh01@ "));
	assert_true(reads(text, &r));
	assert_memory_equal(r.csids, is, sizeof(is));
	free(r.csids);
	free(s.csids);
	/* as a former version wrote them */
	assert_true(reads("- v1 n11 c0@00000000 t0 q2.00a2e0005.17 "
			  "q3.1fd010000000000000000000000000000.fffe q1.200101234.1",
			  &r));
	assert_int_equal(r.n_csids, ARRAY_SIZE(is));
	assert_memory_equal(r.csids, is, sizeof(is));
	free(r.csids);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), "- v1 n11 c0@00000000 t0 %s", wrong[i]);
		if (reads(text, &r))
			fail_msg("%s was taken", wrong[i]);
		free(r.csids);
	}
	assert_false(
		reads("- v1 n1 f0000000000 f0000000000 f0000000000 f0000000000 f0000000000", &r));
	assert_int_equal(r.n_csids, UPF_CSIDS_MAX);
	free(r.csids);
}

/* Silence: sessions stay as long as they may. Overload is told, a full UPF refuses. */
static void test_silence(void **state)
{
	const struct sx_session_establishment_response *r;

	(void)state;
	upf.lost_s = 100;
	upf.max_sessions = 2;
	upf.nodes->features.ovrl = true;
	establish(1, 0x0a2d0001);
	ordinary(2, 0x0a2d0002);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	r = established(SX_ACCEPTED);
	assert_true(r->has_load && r->load.load == 100 && r->has_overload && r->overload.reduction);
	ordinary(3, 0x0a2d0003);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	established(SX_NO_RESOURCES);
	for (int i = 0; i < 60; i++) /* heartbeats are not answered */
		loop_advance(loop, USEC_PER_SEC);
	assert_int_equal(upf.n_sessions, 2);
	for (int i = 0; i < 80; i++)
		loop_advance(loop, USEC_PER_SEC);
	assert_int_equal(upf.n_sessions + mk.n, 0);
}

static void test_leave(void **state)
{
	(void)state;
	establish(1, 0x0a2d0001);
	none();
	upf_release_all(&upf, 20);
	take(SX_ASSOCIATION_UPDATE_REQUEST);
	assert_true(got.association_update_request.release.sarr);
	assert_true(got.association_update_request.has_graceful);
	ordinary(2, 0x0a2d0002);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	established(SX_NO_RESOURCES);
	assert_int_equal(upf.n_sessions, 1);
	sx_init(SX_ASSOCIATION_RELEASE_REQUEST, &msg);
	msg.association_release_request.has_node_id = true;
	msg.association_release_request.node_id =
		(struct sx_node_id){ .ip4.s_addr = htonl(0x0a2e0005) };
	put(SX_ASSOCIATION_RELEASE_REQUEST, 0);
	take(SX_ASSOCIATION_RELEASE_RESPONSE);
	assert_int_equal(mk.n, 0);
	/* and nobody is taken any more */
	sx_init(SX_ASSOCIATION_SETUP_REQUEST, &msg);
	msg.association_setup_request.has_node_id = msg.association_setup_request.has_recovery_ts =
		true;
	put(SX_ASSOCIATION_SETUP_REQUEST, 0);
	take(SX_ASSOCIATION_SETUP_RESPONSE);
	assert_int_equal(got.association_setup_response.cause, SX_NO_RESOURCES);
}

/* A CP function of the configuration: asked until it answers, and again when it has restarted. */
static void test_configured(void **state)
{
	struct sx_association_setup_response *m = &msg.association_setup_response;
	char err[200];

	(void)state;
	assert_int_equal(upf_cps_parse(&upf, "nonsense", err, sizeof(err)), -EINVAL);
	assert_int_equal(upf_cps_parse(&upf, " 10.46.0.15 ", err, sizeof(err)), 0);
	loop_advance(loop, USEC_PER_SEC);
	take(SX_ASSOCIATION_SETUP_REQUEST);
	assert_true(got.association_setup_request.up_features.ftup);
	sx_init(SX_ASSOCIATION_SETUP_RESPONSE, m);
	m->has_node_id = m->has_cause = m->has_recovery_ts = m->has_cp_features = true;
	m->node_id = (struct sx_node_id){ .ip4.s_addr = htonl(0x0a2e000f) };
	m->cause = SX_REJECTED;
	m->recovery_ts = 5;
	m->cp_features.load = true;
	put_from(&cp2, SX_ASSOCIATION_SETUP_RESPONSE, 0, sent[n_seen - 1].h.seq);
	none();
	loop_advance(loop, 6 * USEC_PER_SEC);
	take(SX_ASSOCIATION_SETUP_REQUEST);
	m->cause = SX_ACCEPTED;
	put_from(&cp2, SX_ASSOCIATION_SETUP_RESPONSE, 0, sent[n_seen - 1].h.seq);
	assert_non_null(pfcp_peer_by_addr(upf.pfcp, &cp2));
	assert_true(upf.nodes->up && upf.nodes->features.load);
	loop_advance(loop, 6 * USEC_PER_SEC);
	none();
}

/* --- what the kernel asks of --- */

static uint8_t gtpu_sent[512];
static size_t n_gtpu_sent;

static void on_gtpu(struct upf *u, const struct knl_end *peer, const void *p, size_t n)
{
	(void)u;
	assert_int_equal(peer->addr.v4.s_addr, htonl(0x0a2f0001));
	memcpy(gtpu_sent, p, n);
	n_gtpu_sent = n;
}

static void test_router_advertisement(void **state)
{
	struct sx_session_establishment_request *m;
	uint8_t rs[48] = { 0x60,     [5] = 8,	  [6] = 58, [7] = 255, [8] = 0xfe, [9] = 0x80,
			   [23] = 9, [24] = 0xff, [25] = 2, [39] = 2,  [40] = 133 };
	struct knl_nfq_packet p = { .uplink = true, .inner = rs, .inner_len = sizeof(rs) };
	struct mk_session *k;
	uint64_t seid;

	(void)state;
	upf.queue = true;
	upf.ra_mtu = 1400;
	upf.send_gtpu = on_gtpu;
	m = ordinary(1, 0x0a2d0001);
	m->create_pdr[0].pdi.fteid.v6 = true;
	m->create_pdr[1].pdi.ue_ip.v6 = true;
	inet_pton(AF_INET6, "fd45:0:0:7::9", &m->create_pdr[1].pdi.ue_ip.ip6);
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	seid = established(SX_ACCEPTED)->up_fseid.seid;
	k = kernel(seid);
	assert_int_equal(k->n_pdrs, 5); /* two by address, one twin, and two of our own */
	assert_true(kpdr(k, UPF_RA - 1)->any_source);
	p.teid = kpdr(k, UPF_RA - 1)->teid;
	assert_int_equal(upf_on_packet(&upf, &p), KNL_NFQ_DROP);
	assert_int_equal(n_gtpu_sent, 8 + 40 + 16 + 32 + 8);
	assert_memory_equal(gtpu_sent, "\x30\xff\x00\x60\x00\x00\x00\x77", 8);
	assert_memory_equal(gtpu_sent + 8 + 24, rs + 8, 16);
	assert_memory_equal(gtpu_sent + 8 + 40 + 16 + 16, "\xfd\x45\0\0\0\0\0\x07\0\0", 10);
	rs[7] = 254; /* through a router */
	upf_on_packet(&upf, &p);
	/* the CP function takes them itself: ours go */
	change()->n_create_far = 1;
	msg.session_modification_request.create_far[0] =
		(struct sx_create_far){ .has_id = true,
					.id = 9,
					.has_action = true,
					.action.forw = true,
					.has_forwarding = true,
					.forwarding = { .has_destination = true,
							.destination = SX_CP_FUNCTION } };
	modify(seid, SX_ACCEPTED);
	assert_int_equal(kernel(seid)->n_pdrs, 3);
	delete (seid, SX_ACCEPTED);
	assert_int_equal(upf.by_ue4.n + upf.by_ue6.n + upf.teids.n, 0);
}

static void put_pfds(void)
{
	struct sx_pfd_management_request *m = &msg.pfd_management_request;
	struct sx_application_pfds *a;

	sx_init(SX_PFD_MANAGEMENT_REQUEST, m);
	m->n_application = 2;
	a = &m->application[0];
	memset(a, 0, 2 * sizeof(*a));
	a[0].has_application_id = a[1].has_application_id = true;
	a[0].application_id = STR("video");
	a[0].n_context = 1;
	a[0].context[0].n_pfd = 2;
	a[0].context[0].pfd[0] = (struct sx_pfd){ .domain = STR("example.com") };
	a[0].context[0].pfd[1] = (struct sx_pfd){ .url = STR("http://news.example.net/live/") };
	a[1].application_id = STR("maps");
	a[1].n_context = 1;
	a[1].context[0].n_pfd = 1;
	a[1].context[0].pfd[0] =
		(struct sx_pfd){ .flow = STR("permit out 6 from 203.0.113.0/25 443 to assigned") };
	put(SX_PFD_MANAGEMENT_REQUEST, 0);
	take(SX_PFD_MANAGEMENT_RESPONSE);
	assert_int_equal(got.pfd_management_response.cause, SX_ACCEPTED);
}

/* A hello of TLS 1.2 with this server name. */
static size_t client_hello(const char *name, uint8_t *p)
{
	size_t n = strlen(name), at = 0;
	const uint8_t head[] = { 22,
				 3,
				 1,
				 0,
				 (uint8_t)(4 + 34 + 1 + 4 + 2 + 2 + 9 + n),
				 1,
				 0,
				 0,
				 (uint8_t)(34 + 1 + 4 + 2 + 2 + 9 + n),
				 3,
				 3 };
	const uint8_t tail[] = { 0,
				 0,
				 2,
				 0x13,
				 1,
				 1,
				 0,
				 0,
				 (uint8_t)(9 + n),
				 0,
				 0,
				 0,
				 (uint8_t)(5 + n),
				 0,
				 (uint8_t)(3 + n),
				 0,
				 0,
				 (uint8_t)n };

	memcpy(p, head, sizeof(head));
	at = sizeof(head);
	memset(p + at, 7, 32);
	at += 32;
	memcpy(p + at, tail, sizeof(tail));
	at += sizeof(tail);
	memcpy(p + at, name, n);
	return at + n;
}

static const char *found(const char *payload, size_t n, uint8_t protocol, uint16_t port)
{
	struct knl_app_flow f = { .protocol = protocol,
				  .remote = { { .family = AF_INET }, port },
				  .ue = { { .family = AF_INET }, 4000 } };
	uint8_t *exact = malloc(n ? n : 1); /* for ASan */
	struct upf_name name;
	enum upf_name_kind kind;
	const char *app;

	memcpy(exact, payload, n);
	f.remote.addr.v4.s_addr = htonl(port == 443 && !n ? 0xcb007105 : 0x01010101);
	kind = upf_name_find(exact, n, protocol, port, &name);
	app = upf_app_name(&upf, upf_pfd_match(&upf, &f, kind, &name));
	free(exact);
	return app ? app : kind == UPF_NAME_MORE ? "more" : "none";
}

static void test_applications(void **state)
{
	static const char get[] =
		"GET /live/1 HTTP/1.1\r\nAccept: */*\r\nHost: news.example.net:80\r\n\r\n";
	static const char other[] = "GET /old HTTP/1.1\r\nHost: news.example.net\r\n\r\n";
	static const char query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\3WWW\7example\3com\0\0\1\0\1";
	uint8_t hello[256];
	size_t n = client_hello("a.b.Example.com", hello);

	(void)state;
	put_pfds();
	assert_string_equal(found((char *)hello, n, IPPROTO_TCP, 443), "video");
	assert_string_equal(found((char *)hello, n - 1, IPPROTO_TCP, 443), "more");
	assert_string_equal(found("", 0, IPPROTO_TCP, 443), "maps");
	assert_string_equal(found("", 0, IPPROTO_TCP, 80), "more");
	assert_string_equal(found(get, sizeof(get) - 1, IPPROTO_TCP, 80), "video");
	assert_string_equal(found(other, sizeof(other) - 1, IPPROTO_TCP, 80), "none");
	assert_string_equal(found(query, sizeof(query) - 1, IPPROTO_UDP, 53), "video");
	n = client_hello("notexample.com", hello);
	assert_string_equal(found((char *)hello, n, IPPROTO_TCP, 443), "none");
	for (size_t cut = 0; cut < n; cut++) { /* cut and changed anywhere */
		found((char *)hello, cut, IPPROTO_TCP, 443);
		hello[cut] ^= 0xff;
		found((char *)hello, n, IPPROTO_TCP, 443);
		hello[cut] ^= 0xff;
	}
	for (size_t cut = 0; cut < sizeof(query); cut++)
		found(query, cut, IPPROTO_UDP, 53);
	for (size_t cut = 0; cut < sizeof(get); cut++)
		found(get, cut, IPPROTO_TCP, 80);
	/* they are there after a restart */
	upf_end();
	open_upf(true);
	assert_string_equal(found(get, sizeof(get) - 1, IPPROTO_TCP, 80), "video");
	assert_string_equal(found("", 0, IPPROTO_TCP, 443), "maps");
}

/* Found, told to the kernel, and named in the report of its start. */
static void test_application_start(void **state)
{
	struct sx_session_establishment_request *m = ordinary(1, 0x0a2d0001);
	struct knl_nfq_packet p = { .uplink = true,
				    .flow = { .protocol = IPPROTO_TCP,
					      .ue = { { .family = AF_INET }, 4000 },
					      .remote = { { .family = AF_INET }, 443 } } };
	const struct sx_usage_report *r;
	uint8_t hello[256];
	uint64_t seid;

	(void)state;
	m->create_pdr[0].pdi.has_application_id = true;
	m->create_pdr[0].pdi.application_id = STR("video");
	put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
	seid = established(SX_ACCEPTED)->up_fseid.seid;
	assert_int_equal(kpdr(kernel(seid), 1)->app_queue, 100);
	put_pfds();
	p.teid = kpdr(kernel(seid), 1)->teid;
	assert_int_equal(upf_on_packet(&upf, &p), KNL_NFQ_UNDECIDED);
	p.payload = hello;
	p.payload_len = client_hello("example.com", hello);
	assert_int_equal(upf_on_packet(&upf, &p), KNL_NFQ_AGAIN);
	usage_event(seid, KNL_START, false);
	r = reported();
	assert_true(r->trigger.start && r->has_application && r->application.has_flow);
	assert_true(str_eqz(r->application.application_id, "video"));
	answer_report(SX_ACCEPTED);
	p.uplink = false;
	p.flow.ue.addr.v4.s_addr = htonl(0x0a2d0001);
	assert_int_equal(upf_on_packet(&upf, &p), KNL_NFQ_AGAIN);
	p.flow.ue.addr.v4.s_addr = htonl(0x0a2d0002);
	assert_int_equal(upf_on_packet(&upf, &p), KNL_NFQ_UNDECIDED);
}

/* --- session sets, peers that restart --- */

static void test_sets(void **state)
{
	struct sx_session_set_deletion_request *d = &msg.session_set_deletion_request;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		struct sx_session_establishment_request *m = ordinary(i + 1, 0x0a2d0001 + i);

		m->n_csid = 1;
		m->csid[0] = (struct sx_fq_csid){ .node_type = 0,
						  .node = { 10, 46, 0, 5 },
						  .n = 1,
						  .csid = { (uint16_t)(i % 2) } };
		put(SX_SESSION_ESTABLISHMENT_REQUEST, 0);
		established(SX_ACCEPTED);
	}
	sx_init(SX_SESSION_SET_DELETION_REQUEST, d);
	d->has_node_id = true;
	d->node_id = (struct sx_node_id){ .ip4.s_addr = htonl(0x0a2e0005) };
	d->n_csid = 1;
	d->csid[0] = (struct sx_fq_csid){
		.node_type = 0, .node = { 10, 46, 0, 5 }, .n = 1, .csid = { 1 }
	};
	put(SX_SESSION_SET_DELETION_REQUEST, 0);
	take(SX_SESSION_SET_DELETION_RESPONSE);
	assert_int_equal(mk.n, 2);
	sx_init(SX_HEARTBEAT_REQUEST, &msg);
	msg.heartbeat_request.has_recovery_ts = true;
	msg.heartbeat_request.recovery_ts = 1001; /* it had 1000 */
	put(SX_HEARTBEAT_REQUEST, 0);
	assert_int_equal(mk.n, 0);
	assert_int_equal(upf.n_sessions, 0);
}

/* --- cycles --- */

static void one_cycle(uint32_t i)
{
	uint64_t seid = establish(i + 1, 0x0a2d0001 + i % 1000);
	struct sx_session_modification_request *m = change();

	m->n_create_pdr = 1;
	m->create_pdr[0] =
		(struct sx_create_pdr){ .has_id = true,
					.id = 3,
					.has_precedence = true,
					.has_far_id = true,
					.far_id = 1,
					.has_pdi = true,
					.has_removal = true,
					.n_urr_id = 1,
					.urr_id = { 2 },
					.pdi = { .has_source = true,
						 .has_fteid = true,
						 .fteid = { .ch = true, .v4 = true, .v6 = true },
						 .has_ue_ip = true,
						 .ue_ip = { .chv6 = true } } };
	m->n_create_urr = 1;
	m->create_urr[0] = (struct sx_create_urr){
		.has_id = true, .id = 2, .has_method = true, .has_triggers = true
	};
	modify(seid, SX_ACCEPTED);
	count(seid, 100, 100);
	usage_event(seid, KNL_VOLTH, false);
	reported();
	answer_report(SX_ACCEPTED);
	delete (seid, SX_ACCEPTED);
	n_sent = n_seen = 0;
}

static void test_cycles(void **state)
{
	size_t before = 0;

	(void)state;
	keep = false;
	for (uint32_t i = 0; i < 10000; i++) {
		one_cycle(i);
		loop_advance(loop, 20000);
		if (i == 5000)
			before = mallinfo2().uordblks;
	}
	loop_advance(loop, 30 * USEC_PER_SEC);
	assert_int_equal(mk.n + upf.n_sessions + upf.teids.n, 0);
	assert_true(pfcp_calls(upf.pfcp) <= 1); /* a heartbeat */
	assert_int_equal(upf.pools[0].taken4 + upf.pools[0].taken6, 0);
	assert_null(upf.reports);
	assert_true(mallinfo2().uordblks <= before + 65536);
}

/* At most 6 kB of memory per session. */
static void test_memory(void **state)
{
	size_t before = mallinfo2().uordblks, mock;

	(void)state;
	keep = mk_check_ue = false;
	for (uint32_t i = 0; i < 2000; i++)
		establish(i + 1, 0x0a2d0001 + i);
	n_sent = n_seen = 0;
	loop_advance(loop, 60 * USEC_PER_SEC); /* answers that are kept for repetitions */
	mock = 2000 * (sizeof(struct mk_session) + 64);
	if (mallinfo2().uordblks) /* not under ASan, which has no mallinfo */
		assert_true(mallinfo2().uordblks - before - mock < 2000 * 6000);
	n_sent = n_seen = 0;
}

/* --- the fuzzer's seeds --- */

static void replay(const char *folder)
{
	static uint8_t data[65536];
	char path[512];
	struct dirent *d;
	DIR *dir = opendir(folder);

	while (dir && (d = readdir(dir))) {
		FILE *f;

		if (*d->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
		f = fopen(path, "re");
		assert_non_null(f);
		fuzz_upf(data, fread(data, 1, sizeof(data), f));
		fclose(f);
	}
	if (dir)
		closedir(dir);
}

static void test_seeds(void **state)
{
	(void)state;
	replay("tests/fuzz/seeds/upf");
	replay("tests/fuzz/seeds/pfcp");
	upf_end();
	mk_close();
	loop_free(fuzz_loop);
}

/* --- second readers --- */

static void test_tshark(void **state)
{
	char cmd[900], out[4096] = "", path[96];
	FILE *f;
	size_t n;

	(void)state;
	fflush(hex);
	snprintf(path, sizeof(path), "/tmp/kims-upf-hex-%d", (int)getpid());
	if (system("command -v tshark text2pcap >/dev/null 2>&1"))
		skip();
	snprintf(
		cmd, sizeof(cmd),
		"text2pcap -q -u 8805,8805 %s %s.pcap >/dev/null 2>&1; tshark -n -r %s.pcap -Y '_ws.malformed || "
		"_ws.expert.severity >= 6291456' -T fields -e frame.number -e _ws.expert.message 2>/dev/null; "
		"tshark -n -r %s.pcap -Y '!pfcp' 2>/dev/null; rm -f %s.pcap",
		path, path, path, path, path);
	f = popen(cmd, "re");
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	pclose(f);
	assert_string_equal(out, "");
}

static int group_setup(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/kims-upf-hex-%d", (int)getpid());
	hex = fopen(path, "w");
	return hex ? 0 : -1;
}

static int group_teardown(void **state)
{
	char path[96];

	(void)state;
	fclose(hex);
	snprintf(path, sizeof(path), "/tmp/kims-upf-hex-%d", (int)getpid());
	unlink(path);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_association),
		T(test_session),
		T(test_dedicated),
		T(test_choose),
		T(test_refusals),
		T(test_refused_change),
		T(test_batch),
		T(test_again),
		T(test_address_again),
		T(test_usage),
		T(test_quota),
		T(test_events),
		T(test_restart),
		T(test_restart_at_once),
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_longest_label),
		cmocka_unit_test(test_label_csids),
		T(test_silence),
		T(test_leave),
		T(test_configured),
		T(test_router_advertisement),
		T(test_applications),
		T(test_application_start),
		T(test_sets),
		T(test_cycles),
		T(test_memory),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_tshark),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
