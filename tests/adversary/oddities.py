"""What honest mail looks like on a bad day. None of it may be quarantined.

GENUINE where something tells that it was ours; UNSURE, which is kept as well,
where nothing does. KEPT leaves open which: no sign would be a fair ground.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from classifier.parse.report import Envelope
from tests.adversary.attacks import FORWARDER, prvs, srs
from tests.adversary.build import (
    BY_RELAY,
    INCOMING,
    LOCAL,
    MX,
    SENT,
    SUBMISSION,
    dsn,
    exim,
    exim_received,
    headers_of,
    original,
    own_dsn,
    plain_reply,
    qmail,
    qmail_received,
    received,
    sendmail_received,
)
from tests.adversary.world import (
    ALL_RELAYS,
    BY_NAME,
    CLOSED,
    COMPLETE,
    GENUINE,
    KEY,
    NOW,
    OURS,
    PLAIN,
    RETIRED_KEY,
    SIGNING,
    STRICT,
    TAGGED,
    TO_REMOTE,
    UNSURE,
    case,
)
from tests.keys import sign

KEPT = (GENUINE, UNSURE)

LISTS = received("lists.test", "lists.test", "203.0.113.80", MX)
ALUMNI = received("fwd.alumni.test", "fwd.alumni.test", "203.0.113.80", MX)
TO_ALUMNI = received("mail.example.org", "mail.example.org", "192.0.2.1", "fwd.alumni.test", when=SENT)
TO_LISTS = received("mail.example.org", "mail.example.org", "192.0.2.1", "lists.test", when=SENT)
PROVIDER = received("out7.provider.test", "out7.provider.test", "203.0.113.70", MX)
TO_PROVIDER = received(
    "laptop", "cable-7.isp.test", "198.51.100.7", "smtp.provider.test", with_="ESMTPSA", when=SENT
)
ISP_IN = received(
    "smtp.isp.test", "smtp.isp.test", "203.0.113.90", "mail.example.org", for_="full@example.org"
)
FORM_IN = received("web1.rented.test", "web1.rented.test", "203.0.113.91", "mail.example.org")
VPS_IN = received("vps.rented.test", "static-203-0-113-92.rented.test", "203.0.113.92", "mail.example.org")
PICKUP = "Received: by mail.example.org (Postfix, from userid 1000)\n\tid 4VwQ0p9; Tue, 10 Mar 2026 10:00:00 +0000\n"

SIGNED = sign(original("", return_path=None), KEY)
SIGNED_OLD = sign(original("", return_path=None), RETIRED_KEY, selector="s0")
OLD_KEY_KEPT = dataclasses.replace(OURS, dkim_keys={"s0._domainkey.example.org": RETIRED_KEY.record})

ODDITIES = {
    # The plain cases.
    "genuine, full original": case(dsn(), GENUINE, "our relay connected"),
    "genuine, headers only": case(dsn(returned="headers"), GENUINE, "our relay connected"),
    "genuine, by our own server": case(
        own_dsn(original(SUBMISSION)), GENUINE, "our server reports about mail of a client that had logged in"
    ),
    "genuine, everything strict": case(
        dsn(b"".join((BY_RELAY.encode(), SUBMISSION.encode(), SIGNED)), to=prvs(6)),
        GENUINE,
        "signed, tagged, in the ledger, through our relay",
        STRICT,
        uses="dns ledger",
    ),
    "genuine, everything strict and DNS dead": case(
        dsn(b"".join((BY_RELAY.encode(), SUBMISSION.encode(), SIGNED)), to=prvs(6)),
        GENUINE,
        "what does not answer says nothing",
        STRICT,
        uses="dead-dns ledger",
    ),
    "nothing of the original returned": case(dsn(returned="none"), UNSURE, "undecidable without a ledger"),
    "nothing returned, all relays known": case(dsn(returned="none"), UNSURE, "undecidable", ALL_RELAYS),
    "qmail writes (HELO relay)": case(
        qmail(original(qmail_received("mail.example.org", None, "192.0.2.1", MX) + SUBMISSION)),
        GENUINE,
        "the address behind the greeting is our relay's",
    ),
    "qmail, relay configured by name, no DNS": case(
        qmail(original(qmail_received("mail.example.org", None, "192.0.2.1", MX) + SUBMISSION)),
        KEPT,
        "nobody can tell the address",
        dataclasses.replace(BY_NAME, relays_complete=True),
    ),
    "qmail, relay configured by name, DNS dead": case(
        qmail(original(qmail_received("mail.example.org", None, "192.0.2.1", MX) + SUBMISSION)),
        KEPT,
        "nobody can tell the address",
        dataclasses.replace(BY_NAME, relays_complete=True),
        uses="dead-dns",
    ),
    "Exim's form": case(
        exim(original(exim_received("mail.example.org", "mail.example.org", "192.0.2.1", MX))),
        GENUINE,
        "our relay",
    ),
    "Sendmail's form": case(
        dsn(original(sendmail_received("mail.example.org", "mail.example.org", "192.0.2.1", MX))),
        GENUINE,
        "our relay",
    ),
    # Ways past the relay.
    "a provider that is not listed": case(
        dsn(original(PROVIDER + TO_PROVIDER)), KEPT, "another first hop is weak"
    ),
    "a device at home, through its provider's server, in another name": case(
        dsn(
            original(
                received("raspberrypi", "dsl-9.pool.isp.test", "198.51.100.9", "smtp.isp.test"),
                from_="Alarm <alarm@isp.test>",
                message_id="<1@raspberrypi>",
            ),
            reporter="smtp.isp.test",
            remote=MX,
            trace=received("smtp.isp.test", "smtp.isp.test", "203.0.113.5", "mail.example.org"),
        ),
        KEPT,
        "the provider knows its customer by the line, and reports what the next server refused",
        PLAIN,
    ),
    "our own server, which puts no trace on what it writes": case(
        dsn(
            original(received("ws24", None, "198.51.100.7", "out.example.org")),
            reporter="out.example.org",
            sender="postmaster@example.org",
            trace="",
        ),
        KEPT,
        "Exchange: the client that it saw is a colleague's PC",
        ALL_RELAYS,
    ),
    "a provider that SPF authorises": case(
        dsn(original(PROVIDER + TO_PROVIDER)),
        UNSURE,
        "SPF passes, through hosts that others use as well",
        uses="dns",
    ),
    "a newsletter sent by a third party": case(
        dsn(
            original(
                PROVIDER,
                message_id="<news.17@provider.test>",
                more="List-Unsubscribe: <mailto:u@provider.test>\n",
            )
        ),
        KEPT,
        "services write Message-IDs of their own",
    ),
    "a provider's own report": case(
        dsn(
            original(
                received(
                    "mail.example.org", "mail.example.org", "192.0.2.1", "smtp.provider.test", with_="ESMTPSA"
                )
            ),
            reporter="smtp.provider.test",
            remote=MX,
            trace=received("smtp.provider.test", "smtp.provider.test", "203.0.113.70", "mail.example.org"),
            sender="MAILER-DAEMON@smtp.provider.test",
        ),
        GENUINE,
        "our relay handed the mail to it",
    ),
    "our relay over IPv6, only IPv4 configured": case(
        dsn(original(received("mail.example.org", None, "IPv6:2001:db8::1", MX) + SUBMISSION)),
        KEPT,
        "no address of ours of that family is known",
        ALL_RELAYS,
    ),
    "a second address of ours that nobody listed": case(
        dsn(original(received("out2.example.org", "out2.example.org", "203.0.113.33", MX) + SUBMISSION)),
        GENUINE,
        "its looked-up name lies below our domain",
    ),
    "our office behind address translation": case(
        dsn(original(received("exchange.corp.local", "mail.example.org", "192.0.2.1", MX))),
        GENUINE,
        "the greeting is an inner name; the address is ours",
    ),
    # Passed on by others.
    "an alumni address forwards": case(
        dsn(original(ALUMNI + TO_ALUMNI + SUBMISSION)),
        KEPT,
        "the forwarder's own hop names our relay",
        ALL_RELAYS,
    ),
    "an alumni address forwards, SPF fails for it": case(
        dsn(original(ALUMNI + TO_ALUMNI + SUBMISSION)), KEPT, "forwarding breaks SPF", ALL_RELAYS, uses="dns"
    ),
    "a forwarder without reverse DNS": case(
        dsn(original(received("fwd.alumni.test", None, "203.0.113.80", MX) + TO_ALUMNI + SUBMISSION)),
        KEPT,
        "its greeting and its hop agree",
        ALL_RELAYS,
    ),
    "a forwarder with an inner name": case(
        dsn(
            original(
                ALUMNI
                + received("mail.example.org", "mail.example.org", "192.0.2.1", "node3", when=SENT)
                + SUBMISSION
            )
        ),
        KEPT,
        "hosts behind gateways write names without a domain",
        ALL_RELAYS,
    ),
    "a forwarder that rewrites the sender (SRS)": case(
        dsn(
            original(
                ALUMNI + TO_ALUMNI + SUBMISSION, return_path="SRS0=ab12=JN=example.org=anna@fwd.alumni.test"
            )
        ),
        KEPT,
        "the forwarder's address names ours inside",
        ALL_RELAYS,
    ),
    "a mailing list that keeps the sender": case(
        dsn(
            original(LISTS + TO_LISTS + SUBMISSION, to="list@lists.test", more="List-Id: <list.lists.test>\n")
        ),
        KEPT,
        "lists pass mail on",
        ALL_RELAYS,
        uses="dns",
    ),
    "a mailing list that changed subject and body": case(
        dsn(
            LISTS.encode()
            + TO_LISTS.encode()
            + SIGNED.replace(b"Subject: The", b"Subject: [list] The").replace(
                b"\n\nAnna", b"\n\nAnna\n-- \nlist"
            ),
        ),
        KEPT,
        "a broken signature is no forgery",
        SIGNING,
        uses="dns",
    ),
    "a member's server answers mail of our own list": case(
        dsn(
            original(from_="eve@else.test", more="List-Id: <talk.example.org>\n", return_path=None),
            to="talk-bounces+x=remote.test@example.org",
        ),
        GENUINE,
        "our list sent it on",
    ),
    "our forwarder's SRS address": case(
        dsn(
            original(
                BY_RELAY
                + received(
                    "out.else.test",
                    "out.else.test",
                    "203.0.113.60",
                    "mail.example.org",
                    for_="al@example.org",
                ),
                from_="eve@else.test",
                return_path=None,
            ),
            to=srs("the forwarding secret", "eve", "else.test"),
        ),
        KEPT,
        "our forwarder has to pass it on",
        FORWARDER,
    ),
    # Our own hosts' reports.
    "dma reports mail that our relay refused": case(
        own_dsn(
            original("", message_id=None),
            reporter="web1.example.org",
            sender="MAILER-DAEMON@web1.example.org",
            remote="mail.example.org",
            trace=received("web1.example.org", "web1.example.org", "192.0.2.9", "mail.example.org")
            + f"Received: from MAILER-DAEMON (uid 0)\n\tby web1.example.org (DragonFly Mail Agent v0.13); {SENT}\n",
        ),
        GENUINE,
        "a host of ours wrote it about mail of its own",
    ),
    "a cron job's mail bounces locally": case(
        own_dsn(
            original(PICKUP, from_="root@example.org", return_path="root@example.org"), to="root@example.org"
        ),
        GENUINE,
        "picked up on the host",
    ),
    "a colleague writes to a full mailbox from home": case(
        own_dsn(
            original(ISP_IN, to="full@example.org"), final="full@example.org", remote=None, status="5.2.2"
        ),
        KEPT,
        "through the relay of an internet provider",
    ),
    "a web form on a rented server": case(
        own_dsn(
            original(FORM_IN, to="full@example.org"), final="full@example.org", remote=None, status="5.2.2"
        ),
        KEPT,
        "it sends under our name to our own address",
    ),
    "a web form on a rented server with a numbered name": case(
        own_dsn(
            original(VPS_IN, to="full@example.org"), final="full@example.org", remote=None, status="5.2.2"
        ),
        KEPT,
        "hosters name servers so",
    ),
    "POP before SMTP": case(
        own_dsn(
            original(
                received("pc", "cable-7.isp.test", "198.51.100.7", "mail.example.org", for_="x@remote.test")
            )
        ),
        KEPT,
        "our server relays for whom it knows",
    ),
    "a delay notice of our own server": case(
        own_dsn(original(SUBMISSION), action="delayed", status="4.4.1"),
        GENUINE,
        "mail of a client that had logged in",
    ),
    # Times.
    "reported after a week": case(
        dsn(
            original(SUBMISSION, return_path=None),
            to=prvs(1),
            arrival="Wed, 4 Mar 2026 10:00:00 +0000",
            action="failed",
            status="4.4.7",
        ),
        GENUINE,
        "the tag was valid on arrival",
        TAGGED,
    ),
    "reported after nine days, without an arrival date": case(
        dsn(original(SUBMISSION, return_path=None), to=prvs(-2), arrival=None),
        KEPT,
        "a tag of ours that ran out is a weak sign",
        TAGGED,
    ),
    "a clock a day ahead": case(
        dsn(arrival="Wed, 11 Mar 2026 11:00:00 +0000", to=prvs(7)), GENUINE, "clocks are off", TAGGED
    ),
    "a clock a day behind on a hop": case(
        dsn(original(ALUMNI + TO_ALUMNI.replace("10 Mar", "11 Mar") + SUBMISSION)),
        KEPT,
        "clocks are off",
        ALL_RELAYS,
    ),
    "sent before tagging began": case(
        dsn(arrival="Tue, 10 Mar 2026 10:00:05 +0000"),
        GENUINE,
        "mail may wait in queues for a week",
        dataclasses.replace(TAGGED, batv_since=datetime(2026, 3, 6, tzinfo=UTC)),
    ),
    "an old mailbox judged years later": case(
        dsn(to=prvs(6)), GENUINE, "our receipt counts, not today", TAGGED, envelope=Envelope(received_at=NOW)
    ),
    # Replies that answer the From header.
    "a vacation note, and all our mail is tagged": case(
        plain_reply(), UNSURE, "it answers the From header", TAGGED
    ),
    "a vacation note that names our message": case(
        plain_reply(more=f"Auto-Submitted: auto-replied\nIn-Reply-To: {TO_REMOTE}\n"),
        GENUINE,
        "the ledger holds that message to this address",
        uses="ledger",
    ),
    "a list server's refusal (mlmmj)": case(
        dsn(return_path="list+bounces@lists.test", sender="list+owner@lists.test", reporter="lists.test"),
        KEPT,
        "not from the null sender",
        TAGGED,
    ),
    "a read receipt": case(
        plain_reply(
            subject="Read: The minutes of Monday",
            text="Your message was read.\n",
            more="Auto-Submitted: auto-replied\nDisposition-Notification-To: anna@example.org\n",
        ),
        (UNSURE, GENUINE, "not-a-report"),
        "nothing to hold against it",
    ),
    "a challenge to a true message": case(
        plain_reply(
            subject="Please confirm your message",
            text="To deliver your message to x@remote.test you must confirm that you sent it.\n",
        ),
        KEPT,
        "nothing of the original returned",
        ALL_RELAYS,
    ),
    "a virus warning about a true message": case(
        plain_reply(
            subject="VIRUS IN YOUR MESSAGE",
            text="Our scanner found a macro in your message.\n\n------ headers of the message ------\n\n"
            + headers_of(original()).decode(),
            sender="virus-scanner@mx.remote.test",
        ),
        KEPT,
        "our relay connected",
    ),
    # Identifiers and signatures.
    "a phone's Message-ID": case(
        dsn(original(message_id="<A1B2@[192.168.1.5]>")), GENUINE, "our relay counts for more"
    ),
    "a ticket system's Message-ID and return path": case(
        dsn(
            original(
                message_id="<rt-4.4-17-1@tickets.test>", return_path=None, from_="Help <help@example.org>"
            ),
            to="help@example.org",
        ),
        GENUINE,
        "through our relay",
    ),
    "a relay that rewrote the Message-ID, ledger complete": case(
        dsn(original(message_id="<0102019@eu-west-1.amazonses.com>")),
        KEPT,
        "a ledger miss is not forgery where relays rewrite",
        COMPLETE,
        uses="ledger",
    ),
    "a key rotated out of DNS": case(
        dsn(BY_RELAY.encode() + SIGNED_OLD),
        GENUINE,
        "the configuration still holds the key",
        OLD_KEY_KEPT,
        uses="dns",
    ),
    "a key that nobody knows any more": case(
        dsn(BY_RELAY.encode() + SIGNED_OLD), GENUINE, "through our relay all the same", SIGNING, uses="dns"
    ),
    "a server that rewrites address headers (Courier)": case(
        dsn(
            BY_RELAY.encode() + SIGNED.replace(b"Anna <anna@example.org>", b"anna@example.org"),
            returned="headers",
        ),
        GENUINE,
        "a signature broken on the way back says nothing",
        SIGNING,
        uses="dns",
    ),
    "a server that drops the signature": case(
        dsn(original(), returned="headers"), KEPT, "returned headers are not always all", SIGNING, uses="dns"
    ),
    # Returned in pieces.
    "headers cut off": case(
        dsn(headers_of(original())[:160], returned="full"), KEPT, "what is missing says nothing", ALL_RELAYS
    ),
    "no Received line returned": case(
        dsn(original("")), KEPT, "85 of 99 such bounces are flagged by others", ALL_RELAYS
    ),
    "headers end at an 8-bit line (Postfix)": case(
        dsn(headers_of(original(BY_RELAY)).partition(b"Subject")[0], returned="headers"),
        KEPT,
        "cut off",
        STRICT,
    ),
    "a reporter known by an inner name": case(
        dsn(reporter="mx.local", sender="postmaster@mx.local"),
        KEPT,
        "it does not say under its public name",
        ALL_RELAYS,
    ),
    "no Reporting-MTA": case(dsn(reporter=None), KEPT, "optional in practice", ALL_RELAYS),
    "no transport of the report known": case(dsn(trace=""), GENUINE, "exported mail has lost it"),
    "8-bit addresses": case(
        dsn(original(to="jürgen@remote.test"), final="jürgen@remote.test"),
        GENUINE,
        "RFC 6532 mail through our relay",
    ),
    "CRLF throughout": case(dsn().replace(b"\n", b"\r\n"), GENUINE, "line ends are no evidence"),
    "an mbox From_ line on top": case(
        b"From MAILER-DAEMON Tue Mar 10 10:00:12 2026\n" + dsn(), GENUINE, "mailboxes add it"
    ),
    # Addresses.
    "a subaddress of a sender, senders closed": case(
        dsn(original(return_path="anna+lists@example.org"), to="anna+lists@example.org"),
        GENUINE,
        "anna's",
        CLOSED,
    ),
    "an inner mailbox name, senders closed": case(
        dsn(more="Delivered-To: mailbox7@example.org\n"), GENUINE, "To shows whom it was for", CLOSED
    ),
    "postmaster, senders closed": case(
        dsn(original(from_="postmaster@example.org", return_path=None), to="postmaster@example.org"),
        GENUINE,
        "every domain has one",
        CLOSED,
    ),
    "an assistant writes for somebody outside": case(
        dsn(original(from_="Guest <guest@else.test>", more="Sender: anna@example.org\n")),
        GENUINE,
        "Sender is ours",
    ),
    "nothing configured at all": case(dsn(), KEPT, "the trace shows a host below the domain", PLAIN),
    "fetched by a provider's mailbox": case(
        dsn(
            trace=received("mail.example.org", "mail.example.org", "192.0.2.1", "in.mailbox.test", when=SENT)
            + INCOMING
        ),
        GENUINE,
        "our relay passed the report on to the mailbox",
    ),
    "moved by fetchmail": case(
        dsn(
            trace=LOCAL.replace("by mail.example.org", "from pop.isp.test by localhost with POP3") + INCOMING
        ),
        KEPT,
        "one more hop on our side",
    ),
    "a week's holiday": case(
        dsn(), GENUINE, "looked at late", envelope=Envelope(received_at=NOW - timedelta(days=5))
    ),
}
