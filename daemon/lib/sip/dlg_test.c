// SPDX-License-Identifier: GPL-2.0-or-later
/* Dialogs: both ends, the proxy in the middle, order of CSeq, strict routers, save and load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/sip/dlg.h"

static const char invite[] =
	"INVITE sip:bob@ims SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
	"Record-Route: <sip:p3;lr>, <sip:me;lr>\r\nRecord-Route: <sip:p1;lr>\r\n"
	"From: \"J\xf6rg\" <sip:alice@ims>;tag=at;x=y\r\nTo: <sip:bob@ims>\r\nCall-ID: c1\r\n"
	"CSeq: 10 INVITE\r\nContact: \"A\" <sip:alice@10.0.0.1:5060;ob>;+x\r\nContent-Length: 0\r\n\r\n";

static struct sip_msg *parse(const char *s)
{
	struct sip_msg *m;

	assert_int_equal(sip_msg_parse(s, strlen(s), true, &m).error, SIP_PARSE_OK);
	return m;
}

static struct sip_msg *answer(const struct sip_msg *req, int status, const char *contact)
{
	struct sip_msg *m = sip_msg_new_response(req, status, NULL, "bt");

	if (contact)
		assert_int_equal(sip_msg_add(m, SIP_H_CONTACT, "%s", contact), 0);
	return m;
}

static void assert_value(const struct sip_msg *m, enum sip_hdr id, const char *want)
{
	struct str v = sip_msg_value(m, id);

	if (!str_eqz(v, want))
		fail_msg("%s: \"%.*s\" is not \"%s\"", sip_hdr_name(id), STR_FMT(v), want);
}

static void assert_routes(const struct sip_msg *m, const char *const *want)
{
	struct sip_elem e = { 0 };

	for (; *want; want++) {
		assert_true(sip_msg_next_elem(m, SIP_H_ROUTE, &e));
		assert_true(str_eqz(e.text, *want));
	}
	assert_false(sip_msg_next_elem(m, SIP_H_ROUTE, &e));
}

static void test_uac(void **state)
{
	_cleanup_msg_ struct sip_msg *req = parse(invite),
				     *resp = answer(req, 200, "<sip:bob@10.0.0.2>;q=1"),
				     *bye = NULL, *ack = NULL;
	struct sip_dlg *d;

	(void)state;
	assert_int_equal(sip_dlg_uac(req, resp, &d), 0);
	ack = sip_dlg_request(d, "ACK", 10);
	assert_value(ack, SIP_H_CSEQ, "10 ACK");
	bye = sip_dlg_request(d, "BYE", 0);
	assert_true(str_eqz(sip_msg_ruri(bye), "sip:bob@10.0.0.2"));
	assert_routes(bye,
		      (const char *const[]){ "<sip:p1;lr>", "<sip:me;lr>", "<sip:p3;lr>", NULL });
	assert_value(bye, SIP_H_FROM, "\"J\xf6rg\" <sip:alice@ims>;tag=at");
	assert_value(bye, SIP_H_TO, "<sip:bob@ims>;tag=bt");
	assert_value(bye, SIP_H_CALL_ID, "c1");
	assert_value(bye, SIP_H_CSEQ, "11 BYE");
	assert_value(bye, SIP_H_MAX_FORWARDS, "70");
	sip_dlg_free(d);
}

static void test_uac_refused(void **state)
{
	_cleanup_msg_ struct sip_msg *req = parse(invite), *trying = answer(req, 100, NULL),
				     *ringing = answer(req, 180, NULL),
				     *ok = answer(req, 200, NULL);
	struct sip_dlg *d;

	(void)state;
	assert_int_equal(sip_dlg_uac(req, trying, &d), -EINVAL); /* no tag */
	assert_int_equal(sip_dlg_uac(req, ok, &d), -EINVAL);	 /* no Contact */
	assert_int_equal(sip_dlg_uac(req, ringing, &d), 0);
	assert_string_equal(d->remote_target, "sip:bob@ims");
	assert_int_equal(sip_msg_add(ok, SIP_H_CONTACT, "<sip:bob@9.9.9.9>"), 0);
	assert_int_equal(sip_dlg_update_target(d, ok), 0);
	assert_string_equal(d->remote_target, "sip:bob@9.9.9.9");
	assert_int_equal(sip_dlg_update_target(d, ringing), 0);
	assert_string_equal(d->remote_target, "sip:bob@9.9.9.9");
	sip_dlg_free(d);
	sip_dlg_free(NULL);
}

static void test_uas(void **state)
{
	_cleanup_msg_ struct sip_msg *req = parse(invite), *bye = NULL;
	struct sip_dlg *d;

	(void)state;
	assert_int_equal(sip_dlg_uas(req, "bt", &d), 0);
	bye = sip_dlg_request(d, "BYE", 0);
	assert_true(str_eqz(sip_msg_ruri(bye), "sip:alice@10.0.0.1:5060;ob"));
	assert_routes(bye,
		      (const char *const[]){ "<sip:p3;lr>", "<sip:me;lr>", "<sip:p1;lr>", NULL });
	assert_value(bye, SIP_H_FROM, "<sip:bob@ims>;tag=bt");
	assert_value(bye, SIP_H_TO, "\"J\xf6rg\" <sip:alice@ims>;tag=at");
	assert_value(bye, SIP_H_CSEQ, "1 BYE");
	sip_dlg_free(d);
	sip_msg_remove(req, SIP_H_CONTACT);
	assert_int_equal(sip_dlg_uas(req, "bt", &d), -EINVAL);
}

