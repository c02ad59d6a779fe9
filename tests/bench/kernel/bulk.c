// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many sessions in kims.ko: installs them in batches, measures the kernel's memory, removes them.
 *
 *   bulk [-n SESSIONS] [-b BATCH] [-g] KIMS-DEVICE
 *
 * Each session has 4 PDRs (two uplink in one tunnel, one of them with a filter; two downlink by
 * the UE's addresses), 2 FARs, 2 QERs and 2 URRs, an IPv4 address and an IPv6 prefix. Prints
 * "name value" lines: seconds of install and removal, octets of unreclaimable kernel memory per
 * session. -g: a dump in between, which must have every session. Exit status 1: a call failed.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/netlink/kims_nl_gtpu.h"

#define MAX_BATCH 128

/* One session and what hangs on it. */
struct whole {
	char label[32];
	struct knl_filter filter;
	struct knl_pdr pdrs[4];
	struct knl_far fars[2];
	struct knl_qer qers[2];
	struct knl_urr urrs[2];
};

static struct knl *k;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bulk: %s: %s\n", what, k ? knl_error(k) : "no kims.ko");
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Octets of slabs and vmalloc; percpu memory comes out of these or is in its own line. */
static long long kernel_memory(void)
{
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");
	long long sum = 0, v;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "SUnreclaim: %lld", &v) == 1 ||
		    sscanf(line, "VmallocUsed: %lld", &v) == 1 ||
		    sscanf(line, "Percpu: %lld", &v) == 1)
			sum += v * 1024;
	if (f)
		fclose(f);
	return sum;
}

static struct xfrm_addr ipv4(uint32_t host_order)
{
	return (struct xfrm_addr){ .family = AF_INET, .v4.s_addr = htonl(host_order) };
}

static struct xfrm_addr ipv6(uint32_t n)
{
	struct xfrm_addr a = { .family = AF_INET6 };

	a.v6.s6_addr[0] = 0xfd;
	a.v6.s6_addr[1] = 0x45;
	a.v6.s6_addr[4] = n >> 24;
	a.v6.s6_addr[5] = n >> 16;
	a.v6.s6_addr[6] = n >> 8;
	a.v6.s6_addr[7] = n;
	return a;
}

static void make_pdrs(struct whole *w, uint32_t ep, uint32_t n)
{
	size_t i;

	w->filter = (struct knl_filter){
		.id = 1, .protocol = IPPROTO_UDP, .remote = { ipv4(0x0a2e0000), 16 }, .tos = -1,
		.flow_label = -1, .n_remote_ports = 1, .remote_ports = { { 5060, 5064 } },
	};
	for (i = 0; i < 4; i++)
		w->pdrs[i] = (struct knl_pdr){
			.id = i + 1, .precedence = 100 + i / 2, .source = -1, .qfi = -1,
			.far = i % 2 + 1, .qers = { 1, 2 }, .n_qers = 2, .urrs = { 1, 2 }, .n_urrs = 2,
		};
	w->pdrs[0].endpoint = w->pdrs[2].endpoint = ep;
	w->pdrs[0].teid = w->pdrs[2].teid = n;
	w->pdrs[0].filters = &w->filter;
	w->pdrs[0].n_filters = 1;
}

static void make(struct whole *w, struct knl_session *s, uint32_t ep, uint32_t n)
{
	snprintf(w->label, sizeof(w->label), "00101%010u", n);
	make_pdrs(w, ep, n);
	w->fars[0] = (struct knl_far){ .id = 1, .action = KNL_FORW, .destination = -1, .dscp = -1 };
	w->fars[1] = (struct knl_far){ .id = 2, .action = KNL_FORW, .destination = -1, .dscp = -1,
				       .endpoint = ep, .teid = n, .peer.addr = ipv4(0x0a2f0002) };
	w->qers[0] = (struct knl_qer){ .id = 1, .mbr_ul = 50000000, .mbr_dl = 100000000, .qfi = -1 };
	w->qers[1] = (struct knl_qer){ .id = 2, .qfi = 9 };
	w->urrs[0] = (struct knl_urr){ .id = 1, .triggers = KNL_VOLTH, .threshold.total = 1000000000 };
	w->urrs[1] = (struct knl_urr){ .id = 2, .method = KNL_DURAT | KNL_VOLUM };
	*s = (struct knl_session){
		.id = n, .label = w->label, .ue4 = ipv4(0x64000000 + n), .ue6 = ipv6(n),
		.idle_timeout = -1, .monitored = -1, .pdrs = w->pdrs, .n_pdrs = 4,
		.fars = w->fars, .n_fars = 2, .qers = w->qers, .n_qers = 2, .urrs = w->urrs, .n_urrs = 2,
	};
}

