/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * Generic netlink family "kims"; made by scripts/netlink-gen.py from include/netlink/kims.yaml;
 * do not edit.
 */
#ifndef _UAPI_LINUX_KIMS_H
#define _UAPI_LINUX_KIMS_H

#define KIMS_FAMILY_NAME	"kims"
#define KIMS_FAMILY_VERSION	1

/* Longest subscriber label, in bytes without the terminating NUL. */
#define KIMS_LABEL_MAX	255

/* Most flows in one rtp-new, and most flows that one rtp-del by cookie deletes. */
#define KIMS_RTP_BATCH_MAX	32

/* What a flow carries, and so which counters are kept and which checks are made. */
enum kims_media {
	/* RTP (RFC 3550). Version checked, loss and jitter kept. */
	KIMS_MEDIA_RTP,
	/* RTCP (RFC 3550). Version and packet type checked. */
	KIMS_MEDIA_RTCP,
	/* RTP and RTCP on one port (RFC 5761); payload types 64 to 95 are RTCP. */
	KIMS_MEDIA_RTP_RTCP,
	/* Any UDP (for example T.38 UDPTL); no look into the payload. */
	KIMS_MEDIA_UDP,
	__KIMS_MEDIA_MAX,
	KIMS_MEDIA_MAX = (__KIMS_MEDIA_MAX - 1)
};

/* Gate status as in TS 29.244 8.2.7. */
enum kims_gate {
	/* Packets are forwarded. */
	KIMS_GATE_OPEN,
	/* Packets are dropped and counted (hold). */
	KIMS_GATE_CLOSED,
	__KIMS_GATE_MAX,
	KIMS_GATE_MAX = (__KIMS_GATE_MAX - 1)
};

/* Top level of every message. */
enum {
	/* nest KIMS_RTP_A_*: A media flow. rtp-new and the reply to rtp-del take several. */
	KIMS_A_RTP_FLOW = 1,
	/* nest KIMS_GM_PORT_A_*: A protected port of the P-CSCF. */
	KIMS_A_GM_PORT,
	/*
	 * nest KIMS_SA_SET_A_*: A set of four security associations (TS 33.203 7.1) bound to a
	 * subscriber.
	 */
	KIMS_A_SA_SET,
	/* nest KIMS_VIOLATION_A_*: A packet that the Gm check dropped. */
	KIMS_A_VIOLATION,
	/* nest KIMS_STATS_A_*: Counters and object counts of the network namespace. */
	KIMS_A_STATS,
	/*
	 * u32: In the reply to rtp-del by cookie, how many flows of the cookie are left. Repeat until
	 * 0.
	 */
	KIMS_A_REMAINING,
	/* nest KIMS_SETTINGS_A_*: How the network namespace treats packets. */
	KIMS_A_SETTINGS,
	__KIMS_A_MAX,
	KIMS_A_MAX = (__KIMS_A_MAX - 1)
};

/*
 * One direction of a media stream: what arrives at a local address and port is sent on from a
 * source address and port to a destination address and port, of the same or of the other
 * address family. Of each address exactly one of the IPv4 and IPv6 attributes is given.
 */
