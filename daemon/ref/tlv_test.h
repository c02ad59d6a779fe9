/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tables of TLV messages alone can try with each of them, for s5_test.c and sx_test.c: there and
 * back, every IE left out, doubled, emptied, one octet too long, unknown ones between them, order turned
 * round, cut and flipped at every octet; what tshark says; seeds of the fuzzer; the documentation.
 */
#ifndef KIMS_REF_TLV_TEST_H
#define KIMS_REF_TLV_TEST_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/ie/tlv.h"

#define MSG_MAX 65536

struct suite {
	const char *name; /* "s5" */
	const struct tlv_format *format;
	const struct tlv_msg *(*msg)(uint8_t type);
	void (*sample)(uint16_t ie_type, void *slot,
		       size_t i); /* a value for the i-th IE of an array */
	bool (*has_id)(uint8_t type);
	int port;
	void (*fuzz)(const uint8_t *p, size_t n);
	void (*doc)(FILE *f);
};
static const struct suite *suite; /* of this test */

static _Alignas(16) char body[1 << 18], body2[1 << 18];

static inline void *at(void *base, size_t off)
{
	return (char *)base + off;
}

/* full: every row; else mandatory ones only. Arrays get n elements. */
static inline void fill(const struct tlv_rule *rules, void *base, bool full, size_t n)
{
	for (const struct tlv_rule *r = rules; r->ie; r++) {
		size_t k = r->array ? MIN(n, (size_t)r->max) : 1;

		if (!full && r->presence < TLV_S)
			continue;
		for (size_t i = 0; i < k; i++) {
			if (r->group)
				fill(r->group(), at(base, r->off + i * r->size), full, n);
			else
				suite->sample(r->ie->type, at(base, r->off + i * r->size), i);
		}
		if (r->array)
			*(size_t *)at(base, r->has_off) = k;
		else
			*(bool *)at(base, r->has_off) = true;
	}
}

static inline int encode(const struct tlv_msg *m, const void *in, struct tlv_buf *b)
{
	struct tlv_hdr h = { .has_id = suite->has_id(m->type),
			     .id = 0x11223344,
			     .seq = 0x10000u + m->type };

	return tlv_encode(m, &h, in, b);
}

static inline struct tlv_buf make(const struct tlv_msg *m, bool full, size_t n)
{
	struct tlv_buf b = { .p = malloc(MSG_MAX), .cap = MSG_MAX };

	tlv_init(m, body);
	assert_true(m->size <= sizeof(body));
	fill(m->rules(), body, full, n);
	assert_int_equal(encode(m, body, &b), 0);
	return b;
}

static inline bool same_again(const struct tlv_msg *m, const void *in, const struct tlv_buf *want)
{
	struct tlv_buf b = { .p = malloc(MSG_MAX), .cap = MSG_MAX };
	bool same;

	assert_int_equal(encode(m, in, &b), 0);
	same = b.n == want->n && !memcmp(b.p, want->p, b.n);
	free(b.p);
	return same;
}

#define EACH_MSG(m)                      \
	for (int t_ = 0; t_ < 256; t_++) \
		for (const struct tlv_msg *m = suite->msg((uint8_t)t_); m; m = NULL)

static inline void test_round_trip(void **state)
{
	struct tlv_error e;
	struct tlv_hdr h;
	char line[8192];

	(void)state;
	EACH_MSG(m)
	{
		for (int kind = 0; kind < 3; kind++) {
			struct tlv_buf b = make(m, kind, kind == 2 ? 6 : 2);

			assert_int_equal(tlv_decode(m, b.p, b.n, &h, body2, &e), 0);
			assert_int_equal(h.len, b.n);
			assert_int_equal(h.seq, 0x10000u + m->type);
			assert_true(same_again(m, body2, &b));
			tlv_print(suite->format, m, b.p, b.n, line, sizeof(line));
			assert_non_null(strstr(line, m->name));
			assert_null(strstr(line, "malformed"));
			free(b.p);
		}
	}
}

/* --- one IE of a message changed, at any depth --- */

enum change { DROP, DOUBLE, EMPTY, LONGER, UNKNOWN, N_CHANGES };

struct changed {
	enum change change;
	int target, i;
	/* what was hit */
	const struct tlv_rule *rule;
	bool optional; /* it, or a group around it */
};

static inline void put_raw(struct tlv_buf *b, struct str raw)
{
	uint8_t *w = tlv_grow(b, raw.n);

	assert_non_null(w);
	memcpy(w, raw.p, raw.n);
}

