// SPDX-License-Identifier: GPL-2.0-or-later
/* The real kernel behind struct upf_kernel_ops. */
#include "upf/upf.h"

static int session_new(void *k, const struct knl_session *s, size_t n)
{
	return knl_session_new(k, s, n);
}

static int session_change(void *k, const struct knl_session *s, size_t n, knl_counters_fn fn,
			  void *arg)
{
	return knl_session_change(k, s, n, fn, arg);
}

static int session_del(void *k, const uint64_t *ids, size_t n, knl_counters_fn fn, void *arg)
{
	return knl_session_del(k, ids, n, fn, arg);
}

static int session_get(void *k, uint64_t id, knl_session_fn fn, void *arg)
{
	return knl_session_get(k, id, fn, arg);
}

static int session_dump(void *k, knl_session_fn fn, void *arg)
{
	return knl_session_dump(k, fn, arg);
}

static int app_flow_new(void *k, const struct knl_app_flow *f, size_t n)
{
	return knl_app_flow_new(k, f, n);
}

static const char *error(void *k)
{
	return knl_error(k);
}

static int error_index(void *k)
{
	return knl_error_index(k);
}

const struct upf_kernel_ops upf_kernel = {
	.session_new = session_new,
	.session_change = session_change,
	.session_del = session_del,
	.session_get = session_get,
	.session_dump = session_dump,
	.app_flow_new = app_flow_new,
	.error = error,
	.error_index = error_index,
};
