// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The nodes of the access side: GTPv2-C endpoints in their namespace, TEIDs, paths and restarts
 * (TS 29.274 4.2, 7.1; TS 23.007 16, 18).
 */
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

#include "ladder.h"
#include "report.h"
#include "sgw_priv.h"

#define F(field) offsetof(struct access_conf, field)

const struct opt access_opts[] = {
	{ "netns", OPT_STR, F(netns), NULL, NULL,
	  "network namespace of the SGWs and the ePDG; default: the process's own" },
	{ "sgw1", OPT_STR, F(sgw1), "10.47.0.1 fd47::1", NULL,
	  "addresses of SGW 1: IPv4, IPv6 or both" },
	{ "sgw2", OPT_STR, F(sgw2), "10.47.0.2 fd47::2", NULL, "addresses of SGW 2" },
	{ "epdg", OPT_STR, F(epdg), "10.47.0.3 fd47::3", NULL, "addresses of the ePDG" },
	{ "gtp_ko", OPT_STR, F(gtp_ko), "10.47.0.4", NULL,
	  "IPv4 address of the user plane of phones with gtpu: gtp.ko" },
	{ "pgw", OPT_STR, F(pgw), "10.46.0.5", NULL, "address of the PGW for GTPv2-C" },
	{ "sgwu", OPT_STR, F(sgwu), "10.47.0.5 fd47::5", NULL,
	  "the SGW-U of phones with gtpu: pfcp: its addresses, PFCP (Sxa) to the first, GTP-U to both" },
	{ "paging_time", OPT_TIME, F(paging_time), "4s", NULL,
	  "how long an idle phone is paged; then what waits for it is dropped" },
	{ "t3_ms", OPT_UINT, F(t3_ms), "3000", NULL, "T3-RESPONSE and T1 of PFCP, ms" },
	{ "n3", OPT_UINT, F(n3), "3", NULL, "N3-REQUESTS and N1 of PFCP" },
	{ "echo", OPT_UINT, F(echo), "60", NULL, "seconds between Echo Requests" },
	{ "ra_wait", OPT_TIME, F(ra_wait), "300ms", NULL,
	  "how long a Router Advertisement is waited for; then the prefix of the PAA is used" },
	{ "window", OPT_UINT, F(window), "100", NULL,
	  "procedures of one step that are under way at once" },
	{ NULL, OPT_STR, 0, NULL, NULL, NULL },
};

/* --- addresses --- */

static int take_address(struct sgw *s, struct str word)
{
	union sip_sa a;
	int r = sip_sa_parse_str(word, GTPC_PORT, &a);

	if (!r)
		memcpy(&s->local[a.sa.sa_family == AF_INET6], &a.ss, sizeof(a.ss));
	return r;
}

static int take_addresses(struct sgw *s, const char *text)
{
	struct str rest = str_of(text), w;
	int r = 0;

	while (!r && str_split(&rest, ' ', &w)) {
		if (str_trim(w).n)
			r = take_address(s, str_trim(w));
	}
	s->there = !r && (s->local[0].ss_family || s->local[1].ss_family);
	return r;
}

static int read_conf(struct access *a, char *err, size_t size)
{
	const char *const text[SGW_NODES] = { a->conf.sgw1, a->conf.sgw2, a->conf.epdg };
	union sip_sa pgw;

	for (int i = 0; i < SGW_NODES; i++) {
		a->node[i] = (struct sgw){ .a = a, .id = (enum sgw_id)i };
		if (take_addresses(&a->node[i], text[i])) {
			snprintf(err, size, "access: \"%s\" is no address", text[i]);
			return -EINVAL;
		}
	}
	if (sip_sa_parse(a->conf.pgw ? a->conf.pgw : "", GTPC_PORT, &pgw)) {
		snprintf(err, size, "access: pgw: \"%s\" is no address",
			 a->conf.pgw ? a->conf.pgw : "");
		return -EINVAL;
	}
	memcpy(&a->pgw, &pgw.ss, sizeof(pgw.ss));
	if (!sip_sa_parse(a->conf.gtp_ko ? a->conf.gtp_ko : "", 0, &pgw) &&
	    pgw.sa.sa_family == AF_INET)
		a->ko_addr = ((struct sockaddr_in *)&pgw.sa)->sin_addr;
	return 0;
}

/* --- endpoints --- */

static void on_request(void *arg, struct xchg_token *t, const struct xchg_msg *m)
{
	bearer_request(arg, t, m);
}

static const char *path_event_name(enum gtpc_path_event ev)
{
	switch (ev) {
	case GTPC_PATH_UP:
		return "up";
	case GTPC_PATH_DOWN:
		return "down";
	case GTPC_PATH_RESTARTED:
		return "restarted";
	}
	return "";
}

/* TS 23.007 18: the sessions of a peer that has restarted are gone. */
static size_t lose_all(struct sgw *s, const char *why)
{
	const struct ue *ue = s->a->ue;
	size_t lost = 0;

	for (size_t i = 0; i < ue->n_phones; i++) {
		for (struct pdn *n = ue->phones[i]->pdns, *next; n; n = next) {
			next = n->next;
			if (n->old == s)
				bearer_late_cancel(n);
			if (n->node != s || n->state == PDN_LOST)
				continue;
			pdn_lost(n, why);
			lost++;
		}
	}
	s->a->totals.lost += lost;
	return lost;
}

static void on_path(void *arg, const struct sockaddr_storage *peer _unused_,
		    enum gtpc_path_event ev, uint8_t counter)
{
	static const char *const names[] = { "sgw1", "sgw2", "epdg" };
	struct sgw *s = arg;
	size_t lost = 0;

