/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the reasons of drop, by number; made by scripts/netlink-gen.py from include/netlink/kims.yaml; do not edit. */
#ifndef KIMS_NETLINK_KIMS_NL_NAMES_H
#define KIMS_NETLINK_KIMS_NL_NAMES_H

#include <linux/kims.h>

static const char *const knl_drop_names[KIMS_DROP_MAX + 1] = {
	[KIMS_DROP_MALFORMED] = "malformed",
	[KIMS_DROP_SOURCE] = "source",
	[KIMS_DROP_GATE] = "gate",
	[KIMS_DROP_PAYLOAD_TYPE] = "payload-type",
	[KIMS_DROP_TTL] = "ttl",
	[KIMS_DROP_NO_ROUTE] = "no-route",
	[KIMS_DROP_NO_MEMORY] = "no-memory",
	[KIMS_DROP_CLEARTEXT] = "cleartext",
	[KIMS_DROP_UNBOUND] = "unbound",
	[KIMS_DROP_WRONG_SA] = "wrong-sa",
	[KIMS_DROP_SPOOFED_SOURCE] = "spoofed-source",
	[KIMS_DROP_UNKNOWN_TEID] = "unknown-teid",
	[KIMS_DROP_NO_PDR] = "no-pdr",
	[KIMS_DROP_SPOOFED_UE] = "spoofed-ue",
	[KIMS_DROP_FAR] = "far",
	[KIMS_DROP_RATE] = "rate",
	[KIMS_DROP_QUOTA] = "quota",
	[KIMS_DROP_BUFFER_FULL] = "buffer-full",
	[KIMS_DROP_BUFFER_TIMEOUT] = "buffer-timeout",
	[KIMS_DROP_TOO_BIG] = "too-big",
	[KIMS_DROP_EXTENSION_HEADER] = "extension-header",
	[KIMS_DROP_APP] = "app",
	[KIMS_DROP_NO_DEVICE] = "no-device",
	[KIMS_DROP_SSRC] = "ssrc",
	[KIMS_DROP_SEQUENCE] = "sequence",
	[KIMS_DROP_SRTP_AUTH] = "srtp-auth",
	[KIMS_DROP_SRTP_REPLAY] = "srtp-replay",
	[KIMS_DROP_SRTP_LIMIT] = "srtp-limit",
	[KIMS_DROP_WRONG_TUNNEL] = "wrong-tunnel",
};

#endif
