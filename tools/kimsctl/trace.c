// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl trace: a capture of all of the network's interfaces (dumpcap, pcapng), with the keys to
 * decrypt ESP written beside it as a Wireshark configuration folder.
 *
 *   DIR/trace.pcapng           everything that crosses an interface of this namespace
 *   DIR/wireshark/esp_sa       keys of every SA that was set up meanwhile (mode 0600)
 *   DIR/wireshark/preferences  ESP decryption on, SIP on the ports of Gm and Mw
 *   DIR/open                   opens the trace in Wireshark with these
 *
 * Invariants: an SA that is set up during the capture is in esp_sa before the capture ends; files
 * with keys are readable by their owner alone from the moment they exist.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "commands.h"
#include "lib/netlink/xfrm_mon.h"

extern char **environ;

struct trace {
	const char *dir;
	FILE *keys;
	struct knl_xfrm_mon *mon;
	pid_t dumpcap;
	unsigned int n_keys;
};

static void put_hex(FILE *f, const uint8_t *p, size_t n)
{
	if (n)
		fputs("0x", f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", p[i]);
}

/* Wireshark's names of the transforms (its esp_sa table). */
static const char *ws_enc(const char *kernel)
{
	if (strstr(kernel, "des3_ede"))
		return "TripleDES-CBC [RFC2451]";
	if (strstr(kernel, "cbc(aes)"))
		return "AES-CBC [RFC3602]";
	if (strstr(kernel, "gcm(aes)"))
		return "AES-GCM with 16 octet ICV [RFC4106]";
	return "NULL";
}

static const char *ws_auth(const char *kernel)
{
	if (strstr(kernel, "md5"))
		return "HMAC-MD5-96 [RFC2403]";
	if (strstr(kernel, "sha1"))
		return "HMAC-SHA-1-96 [RFC2404]";
	return "NULL";
}

static void on_key(void *arg, const struct xfrm_key_info *i)
{
	struct trace *t = arg;
	char dst[INET6_ADDRSTRLEN];
	bool null_enc = !strcmp(ws_enc(i->enc_name), "NULL");

	if (strstr(i->auth_name, "rfc4543")) /* AES-GMAC: Wireshark does not know it */
		return;
	inet_ntop(i->dst.family, &i->dst.v4, dst, sizeof(dst));
	/* any source: an SA is found by destination and SPI, and a spoofed packet should decrypt too */
	fprintf(t->keys, "\"%s\",\"*\",\"%s\",\"0x%08x\",\"%s\",\"",
		i->dst.family == AF_INET ? "IPv4" : "IPv6", dst, i->spi, ws_enc(i->enc_name));
	put_hex(t->keys, i->enc_key, null_enc ? 0 : i->enc_key_len);
	fprintf(t->keys, "\",\"%s\",\"", ws_auth(i->auth_name));
	put_hex(t->keys, i->auth_key, i->auth_key_len);
	fputs("\"\n", t->keys);
	fflush(t->keys);
	t->n_keys++;
}

static FILE *create(const char *dir, const char *name, mode_t mode)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static int write_preferences(const struct trace *t, const struct conf *c)
{
	FILE *f = create(t->dir, "wireshark/preferences", 0644);

	if (!f)
		return -errno;
	fprintf(f, "esp.enable_encryption_decode: TRUE\nesp.enable_authentication_check: TRUE\n"
		   "esp.do_esp_sequence_analysis: FALSE\n"
		   "sip.tcp.ports: 5060,%u,%d,%u,%d,%u\nsip.display_raw_text: FALSE\n"
		   "rtp.heuristic_rtp: TRUE\n"
		   "tcp.reassemble_out_of_order: TRUE\n", /* a change of the path's MTU is enough */
		c->pcscf.port_ps, c->pcscf.port_ps + 1, c->pcscf.port_pc, c->pcscf.port_pc - 1,
		c->pcscf.mw_port);
	fclose(f);
	f = create(t->dir, "wireshark/decode_as_entries", 0644);
	if (!f)
		return -errno;
	for (int i = 0; i < 2; i++) /* the second ones: daemon/pcscf/gm.h */
		fprintf(f, "decode_as_entry: udp.port,%d,(none),SIP\n"
			   "decode_as_entry: udp.port,%d,(none),SIP\n",
			c->pcscf.port_ps + i, c->pcscf.port_pc - i);
	fprintf(f, "decode_as_entry: udp.port,%u,(none),SIP\n", c->pcscf.mw_port);
	fclose(f);
	f = create(t->dir, "open", 0755);
	if (!f)
		return -errno;
	fputs("#!/bin/sh\nd=$(cd \"$(dirname \"$0\")\" && pwd)\n"
	      "WIRESHARK_CONFIG_DIR=$d/wireshark exec ${1:-wireshark} -r \"$d/trace.pcapng\"\n",
	      f);
	fclose(f);
	return 0;
}

static int start_dumpcap(struct trace *t)
{
	char file[512];
	const char *argv[] = { "dumpcap", "-q", "-i", "any", "-B", "64", "-w", file, NULL };
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int r;

	snprintf(file, sizeof(file), "%s/trace.pcapng", t->dir);
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = posix_spawnp(&t->dumpcap, argv[0], NULL, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	return -r;
}

/* Until a signal, the end of the time, or dumpcap's own end. */
static void watch(struct trace *t, int sigfd, int seconds)
{
	struct pollfd p[2] = { { .fd = sigfd, .events = POLLIN },
			       { .fd = knl_xfrm_mon_fd(t->mon), .events = POLLIN } };
	time_t end = time(NULL) + seconds;

	for (;;) {
		int left = seconds ? (int)(end - time(NULL)) * 1000 : 1000;

		if (seconds && left <= 0)
			return;
		if (poll(p, 2, MIN(left, 1000)) < 0 || p[0].revents)
			return;
		if (p[1].revents && knl_xfrm_mon_read(t->mon) == -ENOBUFS)
			kc_fail("some SAs came too fast; their keys are missing in the trace");
	}
}

static int stop_dumpcap(struct trace *t)
{
	int status;

	kill(t->dumpcap, SIGINT);
	if (waitpid(t->dumpcap, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		return kc_fail("dumpcap failed; is the package wireshark-common installed, and are "
			       "you root?");
	return 0;
}

static int prepare(struct trace *t, const struct conf *c)
{
	char sub[512];
	int r;

	snprintf(sub, sizeof(sub), "%s/wireshark", t->dir);
	if ((mkdir(t->dir, 0700) < 0 && errno != EEXIST) || (mkdir(sub, 0700) < 0 && errno != EEXIST))
		return kc_fail("%s: %s", t->dir, strerror(errno));
	t->keys = create(t->dir, "wireshark/esp_sa", 0600);
	if (!t->keys || write_preferences(t, c) < 0)
		return kc_fail("%s: %s", t->dir, strerror(errno));
	r = knl_xfrm_mon_open(on_key, t, &t->mon);
	if (r < 0)
		return kc_fail("the kernel's SAs cannot be watched: %s", strerror(-r));
	r = start_dumpcap(t);
	if (r < 0)
		return kc_fail("dumpcap: %s", strerror(-r));
	return 0;
}

int cmd_trace(struct kimsctl *k, int argc, char **argv)
{
	_cleanup_close_ int sigfd = -1;
	struct trace t = { .dir = NULL };
	int seconds = 0, r;
	sigset_t set;

	prctl(PR_SET_DUMPABLE, 0);
	for (int i = 0; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "-o"))
			t.dir = argv[i + 1];
		else if (!strcmp(argv[i], "-t"))
			seconds = atoi(argv[i + 1]);
	}
	if (!t.dir || argc % 2) {
		fprintf(stderr, "usage: kimsctl trace -o DIR [-t SECONDS]   (ends with ^C)\n");
		return 2;
	}
	if (!kc_conf(k))
		return 1;
	signal(SIGINT, SIG_DFL); /* a shell's background job ignores it, and signalfd would never see it */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC);
	r = prepare(&t, k->conf);
	if (!r) {
		fprintf(stderr, "capturing into %s/trace.pcapng; ^C ends it\n", t.dir);
		watch(&t, sigfd, seconds);
		knl_xfrm_mon_read(t.mon);
		r = stop_dumpcap(&t);
	}
	if (!r)
		printf("%s/trace.pcapng, keys of %u SAs in %s/wireshark; open with %s/open\n",
		       t.dir, t.n_keys, t.dir, t.dir);
	knl_xfrm_mon_close(t.mon);
	if (t.keys)
		fclose(t.keys);
	return r;
}
