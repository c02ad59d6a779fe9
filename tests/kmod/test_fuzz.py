# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages made from the schema at random; fuzz_netlink.py. KIMS_FUZZ_SECONDS: how long."""
import os

import fuzz_netlink
from lab import check, ensure, test

SECONDS = float(os.environ.get("KIMS_FUZZ_SECONDS", "20"))


@test
def generated():
    """of every command, sensible and not: each is accepted or refused with a sentence"""
    f = fuzz_netlink.fuzz(SECONDS)
    ensure(f"some of {f.sent} messages are accepted: {f.accepted}", f.accepted > f.sent // 50)
    ensure("and some refused", f.refused)


@test
def without_capabilities():
    """the same by a user without capabilities: nothing is accepted"""
    check("exit status", 0, fuzz_netlink.unprivileged(min(SECONDS, 5)))
