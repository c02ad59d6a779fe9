# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocations of the kernel that fail at random (CONFIG_FAILSLAB: tests/vm/uml -k debug).

Where memory fails it fails for Python, too: a recv() wants a buffer, a call its frame. What is tried may therefore
be refused, remain without an answer, or end before it reached the kernel; tried() takes all of that.
"""
import contextlib
import os
import time

from lab import Skipped, libc

FAILSLAB = "/sys/kernel/debug/failslab"


def tried(call, *args):
    """The call's result; None when it was refused or memory was missing on this side."""
    try:
        return call(*args)
    except (OSError, KeyError, ValueError, MemoryError):
        return None


def write(path, text):
    """Into a file that is there; as often as it takes to find the memory for it."""
    for _ in range(1000):
        try:
            with open(path, "w", encoding="ascii") as f:
                f.write(str(text))
            return
        except (OSError, MemoryError):
            time.sleep(0.001)


def failslab(mode, percent=3):
    """off; atomic: allocations that may not wait, of anybody; mine: all of the tasks that want it."""
    if not os.path.isdir(FAILSLAB):
        return
    write(f"{FAILSLAB}/probability", 0)
    if mode == "off":
        return
    write(f"{FAILSLAB}/ignore-gfp-wait", "Y" if mode == "atomic" else "N")
    write(f"{FAILSLAB}/task-filter", "N" if mode == "atomic" else "Y")
    write(f"{FAILSLAB}/times", -1)
    write(f"{FAILSLAB}/interval", 1)
    write(f"{FAILSLAB}/verbose", 0)
    write(f"{FAILSLAB}/probability", percent)


def mine(on):
    """Whether this thread is one whose allocations fail. Only system calls are to run out of memory: a page fault
    that does makes User-Mode Linux panic by itself, so the process has its pages before."""
    if not os.path.isdir(FAILSLAB):
        return
    if on:
        libc.mlockall(3)
    write("/proc/thread-self/make-it-fail", int(on))
    if not on:
        libc.munlockall()


@contextlib.contextmanager
def failing_allocations(percent=4):
    """with failing_allocations(): of this thread; a test is skipped where the kernel cannot."""
    if not os.path.isdir(FAILSLAB):
        raise Skipped("no failslab")
    mine(True)
    try:
        failslab("mine", percent)
        yield
    finally:
        failslab("off")
        mine(False)