enum {
	/* u32: Number of the flow in its network namespace. Absent in rtp-new, the kernel chooses one. */
	KIMS_RTP_A_ID = 1,
	/*
	 * u64: The owner's tag, for example of a call; dump and delete can select by it. It cannot be
	 * changed by rtp-replace.
	 */
	KIMS_RTP_A_COOKIE,
	/* u32: What the flow carries. Default rtp. */
	KIMS_RTP_A_MEDIA,
	/* u32: Default open. */
	KIMS_RTP_A_GATE,
	/* u32, network byte order: Destination address of the packets to match. */
	KIMS_RTP_A_LOCAL_IPV4,
	/* binary: Destination address of the packets to match. */
	KIMS_RTP_A_LOCAL_IPV6,
	/* u32: Destination port of the packets to match. One flow per local address and port. */
	KIMS_RTP_A_LOCAL_PORT,
	/* u32, network byte order: The only source address accepted. Absent, any. */
	KIMS_RTP_A_PEER_IPV4,
	/* binary: The only source address accepted. Absent, any. */
	KIMS_RTP_A_PEER_IPV6,
	/* u32: The only source port accepted; needs a peer address. Absent, any. */
	KIMS_RTP_A_PEER_PORT,
	/*
	 * u32, network byte order: Source address of what is sent; must be an address of the
	 * namespace.
	 */
	KIMS_RTP_A_SRC_IPV4,
	/* binary: Source address of what is sent; must be an address of the namespace. */
	KIMS_RTP_A_SRC_IPV6,
	/* u32: Source port of what is sent. */
	KIMS_RTP_A_SRC_PORT,
	/*
	 * u32, network byte order: Destination address of what is sent, of the family of the source
	 * address.
	 */
	KIMS_RTP_A_DST_IPV4,
	/* binary: Destination address of what is sent, of the family of the source address. */
	KIMS_RTP_A_DST_IPV6,
	/* u32: Destination port of what is sent. */
	KIMS_RTP_A_DST_PORT,
	/*
	 * binary: Filter of RTP payload types: a bitmap of 128 bits, payload type n being bit n mod 8
	 * of byte n div 8. Absent, all. Not for rtcp and udp; RTCP packets of rtp-rtcp always pass.
	 */
	KIMS_RTP_A_PAYLOAD_TYPES,
	/*
	 * u32: Milliseconds without a matching packet from the expected peer until rtp-inactive-ntf is
	 * sent. 0 or absent, never. Packets at a closed gate count as activity.
	 */
	KIMS_RTP_A_TIMEOUT,
	/* u32: DSCP (RFC 2474) of what is sent. Absent, that of the packet. ECN is always kept. */
	KIMS_RTP_A_DSCP,
	/* u32: RTP clock in Hz, for the jitter. Default 8000. */
	KIMS_RTP_A_CLOCK_RATE,
	/* nest KIMS_RTP_COUNTERS_A_*: In replies and events only. */
	KIMS_RTP_A_COUNTERS,
	/*
	 * u32: In replies and events only: milliseconds since the last packet from the expected peer.
	 * Absent when there was none yet.
	 */
	KIMS_RTP_A_IDLE,
	/* pad */
	KIMS_RTP_A_PAD,
	__KIMS_RTP_A_MAX,
	KIMS_RTP_A_MAX = (__KIMS_RTP_A_MAX - 1)
};

/* What a flow has seen. Every packet that matched the flow is in packets or in one of drops. */
enum {
	/* u64: Packets sent on. */
	KIMS_RTP_COUNTERS_A_PACKETS = 1,
	/* u64: UDP payload octets sent on (so an RTP packet with its header, RFC 3550 5.1). */
	KIMS_RTP_COUNTERS_A_OCTETS,
	/*
	 * s64: RTP packets expected less packets received, as RFC 3550 6.4.1, summed over the SSRCs
	 * seen one after the other; duplicates make it smaller, even negative.
	 */
	KIMS_RTP_COUNTERS_A_LOST,
	/* u32: Interarrival jitter (RFC 3550 6.4.1, A.8) in units of the RTP clock. */
	KIMS_RTP_COUNTERS_A_JITTER,
	/* u32: SSRC of the last RTP packet. Absent before the first. */
	KIMS_RTP_COUNTERS_A_SSRC,
	/* u32: Extended highest sequence number received (RFC 3550 6.4.1). Absent before the first. */
	KIMS_RTP_COUNTERS_A_MAX_SEQ,
	/* u32: How often the SSRC has changed. */
	KIMS_RTP_COUNTERS_A_SSRC_CHANGES,
	/* nest KIMS_DROP_*: Packets dropped, by reason. */
	KIMS_RTP_COUNTERS_A_DROPS,
	/* u64: RTCP packets among the packets sent on. */
	KIMS_RTP_COUNTERS_A_RTCP_PACKETS,
	/* pad */
	KIMS_RTP_COUNTERS_A_PAD,
	__KIMS_RTP_COUNTERS_A_MAX,
	KIMS_RTP_COUNTERS_A_MAX = (__KIMS_RTP_COUNTERS_A_MAX - 1)
};

