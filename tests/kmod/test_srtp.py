# SPDX-License-Identifier: GPL-2.0-or-later
"""SRTP and SRTCP of media flows, held against srtp.py (which is held against the vectors of the
RFCs) and against libsrtp.

    ue1, SRTP or RTP ---- relay decrypts, encrypts, or both ---- ue2
"""
import random
import struct
import threading

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import srtp
from failslab import failing_allocations, tried
from gtp import GNB2, Tunnels
from knl import SCHEMA_DOC, refused
from lab import RELAY, Skipped, check, core, drops, ensure, everywhere, test, until
from packet import datagram, rtcp, rtp
from test_flow import Phones, flow
from test_gtpu_media import FROM, IN as MEDIA_IN, of, relay
from test_rtp import latching, recorder
from test_wire import Ends

PAIRS = ((4, 4), (6, 6), (4, 6), (6, 4))
RND = random.Random(3711)


def hexa(text):
    return bytes.fromhex(text.replace(" ", ""))


def master(suite, which=0):
    return random.Random(f"{suite} {which}").randbytes(sum(srtp.SUITES[suite][:2]))


def nest(suite, which=0, mki=b""):
    n = {"suite": suite, "key": master(suite, which)}
    return n | ({"mki": mki} if mki else {})


def conserved(counters, arrived):
    check("packets in = sent + drops", arrived,
          counters["packets"] + sum(drops(counters).values()))


def fancy(seq, size=40, ssrc=0x1234):
    """RTP with contributing sources and a header extension."""
    return struct.pack("!BBHII", 0x92, 8, seq & 0xffff, seq * 160 & 0xffffffff, ssrc) \
        + bytes(range(8)) + struct.pack("!HH", 0xbede, 2) + bytes(range(8)) + RND.randbytes(size)


def audio(seq, size=160, ssrc=0x1234):
    return rtp(seq, ssrc=ssrc, size=0) + RND.randbytes(size)


class Flow:
    """A flow with keys between the phones; with Flow(k, out=nest(...)) as f."""

    def __init__(self, k, families=(4, 4), media="rtp-rtcp", into=None, out=None, **more):
        self.k = k
        self.more = more | {"media": media}
        self.families = families
        self.phones = Phones(*families)
        self.number = k.rtp_new(self.conf(into, out))
        self.sent = 0

    def conf(self, into, out):
        return flow(*self.families, **self.more, **{"srtp-in": into, "srtp-out": out})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.phones.__exit__()
        final = self.k.rtp_del(self.number)["counters"]
        conserved(final, self.sent)

    def replace(self, into=None, out=None):
        self.k.rtp_replace(self.number, self.conf(into, out))

    def passes(self, what, packet, expected):
        self.sent += 1
        self.phones.send(packet)
        check(what, expected.hex(), (self.phones.got()[0] or b"").hex())

    def dropped(self, what, packet, reason):
        before = self.drops()
        self.sent += 1
        self.phones.send(packet)
        have = self.phones.got(0.02)[0]
        check(f"{what}: passes", None, have)
        check(f"{what}: dropped as {reason}", before.get(reason, 0) + 1,
              self.drops().get(reason, 0))

    def drops(self):
        return drops(self.k.rtp_get(self.number)["counters"])


