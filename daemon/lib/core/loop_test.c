// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wheel against a plain sorted model, removal inside callbacks, posts, descriptors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/core/loop.h"

#define N 3000

struct entry {
	struct timer t;
	uint64_t due;
	int fired;
};

static struct loop *loop;
static struct entry e[N];
static uint64_t last_fired;

static void on_entry(struct timer *t)
{
	struct entry *x = container_of(t, struct entry, t);
	uint64_t now = loop_now(loop);

	x->fired++;
	assert_true(now >= x->due && now <= x->due + 2 * USEC_PER_MSEC);
	assert_true(now >= last_fired);
	last_fired = now;
}

static uint64_t span(unsigned int i)
{
	static const uint64_t spans[] = { 300, 20000, 1100 * 1000, UINT64_C(80000) * 1000 };

	return (uint64_t)random() % (spans[i % 4] * USEC_PER_MSEC);
}

static void test_wheel(void **state _unused_)
{
	uint64_t max = 0;

	srandom(7);
	assert_int_equal(loop_new_virtual(&loop), 0);
	for (unsigned int round = 0; round < 5; round++) {
		memset(e, 0, sizeof(e));
		last_fired = 0;
		for (unsigned int i = 0; i < N; i++) {
			uint64_t d = span(i);

			e[i].t.fn = on_entry;
			e[i].due = loop_now(loop) + d;
			timer_start(loop, &e[i].t, d);
			max = MAX(max, d);
		}
		for (unsigned int i = 0; i < N; i += 7)
			timer_stop(loop, &e[i].t);
		loop_advance(loop, 123456789);
		loop_advance(loop, max + USEC_PER_SEC);
		for (unsigned int i = 0; i < N; i++)
			assert_int_equal(e[i].fired, i % 7 ? 1 : 0);
	}
	loop_free(loop);
}

static struct timer a, b;
static int fired_b;

static void stop_b(struct timer *t _unused_)
{
	timer_stop(loop, &b);
}

static void count_b(struct timer *t _unused_)
{
	fired_b++;
}

static void test_stop_in_callback(void **state _unused_)
{
	assert_int_equal(loop_new_virtual(&loop), 0);
	a = (struct timer){ .fn = stop_b };
	b = (struct timer){ .fn = count_b };
	timer_start(loop, &a, 5000);
	timer_start(loop, &b, 5000);
	loop_advance(loop, 10000);
	assert_int_equal(fired_b, 0);
	assert_false(timer_running(&b));
	loop_free(loop);
}

static void restart(struct timer *t)
{
	fired_b++;
	timer_start(loop, t, 0);
}

static void test_restart_makes_progress(void **state _unused_)
{
	assert_int_equal(loop_new_virtual(&loop), 0);
	fired_b = 0;
	b = (struct timer){ .fn = restart };
	timer_start(loop, &b, 0);
	loop_advance(loop, 10000);
	assert_in_range(fired_b, 9, 10);
	loop_free(loop);
}

static struct loop_io io[2];
static int io_calls;

static void remove_other(struct loop_io *x, uint32_t revents _unused_)
{
	io_calls++;
	loop_io_del(loop, x == &io[0] ? &io[1] : &io[0]);
}

static void test_io_removed_in_round(void **state _unused_)
{
	int p[2], q[2];

	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, q), 0);
	io[0] = (struct loop_io){ .fd = p[0], .events = EPOLLIN, .fn = remove_other };
	io[1] = (struct loop_io){ .fd = q[0], .events = EPOLLIN, .fn = remove_other };
	assert_int_equal(loop_io_add(loop, &io[0]), 0);
	assert_int_equal(loop_io_add(loop, &io[1]), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(write(q[1], "x", 1), 1);
	assert_int_equal(loop_once(loop, 100), 0);
	assert_int_equal(io_calls, 1);
	for (int i = 0; i < 2; i++) {
		loop_io_del(loop, &io[i]);
		close(p[i]);
		close(q[i]);
	}
	loop_free(loop);
}

static int posted;

static void on_post(void *arg)
{
	assert_int_equal((intptr_t)arg, posted);
	if (++posted == 1000)
		loop_stop(loop, 42);
}

static void *poster(void *arg _unused_)
{
	for (intptr_t i = 0; i < 1000; i++)
		assert_int_equal(loop_post(loop, on_post, (void *)i), 0);
	return NULL;
}

static void test_post(void **state _unused_)
{
	pthread_t th;

	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(pthread_create(&th, NULL, poster, NULL), 0);
	assert_int_equal(loop_run(loop), 42);
	pthread_join(th, NULL);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wheel),
		cmocka_unit_test(test_stop_in_callback),
		cmocka_unit_test(test_restart_makes_progress),
		cmocka_unit_test(test_io_removed_in_round),
		cmocka_unit_test(test_post),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
