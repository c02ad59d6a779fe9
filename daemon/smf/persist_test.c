// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process is killed and starts again: PDN connections with all that belongs to them are there, what was under
 * way ends consistently at the SGW, the PCRF and the UPF; the restart counter says whether something was lost.
 */
#include "lib/core/log.h"
#include "smf/smf_mock.h"

static char dir[64], db[80], counter_file[96];

static void start(void)
{
	struct gtpc_conf c = { .send = mock_send };
	struct smf *s = &mock.smf;
	char err[256] = "";

	if (smf_init(s, mock.loop, mock.conf, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(store_open(mock.loop, db, &s->store), 0);
	assert_int_equal(smf_persist_counter(s, counter_file), 0);
	c.restart_counter = s->restart_counter;
	assert_int_equal(gtpc_open(mock.loop, &c, &smf_s5_ops, s, &s->gtpc), 0);
	assert_true(smf_persist_load(s) >= 0);
	smf_persist_resume(s);
}

/* What the last round did not write is lost. */
static void crash(void)
{
	struct store *st = mock.smf.store;

	mock.smf.store = NULL;
	mock.smf.dirty = NULL;
	mock_close_smf();
	store_close(st);
	mock.seen = mock.n_sent;
}

static void forget_db(void)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "rm -f %s %s-*", db, db);
	assert_int_equal(system(cmd), 0);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/kims-smf-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(db, sizeof(db), "%s/smf.db", dir);
	snprintf(counter_file, sizeof(counter_file), "%s.restarts", db);
	mock_setup();
	mock_close_smf();
	start();
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	crash();
	conf_free(mock.conf);
	loop_free(mock.loop);
	free(mock.sent);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

static struct smf_rule *add_rule(struct smf_pdn *p, const char *name, struct smf_bearer *b)
{
	struct smf_rule *r = mock_rule(p, name, 20000);
	struct smf_flow *f = &r->flow[0];

	r->bearer = b;
	r->state = SMF_RULE_ACTIVE;
	r->told = true;
	r->gate_dl = false;
	f->n_filter = 1;
	f->filter_id[0] = 3;
	f->filter_precedence[0] = 9;
	return r;
}

static struct smf_bearer *add_bearer(struct smf_pdn *p)
{
	struct smf_bearer *b = smf_bearer_new(p);

	b->ebi = 6;
	b->state = SMF_BEARER_ACTIVE;
	b->qos =
		(struct smf_qos){ .qci = 1, .arp = { 2, true, false }, 64000, 64000, 64000, 64000 };
	b->peer = mock_fteid(S5_IF_S5U_SGW, 0xabc, MOCK_SGW);
	b->local = mock_fteid(S5_IF_S5U_PGW, 0xdef, 0x0a2e0006);
	b->filters = 1 << 3;
	return b;
}

static void test_kept(void **state)
{
	struct smf_pdn *p = mock_attach(1, "ims"), *q;
	uint32_t teid = p->teid, charging = p->bearers->charging_id, since;
	struct in6_addr v6 = p->v6;
	struct in_addr v4 = p->v4;
	uint8_t counter = mock.smf.restart_counter;
	struct smf_bearer *b = add_bearer(p);
	struct smf_monitor *m = calloc(1, sizeof(*m));

	(void)state;
	since = (uint32_t)(mock.smf.since / USEC_PER_SEC);
	add_rule(p, "voice up", b);
	str_copy(m->key, sizeof(m->key), STR("all"));
	m->urr_id = 5;
	m->total = 1 << 30;
	p->monitors = m;
	p->filter_hash[3] = 0xfeedface;
	smf_pdn_changed(p);
	mock_ms(10);
	crash();
	mock_ms(5000);
	start();
	assert_int_equal(mock.smf.restart_counter, counter);
	assert_int_equal(mock.smf.since / USEC_PER_SEC, since);
	p = smf_pdn_by_teid(&mock.smf, teid);
	assert_non_null(p);
	assert_string_equal(p->name, "001010000000001/ims");
	assert_string_equal(p->msisdn, "15550000001");
	assert_ptr_equal(smf_pdn_by_v4(&mock.smf, v4), p);
	assert_memory_equal(&p->v6, &v6, 16);
	assert_int_equal(p->fsm.state, SMF_PDN_ACTIVE);
	assert_int_equal(p->bearers->charging_id, charging);
	assert_int_equal(p->bearers->peer.teid, 1001);
	assert_int_equal(p->has_time_zone && p->time_zone.quarters, 1);
	assert_string_equal(p->serving.mnc, "01");
	assert_int_equal(p->n_uli, 13);
	b = smf_bearer_by_ebi(p, 6);
	assert_non_null(b);
	assert_int_equal(b->local.teid, 0xdef);
	assert_int_equal(b->qos.gbr_dl, 64000);
	assert_non_null(p->rules);
	assert_string_equal(p->rules->name, "voice up");
	assert_ptr_equal(p->rules->bearer, b);
	assert_true(p->rules->gate_ul && !p->rules->gate_dl && p->rules->told);
	assert_int_equal(p->rules->n_flow, 1);
	assert_int_equal(p->rules->flow[0].filter_id[0], 3);
	assert_int_equal(p->rules->flow[0].filter.proto, 17);
	assert_int_equal(p->filter_hash[3], 0xfeedface);
	assert_string_equal(p->monitors->key, "all");
	q = mock_attach(2, "ims"); /* neither its TEID nor its address is given away again */
	assert_int_not_equal(q->teid, teid);
	assert_int_not_equal(q->v4.s_addr, v4.s_addr);
	mock_detach(q);
	smf_bearer_free(b);
	smf_rule_free(p, p->rules);
	mock_detach(p);
	mock_empty();
	crash();
	start();
	mock_empty();
}

/* In each state of the machine. */
static void test_under_way(void **state)
{
	struct smf_pdn *p;
	uint32_t released;

	(void)state;
	p = mock_attach(4, "ims");
	released = p->teid;
	mock.gx.silent = true;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(1, "ims"));
	mock_ms(20);
	mock.gx.silent = false;
	mock.n4.silent = true;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(2, "ims"));
	mock_ms(20);
	smf_pdn_release(p, S5_REACTIVATION_REQUESTED); /* no answer yet */
	mock_ms(1);
	crash();
	mock.n4.silent = false;
	assert_int_equal(mock.gx.remote, 3);
	assert_int_equal(mock.n4.remote, 2);
	start();
	mock_take(S5_DELETE_BEARER_REQUEST, &(union s5_any){ 0 }); /* once more */
	mock_ms(50);
	assert_int_equal(mock.smf.n_pdns, 1);
	assert_int_equal(mock.gx.remote, 1);
	assert_int_equal(mock.n4.remote, 1);
	assert_ptr_equal(smf_pdn_by_teid(&mock.smf, released), mock.smf.pdns);
	mock_ms(40000);
	mock.seen = mock.n_sent;
	mock_empty();
	mock_attach(1, "ims"); /* the SGW's next try is a request like any other */
	assert_int_equal(mock.smf.n_pdns, 1);
	/* killed while it ends */
	p = mock.smf.pdns;
	mock.n4.silent = true;
	fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
	mock_ms(10);
	crash();
	mock.n4.silent = false;
	start();
	mock_ms(50);
	mock_empty();
}