/* Dropped packets by reason. The number of an attribute is the number of the reason. */
enum kims_drop_reason {
	/* u64: Wrong length of IP, UDP or RTP, wrong RTP version, or UDP over IPv6 without checksum. */
	KIMS_DROP_MALFORMED = 1,
	/* u64: Media from another address or port than the expected peer's. */
	KIMS_DROP_SOURCE,
	/* u64: The gate of the flow is closed. */
	KIMS_DROP_GATE,
	/* u64: RTP payload type that the flow does not allow. */
	KIMS_DROP_PAYLOAD_TYPE,
	/* u64: TTL or hop limit used up. */
	KIMS_DROP_TTL,
	/* u64: No route from the flow's source to its destination. */
	KIMS_DROP_NO_ROUTE,
	/* u64: Out of memory. */
	KIMS_DROP_NO_MEMORY,
	/* u64: To a protected port without IPsec. */
	KIMS_DROP_CLEARTEXT,
	/* u64: To a protected port under a security association that is in no SA set. */
	KIMS_DROP_UNBOUND,
	/*
	 * u64: To a protected port with addresses and ports that belong to one SA set, under a
	 * security association of another; or under a security association of its own set with ports
	 * other than those bound to it.
	 */
	KIMS_DROP_WRONG_SA,
	/*
	 * u64: To a protected port under a security association whose UE has another address, with
	 * addresses and ports that are not those of a set.
	 */
	KIMS_DROP_SPOOFED_SOURCE,
	/* pad */
	KIMS_DROP_PAD,
	__KIMS_DROP_MAX,
	KIMS_DROP_MAX = (__KIMS_DROP_MAX - 1)
};

/*
 * A protected port (TS 33.203 7.1): what arrives there by UDP or TCP must have come through the
 * SA set that is bound to its UE.
 */
enum {
	/* u32, network byte order: Address of the P-CSCF. */
	KIMS_GM_PORT_A_LOCAL_IPV4 = 1,
	/* binary: Address of the P-CSCF. */
	KIMS_GM_PORT_A_LOCAL_IPV6,
	/* u32: port_ps or port_pc. */
	KIMS_GM_PORT_A_PORT,
	/* u64: Packets let through. In replies only. */
	KIMS_GM_PORT_A_PACKETS,
	/* nest KIMS_DROP_*: Packets dropped, by reason. In replies only. */
	KIMS_GM_PORT_A_DROPS,
	/* pad */
	KIMS_GM_PORT_A_PAD,
	__KIMS_GM_PORT_A_MAX,
	KIMS_GM_PORT_A_MAX = (__KIMS_GM_PORT_A_MAX - 1)
};

/*
 * The four security associations that one registration negotiated (TS 33.203 7.1), bound to a
 * subscriber. A UE may have several sets (old, established, temporary). From the UE the P-CSCF
 * receives at port-ps under spi-ps what the UE sends from port-uc, and at port-pc under spi-pc
 * what it sends from port-us; to the UE it sends from port-ps to port-uc under spi-uc, and from
 * port-pc to port-us under spi-us.
 */
enum {
	/*
	 * u32: Number of the set in its network namespace. Absent in sa-set-new, the kernel chooses
	 * one.
	 */
	KIMS_SA_SET_A_ID = 1,
	/* u64: The owner's number of the UE; the sets of one UE share it. */
	KIMS_SA_SET_A_UE_ID,
	/* string: The subscriber, for example the IMPI. In every event. */
	KIMS_SA_SET_A_LABEL,
	/* u32, network byte order: Address of the UE. */
	KIMS_SA_SET_A_UE_IPV4,
	/* binary: Address of the UE. */
	KIMS_SA_SET_A_UE_IPV6,
	/* u32, network byte order: Address of the P-CSCF, of the family of the UE's. */
	KIMS_SA_SET_A_LOCAL_IPV4,
	/* binary: Address of the P-CSCF, of the family of the UE's. */
	KIMS_SA_SET_A_LOCAL_IPV6,
	/* u32: Protected client port of the UE. */
	KIMS_SA_SET_A_PORT_UC,
	/* u32: Protected server port of the UE. */
	KIMS_SA_SET_A_PORT_US,
	/* u32: Protected client port of the P-CSCF. */
	KIMS_SA_SET_A_PORT_PC,
	/* u32: Protected server port of the P-CSCF. */
	KIMS_SA_SET_A_PORT_PS,
	/* u32: SPI of what the P-CSCF sends to port-uc (RFC 4303 2.1 reserves 1 to 255). */
	KIMS_SA_SET_A_SPI_UC,
	/* u32: SPI of what the P-CSCF sends to port-us. */
	KIMS_SA_SET_A_SPI_US,
	/* u32: SPI of what the P-CSCF receives at port-pc. Unique per local address. */
	KIMS_SA_SET_A_SPI_PC,
	/* u32: SPI of what the P-CSCF receives at port-ps. Unique per local address. */
	KIMS_SA_SET_A_SPI_PS,
	/* u32: When not 0, the reqid that the XFRM state of a received packet must have as well. */
	KIMS_SA_SET_A_REQID,
	/* nest KIMS_SA_COUNTERS_A_*: In replies and events only. */
	KIMS_SA_SET_A_COUNTERS,
	/* pad */
	KIMS_SA_SET_A_PAD,
	__KIMS_SA_SET_A_MAX,
	KIMS_SA_SET_A_MAX = (__KIMS_SA_SET_A_MAX - 1)
};

