# SPDX-License-Identifier: GPL-2.0-or-later
"""Control and traffic against each other: everything that kims.ko has, from many processes at once.

    tests/kmod/torture.sh KIMS.KO [SECONDS]          in a machine of its own; test_gtpu_torture.py
                                                     does the same for some seconds

       enb ---- G-PDUs, good and bad, IPv4 and IPv6 -->  core  <-- packets to phones ---- inet
       ue1 ---- RTP, Gm ----------------------------->  kims.ko
                                                          ^
       sessions, rules | media flows, SRTP | SA sets | dumps | routes, neighbours, links, MTU,
       devices, settings, namespaces, rmmod | failing allocations

Every actor is a process, so that on two processors they meet in the kernel. An actor's calls may
be refused; what must not happen is a complaint of the kernel (the harness looks), a process that
hangs, a packet that is not counted once, or an object that cannot be removed at the end.
"""
import mmap
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time

import failslab
import gtp
import lab
from failslab import tried
from gtp import (GNB, GNB2, PORT, REMOTE, UPF, Session, end_marker, error_indication, gpdu, gtpu, psc,
                 ue4, ue6)
from knl import Knl
from lab import CORE, CORE_ROUTES, RELAY, UE1, UE2, Failed, check, inside, mac, until
from packet import Wire, datagram, fragments, rtp

SESSIONS = 24
FLOWS = 16


def shell(*argv):
    subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def core_ip(*lines):
    subprocess.run(["ip", "-n", "core", "-force", "-batch", "-"], input="\n".join(lines) + "\n",
                   text=True, capture_output=True, check=False)


# --- the traffic ---

def phone(n, fam):
    return ue6(n) if fam == 6 else ue4(n)


def some_inner(rnd, n):
    fam = rnd.choice((4, 6))
    src = phone(n, fam) if rnd.random() < 0.9 else phone(n + 1, fam)
    where = rnd.random()
    size = rnd.choice((0, 20, 172, 172, 1200, 1400))
    if where < 0.2:
        dst = (phone(rnd.randrange(SESSIONS) + 1, fam), 4000)
    elif where < 0.4:
        dst = (RELAY[fam], 20000 + rnd.randrange(FLOWS))
    elif where < 0.45:
        dst = (RELAY[fam], 5064)
    else:
        dst = (REMOTE[fam], 53)
    body = rtp(rnd.randrange(65536), size=size)
    return datagram((src, 40000), dst, body, ttl=rnd.choice((64, 64, 64, 1)),
                    tos=rnd.randrange(256))


def some_message(rnd):
    n = rnd.randrange(SESSIONS) + 1
    teid = 0x1000 + n if rnd.random() < 0.95 else rnd.randrange(1 << 32)
    kind = rnd.random()
    if kind < 0.85:
        ext = rnd.choice(((), (), (psc(rnd.randrange(64)),), ((0x20, b"ab"), psc(9)),
                          ((0x90 + rnd.randrange(16), b"ab"),)))
        m = gpdu(teid, some_inner(rnd, n), ext=ext, seq=rnd.choice((None, 7)))
        if rnd.random() < 0.05:
            m = m[:rnd.randrange(len(m))]
        if rnd.random() < 0.05:
            at = rnd.randrange(len(m) or 1)
            m = m[:at] + bytes([rnd.randrange(256)]) + m[at + 1:]
        return m
    if kind < 0.90:
        return end_marker(teid)
    if kind < 0.95:
        return error_indication(0x2000 + n, rnd.choice((GNB[4], GNB[6])))
    return gtpu(rnd.choice((1, 2, 26, 31, 254, 255, 77)), teid, rnd.randbytes(rnd.randrange(40)),
                seq=rnd.choice((None, 1)))


def traffic_up(rnd, stop, count):
    with inside("enb"):
        w = Wire("e1", mac("core", "ce"))
    w.sock.setsockopt(1, 8, 2048)  # SO_RCVBUF: what comes back is not read
    while not stop():
        fam = rnd.choice((4, 4, 6))
        packet = datagram((GNB[fam], PORT), (UPF[fam], PORT), some_message(rnd))
        pieces = fragments(packet, 600, rnd.randrange(65536)) if rnd.random() < 0.03 else [packet]
        for piece in pieces:
            try:
                w.send(piece)
                count(1)
            except OSError:
                time.sleep(0.001)