@test
def vectors():
    """the reference: RFC 3711 B.2, B.3; RFC 6188 7; RFC 7714 16.1.1, 17.1; vectors of libsrtp"""
    check("RFC 3711 B.2", "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab",
          srtp.keystream(hexa("2B7E151628AED2A6ABF7158809CF4F3C"),
                         hexa("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"), 32).hex())
    key, salt = hexa("E1F97A0D3E018BE0D64FA32C06DE4139"), hexa("0EC675AD498AFEEBB6960B3AABE6")
    check("RFC 3711 B.3", ("c61e7a93744f39ee10734afe3ff7a087", "30cbbc08863d8c85d49db34a9ae1",
                           "cebe321f6ff7716b6fd4ab49af256a156d38baa4"),
          (srtp.derive(key, salt, 0, 16).hex(), srtp.derive(key, salt, 2, 14).hex(),
           srtp.derive(key, salt, 1, 20).hex()))
    big = hexa("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6")
    bigsalt = hexa("3b04803de51ee7c96423ab5b78d2")
    check("RFC 6188 7", ("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
                         "fa31791685ca444a9e07c6c64e93",
                         "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"),
          (srtp.derive(big, bigsalt, 0, 32).hex(), srtp.derive(big, bigsalt, 2, 14).hex(),
           srtp.derive(big, bigsalt, 1, 20).hex()))
    plain = hexa("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120"
                 "696e2070 61727465 73207472 6573")
    key7714, salt7714 = bytes(range(16)), hexa("51756964 2070726f 2071756f")
    check("RFC 7714 16.1.1",
          "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d"
          "7f27beb16a9152cf765ee4390cce",
          AESGCM(key7714).encrypt(srtp.gcm_iv(salt7714, 0x5501a0b2, 0xf17b), plain[12:],
                                  plain[:12]).hex())
    plain = hexa("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef"
                 "deadbeef deadbeef deadbeef deadbeef")
    check("RFC 7714 17.1",
          "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded"
          "0bb9275bc84aa45896cf4d2fc5abf87245d9eade",
          AESGCM(key7714).encrypt(srtp.gcm_iv(salt7714, 0x4d617273, 0x5d4), plain[8:],
                                  plain[:8] + hexa("800005d4")).hex())


# libsrtp's test/srtp_driver.c: master key and salt, RTP, SRTP, RTCP of index 1, SRTCP
LIBSRTP = (
    ("aes-cm-128-hmac-sha1-80", "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6",
     "4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb",
     "7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798"),
    ("aead-aes-128-gcm", "000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab",
     "c5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392",
     "c98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001"),
)


@test
def vectors_in_the_kernel():
    """vectors of libsrtp, from the master key on: encrypted and decrypted by the kernel"""
    head, body = hexa("800f1234decafbadcafebabe"), b"\xab" * 16
    control = hexa("81c8000bcafebabe")
    with core() as k:
        for suite, key, sealed, sealed_rtcp in LIBSRTP:
            keys = {"suite": suite, "key": hexa(key)}
            with Flow(k, out=keys) as f:
                f.passes(suite, head + body, head + hexa(sealed))
                f.passes("RTCP, index 0", rtcp(), srtp.Srtp(suite, hexa(key)).protect_rtcp(
                    rtcp(), 0))
            with Flow(k, into=keys) as f:
                f.passes(suite, head + hexa(sealed), head + body)
                # Not a whole RTCP packet (its length is wrong), which only shows once decrypted.
                f.dropped(f"{suite} RTCP", control + hexa(sealed_rtcp), "malformed")


@test
def encrypt():
    """every suite and pair of families: what leaves is what srtp.py makes; RTP and RTCP"""
    with core() as k:
        for i, suite in enumerate(srtp.SUITES):
            ref = srtp.Srtp(suite, master(suite))
            octets = 0
            with Flow(k, PAIRS[i % 4], out=nest(suite)) as f:
                for seq, packet in enumerate((audio(0), fancy(1), audio(2, 0), fancy(3, 0),
                                              audio(4, 1), audio(5, 15), audio(6, 16),
                                              audio(7, 17), audio(8, 1200))):
                    f.passes(f"{suite} {seq}", packet, ref.protect(packet))
                    octets += len(ref.protect(packet))
                for index in range(3):
                    f.passes(f"{suite} RTCP {index}", rtcp(), ref.protect_rtcp(rtcp(), index))
                counters = k.rtp_get(f.number)["counters"]
                check("RTCP packets", 3, counters["rtcp-packets"])
                check("drops", {}, drops(counters))
                check("octets are those sent", octets + 3 * len(ref.protect_rtcp(rtcp(), 0)),
                      counters["octets"])


