// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log of a store: records of changes, appended; see log.h.
 *
 *   u32 length of what follows the sum; u32 sum over it; u8 operation; u8 length of the table's name; u16 0;
 *   u32 length of the key; name; key; value
 *
 * Invariants: the file ends behind a whole record, or behind one that a full disk or a crash has torn, which
 * its sum tells; a torn one is never followed by another.
 */
#include "lib/store/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define RECORD_MAX (16U << 20)
#define LOG_MAX	   (1U << 30)

struct head {
	uint32_t length, sum;
	uint8_t del, n_name;
	uint16_t zero;
	uint32_t n_key;
};
#define SUMMED offsetof(struct head, del)

struct store_log {
	int fd;
	off_t end; /* of what is whole */
	char *buf;
	size_t n, size;
};

/* --- changes in memory --- */

static struct store_change *change_new(struct store_changes *c, const char *key, size_t n)
{
	struct store_change *e = calloc(1, sizeof(*e) + n);

	if (!e)
		return NULL;
	memcpy(e->name, key, n);
	e->n = n;
	e->n_name = strlen(key);
	HASH_ADD_KEYPTR(hh, c->first, e->name, n, e);
	c->bytes += sizeof(*e) + n;
	return e;
}

static int set(struct store_changes *c, struct store_change *e, bool del, struct str value)
{
	char *p = NULL;

	if (!del && value.n) {
		p = malloc(value.n);
		if (!p)
			return -ENOMEM;
		memcpy(p, value.p, value.n);
	}
	free(e->value);
	c->bytes += (del ? 0 : value.n) - e->n_value;
	e->value = p;
	e->n_value = del ? 0 : value.n;
	e->del = del;
	return 0;
}

int store_changes_add(struct store_changes *c, bool del, struct str table, struct str key,
		      struct str value)
{
	size_t n = table.n + 1 + key.n;
	char small[256], *k = n <= sizeof(small) ? small : malloc(n);
	struct store_change *e;
	int r = -ENOMEM;

	if (!k)
		return r;
	memcpy(k, table.p, table.n);
	k[table.n] = '\0';
	if (key.n)
		memcpy(k + table.n + 1, key.p, key.n);
	HASH_FIND(hh, c->first, k, n, e);
	if (!e)
		e = change_new(c, k, n);
	if (e)
		r = set(c, e, del, value);
	if (k != small)
		free(k);
	return r;
}

static int by_key(const struct store_change *a, const struct store_change *b)
{
	int r = memcmp(a->name, b->name, MIN(a->n, b->n));

	return r ? r : a->n < b->n ? -1 : a->n > b->n;
}

/* In the order of the database's own trees: neighbours share pages. */
void store_changes_sort(struct store_changes *c)
{
	HASH_SORT(c->first, by_key);
}

void store_changes_clear(struct store_changes *c)
{
	struct store_change *e, *next;

	HASH_ITER (hh, c->first, e, next) {
		HASH_DEL(c->first, e);
		free(e->value);
		free(e);
	}
	c->bytes = 0;
}

/* --- the file --- */

/* Tells a torn record; no defence against who can write the file. */
static uint32_t sum_of(const char *p, size_t n)
{
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ n, w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	w = 0;
	if (n)
		memcpy(&w, p, n);
	h = (h ^ w) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t)(h ^ h >> 32);
}

static int room(struct store_log *g, size_t n)
{
	size_t size = MAX(g->size * 2, g->n + n);
	char *p;

	if (g->n + n <= g->size)
		return 0;
	p = realloc(g->buf, size);
	if (!p)
		return -ENOMEM;
	g->buf = p;
	g->size = size;
	return 0;
}

static char *put(char *p, struct str s)
{
	if (s.n)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

int store_log_add(struct store_log *g, bool del, struct str table, struct str key, struct str value)
{
	struct head h = { .del = del, .n_name = (uint8_t)table.n, .n_key = (uint32_t)key.n };
	size_t n = sizeof(h) + table.n + key.n + value.n;
	char *p;

	if (n > RECORD_MAX || table.n > UINT8_MAX)
		return -EMSGSIZE;
	if (room(g, n))
		return -ENOMEM;
	p = g->buf + g->n;
	put(put(put(p + sizeof(h), table), key), value);
	h.length = (uint32_t)(n - SUMMED);
	memcpy(p, &h, sizeof(h));
	h.sum = sum_of(p + SUMMED, h.length);
	memcpy(p, &h, sizeof(h));
	g->n += n;
	return 0;
}

int store_log_flush(struct store_log *g)
{
	size_t n = g->n, done = 0;
	ssize_t w = 0;

	g->n = 0;
	while (done < n) {
		w = pwrite(g->fd, g->buf + done, n - done, g->end + (off_t)done);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			break;
		done += (size_t)w;
	}
	if (done < n) {
		int e = w < 0 ? -errno : -ENOSPC;

		if (ftruncate(g->fd, g->end) < 0) /* torn: its sum says so */
			return e;
		return e;
	}
	g->end += (off_t)n;
	return 0;
}

void store_log_restart(struct store_log *g)
{
	g->n = 0;
	if (g->end && !ftruncate(g->fd, 0))
		g->end = 0;
}

/* One record at p. Its length, or 0: none, or torn. */
static size_t read_one(const char *p, size_t n, store_log_fn fn, void *arg, int *ret)
{
	struct str name, key, value;
	struct head h;

	if (n < sizeof(h))
		return 0;
	memcpy(&h, p, sizeof(h));
	if (h.length > n - SUMMED || h.length < sizeof(h) - SUMMED ||
	    h.sum != sum_of(p + SUMMED, h.length) || h.n_key > RECORD_MAX ||
	    (size_t)h.n_name + h.n_key > h.length - (sizeof(h) - SUMMED))
		return 0;
	name = (struct str){ p + sizeof(h), h.n_name };
	key = (struct str){ name.p + name.n, h.n_key };
	value.p = key.p + key.n;
	value.n = h.length - (sizeof(h) - SUMMED) - name.n - key.n;
	*ret = fn(arg, h.del, name, key, value);
	return SUMMED + h.length;
}

static int read_all(struct store_log *g, store_log_fn fn, void *arg)
{
	_cleanup_free_ char *p = NULL;
	struct stat st;
	size_t n = 0, at = 0, k;
	ssize_t r = 1;
	int e = 0;

	if (fstat(g->fd, &st) < 0)
		return -errno;
	if (!st.st_size)
		return 0;
	if (st.st_size > LOG_MAX)
		return -EFBIG;
	p = malloc((size_t)st.st_size);
	if (!p)
		return -ENOMEM;
	while (n < (size_t)st.st_size &&
	       (r = pread(g->fd, p + n, (size_t)st.st_size - n, (off_t)n)) > 0)
		n += (size_t)r;
	if (r < 0)
		return -errno;
	while (!e && (k = read_one(p + at, n - at, fn, arg, &e)))
		at += k;
	g->end = (off_t)n; /* not empty: store_log_restart() has something to do */
	return e;
}

int store_log_open(const char *db, store_log_fn fn, void *arg, struct store_log **ret)
{
	struct store_log *g = calloc(1, sizeof(*g));
	_cleanup_free_ char *path = NULL;
	int e = 0;

	if (!g || asprintf(&path, "%s-log", db) < 0) {
		free(g);
		return -ENOMEM;
	}
	*ret = g;
	g->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (g->fd < 0)
		e = -errno;
	if (!e)
		e = read_all(g, fn, arg);
	return e;
}

void store_log_close(struct store_log *g)
{
	if (!g)
		return;
	closep(&g->fd);
	free(g->buf);
	free(g);
}