/* Packets and octets (of the IP packet, ESP removed) per security association of a set. */
enum {
	/* u64: Sent under spi-uc. */
	KIMS_SA_COUNTERS_A_PACKETS_UC = 1,
	/* u64 */
	KIMS_SA_COUNTERS_A_OCTETS_UC,
	/* u64: Sent under spi-us. */
	KIMS_SA_COUNTERS_A_PACKETS_US,
	/* u64 */
	KIMS_SA_COUNTERS_A_OCTETS_US,
	/* u64: Received under spi-pc and let through. */
	KIMS_SA_COUNTERS_A_PACKETS_PC,
	/* u64 */
	KIMS_SA_COUNTERS_A_OCTETS_PC,
	/* u64: Received under spi-ps and let through. */
	KIMS_SA_COUNTERS_A_PACKETS_PS,
	/* u64 */
	KIMS_SA_COUNTERS_A_OCTETS_PS,
	/* nest KIMS_DROP_*: Received under a security association of this set and dropped, by reason. */
	KIMS_SA_COUNTERS_A_DROPS,
	/* pad */
	KIMS_SA_COUNTERS_A_PAD,
	__KIMS_SA_COUNTERS_A_MAX,
	KIMS_SA_COUNTERS_A_MAX = (__KIMS_SA_COUNTERS_A_MAX - 1)
};

/*
 * One dropped packet. What names the subscriber comes twice: sa-* for the set whose security
 * association the packet came under, and owner-* for the set that the source address belongs
 * to; each is absent when there is none.
 */
enum {
	/* u32: Number of the attribute in drops. */
	KIMS_VIOLATION_A_REASON = 1,
	/* u32: IP protocol number, 6 (TCP) or 17 (UDP). */
	KIMS_VIOLATION_A_PROTOCOL,
	/* u32, network byte order: Source of the packet. */
	KIMS_VIOLATION_A_SRC_IPV4,
	/* binary: Source of the packet. */
	KIMS_VIOLATION_A_SRC_IPV6,
	/* u32: Source port of the packet. */
	KIMS_VIOLATION_A_SRC_PORT,
	/* u32, network byte order: Destination of the packet. */
	KIMS_VIOLATION_A_DST_IPV4,
	/* binary: Destination of the packet. */
	KIMS_VIOLATION_A_DST_IPV6,
	/* u32: Destination port of the packet. */
	KIMS_VIOLATION_A_DST_PORT,
	/* u32: SPI that the packet came under. Absent for cleartext. */
	KIMS_VIOLATION_A_SPI,
	/* u32: Set of that SPI. */
	KIMS_VIOLATION_A_SA_SET_ID,
	/* u64: UE of that set. */
	KIMS_VIOLATION_A_SA_UE_ID,
	/* string: Subscriber of that set. */
	KIMS_VIOLATION_A_SA_LABEL,
	/* u32: Set that the source address and port, else the source address, belong to. */
	KIMS_VIOLATION_A_OWNER_SET_ID,
	/* u64: UE of that set. */
	KIMS_VIOLATION_A_OWNER_UE_ID,
	/* string: Subscriber of that set. */
	KIMS_VIOLATION_A_OWNER_LABEL,
	/* u32: Events of this reason not sent since the last one, because of the rate limit. */
	KIMS_VIOLATION_A_SUPPRESSED,
	/* pad */
	KIMS_VIOLATION_A_PAD,
	__KIMS_VIOLATION_A_MAX,
	KIMS_VIOLATION_A_MAX = (__KIMS_VIOLATION_A_MAX - 1)
};

