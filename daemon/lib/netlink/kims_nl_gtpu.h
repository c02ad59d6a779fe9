/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed calls for GTP-U endpoints and sessions of kims.ko: the rules of TS 29.244 as structures.
 * See include/netlink/kims.yaml (docs/netlink.md) for what each field means.
 *
 * What is written is the caller's memory, read during the call. What callbacks get lives until
 * they return; those of requests must not call into the same struct knl, that of events may.
 */
#ifndef KIMS_NETLINK_KIMS_NL_GTPU_H
#define KIMS_NETLINK_KIMS_NL_GTPU_H

#include "lib/netlink/kims_nl.h"

#define KNL_SESSIONS 256 /* most in one batch */
#define KNL_RULES 64	 /* most of a kind in a session */
#define KNL_PDR_QERS 4
#define KNL_PDR_URRS 8
#define KNL_FILTER_PORTS 8

/* --- endpoints --- */

struct knl_gtpu_ep {
	uint32_t id;	      /* 0 at creation: the kernel chooses */
	struct knl_end local; /* port 0: 2152 */
	uint32_t device;      /* index of the kims device; 0 when read: it is gone */
	int udp_checksum;     /* 0, 1; -1 at creation: by the family */
	bool entropy, fragment_outer, stack, mss_clamp;
	/* read only */
	uint64_t received, forwarded, signalling, sent, dropped;
	uint32_t users;
};

int knl_gtpu_ep_new(struct knl *k, const struct knl_gtpu_ep *ep, uint32_t *ret_id);
int knl_gtpu_ep_del(struct knl *k, uint32_t id, struct knl_gtpu_ep *ret_final); /* -EBUSY: used; ret_final may be NULL */
int knl_gtpu_ep_get(struct knl *k, uint32_t id, struct knl_gtpu_ep *ret);
int knl_gtpu_ep_dump(struct knl *k, int (*fn)(void *arg, const struct knl_gtpu_ep *ep), void *arg);

/* --- rules --- */

/* Values of TS 29.244 8.2.2, 8.2.24. */
enum knl_interface { KNL_ACCESS, KNL_CORE, KNL_SGI_LAN, KNL_CP_FUNCTION };

struct knl_prefix {
	struct xfrm_addr addr; /* AF_UNSPEC: any */
	uint8_t len;	       /* bits */
};

struct knl_ports {
	uint16_t low, high;
};

enum { KNL_UPLINK = 1, KNL_DOWNLINK = 2 };

/* ue: source uplink, destination downlink; remote: the other. */
struct knl_filter {
	uint32_t id;
	int protocol; /* -1: any */
	struct knl_prefix ue, remote;
	uint8_t n_ue_ports, n_remote_ports; /* 0: any */
	struct knl_ports ue_ports[KNL_FILTER_PORTS], remote_ports[KNL_FILTER_PORTS];
	int tos, tos_mask;	/* tos -1: any */
	uint32_t spi;		/* 0: any */
	int flow_label;		/* -1: any */
	unsigned int direction; /* KNL_UPLINK | KNL_DOWNLINK; 0: both */
};

struct knl_pdr {
	uint32_t id, precedence;
	int source;	   /* enum knl_interface; -1: access with a teid, core without */
	/*
	 * With teid; 0: by UE address as the destination (core) or, with source KNL_ACCESS, as the
	 * source: plain uplink packets of a phone behind a link of this host (SGW, eNodeB, ePDG).
	 */
	uint32_t endpoint;
	uint32_t teid;
	int qfi; /* -1: any */
	const struct knl_filter *filters;
	size_t n_filters; /* 0: all packets; at most 255 */
	uint32_t app_id;  /* 0: none */
	uint16_t app_queue;
	bool app_fail_open;
	bool keep_outer_header, any_source;
	uint32_t device; /* 0: any */
	uint32_t far;
	uint32_t qers[KNL_PDR_QERS], urrs[KNL_PDR_URRS];
	uint8_t n_qers, n_urrs;
};