/* The SGW repeats its request, which the new process has not seen: it gets one connection, not two. */
static void test_retransmitted(void **state)
{
	static uint8_t buf[2048];
	struct tlv_buf b = TLV_BUF(buf);
	uint32_t teid;

	(void)state;
	assert_int_equal(s5_encode(S5_CREATE_SESSION_REQUEST, 0, mock_create(1, "ims"), &b), 0);
	tlv_gtpv2.set_seq(buf, 4711);
	gtpc_input(mock.smf.gtpc, &mock.sgw, buf, b.n);
	mock_ms(50);
	teid = mock_created()->pgw.teid;
	crash();
	start();
	gtpc_input(mock.smf.gtpc, &mock.sgw, buf, b.n);
	mock_ms(50);
	assert_int_not_equal(mock_created()->pgw.teid, teid);
	assert_int_equal(mock.smf.n_pdns, 1);
	assert_int_equal(mock.gx.remote, 1);
	assert_int_equal(mock.n4.remote, 1);
}

static void test_counter(void **state)
{
	uint8_t counter = mock.smf.restart_counter;

	(void)state;
	crash();
	start();
	assert_int_equal(mock.smf.restart_counter, counter);
	crash();
	forget_db();
	start();
	assert_int_equal(mock.smf.restart_counter, (uint8_t)(counter + 1));
	crash();
	remove(counter_file); /* the database knows it */
	start();
	assert_int_equal(mock.smf.restart_counter, (uint8_t)(counter + 1));
}

/* The SGW restarted meanwhile: its first message says so. */
static void test_sgw_restarted(void **state)
{
	struct s5_create_session_request *r = mock_create(1, "ims");

	(void)state;
	r->has_recovery = true;
	r->recovery = 5;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	crash();
	start();
	assert_int_equal(mock.smf.n_pdns, 1);
	r = mock_create(2, "ims");
	r->has_recovery = true;
	r->recovery = 6;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_int_equal(mock.smf.n_pdns, 1);
	assert_string_equal(mock.smf.pdns->imsi, "001010000000002");
}

