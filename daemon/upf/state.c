// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What survives the process. Sessions are in the kernel, with their labels (label.c). A small file has the rest,
 * one line each, written anew (and renamed into place) when an association comes, goes or changes:
 *
 *   kims-upf 1
 *   boot BOOT_ID                      of the kernel that had the sessions
 *   time RECOVERY_TIME_STAMP
 *   node NUMBER NODE_ID ADDRESS RECOVERY_TIME_STAMP FEATURES up|down     ids, addresses, features in hex
 *   app NAME                          named applications with their PFDs (pfd.c)
 *
 * The time stamp is the old one as long as the kernel still has what it had: same boot, and our endpoints were
 * there when we came (a reloaded module has none). A new one is later than the last, also within its second, and
 * after a clock that was set back: its peers could not tell otherwise (TS 29.244 clause 8.2.65).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/core/log.h"
#include "upf/upf.h"

static void boot_id(char dst[64])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || !fgets(dst, 64, f))
		snprintf(dst, 64, "unknown");
	if (f)
		fclose(f);
	dst[strcspn(dst, "\n")] = '\0';
}

/* --- writing --- */

static void write_node(FILE *f, const struct upf_node *n)
{
	char id[2 * PFCP_NODE_ID_MAX + 1], addr[33], features[sizeof(n->features) * 2 + 1];
	struct in6_addr ip;

	hex_encode(n->id, n->id_len, id);
	xchg_ip(&n->addr, &ip);
	hex_encode(ip.s6_addr, 16, addr);
	hex_encode((const uint8_t *)&n->features, sizeof(n->features), features);
	fprintf(f, "node %u %s %s %u %s %s\n", n->index, id, addr, n->recovery_ts, features,
		n->up ? "up" : "down");
}

static int write_file(struct upf *u, FILE *f)
{
	char boot[64];

	boot_id(boot);
	fprintf(f, "kims-upf 1\nboot %s\ntime %u\n", boot, u->recovery_ts);
	for (const struct upf_node *n = u->nodes; n; n = n->next)
		write_node(f, n);
	upf_pfds_write(u, f);
	return ferror(f) || fflush(f) || fdatasync(fileno(f)) ? -EIO : 0;
}

void upf_state_save(struct upf *u)
{
	char tmp[512];
	FILE *f;
	int e;

	if (!u->state_path)
		return;
	snprintf(tmp, sizeof(tmp), "%s.new", u->state_path);
	f = fopen(tmp, "we");
	e = f ? write_file(u, f) : -errno;
	if (f)
		fclose(f);
	if (e || rename(tmp, u->state_path))
		log_err("%s cannot be written: %s", u->state_path, strerror(e ? -e : errno));
}

/* --- reading --- */

static void to_addr(const uint8_t ip[16], struct sockaddr_storage *ret)
{
	struct sockaddr_in *a4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)ip)) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(PFCP_PORT);
		memcpy(&a4->sin_addr, ip + 12, 4);
	} else {
		a6->sin6_family = AF_INET6;
		a6->sin6_port = htons(PFCP_PORT);
		memcpy(&a6->sin6_addr, ip, 16);
	}
}

static void read_node(struct upf *u, char *text)
{
	char id[2 * PFCP_NODE_ID_MAX + 1], addr[40], features[64], state[8];
	uint8_t node[PFCP_NODE_ID_MAX], ip[16];
	struct upf_node *n;
	unsigned int index, ts;
	int len;

	if (sscanf(text, "%u %512s %39s %u %63s %7s", &index, id, addr, &ts, features, state) != 6)
		return;
	len = hex_decode(str_of(id), node, sizeof(node));
	if (len <= 0 || !index || upf_node_by_index(u, index) ||
	    hex_decode(str_of(addr), ip, sizeof(ip)) != 16)
		return;
	n = upf_node_new(u, (struct str){ (char *)node, (size_t)len });
	if (!n)
		return;
	n->index = index;
	u->next_node = MAX(u->next_node, index);
	n->recovery_ts = ts;
	n->up = !strcmp(state, "up");
	to_addr(ip, &n->addr);
	if (hex_decode(str_of(features), node, sizeof(n->features)) != (int)sizeof(n->features))
		return;
	for (size_t i = 0; i < sizeof(n->features); i++) /* bools */
		((uint8_t *)&n->features)[i] = node[i] == 1;
}

static void forget_nodes(struct upf *u)
{
	while (u->nodes) {
		struct upf_node *n = u->nodes;

		u->nodes = n->next;
		free(n);
	}
	u->n_nodes = 0;
}

