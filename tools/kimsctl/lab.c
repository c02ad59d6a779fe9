// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl lab up|down: addresses for a lab that has no network of its own.
 *
 * "up" puts every configured core address that no interface has yet on the dummy interface kims0;
 * "down" removes kims0. Invariant: an interface other than kims0 is never touched. It runs ip(8), which says best what it refuses.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "commands.h"

extern char **environ;

static int run(const char *const argv[])
{
	pid_t pid;
	int status, r;

	r = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
	if (r)
		return kc_fail("%s: %s", argv[0], strerror(r));
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

static bool have_address(const struct conf_addr *a)
{
	struct ifaddrs *list, *i;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (i = list; i && !found; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != a->family)
			continue;
		if (a->family == AF_INET)
			found = ((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr == a->v4.s_addr;
		else
			found = IN6_ARE_ADDR_EQUAL(&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr,
						   &a->v6);
	}
	freeifaddrs(list);
	return found;
}

static int add_address(const struct conf_addr *a)
{
	char text[INET6_ADDRSTRLEN + 5];
	const char *argv4[] = { "ip", "addr", "add", text, "dev", "kims0", NULL };
	const char *argv6[] = { "ip", "addr", "add", text, "dev", "kims0", "nodad", NULL };

	if ((a->family != AF_INET && a->family != AF_INET6) || have_address(a))
		return 0;
	inet_ntop(a->family, &a->v4, text, INET6_ADDRSTRLEN);
	strcat(text, a->family == AF_INET ? "/32" : "/128");
	return run(a->family == AF_INET ? argv4 : argv6);
}

static int lab_up(const struct conf *c)
{
	const struct conf_addr *const all[] = {
		&c->pcscf.gm4,	&c->pcscf.gm6,	 &c->pcscf.mw,	    &c->pcscf.media4,
		&c->pcscf.media6, &c->icscf.addr, &c->icscf.addr6, &c->scscf.addr,
		&c->scscf.addr6, &c->diameter.hss_addr, &c->network.dns,
		&c->pcrf.addr, &c->smf.addr, &c->smf.addr6, &c->upf.addr, &c->upf.addr6,
	};
	int r = 0;

	if (access("/sys/class/net/kims0", F_OK) &&
	    run((const char *const[]){ "ip", "link", "add", "kims0", "type", "dummy", NULL }))
		return 1;
	if (run((const char *const[]){ "ip", "link", "set", "kims0", "up", NULL }))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		r |= add_address(all[i]);
	return r != 0;
}

static int lab_down(void)
{
	if (access("/sys/class/net/kims0", F_OK))
		return 0;
	return run((const char *const[]){ "ip", "link", "del", "kims0", NULL });
}

int cmd_lab(struct kimsctl *k, int argc, char **argv)
{
	const struct conf *c = kc_conf(k);

	if (!c)
		return 1;
	if (argc == 1 && !strcmp(argv[0], "up"))
		return lab_up(c);
	if (argc == 1 && !strcmp(argv[0], "down"))
		return lab_down();
	fprintf(stderr, "usage: kimsctl lab up|down\n");
	return 2;
}