/*
 * Of the network namespace. Counters start at 0 when the namespace is made or the module
 * loaded.
 */
enum {
	/* u32: Media flows now. */
	KIMS_STATS_A_RTP_FLOWS = 1,
	/* u32: Protected ports now. */
	KIMS_STATS_A_GM_PORTS,
	/* u32: SA sets now. */
	KIMS_STATS_A_SA_SETS,
	/* u64: Packets sent on by media flows, deleted ones included. */
	KIMS_STATS_A_RTP_PACKETS,
	/* u64: Packets let through to protected ports. */
	KIMS_STATS_A_GM_PACKETS,
	/* nest KIMS_DROP_*: Packets dropped, by reason. */
	KIMS_STATS_A_DROPS,
	/* pad */
	KIMS_STATS_A_PAD,
	__KIMS_STATS_A_MAX,
	KIMS_STATS_A_MAX = (__KIMS_STATS_A_MAX - 1)
};

/* Of the network namespace, for all its flows. */
enum {
	/*
	 * u32: 1: every packet that leaves passes POST_ROUTING, so that rules of nftables there see
	 * it. 0 (from the start): where route and neighbour are known it goes to the device at once,
	 * as with a flowtable.
	 */
	KIMS_SETTINGS_A_POSTROUTING = 1,
	__KIMS_SETTINGS_A_MAX,
	KIMS_SETTINGS_A_MAX = (__KIMS_SETTINGS_A_MAX - 1)
};

enum {
	/*
	 * Make media flows, up to rtp-batch-max in one message: all of them or, when one is refused,
	 * none. The reply has the id of each, in the order of the request.
	 */
	KIMS_CMD_RTP_NEW = 1,
	/*
	 * Replace media flows, named by their ids, up to rtp-batch-max in one message: all of them or,
	 * when one is refused, none. What is absent becomes the default, not what it was.
	 */
	KIMS_CMD_RTP_REPLACE,
	/*
	 * Delete the flow of an id, or flows of a cookie. The reply has the flows with their final
	 * counters: no packet is counted after it.
	 */
	KIMS_CMD_RTP_DEL,
	/* One flow by id; or all, or those of a cookie. */
	KIMS_CMD_RTP_GET,
	/*
	 * The first packet from the expected peer arrived, after the flow was made or after
	 * rtp-inactive-ntf.
	 */
	KIMS_CMD_RTP_ACTIVE_NTF,
	/* No packet from the expected peer for the time of the flow. */
	KIMS_CMD_RTP_INACTIVE_NTF,
	/* A flow was deleted; with its final counters. */
	KIMS_CMD_RTP_DEL_NTF,
	/* Protect a port. */
	KIMS_CMD_GM_PORT_NEW,
	/* Stop protecting a port. */
	KIMS_CMD_GM_PORT_DEL,
	/* One protected port, or all. */
	KIMS_CMD_GM_PORT_GET,
	/* Make an SA set. The reply has its id. */
	KIMS_CMD_SA_SET_NEW,
	/* Replace the SA set of an id. What is absent becomes the default, not what it was. */
	KIMS_CMD_SA_SET_REPLACE,
	/* Delete a set by id. The reply has it with its final counters. */
	KIMS_CMD_SA_SET_DEL,
	/* One set by id; or all, or those of a ue-id. */
	KIMS_CMD_SA_SET_GET,
	/* A set was deleted; with its final counters. */
	KIMS_CMD_SA_SET_DEL_NTF,
	/* The Gm check dropped a packet. At most 10 a second and reason, after a burst of 20. */
	KIMS_CMD_VIOLATION_NTF,
	/* Counters of the network namespace. */
	KIMS_CMD_STATS_GET,
	/*
	 * Change settings of the network namespace, at once and for all flows. What is absent stays as
	 * it is.
	 */
	KIMS_CMD_SETTINGS_SET,
	/* Settings of the network namespace. */
	KIMS_CMD_SETTINGS_GET,
	__KIMS_CMD_MAX,
	KIMS_CMD_MAX = (__KIMS_CMD_MAX - 1)
};

#define KIMS_MCGRP_RTP	"rtp"
#define KIMS_MCGRP_GM	"gm"

#endif /* _UAPI_LINUX_KIMS_H */
