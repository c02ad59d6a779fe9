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

/* Most sessions in one session-new, session-change or session-del. */
#define KIMS_SESSION_BATCH_MAX	256

/* Most PDRs, and most FARs, QERs and URRs, of one session. */
#define KIMS_SESSION_RULES_MAX	64

/* Most port ranges of each kind in one filter. */
#define KIMS_FILTER_PORTS_MAX	8

/* Source and destination interface as in TS 29.244 8.2.2 and 8.2.24, with its values. */
enum kims_interface {
	/* Towards the UE; a PDR of this source interface is uplink. */
	KIMS_INTERFACE_ACCESS,
	/* Towards the data network. */
	KIMS_INTERFACE_CORE,
	/* Service functions of the SGi-LAN or N6-LAN. */
	KIMS_INTERFACE_SGI_LAN,
	/* The control plane function, by a tunnel of its own. */
	KIMS_INTERFACE_CP_FUNCTION,
	__KIMS_INTERFACE_MAX,
	KIMS_INTERFACE_MAX = (__KIMS_INTERFACE_MAX - 1)
};

/* What happens to the first packets of a flow when userspace does not say what it is. */
enum kims_app_fail {
	/* They are dropped. */
	KIMS_APP_FAIL_CLOSED,
	/* The next PDR is tried. */
	KIMS_APP_FAIL_OPEN,
	__KIMS_APP_FAIL_MAX,
	KIMS_APP_FAIL_MAX = (__KIMS_APP_FAIL_MAX - 1)
};

/* As in TS 29.244 8.2.26. Exactly one of drop, forw and buff; nocp with buff, dupl with any. */
enum kims_apply_action {
	/* Packets are dropped and counted. */
	KIMS_APPLY_ACTION_DROP = 1 << 0,
	/* Packets are forwarded. */
	KIMS_APPLY_ACTION_FORW = 1 << 1,
	/* Packets wait for a change of the FAR. */
	KIMS_APPLY_ACTION_BUFF = 1 << 2,
	/* The first packet that waits is reported. */
	KIMS_APPLY_ACTION_NOCP = 1 << 3,
	/* A copy goes to the duplication parameters. */
	KIMS_APPLY_ACTION_DUPL = 1 << 4,
};

/* Measurement method as in TS 29.244 8.2.40. */
enum kims_urr_method {
	/* Duration. */
	KIMS_URR_METHOD_DURAT = 1 << 0,
	/* Volume. */
	KIMS_URR_METHOD_VOLUM = 1 << 1,
	/* Events (a packet that matches is one). */
	KIMS_URR_METHOD_EVENT = 1 << 2,
};

/* What a report is made for; TS 29.244 8.2.19, 8.2.41. */
enum kims_urr_trigger {
	/* Every period seconds. */
	KIMS_URR_TRIGGER_PERIO = 1 << 0,
	/* A volume threshold is reached. */
	KIMS_URR_TRIGGER_VOLTH = 1 << 1,
	/* The time threshold is reached. */
	KIMS_URR_TRIGGER_TIMTH = 1 << 2,
	/* The first packet. */
	KIMS_URR_TRIGGER_START = 1 << 3,
	/* No packet for the inactivity time. */
	KIMS_URR_TRIGGER_STOPT = 1 << 4,
	/* Packets were dropped for the quota. */
	KIMS_URR_TRIGGER_DROTH = 1 << 5,
	/* A volume quota is used up. */
	KIMS_URR_TRIGGER_VOLQU = 1 << 6,
	/* The time quota is used up. */
	KIMS_URR_TRIGGER_TIMQU = 1 << 7,
	/* The monitoring time has come. */
	KIMS_URR_TRIGGER_MONIT = 1 << 8,
	/* The URR or its session was removed; always reported. */
	KIMS_URR_TRIGGER_TERMR = 1 << 9,
	/* It was asked for. */
	KIMS_URR_TRIGGER_IMMER = 1 << 10,
	/* An event was counted. */
	KIMS_URR_TRIGGER_EVEQU = 1 << 11,
	/* A URR that it is linked to was reported; always reported. */
	KIMS_URR_TRIGGER_LIUSA = 1 << 12,
};

/* Symmetric RTP (RFC 4961), where a flow learns who its peer is from what arrives. */
enum kims_latch {
	/* The peer is the one that is given. */
	KIMS_LATCH_OFF,
	/*
	 * The first packet that is sent on says address and port of the peer, from then on nobody
	 * else's passes. A replace keeps what was learned, unless it gives another peer address.
	 */
	KIMS_LATCH_ONCE,
	/* As once, and a replace forgets what was learned. */
	KIMS_LATCH_AGAIN,
	__KIMS_LATCH_MAX,
	KIMS_LATCH_MAX = (__KIMS_LATCH_MAX - 1)
};

/* What of the RTP source has to go on as it began. */
enum kims_continuity {
	/* Nothing. */
	KIMS_CONTINUITY_OFF,
	/* The SSRC, that of the first packet or ssrc of the flow. */
	KIMS_CONTINUITY_SSRC,
	/*
	 * The SSRC and the sequence numbers (RFC 3550 A.1). After a jump of 3000 or more the packets
	 * are dropped until one follows another.
	 */
	KIMS_CONTINUITY_SEQUENCE,
	__KIMS_CONTINUITY_MAX,
	KIMS_CONTINUITY_MAX = (__KIMS_CONTINUITY_MAX - 1)
};