static bool read_file(struct upf *u, FILE *f)
{
	char line[2048], boot[64], ours[64] = "";
	bool good = fgets(line, sizeof(line), f) && !strcmp(line, "kims-upf 1\n");

	boot_id(boot);
	while (good && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "boot ", 5))
			snprintf(ours, sizeof(ours), "%.63s", line + 5);
		else if (!strncmp(line, "time ", 5))
			u->recovery_ts = (uint32_t)strtoul(line + 5, NULL, 10);
		else if (!strncmp(line, "node ", 5))
			read_node(u, line + 5);
		else
			upf_pfds_read(u, line);
	}
	return good && u->recovery_ts && !strcmp(boot, ours);
}

/* Now, in seconds, but later than the last one that was read, if any was. */
static uint32_t new_time_stamp(const struct upf *u)
{
	uint32_t now = pfcp_time(loop_wall(u->loop)), last = u->recovery_ts;

	return last && (int32_t)(now - last) <= 0 ? last + 1 : now;
}

void upf_state_load(struct upf *u, bool kept)
{
	FILE *f = u->state_path ? fopen(u->state_path, "re") : NULL;
	bool same = f && read_file(u, f) && kept;

	if (f)
		fclose(f);
	if (same)
		return;
	forget_nodes(u);
	u->recovery_ts = new_time_stamp(u);
}

/* --- sessions --- */

struct restore {
	struct upf *u;
	uint64_t bad[256];
	size_t n_bad, n;
};

static struct upf_session *restore(struct upf *u, const struct knl_session *k)
{
	struct upf_session read = { 0 }, *s = NULL;
	struct upf_node *n;
	uint32_t node;

	if (k->label && !upf_label_read(&read, k->label, &node) &&
	    (n = upf_node_by_index(u, node)) && n->up)
		s = upf_session_new(u, n, k->id);
	if (!s) {
		free(read.urrs);
		free(read.csids);
		return NULL;
	}
	upf_session_set_cp(u, s, read.cp_seid, &read.cp);
	s->own_ue4 = read.own_ue4;
	s->own_ue6 = read.own_ue6;
	s->has_bar = read.has_bar;
	s->bar = read.bar;
	s->created = read.created;
	memcpy(s->subscriber, read.subscriber, sizeof(s->subscriber));
	s->urrs = read.urrs;
	s->n_urrs = read.n_urrs;
	s->csids = read.csids;
	s->n_csids = read.n_csids;
	return s;
}

static int on_session(void *arg, const struct knl_session *k, const struct knl_counters *c)
{
	struct restore *r = arg;
	struct upf_session *s = restore(r->u, k);

	if (!s) {
		if (r->n_bad < ARRAY_SIZE(r->bad))
			r->bad[r->n_bad++] = k->id;
		return 0;
	}
	if (k->ue4.family == AF_INET) {
		s->has_ue4 = true;
		s->ue4 = k->ue4.v4;
	}
	if (k->ue6.family == AF_INET6) {
		s->has_ue6 = true;
		s->ue6 = k->ue6.v6;
	}
	for (size_t i = 0; i < k->n_pdrs; i++)
		if (k->pdrs[i].teid)
			upf_teid_take(r->u, s, k->pdrs[i].teid);
	upf_session_adopt(r->u, s);
	upf_report_missed(r->u, s, k, c);
	r->n++;
	return 0;
}

int upf_state_sessions(struct upf *u)
{
	struct restore r;
	int e;

	do { /* what is nobody's goes, 256 at a time */
		r = (struct restore){ .u = u };
		for (struct upf_node *n = u->nodes; n; n = n->next)
			while (n->sessions)
				upf_session_free(u, n->sessions);
		e = u->ops->session_dump(u->k, on_session, &r);
		for (size_t i = 0; i < r.n_bad; i++)
			u->ops->session_del(u->k, &r.bad[i], 1, NULL, NULL);
	} while (!e && r.n_bad == ARRAY_SIZE(r.bad));
	if (r.n || r.n_bad)
		log_notice("%zu sessions are still there, %zu were nobody's", r.n, r.n_bad);
	return e;
}

void upf_state_peers(struct upf *u)
{
	for (struct upf_node *n = u->nodes; n; n = n->next) {
		struct pfcp_peer *p =
			n->up ? pfcp_peer_restore(u->pfcp, &n->addr,
						  (struct str){ (char *)n->id, n->id_len },
						  n->recovery_ts)
			      : NULL;

		if (p)
			pfcp_peer_set_user(p, n);
	}
}
