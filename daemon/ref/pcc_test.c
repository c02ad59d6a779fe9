// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of Gx and Rx: against Wireshark's dictionary, there and back for every command with every row
 * filled, each AVP left out, each message cut at every octet, and what tshark says of our messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <dirent.h>

#include "ref/gx_tables.h"
#include "ref/rx_tables.h"

#define FUZZ_REPLAY
#include "tests/fuzz/fuzz_pcc.c"

#define SEEDS "tests/fuzz/seeds/pcc"

static const struct ie_header ids = { .hop_by_hop = 0x11223344, .end_to_end = 0x55667788 };
static const struct ie_command *const all[] = {
	&gx_ccr_cmd, &gx_cca_cmd, &gx_rar_cmd, &gx_raa_cmd, &rx_aar_cmd, &rx_aaa_cmd,
	&rx_rar_cmd, &rx_raa_cmd, &rx_str_cmd, &rx_sta_cmd, &rx_asr_cmd, &rx_asa_cmd
};

static struct ie_env envelope(const struct ie_command *c)
{
	return (struct ie_env){ .rules = ie_env_auth_rules,
				.session_id = STR("smf.test;1;2;gx"),
				.origin_host = STR("smf.test"),
				.origin_realm = STR("test"),
				.dest_realm = STR("test"),
				.auth_app = c->app,
				.auth_session_state = -1,
				.origin_state_id = 7 };
}

/* --- filling every row --- */

#define OCTETS(s) ((struct str){ (s), sizeof(s) - 1 })

static struct str value_of(const struct ie_avp *a)
{
	if (a->code == 8)
		return OCTETS("\12\55\0\13"); /* Framed-IP-Address */
	if (a->code == 97)
		return OCTETS("\0\100\375\105\0\0\0\0\0\1"); /* Framed-IPv6-Prefix */
	if (a->vendor == PCC_VENDOR && a->code == 22)	     /* TAI and ECGI */
		return OCTETS("\202\0\361\20\0\1\0\361\20\0\0\0\1");
	if (a->vendor == PCC_VENDOR && a->code == 23)
		return OCTETS("\100\0");
	if (a->vendor == PCC_VENDOR && a->code == 29) /* TWAN-Identifier: flags, SSID */
		return OCTETS("\0\3abc");
	if (a->code == 909)
		return OCTETS("0010100010f");
	if (a->code == 444) /* of type 1, END_USER_IMSI */
		return OCTETS("001010000000001");
	if (a->code == 460) /* of type 1, MAC */
		return OCTETS("\2\0\0\0\0\1");
	if (a->code == 507 || a->code == 1059)
		return OCTETS("permit out 17 from 10.0.0.1 4000 to 10.45.0.11 5000");
	if (a->code == 1014)
		return OCTETS("\270\374");
	if (a->code == 1056)
		return OCTETS("\0\0\20\1");
	if (a->code == 1057)
		return OCTETS("\0\1\2");
	if (a->code == 18)
		return OCTETS("00101");
	if (a->code == 13 && a->vendor)
		return OCTETS("0800");
	if (a->code == 12 && a->vendor)
		return OCTETS("0");
	if (a->type == IE_ADDRESS)
		return OCTETS("\0\1\12\56\0\5");
	return OCTETS("abc");
}

static void fill(const struct ie_rule *rules, char *base);

static void fill_array(const struct ie_rule *r, char *base)
{
	size_t *n = (size_t *)(base + r->count_off);

	for (*n = 0; *n < 2 && *n < r->max; ++*n) {
		char *slot = base + r->off + *n * r->size;

		if (r->map == IE_STRS)
			*(struct str *)slot = value_of(r->avp);
		else if (r->map == IE_UINTS)
			*(uint32_t *)slot = (uint32_t)*n + 1;
		else if (r->map == IE_GROUPS)
			fill(r->group, slot);
	}
}

