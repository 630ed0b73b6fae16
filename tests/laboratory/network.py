"""The laboratory's network: namespaces of its own, its hosts' addresses and names, and the DNS that they ask."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.dnsserver import DnsServer, Zone
from tests.laboratory import places
from tests.support import find_program

DOMAIN = "example.org"
SELECTOR = "s1"
#: What the laboratory does to its namespaces, in small.
_TRIAL = """
ip link set lo up && ip rule add priority 10 uidrange 8-8 lookup local &&
mount -t overlay -o ro,lowerdir=/usr:/etc overlay /usr
"""
#: Told to the process inside.
_MARK = "BACKSCATTER_LABORATORY"


@dataclass(frozen=True)
class Host:
    """A machine.

    Attributes:
        address: its IPv4 address, of the blocks for documentation (RFC 5737), or a private one.
        name: what it calls itself.
        reverse: what its address is called in DNS; None: nothing.

    """

    address: str
    name: str
    reverse: str | None = ""

    @property
    def looked_up(self):
        return self.name if self.reverse == "" else self.reverse


#: The protected domain's own: where people submit, what mail leaves through, what takes mail in, a web server.
SUBMISSION = Host("192.0.2.10", "mail.example.org")
RELAY = Host("192.0.2.20", "out.example.org")
EXCHANGER = Host("192.0.2.30", "mx.example.org")
WEB = Host("192.0.2.40", "www.example.org")
DESK = Host("192.0.2.101", "[192.0.2.101]", reverse="pc-101.example.org")
#: A server and a machine of a branch that send by themselves, and that nobody thought of.
FORGOTTEN = Host("192.0.2.60", "gate2.example.org")
NAMELESS = Host("192.0.2.61", "gate3.example.org", None)
BRANCH = Host("198.51.100.15", "branch-nas", "p550f1a.dip.netz.test")
OURS = (SUBMISSION, RELAY, EXCHANGER, WEB, DESK, FORGOTTEN, NAMELESS, BRANCH)

#: Receivers; what each runs stands in ``sites``.
AHORN = Host("203.0.113.10", "mx2.ahorn.test")
BIRKE = Host("203.0.113.20", "mx.birke.test")
BIRKE_STORE = Host("10.20.0.5", "store.birke.test")
CEDER = Host("203.0.113.30", "mail.ceder.test")
DORN = Host("203.0.113.40", "mx1.dorn.test")
ESCHE = Host("203.0.113.50", "mail.esche.test")
FICHTE = Host("203.0.113.60", "smtp.fichte.test")
GINSTER = Host("203.0.113.70", "www.ginster.test")
IRIS = Host("203.0.113.75", "www.iris.test")
JASMIN = Host("203.0.113.80", "mail.jasmin.test")
LORBEER = Host("203.0.113.90", "mx.lorbeer.test")
#: Refuses while the client is there, or takes; never writes a report.
HASEL = Host("203.0.113.100", "mx.hasel.test")
#: A provider, through which its customers write.
ILEX = Host("203.0.113.120", "smtp-out.ilex.test")
#: A service that filters for kiefer.test: where it takes mail in, and where it hands it on from.
FILTER_IN = Host("203.0.113.130", "in3.scrubber.test")
FILTER_OUT = Host("203.0.113.131", "out7.filter.test")
RECEIVERS = (
    FILTER_IN,
    FILTER_OUT,
    AHORN,
    BIRKE,
    BIRKE_STORE,
    CEDER,
    DORN,
    ESCHE,
    FICHTE,
    GINSTER,
    HASEL,
    ILEX,
    IRIS,
    JASMIN,
    LORBEER,
)

#: Our people's lines at home.
HOME = tuple(Host(f"198.51.100.{n}", f"[192.168.1.{n}]", f"p5{n:02x}1a.dip.netz.test") for n in (11, 12, 13))
#: A net of infected machines: on lines with names, and without.
BOTS = (
    Host("198.51.100.71", "friend", "host-71-100-51-198.dyn.kabel.test"),
    Host("198.51.100.72", "[198.51.100.72]", "pool-198-51-100-72.dsl.fern.test"),
    Host("198.51.100.73", "WIN-8R3KQ", None),
    Host("198.51.100.74", "kfvzq.info", "198-51-100-74.static.stadt.test"),
)
#: Rented machines that send spam, with everything in order.
RENTED = (Host("198.51.100.201", "srv7.kirsche.test"), Host("198.51.100.202", "news.linde.test"))
EVERYBODY = (*OURS, *RECEIVERS, *HOME, *BOTS, *RENTED)


def zone(record):
    """Return what DNS says; *record* is the DKIM key of the protected domain."""
    found = Zone()
    for host in EVERYBODY:
        reverse = ".".join(reversed(host.address.split("."))) + ".in-addr.arpa"
        if host.looked_up:
            found.add(reverse, "PTR", host.looked_up)
            found.set(host.looked_up, "A", host.address)
        elif host in OURS:
            found.set(host.name, "A", host.address)
    found.add(DOMAIN, "MX", f"10 {EXCHANGER.name}")
    found.add(DOMAIN, "TXT", f"v=spf1 ip4:{RELAY.address} ip4:{SUBMISSION.address} ~all")
    found.add(f"{SELECTOR}._domainkey.{DOMAIN}", "TXT", record)
    found.add("kiefer.test", "MX", f"10 {FILTER_IN.name}")
    for host in RECEIVERS:
        if host is not BIRKE_STORE:
            found.add(host.name.partition(".")[2], "MX", f"10 {host.name}")
    return found


def reason_against():
    """Say why there can be no laboratory here, or ""."""
    if os.geteuid() != 0:
        return "real servers in a network of their own take root"
    for name in ("unshare", "ip", "mount"):
        if find_program(name) is None:
            return f"{name} is not there (Debian packages util-linux, iproute2, mount)"
    done = subprocess.run(_command("sh", "-c", _TRIAL), capture_output=True, text=True, check=False)
    return f"no namespaces here, or not all that they need: {done.stderr.strip()}" if done.returncode else ""


def _command(*command):
    # The shell takes care of processes that servers leave behind: the first one of a namespace has to.
    return ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", '"$@"; exit $?', "sh", *command]  # fmt: skip


def is_inside():
    return os.environ.get(_MARK) == "inside"


def enter(arguments):
    """Run the laboratory with these *arguments* in namespaces of its own; gives its exit status. At its end nothing of it is left."""
    command = _command(sys.executable, "-m", "tests.laboratory", *arguments)
    with tempfile.TemporaryDirectory(prefix="backscatter-lab-", ignore_cleanup_errors=True) as folder:
        # Its servers run as other users.
        Path(folder).chmod(0o755)
        environment = {**os.environ, _MARK: "inside", "TMPDIR": folder}
        return subprocess.run(command, env=environment, check=False).returncode


@contextmanager
def together(managers):
    """Enter all of *managers* at once, since each takes a second or two, and leave them so; gives what they give."""
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        stacks = [stack.enter_context(ExitStack()) for _ in managers]
        try:
            yield list(
                pool.map(lambda pair: pair[0].enter_context(pair[1]), zip(stacks, managers, strict=True))
            )
        finally:
            list(pool.map(ExitStack.close, stacks))


@contextmanager
def up(record):
    """Give every host its address on the loopback device, and let the machine ask the laboratory's DNS alone; gives the server."""
    places.prepare()
    run = functools.partial(subprocess.run, check=True)
    run(["ip", "link", "set", "lo", "up"])
    for host in EVERYBODY:
        run(["ip", "address", "add", f"{host.address}/32", "dev", "lo"])
    run(["ip", "address", "add", "10.20.0.6/32", "dev", "lo"])
    for name, text in (
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1\n"),
        ("hosts", "127.0.0.1 localhost\n"),
    ):
        place = Path("/etc", name)
        # It may lead out of /etc.
        place.unlink(missing_ok=True)
        place.write_text(text)
        place.chmod(0o644)
    with DnsServer(zone(record), port=53) as server:
        yield server
