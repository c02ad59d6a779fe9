#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kims-ladder on captures made here: what a core that ends tunnels sees of a phone, each packet in GTP-U and behind it.

Every case is a list of packets and the messages that the ladder must have, each once. Skipped (77) without tshark.
"""
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LADDER = HERE / "kims-ladder"
UE, PCSCF, SGW, UPF = "10.45.0.11", "10.46.0.1", "10.47.0.1", "10.46.0.6"


def load():
    loader = importlib.machinery.SourceFileLoader("ladder", str(LADDER))
    sys.dont_write_bytecode = True
    m = importlib.util.module_from_spec(importlib.util.spec_from_loader("ladder", loader))
    loader.exec_module(m)
    return m


# --- packets ---


def ip(src, dst, proto, data, ident=1, offset=0, more=False):
    flags = offset // 8 | (0x2000 if more else 0)
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), ident, flags, 64, proto, 0,
                       bytes(map(int, src.split("."))), bytes(map(int, dst.split(".")))) + data


def udp(src, sport, dst, dport, data):
    return ip(src, dst, 17, udp_only(sport, dport, data))


def udp_only(sport, dport, data):
    return struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data


def tcp(seq, data, flags=0x18, up=True, sport=40000):
    ends = (UE, PCSCF) if up else (PCSCF, UE)
    ports = (sport, 5060) if up else (5060, sport)
    return ip(*ends, 6, struct.pack(">HHIIBBHHH", *ports, seq, 1, 0x50, flags, 500, 0, 0) + data)


def gtpu(*inner, extension=False):
    out = b""
    for p in inner:
        head = b"\0\0\0\x85\1\0\0\0" if extension else b""
        out += struct.pack(">BBHI", 0x34 if extension else 0x30, 255, len(p) + len(head), 77) + head + p
    return out


def tunnel(*inner, **kw):
    return udp(SGW, 2152, UPF, 2152, gtpu(*inner, **kw))


def sip(first, call, cseq, pad=0):
    return (f"{first}\r\nVia: SIP/2.0/TCP 10.45.0.11;branch=z9hG4bK{call}{cseq}\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n"
            f"Call-ID: {call}\r\nCSeq: {cseq} {first.split()[0]}\r\nX: {'x' * pad}\r\nContent-Length: 0\r\n\r\n").encode()


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def capture(path, packets, gap=0.0005):
    """pcapng of Linux cooked frames, as "dumpcap -i any" writes it."""
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) + block(1, struct.pack("<HHI", 113, 0, 0))
    for i, p in enumerate(packets):
        when = int((1.7e9 + i * gap) * 1e6)
        frame = struct.pack(">HHH8sH", 0, 1, 6, b"", 0x86dd if p[0] >> 4 == 6 else 0x0800) + p
        out += block(6, struct.pack("<IIIII", 0, when >> 32, when & 0xffffffff, len(frame), len(frame)) + frame)
    path.write_bytes(out)


# --- cases ---


REQ = sip("REGISTER sip:x SIP/2.0", "one", 1, 1500)
SYN = tcp(0, b"", 2)
CUT = 1348


def both(*packets):
    return [x for p in packets for x in (tunnel(p), p)]


def case_gro():
    """Two segments in the tunnel, one behind it."""
    return [tunnel(SYN), SYN, tunnel(tcp(1, REQ[:CUT], 0x10)), tunnel(tcp(1 + CUT, REQ[CUT:])), tcp(1, REQ)], ["REGISTER"]


def case_gso():
    """Two G-PDUs in what is one datagram for the capture, and nothing behind the tunnel."""
    return [tunnel(SYN), tunnel(tcp(1, REQ[:CUT], 0x10), tcp(1 + CUT, REQ[CUT:]))], ["REGISTER"]


def case_out_of_order():
    parts = tcp(1, REQ[:700], 0x10), tcp(701, REQ[700:1400], 0x10), tcp(1401, REQ[1400:])
    return both(SYN, parts[1], parts[0], parts[2]), ["REGISTER"]


def case_fragments():
    """Of the tunnel's own packets; an extension header of the PDU session container."""
    whole = udp_only(2152, 2152, gtpu(udp(UE, 5060, PCSCF, 5060, REQ), extension=True))
    return [ip(SGW, UPF, 17, whole[:1000], 9, 0, True), ip(SGW, UPF, 17, whole[1000:], 9, 1000)], ["REGISTER"]


def case_repeated():
    """A message that was sent twice is drawn twice, in the tunnel and behind it once each."""
    p = udp(UE, 5060, PCSCF, 5060, sip("OPTIONS sip:x SIP/2.0", "two", 1))
    idle = [udp(UE, 9, PCSCF, 9, b"x")] * 10
    return both(p) + idle + both(p), ["OPTIONS", "OPTIONS"]


def case_slow():
    """What comes out of the tunnel much later is the same message still."""
    p = udp(UE, 5060, PCSCF, 5060, sip("MESSAGE sip:x SIP/2.0", "three", 1))
    return [tunnel(p)] + [udp(UE, 9, PCSCF, 9, b"x")] * 100 + [p], ["MESSAGE"]


def case_middle():
    """The capture began when the connection was old."""
    msgs = sip("INVITE sip:x SIP/2.0", "four", 1, 900), sip("BYE sip:x SIP/2.0", "four", 2)
    return both(tcp(5000, msgs[0]), tcp(5000 + len(msgs[0]), msgs[1])), ["INVITE", "BYE"]


def case_together():
    """Two messages in a segment: a proxy's last word and the one before it."""
    first = sip("MESSAGE sip:x SIP/2.0", "six", 1)
    return both(SYN, tcp(1, first + sip("BYE sip:x SIP/2.0", "seven", 2))), ["MESSAGE", "BYE"]