def traffic_down(rnd, stop, count):
    with inside("inet"):
        w = Wire("i1", mac("core", "ci"))
    w.sock.setsockopt(1, 8, 2048)
    while not stop():
        fam = rnd.choice((4, 6))
        packet = datagram((REMOTE[fam], 53), (phone(rnd.randrange(SESSIONS) + 1, fam), 4000),
                          bytes(rnd.choice((0, 100, 1000, 1472 - 20 * (fam == 6)))),
                          tos=rnd.randrange(256))
        pieces = fragments(packet, 600, rnd.randrange(65536)) if rnd.random() < 0.03 else [packet]
        for piece in pieces:
            try:
                w.send(piece)
                count(1)
            except OSError:
                time.sleep(0.001)


def traffic_media(rnd, stop, count):
    with inside("ue1"):
        w = Wire("v1", mac("core", "c1"))
    w.sock.setsockopt(1, 8, 2048)
    seq = 0
    while not stop():
        fam = rnd.choice((4, 6))
        seq += 1
        port = 20000 + rnd.randrange(FLOWS) if rnd.random() < 0.9 else 5064
        body = rtp(seq, pt=rnd.choice((8, 8, 101)), size=rnd.choice((0, 160, 4)))
        try:
            w.send(datagram((UE1[fam], 40000), (RELAY[fam], port), body))
            count(1)
        except OSError:
            time.sleep(0.001)


# --- the control ---

def some_session(rnd, n):
    """Of a batch of which one exists, none is made."""
    outer = rnd.choice((4, 6))
    s = Session([ue4(n), ue6(n)], teid_in=0x1000 + n, teid_out=0x2000 + n,
                peer=rnd.choice((GNB, GNB2))[outer], ep=rnd.choice((1, 2)), number=n)
    s.far(2).update({"endpoint": 1 if outer == 4 else 2})
    s.pdr(1)["endpoint"] = rnd.choice((1, 2))
    for i in range(rnd.randrange(3)):
        s.add("qer", {"id": i + 1, "mbr-ul": rnd.choice((0, 100000, 10 ** 9)),
                      "mbr-dl": rnd.choice((0, 100000, 10 ** 9)), "qfi": rnd.randrange(64),
                      "gate-ul": int(rnd.random() < 0.1)}, pdrs=(1, 2))
    for i in range(rnd.randrange(4)):
        s.add("urr", {"id": i + 1, "method": "volum+durat",
                      "triggers": "volth+volqu+perio+start+stopt+termr+timth",
                      "volume-threshold": rnd.choice((0, 1000, 100000)),
                      "volume-quota": rnd.choice((0, 0, 5000, 1000000)),
                      "period": rnd.choice((0, 1)), "time-threshold": rnd.choice((0, 1)),
                      "inactivity": rnd.choice((0, 1))}, pdrs=rnd.choice(((1,), (2,), (1, 2))))
    if rnd.random() < 0.3:
        s.conf["bar"] = {"packets": rnd.choice((1, 8, 100)), "timeout": rnd.choice((1, 50, 1000))}
    if rnd.random() < 0.2:
        s.conf["monitored"] = 1
    if rnd.random() < 0.2:
        s.conf["idle-timeout"] = 1
    filters = rnd.choice(([], [{"protocol": 17}], [{"remote-ports": [53 << 16 | 53]}, {"protocol": 6}]))
    if filters:
        s.conf["pdr"].append({"id": 3, "precedence": 10, "source-interface": "access",
                              "endpoint": s.pdr(1)["endpoint"], "teid": s.teid_in, "far-id": 1,
                              "filter": filters})
    return s