@test
def decrypt():
    """every suite and pair of families: what srtp.py has made arrives in clear; E bit 0 and 1"""
    with core() as k:
        for i, suite in enumerate(srtp.SUITES):
            ref = srtp.Srtp(suite, master(suite))
            with Flow(k, PAIRS[i % 4], into=nest(suite)) as f:
                f.dropped("clear RTP", audio(9), "srtp-auth")
                f.dropped("clear RTCP", rtcp(), "srtp-auth")
                for seq, packet in enumerate((audio(0), fancy(1), audio(2, 0), fancy(3, 0),
                                              audio(4, 1), audio(5, 1200))):
                    f.passes(f"{suite} {seq}", ref.protect(packet), packet)
                f.passes("RTCP", ref.protect_rtcp(rtcp(), 0), rtcp())
                f.passes("RTCP in clear", ref.protect_rtcp(rtcp(), 1, False), rtcp())
                f.passes("RTCP far on", ref.protect_rtcp(rtcp(), 0x7fffffff), rtcp())
                check("lost", 0, k.rtp_get(f.number)["counters"]["lost"])


@test
def both():
    """decrypted with one suite and key, encrypted with another"""
    with core() as k:
        for a, b in (("aes-cm-128-hmac-sha1-80", "aead-aes-128-gcm"),
                     ("aead-aes-256-gcm", "aes-256-cm-hmac-sha1-32")):
            ref_in, ref_out = srtp.Srtp(a, master(a, 1)), srtp.Srtp(b, master(b, 2))
            for families in PAIRS:
                with Flow(k, families, into=nest(a, 1), out=nest(b, 2)) as f:
                    for seq in range(3):
                        packet = fancy(seq)
                        f.passes(f"{families}", ref_in.protect(packet), ref_out.protect(packet))
                    f.passes("RTCP", ref_in.protect_rtcp(rtcp(), 5),
                             ref_out.protect_rtcp(rtcp(), 0))


@test
def libsrtp():
    """libsrtp understands what the kernel makes, and the kernel what libsrtp makes"""
    try:
        import pylibsrtp
    except ImportError as e:
        raise Skipped("no python3-pylibsrtp") from e
    policy = pylibsrtp.Policy
    profiles = {"aes-cm-128-hmac-sha1-80": policy.SRTP_PROFILE_AES128_CM_SHA1_80,
                "aes-cm-128-hmac-sha1-32": policy.SRTP_PROFILE_AES128_CM_SHA1_32,
                "aead-aes-128-gcm": policy.SRTP_PROFILE_AEAD_AES_128_GCM,
                "aead-aes-256-gcm": policy.SRTP_PROFILE_AEAD_AES_256_GCM}
    with core() as k:
        for suite, profile in profiles.items():
            ends = [pylibsrtp.Session(policy=policy(key=master(suite, i), ssrc_type=kind,
                                                    srtp_profile=profile))
                    for i, kind in ((1, policy.SSRC_ANY_OUTBOUND), (2, policy.SSRC_ANY_INBOUND))]
            with Flow(k, into=nest(suite, 1), out=nest(suite, 2)) as f:
                for seq in range(65530, 65542):
                    packet = fancy(seq)
                    f.sent += 1
                    f.phones.send(ends[0].protect(packet))
                    check(f"{suite} {seq}", packet.hex(),
                          ends[1].unprotect(f.phones.got()[0]).hex())
                for _ in range(3):
                    f.sent += 1
                    f.phones.send(ends[0].protect_rtcp(rtcp()))
                    check(f"{suite} RTCP", rtcp().hex(),
                          ends[1].unprotect_rtcp(f.phones.got()[0]).hex())