/* Bits of TS 29.244 8.2.26. */
enum { KNL_DROP = 1, KNL_FORW = 2, KNL_BUFF = 4, KNL_NOCP = 8, KNL_DUPL = 16 };

struct knl_far {
	uint32_t id;
	unsigned int action;
	/*
	 * enum knl_interface; -1: access with an endpoint, core without. KNL_ACCESS without one, of
	 * a PDR with source core and a teid: plain to the UE by the route.
	 */
	int destination;
	uint32_t endpoint; /* outer header creation; 0: none */
	uint32_t teid;
	struct knl_end peer; /* port 0: 2152 */
	int dscp;	     /* -1: that of the inner packet */
	uint32_t device;     /* 0: by the route */
	bool send_end_marker; /* in a change */
	uint32_t dup_endpoint, dup_teid;
	struct xfrm_addr dup_peer;
};

struct knl_qer {
	uint32_t id;
	enum knl_gate gate_ul, gate_dl;
	uint64_t mbr_ul, mbr_dl, gbr_ul, gbr_dl; /* bit/s; 0: none */
	uint32_t burst_ms;			 /* 0: default */
	int qfi;				 /* -1: none */
};

struct knl_volume {
	uint64_t total, ul, dl;
};

enum { KNL_DURAT = 1, KNL_VOLUM = 2, KNL_EVENT = 4 };
enum {
	KNL_PERIO = 1 << 0, KNL_VOLTH = 1 << 1, KNL_TIMTH = 1 << 2, KNL_START = 1 << 3,
	KNL_STOPT = 1 << 4, KNL_DROTH = 1 << 5, KNL_VOLQU = 1 << 6, KNL_TIMQU = 1 << 7,
	KNL_MONIT = 1 << 8, KNL_TERMR = 1 << 9, KNL_IMMER = 1 << 10, KNL_EVEQU = 1 << 11,
	KNL_LIUSA = 1 << 12,
};

struct knl_urr {
	uint32_t id;
	unsigned int method;   /* KNL_DURAT ..; 0: volume */
	unsigned int triggers; /* KNL_PERIO .. */
	struct knl_volume threshold, quota; /* octets; 0: none */
	uint32_t time_threshold, time_quota, period, inactivity; /* s; 0: none */
	uint64_t monitoring_time; /* Unix time, s; 0: none */
	bool before_qos;
	uint32_t linked; /* 0: none */
};

struct knl_bar {
	uint32_t packets, octets, timeout_ms, delay_ms; /* 0: defaults */
};

/* What a session is made of, or how it changes. */
struct knl_session {
	uint64_t id;
	const char *label;	 /* NULL: none, or as it is */
	struct xfrm_addr ue4, ue6; /* AF_UNSPEC: none, or as it is */
	int idle_timeout;	 /* s; -1: as it is */
	int monitored;		 /* 0, 1; -1: as it is */
	const struct knl_bar *bar; /* NULL: default, or as it is */
	const struct knl_pdr *pdrs;
	const struct knl_far *fars;
	const struct knl_qer *qers;
	const struct knl_urr *urrs;
	size_t n_pdrs, n_fars, n_qers, n_urrs;
	/* in a change: ids of what is removed */
	const uint32_t *del_pdrs, *del_fars, *del_qers, *del_urrs;
	size_t n_del_pdrs, n_del_fars, n_del_qers, n_del_urrs;
};

/* --- counters --- */

struct knl_pdr_count {
	uint32_t id;
	uint64_t packets, octets, dropped;
};

struct knl_qer_count {
	uint32_t id;
	uint64_t octets_ul, octets_dl, dropped_ul, dropped_dl;
};

