# SPDX-License-Identifier: GPL-2.0-or-later
"""Control and traffic against each other for KIMS_TORTURE seconds (30); torture.py says how."""
import os

from failslab import failslab
from lab import test
from torture import torture

SECONDS = float(os.environ.get("KIMS_TORTURE", "30"))


@test
def concurrent():
    """sessions, media flows, SA sets, traffic, routes, links, namespaces, failing memory at once"""
    try:
        torture(SECONDS)
    finally:
        failslab("off")