@test
def rollover():
    """the ROC counts wraps, both ways, with reordering across a wrap, and per SSRC"""
    for suite in ("aes-cm-128-hmac-sha1-80", "aead-aes-128-gcm"):
        ref = srtp.Srtp(suite, master(suite))
        other = srtp.Srtp(suite, master(suite, 1))
        with core() as k, Flow(k, into=nest(suite), out=nest(suite, 1)) as f:
            steps = [65533, 65535, 65536, 65534, 65538, 65537, 65540] + \
                list(range(65600, 3 * 65536, 16000)) + [3 * 65536 + 5]
            for n in steps:
                packet = audio(n)
                f.passes(f"{suite} {n}", ref.protect(packet, n >> 16),
                         other.protect(packet, n >> 16))
            shown = k.rtp_get(f.number)
            check("ROC", (3, 3), (shown["srtp-in"]["roc"], shown["srtp-out"]["roc"]))
            packet = audio(7, ssrc=0x4321)
            f.passes("another SSRC begins with 0", ref.protect(packet), other.protect(packet))
            packet = audio(3 * 65536 + 6)
            f.passes("the first one goes on", ref.protect(packet, 3), other.protect(packet, 3))
            f.dropped("with a ROC of its own", ref.protect(audio(9), 1), "srtp-auth")


@test
def replay():
    """a packet passes once; late ones within 128; RTCP within 64"""
    for suite in ("aes-cm-128-hmac-sha1-32", "aead-aes-256-gcm"):
        ref = srtp.Srtp(suite, master(suite))
        with core() as k, Flow(k, into=nest(suite)) as f:
            packets = {n: audio(n) for n in range(1000, 1400)}
            for n in (1000, 1002, 1001, 1063, 1064, 1065, 1128):
                f.passes(f"{n}", ref.protect(packets[n]), packets[n])
            for n in (1000, 1001, 1002, 1063, 1064, 1065, 1128):
                f.dropped(f"{n} again", ref.protect(packets[n]), "srtp-replay")
            for n in (1003, 1062, 1127):
                f.passes(f"{n} late", ref.protect(packets[n]), packets[n])
            f.passes("1300", ref.protect(packets[1300]), packets[1300])
            f.dropped("1172, too late", ref.protect(packets[1172]), "srtp-replay")
            f.passes("1173, just in time", ref.protect(packets[1173]), packets[1173])
            f.dropped("and again", ref.protect(packets[1173]), "srtp-replay")
            for n in (100, 163):
                f.passes(f"RTCP {n}", ref.protect_rtcp(rtcp(), n), rtcp())
            f.dropped("RTCP 100 again", ref.protect_rtcp(rtcp(), 100), "srtp-replay")
            f.passes("RTCP 101 late", ref.protect_rtcp(rtcp(), 101), rtcp())
            f.passes("RTCP 200", ref.protect_rtcp(rtcp(), 200), rtcp())
            f.dropped("RTCP 136, too late", ref.protect_rtcp(rtcp(), 136), "srtp-replay")
            f.passes("RTCP 137", ref.protect_rtcp(rtcp(), 137), rtcp())


@test
def forged():
    """a changed octet, a packet cut short: dropped, and no state is changed by it"""
    for suite in srtp.SUITES:
        ref = srtp.Srtp(suite, master(suite))
        with core() as k, Flow(k, into=nest(suite)) as f:
            packet, control = fancy(1, 8), rtcp()
            sealed, sealed_rtcp = ref.protect(packet), ref.protect_rtcp(control, 1)
            for whole in (sealed, sealed_rtcp):
                for i in range(2, len(whole), 3):
                    bad = whole[:i] + bytes([whole[i] ^ 0x41]) + whole[i + 1:]
                    f.dropped(f"{suite}: octet {i}", bad, "srtp-auth")
                for n in range(2, len(whole), 5):
                    f.dropped(f"{suite}: {n} octets", whole[:n], "srtp-auth")
                f.dropped(f"{suite}: an octet more", whole + b"\0", "srtp-auth")
            # A forged sequence number far ahead would shut the true sender out.
            f.dropped("far ahead", ref.protect(audio(30000))[:-1] + b"\0\0", "srtp-auth")
            check("what is not authentic is no sign of life", None, k.rtp_get(f.number).get("idle"))
            f.passes("still the first", sealed, packet)
            f.passes("and RTCP", sealed_rtcp, control)
            check("ROC", 0, k.rtp_get(f.number)["srtp-in"]["roc"])
            check("SSRC", 0x1234, k.rtp_get(f.number)["counters"]["ssrc"])


