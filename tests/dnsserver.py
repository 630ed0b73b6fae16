"""A real DNS server on loopback (dnslib), honest or misbehaving in the ways of the wild."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field

from dnslib import AAAA, CNAME, MX, PTR, QTYPE, RCODE, RR, SOA, SRV, TXT, A, DNSHeader, DNSQuestion, DNSRecord


def split_txt(text):
    data = text if isinstance(text, bytes) else text.encode()
    return [data[i : i + 255] for i in range(0, len(data), 255)] or [b""]


_MAKE = {
    "TXT": lambda v: TXT(split_txt(v)),
    "A": A,
    "AAAA": AAAA,
    "MX": lambda v: MX(v.split()[1], int(v.split()[0])),
    "PTR": PTR,
    "SRV": lambda v: SRV(*map(int, v.split()[:3]), v.split()[3]),
    "CNAME": CNAME,
}


@dataclass
class Zone:
    """Records by (name, type); what is not there does not exist, with a SOA that says so."""

    records: dict = field(default_factory=dict)
    ttl: int = 300

    def add(self, name, record_type, *values):
        self.records.setdefault((name.lower().rstrip("."), record_type), []).extend(values)

    def set(self, name, record_type, *values):
        self.records[(name.lower().rstrip("."), record_type)] = list(values)

    def remove(self, name, record_type):
        self.records.pop((name.lower().rstrip("."), record_type), None)

    def answer(self, request, *, chase=True):
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        for _ in range(20):
            values = self.records.get((name, kind))
            if values is not None:
                for value in values:
                    reply.add_answer(RR(name, getattr(QTYPE, kind), ttl=self.ttl, rdata=_MAKE[kind](value)))
                return reply
            alias = self.records.get((name, "CNAME"))
            if alias is None:
                break
            reply.add_answer(RR(name, QTYPE.CNAME, ttl=self.ttl, rdata=CNAME(alias[0])))
            name = alias[0].rstrip(".").lower()
            if not chase:
                return reply
        # A name below which another exists, exists itself (RFC 8020).
        if not any(n == name or n.endswith(f".{name}") for n, _ in self.records):
            reply.header.rcode = RCODE.NXDOMAIN
        reply.add_auth(RR("test", QTYPE.SOA, ttl=60, rdata=SOA("ns.test", "root.test", (1, 2, 3, 4, 60))))
        return reply


class DnsServer:
    """UDP and TCP on one loopback port.

    ``mode``: ok, silent, servfail, refused, notimp, garbage, short, wrong-id,
    wrong-question, nxdomain-all, empty-all, loop, referral, truncate-then-close.
    """

    def __init__(self, zone=None, mode="ok", host="127.0.0.1", port=0):
        self.zone = zone or Zone()
        self.mode = mode
        self.asked = Counter()
        self.over_tcp = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        while True:
            self._udp = socket.socket(family, socket.SOCK_DGRAM)
            self._udp.bind((host, port))
            self.port = self._udp.getsockname()[1]
            self._tcp = socket.socket(family, socket.SOCK_STREAM)
            try:
                self._tcp.bind((host, self.port))
            except OSError:
                self._udp.close()
                self._tcp.close()
                if port:
                    raise
                continue
            break
        self._tcp.listen(8)
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._serve_udp, daemon=True),
            threading.Thread(target=self._serve_tcp, daemon=True),
        ]
        for sock in (self._udp, self._tcp):
            sock.settimeout(0.1)
        for thread in self._threads:
            thread.start()

    @property
    def total(self):
        return sum(self.asked.values())

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self):
        while not self._stop.is_set():
            try:
                data, peer = self._udp.recvfrom(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            reply = self._reply(data, tcp=False)
            if reply is not None:
                self._udp.sendto(reply, peer)

    def _serve_tcp(self):
        while not self._stop.is_set():
            try:
                client, _ = self._tcp.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with client:
                client.settimeout(2)
                try:
                    (size,) = struct.unpack("!H", client.recv(2))
                    reply = self._reply(client.recv(size), tcp=True)
                    self.over_tcp += 1
                    if reply is not None and self.mode != "truncate-then-close":
                        client.sendall(struct.pack("!H", len(reply)) + reply)
                except (OSError, struct.error):
                    continue

    def _reply(self, data, *, tcp):
        request = DNSRecord.parse(data)
        name = str(request.q.qname).rstrip(".").lower()
        self.asked[(name, QTYPE[request.q.qtype])] += 1
        mode = self.mode
        if callable(mode):
            mode = mode(name, QTYPE[request.q.qtype])
        if mode == "silent":
            return None
        if mode == "garbage":
            return b"\x00\x01not DNS at all" * 3
        if mode == "short":
            return data[:5]
        if mode == "wrong-id":
            reply = self.zone.answer(request)
            reply.header.id = (request.header.id + 1) % 65_536
            return reply.pack()
        if mode == "wrong-question":
            reply = DNSRecord(
                DNSHeader(id=request.header.id, qr=1, ra=1), q=DNSQuestion("other.test", QTYPE.TXT)
            )
            reply.add_answer(RR("other.test", QTYPE.TXT, rdata=TXT("v=spf1 -all")))
            return reply.pack()
        codes = {"servfail": "SERVFAIL", "refused": "REFUSED", "notimp": "NOTIMP", "nxdomain-all": "NXDOMAIN"}
        if mode in codes:
            reply = request.reply()
            reply.header.rcode = getattr(RCODE, codes[mode])
            return reply.pack()
        if mode == "empty-all":
            return request.reply().pack()
        if mode == "referral":
            reply = request.reply(ra=0, aa=0)
            return reply.pack()
        if mode == "loop":
            reply = request.reply()
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME("b.loop.test")))
            reply.add_answer(RR("b.loop.test", QTYPE.CNAME, rdata=CNAME(name)))
            return reply.pack()
        reply = self.zone.answer(request, chase=mode != "no-chase")
        packed = reply.pack()
        if not tcp and (len(packed) > 1232 or mode == "truncate-then-close"):
            cut = request.reply()  # dnslib's truncate() drops the question, too
            cut.header.tc = 1
            return cut.pack()
        return packed
