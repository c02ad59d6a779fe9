// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of Cx: against Wireshark's dictionary, there and back for every command, what is missing,
 * what is malformed, what tshark says of our messages, and docs/ref/cx.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <dirent.h>

#include "ref/cx_tables.h"

#define FUZZ_REPLAY
#include "tests/fuzz/fuzz_cx.c"

static const struct ie_header ids = { .hop_by_hop = 0x11223344, .end_to_end = 0x55667788 };

static struct ie_env envelope(void)
{
	struct ie_env e = { .session_id = STR("scscf.test;1;2;cx"),
			    .origin_host = STR("scscf.test"),
			    .origin_realm = STR("test"),
			    .dest_realm = STR("test"),
			    .vsai_vendor = CX_VENDOR,
			    .vsai_auth_app = CX_APP_ID,
			    .auth_session_state = 1 };

	return e;
}

/* Every field that the tables know, filled. */
static void fill(const struct ie_command *c, union cx_any *a)
{
	struct cx_auth_item item = { .number = 1,
				     .scheme = STR("Digest-AKAv1-MD5"),
				     .authenticate = STR("0123456789abcdef0123456789abcdef"),
				     .authorization = STR("\0\1\2\3\4\5\6\7"),
				     .ck = STR("0123456789abcdef"),
				     .ik = STR("fedcba9876543210") };
	struct cx_capabilities caps = { .mandatory = { 1, 2 },
					.n_mandatory = 2,
					.optional = { 3 },
					.n_optional = 1,
					.server_name = { STR("sip:s.test") },
					.n_server_name = 1 };

	ie_init(c, a);
	if (c == &cx_uar_cmd)
		a->uar = (struct cx_uar){ STR("u@test"), STR("sip:u@test"), STR("visited.test"),
					  CX_DE_REGISTRATION, true };
	else if (c == &cx_uaa_cmd)
		a->uaa = (struct cx_uaa){ CX_FIRST_REGISTRATION, STR("sip:s.test"), caps, true };
	else if (c == &cx_mar_cmd)
		a->mar = (struct cx_mar){ STR("u@test"), STR("sip:u@test"), STR("sip:s.test"), 3,
					  item };
	else if (c == &cx_maa_cmd)
		a->maa = (struct cx_maa){
			CX_SUCCESS, STR("u@test"), STR("sip:u@test"), { item, item }, 2
		};
	else if (c == &cx_sar_cmd)
		a->sar = (struct cx_sar){ STR("u@test"),
					  STR("sip:s.test"),
					  { STR("sip:u@test"), STR("tel:+1") },
					  2,
					  CX_NO_ASSIGNMENT,
					  true };
	else if (c == &cx_saa_cmd)
		a->saa = (struct cx_saa){
			CX_SUCCESS,	      STR("u@test"),	    STR("<x/>"),
			STR("aaa://c1.test"), STR("aaa://c2.test"), STR("aaa://e1.test"),
			STR("aaa://e2.test"), { STR("v@test") },    1
		};
	else if (c == &cx_lir_cmd)
		a->lir = (struct cx_lir){ STR("sip:u@test"), true, CX_REGISTRATION };
	else if (c == &cx_lia_cmd)
		a->lia = (struct cx_lia){ CX_UNREGISTERED_SERVICE, STR("sip:s.test"), caps, true };
	else if (c == &cx_rtr_cmd)
		a->rtr = (struct cx_rtr){ .user_name = STR("u@test"),
					  .public_identity = { STR("sip:u@test") },
					  .n_public_identity = 1,
					  .reason_code = CX_SERVER_CHANGE,
					  .reason_info = STR("moved") };
	else if (c == &cx_ppr_cmd)
		a->ppr = (struct cx_ppr){ .user_name = STR("u@test"),
					  .user_data = STR("<y/>"),
					  .ccf1 = STR("aaa://c1.test"),
					  .ecf2 = STR("aaa://e2.test") };
	else if (c == &cx_rta_cmd)
		a->rta.result = CX_USER_UNKNOWN;
	else
		a->ppa.result = CX_UNABLE_TO_COMPLY;
}