@test
def mki():
    """a master key identifier is appended, required and stripped"""
    for suite in ("aes-cm-128-hmac-sha1-80", "aead-aes-128-gcm"):
        for ident in (b"\x01", b"0123456789abcdef"):
            ref_in = srtp.Srtp(suite, master(suite), ident)
            ref_out = srtp.Srtp(suite, master(suite, 1), ident[::-1])
            with core() as k, Flow(k, into=nest(suite, 0, ident),
                                   out=nest(suite, 1, ident[::-1])) as f:
                shown = k.rtp_get(f.number)
                check("shown", (ident, ident[::-1]),
                      (shown["srtp-in"]["mki"], shown["srtp-out"]["mki"]))
                packet = audio(1)
                f.passes(suite, ref_in.protect(packet), ref_out.protect(packet))
                f.passes("RTCP", ref_in.protect_rtcp(rtcp(), 1), ref_out.protect_rtcp(rtcp(), 0))
                f.dropped("without", srtp.Srtp(suite, master(suite)).protect(audio(2)),
                          "srtp-auth")
                f.dropped("another", srtp.Srtp(suite, master(suite), b"\x77" * len(ident)).protect(
                    audio(2)), "srtp-auth")


@test
def goes_on_over_replace():
    """a replace with the same key keeps ROC and windows; another key begins anew"""
    for suite in ("aes-cm-128-hmac-sha1-80", "aead-aes-128-gcm"):
        ref, out = srtp.Srtp(suite, master(suite)), srtp.Srtp(suite, master(suite, 1))
        with core() as k, Flow(k, into=nest(suite), out=nest(suite, 1)) as f:
            packets = {n: audio(n) for n in range(65530, 65545)}
            for n in (65534, 65536, 65537):
                f.passes(f"{n}", ref.protect(packets[n], n >> 16),
                         out.protect(packets[n], n >> 16))
            f.passes("RTCP", ref.protect_rtcp(rtcp(), 9), out.protect_rtcp(rtcp(), 0))
            f.replace(nest(suite), nest(suite, 1))
            f.dropped("again", ref.protect(packets[65537], 1), "srtp-replay")
            f.passes("on", ref.protect(packets[65538], 1), out.protect(packets[65538], 1))
            f.dropped("RTCP again", ref.protect_rtcp(rtcp(), 9), "srtp-replay")
            f.passes("RTCP", ref.protect_rtcp(rtcp(), 10), out.protect_rtcp(rtcp(), 1))
            # A refused replace changes nothing either.
            check("refused", "EINVAL", refused(
                k.rtp_replace, f.number, f.conf(nest(suite), {"suite": suite, "key": b"x"}))[0])
            f.passes("on", ref.protect(packets[65539], 1), out.protect(packets[65539], 1))
            for more in ({"mki": b"m"}, {"suite": "aes-cm-128-hmac-sha1-32"}):
                if "mki" in more or "gcm" not in suite:
                    check("the key stream from the beginning", "EINVAL", refused(
                        k.rtp_replace, f.number, f.conf(nest(suite), nest(suite, 1) | more))[0])
            f.replace(nest(suite, 5), nest(suite, 6))
            ref5, out6 = srtp.Srtp(suite, master(suite, 5)), srtp.Srtp(suite, master(suite, 6))
            f.dropped("the old key", ref.protect(packets[65540], 1), "srtp-auth")
            f.passes("ROC 0", ref5.protect(packets[65541], 0), out6.protect(packets[65541], 0))
            f.replace()
            f.passes("in clear", packets[65542], packets[65542])