static inline const struct tlv_rule *rule_in(const struct tlv_rule *rules, const struct tlv_view *v)
{
	while (rules->ie && (rules->ie->type != v->type || rules->instance != v->instance))
		rules++;
	return rules->ie ? rules : NULL;
}

static inline void hit(struct changed *c, const struct tlv_view *v, struct tlv_buf *out)
{
	size_t a;

	switch (c->change) {
	case DROP:
	case N_CHANGES:
		return;
	case DOUBLE:
		put_raw(out, v->raw);
		put_raw(out, v->raw);
		return;
	case EMPTY:
		tlv_put(out, suite->format, v->type, v->instance, NULL, 0);
		return;
	case LONGER:
		a = tlv_open(out, suite->format, v->type, 0, v->instance);
		put_raw(out, v->value);
		put_raw(out, STR("\0"));
		tlv_close(out, suite->format, a);
		return;
	case UNKNOWN:
		tlv_put(out, suite->format, 253, 0, "abc", 3);
		put_raw(out, v->raw);
		return;
	}
}

static inline void copy(struct changed *c, const struct tlv_rule *rules, struct str in,
			bool optional, struct tlv_buf *out)
{
	struct tlv_cursor cur;
	struct tlv_view v;

	tlv_cursor_init(&cur, suite->format, in.p, in.n);
	while (tlv_next(&cur, &v)) {
		const struct tlv_rule *r = rule_in(rules, &v);
		bool opt;
		size_t a;

		assert_non_null(r);
		opt = optional || r->presence == TLV_O;
		if (c->i++ == c->target) {
			c->rule = r;
			c->optional = opt;
			hit(c, &v, out);
		} else if (r->group) {
			a = tlv_open(out, suite->format, v.type, 0, v.instance);
			copy(c, r->group(), v.value, opt, out);
			tlv_close(out, suite->format, a);
		} else {
			put_raw(out, v.raw);
		}
	}
	assert_false(cur.bad);
}

/* What must become of it. */
static inline void judge(const struct tlv_msg *m, const struct changed *c,
			 const struct tlv_buf *was, const struct tlv_buf *b, bool full)
{
	const struct tlv_rule *r = c->rule;
	struct tlv_error e;
	int res = tlv_decode(m, b->p, b->n, NULL, body2, &e);
	bool must = r->presence >= TLV_S && !c->optional && (!full || !r->array || r->max == 1);
	bool named = e.has_ie && e.type == r->ie->type && e.instance == r->instance;

	assert_int_equal(res != 0, e.cause != 0);
	if (c->change == UNKNOWN || (c->change == DOUBLE && !r->array)) {
		assert_int_equal(res, 0);
		assert_true(same_again(m, body2, was));
	} else if (c->change == DROP && must) {
		assert_int_equal(e.cause, suite->format->missing);
		assert_true(named);
	} else if (c->change == DROP) {
		assert_int_equal(res, 0);
	} else if (c->optional) {
		assert_int_equal(res, 0);
	} else if (c->change == EMPTY && r->ie->min) {
		assert_int_equal(e.cause, suite->format->bad_length);
		assert_true(named);
	} else if (c->change == LONGER && r->ie->max && r->ie->max == r->ie->min) {
		assert_int_equal(res, 0); /* the rest is discarded */
		assert_true(same_again(m, body2, was));
	} else if (c->change == DOUBLE && r->array && full && r->max == 2) {
		assert_int_equal(e.cause, suite->format->no_resources);
		assert_true(named);
	}
}

static inline bool change_one(const struct tlv_msg *m, const struct tlv_buf *b, struct changed *c,
			      bool full)
{
	struct tlv_buf out = { .p = malloc(MSG_MAX), .cap = MSG_MAX };
	struct tlv_hdr h;

	assert_int_equal(suite->format->parse(b->p, b->n, &h), 0);
	put_raw(&out, (struct str){ (const char *)b->p, h.hdr_len });
	copy(c, m->rules(), (struct str){ (const char *)b->p + h.hdr_len, h.len - h.hdr_len },
	     false, &out);
	tlv_end(&out, suite->format, 0);
	assert_int_equal(out.err, 0);
	if (c->rule)
		judge(m, c, b, &out, full);
	free(out.p);
	return c->rule;
}

