// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which GTP-U session of this host a UE's address belongs to, so that its SA set is bound to its own tunnel
 * (docs/dataplane.md, "The check of Gm"). The UPF may be elsewhere: then there is none.
 *
 * kims.ko is asked for all sessions, and what it said is kept: a phone attaches before it registers, and thousands
 * do so together. Invariants: what is given out was verified with the kernel just now, since an address may have gone to
 * another session; reading all takes at most a tenth of the time.
 */
#include <time.h>

#include "lib/netlink/kims_nl_gtpu.h"
#include "pcscf/kern_priv.h"

/* An IPv4 address, or a /64: a UE chooses its interface identifier (TS 23.401 5.3.1.2.2). */
struct key {
	uint8_t v6, addr[8];
};

struct kern_tunnel {
	struct key key;
	uint64_t id;
	UT_hash_handle hh;
};

static struct key key_of(const struct xfrm_addr *a)
{
	struct key k = { .v6 = a->family == AF_INET6 };

	if (k.v6)
		memcpy(k.addr, &a->v6, 8);
	else
		memcpy(k.addr, &a->v4, 4);
	return k;
}

static uint64_t clock_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static struct kern_tunnel *find(struct kern *k, const struct key *key)
{
	struct kern_tunnel *t;

	HASH_FIND(hh, k->tunnels, key, sizeof(*key), t);
	return t;
}

static void forget(struct kern *k, struct kern_tunnel *t)
{
	HASH_DEL(k->tunnels, t);
	free(t);
}

void kern_tunnels_free(struct kern *k)
{
	struct kern_tunnel *t, *tmp;

	HASH_ITER (hh, k->tunnels, t, tmp)
		forget(k, t);
}

static int note(struct kern *k, const struct xfrm_addr *a, uint64_t id)
{
	struct key key = key_of(a);
	struct kern_tunnel *t;

	if (a->family == AF_UNSPEC)
		return 0;
	t = find(k, &key);
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			return -ENOMEM;
		t->key = key;
		HASH_ADD(hh, k->tunnels, key, sizeof(t->key), t);
	}
	t->id = id;
	return 0;
}

static int note_session(void *arg, const struct knl_session *s,
			const struct knl_counters *c _unused_)
{
	int r = note(arg, &s->ue4, s->id);

	return r < 0 ? r : note(arg, &s->ue6, s->id);
}

static void refresh(struct kern *k)
{
	uint64_t start = clock_usec(), end;

	if (start < k->tunnels_next)
		return;
	kern_tunnels_free(k);
	knl_session_dump(k->knl, note_session, k);
	end = clock_usec();
	k->tunnels_next = end + 10 * (end - start);
}

struct match {
	struct key key;
	bool found;
};

static int compare(void *arg, const struct knl_session *s, const struct knl_counters *c _unused_)
{
	struct key k4 = key_of(&s->ue4), k6 = key_of(&s->ue6);
	struct match *m = arg;

	m->found = m->found || (s->ue4.family == AF_INET && !memcmp(&k4, &m->key, sizeof(k4))) ||
		   (s->ue6.family == AF_INET6 && !memcmp(&k6, &m->key, sizeof(k6)));
	return 0;
}

static uint64_t verified(struct kern *k, const struct key *key)
{
	struct kern_tunnel *t = find(k, key);
	struct match m = { .key = *key };

	if (!t)
		return 0;
	if (!knl_session_get(k->knl, t->id, compare, &m) && m.found)
		return t->id;
	forget(k, t);
	return 0;
}

uint64_t kern_tunnel_of(void *arg, const struct xfrm_addr *ue)
{
	struct key key = key_of(ue);
	struct kern *k = arg;
	uint64_t id = verified(k, &key);

	if (id)
		return id;
	refresh(k);
	return verified(k, &key);
}