@test
def no_key_stream_twice():
    """what would be encrypted with a used index is dropped; so is the SSRC after the 64th"""
    suite = "aead-aes-128-gcm"
    ref = srtp.Srtp(suite, master(suite))
    with core() as k, Flow(k, out=nest(suite)) as f:
        packet = audio(100)
        f.passes("first", packet, ref.protect(packet))
        f.dropped("same sequence number, other payload", audio(100), "srtp-replay")
        late = audio(99)
        f.passes("late", late, ref.protect(late))
        f.dropped("late again", audio(99), "srtp-replay")
        far = audio(300)
        f.passes("on", far, ref.protect(far))
        f.dropped("too late", audio(101), "srtp-replay")
        for n in range(1, 64):
            p = audio(5, ssrc=n)
            f.passes(f"SSRC {n}", p, ref.protect(p))
        f.dropped("SSRC 64", audio(5, ssrc=64), "srtp-limit")
        f.dropped("none is forgotten", audio(300), "srtp-replay")
        f.replace(out=nest(suite))
        f.dropped("nor by a replace", audio(300), "srtp-replay")
        f.dropped("nor the limit", audio(5, ssrc=64), "srtp-limit")


@test
def many_sources_in():
    """a decrypting key remembers 16 SSRCs; all may come"""
    suite = "aes-cm-128-hmac-sha1-80"
    ref = srtp.Srtp(suite, master(suite))
    with core() as k, Flow(k, into=nest(suite)) as f:
        for n in range(40):
            p = audio(5, ssrc=n)
            f.passes(f"SSRC {n}", ref.protect(p), p)
        f.dropped("a late one again", ref.protect(audio(5, ssrc=30)), "srtp-replay")
        check("changes", 39, k.rtp_get(f.number)["counters"]["ssrc-changes"])


@test
def wire():
    """header, length and checksum of what has another length now; fragments; no checksum; damage"""
    suite = "aead-aes-128-gcm"
    ref = srtp.Srtp(suite, master(suite))
    with core() as k:
        for families in PAIRS:
            number = k.rtp_new(flow(*families, **{"srtp-out": nest(suite)}))
            with Ends(*families) as e:
                packet = audio(1)
                e.send(packet)
                p = e.got()
                check("payload", ref.protect(packet).hex(), p.payload.hex())
                check("length", 8 + len(packet) + 16, p.length)
                ensure("checksums", p.check and p.sum_ok and p.header_ok)
                packet = audio(2)
                e.send(packet, check=0x1234)
                check("a damaged packet is not made authentic", None, e.got(0.2))
                if families[0] == 4:
                    packet = audio(3)
                    e.send(packet, check=False)
                    p = e.got()
                    check("no checksum", ref.protect(packet).hex(), p.payload.hex())
                    ensure("is made for IPv6 only",
                           p.sum_ok and bool(p.check) == (families[1] == 6))
            final = k.rtp_del(number)["counters"]
            check("drops", {"malformed": 1}, drops(final))
        for families in PAIRS:
            packet = audio(1, 4000)
            with Flow(k, families, out=nest(suite)) as f:
                f.passes("in fragments, encrypted", packet, ref.protect(packet))
            with Flow(k, families, into=nest(suite)) as f:
                f.passes("in fragments, decrypted", ref.protect(packet), packet)
            with Flow(k, families, out=nest(suite)) as f:
                packet = audio(1, 65507 - 20 - 12)
                if families == (4, 4):
                    f.dropped("too long", packet, "malformed")