static void test_check(void **state)
{
	_cleanup_msg_ struct sip_msg *req = parse(invite);
	struct sip_dlg *d;

	(void)state;
	assert_int_equal(sip_dlg_uas(req, "bt", &d), 0);
	assert_int_equal(sip_dlg_check(d, req), -ENOENT); /* no To tag */
	sip_msg_set_to_tag(req, "bt");
	assert_int_equal(sip_dlg_check(d, req), -ERANGE);
	sip_msg_set(req, SIP_H_CSEQ, "11 INVITE");
	assert_int_equal(sip_dlg_check(d, req), 0);
	assert_int_equal(d->remote_cseq, 11);
	assert_int_equal(sip_dlg_check(d, req), -ERANGE);
	sip_msg_set(req, SIP_H_CALL_ID, "c2");
	assert_int_equal(sip_dlg_check(d, req), -ENOENT);
	sip_dlg_free(d);
}

static void test_strict_router(void **state)
{
	_cleanup_msg_ struct sip_msg *req = parse(invite), *bye = NULL;
	struct sip_dlg *d;

	(void)state;
	sip_msg_set(req, SIP_H_RECORD_ROUTE, "<sip:strict>, <sip:p1;lr>");
	assert_int_equal(sip_dlg_uas(req, "bt", &d), 0);
	bye = sip_dlg_request(d, "BYE", 0);
	assert_true(str_eqz(sip_msg_ruri(bye), "sip:strict"));
	assert_routes(bye,
		      (const char *const[]){ "<sip:p1;lr>", "<sip:alice@10.0.0.1:5060;ob>", NULL });
	sip_dlg_free(d);
}

static bool is_me(void *arg, const struct sip_uri *uri)
{
	(void)arg;
	return str_eqz(uri->host, "me");
}

static void test_middle(void **state)
{
	_cleanup_msg_ struct sip_msg *req = parse(invite), *ok = NULL, *a = NULL, *b = NULL;
	struct sip_dlg *callee, *caller;

	(void)state;
	sip_msg_set(req, SIP_H_RECORD_ROUTE,
		    "<sip:p4;lr>,<sip:p3;lr>,<sip:me;lr>,<sip:me;lr;x>,<sip:p2;lr>,<sip:p1;lr>");
	ok = answer(req, 200, "<sip:bob@10.0.0.2>");
	assert_int_equal(sip_dlg_middle(req, ok, is_me, NULL, &callee, &caller), 0);
	a = sip_dlg_request(callee, "BYE", 0);
	assert_routes(a, (const char *const[]){ "<sip:p3;lr>", "<sip:p4;lr>", NULL });
	assert_true(str_eqz(sip_msg_ruri(a), "sip:bob@10.0.0.2"));
	assert_value(a, SIP_H_CSEQ, "11 BYE");
	assert_true(str_eqz(sip_msg_from_tag(a), "at") && str_eqz(sip_msg_to_tag(a), "bt"));
	b = sip_dlg_request(caller, "BYE", 0);
	assert_routes(b, (const char *const[]){ "<sip:p2;lr>", "<sip:p1;lr>", NULL });
	assert_true(str_eqz(sip_msg_ruri(b), "sip:alice@10.0.0.1:5060;ob"));
	assert_true(str_eqz(sip_msg_from_tag(b), "bt") && str_eqz(sip_msg_to_tag(b), "at"));
	sip_dlg_free(callee);
	sip_dlg_free(caller);
	sip_msg_remove(ok, SIP_H_RECORD_ROUTE);
	assert_int_equal(sip_dlg_middle(req, ok, is_me, NULL, &callee, &caller), -ENOENT);
}

static void test_save(void **state)
{
	_cleanup_msg_ struct sip_msg *req = parse(invite);
	struct sip_dlg *d, *l;
	json_t *j, *again;
	char *text;

	(void)state;
	assert_int_equal(sip_dlg_uas(req, "bt", &d), 0);
	d->local_cseq = 5;
	j = sip_dlg_save(d);
	text = json_dumps(j, 0);
	assert_non_null(text);
	json_decref(j);
	again = json_loads(text, 0, NULL);
	free(text);
	assert_int_equal(sip_dlg_load(again, &l), 0);
	assert_string_equal(l->remote_uri, d->remote_uri);
	assert_string_equal(l->local_tag, d->local_tag);
	assert_string_equal(l->remote_target, d->remote_target);
	assert_int_equal(l->n_route, 3);
	assert_string_equal(l->route[2], "<sip:p1;lr>");
	assert_int_equal(l->local_cseq, 5);
	assert_int_equal(l->remote_cseq, 10);
	sip_dlg_free(l);
	json_object_set_new(again, "call_id", json_string("a\r\nb"));
	assert_int_equal(sip_dlg_load(again, &l), -EINVAL);
	json_object_del(again, "call_id");
	assert_int_equal(sip_dlg_load(again, &l), -EINVAL);
	json_decref(again);
	assert_int_equal(sip_dlg_load(NULL, &l), -EINVAL);
	sip_dlg_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uac),	      cmocka_unit_test(test_uac_refused),
		cmocka_unit_test(test_uas),	      cmocka_unit_test(test_check),
		cmocka_unit_test(test_strict_router), cmocka_unit_test(test_middle),
		cmocka_unit_test(test_save),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
