// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Diameter node of the P-CSCF (RFC 6733): a client of one PCRF or of several.
 */
#include <netdb.h>

#include "pcscf/pcscf.h"

#define PEERS_MAX 8

struct peers {
	struct dia_peer_conf p[PEERS_MAX];
	char identity[PEERS_MAX][300], addr[PEERS_MAX][64];
	size_t n;
};

static int real_request(void *arg, const struct ie_command *cmd, const struct dia_to *to,
			const void *r, struct dia_done done)
{
	return dia_request(((struct rx *)arg)->dia, &rx_app, cmd, to, r, done);
}

static int real_answer(void *arg _unused_, struct dia_token *t, const struct ie_command *cmd,
		       const void *a)
{
	return dia_answer(t, cmd, a, NULL);
}

static struct str real_session_id(void *arg, char *dst)
{
	return dia_session_id(((struct rx *)arg)->dia, &rx_app, dst);
}

static bool real_is_up(void *arg)
{
	return dia_peer_up(((struct rx *)arg)->dia, NULL);
}

static const struct rx_ops real_ops = { .request = real_request,
					.answer = real_answer,
					.session_id = real_session_id,
					.is_up = real_is_up };

/* "IDENTITY ADDRESS [PORT]" */
static int add_peer(struct peers *l, struct str text)
{
	struct dia_peer_conf *p = &l->p[l->n];
	uint64_t port = 3868;
	struct conf_addr a;
	struct str word;
	int i = 0;

	if (l->n == PEERS_MAX)
		return -E2BIG;
	while (str_split(&text, ' ', &word)) {
		if (!word.n)
			continue;
		if (i == 0   ? str_copy(l->identity[l->n], sizeof(l->identity[0]), word)
		    : i == 1 ? str_copy(l->addr[l->n], sizeof(l->addr[0]), word)
			     : i > 2 || str_to_u64(word, UINT16_MAX, &port))
			return -EINVAL;
		i++;
	}
	if (i < 2 || !port || conf_addr_parse(l->addr[l->n], &a))
		return -EINVAL;
	*p = (struct dia_peer_conf){ l->identity[l->n], l->addr[l->n], (uint16_t)port };
	l->n++;
	return 0;
}

static int default_peer(struct peers *l, const struct conf *c)
{
	struct sockaddr_storage ss;
	socklen_t n = conf_sockaddr(&c->pcrf.addr, 0, &ss);

	if (!n || getnameinfo((struct sockaddr *)&ss, n, l->addr[0], sizeof(l->addr[0]), NULL, 0,
			      NI_NUMERICHOST))
		return -EINVAL;
	snprintf(l->identity[0], sizeof(l->identity[0]), "pcrf.%s", c->network.domain);
	l->p[0] = (struct dia_peer_conf){ l->identity[0], l->addr[0], c->pcrf.port };
	l->n = 1;
	return 0;
}

static int read_peers(struct peers *l, const struct conf *c)
{
	struct str rest = str_of(c->pcscf.rx_peers), one;
	int e;

	l->n = 0;
	while (rest.n && str_split(&rest, ';', &one)) {
		e = str_trim(one).n ? add_peer(l, str_trim(one)) : 0;
		if (e < 0)
			return e;
	}
	return l->n ? 0 : default_peer(l, c);
}

int rx_node_open(struct rx *rx, uint32_t state_id, char *err, size_t errsize)
{
	static const struct dia_app *const apps[] = { &rx_app };
	const struct conf *c = rx->p->conf;
	_cleanup_free_ struct peers *l = malloc(sizeof(*l));
	struct dia_conf dc = { .identity = rx->p->name,
			       .local = { c->pcscf.mw },
			       .realm = c->network.domain,
			       .watchdog_s = c->diameter.watchdog_s,
			       .reconnect_s = c->diameter.reconnect_s,
			       .timeout_ms = c->diameter.timeout_ms,
			       .state_id = state_id,
			       .apps = apps,
			       .n_apps = ARRAY_SIZE(apps) };
	int e;

	if (!l)
		return -ENOMEM;
	if (read_peers(l, c) < 0) {
		snprintf(err, errsize,
			 "pcscf.rx_peers: \"%s\" is not \"IDENTITY ADDRESS [PORT]; ...\"",
			 c->pcscf.rx_peers);
		return -EINVAL;
	}
	dc.peers = l->p;
	dc.n_peers = l->n;
	e = dia_open(rx->p->loop, &dc, &rx->dia, err, errsize);
	if (e < 0)
		return e;
	rx->ops = &real_ops;
	rx->arg = rx;
	dia_on_peer(rx->dia, rx_on_peer, rx);
	return dia_serve(rx->dia, &rx_app, rx_on_request, rx);
}
