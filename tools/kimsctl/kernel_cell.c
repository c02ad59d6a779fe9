// SPDX-License-Identifier: GPL-2.0-or-later
/* Objects of kims.ko as cells; see kernel_show.h. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

#include "kernel_show.h"

/* What path leads to, NULL: it is not there. */
static json_t *at(json_t *object, const char *path)
{
	char name[64];
	const char *dot;

	while (object && (dot = strchr(path, '.'))) {
		snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
		object = json_object_get(object, name);
		path = dot + 1;
	}
	return object ? json_object_get(object, path) : NULL;
}

static json_t *member(json_t *object, const char *prefix, size_t len, const char *suffix)
{
	char name[64];

	snprintf(name, sizeof(name), "%.*s%s", (int)len, prefix, suffix);
	return json_object_get(object, name);
}

/* --- addresses --- */

/* Both families, if it has both. */
static size_t addresses(json_t *o, const char *prefix, size_t len, char *dst, size_t size)
{
	json_t *v4 = member(o, prefix, len, "-ipv4"), *v6 = member(o, prefix, len, "-ipv6");
	json_t *port = member(o, prefix, len, "-port"),
	       *bits = member(o, prefix, len, "-prefix-len");
	size_t n = 0;

	if (!port && len == strlen("local") && !strncmp(prefix, "local", len))
		port = json_object_get(o, "port");
	if (v4)
		n += (size_t)snprintf(dst + n, size - n, "%s", json_string_value(v4));
	if (v6 && n < size)
		n += (size_t)snprintf(dst + n, size - n, port ? "%s[%s]" : "%s%s", n ? "," : "",
				      json_string_value(v6));
	if (n && n < size && port)
		n += (size_t)snprintf(dst + n, size - n, ":%d", (int)json_integer_value(port));
	if (n && n < size && bits)
		n += (size_t)snprintf(dst + n, size - n, "/%d", (int)json_integer_value(bits));
	return n;
}

static void address(json_t *o, const char *path, char *dst, size_t size)
{
	const char *end;

	for (;;) {
		end = strchrnul(path, '|');
		if (addresses(o, path, (size_t)(end - path), dst, size))
			return;
		if (!*end)
			break;
		path = end + 1;
	}
	snprintf(dst, size, "-");
}

/* --- numbers --- */

static uint64_t value(const json_t *v)
{
	return json_is_string(v) ? strtoull(json_string_value(v), NULL, 10)
				 : (uint64_t)json_integer_value(v);
}

static uint64_t sum(json_t *object)
{
	const char *key;
	uint64_t n = 0;
	json_t *v;

	json_object_foreach (object, key, v)
		n += value(v);
	return n;
}

static uint64_t total(json_t *object, const char *path)
{
	const char *dot = strchrnul(path, '.');
	json_t *list = member(object, path, (size_t)(dot - path), ""), *e;
	uint64_t n = 0;
	size_t i;

	json_array_foreach (list, i, e)
		n += value(at(e, dot + 1));
	return n;
}

static void rate(const json_t *v, char *dst, size_t size)
{
	uint64_t n = value(v);

	if (n && n % 1000000 == 0)
		snprintf(dst, size, "%juM", (uintmax_t)(n / 1000000));
	else if (n && n % 1000 == 0)
		snprintf(dst, size, "%juk", (uintmax_t)(n / 1000));
	else
		snprintf(dst, size, "%ju", (uintmax_t)n);
}

static void jitter(json_t *flow, const json_t *v, char *dst, size_t size)
{
	uint64_t clock = value(json_object_get(flow, "clock-rate"));

	snprintf(dst, size, "%.1f", (double)value(v) * 1000 / (double)(clock ? clock : 8000));
}

/* --- others --- */

static void device(const json_t *v, char *dst, size_t size)
{
	char name[IF_NAMESIZE];

	if (if_indextoname((unsigned int)value(v), name))
		snprintf(dst, size, "%s", name);
	else
		snprintf(dst, size, "#%ju", (uintmax_t)value(v));
}

static void names(json_t *object, const char *path, char *dst, size_t size)
{
	const char *end;
	size_t n = 0;

	for (*dst = 0; *path && n < size; path = *end ? end + 1 : end) {
		end = strchrnul(path, ',');
		if (value(member(object, path, (size_t)(end - path), "")))
			n += (size_t)snprintf(dst + n, size - n, "%s%.*s", n ? "," : "",
					      (int)(end - path), path);
	}
	if (!n)
		snprintf(dst, size, "-");
}

static void computed(json_t *object, const struct column *c, char *dst, size_t size)
{
	json_t *v = at(object, c->path);

	switch (c->form) {
	case FORM_COUNT:
		snprintf(dst, size, "%zu", json_array_size(v));
		return;
	case FORM_SUM:
		snprintf(dst, size, "%ju", (uintmax_t)sum(v));
		return;
	case FORM_TOTAL:
		snprintf(dst, size, "%ju", (uintmax_t)total(object, c->path));
		return;
	case FORM_ADDRESS:
		address(object, c->path, dst, size);
		return;
	case FORM_NAMES:
		names(object, c->path, dst, size);
		return;
	case FORM_VALUE:
	case FORM_HEX:
	case FORM_DEVICE:
	case FORM_RATE:
	case FORM_JITTER:
		break;
	}
}

void kernel_cell(json_t *object, const struct column *c, char *dst, size_t size)
{
	json_t *v = at(object, c->path);

	snprintf(dst, size, "-");
	switch (c->form) {
	case FORM_VALUE:
		if (v)
			kc_cell(v, dst, size);
		break;
	case FORM_HEX:
		if (v)
			snprintf(dst, size, "0x%08jx", (uintmax_t)value(v));
		break;
	case FORM_DEVICE:
		if (v)
			device(v, dst, size);
		break;
	case FORM_RATE:
		if (v)
			rate(v, dst, size);
		break;
	case FORM_JITTER:
		if (v)
			jitter(object, v, dst, size);
		break;
	case FORM_ADDRESS:
	case FORM_SUM:
	case FORM_COUNT:
	case FORM_TOTAL:
	case FORM_NAMES:
		computed(object, c, dst, size);
		break;
	}
}

/* --- which session --- */

static bool same_prefix(const char *a, const struct in6_addr *b)
{
	struct in6_addr have;

	return a && inet_pton(AF_INET6, a, &have) == 1 && !memcmp(&have, b, 8);
}

bool kernel_session_is(json_t *session, const char *key)
{
	const char *ue4 = json_string_value(json_object_get(session, "ue-ipv4"));
	const char *ue6 = json_string_value(json_object_get(session, "ue-ipv6"));
	const char *label = json_string_value(json_object_get(session, "label"));
	struct in6_addr v6;
	char id[32];

	if (inet_pton(AF_INET6, key, &v6) == 1)
		return same_prefix(ue6, &v6);
	kc_cell(json_object_get(session, "id"), id, sizeof(id));
	return !strcmp(id, key) || (label && !strcmp(label, key)) || (ue4 && !strcmp(ue4, key));
}