def some_far(rnd, n):
    action = rnd.choice(("forw", "forw", "forw", "drop", "buff", "buff+nocp", "forw+dupl"))
    fam = rnd.choice((4, 6))
    far = {"id": 2, "apply-action": action, "destination-interface": "access",
           "endpoint": 1 if fam == 4 else 2, "teid": 0x2000 + n + rnd.choice((0, 0x100)),
           f"peer-ipv{fam}": rnd.choice((GNB, GNB2))[fam]}
    if "dupl" in action:
        far |= {"dup-endpoint": 1, "dup-teid": 9, "dup-ipv4": GNB2[4]}
    if rnd.random() < 0.5:
        far["send-end-marker"] = 1
    if rnd.random() < 0.3:
        far["dscp"] = rnd.randrange(64)
    return far


def control_sessions(rnd, stop, count):
    k = Knl()
    k.sock.settimeout(2)
    while not stop():
        n = rnd.randrange(SESSIONS) + 1
        what = rnd.random()
        if what < 0.35:
            tried(k.session_new, some_session(rnd, n).conf)
        elif what < 0.40:
            tried(k.session_new, *[some_session(rnd, i).conf for i in range(1, SESSIONS + 1, 3)])
        elif what < 0.70:
            tried(k.session_change, {"id": n, "far": [some_far(rnd, n)]})
        elif what < 0.80:
            new = some_session(rnd, n).conf
            tried(k.session_change, {i: v for i, v in new.items()
                                     if i in ("id", "pdr", "far", "qer", "urr", "bar")})
        elif what < 0.84:
            tried(k.session_change, {"id": n, "del-urr": [rnd.randrange(1, 4)]})
        elif what < 0.88:
            tried(k.session_change, {"id": n, "del-pdr": [3], "del-qer": [1]})
        elif what < 0.95:
            tried(k.session_del, n)
        elif what < 0.953:
            tried(k.call, "session-flush")
        else:
            tried(k.call, "end-marker", {"gtpu-peer": {"endpoint": 1, "ipv4": GNB[4],
                                                       "teid": 0x2000 + n}})
        count(1)


def some_flow(rnd, i):
    a, b = rnd.choice((4, 6)), rnd.choice((4, 6))
    to = phone(rnd.randrange(SESSIONS) + 1, b) if rnd.random() < 0.5 else UE2[b]
    f = {"id": i + 1, "media": rnd.choice(("rtp", "udp", "rtp-rtcp")), "local-port": 20000 + i,
         "local-ipv4" if a == 4 else "local-ipv6": RELAY[a], "src-port": 21000 + i,
         "src-ipv4" if b == 4 else "src-ipv6": RELAY[b], "dst-port": 40002,
         "dst-ipv4" if b == 4 else "dst-ipv6": to, "timeout": rnd.choice((0, 50)),
         "gate": rnd.choice(("open", "open", "closed"))}
    if rnd.random() < 0.3:
        f["latch"] = rnd.choice(("once", "again"))
    if rnd.random() < 0.2 and f["media"] != "udp":
        f["srtp-out"] = {"suite": rnd.choice(("aes-cm-128-hmac-sha1-80", "aead-aes-128-gcm")),
                         "key": rnd.randbytes(30)}
        if f["srtp-out"]["suite"].startswith("aead"):
            f["srtp-out"]["key"] = rnd.randbytes(28)
    return f


def control_media(rnd, stop, count):
    k = Knl()
    k.sock.settimeout(2)
    while not stop():
        i = rnd.randrange(FLOWS)
        what = rnd.random()
        if what < 0.4:
            tried(k.rtp_new, some_flow(rnd, i))
        elif what < 0.8:
            tried(k.rtp_replace, i + 1, some_flow(rnd, i))
        else:
            tried(k.rtp_del, i + 1)
        count(1)