@test
def filters_after_decryption():
    """payload type, gate and malformed are what the clear packet says"""
    suite = "aead-aes-128-gcm"
    ref = srtp.Srtp(suite, master(suite))
    allowed = bytearray(16)
    allowed[1] = 1
    with core() as k, Flow(k, media="rtp", into=nest(suite),
                           **{"payload-types": bytes(allowed)}) as f:
        f.dropped("type 0", ref.protect(rtp(1, pt=0)), "payload-type")
        f.passes("type 8", ref.protect(rtp(2)), rtp(2))
        f.dropped("RTP version", b"\x00" + ref.protect(rtp(3))[1:], "srtp-auth")
        f.more["gate"] = "closed"
        f.replace(nest(suite))
        f.dropped("gate", ref.protect(rtp(4)), "gate")
        f.more["gate"] = "open"
        f.replace(nest(suite))
        f.dropped("what was dropped was there", ref.protect(rtp(4)), "srtp-replay")
        f.passes("next", ref.protect(rtp(5)), rtp(5))


def refusal(k, more):
    name, sentence = refused(k.rtp_new, flow(**more))
    ensure(f"{more}: sentence", sentence)
    return name


@test
def refusals():
    """wrong keys and suites; nothing is left of them"""
    with core() as k:
        for suite, (key_len, salt_len, *_) in srtp.SUITES.items():
            for n in {0, 1, key_len, key_len + salt_len - 1, key_len + salt_len + 1, 46, 47, 64} \
                    - {key_len + salt_len}:
                for name in ("srtp-in", "srtp-out"):
                    ensure(f"{suite}: key of {n}", refusal(
                        k, {name: {"suite": suite, "key": bytes(n)}}) in ("EINVAL", "ERANGE"))
        suite = "aead-aes-128-gcm"
        key = master(suite)
        for bad in ({"suite": suite}, {"key": key}, {}, {"suite": 6, "key": key},
                    {"suite": suite, "key": key, "mki": b""},
                    {"suite": suite, "key": key, "mki": bytes(17)},
                    {"suite": suite, "key": key, "roc": 1}):
            ensure(f"{bad}", refusal(k, {"srtp-in": bad}) in ("EINVAL", "ERANGE"))
        check("udp", "EINVAL", refusal(k, {"media": "udp", "srtp-in": nest(suite)}))
        check("flows", 0, k.stats()["rtp-flows"])


@test
def keys_stay_secret():
    """no reply, dump or event has a key in it"""
    suite = "aes-256-cm-hmac-sha1-80"
    with core() as k, core(["rtp"]) as ntf:
        number = k.rtp_new(flow(**{"srtp-in": nest(suite), "srtp-out": nest(suite, 1)}))
        ref = {"rtp-flow": {"id": number}}
        payload = SCHEMA_DOC.encode("kims", ref)
        bodies = k.raw(SCHEMA_DOC.cmds["rtp-get"], payload)
        bodies += k.raw(SCHEMA_DOC.cmds["rtp-get"], b"", 0x300)
        bodies += k.raw(SCHEMA_DOC.cmds["rtp-del"], payload)
        bodies += [body for _, _, _, body in ntf.messages()]
        check("messages", 4, len(bodies))
        for body in bodies:
            ensure("there is a flow in it", len(body) > 200)
            for which in (0, 1):
                key = master(suite, which)
                ensure("key", key[:8] not in body and key[16:24] not in body and
                       key[-8:] not in body)


def every_kind():
    """Flows with all that a flow may have, alone and together."""
    keys = [nest(suite, i) for i, suite in enumerate(srtp.SUITES)]
    tones = {"telephone-event": 101}
    kinds = [flow(), latching(latch="again"), flow(**recorder()), flow(continuity="sequence")]
    kinds += [flow(**{"srtp-in": a, "srtp-out": b}) for a, b in zip(keys, keys[1:])]
    kinds += [flow(**{"srtp-out": key}, **recorder(6), **tones) for key in keys]
    kinds += [latching(**{"srtp-out": keys[4]}, **recorder(), **tones),
              flow(4, 6, **{"srtp-out": keys[0]}, **recorder())]
    return [f | {"media": "rtp-rtcp"} for f in kinds]