	if (ev == GTPC_PATH_RESTARTED)
		lost = lose_all(s, "the PGW has restarted");
	report_event(s->a->ue->report, "gtp-path",
		     json_pack("{s:s, s:s, s:i, s:i}", "node", names[s->id], "state",
			       path_event_name(ev), "counter", (int)counter, "lost", (int)lost));
}

static const struct gtpc_ops ops = { .request = on_request, .path = on_path };

static void on_echo(void *arg _unused_, const struct xchg_msg *answer _unused_)
{
	/* The endpoint has taken the restart counter already. */
}

/* The peer learns of our restart counter, and we of its, before the first session (TS 23.007 18). */
static int say_hello(struct sgw *s)
{
	struct s5_echo_request m = { .has_recovery = true, .recovery = s->restart_counter };
	uint8_t buf[32];
	struct tlv_buf b = TLV_BUF(buf);
	int r = s5_encode(S5_ECHO_REQUEST, 0, &m, &b);

	return r ? r : gtpc_request(s->gtpc, &s->a->pgw, b.p, b.n, on_echo, s, NULL);
}

static int open_node(struct sgw *s)
{
	struct access *a = s->a;
	struct gtpc_conf c = { .local = { s->local[0], s->local[1] },
			       .t3_ms = a->conf.t3_ms,
			       .n3 = (uint8_t)a->conf.n3,
			       .echo_s = a->conf.echo,
			       .restart_counter = s->restart_counter,
			       .send = a->send,
			       .send_arg = s };
	_cleanup_netns_ int back = a->send ? -1 : netns_enter(&a->ns);
	int r;

	if (back < -1)
		return back + 1;
	r = gtpc_open(a->ue->loop, &c, &ops, s, &s->gtpc);
	if (!r)
		r = gtpc_path_hold(s->gtpc, &a->pgw);
	return r ? r : say_hello(s);
}

static int open_nodes(struct access *a, char *err, size_t size)
{
	static const char *const names[] = { "sgw1", "sgw2", "epdg" };
	int r = 0;

	for (int i = 0; !r && i < SGW_NODES; i++) {
		struct sgw *s = &a->node[i];

		/* This process knows no session of an earlier one. */
		s->restart_counter = (uint8_t)time(NULL);
		if (!s->there)
			continue;
		r = open_node(s);
		if (r)
			snprintf(err, size, "access: GTPv2-C of %s: %s", names[i], strerror(-r));
	}
	return r;
}

int access_new(struct ue *ue, const struct access_conf *c,
	       void (*send)(void *arg, const struct sockaddr_storage *to, const void *p, size_t n),
	       struct access **ret, char *err, size_t size)
{
	struct access *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->ue = ue;
	a->conf = *c;
	a->send = send;
	a->ns.fd = a->ra_fd = -1;
	a->next_teid = (uint32_t)time(NULL) << 12;
	r = htab_init(&a->by_teid, 64);
	if (!r)
		r = read_conf(a, err, size);
	if (!r && !send) {
		r = netns_open(c->netns, &a->ns);
		if (r)
			snprintf(err, size, "access: network namespace %s: %s", c->netns,
				 strerror(-r));
	}
	if (!r)
		r = open_nodes(a, err, size);
	if (r)
		access_free(a);
	else
		*ret = a;
	return r;
}

void access_free(struct access *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->ue->n_phones; i++)
		access_forget(a->ue->phones[i]);
	for (int i = 0; i < SGW_NODES; i++)
		gtpc_close(a->node[i].gtpc);
	sx_close(a);
	up_close(a);
	htab_fini(&a->by_teid);
	netns_close(&a->ns);
	free(a);
}

void access_forget(struct phone *p)
{
	while (p->pdns)
		pdn_free(p->pdns);
}

int access_restart(struct access *a, enum sgw_id id, size_t *ret_lost)
{
	struct sgw *s = &a->node[id];

	if (!s->there)
		return -ENODEV;
	*ret_lost = lose_all(s, "the SGW has restarted");
	gtpc_close(s->gtpc);
	s->gtpc = NULL;
	s->restart_counter++;
	return open_node(s);
}

/* --- small things --- */

void sgw_ladder(const struct pdn *n, bool out, const uint8_t *p, size_t size,
		const struct sockaddr_storage *peer)
{
	char own[SIP_SA_STRLEN], other[SIP_SA_STRLEN];
	union sip_sa a = { .ss = n->node->local[peer->ss_family == AF_INET6] }, b = { .ss = *peer };

	if (!n->a->ue->ladder)
		return;
	sip_sa_str(&a, own);
	sip_sa_str(&b, other);
	ladder_log_gtp(n->a->ue->ladder, n->p, out, p, size, out ? own : other, out ? other : own);
}

uint32_t access_teid(struct access *a)
{
	do {
		a->next_teid++;
	} while (!a->next_teid || htab_find(&a->by_teid, a->next_teid));
	return a->next_teid;
}

const struct access_totals *access_totals(const struct access *a)
{
	return &a->totals;
}

uint32_t access_window(const struct access *a)
{
	return a->conf.window ? a->conf.window : 1;
}

struct gtpc *access_gtpc(struct access *a, enum sgw_id id)
{
	return a->node[id].gtpc;
}

bool access_has(const struct access *a, enum sgw_id id)
{
	return a->node[id].gtpc;
}

int access_peer_counter(struct access *a, enum sgw_id id)
{
	return a->node[id].gtpc ? gtpc_path_counter(a->node[id].gtpc, &a->pgw) : -1;
}