def control_gm(rnd, stop, count):
    from test_gm import A, sa_set
    k = Knl()
    k.sock.settimeout(2)
    while not stop():
        what = rnd.random()
        i = rnd.randrange(8) + 1
        if what < 0.2:
            tried(k.port_new, RELAY[rnd.choice((4, 6))], 5064)
        elif what < 0.3:
            tried(k.port_del, RELAY[rnd.choice((4, 6))], 5064)
        elif what < 0.6:
            tried(k.sa_new, sa_set(A, ue4(i), 0x1000 + 64 * i) | {"id": i})
        elif what < 0.8:
            tried(k.sa_replace, i, sa_set(A, ue4(i), 0x9000 + 64 * i))
        else:
            tried(k.sa_del, i)
        count(1)


def overheard(sock):
    """Takes events as they are, a few hundred at most, so that they do not hold the reader up."""
    for _ in range(300):
        try:
            sock.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:  # some were lost
            pass


def reader(rnd, stop, count):
    # Answers and events on a socket each: behind more events than one can read an answer is lost.
    k, events = Knl(), Knl(["rtp", "gm", "gtpu"])
    k.sock.settimeout(1)
    calls = (k.sessions, k.rtp_dump, k.sa_dump, k.ports, k.stats, k.eps,
             lambda: k.session_get(rnd.randrange(SESSIONS) + 1),
             lambda: k.dump("app-flow-get", {"session": {"id": 1}}))
    while not stop():
        tried(rnd.choice(calls))
        overheard(events.sock)
        count(1)


# --- the world around ---

def mtu(rnd):
    dev = rnd.choice(("ce", "ci", "c2"))
    core_ip(f"link set {dev} mtu {rnd.choice((576, 1280, 1400, 9000))}", f"link set {dev} mtu 1500")


def routes(rnd):
    fam = rnd.choice((4, 6))
    where = rnd.choice((GNB[fam], UE2[fam], REMOTE[fam])) + ("/32" if fam == 4 else "/128")
    core_ip(f"route add unreachable {where}", f"route del unreachable {where}",
            f"route add {where} via {'10.44.0.2' if fam == 4 else 'fd44::2'} mtu 1300",
            f"route del {where}")


def neighbours(_):
    core_ip("neigh flush dev ce", "neigh flush dev ci", "neigh flush dev c2")


def links(rnd):
    dev = rnd.choice(("ce", "ci", "c2"))
    core_ip(f"link set {dev} down", f"link set {dev} up", *repair())


def device(rnd):
    if rnd.random() < 0.5:
        core_ip("link set kims0 down", "link set kims0 up", *device_routes())
    else:
        core_ip(f"link set kims0 mtu {rnd.choice((576, 1280, 9000))}", "link set kims0 mtu 1500")


def monitor(_):
    core_ip("link add mon0 type kimsmon", "link set mon0 up")
    core_ip("link del mon0")


def settings(rnd):
    with Knl() as k:
        tried(k.call, "settings-set", {"settings": {"postrouting": rnd.randrange(2)}})


def offload(rnd):
    shell("ethtool", "-K", rnd.choice(("ce", "ci", "c1")), "gro", "on", "rx-udp-gro-forwarding",
          rnd.choice(("on", "off")))


def own_device(rnd):
    """A device, endpoint and session of their own come and go; the device first, or last."""
    with Knl() as k:
        core_ip("link add kims9 type kims", "link set kims9 up")
        try:
            number = lab.if_index("kims9")
        except (Failed, ValueError):
            return
        ep = tried(k.ep_new, {"id": 9, "device": number, "local-ipv4": gtp.UPF2[4]})
        s = Session(ue="10.45.0.250", number=900, ep=9, upf=gtp.UPF2[4])
        if ep:
            tried(k.session_new, s.conf)
        if rnd.random() < 0.5:
            core_ip("link del kims9")
        tried(k.session_del, 900)
        tried(k.ep_del, 9)
        core_ip("link del kims9")