static struct ie_buf encode(const struct ie_command *c)
{
	struct ie_env env = envelope();
	struct ie_buf b = { 0 };
	union cx_any a;

	fill(c, &a);
	assert_int_equal(ie_encode(c, &ids, &env, &a, NULL, &b), 0);
	return b;
}

static const struct ie_command *const all[] = {
	&cx_uar_cmd, &cx_uaa_cmd, &cx_sar_cmd, &cx_saa_cmd, &cx_lir_cmd, &cx_lia_cmd,
	&cx_mar_cmd, &cx_maa_cmd, &cx_rtr_cmd, &cx_rta_cmd, &cx_ppr_cmd, &cx_ppa_cmd,
};

/* struct -> octets -> struct -> octets: the second octets must be the first. */
static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]), again = { 0 };
		struct ie_env env;
		struct ie_error e;
		union cx_any a;
		char line[2048];

		assert_int_equal(ie_decode(all[i], &cx_dict, b.p, b.n, &env, &a, &e), 0);
		assert_int_equal(ie_encode(all[i], &ids, &env, &a, NULL, &again), 0);
		assert_int_equal(b.n, again.n);
		assert_memory_equal(b.p, again.p, b.n);
		assert_non_null(strstr(ie_print(&cx_dict, all[i], b.p, b.n, line, sizeof(line)),
				       all[i]->abbrev));
		assert_null(strstr(line, "malformed"));
		assert_null(strstr(line, "0123456789abcdef")); /* no key in a log */
		free(b.p);
		free(again.p);
	}
}

/* Writes the message again without its AVP number skip (top level). */
static void without(const struct ie_buf *b, int skip, struct ie_buf *ret)
{
	struct ie_cursor c;
	struct ie_view v;
	int i = 0;

	ret->p = malloc(b->n);
	memcpy(ret->p, b->p, IE_HDR_LEN);
	ret->n = IE_HDR_LEN;
	ie_cursor_init(&c, b->p + IE_HDR_LEN, b->n - IE_HDR_LEN);
	while (ie_next(&c, &v)) {
		size_t n = (v.raw.n + 3) & ~(size_t)3;

		if (i++ == skip)
			continue;
		memcpy(ret->p + ret->n, v.raw.p, n);
		ret->n += n;
	}
	ret->p[1] = (uint8_t)(ret->n >> 16);
	ret->p[2] = (uint8_t)(ret->n >> 8);
	ret->p[3] = (uint8_t)ret->n;
}

static int count_avps(const struct ie_buf *b)
{
	struct ie_cursor c;
	struct ie_view v;
	int n = 0;

	ie_cursor_init(&c, b->p + IE_HDR_LEN, b->n - IE_HDR_LEN);
	while (ie_next(&c, &v))
		n++;
	return n;
}

static bool has_failed_avp(const struct ie_buf *b, const struct ie_avp *a)
{
	struct ie_cursor c, in;
	struct ie_view v, w;

	ie_cursor_init(&c, b->p + IE_HDR_LEN, b->n - IE_HDR_LEN);
	while (ie_next(&c, &v)) {
		if (v.code != ie_base[IEB_FAILED_AVP].code || v.vendor)
			continue;
		ie_cursor_init(&in, v.value.p, v.value.n);
		return ie_next(&in, &w) && w.code == a->code && w.vendor == a->vendor;
	}
	return false;
}

static bool is_mandatory(const struct ie_rule *rules, const struct ie_avp *a)
{
	for (; rules->avp; rules++)
		if (rules->avp == a)
			return rules->presence != IE_OPT;
	return false;
}

/* Each AVP left out in turn: refused by name exactly when it is mandatory. */
static void test_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]);

		for (int skip = 0; skip < count_avps(&b); skip++) {
			struct ie_buf m = { 0 }, answer = { 0 };
			struct ie_header h;
			struct ie_error e;
			struct ie_env env;
			union cx_any a;
			int r;

			without(&b, skip, &m);
			r = ie_decode(all[i], &cx_dict, m.p, m.n, &env, &a, &e);
			if (r) {
				assert_int_equal(e.result, IE_MISSING_AVP);
				assert_non_null(e.avp);
				assert_int_equal(ie_header_parse(m.p, m.n, &h), 0);
				assert_int_equal(ie_encode_error(&h, &env, &e, &answer), 0);
				assert_true(has_failed_avp(&answer, e.avp));
				assert_true(is_mandatory(all[i]->rules, e.avp) ||
					    is_mandatory(ie_env_rules, e.avp) ||
					    e.avp == &ie_base[IEB_RESULT_CODE] ||
					    e.avp->code == 610 || e.avp->code == 602);
			}
			free(m.p);
			free(answer.p);
		}
		free(b.p);
	}
}

