// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PFCP messages, one behind the other, of a CP function that has an association, to a UPF over the kernel of its tests
 * (upf/mock.h). The SEID in a header stands for one of the sessions that there are. Whatever comes: the UPF and
 * the kernel have the same sessions, each label can be read back, each TEID is known; and when the sessions are
 * gone, so is all that they had.
 */
#include "lib/core/log.h"
#include "tests/fuzz/fuzz.h"
#include "upf/mock.h"

static struct loop *fuzz_loop;
static uint32_t fuzz_seq;

static void fuzz_upf_send(void *arg, const struct sockaddr_storage *to, const void *p, size_t n)
{
	struct tlv_hdr h;

	(void)arg;
	MUST(to->ss_family == AF_INET || to->ss_family == AF_INET6);
	MUST(!tlv_pfcp.parse(p, n, &h));
}

static void fuzz_upf_message(const uint8_t *p, size_t n)
{
	static uint8_t copy[65536];

	memcpy(copy, p, n);
	tlv_pfcp.set_seq(copy, ++fuzz_seq & 0xffffff);
	pfcp_input(upf.pfcp, &cp, copy, n);
}

static void fuzz_upf_associate(void)
{
	struct sx_association_setup_request *m = &upf.in.association_setup_request;
	uint8_t buf[128];
	struct tlv_buf b = TLV_BUF(buf);

	if (upf.nodes && upf.nodes->up)
		return;
	sx_init(SX_ASSOCIATION_SETUP_REQUEST, m);
	m->has_node_id = m->has_recovery_ts = m->has_cp_features = true;
	m->node_id = (struct sx_node_id){ .type = SX_NODE_IPV4, .ip4.s_addr = htonl(0x0a2e0005) };
	m->recovery_ts = 1000;
	m->cp_features.load = m->cp_features.ovrl = true;
	MUST(!sx_encode(SX_ASSOCIATION_SETUP_REQUEST, 0, m, &b));
	fuzz_upf_message(b.p, b.n);
}

static void fuzz_upf_open(void)
{
	if (fuzz_loop)
		return;
	MUST(!loop_new_virtual(&fuzz_loop));
	mk_open();
	MUST(!upf_begin(fuzz_loop, fuzz_upf_send, NULL, false));
	upf.queue = true;
	log_set_level(LOG_LVL_ERR);
}

/* The session that a SEID stands for. */
static uint64_t fuzz_upf_seid(uint64_t seid)
{
	const struct upf_session *s = upf.nodes ? upf.nodes->sessions : NULL;

	for (seid %= 4; s && seid && s->next; seid--)
		s = s->next;
	return s ? s->by_seid.key : 0;
}

static void fuzz_upf_one(const uint8_t *p, size_t n)
{
	static uint8_t copy[65536];
	struct tlv_hdr h;
	uint64_t seid;

	memcpy(copy, p, n);
	if (!tlv_pfcp.parse(copy, n, &h) && h.has_id && n >= 16) {
		seid = fuzz_upf_seid(h.id);
		for (int i = 0; i < 8; i++)
			copy[4 + i] = (uint8_t)(seid >> (56 - 8 * i));
	}
	fuzz_upf_message(copy, n);
}

static int fuzz_upf_look(void *arg, const struct knl_session *k, const struct knl_counters *c)
{
	const struct upf_session *s = upf_session_find(&upf, k->id);
	struct upf_session read = { 0 };
	uint32_t node;

	(void)arg;
	(void)c;
	MUST(s && !s->pending);
	MUST(!upf_label_read(&read, k->label, &node));
	MUST(read.cp_seid == s->cp_seid && node == s->node->index && read.has_bar == s->has_bar);
	free(read.urrs);
	free(read.csids);
	for (size_t i = 0; i < k->n_pdrs; i++)
		MUST(!k->pdrs[i].teid || htab_find(&upf.teids, k->pdrs[i].teid));
	return 0;
}

static void fuzz_upf_events(void)
{
	for (uint32_t b = 0; b <= mk.sessions.mask; b++)
		for (struct hnode *n = mk.sessions.b[b]; n; n = n->next) {
			struct mk_session *s = container_of(n, struct mk_session, node);
			struct knl_gtpu_event e = { .kind = KNL_GTPU_USAGE, .session = n->key };

			for (size_t i = 0; i < s->n_urrs; i++) {
				s->usage[i].octets.ul += 100;
				s->usage[i].trigger = KNL_VOLTH | KNL_START;
				e.usage = s->usage[i];
				upf_on_event(&upf, &e);
			}
			e.kind = KNL_GTPU_DL_DATA;
			e.pdr = 1;
			upf_on_event(&upf, &e);
		}
}

FUZZ_TARGET(upf)
{
	uint32_t taken = 0;
	size_t len;

	if (size > 8192)
		return 0;
	fuzz_upf_open();
	fuzz_upf_associate();
	for (; size >= 8; data += len, size -= len) {
		len = MIN((size_t)(data[2] << 8 | data[3]) + 4, size);
		fuzz_upf_one(data, len);
		if (data[1] & 1) /* of these some are answered together */
			upf_flush(&upf);
	}
	upf_flush(&upf);
	MUST(mk.n == upf.n_sessions);
	mk_dump(NULL, fuzz_upf_look, NULL);
	fuzz_upf_events();
	upf_flush(&upf);
	mk_dump(NULL, fuzz_upf_look, NULL);
	for (struct upf_node *n = upf.nodes; n; n = n->next)
		upf_node_clear(n);
	for (size_t i = 0; i < upf.n_pools; i++)
		taken += upf.pools[i].taken4 + upf.pools[i].taken6;
	MUST(!mk.n && !upf.n_sessions && !upf.teids.n && !upf.by_ue4.n && !upf.by_ue6.n && !taken &&
	     !upf.relabel);
	loop_advance(fuzz_loop,
		     20 * USEC_PER_SEC); /* reports that nobody answers, answers that were kept */
	return 0;
}
