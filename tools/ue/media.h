/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audio stream of a call: RTP every ptime of the phone (20 ms), RTCP reports, statistics of what arrives.
 *
 * The sockets (RTP even, RTCP the port above) are opened in the phone's namespace. Packets leave by
 * an absolute schedule: a late timer is made up for and does not shift what follows. What is later than LATE_USEC (or a
 * packet's time) is not sent at all: nobody could play it any more, and the burst would be more than the bearer's bit rate.
 */
#ifndef KIMS_UE_MEDIA_H
#define KIMS_UE_MEDIA_H

#include "phone.h"
#include "rtp.h"

struct media;

struct media_stats {
	uint64_t sent, sent_octets, send_errors;
	uint64_t rtcp_sent, rtcp_received;
	double peer_loss_percent; /* as the other end's last report says; -1: none */
	double rtt_ms;		  /* RFC 3550 6.4.1; -1: unknown */
	uint64_t other_source;	  /* RTP that did not come from the agreed address and port */
	/* Of phones that attach, by the traffic flow templates: RTP and RTCP by the default bearer. */
	uint64_t sent_outside, received_outside;
	uint64_t skipped; /* not sent: the process was more than LATE_USEC behind */
	uint64_t
		early; /* so, but within a second of the first packet or of a handover: no failure */
};

int media_new(struct phone *p, struct media **ret); /* -errno of the sockets */
void media_free(struct media *m);
const union sip_sa *media_address(const struct media *m);
/* What was agreed; takes effect at once when running. */
void media_set(struct media *m, const struct sdp_theirs *t, bool send);
void media_start(struct media *m);
void media_stop(struct media *m); /* receives no more either */
void media_mute(struct media *m,
		bool mute); /* "media stops": nothing is sent, as if the radio were lost */
bool media_is_sending(const struct media *m);
void media_dtmf(struct media *m, const char *digits); /* RFC 4733, 100 ms each */
const struct media_stats *media_get_stats(const struct media *m);
void media_summary(struct media *m, uint64_t sent_by_peer, struct rtp_summary *ret);
uint64_t media_dtmf_received(const struct media *m, char *dst, size_t size);

#endif