static void append(struct ie_buf *b, const struct ie_avp *a, const void *p, size_t n)
{
	ie_put(b, a, p, n);
	b->p[1] = (uint8_t)(b->n >> 16);
	b->p[2] = (uint8_t)(b->n >> 8);
	b->p[3] = (uint8_t)b->n;
}

static int decode_uar_with(const struct ie_avp *a, const void *p, size_t n)
{
	struct ie_buf b = encode(&cx_uar_cmd);
	struct ie_error e;
	struct ie_env env;
	union cx_any u;

	append(&b, a, p, n);
	ie_decode(&cx_uar_cmd, &cx_dict, b.p, b.n, &env, &u, &e);
	free(b.p);
	return e.result;
}

static void test_unknown_and_malformed(void **state)
{
	static const struct ie_avp unknown_m = { "X", 77777, CX_VENDOR, IE_V | IE_M, IE_OCTETS, 0 };
	static const struct ie_avp unknown = { "Y", 77777, CX_VENDOR, IE_V, IE_OCTETS, 0 };
	const struct ie_avp *type = ie_find(&cx_dict, 623, CX_VENDOR),
			    *flags = ie_find(&cx_dict, 637, CX_VENDOR);
	const struct ie_avp *known = ie_find(&cx_dict, 606, CX_VENDOR);

	(void)state;
	assert_int_equal(decode_uar_with(&unknown_m, "abc", 3), IE_AVP_UNSUPPORTED);
	assert_int_equal(decode_uar_with(&unknown, "abc", 3), 0);
	assert_int_equal(decode_uar_with(known, "abc", 3),
			 0); /* known, though not of this command */
	assert_int_equal(decode_uar_with(type, "\0\0\0\1", 4), IE_TOO_MANY);
	assert_int_equal(decode_uar_with(flags, "\0\0\0\1", 4), IE_TOO_MANY);
}

static int decode_lir_with(const struct ie_avp *a, const void *p, size_t n)
{
	struct ie_env env = envelope();
	struct cx_lir r = { .public_identity = STR("sip:u@test"), .auth_type = -1 };
	struct ie_buf b = { 0 };
	struct ie_error e;
	union cx_any u;

	assert_int_equal(ie_encode(&cx_lir_cmd, &ids, &env, &r, NULL, &b), 0);
	append(&b, a, p, n);
	ie_decode(&cx_lir_cmd, &cx_dict, b.p, b.n, &env, &u, &e);
	free(b.p);
	return e.result;
}

static void test_values(void **state)
{
	const struct ie_avp *type = ie_find(&cx_dict, 623, CX_VENDOR);

	(void)state;
	assert_int_equal(decode_lir_with(type, "\0\0\0\1", 4), 0);
	assert_int_equal(decode_lir_with(type, "\0\0\0\1", 3), IE_INVALID_AVP_LENGTH);
	assert_int_equal(decode_lir_with(type, "\0\0\0\11", 4), IE_INVALID_AVP_VALUE);
	assert_int_equal(decode_lir_with(&ie_base[IEB_DESTINATION_HOST], "a\0b", 3),
			 IE_INVALID_AVP_VALUE);
	assert_int_equal(decode_lir_with(&ie_base[IEB_DESTINATION_HOST], "", 0),
			 IE_INVALID_AVP_VALUE);
}