/* Ciphers of SRTP and SRTCP, named as in RFC 4568, RFC 6188 and RFC 7714. */
enum kims_srtp_suite {
	/* Key of 16 octets, salt of 14. */
	KIMS_SRTP_SUITE_AES_CM_128_HMAC_SHA1_80,
	/* Key of 16 octets, salt of 14. The tag of SRTCP has 80 bits (RFC 4568 6.2.2). */
	KIMS_SRTP_SUITE_AES_CM_128_HMAC_SHA1_32,
	/* Key of 32 octets, salt of 14. */
	KIMS_SRTP_SUITE_AES_256_CM_HMAC_SHA1_80,
	/* Key of 32 octets, salt of 14. The tag of SRTCP has 80 bits. */
	KIMS_SRTP_SUITE_AES_256_CM_HMAC_SHA1_32,
	/* Key of 16 octets, salt of 12. */
	KIMS_SRTP_SUITE_AEAD_AES_128_GCM,
	/* Key of 32 octets, salt of 12. */
	KIMS_SRTP_SUITE_AEAD_AES_256_GCM,
	__KIMS_SRTP_SUITE_MAX,
	KIMS_SRTP_SUITE_MAX = (__KIMS_SRTP_SUITE_MAX - 1)
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
	/* nest KIMS_GTPU_EP_A_*: A GTP-U endpoint. */
	KIMS_A_GTPU_EP,
	/* nest KIMS_SESSION_A_*: A session (TS 29.244 5.2) with its rules. Most commands take several. */
	KIMS_A_SESSION,
	/* nest KIMS_GTPU_PEER_A_*: The other end of a path or tunnel. */
	KIMS_A_GTPU_PEER,
	/* nest KIMS_APP_FLOW_A_*: An inner flow and the application that it is of. */
	KIMS_A_APP_FLOW,
	/* nest KIMS_DTMF_A_*: A telephone event that has ended. */
	KIMS_A_DTMF,
	/* nest KIMS_INGRESS_A_*: A device whose packets are taken before the IP stack. */
	KIMS_A_INGRESS,
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
	/* u32: Default off. Not with peer-port; a peer address restricts who may be learned. */
	KIMS_RTP_A_LATCH,
	/*
	 * u32: Id of the flow of the other direction, which need not be there yet. It is told where
	 * the peer is that this flow has learned, and sends there whatever its own destination; and
	 * its sender reports give the round trip time of the reports here.
	 */
	KIMS_RTP_A_REVERSE,
	/* u32, network byte order: In replies and events only. Address of the peer that was learned. */
	KIMS_RTP_A_LATCHED_IPV4,
	/* binary: In replies and events only. Address of the peer that was learned. */
	KIMS_RTP_A_LATCHED_IPV6,
	/* u32: In replies and events only: port of the peer that was learned. */
	KIMS_RTP_A_LATCHED_PORT,
	/* u32: The only SSRC accepted of RTP. Absent, any. */
	KIMS_RTP_A_SSRC,
	/* u32: Default off. For media that has RTP. */
	KIMS_RTP_A_CONTINUITY,
	/* u32: Payload type of telephone events (RFC 4733), which rtp-dtmf-ntf reports. Absent, none. */
	KIMS_RTP_A_TELEPHONE_EVENT,
	/* nest KIMS_SRTP_A_*: What arrives is SRTP and is decrypted. Not for udp. */
	KIMS_RTP_A_SRTP_IN,
	/* nest KIMS_SRTP_A_*: What is sent is encrypted. Not for udp. */
	KIMS_RTP_A_SRTP_OUT,
	/* u32, network byte order: Source address of the copies, an address of the namespace. */
	KIMS_RTP_A_RECORD_SRC_IPV4,
	/* binary: Source address of the copies, an address of the namespace. */
	KIMS_RTP_A_RECORD_SRC_IPV6,
	/* u32: Source port of the copies. */
	KIMS_RTP_A_RECORD_SRC_PORT,
	/*
	 * u32, network byte order: Where a copy of each packet sent on goes, a recorder. The copy is
	 * not encrypted.
	 */
	KIMS_RTP_A_RECORD_DST_IPV4,
	/* binary: Where a copy of each packet sent on goes, a recorder. The copy is not encrypted. */
	KIMS_RTP_A_RECORD_DST_IPV6,
	/* u32: Destination port of the copies. */
	KIMS_RTP_A_RECORD_DST_PORT,
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
	/* u64: Copies sent to the recorder. */
	KIMS_RTP_COUNTERS_A_COPIES,
	/*
	 * u64: Copies that could not be made or sent; the packets themselves are not among the drops
	 * for it.
	 */
	KIMS_RTP_COUNTERS_A_COPIES_LOST,
	/* nest KIMS_RTCP_A_*: What the last RTCP packets said. Absent before the first report. */
	KIMS_RTP_COUNTERS_A_RTCP,
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
	/* u64: GTP-U to a TEID that no session has. */
	KIMS_DROP_UNKNOWN_TEID,
	/* u64: No PDR of the session matches. */
	KIMS_DROP_NO_PDR,
	/* u64: Uplink, from an inner source address that is not the UE's. */
	KIMS_DROP_SPOOFED_UE,
	/* u64: The FAR says drop. */
	KIMS_DROP_FAR,
	/* u64: More than the maximum bit rate of a QER. */
	KIMS_DROP_RATE,
	/* u64: The quota of a URR is used up. */
	KIMS_DROP_QUOTA,
	/* u64: Too much waits already, in the session or in the namespace. */
	KIMS_DROP_BUFFER_FULL,
	/* u64: Waited too long, or its session was deleted. */
	KIMS_DROP_BUFFER_TIMEOUT,
	/* u64: Larger than the path MTU; the inner sender was told. */
	KIMS_DROP_TOO_BIG,
	/* u64: GTP-U extension header that must be understood and is not. */
	KIMS_DROP_EXTENSION_HEADER,
	/* u64: Userspace has not said what the flow is, and the PDR fails closed. */
	KIMS_DROP_APP,
	/* u64: The kims device of the endpoint is gone or down. */
	KIMS_DROP_NO_DEVICE,
	/* u64: RTP of an SSRC that the flow does not allow. */
	KIMS_DROP_SSRC,
	/* u64: RTP whose sequence number does not go on. */
	KIMS_DROP_SEQUENCE,
	/* u64: SRTP or SRTCP that is not authentic, of another MKI, or too short. */
	KIMS_DROP_SRTP_AUTH,
	/*
	 * u64: SRTP or SRTCP of an index that was there before or is too old; or RTP whose encryption
	 * would use a part of the key stream again.
	 */
	KIMS_DROP_SRTP_REPLAY,
	/* u64: RTP that cannot be encrypted because the key is used up, or for 64 SSRCs already. */
	KIMS_DROP_SRTP_LIMIT,
	/*
	 * u64: To a protected port under the right security association, but not by the GTP-U session
	 * that its SA set names.
	 */
	KIMS_DROP_WRONG_TUNNEL,
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
	/*
	 * u64: The GTP-U session by which the UE came: only what arrives by its tunnels is let
	 * through. Absent or 0, it may come any way.
	 */
	KIMS_SA_SET_A_GTPU_SESSION,
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
	/* u64: The GTP-U session by which the packet came. Absent, by none. */
	KIMS_VIOLATION_A_GTPU_SESSION,
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
	/* u32: GTP-U endpoints now. */
	KIMS_STATS_A_GTPU_EPS,
	/* u32: Sessions now. */
	KIMS_STATS_A_SESSIONS,
	/* u64: GTP-U packets that arrived at endpoints. */
	KIMS_STATS_A_GTPU_RECEIVED,
	/* u64: Inner packets of these that went on. */
	KIMS_STATS_A_GTPU_FORWARDED,
	/* u64: GTP-U messages taken that are no G-PDU. */
	KIMS_STATS_A_GTPU_SIGNALLING,
	/* u64: Packets that arrived for a UE address of a session. */
	KIMS_STATS_A_DOWNLINK_RECEIVED,
	/* u64: G-PDUs sent. */
	KIMS_STATS_A_GTPU_SENT,
	/* u32: Packets that wait now. */
	KIMS_STATS_A_BUFFERED_PACKETS,
	/* u64: Plain packets of UEs on the access side (see source-interface of a PDR). */
	KIMS_STATS_A_ACCESS_RECEIVED,
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

/* A local address and UDP port where GTP-U (TS 29.281) arrives and leaves. */
enum {
	/* u32: Number in the namespace. Absent in gtpu-ep-new, the kernel chooses one. */
	KIMS_GTPU_EP_A_ID = 1,
	/* u32, network byte order: Its address. */
	KIMS_GTPU_EP_A_LOCAL_IPV4,
	/* binary: Its address. */
	KIMS_GTPU_EP_A_LOCAL_IPV6,
	/* u32: Default 2152. */
	KIMS_GTPU_EP_A_PORT,
	/* u32: Index of the kims device that inner packets arrive from, as the stack sees it. Needed. */
	KIMS_GTPU_EP_A_DEVICE,
	/*
	 * u32: 1: outer UDP checksums are made (from the start for IPv6); 0: they are 0 (from the
	 * start for IPv4; RFC 6935 for IPv6).
	 */
	KIMS_GTPU_EP_A_UDP_CHECKSUM,
	/*
	 * u32: 1: the outer UDP source port varies with the inner flow (TS 29.281 4.4.2.3). Default 0:
	 * the local port.
	 */
	KIMS_GTPU_EP_A_ENTROPY,
	/*
	 * u32: 1: what does not fit into the path MTU is sent in outer fragments. Default 0: the inner
	 * sender is told, or the inner packet is fragmented.
	 */
	KIMS_GTPU_EP_A_FRAGMENT_OUTER,
	/*
	 * u32: 1: inner packets pass the whole network stack by the device, and so the rules of
	 * nftables. Default 0: past it where possible.
	 */
	KIMS_GTPU_EP_A_STACK,
	/* u32: 1: TCP MSS options of inner packets are lowered to what fits. Default 0. */
	KIMS_GTPU_EP_A_MSS_CLAMP,
	/* u64: GTP-U packets that arrived. In replies only. */
	KIMS_GTPU_EP_A_RECEIVED,
	/* u64: Of these, G-PDUs whose inner packet went on. In replies only. */
	KIMS_GTPU_EP_A_FORWARDED,
	/* u64: Of these, messages that are no G-PDU, taken. In replies only. */
	KIMS_GTPU_EP_A_SIGNALLING,
	/* u64: G-PDUs sent. In replies only. */
	KIMS_GTPU_EP_A_SENT,
	/* nest KIMS_DROP_*: Packets dropped, by reason. In replies only. */
	KIMS_GTPU_EP_A_DROPS,
	/* u32: F-TEIDs and FARs that use it. In replies only. */
	KIMS_GTPU_EP_A_USERS,
	/* pad */
	KIMS_GTPU_EP_A_PAD,
	__KIMS_GTPU_EP_A_MAX,
	KIMS_GTPU_EP_A_MAX = (__KIMS_GTPU_EP_A_MAX - 1)
};

/*
 * A session of TS 29.244 5.2: the rules of one PDN connection or PDU session. Rules are named
 * by their ids, which are unique in the session and of the owner's choice.
 */
enum {
	/* u64: The session, unique in the namespace; of the owner's choice, not 0. */
	KIMS_SESSION_A_ID = 1,
	/* string: The subscriber, for example the IMSI. In every event. */
	KIMS_SESSION_A_LABEL,
	/* u32, network byte order: Address of the UE. One session per address. */
	KIMS_SESSION_A_UE_IPV4,
	/* binary: Prefix of 64 bits of the UE. One session per prefix. */
	KIMS_SESSION_A_UE_IPV6,
	/* u32: Seconds without a packet until session-idle-ntf. 0 or absent, never. */
	KIMS_SESSION_A_IDLE_TIMEOUT,
	/* u32: 1: inner packets are seen on kimsmon devices. Default 0. */
	KIMS_SESSION_A_MONITORED,
	/* nest KIMS_PDR_A_*: A packet detection rule. */
	KIMS_SESSION_A_PDR,
	/* nest KIMS_FAR_A_*: A forwarding action rule. */
	KIMS_SESSION_A_FAR,
	/* nest KIMS_QER_A_*: A QoS enforcement rule. */
	KIMS_SESSION_A_QER,
	/* nest KIMS_URR_A_*: A usage reporting rule. */
	KIMS_SESSION_A_URR,
	/* nest KIMS_BAR_A_*: The buffering action rule. At most one. */
	KIMS_SESSION_A_BAR,
	/* u32: In session-change: id of a PDR to remove. */
	KIMS_SESSION_A_DEL_PDR,
	/* u32: In session-change: id of a FAR to remove. */
	KIMS_SESSION_A_DEL_FAR,
	/* u32: In session-change: id of a QER to remove. */
	KIMS_SESSION_A_DEL_QER,
	/* u32: In session-change: id of a URR to remove. The reply has its final counters. */
	KIMS_SESSION_A_DEL_URR,
	/* u32: Packets that wait. In replies only. */
	KIMS_SESSION_A_BUFFERED_PACKETS,
	/* u32: Octets that wait. In replies only. */
	KIMS_SESSION_A_BUFFERED_OCTETS,
	/*
	 * u32: Milliseconds since the last packet. In replies and events only; absent before the
	 * first.
	 */
	KIMS_SESSION_A_IDLE,
	/* u32: In events: the PDR. */
	KIMS_SESSION_A_EVENT_PDR,
	/* u32: In events: the FAR. */
	KIMS_SESSION_A_EVENT_FAR,
	/* u32: In dl-data-ntf: DSCP of the packet, for the paging policy. */
	KIMS_SESSION_A_EVENT_DSCP,
	/* u32: In the reply to a batch that was refused: which session (from 0) it was for. */
	KIMS_SESSION_A_ERROR,
	/* pad */
	KIMS_SESSION_A_PAD,
	__KIMS_SESSION_A_MAX,
	KIMS_SESSION_A_MAX = (__KIMS_SESSION_A_MAX - 1)
};

/*
 * A packet detection rule (TS 29.244 5.2.1A, 7.5.2.2). With endpoint and teid it is for what
 * arrives in that tunnel, else for what arrives for the UE address of the session, or from it.
 */
enum {
	/* u32: PDR ID. */
	KIMS_PDR_A_ID = 1,
	/* u32: The rule with the lowest wins. */
	KIMS_PDR_A_PRECEDENCE,
	/*
	 * u32: Default access with a teid, core without. Access without a teid is the access side, as
	 * in a SGW, eNodeB or ePDG: the rule is for plain packets whose source is the UE address (TS
	 * 29.244 8.2.62, S/D 0), its filters are evaluated uplink, and its FAR puts them into a
	 * tunnel. What of such a UE meets no PDR is dropped (no-pdr); what it sends to an address of
	 * this host, or to a group, is left to the stack.
	 */
	KIMS_PDR_A_SOURCE_INTERFACE,
	/* u32: GTP-U endpoint of the local F-TEID. */
	KIMS_PDR_A_ENDPOINT,
	/* u32: TEID of the local F-TEID, not 0. Several PDRs of one session may share it. */
	KIMS_PDR_A_TEID,
	/* u32: The QFI that packets must have. Absent, any and none. */
	KIMS_PDR_A_QFI,
	/* nest KIMS_FILTER_A_*: SDF filters; one of them must match. Absent, all packets match. */
	KIMS_PDR_A_FILTER,
	/*
	 * u32: Number of the application that userspace must have found the flow to be of. 0 or
	 * absent, none.
	 */
	KIMS_PDR_A_APP_ID,
	/* u32: NFQUEUE number to which the first packets of a flow go. */
	KIMS_PDR_A_APP_QUEUE,
	/* u32: Default closed. */
	KIMS_PDR_A_APP_FAIL,
	/* u32: 1: no outer header removal, the GTP-U header is replaced by the FAR's. Default 0. */
	KIMS_PDR_A_KEEP_OUTER_HEADER,
	/*
	 * u32: 1: uplink packets need not come from the UE's address (a network behind the UE), but,
	 * where the FAR makes no outer header, not from the address of another session's UE. Default
	 * 0.
	 */
	KIMS_PDR_A_ANY_SOURCE,
	/* u32: Index of the device, or VRF, by which packets to the UE must have arrived. Absent, any. */
	KIMS_PDR_A_DEVICE,
	/* u32: Its FAR. */
	KIMS_PDR_A_FAR_ID,
	/* u32: Its QERs, at most 4. */
	KIMS_PDR_A_QER_ID,
	/* u32: Its URRs, at most 8. */
	KIMS_PDR_A_URR_ID,
	/* u64: Packets gone on. In replies only. */
	KIMS_PDR_A_PACKETS,
	/* u64: Their inner octets. In replies only. */
	KIMS_PDR_A_OCTETS,
	/* u64: Packets dropped. In replies only. */
	KIMS_PDR_A_DROPPED,
	/* pad */
	KIMS_PDR_A_PAD,
	__KIMS_PDR_A_MAX,
	KIMS_PDR_A_MAX = (__KIMS_PDR_A_MAX - 1)
};

/*
 * An SDF or TFT packet filter (TS 29.212 5.4.2, TS 24.008 10.5.6.12). "UE" is the source uplink
 * and the destination downlink, "remote" the other.
 */
enum {
	/* u32: Number of the filter, for the owner. */
	KIMS_FILTER_A_ID = 1,
	/* u32: IP protocol or next header. Absent, any. */
	KIMS_FILTER_A_PROTOCOL,
	/* u32, network byte order: Address at the UE. Absent, any. */
	KIMS_FILTER_A_UE_IPV4,
	/* binary: Address at the UE. Absent, any. */
	KIMS_FILTER_A_UE_IPV6,
	/* u32: Bits of it that count. Absent, all. */
	KIMS_FILTER_A_UE_PREFIX_LEN,
	/* u32, network byte order: Remote address. Absent, any. */
	KIMS_FILTER_A_REMOTE_IPV4,
	/* binary: Remote address. Absent, any. */
	KIMS_FILTER_A_REMOTE_IPV6,
	/* u32: Bits of it that count. Absent, all. */
	KIMS_FILTER_A_REMOTE_PREFIX_LEN,
	/*
	 * u32: Range of ports at the UE: the lowest in the upper 16 bits, the highest in the lower.
	 * Several: one must match.
	 */
	KIMS_FILTER_A_UE_PORTS,
	/* u32: Range of remote ports, likewise. */
	KIMS_FILTER_A_REMOTE_PORTS,
	/* u32: Type of Service or Traffic Class. */
	KIMS_FILTER_A_TOS,
	/* u32: Bits of it that count. Absent, all. */
	KIMS_FILTER_A_TOS_MASK,
	/* u32: SPI of ESP or AH. */
	KIMS_FILTER_A_SPI,
	/* u32: IPv6 flow label. */
	KIMS_FILTER_A_FLOW_LABEL,
	/* u32: 1 uplink, 2 downlink, 3 (default) both. */
	KIMS_FILTER_A_DIRECTION,
	__KIMS_FILTER_A_MAX,
	KIMS_FILTER_A_MAX = (__KIMS_FILTER_A_MAX - 1)
};

/* A forwarding action rule (TS 29.244 7.5.2.3). */
enum {
	/* u32: FAR ID. */
	KIMS_FAR_A_ID = 1,
	/* u32: Bits of apply-action. */
	KIMS_FAR_A_APPLY_ACTION,
	/*
	 * u32: Default core without outer header creation, access with it. Access without it, of a PDR
	 * with source interface core and a teid: plain to the UE by the route, the way back of the
	 * access side.
	 */
	KIMS_FAR_A_DESTINATION_INTERFACE,
	/* u32: Outer header creation: GTP-U endpoint to send from. */
	KIMS_FAR_A_ENDPOINT,
	/* u32: Outer header creation: TEID at the peer. */
	KIMS_FAR_A_TEID,
	/* u32, network byte order: Outer header creation: address of the peer. */
	KIMS_FAR_A_PEER_IPV4,
	/* binary: Outer header creation: address of the peer. */
	KIMS_FAR_A_PEER_IPV6,
	/* u32: Outer header creation: default 2152. */
	KIMS_FAR_A_PEER_PORT,
	/*
	 * u32: Transport level marking: DSCP of the outer header, or of the packet when there is none.
	 * Absent, that of the inner packet.
	 */
	KIMS_FAR_A_DSCP,
	/* u32: To the core: index of the device, or VRF, by which packets leave. Absent, by the route. */
	KIMS_FAR_A_DEVICE,
	/*
	 * u32: In session-change, with a new outer header: 1 sends an End Marker behind the last
	 * packet of the old tunnel (SNDEM).
	 */
	KIMS_FAR_A_SEND_END_MARKER,
	/* u32: Duplication: TEID at the peer. */
	KIMS_FAR_A_DUP_TEID,
	/* u32, network byte order: Duplication: address of the peer. */
	KIMS_FAR_A_DUP_IPV4,
	/* binary: Duplication: address of the peer. */
	KIMS_FAR_A_DUP_IPV6,
	/* u32: Duplication: GTP-U endpoint to send from. */
	KIMS_FAR_A_DUP_ENDPOINT,
	__KIMS_FAR_A_MAX,
	KIMS_FAR_A_MAX = (__KIMS_FAR_A_MAX - 1)
};

/* A QoS enforcement rule (TS 29.244 7.5.2.5). PDRs that share it share its rates. */
enum {
	/* u32: QER ID. */
	KIMS_QER_A_ID = 1,
	/* u32: Default open. */
	KIMS_QER_A_GATE_UL,
	/* u32: Default open. */
	KIMS_QER_A_GATE_DL,
	/* u64: Maximum bit rate uplink, bit/s. 0 or absent, none. */
	KIMS_QER_A_MBR_UL,
	/* u64: Maximum bit rate downlink, bit/s. */
	KIMS_QER_A_MBR_DL,
	/* u64: Guaranteed bit rate uplink, bit/s; accounted, not enforced. */
	KIMS_QER_A_GBR_UL,
	/* u64: Guaranteed bit rate downlink, bit/s. */
	KIMS_QER_A_GBR_DL,
	/* u32: Milliseconds of the rate that may come at once. 0 or absent, the default of 100. */
	KIMS_QER_A_BURST,
	/* u32: QFI to mark what goes to the UE with. Absent, none. */
	KIMS_QER_A_QFI,
	/* u64: Octets that passed uplink. In replies only. */
	KIMS_QER_A_OCTETS_UL,
	/* u64: Octets that passed downlink. In replies only. */
	KIMS_QER_A_OCTETS_DL,
	/* u64: Packets over the rate or at the closed gate. In replies only. */
	KIMS_QER_A_DROPPED_UL,
	/* u64: The same downlink. In replies only. */
	KIMS_QER_A_DROPPED_DL,
	/* pad */
	KIMS_QER_A_PAD,
	__KIMS_QER_A_MAX,
	KIMS_QER_A_MAX = (__KIMS_QER_A_MAX - 1)
};

/*
 * A usage reporting rule (TS 29.244 7.5.2.4). Its counters only grow while it exists: the usage
 * between two reports is their difference, so that nothing is lost with an event that is not
 * heard.
 */
enum {
	/* u32: URR ID. */
	KIMS_URR_A_ID = 1,
	/* u32: Bits of urr-method. Default volum. */
	KIMS_URR_A_METHOD,
	/* u32: Bits of urr-trigger that are to be reported. */
	KIMS_URR_A_TRIGGERS,
	/* u64: Octets in both directions; likewise the next. 0 or absent, none. */
	KIMS_URR_A_VOLUME_THRESHOLD,
	/* u64: Octets uplink. */
	KIMS_URR_A_VOLUME_THRESHOLD_UL,
	/* u64: Octets downlink. */
	KIMS_URR_A_VOLUME_THRESHOLD_DL,
	/*
	 * u64: Octets in both directions that may pass; likewise the next. Given again, a new quota
	 * begins.
	 */
	KIMS_URR_A_VOLUME_QUOTA,
	/* u64: Octets uplink. */
	KIMS_URR_A_VOLUME_QUOTA_UL,
	/* u64: Octets downlink. */
	KIMS_URR_A_VOLUME_QUOTA_DL,
	/* u32: Seconds. */
	KIMS_URR_A_TIME_THRESHOLD,
	/* u32: Seconds. */
	KIMS_URR_A_TIME_QUOTA,
	/* u32: Seconds. */
	KIMS_URR_A_PERIOD,
	/* u64: Unix time in seconds at which a report is made and thresholds begin anew. */
	KIMS_URR_A_MONITORING_TIME,
	/* u32: Seconds without a packet after which time is not counted (inactivity detection time). */
	KIMS_URR_A_INACTIVITY,
	/* u32: 1: measures before QoS enforcement (MBQE). Default 0. */
	KIMS_URR_A_BEFORE_QOS,
	/* u32: A URR that is reported whenever this one is. */
	KIMS_URR_A_LINKED_URR,
	/* u64: Both directions. Counters are in replies and events only. */
	KIMS_URR_A_OCTETS,
	/* u64: Uplink. */
	KIMS_URR_A_OCTETS_UL,
	/* u64: Downlink. */
	KIMS_URR_A_OCTETS_DL,
	/* u64: Both directions. */
	KIMS_URR_A_PACKETS,
	/* u64: Uplink. */
	KIMS_URR_A_PACKETS_UL,
	/* u64: Downlink. */
	KIMS_URR_A_PACKETS_DL,
	/* u64: Milliseconds counted. */
	KIMS_URR_A_DURATION,
	/* u64: Unix time of the first packet, nanoseconds. Absent before it. */
	KIMS_URR_A_FIRST_PACKET,
	/* u64: Unix time of the last packet, nanoseconds. */
	KIMS_URR_A_LAST_PACKET,
	/* u32: 1: the quota is used up, packets are dropped. */
	KIMS_URR_A_EXHAUSTED,
	/* u32: UR-SEQN: in events the number of the report, in replies of the next. */
	KIMS_URR_A_SEQ,
	/* u32: In events: bits of urr-trigger, why the report is made. */
	KIMS_URR_A_TRIGGER,
	/* u64: Where octets stood at the report before; likewise the next. */
	KIMS_URR_A_REPORTED_OCTETS,
	/* u64: Uplink. */
	KIMS_URR_A_REPORTED_OCTETS_UL,
	/* u64: Downlink. */
	KIMS_URR_A_REPORTED_OCTETS_DL,
	/* u64: Milliseconds. */
	KIMS_URR_A_REPORTED_DURATION,
	/* pad */
	KIMS_URR_A_PAD,
	__KIMS_URR_A_MAX,
	KIMS_URR_A_MAX = (__KIMS_URR_A_MAX - 1)
};

/* The buffering action rule (TS 29.244 7.5.2.6). */
enum {
	/* u32: Most packets that wait. 0 or absent, the default of 64. */
	KIMS_BAR_A_PACKETS = 1,
	/* u32: Most octets that wait. 0 or absent, the default of 98304. */
	KIMS_BAR_A_OCTETS,
	/* u32: Milliseconds that a packet waits at most. 0 or absent, the default of 10000. */
	KIMS_BAR_A_TIMEOUT,
	/* u32: Milliseconds from the first packet to its report (downlink data notification delay). */
	KIMS_BAR_A_DELAY,
	__KIMS_BAR_A_MAX,
	KIMS_BAR_A_MAX = (__KIMS_BAR_A_MAX - 1)
};

/* The other end of a GTP-U path or tunnel. */
enum {
	/* u32: The GTP-U endpoint here. */
	KIMS_GTPU_PEER_A_ENDPOINT = 1,
	/* u32, network byte order: Address of the peer. */
	KIMS_GTPU_PEER_A_IPV4,
	/* binary: Address of the peer. */
	KIMS_GTPU_PEER_A_IPV6,
	/* u32: Default 2152. */
	KIMS_GTPU_PEER_A_PORT,
	/* u32: TEID at the peer. */
	KIMS_GTPU_PEER_A_TEID,
	/* u32: In echo-ntf: the restart counter that it sent, which TS 29.281 8.2 says to ignore. */
	KIMS_GTPU_PEER_A_RECOVERY,
	/* u64: In events: the session that sends to the tunnel. */
	KIMS_GTPU_PEER_A_SESSION,
	/* u32: In events: its FAR. */
	KIMS_GTPU_PEER_A_FAR,
	/* string: In events, the subscriber of the session. */
	KIMS_GTPU_PEER_A_LABEL,
	/* pad */
	KIMS_GTPU_PEER_A_PAD,
	__KIMS_GTPU_PEER_A_MAX,
	KIMS_GTPU_PEER_A_MAX = (__KIMS_GTPU_PEER_A_MAX - 1)
};

/* One inner flow of a session, in both directions, and what userspace has found it to be. */
enum {
	/* u64: The session. */
	KIMS_APP_FLOW_A_SESSION = 1,
	/* u32: The application; 0: none that is known. */
	KIMS_APP_FLOW_A_APP_ID,
	/* u32: IP protocol. */
	KIMS_APP_FLOW_A_PROTOCOL,
	/* u32, network byte order: Address at the UE. */
	KIMS_APP_FLOW_A_UE_IPV4,
	/* binary: Address at the UE. */
	KIMS_APP_FLOW_A_UE_IPV6,
	/* u32: Port at the UE; 0: the protocol has none. */
	KIMS_APP_FLOW_A_UE_PORT,
	/* u32, network byte order: Remote address. */
	KIMS_APP_FLOW_A_REMOTE_IPV4,
	/* binary: Remote address. */
	KIMS_APP_FLOW_A_REMOTE_IPV6,
	/* u32: Remote port. */
	KIMS_APP_FLOW_A_REMOTE_PORT,
	/* pad */
	KIMS_APP_FLOW_A_PAD,
	__KIMS_APP_FLOW_A_MAX,
	KIMS_APP_FLOW_A_MAX = (__KIMS_APP_FLOW_A_MAX - 1)
};

/*
 * SRTP and SRTCP of one direction (RFC 3711, 6188, 7714): key derivation rate 0, replay windows
 * of 128 and 64 packets. A replace with the same suite, key and mki goes on with rollover
 * counters and windows. One key is never to be given to two flows that encrypt.
 */
enum {
	/* u32: Which ciphers. */
	KIMS_SRTP_A_SUITE = 1,
	/* binary: Master key and, behind it, master salt, as in RFC 4568 6.1. Never in a reply. */
	KIMS_SRTP_A_KEY,
	/*
	 * binary: Master key identifier, 1 to 16 octets: appended to what is sent, required of what
	 * arrives. Absent, none.
	 */
	KIMS_SRTP_A_MKI,
	/* u32: In replies and events only. Rollover counter of the SSRC heard last. */
	KIMS_SRTP_A_ROC,
	__KIMS_SRTP_A_MAX,
	KIMS_SRTP_A_MAX = (__KIMS_SRTP_A_MAX - 1)
};

/*
 * From the RTCP packets that a flow has sent on, the last of each kind: report block and sender
 * information (RFC 3550 6.4.1), VoIP metrics (RFC 3611 4.7). Inputs of the R factor (ITU-T
 * G.107).
 */
enum {
	/* u64: Report blocks so far. */
	KIMS_RTCP_A_REPORTS = 1,
	/* u32: SSRC of who reports. */
	KIMS_RTCP_A_REPORTER,
	/* u32: SSRC that the report is about. */
	KIMS_RTCP_A_SOURCE,
	/* u32: Since the report before, in 1/256. */
	KIMS_RTCP_A_FRACTION_LOST,
	/* s64: Cumulative number of packets lost. */
	KIMS_RTCP_A_LOST,
	/* u32: Extended highest sequence number received. */
	KIMS_RTCP_A_MAX_SEQ,
	/* u32: Interarrival jitter in units of the RTP clock. */
	KIMS_RTCP_A_JITTER,
	/* u32: Last SR timestamp, the middle of its NTP timestamp. */
	KIMS_RTCP_A_LSR,
	/* u32: Delay since last SR, in 1/65536 s. */
	KIMS_RTCP_A_DLSR,
	/*
	 * u32: Microseconds from here to the reporter and back, of the last block whose SR was sent on
	 * by the reverse flow. Absent when there was none.
	 */
	KIMS_RTCP_A_ROUND_TRIP,
	/* u32: Sender of the last sender report. Absent with all sr-* before the first. */
	KIMS_RTCP_A_SR_SSRC,
	/* u64: NTP timestamp of it. */
	KIMS_RTCP_A_SR_NTP,
	/* u32: RTP timestamp of it. */
	KIMS_RTCP_A_SR_TIMESTAMP,
	/* u32: Packets that the sender has sent. */
	KIMS_RTCP_A_SR_PACKETS,
	/* u32: Payload octets that the sender has sent. */
	KIMS_RTCP_A_SR_OCTETS,
	/* nest KIMS_VOIP_A_*: The last VoIP metrics report block. */
	KIMS_RTCP_A_VOIP,
	/* pad */
	KIMS_RTCP_A_PAD,
	__KIMS_RTCP_A_MAX,
	KIMS_RTCP_A_MAX = (__KIMS_RTCP_A_MAX - 1)
};

/* VoIP metrics report block (RFC 3611 4.7), its fields as they are. */
enum {
	/* u32: SSRC of the source. */
	KIMS_VOIP_A_SOURCE = 1,
	/* u32: In 1/256. */
	KIMS_VOIP_A_LOSS_RATE,
	/* u32: In 1/256. */
	KIMS_VOIP_A_DISCARD_RATE,
	/* u32: In 1/256. */
	KIMS_VOIP_A_BURST_DENSITY,
	/* u32: In 1/256. */
	KIMS_VOIP_A_GAP_DENSITY,
	/* u32: Milliseconds. */
	KIMS_VOIP_A_BURST_DURATION,
	/* u32: Milliseconds. */
	KIMS_VOIP_A_GAP_DURATION,
	/* u32: Milliseconds. */
	KIMS_VOIP_A_ROUND_TRIP_DELAY,
	/* u32: Milliseconds. */
	KIMS_VOIP_A_END_SYSTEM_DELAY,
	/* u32: dBm, two's complement in 8 bits; 127 is unknown. */
	KIMS_VOIP_A_SIGNAL_LEVEL,
	/* u32: dBm, two's complement in 8 bits; 127 is unknown. */
	KIMS_VOIP_A_NOISE_LEVEL,
	/* u32: Residual echo return loss, dB; 127 is unknown. */
	KIMS_VOIP_A_RERL,
	/* u32: Gap threshold. */
	KIMS_VOIP_A_GMIN,
	/* u32: 0 to 100; 127 is unknown. */
	KIMS_VOIP_A_R_FACTOR,
	/* u32: R factor of the external network; 127 is unknown. */
	KIMS_VOIP_A_EXT_R_FACTOR,
	/* u32: Listening quality times 10; 127 is unknown. */
	KIMS_VOIP_A_MOS_LQ,
	/* u32: Conversational quality times 10; 127 is unknown. */
	KIMS_VOIP_A_MOS_CQ,
	/* u32: Loss concealment and jitter buffer. */
	KIMS_VOIP_A_RX_CONFIG,
	/* u32: Milliseconds. */
	KIMS_VOIP_A_JB_NOMINAL,
	/* u32: Milliseconds. */
	KIMS_VOIP_A_JB_MAXIMUM,
	/* u32: Milliseconds. */
	KIMS_VOIP_A_JB_ABS_MAX,
	__KIMS_VOIP_A_MAX,
	KIMS_VOIP_A_MAX = (__KIMS_VOIP_A_MAX - 1)
};

/* A telephone event (RFC 4733) that a flow has sent on, once, at its end. */
enum {
	/* u32: The flow. */
	KIMS_DTMF_A_FLOW_ID = 1,
	/* u64: Cookie of the flow. */
	KIMS_DTMF_A_COOKIE,
	/* u32: Of the RTP packets. */
	KIMS_DTMF_A_SSRC,
	/* u32: Event code, 0 to 9 the digits, 10 *, 11 */
	KIMS_DTMF_A_EVENT,
	/* u32: In units of the RTP clock. */
	KIMS_DTMF_A_DURATION,
	/* u32: RTP timestamp of its beginning. */
	KIMS_DTMF_A_TIMESTAMP,
	/* u32: Power level, dBm0 without the sign. */
	KIMS_DTMF_A_VOLUME,
	/*
	 * u32: Events of the flow not sent before this one, because of the rate limit of 20 a second
	 * after a burst of 40.
	 */
	KIMS_DTMF_A_SUPPRESSED,
	/* pad */
	KIMS_DTMF_A_PAD,
	__KIMS_DTMF_A_MAX,
	KIMS_DTMF_A_MAX = (__KIMS_DTMF_A_MAX - 1)
};

/*
 * A device at whose ingress packets are taken, before the IP stack looks at them. What is
 * unusual about a packet (fragment, extension header, application detection) leaves it to
 * PRE_ROUTING.
 */
enum {
	/* u32: Index of the device. */
	KIMS_INGRESS_A_DEVICE = 1,
	__KIMS_INGRESS_A_MAX,
	KIMS_INGRESS_A_MAX = (__KIMS_INGRESS_A_MAX - 1)
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
	/* Make a GTP-U endpoint: its UDP port is bound at once. The reply has its id. */
	KIMS_CMD_GTPU_EP_NEW,
	/* Delete a GTP-U endpoint that nothing uses. The reply has its final counters. */
	KIMS_CMD_GTPU_EP_DEL,
	/* One endpoint by id, or all. */
	KIMS_CMD_GTPU_EP_GET,
	/*
	 * Make sessions with all their rules, up to session-batch-max in one message: all of them or,
	 * when one is refused, none.
	 */
	KIMS_CMD_SESSION_NEW,
	/*
	 * Change sessions, up to session-batch-max in one message: all or, when one is refused, none.
	 * A rule that is given replaces the one of its id as a whole, or is new; del-* removes rules;
	 * what is not named stays. Packets see the rules from before or from after. Counters of rules
	 * that stay go on. Replies with the final counters of removed URRs.
	 */
	KIMS_CMD_SESSION_CHANGE,
	/*
	 * Delete sessions by id. The reply has each with its final counters: no packet is counted
	 * after it.
	 */
	KIMS_CMD_SESSION_DEL,
	/* Sessions by id, or all, with rules and counters. */
	KIMS_CMD_SESSION_GET,
	/* Delete all sessions of the namespace. */
	KIMS_CMD_SESSION_FLUSH,
	/* Send an End Marker to a tunnel. */
	KIMS_CMD_END_MARKER,
	/* Send an Echo Request to a peer; echo-ntf tells of the response. */
	KIMS_CMD_ECHO,
	/* Say what flows are. A flow that is known is replaced. */
	KIMS_CMD_APP_FLOW_NEW,
	/* The flows of a session that userspace has said something of. */
	KIMS_CMD_APP_FLOW_GET,
	/*
	 * A URR has something to report: its session (id, label) and its urr with counters, seq and
	 * trigger. Linked URRs follow in reports of their own.
	 */
	KIMS_CMD_USAGE_NTF,
	/*
	 * Downlink packets wait: once for each time that the buffer begins to fill (TS 29.244 5.2.3).
	 * Session id and label, event-pdr, event-far, event-dscp.
	 */
	KIMS_CMD_DL_DATA_NTF,
	/* No packet for the idle-timeout of the session (user plane inactivity report). */
	KIMS_CMD_SESSION_IDLE_NTF,
	/* A session was deleted; with its final counters. */
	KIMS_CMD_SESSION_DEL_NTF,
	/* A peer does not know the tunnel that a FAR sends to (TS 29.281 7.3.1). */
	KIMS_CMD_ERROR_INDICATION_NTF,
	/* A peer has answered an Echo Request. */
	KIMS_CMD_ECHO_NTF,
	/* An End Marker arrived in a tunnel whose FAR forwards to no other tunnel. */
	KIMS_CMD_END_MARKER_NTF,
	/* A flow with latch has learned its peer, and the reverse flow knows. */
	KIMS_CMD_RTP_LATCHED_NTF,
	/* A telephone event has ended. */
	KIMS_CMD_RTP_DTMF_NTF,
	/* Take packets at the ingress of a device. */
	KIMS_CMD_INGRESS_NEW,
	/* Stop it. It ends by itself with the device, or when that moves to another namespace. */
	KIMS_CMD_INGRESS_DEL,
	/* Devices at whose ingress packets are taken. */
	KIMS_CMD_INGRESS_GET,
	__KIMS_CMD_MAX,
	KIMS_CMD_MAX = (__KIMS_CMD_MAX - 1)
};

#define KIMS_MCGRP_RTP	"rtp"
#define KIMS_MCGRP_GM	"gm"
#define KIMS_MCGRP_GTPU	"gtpu"

#endif /* _UAPI_LINUX_KIMS_H */
