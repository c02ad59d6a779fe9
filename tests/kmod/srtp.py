# SPDX-License-Identifier: GPL-2.0-or-later
"""SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714) in Python, on the AES and HMAC of `cryptography`.

It shares nothing with kmod/rtp/srtp*.c, and test_srtp.py holds it against the vectors of the RFCs
and against libsrtp before it holds kims.ko against it.
"""
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# name: octets of key, salt, tag of SRTP and of SRTCP; AEAD
SUITES = {
    "aes-cm-128-hmac-sha1-80": (16, 14, 10, 10, False),
    "aes-cm-128-hmac-sha1-32": (16, 14, 4, 10, False),
    "aes-256-cm-hmac-sha1-80": (32, 14, 10, 10, False),
    "aes-256-cm-hmac-sha1-32": (32, 14, 4, 10, False),
    "aead-aes-128-gcm": (16, 12, 16, 16, True),
    "aead-aes-256-gcm": (32, 12, 16, 16, True),
}


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def keystream(key, block, length):
    """AES in counter mode from this block on."""
    return Cipher(algorithms.AES(key), modes.CTR(block)).encryptor().update(bytes(length))


def derive(key, salt, label, length):
    """RFC 3711 4.3.1, 4.3.3 with a key derivation rate of 0."""
    x = xor(salt.ljust(14, b"\0"), bytes(7) + bytes([label]) + bytes(6))
    return keystream(key, x + b"\0\0", length)


def header_length(packet):
    n = 12 + (packet[0] & 15) * 4
    if packet[0] & 16:
        n += 4 + struct.unpack_from("!H", packet, n + 2)[0] * 4
    return n


def cm(key, salt, ssrc, index, data):
    iv = xor(salt + b"\0\0", bytes(4) + struct.pack("!I", ssrc) + struct.pack("!Q", index << 16))
    return xor(data, keystream(key, iv, len(data)))


def gcm_iv(salt, ssrc, index):
    return xor(salt, b"\0\0" + struct.pack("!I", ssrc) + struct.pack("!Q", index)[2:])


class Srtp:
    """One direction under one master key; the caller says the ROC and the SRTCP index."""

    def __init__(self, suite, key, mki=b""):
        key_len, salt_len, self.tag, self.rtcp_tag, self.aead = SUITES[suite]
        assert len(key) == key_len + salt_len
        master, salt = key[:key_len], key[key_len:]
        self.mki = mki
        self.keys = [(derive(master, salt, n, key_len), derive(master, salt, n + 1, 20),
                      derive(master, salt, n + 2, salt_len)) for n in (0, 3)]

    def protect(self, packet, roc=0):
        key, auth, salt = self.keys[0]
        n = header_length(packet)
        seq, _, ssrc = struct.unpack_from("!HII", packet, 2)
        index = roc << 16 | seq
        if self.aead:
            return packet[:n] + AESGCM(key).encrypt(gcm_iv(salt, ssrc, index), packet[n:],
                                                    packet[:n]) + self.mki
        body = packet[:n] + cm(key, salt, ssrc, index, packet[n:])
        tag = hmac.new(auth, body + struct.pack("!I", roc), hashlib.sha1).digest()
        return body + self.mki + tag[:self.tag]

    def protect_rtcp(self, packet, index, encrypt=True):
        key, auth, salt = self.keys[1]
        ssrc = struct.unpack_from("!I", packet, 4)[0]
        word = struct.pack("!I", encrypt << 31 | index)
        if self.aead:
            n = 8 if encrypt else len(packet)
            sealed = AESGCM(key).encrypt(gcm_iv(salt, ssrc, index), packet[n:], packet[:n] + word)
            return packet[:n] + sealed + word + self.mki
        if encrypt:
            packet = packet[:8] + cm(key, salt, ssrc, index, packet[8:])
        tag = hmac.new(auth, packet + word, hashlib.sha1).digest()[:self.rtcp_tag]
        return packet + word + self.mki + tag
