# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the table of make bench: each judge appends its own to the file $BENCH_ROWS, tests/bench/table prints them all.

limit: the most that kims may have; of_peer: as a part of the peer's figure.
"""
import json
import os


def row(what, kims, peer=None, who="", limit=None, of_peer=False):
    """Whether the limit is held; without a peer a limit of its figure is not judged."""
    ratio = kims / peer if peer else None
    value = ratio if of_peer else kims
    held = None if limit is None or value is None else value <= limit
    if os.environ.get("BENCH_ROWS"):
        with open(os.environ["BENCH_ROWS"], "a") as f:
            f.write(json.dumps({"what": what, "kims": kims, "peer": peer, "who": who, "ratio": ratio, "limit": limit, "of_peer": of_peer, "held": held}) + "\n")
    return held is not False
