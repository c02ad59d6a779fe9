# SPDX-License-Identifier: GPL-2.0-or-later
"""kims-upf in namespace core (drawn in tests/kmod/lab.py), a CP function at 10.44.0.2, packets on both links.

       CP 10.44.0.2, gNB 10.44.1.2                UPF 10.46.0.6, fd46::6            203.0.113.9
                 (enb: e1) ---------------------- (ce) core (ci) ------------------- (i1: inet)
"""
import os
import signal
import struct
import subprocess
import tempfile

from gtp import ENB_LINK, GNB, INET_LINK, PORT, REMOTE, UPF, Gtp, Tap, error_indication, gpdu
from lab import Skipped, check, core, ensure, inside, ip_batch, mac, run, test, until
from packet import datagram
import pfcp
from pfcp import Cp, choose, create_far, create_pdr, create_qer, create_urr, creation, ie, pdi, u8, u16, u32, ue_ip

CONF = """
log_level: debug
network:
  trusted: "10.44.0.0/16 fd44::/16"
upf:
  heartbeat_s: 1
"""
UE = {4: "10.45.0.11", 6: "fd45:0:0:b::5"}
PREFIX = "fd45:0:0:b::"
DROP, FORW, BUFF, NOCP = 1, 2, 4, 8
ACCESS, CORE = 0, 1


