// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A model of what may happen to PDN connections, in random order: requests of SGWs and ePDGs that come twice, cross
 * one another and those of the network, answers that are late, refusals or missing, SGWs that restart. Whatever
 * happened: every request gets its answer, no TEID and no address is had twice, and when all have
 * detached nothing is left, at the SMF, the PCRF and the UPF. Then: many of them, for leaks, and what one costs.
 */
#include <dirent.h>
#include <malloc.h>
#include <unistd.h>

#include "lib/core/log.h"
#include "smf/smf_mock.h"

#define FUZZ_REPLAY
#include "tests/fuzz/fuzz_smf.c"

#define USERS	 6
#define REQUESTS 512

static struct {
	unsigned int seed;
	struct {
		uint32_t seq;
		uint8_t type;
		bool answered;
	} request[REQUESTS];
	int n_requests;
	bool quiet;		       /* the SGW answers everything, at once */
	int created, refused, bearers; /* how much happened */
	uint32_t next_port;
	uint8_t next_ebi, restarts;
} model;

static unsigned int chance(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static int setup(void **state)
{
	(void)state;
	mock_setup();
	memset(&model, 0, sizeof(model));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mock_teardown();
	return 0;
}

/* --- the SGW's side --- */

static void asked(uint8_t type)
{
	assert_true(model.n_requests < REQUESTS);
	model.request[model.n_requests].seq = mock.seq;
	model.request[model.n_requests++].type = type;
}

static void answered(const struct mock_sent *s)
{
	static struct s5_create_session_response a;
	struct tlv_error e;

	if (s->hdr.type == S5_CREATE_SESSION_RESPONSE) {
		assert_int_equal(s5_decode(s->p, s->n, NULL, &a, &e), 0);
		*(a.cause.value < S5_CONTEXT_NOT_FOUND ? &model.created : &model.refused) += 1;
	}
	for (int i = 0; i < model.n_requests; i++)
		if (model.request[i].seq == s->hdr.seq &&
		    model.request[i].type + 1 == s->hdr.type) {
			model.request[i].answered = true;
			return;
		}
	fail_msg("an answer to nothing: message %u", s->hdr.type);
}

static void answer_create_bearer(const struct mock_sent *s)
{
	static struct s5_create_bearer_request r;
	static struct s5_create_bearer_response a;
	bool refuse = !model.quiet && !chance(4);
	struct tlv_error e;

	assert_int_equal(s5_decode(s->p, s->n, NULL, &r, &e), 0);
	s5_init(S5_CREATE_BEARER_RESPONSE, &a);
	a.cause.value = refuse ? S5_NO_RESOURCES : S5_ACCEPTED;
	a.n_bearer = r.n_bearer;
	for (size_t i = 0; i < r.n_bearer; i++) {
		struct s5_cbp_bearer *b = &a.bearer[i];

		b->cause = a.cause;
		model.next_ebi = (uint8_t)(model.next_ebi % 8 + 1);
		b->ebi = refuse ? 0 : 7 + model.next_ebi;
		b->has_s5u_sgw = b->has_s5u_pgw = true;
		b->s5u_sgw = mock_fteid(S5_IF_S5U_SGW, 0x5000 + model.next_ebi, MOCK_SGW);
		b->s5u_pgw = r.bearer[i].s5u_pgw;
	}
	model.bearers += !refuse;
	mock_answer(s, S5_CREATE_BEARER_RESPONSE, 0, &a);
}

static void answer_update_bearer(const struct mock_sent *s)
{
	static struct s5_update_bearer_request r;
	static struct s5_update_bearer_response a;
	struct tlv_error e;

	assert_int_equal(s5_decode(s->p, s->n, NULL, &r, &e), 0);
	s5_init(S5_UPDATE_BEARER_RESPONSE, &a);
	a.cause.value = model.quiet || chance(4) ? S5_ACCEPTED : S5_CONTEXT_NOT_FOUND;
	a.n_bearer = r.n_bearer;
	for (size_t i = 0; i < r.n_bearer; i++) {
		a.bearer[i].ebi = r.bearer[i].ebi;
		a.bearer[i].cause = a.cause;
	}
	mock_answer(s, S5_UPDATE_BEARER_RESPONSE, 0, &a);
}

static void answer_delete_bearer(const struct mock_sent *s)
{
	static struct s5_delete_bearer_request r;
	static struct s5_delete_bearer_response a;
	struct tlv_error e;

	assert_int_equal(s5_decode(s->p, s->n, NULL, &r, &e), 0);
	s5_init(S5_DELETE_BEARER_RESPONSE, &a);
	a.cause.value = S5_ACCEPTED;
	a.has_lbi = r.has_lbi;
	a.lbi = r.lbi;
	a.n_bearer = r.n_ebi;
	for (size_t i = 0; i < r.n_ebi; i++) {
		a.bearer[i].ebi = r.ebi[i];
		a.bearer[i].cause = a.cause;
	}
	mock_answer(s, S5_DELETE_BEARER_RESPONSE, 0, &a);
}

static void answer_echo(const struct mock_sent *s)
{
	static struct s5_echo_response a;

	s5_init(S5_ECHO_RESPONSE, &a);
	a.recovery = xchg_same_ip(&s->to, &mock.sgw) ? model.restarts : 0;
	mock_answer(s, S5_ECHO_RESPONSE, 0, &a);
}

/* Takes what was sent; requests are answered, or not. */
static void sgw_reads(void)
{
	struct mock_sent s;

	while (mock.seen < mock.n_sent) {
		s = mock.sent[mock.seen++];
		if (s.hdr.type == S5_ECHO_REQUEST)
			answer_echo(&s);
		else if (s.hdr.type % 2 == 0 && s.hdr.type >= 96 && s.hdr.type <= 100)
			fail_msg("message %u is the SGW's", s.hdr.type);
		else if (!model.quiet && !chance(5))
			continue; /* lost */
		else if (s.hdr.type == S5_CREATE_BEARER_REQUEST)
			answer_create_bearer(&s);
		else if (s.hdr.type == S5_UPDATE_BEARER_REQUEST)
			answer_update_bearer(&s);
		else if (s.hdr.type == S5_DELETE_BEARER_REQUEST)
			answer_delete_bearer(&s);
	}
}

/* As above; answers of the SMF are noted before anything can be lost. */
static void sgw_step(void)
{
	for (int i = mock.seen; i < mock.n_sent; i++)
		if (mock.sent[i].hdr.type >= 33 && mock.sent[i].hdr.type <= 39)
			answered(&mock.sent[i]);
	sgw_reads();
	if (mock.seen == mock.n_sent)
		mock.seen = mock.n_sent = 0;
}

/* --- what may happen --- */

static struct smf_pdn *any_pdn(void)
{
	unsigned int n = mock.smf.n_pdns ? chance(mock.smf.n_pdns) : 0;
	struct smf_pdn *p = mock.smf.pdns;

	while (p && n--)
		p = p->next;
	return p;
}

static void do_create(void)
{
	static const char *const apns[] = { "ims", "internet" };
	const char *apn = apns[chance(2)];
	bool s2b = !chance(3);
	unsigned int n = 1 + chance(USERS);
	struct s5_create_session_request *r = s2b ? mock_create_s2b(n, apn) : mock_create(n, apn);

	r->indication.hi = chance(2);
	r->has_recovery = !s2b;
	r->recovery = model.restarts;
	if (!chance(8))
		r->has_imsi = false; /* wrong */
	mock_in(s2b ? &mock.epdg : &mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	asked(S5_CREATE_SESSION_REQUEST);
	if (!chance(4)) { /* its copy */
		static uint8_t buf[4096];
		struct tlv_buf b = TLV_BUF(buf);

		s5_encode(S5_CREATE_SESSION_REQUEST, 0, r, &b);
		tlv_gtpv2.set_seq(buf, mock.seq);
		gtpc_input(mock.smf.gtpc, s2b ? &mock.epdg : &mock.sgw, buf, b.n);
	}
}

static void do_modify(void)
{
	static struct s5_modify_bearer_request r;
	struct smf_pdn *p = any_pdn();

	if (!p)
		return;
	s5_init(S5_MODIFY_BEARER_REQUEST, &r);
	r.has_rat_type = chance(2);
	r.rat_type = S5_RAT_UTRAN + (uint8_t)chance(2);
	if (chance(2) && !p->non_3gpp) {
		r.has_sender = true;
		r.sender = mock_fteid(S5_IF_S5C_SGW, 7000 + chance(100),
				      chance(2) ? MOCK_SGW : MOCK_SGW2);
		for (struct smf_bearer *b = p->bearers; b; b = b->next) {
			struct s5_mbr_bearer *m = &r.bearer[r.n_bearer];

			if (!b->ebi)
				continue;
			m->ebi = b->ebi;
			m->has_s5u_sgw = true;
			m->s5u_sgw = mock_fteid(S5_IF_S5U_SGW, 8000 + chance(100), MOCK_SGW2);
			r.n_bearer++;
		}
	}
	mock_in(chance(2) ? &mock.sgw : &mock.sgw2, S5_MODIFY_BEARER_REQUEST, p->teid, &r);
	asked(S5_MODIFY_BEARER_REQUEST);
}

static void do_delete(void)
{
	static struct s5_delete_session_request r;
	struct smf_pdn *p = any_pdn();

	if (!p)
		return;
	s5_init(S5_DELETE_SESSION_REQUEST, &r);
	mock_in(&p->to, S5_DELETE_SESSION_REQUEST, p->teid, &r);
	asked(S5_DELETE_SESSION_REQUEST);
}

static void do_release(void)
{
	struct smf_pdn *p = any_pdn();

	if (p)
		smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
}

static void do_rule(void)
{
	struct smf_pdn *p = any_pdn();
	char name[16];

	if (!p || p->fsm.state > SMF_PDN_ACTIVE)
		return;
	if (p->rules && chance(2)) {
		p->rules->state = SMF_RULE_REMOVED;
	} else if (!p->rules || !p->rules->next || !p->rules->next->next) {
		snprintf(name, sizeof(name), "r%u", model.next_port);
		mock_rule(p, name, 20000 + 2 * (model.next_port++ % 9000));
	}
	smf_bearers_apply(p);
}

static void do_command(void)
{
	static struct s5_delete_bearer_command r;
	struct smf_pdn *p = any_pdn();

	if (!p || !p->bearers->next)
		return;
	s5_init(S5_DELETE_BEARER_COMMAND, &r);
	r.n_bearer = 1;
	r.bearer[0].ebi = p->bearers->next->ebi;
	mock_in(&p->to, S5_DELETE_BEARER_COMMAND, p->teid, &r);
}

static void do_restart(void)
{
	static struct s5_echo_request r;

	if (chance(6))
		return;
	model.restarts++;
	s5_init(S5_ECHO_REQUEST, &r);
	r.recovery = model.restarts;
	mock_in(&mock.sgw, S5_ECHO_REQUEST, 0, &r);
}

static void do_suspend(void)
{
	static struct s5_suspend_notification s;
	static struct s5_resume_notification r;
	struct smf_pdn *p = any_pdn();

	if (!p)
		return;
	s5_init(S5_SUSPEND_NOTIFICATION, &s);
	s5_init(S5_RESUME_NOTIFICATION, &r);
	if (chance(2))
		mock_in(&p->to, S5_SUSPEND_NOTIFICATION, p->teid, &s);
	else
		mock_in(&p->to, S5_RESUME_NOTIFICATION, p->teid, &r);
}

static void peers_change(void)
{
	mock.gx.delay_usec = chance(30) * 1000;
	mock.n4.delay_usec = chance(30) * 1000;
	mock.gx.refuse = !chance(10);
	mock.n4.refuse = !chance(10);
}

static void (*const happenings[])(void) = { do_create,	do_create,  do_create,	do_modify,
					    do_delete,	do_rule,    do_rule,	do_release,
					    do_command, do_restart, do_suspend, peers_change };

/* --- what must hold --- */

static void check(void)
{
	uint32_t n = 0, bearers = 0;

	for (const struct smf_pdn *p = mock.smf.pdns; p; p = p->next) {
		n++;
		assert_ptr_equal(smf_pdn_by_teid(&mock.smf, p->teid), p);
		if (p->linked) {
			assert_ptr_equal(smf_pdn_by_v4(&mock.smf, p->v4), p);
			assert_ptr_equal(smf_pdn_by_v6(&mock.smf, &p->v6), p);
		}
		assert_int_equal(p->linked, p->fsm.state < SMF_PDN_ENDING);
		assert_int_equal(!!p->path, p->fsm.state < SMF_PDN_ENDING);
		if (p->fsm.state == SMF_PDN_POLICY || p->fsm.state == SMF_PDN_USER_PLANE)
			assert_non_null(p->request);
		if (p->fsm.state >= SMF_PDN_DEACTIVATING)
			assert_null(p->request);
		for (const struct smf_bearer *b = p->bearers; b; b = b->next)
			bearers++;
	}
	assert_int_equal(n, mock.smf.n_pdns);
	assert_int_equal(bearers, mock.smf.n_bearers);
}

static void settle(void)
{
	model.quiet = true;
	mock.gx.refuse = mock.n4.refuse = false;
	mock.gx.delay_usec = mock.n4.delay_usec = 1000;
	for (int i = 0; i < 200; i++) {
		mock_ms(500);
		sgw_step();
	}
	for (const struct smf_pdn *p = mock.smf.pdns; p; p = p->next) {
		assert_int_equal(p->fsm.state, SMF_PDN_ACTIVE);
		assert_null(p->request);
		assert_null(p->op.call);
	}
	assert_int_equal(mock.gx.remote, mock.smf.n_pdns);
	assert_int_equal(mock.n4.remote, mock.smf.n_pdns);
	for (int i = 0; i < model.n_requests; i++)
		if (!model.request[i].answered)
			fail_msg("seed %u: request %u of type %u has no answer", model.seed, i,
				 model.request[i].type);
	while (mock.smf.pdns) {
		fsm_event(&mock.smf.pdns->fsm, SMF_PDN_EV_DELETED, NULL);
		mock_ms(10);
		sgw_step();
	}
	mock_empty();
	model.quiet = false;
}

static void test_model(void **state)
{
	const char *only = getenv("KIMS_SEED");
	unsigned int first = only ? (unsigned int)atoi(only) : 1, n = only ? 1 : 300;

	(void)state;
	for (model.seed = first; model.seed < first + n; model.seed++) {
		srand(model.seed);
		model.n_requests = 0;
		mock.n_sent = mock.seen = 0;
		if (only)
			log_set_level(LOG_LVL_DEBUG);
		for (int i = 0; i < 120; i++) {
			happenings[chance(ARRAY_SIZE(happenings))]();
			sgw_step();
			check();
			mock_ms(chance(3) ? chance(15) : 0);
			sgw_step();
			check();
		}
		settle();
	}
	print_message("%d PDN connections, %d refused, %d dedicated bearers\n", model.created,
		      model.refused, model.bearers);
	assert_true(only || (model.created > 3000 && model.bearers > 500));
}

/* --- many --- */

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

static size_t memory(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __sanitizer_get_current_allocated_bytes();
#else
	return mallinfo2().uordblks;
#endif
}

static void cycle(unsigned int n)
{
	struct smf_pdn *p = mock_attach(1 + n % 50, "ims");
	char name[16];

	snprintf(name, sizeof(name), "r%u", n);
	mock_rule(p, name, 20000);
	smf_bearers_apply(p);
	model.quiet = true;
	mock_ms(20);
	sgw_reads();
	mock_ms(20);
	assert_int_equal(p->bearers->next->state, SMF_BEARER_ACTIVE);
	mock.n_sent = mock.seen = 0;
	mock_detach(p);
}

/* 10,000 times attached, called and detached: all is back where it began. */
static void test_cycles(void **state)
{
	size_t before, after;

	(void)state;
	for (unsigned int n = 0; n < 1000; n++)
		cycle(n);
	mock_ms(60000);
	mock_empty();
	before = memory();
	for (unsigned int n = 0; n < 10000; n++)
		cycle(n);
	mock_ms(60000);
	mock_empty();
	after = memory();
	print_message("10000 cycles: %zd octets\n", (ssize_t)(after - before));
	/* the ring of addresses that wait grows with what was used */
	assert_true(after < before + 512 * 1024);
}

static void test_memory(void **state)
{
	const unsigned int n = 10000;
	size_t before = memory(), each;

	(void)state;
	for (unsigned int i = 1; i <= n; i++) {
		mock_attach(i, "ims");
		mock.n_sent = mock.seen = 0;
	}
	mock_ms(30000); /* answers kept for repetitions are gone */
	each = (memory() - before) / n;
	print_message("%zu octets a PDN connection, the doubles of Gx and N4 included\n", each);
	assert_true(each <= 6 * 1024);
	assert_int_equal(mock.smf.n_pdns, n);
}

/* The seeds of the fuzzer, as they are and as answers to what the SMF asked. */
static void test_seeds(void **state)
{
	static const char dir[] = "tests/fuzz/seeds/gtpv2";
	static uint8_t buf[8192];
	DIR *d = opendir(dir);
	char path[512];
	struct dirent *e;
	size_t n;
	FILE *f;

	(void)state;
	if (!d)
		skip();
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		f = *e->d_name == '.' ? NULL : fopen(path, "re");
		if (!f)
			continue;
		n = fread(buf, 1, sizeof(buf) - 1, f);
		fclose(f);
		for (unsigned int how = 0; how < 256; how += 0x31) {
			buf[n] = (uint8_t)how;
			fuzz_smf(buf, n + 1);
		}
	}
	closedir(d);
}

#define T(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_model), T(test_seeds), T(test_cycles),
					    T(test_memory) };

	log_set_level(LOG_LVL_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
