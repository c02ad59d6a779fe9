# SPDX-License-Identifier: GPL-2.0-or-later
"""GTP-U through kims.ko: headers, tunnels in both families, extension headers, anti-spoofing.

Topology: lab.py and gtp.py. Clauses are those of TS 29.281 unless told otherwise.
"""
from gtp import (END_MARKER, G_PDU, REMOTE, Gtp, gpdu, gtpu, pdcp, psc)
from lab import check, test
from packet import datagram


@test
def codec():
    """(the tests' own reading and writing of GTP-U agree)"""
    inner = datagram(("10.45.0.11", 1), (REMOTE[4], 2), b"abc")
    for ext in ((), (psc(9),), (pdcp(5), psc(9)), (psc(9, more=bytes(6)), pdcp(5))):
        for seq in (None, 7):
            for npdu in (None, 3):
                g = Gtp(gpdu(0x1234, inner, seq=seq, npdu=npdu, ext=ext))
                check("fields", (G_PDU, 0x1234, seq, npdu, len(ext)),
                      (g.kind, g.teid, g.seq, g.npdu, len(g.ext)))
                check("QFI", 9 if any(kind == 0x85 for kind, _ in ext) else None, g.qfi)
                check("inner", inner, g.body)
    check("end marker", END_MARKER, Gtp(gtpu(END_MARKER, 1)).kind)