class Upf:
    """The daemon, a CP function that is associated, taps on both links."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(dir="/tmp")
        with open(f"{self.dir}/kims.yaml", "w", encoding="ascii") as f:
            f.write(CONF)
        self.enb = Tap("enb", "e1", mac("core", "ce"))
        self.inet = Tap("inet", "i1", mac("core", "ci"))
        ip_batch("core", [f"neigh replace {ENB_LINK[f]} lladdr {mac('enb', 'e1').hex(':')} dev ce nud permanent"
                          for f in (4, 6)]
                 + [f"neigh replace {INET_LINK[f]} lladdr {mac('inet', 'i1').hex(':')} dev ci nud permanent"
                    for f in (4, 6)])
        self.start()
        with inside("enb"):
            self.cp = Cp(ENB_LINK[4], UPF[4])
        check("association", pfcp.ACCEPTED, until(self.associate, 60).cause())
        return self

    def associate(self):
        """The daemon may not have its socket yet."""
        return self.cp.ask(pfcp.SETUP, pfcp.node_id(self.cp.address) + u32(96, self.cp.recovery), seconds=0.3)

    def start(self):
        self.log = open(f"{self.dir}/log", "ab")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", "core", os.environ["KIMS_UPF"], "-c", f"{self.dir}/kims.yaml",
             "-r", self.dir, "-s", self.dir], stderr=self.log)

    def logged(self):
        with open(f"{self.dir}/log", encoding="ascii") as f:
            return f.read()

    def stop(self, how):
        self.process.send_signal(how)
        self.process.wait(60)
        self.log.close()

    def __exit__(self, kind, *_):
        self.stop(signal.SIGTERM)
        if kind:
            with open(f"{self.dir}/log", encoding="ascii") as f:
                print("# " + "# ".join(f.readlines()[-40:]))
        self.cp.close()
        self.enb.close()
        self.inet.close()
        with core() as k:
            for s in k.sessions():
                k.session_del(s["id"])
            for e in k.eps():
                k.ep_del(e["id"])
        run("ip", "-n", "core", "link", "del", "upf0")

    # --- sessions ---

    def establish(self, outer=4, threshold=100000, downlink=None, ue=None, more=b""):
        """A default bearer for both families; (UP SEID, our TEID)."""
        v4, v6 = ue or UE[4], PREFIX
        body = pfcp.node_id(self.cp.address) + pfcp.fseid(0x42, self.cp.address)
        body += create_pdr(1, 255, pdi(ACCESS, choose(outer == 4, outer == 6, 1), ue_ip(v4, v6)), 1,
                           u32(81, 1), u32(109, 1), removal=0 if outer == 4 else 1)
        body += create_pdr(2, 255, pdi(CORE, ue_ip(v4, v6, True)), 2, u32(81, 1), u32(109, 1))
        body += create_far(1, FORW, CORE)
        body += downlink or create_far(2, FORW, ACCESS, creation(0x2000, GNB[outer]))
        body += create_urr(1, threshold) + create_qer(1, mbr=(100000, 100000))
        body += ie(141, b"\x01\x08\x00\x01\x01\x00\x00\x00\x00\xf1") + more
        m = self.cp.ask(pfcp.ESTABLISH, body, 0)
        check("establishment", pfcp.ACCEPTED, m.cause())
        check("CP SEID", 0x42, m.seid)
        created = pfcp.ies(m.one(8))
        fteid = created[21][0]
        check("address in the F-TEID", pfcp.ip(UPF[outer]), fteid[5:])
        return struct.unpack_from("!Q", m.one(57), 1)[0], struct.unpack_from("!I", fteid, 1)[0]

    def modify(self, seid, body):
        m = self.cp.ask(pfcp.MODIFY, body, seid)
        check("modification", pfcp.ACCEPTED, m.cause())
        return m

    def delete(self, seid):
        m = self.cp.ask(pfcp.DELETE, b"", seid)
        check("deletion", pfcp.ACCEPTED, m.cause())
        return pfcp.ies(m.one(79))

    # --- packets ---

    def up(self, teid, inner=4, outer=4, size=100, port=53, wait=10.0):
        packet = datagram((UE[inner], 4000), (REMOTE[inner], port), bytes(size))
        self.enb.send(datagram((GNB[outer], PORT), (UPF[outer], PORT), gpdu(teid, packet)))
        p = self.inet.next(lambda p: p.src == UE[inner], seconds=wait)
        return p and len(p.raw)

    def down(self, inner=4, size=100, wait=10.0, ue=None):
        packet = datagram((REMOTE[inner], 53), (ue or UE[inner], 4000), bytes(size))
        self.inet.send(packet)
        p = self.enb.next(lambda p: p.protocol == 17 and p.dport == PORT and p.payload[1] == 255, seconds=wait)
        if not p:
            return None
        g = Gtp(p.payload)
        check("G-PDU", 255, g.kind)
        check("inner packet", UE[inner] if not ue else ue, g.inner.dst)
        return g.teid, len(packet)


@test
def forwards_both_ways():
    """Packets of both families, in tunnels of both, there and back; final counts are exact."""
    with Upf() as u:
        for outer in (4, 6):
            seid, teid = u.establish(outer)
            total = 0
            for inner in (4, 6):
                got = u.up(teid, inner, outer)
                ensure(f"uplink, {inner} in {outer}", got)
                back = u.down(inner)
                ensure(f"downlink, {inner} in {outer}", back)
                check("TEID of the gNB", 0x2000, back[0])
                total += got + back[1]
            report = u.delete(seid)
            check("final volume", total, pfcp.volume(report[66][0])[0])
            check("no session", None, u.up(teid, 4, outer, wait=0.3))
            with core() as k:
                check("kernel", 0, len(k.sessions()))


@test
def reports_usage():
    """A threshold is reported by itself, a query is answered."""
    with Upf() as u:
        seid, teid = u.establish(threshold=500)
        for _ in range(5):
            ensure("uplink", u.up(teid, size=100))
        m = u.cp.report()
        ensure("a report", m)
        check("CP SEID", 0x42, m.seid)
        check("type: usage", 2, m.one(39)[0])
        r = pfcp.ies(m.one(80))
        check("trigger volth", 2, r[63][0][0])
        check("UR-SEQN", 0, struct.unpack("!I", r[104][0])[0])
        check("volume", (512, 512, 0), pfcp.volume(r[66][0]))
        m = u.modify(seid, ie(77, u32(81, 1)))  # Query URR
        r = pfcp.ies(m.one(78))
        check("asked for", (128, 128, 0), pfcp.volume(r[66][0]))
        check("its UR-SEQN", 1, struct.unpack("!I", r[104][0])[0])
        check("nothing is left", (0, 0, 0), pfcp.volume(u.delete(seid)[66][0]))


@test
def pages_and_buffers():
    """A packet for an idle phone waits and is reported; an Error Indication is, too."""
    with Upf() as u:
        seid, teid = u.establish(downlink=create_far(2, BUFF | NOCP, ACCESS))
        check("it waits", None, u.down(wait=0.3))
        m = u.cp.report()
        check("type: downlink data", 1, m.one(39)[0])
        check("its PDR", 2, struct.unpack("!H", pfcp.ies(m.one(83))[56][0])[0])
        u.modify(seid, pfcp.update_far(2, FORW, creation(0x2001, GNB[4])))
        p = u.enb.next(lambda p: p.protocol == 17 and p.dport == PORT, seconds=10.0)
        check("what has waited goes to the new tunnel", 0x2001, Gtp(p.payload).teid)
        u.enb.send(datagram((GNB[4], PORT), (UPF[4], PORT), error_indication(0x2001, GNB[4])))
        m = u.cp.report()
        check("type: error indication", 4, m.one(39)[0])
        u.delete(seid)


@test
def steers_by_filter_and_gate():
    """A dedicated bearer: SDF filters, a gate that opens, and its end."""
    with Upf() as u:
        seid, teid = u.establish()
        m = u.modify(seid, create_pdr(3, 10, pdi(ACCESS, choose(number=9), pfcp.sdf(
            "permit out 17 from 203.0.113.9 5000-5010 to assigned")), 1, u32(109, 2), removal=0)
            + create_pdr(4, 10, pdi(CORE, ue_ip(UE[4], None, True), pfcp.sdf(
                "permit out 17 from 203.0.113.9 53 to assigned")), 3, u32(109, 2))
            + create_far(3, FORW, ACCESS, creation(0x3000, GNB[4])) + create_qer(2, gate=5))
        own = struct.unpack_from("!I", pfcp.ies(m.one(8))[21][0], 1)[0]
        check("the gate is closed", None, u.down(wait=0.3))
        u.modify(seid, ie(14, u32(109, 2), u8(25, 0)))  # Update QER
        check("the dedicated tunnel", 0x3000, u.down()[0])
        ensure("uplink by its filter", u.up(own, port=5005))
        check("another port", None, u.up(own, port=80, wait=0.3))
        u.modify(seid, ie(15, u16(56, 3)) + ie(15, u16(56, 4)) + ie(16, u32(108, 3)) + ie(18, u32(109, 2)))
        check("the default tunnel again", 0x2000, u.down()[0])
        u.delete(seid)


def dropped(reason):
    with core() as k:
        return k.stats().get("drops", {}).get(reason, 0)


@test
def drops_what_comes_by_the_wrong_bearer():
    """What the UE was told to send by its dedicated bearer is not taken from the default one (as kims-smf has it)."""
    with Upf() as u:
        seid, teid = u.establish()
        m = u.modify(seid, create_pdr(4, 10, pdi(ACCESS, choose(number=9), ue_ip(UE[4]), pfcp.sdf(
            "permit out 17 from 203.0.113.9 5000-5010 to assigned")), 1, removal=0))
        own = struct.unpack_from("!I", pfcp.ies(m.one(8))[21][0], 1)[0]
        ensure("before the UE knows of it", u.up(teid, port=5005))
        u.modify(seid, create_pdr(0x8002, 10, pdi(ACCESS, pfcp.fteid(teid, UPF[4]), ue_ip(UE[4]), pfcp.sdf(
            "permit out 17 from 203.0.113.9 5000-5010 to assigned")), 1001, removal=0)
            + create_far(1001, DROP))
        before = dropped("far")
        for _ in range(3):
            check("by the default bearer", None, u.up(teid, port=5005, wait=0.3))
        check("counted", 3, dropped("far") - before)
        ensure("by its own", u.up(own, port=5005))
        ensure("something else by the default bearer", u.up(teid, port=80))
        check("something else by the dedicated one", None, u.up(own, port=80, wait=0.3))
        u.modify(seid, ie(15, u16(56, 0x8002)) + ie(16, u32(108, 1001)) + ie(15, u16(56, 4)))
        ensure("after the end of the dedicated bearer", u.up(teid, port=5005))
        u.delete(seid)


@test
def is_taken_out_of_service():
    """kimsctl kernel clear: refused while it runs, or as long as it answers; then nothing is left that holds the module."""
    kimsctl = os.path.join(os.path.dirname(os.environ["KIMS_UPF"]), "kimsctl")
    if not os.access(kimsctl, os.X_OK):
        raise Skipped("no kimsctl")
    with Upf() as u:
        u.establish()
        clear = ["ip", "netns", "exec", "core", kimsctl, "-c", f"{u.dir}/kims.yaml", "-r", u.dir, "-s", u.dir,
                 "kernel", "clear"]
        refused = subprocess.run(clear, capture_output=True, text=True, check=False)
        check("refused while it runs", 1, refused.returncode)
        ensure("says so", "running" in refused.stderr)
        u.stop(signal.SIGTERM)
        with core() as k:
            ensure("stopped, it goes on", k.sessions() and k.eps())
        done = subprocess.run(clear, capture_output=True, text=True, check=False)
        check(f"cleared: {done.stderr}", 0, done.returncode)
        with core() as k:
            check("nothing is left", ([], []), (list(k.sessions()), list(k.eps())))
        links = subprocess.run(["ip", "-n", "core", "link"], capture_output=True, text=True, check=True).stdout
        check("nor the device", False, "upf0" in links)
        check("again: nothing to do", 0, subprocess.run(clear, capture_output=True, check=False).returncode)
        u.start()
        until(u.associate, 60)
        seid, teid = u.establish()
        ensure("and in service again", u.up(teid))
        u.delete(seid)


@test
def survives_being_killed():
    """kill -9: traffic goes on, sessions are there, missed reports are made up for; a reload is noticed."""
    with Upf() as u:
        seid, teid = u.establish(threshold=500)
        u.cp.heartbeat()
        before = u.cp.upf_recovery
        u.stop(signal.SIGKILL)
        for _ in range(5):
            ensure("traffic goes on", u.up(teid))
        u.start()
        m = u.cp.report()  # what nobody heard
        check("volume", (640, 640, 0), pfcp.volume(pfcp.ies(m.one(80))[66][0]))
        u.cp.heartbeat()
        check("the time stamp is the old one", before, u.cp.upf_recovery)
        u.modify(seid, pfcp.update_far(2, FORW, creation(0x2002, GNB[4])))
        check("the session is there", 0x2002, u.down()[0])
        check("since the report", (128, 0, 128), pfcp.volume(u.delete(seid)[66][0]))
        u.stop(signal.SIGKILL)
        with core() as k:
            for e in k.eps():
                k.ep_del(e["id"])  # as a module that was loaded again
        u.start()
        ensure("it is back", until(lambda: u.cp.ask(pfcp.HEARTBEAT, u32(96, 1000), seconds=0.3), 60))
        ensure("a new time stamp", u.cp.upf_recovery != before)
        check("no association", 72, u.cp.ask(pfcp.DELETE, b"", seid).cause())


@test
def takes_many_at_once():
    """300 sessions requested without waiting, in batches to the kernel; one of them with somebody else's address."""
    with Upf() as u:
        u.establish(ue="10.45.9.9")
        requests = {}
        for i in range(300):
            ue = f"10.45.{1 + i // 200}.{1 + i % 200}" if i != 150 else "10.45.9.9"
            body = pfcp.node_id(u.cp.address) + pfcp.fseid(1000 + i, u.cp.address)
            body += create_pdr(1, 255, pdi(ACCESS, choose(), ue_ip(ue)), 1, u32(81, 1), removal=0)
            body += create_pdr(2, 255, pdi(CORE, ue_ip(ue, None, True)), 2, u32(81, 1))
            body += create_far(1, FORW, CORE) + create_far(2, FORW, ACCESS, creation(0x4000 + i, GNB[4]))
            requests[1000 + i] = body + create_urr(1, 100000)
        up = {}
        for kind, sent in ((pfcp.ESTABLISH, [(0, b) for b in requests.values()]), (pfcp.DELETE, None)):
            sent = sent or [(seid, b"") for seid in up.values()]
            answers = u.cp.ask_all(kind, sent)
            ensure("an answer to each", None not in answers)
            refused = [m.seid for m in answers if m.cause() != pfcp.ACCEPTED]
            check("refused", [1150] if kind == pfcp.ESTABLISH else [], refused)
            if kind == pfcp.ESTABLISH:
                up = {m.seid: struct.unpack_from("!Q", m.one(57), 1)[0] for m in answers if 57 in m}
                teids = {pfcp.ies(m.one(8))[21][0] for m in answers if 8 in m}
                check("sessions and TEIDs", (299, 299), (len(up), len(teids)))
                check("one of them", 0x4000 + 77, u.down(ue="10.45.1.78")[0])
        with core() as k:
            check("kernel", 1, len(k.sessions()))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def icmp6(src, dst, body):
    """A packet of a link: hop limit 255."""
    head = pfcp.ip(src) + pfcp.ip(dst)
    total = checksum(head + struct.pack("!II", len(body), 58) + body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    return struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + head + body


@test
def advertises_the_prefix():
    """A Router Solicitation through the tunnel is answered with the phone's prefix."""
    with Upf() as u:
        if "no router advertisements" in u.logged():
            raise Skipped("no NFQUEUE")
        for outer in (4, 6):
            seid, teid = u.establish(outer)
            rs = icmp6("fe80::9", "ff02::2", b"\x85\0\0\0\0\0\0\0")
            u.enb.send(datagram((GNB[outer], PORT), (UPF[outer], PORT), gpdu(teid, rs)))
            p = u.enb.next(lambda p: p.protocol == 17 and p.dport == PORT, seconds=10.0)
            ensure("an answer", p)
            g = Gtp(p.payload)
            check("tunnel", 0x2000, g.teid)
            check("source and destination", (UPF[outer], "fe80::9"), (p.src, g.inner.dst))
            raw = g.inner.raw
            check("Router Advertisement, hop limit", (134, 255), (raw[40], raw[7]))
            check("checksum", 0, checksum(raw[8:40] + struct.pack("!II", len(raw) - 40, 58) + raw[40:]))
            check("prefix", (3, 64, pfcp.ip(PREFIX)), (raw[56], raw[58], raw[72:88]))
            ensure("plain packets as ever", u.up(teid, 6, outer) and u.down(6))
            u.delete(seid)


@test
def detects_applications():
    """PFDs by name and by address: the dedicated tunnel takes what is of the application, its start is reported."""
    with Upf() as u:
        if "no application detection" in u.logged():
            raise Skipped("no NFQUEUE")
        name, flow = b"video.example.com", b"permit out 17 from 203.0.113.10 7000 to assigned"
        contents = ie(61, b"\x04\x00", struct.pack("!H", len(name)), name)
        by_flow = ie(61, b"\x01\x00", struct.pack("!H", len(flow)), flow)
        m = u.cp.ask(3, ie(58, ie(24, b"video"), ie(59, contents, by_flow)))
        check("PFD management", pfcp.ACCEPTED, m.cause())
        seid, teid = u.establish()
        urr = ie(6, u32(81, 2), u8(62, 2), ie(37, b"\x10\x00\x00"))  # START
        u.modify(seid, create_pdr(3, 10, pdi(ACCESS, ie(21, b"\x01", struct.pack("!I", teid), pfcp.ip(UPF[4])),
                                             ie(24, b"video")), 1, u32(81, 2), removal=0)
                 + create_pdr(4, 10, pdi(CORE, ue_ip(UE[4], None, True), ie(24, b"video")), 3)
                 + create_far(3, FORW, ACCESS, creation(0x3000, GNB[4])) + urr)
        query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x05video\x07example\x03com\0\0\x01\0\x01"
        for payload, port, remote, of_app in ((query, 53, REMOTE[4], True), (b"x", 7000, "203.0.113.10", True),
                                              (b"x", 7001, "203.0.113.10", False)):
            up = datagram((UE[4], 4000), (remote, port), payload)
            u.enb.send(datagram((GNB[4], PORT), (UPF[4], PORT), gpdu(teid, up)))
            ensure("it goes on", u.inet.next(lambda p: p.src == UE[4], seconds=10.0))
            u.inet.send(datagram((remote, port), (UE[4], 4000), b"y"))
            p = u.enb.next(lambda p: p.protocol == 17 and p.dport == PORT, seconds=10.0)
            ensure("back", p)
            check("its tunnel", 0x3000 if of_app else 0x2000, Gtp(p.payload).teid)
        r = pfcp.ies(u.cp.report().one(80))
        check("trigger start", 0x10, r[63][0][0])
        app = pfcp.ies(r[68][0])
        check("application", b"video", app[24][0])
        u.delete(seid)