/* Records cut or changed at every octet: read or dropped, never anything else. */
static void test_broken_records(void **state)
{
	_cleanup_free_ char *v = NULL;
	struct smf_pdn *p = mock_attach(1, "ims");
	char key[16];
	size_t n;

	(void)state;
	snprintf(key, sizeof(key), "%08x", p->teid);
	add_rule(p, "r", add_bearer(p));
	smf_pdn_changed(p);
	mock_ms(10);
	assert_int_equal(store_get(mock.smf.store, "pdn", str_of(key), &v, &n), 0);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *w = malloc(n);

		memcpy(w, v, n);
		if (i % 2)
			w[i] = (char)(w[i] ^ (1 << i % 7));
		store_put(mock.smf.store, "pdn", str_of(key), (struct str){ w, i % 2 ? n : i });
		crash();
		start();
		mock_ms(50);
		mock.gx.remote = mock.n4.remote = 0;
	}
}

/* An APN or a pool that the configuration has no more: the connection ends. */
static void test_other_configuration(void **state)
{
	(void)state;
	mock_attach(1, "ims");
	mock_attach(2, "internet");
	crash();
	free(mock.conf->smf.apns);
	mock.conf->smf.apns = strdup("ims pool=10.99.0.0/16 pool6=fd99::/48");
	start();
	mock_ms(50);
	assert_int_equal(mock.smf.n_pdns, 0);
	assert_int_equal(mock.smf.apns[0].pool4.n_taken + mock.smf.apns[0].pool6.n_taken, 0);
	assert_int_equal(mock.gx.remote + mock.n4.remote, 0);
	mock_attach(1, "ims");
	crash();
	*mock.conf->smf.apns = '\0';
	start(); /* no APN at all */
	assert_int_equal(mock.smf.n_pdns, 0);
}

#define T(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

/* An address that is another subscriber's by the new configuration stays with who has it. */
static void test_reserved_since(void **state)
{
	struct smf_pdn *p = mock_attach(1, "ims");
	uint32_t teid = p->teid;
	struct in_addr v4 = p->v4;
	char text[INET_ADDRSTRLEN], apns[200];

	(void)state;
	inet_ntop(AF_INET, &v4, text, sizeof(text));
	mock_ms(10);
	crash();
	free(mock.conf->smf.apns);
	snprintf(apns, sizeof(apns),
		 "ims pool=10.45.0.0/24 pool6=fd45::/48 static=001010000000009:%s", text);
	mock.conf->smf.apns = strdup(apns);
	start();
	p = smf_pdn_by_teid(&mock.smf, teid);
	assert_non_null(p);
	assert_int_equal(p->fsm.state, SMF_PDN_ACTIVE);
	assert_int_equal(p->v4.s_addr, v4.s_addr);
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(9, "ims"));
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_REQUEST_REJECTED);
	mock_detach(p);
	assert_int_equal(mock_attach(9, "ims")->v4.s_addr, v4.s_addr);
}

/* One that was the subscriber's alone and is not any more by the new configuration: his until he leaves, then anybody's. */
static void test_free_since(void **state)
{
	struct smf_pdn *p;
	uint32_t teid;

	(void)state;
	crash();
	free(mock.conf->smf.apns);
	mock.conf->smf.apns =
		strdup("ims pool=10.45.0.0/30 pool6=fd45::/48 reuse=1 "
		       "static=001010000000009:10.45.0.1,001010000000009:fd45:0:0:1::");
	start();
	p = mock_attach(9, "ims");
	teid = p->teid;
	assert_int_equal(p->v4.s_addr, htonl(0x0a2d0001));
	mock_ms(10);
	crash();
	*strstr(mock.conf->smf.apns, " static") = '\0';
	start();
	p = smf_pdn_by_teid(&mock.smf, teid);
	assert_int_equal(mock_attach(1, "ims")->v4.s_addr, htonl(0x0a2d0002));
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(2, "ims"));
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_ADDRESSES_OCCUPIED);
	mock_detach(p);
	mock_ms(1100);
	p = mock_attach(2, "ims");
	assert_int_equal(p->v4.s_addr, htonl(0x0a2d0001));
	mock_ms(10);
	crash();
	start();
	assert_int_equal(mock.smf.apns[0].pool4.n_taken, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_kept),
		T(test_under_way),
		T(test_retransmitted),
		T(test_counter),
		T(test_sgw_restarted),
		T(test_broken_records),
		T(test_other_configuration),
		T(test_reserved_since),
		T(test_free_since),
	};

	log_set_level(LOG_LVL_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