/* Counters only grow; what lies between two reports is their difference. */
struct knl_usage {
	uint32_t urr;
	unsigned int trigger; /* KNL_PERIO ..; 0 in a get */
	uint32_t seq;
	bool exhausted;
	struct knl_volume octets, packets, reported;
	uint64_t duration_ms, reported_duration_ms;
	uint64_t first_ns, last_ns; /* Unix time; 0: no packet yet */
};

struct knl_counters {
	uint64_t session;
	char label[256];
	uint64_t idle_ms; /* UINT64_MAX: no packet yet */
	uint32_t buffered; /* packets that wait now */
	size_t n_pdrs, n_qers, n_urrs;
	struct knl_pdr_count pdrs[KNL_RULES];
	struct knl_qer_count qers[KNL_RULES];
	struct knl_usage urrs[KNL_RULES];
};

/* --- sessions --- */

/*
 * All or, when one is refused, none; at most KNL_SESSIONS, and what fits into a message
 * (-EMSGSIZE, nothing was sent): some 200 kB, 150 sessions of four PDRs. knl_error_index() tells
 * which one was refused.
 */
int knl_session_new(struct knl *k, const struct knl_session *s, size_t n);
/* The same. fn, which may be NULL, gets URRs that were removed, with their final counters. */
typedef int (*knl_counters_fn)(void *arg, const struct knl_counters *c);
int knl_session_change(struct knl *k, const struct knl_session *s, size_t n, knl_counters_fn fn,
		       void *arg);
/* All or none; each with its final counters. -EMSGSIZE: the answer would be too long. */
int knl_session_del(struct knl *k, const uint64_t *ids, size_t n, knl_counters_fn fn, void *arg);
int knl_session_flush(struct knl *k);
/* Rules and counters, the latter in the order of the former. */
typedef int (*knl_session_fn)(void *arg, const struct knl_session *s, const struct knl_counters *c);
int knl_session_get(struct knl *k, uint64_t id, knl_session_fn fn, void *arg); /* -ENOENT */
int knl_session_dump(struct knl *k, knl_session_fn fn, void *arg);
/* Which session of the last batch was refused (from 0), or -1. */
int knl_error_index(const struct knl *k);

int knl_end_marker(struct knl *k, uint32_t endpoint, const struct knl_end *peer, uint32_t teid);
int knl_echo(struct knl *k, uint32_t endpoint, const struct knl_end *peer);

/* An inner flow of a session, both directions. Ports 0: the protocol has none. */
struct knl_app_flow {
	uint64_t session;
	uint32_t app_id; /* 0: none that is known */
	uint8_t protocol;
	struct knl_end ue, remote;
};
int knl_app_flow_new(struct knl *k, const struct knl_app_flow *flows, size_t n);

/* --- events --- */

enum knl_gtpu_event_kind {
	KNL_GTPU_USAGE,		   /* session, label, usage */
	KNL_GTPU_DL_DATA,	   /* session, label, pdr, far, dscp */
	KNL_GTPU_IDLE,		   /* session, label */
	KNL_GTPU_DELETED,	   /* session, label, final */
	KNL_GTPU_END_MARKER,	   /* session, label, pdr */
	KNL_GTPU_ERROR_INDICATION, /* session, label, far, endpoint, peer, teid */
	KNL_GTPU_ECHO,		   /* endpoint, peer */
};

struct knl_gtpu_event {
	enum knl_gtpu_event_kind kind;
	uint64_t session;
	char label[256];
	struct knl_usage usage;
	uint32_t pdr, far;
	int dscp; /* -1: not told */
	uint32_t endpoint, teid;
	struct knl_end peer;
	const struct knl_counters *final;
};

/*
 * A second socket for events of GTP-U only, in place of knl_events_open(); watched by
 * knl_events_fd(). Returns their number or -errno (-ENOBUFS: some were lost, counters know).
 */
int knl_gtpu_events_open(struct knl *k);
int knl_gtpu_events_read(struct knl *k, void (*fn)(void *arg, const struct knl_gtpu_event *e),
			 void *arg);

#endif