static inline void test_changed(void **state)
{
	(void)state;
	EACH_MSG(m)
	{
		for (int full = 0; full < 2; full++) {
			struct tlv_buf b = make(m, full, full ? 2 : 1);

			for (int change = DROP; change < N_CHANGES; change++) {
				struct changed c = { .change = (enum change)change };

				while (change_one(m, &b, &c, full))
					c = (struct changed){ .change = (enum change)change,
							      .target = c.target + 1 };
			}
			free(b.p);
		}
	}
}

/* The order of IEs does not matter. */
static inline void test_reversed(void **state)
{
	struct tlv_error e;

	(void)state;
	EACH_MSG(m)
	{
		struct tlv_buf b = make(m, true, 1), rev = { .p = malloc(MSG_MAX), .cap = MSG_MAX };
		struct str raw[128];
		struct tlv_cursor c;
		struct tlv_view v;
		struct tlv_hdr h;
		int n = 0;

		assert_int_equal(suite->format->parse(b.p, b.n, &h), 0);
		tlv_cursor_init(&c, suite->format, b.p + h.hdr_len, b.n - h.hdr_len);
		while (tlv_next(&c, &v))
			raw[n++] = v.raw;
		put_raw(&rev, (struct str){ (const char *)b.p, h.hdr_len });
		while (n)
			put_raw(&rev, raw[--n]);
		tlv_end(&rev, suite->format, 0);
		assert_int_equal(tlv_decode(m, rev.p, rev.n, NULL, body2, &e), 0);
		assert_true(same_again(m, body2, &b));
		free(rev.p);
		free(b.p);
	}
}

/* Cut anywhere (with and without a length that fits): an error or a struct, and never outside. */
static inline void test_truncated(void **state)
{
	struct tlv_error e;

	(void)state;
	EACH_MSG(m)
	{
		struct tlv_buf b = make(m, true, 1);

		for (size_t n = 0; n < b.n; n++) {
			uint8_t *cut = malloc(n ? n : 1); /* exact, for ASan */

			memcpy(cut, b.p, n);
			assert_int_equal(tlv_decode(m, cut, n, NULL, body2, &e), -EBADMSG);
			assert_true(e.cause);
			if (n >= 4) {
				cut[2] = (uint8_t)((n - 4) >> 8);
				cut[3] = (uint8_t)(n - 4);
				if (!tlv_decode(m, cut, n, NULL, body2, &e))
					assert_int_equal(e.cause, 0);
			}
			free(cut);
		}
		free(b.p);
	}
}

/* Any octet turned over: what still decodes encodes, too, and reads the same again. */
static inline void test_flipped(void **state)
{
	struct tlv_buf one = { .p = malloc(MSG_MAX), .cap = MSG_MAX };
	struct tlv_error e;

	(void)state;
	EACH_MSG(m)
	{
		struct tlv_buf b = make(m, true, 1);

		for (size_t n = 0; n < b.n; n++) {
			b.p[n] ^= 0xff;
			one.n = 0;
			if (!tlv_decode(m, b.p, b.n, NULL, body2, &e)) {
				assert_int_equal(encode(m, body2, &one), 0);
				assert_int_equal(tlv_decode(m, one.p, one.n, NULL, body, &e), 0);
				assert_true(same_again(m, body, &one));
			}
			b.p[n] ^= 0xff;
		}
		free(b.p);
	}
	free(one.p);
}

/* A buffer of every size: all of it or -EMSGSIZE. */
static inline void test_small_buffers(void **state)
{
	(void)state;
	EACH_MSG(m)
	{
		struct tlv_buf b = make(m, true, 1);

		for (size_t n = 0; n < b.n; n++) {
			uint8_t *small = malloc(n ? n : 1);
			struct tlv_buf s = { .p = small, .cap = n };

			assert_int_equal(encode(m, body, &s), -EMSGSIZE);
			free(small);
		}
		free(b.p);
	}
}

/* --- second readers --- */

static inline void dump_all(const char *path)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	EACH_MSG(m)
	{
		for (int full = 0; full < 2; full++) {
			struct tlv_buf b = make(m, full, 1);

			for (size_t i = 0; i < b.n; i++)
				fprintf(f, "%06zx %02x\n", i, b.p[i]);
			free(b.p);
		}
	}
	fclose(f);
}

static inline void run(const char *cmd, char *out, size_t size)
{
	FILE *f = popen(cmd, "re");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, size - 1, f);
	pclose(f);
	out[n] = '\0';
}