static void fill_one(const struct ie_rule *r, char *base)
{
	char *p = base + r->off;

	if (r->map == IE_STR)
		*(struct str *)p = value_of(r->avp);
	else if (r->map == IE_UINT)
		*(uint32_t *)p = 1;
	else if (r->map == IE_ULONG)
		*(uint64_t *)p = UINT64_C(0x123456789a);
	else if (r->map == IE_INT)
		*(int *)p = 1;
	else if (r->map == IE_RESULT)
		*(int *)p = PCC_SUCCESS;
	else if (r->map == IE_FLAT)
		fill(r->group, base);
	else if (r->map == IE_STRS || r->map == IE_UINTS || r->map == IE_GROUPS)
		fill_array(r, base);
	if (r->map != IE_GROUP)
		return;
	if (r->count_off)
		*(bool *)(base + r->count_off) = true;
	fill(r->group, p);
}

static void fill(const struct ie_rule *rules, char *base)
{
	for (; rules->avp; rules++)
		fill_one(rules, base);
}

static struct ie_buf encode(const struct ie_command *c)
{
	struct ie_env env = envelope(c);
	struct ie_buf b = { 0 };
	char *a = malloc(c->size);

	ie_init(c, a);
	fill(c->rules, a);
	assert_int_equal(ie_encode(c, &ids, &env, a, NULL, &b), 0);
	free(a);
	return b;
}

/* --- there and back --- */

static void test_round_trip(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]), again = { 0 };
		char *a = malloc(all[i]->size), line[2048];
		struct ie_error e;
		struct ie_env env;

		assert_int_equal(ie_decode(all[i], &pcc_dict, b.p, b.n, &env, a, &e), 0);
		assert_int_equal(env.auth_app, all[i]->app);
		assert_int_equal(env.origin_state_id, 7);
		assert_int_equal(ie_encode(all[i], &ids, &env, a, NULL, &again), 0);
		assert_int_equal(b.n, again.n);
		assert_memory_equal(b.p, again.p, b.n);
		assert_non_null(strstr(ie_print(&pcc_dict, all[i], b.p, b.n, line, sizeof(line)),
				       all[i]->abbrev));
		free(a);
		free(b.p);
		free(again.p);
	}
}

/* What is absent is told from what is 0. */
static void test_absent(void **state _unused_)
{
	struct rx_aar r, back;
	struct ie_env env = envelope(&rx_aar_cmd);
	struct ie_buf b = { 0 };
	struct ie_error e;

	ie_init(&rx_aar_cmd, &r);
	r.n_component = 1;
	r.component[0] = (struct rx_component){ .number = 1,
						.media_type = RX_AUDIO,
						.max_ul = 0,
						.max_dl = -1,
						.min_ul = -1,
						.min_dl = -1,
						.rs = 0,
						.rr = -1,
						.status = PCC_ENABLED,
						.reservation_priority = -1 };
	assert_int_equal(ie_encode(&rx_aar_cmd, &ids, &env, &r, NULL, &b), 0);
	assert_int_equal(ie_decode(&rx_aar_cmd, &pcc_dict, b.p, b.n, &env, &back, &e), 0);
	assert_int_equal(back.n_component, 1);
	assert_int_equal(back.component[0].max_ul, 0);
	assert_int_equal(back.component[0].max_dl, -1);
	assert_int_equal(back.component[0].rs, 0);
	assert_int_equal(back.component[0].rr, -1);
	assert_int_equal(back.service_info_status, -1);
	assert_null(back.framed_ip.p);
	free(b.p);
}

/* --- wrong messages --- */

