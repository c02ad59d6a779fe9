# SPDX-License-Identifier: GPL-2.0-or-later
"""Control and traffic against each other for KIMS_TORTURE seconds (30); torture.py says how."""
import os

from gtp import Tunnels
from lab import core, test
from torture import failslab, torture

SECONDS = float(os.environ.get("KIMS_TORTURE", "30"))


@test
def concurrent():
    """sessions, media flows, SA sets, traffic, routes, links, namespaces, failing memory at once"""
    with core() as k, Tunnels(k, check_wire=False):
        pass  # skips where there is no GTP-U
    try:
        torture(SECONDS)
    finally:
        failslab("off")