/* Cut anywhere, or with any octet turned over: an error or a decoded struct, never anything else. */
static void test_truncated_and_flipped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]);
		struct ie_error e;
		struct ie_env env;
		union cx_any a;

		for (size_t n = 0; n < b.n; n++) {
			uint8_t *cut = malloc(n ? n : 1); /* exact, for ASan */

			memcpy(cut, b.p, n);
			if (n >= 4) {
				cut[1] = (uint8_t)(n >> 16);
				cut[2] = (uint8_t)(n >> 8);
				cut[3] = (uint8_t)n;
			}
			ie_decode(all[i], &cx_dict, cut, n, &env, &a, &e);
			free(cut);
		}
		for (size_t n = IE_HDR_LEN; n < b.n; n++) {
			b.p[n] ^= 0xff;
			ie_decode(all[i], &cx_dict, b.p, b.n, &env, &a, &e);
			b.p[n] ^= 0xff;
		}
		free(b.p);
	}
}

static void test_proxy_info_returns(void **state)
{
	struct cx_ppa a = { .result = CX_SUCCESS };
	struct ie_env env = envelope(), back;
	struct ie_buf proxy = { 0 }, b = { 0 };
	struct ie_error e;
	union cx_any any;
	size_t at;

	(void)state;
	at = ie_open(&proxy, &ie_base[IEB_PROXY_INFO]);
	ie_put(&proxy, &ie_base[IEB_PROXY_HOST], "dra.test", 8);
	ie_put(&proxy, &ie_base[IEB_PROXY_STATE], "\1\2\3", 3);
	ie_close(&proxy, at);
	env.proxy_info[env.n_proxy_info++] = (struct str){ (char *)proxy.p, proxy.n };
	assert_int_equal(ie_encode(&cx_ppa_cmd, &ids, &env, &a, NULL, &b), 0);
	assert_int_equal(ie_decode(&cx_ppa_cmd, &cx_dict, b.p, b.n, &back, &any, &e), 0);
	assert_int_equal(back.n_proxy_info, 1);
	assert_memory_equal(back.proxy_info[0].p, proxy.p, proxy.n);
	free(proxy.p);
	free(b.p);
}

/* --- Wireshark --- */

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *p;
	long n;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	p = malloc((size_t)n + 1);
	p[fread(p, 1, (size_t)n, f)] = '\0';
	fclose(f);
	return p;
}

/* The type that the file gives to <avp name= code=>; NULL when it does not know this pair. */
static const char *dictionary_type(const char *xml, const struct ie_avp *a, char *dst, size_t size)
{
	static const char *const prefixes[] = { "", "3GPP-",
						"Cx-" }; /* theirs, where names collide */
	const char *p = NULL, *end, *t;
	char want[160];

	for (size_t i = 0; i < ARRAY_SIZE(prefixes) && !p; i++) {
		snprintf(want, sizeof(want), "<avp name=\"%s%s\" code=\"%u\"", prefixes[i], a->name,
			 a->code);
		p = strstr(xml, want);
	}
	if (!p)
		return NULL;
	end = strstr(p + 1, "<avp name");
	*dst = '\0';
	t = strstr(p, "<type type-name=\"");
	if (t && (!end || t < end))
		sscanf(t, "<type type-name=\"%31[^\"]", dst);
	else if ((t = strstr(p, "<grouped")) && (!end || t < end))
		snprintf(dst, size, "Grouped");
	return dst;
}

static bool same_type(const struct ie_avp *a, const char *theirs)
{
	if (!strcmp(theirs, ie_type_name(a->type)))
		return true;
	if (!strcmp(theirs, "OctetStringOrUTF8"))
		return a->type == IE_OCTETS || a->type == IE_UTF8;
	if (a->type == IE_ENUM)
		return !strcmp(theirs, "Unsigned32") || !strcmp(theirs, "Integer32");
	if (a->type == IE_U32)
		return !strcmp(theirs, "Enumerated") || !strcmp(theirs, "AppId") ||
		       !strcmp(theirs, "VendorId");
	return false;
}

static void check_dict(const struct ie_dict *d, const char *a, const char *b, int *missing)
{
	char type[32];

	for (size_t i = 0; i < d->n; i++) {
		const char *t = dictionary_type(a, &d->avps[i], type, sizeof(type));

		if (!t)
			t = dictionary_type(b, &d->avps[i], type, sizeof(type));
		if (!t) {
			print_message("not in Wireshark's dictionary: %s %u\n", d->avps[i].name,
				      d->avps[i].code);
			++*missing;
		} else if (!same_type(&d->avps[i], t)) {
			fail_msg("%s: %s here, %s in Wireshark's dictionary", d->avps[i].name,
				 ie_type_name(d->avps[i].type), t);
		}
	}
}