@test
def under_change():
    """keys, recorders and peers change under traffic: each packet is counted once"""
    stop = threading.Event()
    sent = [0]

    def send(p):
        everywhere()
        while not stop.is_set():
            for i in range(20):
                p.tx.sendto(rtcp() if i == 9 else audio(sent[0]), p.to)
                sent[0] += 1
            p.got(0.001)

    with core() as k, Phones() as p:
        number = k.rtp_new(flow(media="rtp-rtcp"))
        sender = threading.Thread(target=send, args=(p,))
        sender.start()
        try:
            kinds = every_kind()
            for i in range(300):
                k.rtp_replace(number, kinds[RND.randrange(len(kinds))])
                if i % 10 == 0:
                    k.rtp_dump()
        finally:
            stop.set()
            sender.join()
        conserve = until(lambda: (lambda c: c["packets"] + sum(drops(c).values()) == sent[0])(
            k.rtp_get(number)["counters"]))
        c = k.rtp_del(number)["counters"]
        ensure(f"of {sent[0]}: {c}", conserve)
        ensure(f"some were sent: {c}", c["packets"] and c["copies"])


@test
def come_and_go():
    """flows with keys are made and deleted under traffic"""
    stop = threading.Event()

    def send(p):
        everywhere()
        n = 0
        while not stop.is_set():
            for _ in range(20):
                p.tx.sendto(audio(n), p.to)
                n += 1
            p.got(0.001)

    with core() as k, Phones() as p:
        sender = threading.Thread(target=send, args=(p,))
        sender.start()
        try:
            for _ in range(5):
                for f in every_kind():
                    k.rtp_del(k.rtp_new(f))
        finally:
            stop.set()
            sender.join()


@test
def no_memory():
    """allocations fail at random: nothing is half made, nothing leaks"""
    with core() as k:
        k.sock.settimeout(0.2)  # an acknowledgement may be lost, too
        with failing_allocations():
            for f in every_kind() * 8:
                for call in (lambda: k.rtp_new(f | {"id": 1}), lambda: k.rtp_replace(1, f),
                             lambda: k.rtp_get(1), lambda: k.rtp_replace(1, flow()),
                             lambda: k.rtp_replace(1, f), lambda: k.rtp_del(1)):
                    tried(call)
    with core() as k:
        check("flows", k.stats()["rtp-flows"], len(k.rtp_dump()))
        for f in k.rtp_dump():
            k.rtp_del(f["id"])


@test
def tunnels():
    """SRTP from a phone's tunnel, SRTP with another key into another's; a peer is learned there"""
    keys_in, keys_out = nest("aead-aes-128-gcm"), nest("aes-cm-128-hmac-sha1-80", 1)
    with core() as k, Tunnels(k) as t:
        for outer in (4, 6):
            a = t.session(11, inner=(4, 6), outer=outer)
            b = t.session(12, inner=(4, 6), outer=outer, peer=GNB2[outer])
            for fams in PAIRS:
                ref = srtp.Srtp(keys_in["suite"], keys_in["key"])
                out = srtp.Srtp(keys_out["suite"], keys_out["key"])
                f = relay(of(a, fams[0]), of(b, fams[1]), *fams, latch="once",
                          **{"srtp-in": keys_in, "srtp-out": keys_out})
                del f["peer-port"]
                number = k.rtp_new(f)
                for seq in range(4):
                    packet = fancy(seq)
                    t.up(a, datagram((of(a, fams[0]), FROM), (RELAY[fams[0]], MEDIA_IN),
                                     ref.protect(packet)))
                    p = t.at_enb()
                    ensure(f"{fams} in {outer}: arrives", p and p.gtp)
                    check("tunnel", b.teid_out, p.gtp.teid)
                    inner = p.gtp.inner
                    check("payload", out.protect(packet).hex(), inner.payload.hex())
                    ensure("checksums", inner.check and inner.sum_ok and inner.header_ok)
                shown = k.rtp_del(number)
                check("learned", FROM, shown["latched-port"])
                check("packets", 4, shown["counters"]["packets"])
            a.remove(k)
            b.remove(k)