def namespace(rnd):
    name = f"gone{os.getpid()}"
    shell("ip", "netns", "add", name)
    try:
        with inside(name):
            k = Knl()
            subprocess.run(["ip", "-batch", "-"], input="link set lo up\nlink add kims0 type kims\n"
                           "link set kims0 up\naddr add 10.46.0.6/32 dev lo\n", text=True,
                           capture_output=True, check=False)
            number = int(subprocess.run(["ip", "-o", "link", "show", "kims0"], text=True,
                                        capture_output=True, check=False).stdout.split(":")[0])
        tried(k.ep_new, {"id": 1, "device": number, "local-ipv4": UPF[4]})
        for n in range(1, 6):
            s = some_session(rnd, n)
            for p in s.conf["pdr"]:
                if "endpoint" in p:
                    p["endpoint"] = 1
            s.conf["far"][1] = {"id": 2, "apply-action": "buff", "endpoint": 1, "teid": 1,
                                "peer-ipv4": GNB[4]}
            tried(k.session_new, s.conf)
        tried(k.rtp_new, some_flow(rnd, 0))
        k.close()
    except (OSError, ValueError):
        pass
    shell("ip", "netns", "del", name)


def unload(_):
    shell("rmmod", "kims")


WORLD = (mtu, routes, neighbours, links, device, monitor, settings, offload, own_device, namespace,
         unload)


def world(rnd, stop, count):
    while not stop():
        try:
            rnd.choice(WORLD)(rnd)
        except OSError:
            pass
        count(1)


def device_routes(name="kims0"):
    return [f"route replace 10.45.0.0/24 dev {name}", f"route replace fd45::/48 dev {name}"]


def repair():
    """What a link takes with it when it goes down."""
    return [f"addr replace {a} dev {d}" + (" nodad" if ":" in a else "") for d, a in CORE] + \
        [f"route replace {r}" for r in CORE_ROUTES] + device_routes()


# --- all together ---

CONTROL = (control_sessions, control_sessions, control_media, control_gm, reader)
TRAFFIC = (traffic_up, traffic_up, traffic_down, traffic_media)


def acting(act, rnd, stop, count, faults):
    """Where memory fails it fails Python too, and the sockets that an actor begins with: it begins again."""
    while not stop():
        try:
            act(rnd, stop, count)
        except (MemoryError, OSError):
            if not faults:
                raise


class Actor:
    """A process; .done calls or packets so far."""

    def __init__(self, act, seed, faults=False):
        self.name = act.__name__
        self.shared = mmap.mmap(-1, 4096)  # touched before memory fails
        self.shared[:8] = bytes(8)
        self.pid = os.fork()
        if not self.pid:
            self.child(act, seed, faults)

    def child(self, act, seed, faults):
        status = 1
        try:
            lab.everywhere()
            going = [True]
            signal.signal(signal.SIGTERM, lambda *_: going.clear())
            signal.alarm(3600)
            total = 0

            def count(n):
                nonlocal total
                total += n
                struct.pack_into("=Q", self.shared, 0, total)

            if act not in TRAFFIC:
                inside("core").__enter__()
            if faults:
                failslab.mine(True)
            acting(act, random.Random(seed), lambda: not going, count, faults)
            if faults:
                failslab.mine(False)
            status = 0
        except BaseException as e:  # pylint: disable=broad-except
            import traceback
            print(f"# {act.__name__}: {e!r}", traceback.format_exc().replace("\n", "\n# "), flush=True)
        finally:
            os._exit(status)

    @property
    def done(self):
        return struct.unpack_from("=Q", self.shared)[0]

    def end(self):
        """True when it ended well."""
        os.kill(self.pid, signal.SIGTERM)
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return status == 0
            time.sleep(0.05)
        with open(f"/proc/{self.pid}/stack", encoding="ascii") as f:
            print(f"# {self.name} hangs in", f.read().replace("\n", "\n# "), flush=True)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return False


def ciphers(k):
    """Makes the kernel find every cipher once while memory is there: its test of a new one, in a thread of
    its own, says that the cipher is wrong when it gets none."""
    for i, (suite, octets) in enumerate((("aes-cm-128-hmac-sha1-80", 30), ("aes-256-cm-hmac-sha1-80", 46),
                                         ("aead-aes-128-gcm", 28), ("aead-aes-256-gcm", 44))):
        flow = {"media": "rtp", "local-port": 20000 + i, "local-ipv4": RELAY[4], "src-port": 21000,
                "src-ipv4": RELAY[4], "dst-port": 40002, "dst-ipv4": UE2[4],
                "srtp-out": {"suite": suite, "key": bytes(range(octets))}}
        k.rtp_del(k.rtp_new(flow))