static void relength(uint8_t *p, size_t n)
{
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

/* Each AVP of the top level left out in turn: refused, by its name, exactly when it is mandatory. */
static void leave_out(const struct ie_command *c, const struct ie_buf *b, int skip)
{
	uint8_t *m = malloc(b->n);
	char *a = malloc(c->size);
	const struct ie_avp *out = NULL;
	struct ie_error e = { 0 };
	struct ie_cursor in;
	struct ie_env env;
	struct ie_view v;
	size_t n = IE_HDR_LEN;
	int i = 0, r;

	memcpy(m, b->p, IE_HDR_LEN);
	ie_cursor_init(&in, b->p + IE_HDR_LEN, b->n - IE_HDR_LEN);
	while (ie_next(&in, &v)) {
		size_t len = (v.raw.n + 3) & ~(size_t)3;

		if (i++ == skip) {
			out = ie_find(&pcc_dict, v.code, v.vendor);
			continue;
		}
		memcpy(m + n, v.raw.p, len);
		n += len;
	}
	relength(m, n);
	r = ie_decode(c, &pcc_dict, m, n, &env, a, &e);
	if (r) {
		assert_int_equal(e.result, IE_MISSING_AVP);
		assert_ptr_equal(e.avp, out);
	} else {
		for (const struct ie_rule *rule = c->rules; rule->avp; rule++)
			assert_false(rule->avp == out && rule->presence == IE_MAND &&
				     rule->max == 1);
	}
	free(a);
	free(m);
}

static void test_missing(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]);
		struct ie_cursor in;
		struct ie_view v;
		int n = 0;

		ie_cursor_init(&in, b.p + IE_HDR_LEN, b.n - IE_HDR_LEN);
		while (ie_next(&in, &v))
			n++;
		for (int skip = 0; skip < n; skip++)
			leave_out(all[i], &b, skip);
		free(b.p);
	}
}

static void test_truncated_and_flipped(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]);
		char *a = malloc(all[i]->size);
		struct ie_error e;
		struct ie_env env;

		for (size_t n = 0; n < b.n; n++) {
			uint8_t *cut = malloc(n ? n : 1); /* exact, for ASan */

			memcpy(cut, b.p, n);
			if (n >= 4)
				relength(cut, n);
			ie_decode(all[i], &pcc_dict, cut, n, &env, a, &e);
			free(cut);
		}
		for (size_t n = IE_HDR_LEN; n < b.n; n += 3) {
			b.p[n] ^= 0xff;
			ie_decode(all[i], &pcc_dict, b.p, b.n, &env, a, &e);
			b.p[n] ^= 0xff;
		}
		free(a);
		free(b.p);
	}
}

/* TS 29.212 4.5.1. */
static void test_initial(void **state _unused_)
{
	struct ie_env env = envelope(&gx_ccr_cmd);
	struct gx_ccr *r = malloc(sizeof(*r)), *back = malloc(sizeof(*back));
	struct ie_buf b = { 0 };
	struct ie_error e;

	ie_init(&gx_ccr_cmd, r);
	r->type = GX_INITIAL_REQUEST;
	assert_int_equal(ie_encode(&gx_ccr_cmd, &ids, &env, r, NULL, &b), 0);
	assert_true(ie_decode(&gx_ccr_cmd, &pcc_dict, b.p, b.n, &env, back, &e) < 0);
	assert_int_equal(e.result, IE_MISSING_AVP);
	assert_ptr_equal(e.avp, &pcc_avps[PCC_FRAMED_IP]);
	free(b.p);
	free(r);
	free(back);
}

/* --- Wireshark --- */

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *p = NULL;
	size_t n = 0;
	FILE *m = f ? open_memstream(&p, &n) : NULL;
	int c;

	while (m && (c = getc(f)) != EOF)
		putc(c, m);
	if (m)
		fclose(m);
	if (f)
		fclose(f);
	return p;
}