/* tshark must find nothing wrong in any message; scapy must name each and leave no octet over. */
static inline void test_second_readers(void **state)
{
	char dir[] = "/tmp/kims-tlv-XXXXXX", path[64], cmd[1024], out[4096];

	(void)state;
	if (system("command -v tshark text2pcap >/dev/null 2>&1") || !mkdtemp(dir))
		skip();
	snprintf(path, sizeof(path), "%s/hex", dir);
	dump_all(path);
	snprintf(cmd, sizeof(cmd),
		 "cd %s && text2pcap -q -u %d,%d hex p.pcap >/dev/null 2>&1; tshark -n -r p.pcap "
		 "-Y '_ws.malformed || _ws.expert.severity >= 6291456' -T fields -e frame.number "
		 "-e _ws.expert.message 2>/dev/null; tshark -n -r p.pcap -Y '!%s' 2>/dev/null",
		 dir, suite->port, suite->port, suite->format == &tlv_gtpv2 ? "gtpv2" : "pfcp");
	run(cmd, out, sizeof(out));
	assert_string_equal(out, "");
	snprintf(cmd, sizeof(cmd),
		 "! /usr/bin/python3 -c 'import scapy' 2>/dev/null || /usr/bin/python3 "
		 "daemon/ref/tlv_scapy.py %s %s/p.pcap 2>&1",
		 suite->format == &tlv_gtpv2 ? "gtpv2" : "pfcp", dir);
	run(cmd, out, sizeof(out));
	assert_string_equal(out, "");
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	run(cmd, out, sizeof(out));
}

/* --- seeds and documentation --- */

static inline void seed_path(char *dst, size_t size, const char *name)
{
	snprintf(dst, size, "tests/fuzz/seeds/%s/%s",
		 suite->format == &tlv_gtpv2 ? "gtpv2" : "pfcp", name);
}

static inline void write_seeds(void)
{
	char path[256], name[64];

	EACH_MSG(m)
	{
		for (int full = 0; full < 2; full++) {
			struct tlv_buf b = make(m, full, 1);
			FILE *f;

			snprintf(name, sizeof(name), "%u-%s", m->type, full ? "full" : "min");
			seed_path(path, sizeof(path), name);
			f = fopen(path, "we");
			assert_non_null(f);
			fwrite(b.p, 1, b.n, f);
			fclose(f);
			free(b.p);
		}
	}
}

static inline char *slurp(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "re");
	char *p;

	if (!f)
		return NULL;
	p = malloc(MSG_MAX * 4);
	*ret_n = fread(p, 1, MSG_MAX * 4 - 1, f);
	p[*ret_n] = '\0';
	fclose(f);
	return p;
}

static inline void test_seeds(void **state)
{
	char path[512];
	struct dirent *d;
	DIR *dir;

	(void)state;
	if (getenv("KIMS_UPDATE_DOCS"))
		write_seeds();
	seed_path(path, sizeof(path), "");
	dir = opendir(path);
	if (!dir)
		skip();
	while ((d = readdir(dir))) {
		size_t n;
		char *p;

		if (*d->d_name == '.')
			continue;
		seed_path(path, sizeof(path), d->d_name);
		p = slurp(path, &n);
		assert_non_null(p);
		suite->fuzz((const uint8_t *)p, n);
		free(p);
	}
	closedir(dir);
}

static inline void test_documentation(void **state)
{
	char path[64], *have, *want = NULL;
	size_t n = 0, m;
	FILE *f = open_memstream(&want, &n);

	(void)state;
	snprintf(path, sizeof(path), "docs/ref/%s.md", suite->name);
	have = slurp(path, &m);
	suite->doc(f);
	fclose(f);
	if (getenv("KIMS_UPDATE_DOCS")) {
		f = fopen(path, "we");
		assert_non_null(f);
		fwrite(want, 1, n, f);
		fclose(f);
	} else if (have) {
		assert_string_equal(have, want);
	}
	free(have);
	free(want);
}

#define TLV_TESTS                                                                     \
	cmocka_unit_test(test_round_trip), cmocka_unit_test(test_changed),            \
		cmocka_unit_test(test_reversed), cmocka_unit_test(test_truncated),    \
		cmocka_unit_test(test_flipped), cmocka_unit_test(test_small_buffers), \
		cmocka_unit_test(test_second_readers), cmocka_unit_test(test_seeds),  \
		cmocka_unit_test(test_documentation)

#endif