def set_up(k):
    ciphers(k)
    number = lab.device()
    for n, fam in ((1, 4), (2, 6)):
        k.ep_new({"id": n, "device": number, f"local-ipv{fam}": UPF[fam]})


def clean_up(k):
    """Everything goes; what remains is told."""
    k.call("settings-set", {"settings": {"postrouting": 0}})
    k.call("session-flush")
    for f in k.rtp_dump():
        k.rtp_del(f["id"])
    for s in k.sa_dump():
        k.sa_del(s["id"])
    for p in k.ports():
        k.port_del(p.get("local-ipv4") or p["local-ipv6"], p["port"])
    for e in k.eps():
        e = k.ep_del(e["id"])
        check(f"endpoint {e['id']}: received = forwarded + signalling + dropped", e["received"],
              e["forwarded"] + e["signalling"] + sum(e.get("drops", {}).values()))
    lab.device_lost()
    core_ip(*repair()[:-2])
    for dev in ("ce", "ci", "c1"):
        shell("ip", "netns", "exec", "core", "ethtool", "-K", dev, "gro", "off",
              "rx-udp-gro-forwarding", "off")


def conserved(before, after):
    """What happened; the endpoints' sums are compared when they are deleted."""
    def delta(name):
        return after.get(name, 0) - before.get(name, 0)
    old = before.get("drops", {})
    dropped = sum(v - old.get(r, 0) for r, v in after.get("drops", {}).items())
    print(f"# received {delta('gtpu-received')} downlink {delta('downlink-received')} forwarded "
          f"{delta('gtpu-forwarded')} signalling {delta('gtpu-signalling')} sent "
          f"{delta('gtpu-sent')} rtp {delta('rtp-packets')} drops {dropped}", flush=True)
    print("# drops", {r: v - old.get(r, 0) for r, v in after.get("drops", {}).items()
                      if v - old.get(r, 0)}, flush=True)
    check("nothing waits", 0, after.get("buffered-packets", 0))


def torture(seconds, seed=1, faults=True):
    """One run in namespaces that lab.set_up() has made."""
    with inside("core"):
        k = Knl()
    set_up(k)
    before = k.stats()
    actors = [Actor(a, seed * 100 + i) for i, a in enumerate(TRAFFIC)]
    actors += [Actor(a, seed * 100 + 20 + i, faults) for i, a in enumerate(CONTROL)]
    actors.append(Actor(world, seed * 100 + 40))  # its programs have page faults
    end = time.monotonic() + seconds
    phase = 0
    while time.monotonic() < end:
        if faults:
            failslab.failslab(("off", "atomic", "mine")[phase % 3])
        phase += 1
        time.sleep(min(5, max(0.1, end - time.monotonic())))
    failslab.failslab("off")
    ends = [(a.name, a.end(), a.done) for a in actors]
    print("#", ", ".join(f"{name} {done}" for name, _, done in ends), flush=True)
    shell("ip", "netns", "del", "gone")
    for name in os.listdir("/run/netns"):
        if name.startswith("gone"):
            shell("ip", "netns", "del", name)
    clean_up(k)
    until(lambda: not k.stats().get("buffered-packets"))
    after = k.stats()
    conserved(before, after)
    check("objects left", {}, {n: v for n, v in after.items() if v and n in (
        "rtp-flows", "gm-ports", "sa-sets", "gtpu-eps", "sessions")})
    k.close()
    check("all ended well", [], [name for name, well, _ in ends if not well])
    check("all did something", [], [name for name, _, done in ends if not done])


def main():
    import lab
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"# {seconds:g} s, seed {seed}", flush=True)
    lab.set_up()
    try:
        torture(seconds, seed)
    finally:
        failslab.failslab("off")
        lab.tear_down()
    print("ok 1 torture", flush=True)


if __name__ == "__main__":
    main()
