/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPFilterRule (RFC 6733 4.3.1) as TS 29.212 5.4.2, TS 29.214 5.3.8 and TS 29.244 8.2.5 allow it for flow descriptions:
 * "permit out 17 from 10.0.0.1 20000 to assigned 5000,5002-5003". No "!", no options. Text <-> struct, and
 * from it the packet filters of a traffic flow template. No I/O.
 */
#ifndef KIMS_REF_IPFILTER_H
#define KIMS_REF_IPFILTER_H

#include "ref/nas.h"

#define IPF_PORTS_MAX 8

enum ipf_host {
	IPF_ANY,
	IPF_ASSIGNED, /* the address of the UE */
	IPF_ADDR,
};

struct ipf_end {
	enum ipf_host host;
	bool v6;
	struct in_addr ip4;
	struct in6_addr ip6;
	uint8_t bits; /* 32 and 128 when there is no mask */
	struct {
		uint16_t low, high;
	} port[IPF_PORTS_MAX];
	uint8_t n_port; /* 0: any */
};

struct ipfilter {
	bool deny;	/* not permit */
	bool in;	/* not out; out: towards the UE, "to" is the UE's end */
	bool has_proto; /* not "ip" */
	uint8_t proto;
	struct ipf_end from, to;
};

int ipfilter_parse(struct str s, struct ipfilter *ret);		    /* -EINVAL */
int ipfilter_format(const struct ipfilter *f, char *dst, size_t n); /* octets, -ENOSPC */

/* The UE's end, and the other one. */
const struct ipf_end *ipfilter_ue(const struct ipfilter *f);
const struct ipf_end *ipfilter_remote(const struct ipfilter *f);

/*
 * Packet filters that match the same (TS 24.008 10.5.6.12), one for each pair of port ranges: at most max,
 * with this direction (enum nas_filter_dir); id and precedence are left 0. local: with the UE's address, which
 * not every UE understands. Their number, or -ENOSPC, or -EINVAL for a deny.
 */
int ipfilter_to_nas(const struct ipfilter *f, uint8_t dir, bool local, struct nas_filter *ret,
		    size_t max);

#endif