def case_broken():
    """Tunnels with nonsense in them harm nobody."""
    good = udp(UE, 5060, PCSCF, 5060, sip("PUBLISH sip:x SIP/2.0", "five", 1))
    bad = [udp(SGW, 2152, UPF, 2152, gtpu(good)[:n]) for n in range(0, 60, 3)]
    bad += [udp(SGW, 2152, UPF, 2152, b"\x34\xff\xff\xff" + b"\xff" * n) for n in range(0, 40, 3)] + [b"\x45", b"\x60" * 41]
    return bad + [good], ["PUBLISH"]


def ladder(folder, packets):
    trace = pathlib.Path(folder) / "t.pcapng"
    capture(trace, packets)
    r = subprocess.run([sys.executable, str(LADDER), str(trace), "--text"], capture_output=True, text=True)
    return r.stdout, r.stderr


def check_views():
    bad = 0
    for name, case in sorted(globals().items()):
        if not name.startswith("case_"):
            continue
        packets, want = case()
        with tempfile.TemporaryDirectory() as folder:
            out, err = ladder(folder, packets)
        got = [word for line in out.split("\n") for word in line.replace("-", " ").split() if word in ("REGISTER", "OPTIONS", "MESSAGE", "INVITE", "BYE", "PUBLISH")]
        if got != want or "Traceback" in err:
            print(f"{name}: {got} instead of {want}\n{out}{err}")
            bad += 1
    return bad


def check_labels(m):
    gx, rx, bad = "16777238", "16777236", 0

    def d(code, request, app, **kw):
        kw = {"diameter." + k.replace("_", "-"): v if isinstance(v, list) else [v] for k, v in kw.items()}
        return dict({k: [] for k in m.FIELDS}, **{"diameter.cmd.code": [code], "diameter.flags.request": ["1" if request else "0"],
                                                  "diameter.applicationId": [app]}, **kw)

    cases = [(d("272", True, gx, CC_Request_Type="2", Event_Trigger=["5"], PCC_Rule_Status=["1"]), "Gx CCR-U: rules inactive, bearer lost"),
             (d("258", True, gx, Charging_Rule_Install=["x", "y"], Charging_Rule_Name=["a", "b"], QoS_Class_Identifier=["1", "1"]), "Gx RAR: +2 rules QCI 1"),
             (d("258", True, rx, Specific_Action=["2"]), "Rx RAR: bearer lost"),
             (d("265", True, rx, Media_Type=["0"], Flow_Status=["3"]), "Rx AAR: audio, gates closed"),
             (d("265", True, rx, Flow_Usage=["2"], Flow_Status=["2"]), "Rx AAR: signalling path"),
             (d("265", False, rx, Experimental_Result_Code="5065"), "Rx AAA 5065: no IP-CAN session"),
             (d("274", True, rx, Abort_Cause="0"), "Rx ASR: bearer released"),
             (d("301", False, "16777216", Result_Code="2001"), "SAA 2001")]
    for f, want in cases:
        got, kind = m.label(f)
        if got != want or kind != "diameter":
            print(f"label: {got!r} instead of {want!r}")
            bad += 1
    return bad


def check_steps():
    """Steps stand in the ladder where they began; text and page."""
    with tempfile.TemporaryDirectory() as folder:
        trace, page, v = (pathlib.Path(folder) / n for n in ("t.pcapng", "p.html", "v.json"))
        capture(trace, both(udp(UE, 5060, PCSCF, 5060, sip("OPTIONS sip:x SIP/2.0", "six", 1))))
        v.write_text('[{"name":"asks","seen":"<b>","ok":true,"time":1700000000},{"name":"fails","ok":false,"time":1700000000.5},{"name":"old","ok":true}]')
        r = subprocess.run([sys.executable, str(LADDER), str(trace), "--text", "--verdicts", str(v), "-o", str(page)], capture_output=True, text=True)
        html = page.read_text()
        ok = "== asks: <b>: held" in r.stdout and "== fails: : FAILED" not in r.stdout and "FAILED" in r.stdout and "old" not in r.stdout
        if not ok or "asks: &lt;b&gt;: held" not in html or "OPTIONS" not in html:
            print(f"steps:\n{r.stdout}{r.stderr}")
            return 1
    return 0


def check_choice(m):
    """A name of the caller's for an address that a phone has got; a choice that leaves nothing."""
    m.learn = lambda frames: {UE: "UE 1"}
    with tempfile.TemporaryDirectory() as folder:
        trace, names = (pathlib.Path(folder) / n for n in ("t.pcapng", "n.json"))
        capture(trace, both(udp(UE, 5060, PCSCF, 5060, sip("OPTIONS sip:x SIP/2.0", "seven", 1))))
        names.write_text(json.dumps({UE: "somebody"}))
        out = io.StringIO()
        sys.argv = ["kims-ladder", str(trace), "--text", "--names", str(names)]
        with contextlib.redirect_stdout(out):
            rc = m.main()
        r = subprocess.run([sys.executable, str(LADDER), str(trace), "--text", "--call", "nobody"], capture_output=True, text=True)
    if rc or "somebody" not in out.getvalue() or "UE 1" in out.getvalue() or r.returncode != 1 or "none of its messages" not in r.stderr:
        print(f"choice: {rc}\n{out.getvalue()}{r.stdout}{r.stderr}")
        return 1
    return 0


def main():
    if not shutil.which("tshark"):
        print("no tshark")
        return 77
    bad = check_views() + check_labels(load()) + check_steps() + check_choice(load())
    return 1 if bad else 0


sys.exit(main())