/* Name and code stand together in one of the dictionary's files. */
static void test_wireshark_dictionary(void **state _unused_)
{
	static const char *const files[] = { "dictionary", "TGPP", "nasreq", "chargecontrol",
					     "etsie2e4" };
	char path[128], want[160], *xml[ARRAY_SIZE(files)];
	int missing = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/usr/share/wireshark/diameter/%s.xml", files[i]);
		xml[i] = slurp(path);
	}
	if (!xml[0])
		skip();
	for (size_t k = 0; k < PCC_N_AVPS; k++) {
		bool found = false;

		snprintf(want, sizeof(want), "<avp name=\"%s\" code=\"%u\"", pcc_avps[k].name,
			 pcc_avps[k].code);
		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			found |= xml[i] && strstr(xml[i], want);
		if (!found)
			print_message("not in Wireshark's dictionary: %s %u\n", pcc_avps[k].name,
				      pcc_avps[k].code);
		missing += !found;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		free(xml[i]);
	assert_int_equal(missing, 0);
}

static void test_tshark(void **state _unused_)
{
	char dir[] = "/tmp/kims-pcc-XXXXXX", path[64], cmd[512], out[1024] = "", want[32];
	FILE *f;
	size_t n;

	if (system("command -v tshark text2pcap >/dev/null 2>&1") || !mkdtemp(dir))
		skip();
	snprintf(path, sizeof(path), "%s/hex", dir);
	f = fopen(path, "we");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]);

		for (size_t k = 0; k < b.n; k++)
			fprintf(f, "%06zx %02x\n", k, b.p[k]);
		free(b.p);
	}
	fclose(f);
	snprintf(
		cmd, sizeof(cmd),
		"cd %s && text2pcap -q -T 40000,3868 hex p.pcap >/dev/null 2>&1 && "
		"tshark -n -r p.pcap -Y diameter -T fields -e diameter.cmd.code 2>/dev/null | wc -l; "
		"tshark -n -r p.pcap -Y '_ws.malformed || _ws.expert.severity >= 6291456' -T fields "
		"-e frame.number -e _ws.expert.message 2>/dev/null; rm -r %s",
		dir, dir);
	f = popen(cmd, "re");
	n = fread(out, 1, sizeof(out) - 1, f);
	pclose(f);
	out[n] = '\0';
	snprintf(want, sizeof(want), "%zu\n", ARRAY_SIZE(all));
	assert_string_equal(out, want);
}

/* --- seeds and documentation; KIMS_UPDATE_DOCS writes them --- */

static void write_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fwrite(p, 1, n, f);
	fclose(f);
}

static void test_seeds(void **state _unused_)
{
	uint8_t buf[65536];
	struct dirent *d;
	char path[512];
	DIR *dir;
	FILE *f;

	for (size_t i = 0; getenv("KIMS_UPDATE_DOCS") && i < ARRAY_SIZE(all); i++) {
		struct ie_buf b = encode(all[i]);

		snprintf(path, sizeof(path), SEEDS "/%s-%s", i < 4 ? "gx" : "rx", all[i]->abbrev);
		write_file(path, b.p, b.n);
		free(b.p);
	}
	dir = opendir(SEEDS);
	if (!dir)
		skip();
	while ((d = readdir(dir))) {
		snprintf(path, sizeof(path), SEEDS "/%s", d->d_name);
		f = *d->d_name != '.' ? fopen(path, "re") : NULL;
		if (!f)
			continue;
		fuzz_pcc(buf, fread(buf, 1, sizeof(buf), f));
		fclose(f);
	}
	closedir(dir);
}

static void check_doc(const char *path, void (*doc)(FILE *f))
{
	char *have = slurp(path), *want = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&want, &n);

	doc(f);
	fclose(f);
	if (getenv("KIMS_UPDATE_DOCS"))
		write_file(path, want, n);
	else if (have)
		assert_string_equal(have, want);
	free(have);
	free(want);
}

static void test_documentation(void **state _unused_)
{
	check_doc("docs/ref/gx.md", gx_doc);
	check_doc("docs/ref/rx.md", rx_doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_absent),
		cmocka_unit_test(test_missing),	      cmocka_unit_test(test_truncated_and_flipped),
		cmocka_unit_test(test_initial),	      cmocka_unit_test(test_wireshark_dictionary),
		cmocka_unit_test(test_tshark),	      cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_documentation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
