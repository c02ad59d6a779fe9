// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of an SGW for an SMF that has a PDN connection with a dedicated bearer, one that waits for the SGW's answer and
 * one that waits for the PCRF. Messages stand one behind another, each with an octet behind it that says what is
 * done with it: whose TEID and sequence number it gets, who sends it, how long it takes until the next one. Whatever
 * comes, all is consistent afterwards and nothing is left when the PDN connections have ended.
 */
#include "smf/smf_mock.h"
#include "tests/fuzz/fuzz.h"

enum {
	FUZZ_OUR_TEID = 1,
	FUZZ_OUR_SEQ = 2,
	FUZZ_EPDG = 4,
	FUZZ_SGW2 = 8,
	FUZZ_WAIT = 16,
	FUZZ_LONG = 32
};

static uint32_t fuzz_smf_teid, fuzz_smf_seq;

static void fuzz_smf_see(void)
{
	for (; mock.seen < mock.n_sent; mock.seen++)
		if (mock.sent[mock.seen].hdr.type >= 95 && mock.sent[mock.seen].hdr.type <= 99)
			fuzz_smf_seq = mock.sent[mock.seen].hdr.seq;
	mock.seen = mock.n_sent = 0;
}

static void fuzz_smf_bearer(struct smf_pdn *p, const char *name, unsigned int port, bool answer)
{
	static struct s5_create_bearer_request r;
	static struct s5_create_bearer_response a;
	const struct mock_sent *s;

	mock_rule(p, name, port);
	smf_bearers_apply(p);
	mock_ms(20);
	if (!answer)
		return;
	s = mock_take(S5_CREATE_BEARER_REQUEST, &r);
	s5_init(S5_CREATE_BEARER_RESPONSE, &a);
	a.cause.value = a.bearer[0].cause.value = S5_ACCEPTED;
	a.n_bearer = 1;
	a.bearer[0].ebi = 6;
	a.bearer[0].has_s5u_sgw = a.bearer[0].has_s5u_pgw = true;
	a.bearer[0].s5u_sgw = mock_fteid(S5_IF_S5U_SGW, 0x77, MOCK_SGW);
	a.bearer[0].s5u_pgw = r.bearer[0].s5u_pgw;
	mock_answer(s, S5_CREATE_BEARER_RESPONSE, p->teid, &a);
	mock_ms(20);
}

static void fuzz_smf_begin(bool pending)
{
	struct smf_pdn *p;

	if (!mock.loop)
		mock_setup();
	mock.seen = mock.n_sent = 0;
	mock.seq = 0x100000;
	p = mock_attach(1, "ims");
	fuzz_smf_teid = p->teid;
	fuzz_smf_bearer(p, "one", 20000, true);
	if (pending)
		fuzz_smf_bearer(p, "two", 20002, false);
	mock.gx.delay_usec = 100000;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(2, "internet"));
	mock.gx.delay_usec = 5000;
	fuzz_smf_see();
}

static void fuzz_smf_message(const uint8_t *data, size_t n, uint8_t how)
{
	uint8_t *p = malloc(n ? n : 1); /* exact, for ASan */
	bool id = n >= 12 && p && (data[0] & 8);

	memcpy(p, data, n);
	if (id && how & FUZZ_OUR_TEID)
		for (int i = 0; i < 4; i++)
			p[4 + i] = (uint8_t)(fuzz_smf_teid >> (24 - 8 * i));
	if (id)
		tlv_gtpv2.set_seq(p, how & FUZZ_OUR_SEQ ? fuzz_smf_seq : ++mock.seq);
	gtpc_input(mock.smf.gtpc,
		   how & FUZZ_EPDG   ? &mock.epdg
		   : how & FUZZ_SGW2 ? &mock.sgw2
				     : &mock.sgw,
		   p, n);
	free(p);
	mock_ms(how & FUZZ_LONG ? 4000 : how & FUZZ_WAIT ? 20 : 0);
	fuzz_smf_see();
}

static void fuzz_smf_check(void)
{
	uint32_t n = 0;

	for (const struct smf_pdn *p = mock.smf.pdns; p; p = p->next, n++) {
		MUST(smf_pdn_by_teid(&mock.smf, p->teid) == p);
		MUST(p->linked == (p->fsm.state < SMF_PDN_ENDING));
		MUST(p->fsm.state > SMF_PDN_USER_PLANE || p->request);
	}
	MUST(n == mock.smf.n_pdns);
}

static void fuzz_smf_end(void)
{
	struct smf_pdn *next;

	for (struct smf_pdn *p = mock.smf.pdns; p; p = next) {
		next = p->next;
		fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
	}
	mock_ms(20000);
	MUST(!mock.smf.n_pdns && !mock.smf.n_bearers && !mock.smf.n_paths && !mock.smf.by_v4.n &&
	     !mock.smf.by_v6.n && !mock.smf.by_teid.n && !mock.smf.by_user.n);
	MUST(!mock.gx.remote && !mock.n4.remote && !mock.gx.n && !mock.n4.n);
	for (size_t i = 0; i < mock.smf.n_apns; i++)
		MUST(!mock.smf.apns[i].pool4.n_taken && !mock.smf.apns[i].pool6.n_taken);
	mock.seen = mock.n_sent = 0;
	mock_ms(40000); /* the addresses have waited */
}

FUZZ_TARGET(smf)
{
	size_t n;

	if (!size || size > 8192)
		return 0;
	fuzz_smf_begin(data[size - 1] & 0x80);
	for (int i = 0; i < 8 && size; i++) {
		n = size > 4 ? MIN(size, ((size_t)data[2] << 8 | data[3]) + 4) : size;
		fuzz_smf_message(data, n, n < size ? data[n] : FUZZ_OUR_TEID | FUZZ_OUR_SEQ);
		fuzz_smf_check();
		data += MIN(size, n + 1);
		size -= MIN(size, n + 1);
	}
	fuzz_smf_end();
	return 0;
}