static void install(uint32_t ep, uint32_t sessions, uint32_t batch)
{
	static struct knl_session s[MAX_BATCH];
	static struct whole w[MAX_BATCH];
	uint32_t n, i, m;

	for (n = 1; n <= sessions; n += m) {
		m = sessions + 1 - n < batch ? sessions + 1 - n : batch;
		for (i = 0; i < m; i++)
			make(&w[i], &s[i], ep, n + i);
		if (knl_session_new(k, s, m))
			die("session-new");
	}
}

static int count(void *arg, const struct knl_counters *c)
{
	*(uint32_t *)arg += c->n_pdrs == 4 && c->n_qers == 2 && c->n_urrs == 2;
	return 0;
}

static void remove_all(uint32_t sessions, uint32_t batch)
{
	uint64_t ids[MAX_BATCH];
	uint32_t n, i, m, got = 0;

	for (n = 1; n <= sessions; n += m) {
		m = sessions + 1 - n < batch ? sessions + 1 - n : batch;
		for (i = 0; i < m; i++)
			ids[i] = n + i;
		if (knl_session_del(k, ids, m, count, &got))
			die("session-del");
	}
	if (got != sessions) {
		fprintf(stderr, "bulk: final counters of %u of %u sessions\n", got, sessions);
		exit(1);
	}
}

static int see(void *arg, const struct knl_session *s, const struct knl_counters *c)
{
	*(uint32_t *)arg += s->n_pdrs == 4 && s->n_fars == 2 && c->n_pdrs == 4 &&
			    s->pdrs[0].n_filters + s->pdrs[1].n_filters + s->pdrs[2].n_filters == 1;
	return 0;
}

static void dump(uint32_t sessions)
{
	double start = now();
	uint32_t got = 0;

	if (knl_session_dump(k, see, &got))
		die("session-get");
	printf("dump_seconds %.2f\n", now() - start);
	if (got != sessions) {
		fprintf(stderr, "bulk: %u of %u sessions in the dump\n", got, sessions);
		exit(1);
	}
}

static uint32_t endpoint(const char *device)
{
	struct knl_gtpu_ep ep = { .device = if_nametoindex(device), .udp_checksum = -1,
				  .local.addr = ipv4(INADDR_LOOPBACK) };
	uint32_t id;

	if (knl_gtpu_ep_new(k, &ep, &id))
		die("gtpu-ep-new");
	return id;
}

int main(int argc, char **argv)
{
	uint32_t sessions = 100000, batch = MAX_BATCH, ep;
	bool with_dump = false;
	long long before;
	double start;
	int c;

	while ((c = getopt(argc, argv, "n:b:g")) != -1) {
		if (c == 'n')
			sessions = strtoul(optarg, NULL, 0);
		else if (c == 'b')
			batch = strtoul(optarg, NULL, 0);
		else if (c == 'g')
			with_dump = true;
		else
			return 2;
	}
	if (optind + 1 != argc || !sessions || !batch || batch > MAX_BATCH)
		return 2;
	if (knl_open(&k))
		die("knl_open");
	ep = endpoint(argv[optind]);
	before = kernel_memory();
	start = now();
	install(ep, sessions, batch);
	printf("install_seconds %.2f\n", now() - start);
	printf("octets_per_session %lld\n", (kernel_memory() - before) / sessions);
	fflush(stdout);
	if (with_dump)
		dump(sessions);
	start = now();
	remove_all(sessions, batch);
	printf("remove_seconds %.2f\n", now() - start);
	if (knl_gtpu_ep_del(k, ep, NULL))
		die("gtpu-ep-del");
	knl_close(k);
	return 0;
}