static void test_wireshark_dictionary(void **state)
{
	char *base = slurp("/usr/share/wireshark/diameter/dictionary.xml"),
	     *tgpp = slurp("/usr/share/wireshark/diameter/TGPP.xml");
	int missing = 0;

	(void)state;
	if (!base || !tgpp) {
		free(base);
		free(tgpp);
		skip();
		return;
	}
	check_dict(&cx_dict, base, tgpp, &missing);
	check_dict(&ie_base_dict, base, tgpp, &missing);
	free(base);
	free(tgpp);
	assert_true(missing <= 3); /* renamed or of later releases */
}

static void dump(FILE *f, const struct ie_buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		fprintf(f, "%06zx %02x\n", i, b->p[i]);
}

/* tshark must find nothing wrong in any of the twelve commands. */
static void test_tshark(void **state)
{
	char dir[] = "/tmp/kims-cx-XXXXXX", path[64], cmd[512], out[512] = "";
	FILE *f;
	size_t n;

	(void)state;
	if (system("command -v tshark text2pcap >/dev/null 2>&1") || !mkdtemp(dir))
		skip();
	snprintf(path, sizeof(path), "%s/hex", dir);
	f = fopen(path, "we");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]);

		dump(f, &b);
		free(b.p);
	}
	fclose(f);
	snprintf(
		cmd, sizeof(cmd),
		"cd %s && text2pcap -q -T 40000,3868 hex p.pcap >/dev/null 2>&1 && "
		"tshark -n -r p.pcap -Y diameter -T fields -e diameter.cmd.code 2>/dev/null | wc -l; "
		"tshark -n -r p.pcap -Y '_ws.malformed || _ws.expert.severity >= 6291456' -T fields -e _ws.expert.message 2>/dev/null; rm -r %s",
		dir, dir);
	f = popen(cmd, "re");
	n = fread(out, 1, sizeof(out) - 1, f);
	pclose(f);
	out[n] = '\0';
	assert_string_equal(out, "12\n");
}

#define SEEDS "tests/fuzz/seeds/cx"

/* One message of each command; kept with the fuzzer, which starts from them. */
static void write_seeds(void)
{
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]);
		FILE *f;

		snprintf(path, sizeof(path), SEEDS "/%s", all[i]->abbrev);
		f = fopen(path, "we");
		assert_non_null(f);
		fwrite(b.p, 1, b.n, f);
		fclose(f);
		free(b.p);
	}
}

static void replay(const char *name)
{
	char path[512];
	uint8_t buf[8192];
	FILE *f;

	snprintf(path, sizeof(path), SEEDS "/%s", name);
	f = fopen(path, "re");
	assert_non_null(f);
	fuzz_cx(buf, fread(buf, 1, sizeof(buf), f));
	fclose(f);
}

static void test_seeds(void **state)
{
	struct dirent *d;
	DIR *dir;

	(void)state;
	if (getenv("KIMS_UPDATE_DOCS"))
		write_seeds();
	dir = opendir(SEEDS);
	if (!dir)
		skip();
	while ((d = readdir(dir)))
		if (*d->d_name != '.')
			replay(d->d_name);
	closedir(dir);
}

static void test_documentation(void **state)
{
	char *have = slurp("docs/ref/cx.md"), *want = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&want, &n);

	(void)state;
	cx_doc(f);
	fclose(f);
	if (getenv("KIMS_UPDATE_DOCS")) {
		f = fopen("docs/ref/cx.md", "we");
		assert_non_null(f);
		fwrite(want, 1, n, f);
		fclose(f);
	} else if (have) {
		assert_string_equal(have, want);
	}
	free(have);
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_unknown_and_malformed),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_truncated_and_flipped),
		cmocka_unit_test(test_proxy_info_returns),
		cmocka_unit_test(test_wireshark_dictionary),
		cmocka_unit_test(test_tshark),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_documentation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
