"""What a spammer who reads our source would try, and what must come of it.

FORGED where something he cannot help gives him away. UNSURE where he has done
so well that no observation contradicts him: the message is kept, and he has
won an inbox that he could have had by writing to it. Never GENUINE, except
where his mail truly left through a relay of ours.
"""

from __future__ import annotations

from datetime import timedelta

from classifier.evidence.srs import srs_hash
from classifier.evidence.tags import batv_hash
from classifier.parse.report import Envelope
from tests.adversary.build import (
    BY_NAMELESS,
    BY_RELAY,
    BY_ZOMBIE,
    INCOMING,
    MX,
    SENT,
    SUBMISSION,
    TYPED_RELAY,
    dsn,
    exim,
    exim_received,
    headers_of,
    in_base64,
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
    FORGED,
    FORWARDER,
    GENUINE,
    KEY,
    NOW,
    OURS,
    PLAIN,
    SIGNING,
    STRANGE_KEY,
    STRICT,
    TAGGED,
    TO_FRIEND,
    case,
)
from tests.adversary.world import UNSURE as OPEN
from tests.keys import sign

#: What spam of a zombie looks like, unless a case says otherwise.
PILLS = {"subject": "Cheap watches", "message_id": "<0a1b2c@pc>", "body": "Buy now at http://spam.test/\n"}
BY_HOUSE = received(
    "pc", "dsl-9.pool.isp.test", "198.51.100.9", "mail.example.org", for_="nobody@example.org"
)
NAMED_SPAMMER = received("out.spam.test", "out.spam.test", "203.0.113.200", MX)
FROM_A_ZOMBIE = received(MX, "dsl-9.pool.isp.test", "198.51.100.9", "mail.example.org")
DAY = int(NOW.timestamp()) // 86_400


def spam(trace=BY_ZOMBIE, **changed):
    return original(trace, **{**PILLS, **changed})


def bot_report(number, client=None, *, subject="Replica watches, this week only"):
    """Write a report about what one of ten organisations had from a home of one of forty access providers."""
    mx = f"mx.remote{number % 10}.test"
    helo, name, address = client or ("pc", f"dsl-{number}.pool.access{number}.test", f"198.51.{number}.9")
    letter = spam(received(helo, name, address, mx), subject=subject)
    incoming = received(mx, mx, f"203.0.113.{number % 10 + 1}", "mail.example.org", with_="ESMTPS")
    raw = dsn(
        letter,
        final=f"u{number}@remote{number % 10}.test",
        reporter=mx,
        trace=incoming,
        sender=f"MAILER-DAEMON@{mx}",
    )
    return raw.replace(b"B0UND@", b"%d@" % number)


def prvs(days, key="the tagging secret", local="anna"):
    stamp = f"{(DAY + days) % 1000:03d}"
    return f"prvs=1{stamp}{batv_hash(key, '1', stamp, f'{local}@example.org')}={local}@example.org"


def srs(key, sender="eve", host="spam.test"):
    stamp = "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[n] for n in (DAY % 1024 // 32, DAY % 32))
    return f"SRS0={srs_hash(key, stamp, host, sender)[:4]}={stamp}={host}={sender}@example.org"


SIGNED = sign(original("", message_id=TO_FRIEND, to="friend@else.test", return_path=None), KEY)
REPLAYED = BY_ZOMBIE.encode() + SIGNED
SIGNED_AND_CHANGED = BY_ZOMBIE.encode() + SIGNED.replace(b"find the minutes", b"buy a watch at")
SIGNED_BY_SPAMMER = sign(spam(return_path=None), STRANGE_KEY, domain="spam.test")
SIGNED_WITH_ANOTHER_KEY = sign(spam(return_path=None), STRANGE_KEY)
TYPED_RESULTS = "Authentication-Results: mx.remote.test; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org\n"
RECEIVED_SPF = "Received-SPF: pass (mx.remote.test: domain of anna@example.org designates 198.51.100.9)\n"

ATTACKS = {
    # Straight from a zombie.
    "zombie, full original": case(dsn(spam()), FORGED, "SPF fails for the client that was seen", uses="dns"),
    "zombie, headers only": case(
        dsn(spam(), returned="headers"), FORGED, "the headers show the client", uses="dns"
    ),
    "zombie, no DNS": case(dsn(spam()), OPEN, "weak signs alone never quarantine"),
    "zombie, all our mail leaves through relays": case(
        dsn(spam()), FORGED, "first hop elsewhere", ALL_RELAYS
    ),
    "client without a name, relays complete": case(
        dsn(spam(BY_NAMELESS)), FORGED, "first hop elsewhere", ALL_RELAYS
    ),
    "zombie reported by qmail": case(
        qmail(spam(qmail_received("pc", "dsl-9.pool.isp.test", "198.51.100.9", MX))),
        FORGED,
        "SPF fails",
        uses="dns",
    ),
    "zombie reported by Exim in text": case(
        exim(spam(exim_received("pc", "dsl-9.pool.isp.test", "198.51.100.9", MX))),
        FORGED,
        "SPF fails",
        uses="dns",
    ),
    "original in base64": case(in_base64(spam()), FORGED, "unpacked, it is the zombie's again", uses="dns"),
    # Typed Received lines and greetings.
    "a typed line of our relay": case(
        dsn(spam(BY_ZOMBIE + TYPED_RELAY)), FORGED, "no hop joins it to the client that was seen"
    ),
    "a typed line of our relay, headers only": case(
        dsn(spam(BY_ZOMBIE + TYPED_RELAY), returned="headers"), FORGED, "the same where the body is missing"
    ),
    "a typed line in the reporter's own name": case(
        dsn(spam(BY_ZOMBIE + BY_RELAY)), FORGED, "only the newest hop of the reporter is an observation"
    ),
    "our whole genuine trace copied below": case(
        dsn(spam(BY_ZOMBIE + BY_RELAY + SUBMISSION)),
        FORGED,
        "all of it stands below the client that was seen",
    ),
    "a client without a name and a typed line": case(
        dsn(spam(BY_NAMELESS + TYPED_RELAY)), FORGED, "no hop joins the two"
    ),
    "HELO says our relay": case(
        dsn(spam(received("mail.example.org", None, "198.51.100.9", MX))),
        FORGED,
        "our relay has other addresses",
    ),
    "HELO says our relay, the zombie has a name": case(
        dsn(spam(received("mail.example.org", "dsl-9.pool.isp.test", "198.51.100.9", MX))),
        FORGED,
        "the looked-up name is not ours",
    ),
    "HELO says our relay, qmail": case(
        dsn(spam(qmail_received("mail.example.org", None, "198.51.100.9", MX))), FORGED, "another address"
    ),
    "HELO says our relay, Exim": case(
        dsn(spam(exim_received("mail.example.org", None, "198.51.100.9", MX))), FORGED, "another address"
    ),
    "HELO says our relay, and a typed line goes on from it": case(
        dsn(spam(received("mail.example.org", None, "198.51.100.9", MX) + SUBMISSION)),
        FORGED,
        "a client that greets with our name and is not ours continues nothing",
    ),
    "HELO says our relay, configured by name, DNS knows it": case(
        dsn(spam(received("mail.example.org", None, "198.51.100.9", MX), return_path=None)),
        FORGED,
        "its name resolves to another address",
        BY_NAME,
        uses="dns",
    ),
    "reverse DNS says our relay, forward DNS does not": case(
        dsn(spam(sendmail_received("mail.example.org", "mail.example.org", "198.51.100.9", MX, doubt=True))),
        FORGED,
        "Sendmail says: may be forged",
    ),
    "HELO is our relay's address literal": case(
        dsn(spam(received("[192.0.2.1]", None, "198.51.100.9", MX))),
        FORGED,
        "a greeting is no address",
        uses="dns",
    ),
    "HELO holds a whole faked client": case(
        dsn(spam(qmail_received("mail.example.org [192.0.2.1]", None, "198.51.100.9", MX))),
        FORGED,
        "the address that was seen stands behind the greeting",
        uses="dns",
    ),
    "IPv4-mapped address": case(
        dsn(spam(received("pc", None, "IPv6:::ffff:198.51.100.9", MX))), FORGED, "the same zombie", uses="dns"
    ),
    "ten thousand typed lines": case(
        dsn(spam(BY_ZOMBIE + TYPED_RELAY * 10_000)),
        FORGED,
        "read down to a bound; the top decides",
        uses="dns",
    ),
    "a typed Authentication-Results": case(
        dsn(spam(BY_ZOMBIE + TYPED_RESULTS)), FORGED, "it stands below the reporter's own hop", uses="dns"
    ),
    "a typed Received-SPF": case(dsn(spam(BY_ZOMBIE + RECEIVED_SPF)), FORGED, "typed as well", uses="dns"),
    "a typed date before everything": case(
        dsn(spam(date="Thu, 1 Jan 2009 00:00:00 +0000")),
        FORGED,
        "no date of the spammer's counts",
        uses="dns",
    ),
    # Our own server, made a reflector.
    "our own server bounces forged mail": case(
        own_dsn(spam(BY_HOUSE, to="nobody@example.org"), final="nobody@example.org", remote=None),
        FORGED,
        "it took the mail in from outside, without authentication",
    ),
    "our own server bounces forged mail, client without a name": case(
        own_dsn(
            spam(received("pc", None, "198.51.100.9", "mail.example.org"), to="nobody@example.org"),
            final="nobody@example.org",
            remote=None,
        ),
        FORGED,
        "the same",
    ),
    "our own server forwards forged mail outside": case(
        dsn(
            spam(
                BY_RELAY + received("pc", None, "198.51.100.9", "mail.example.org", for_="alias@example.org")
            ),
        ),
        FORGED,
        "our relay's own hop shows a client from outside for an address of ours",
    ),
    # Tags.
    "no BATV tag, and all our mail has one": case(
        dsn(spam(BY_NAMELESS), returned="headers"), FORGED, "tagged since January", TAGGED
    ),
    "a BATV tag out of the air": case(
        dsn(spam(), to="prvs=1075abcdef=anna@example.org"), FORGED, "not of our key", TAGGED
    ),
    "a BATV tag harvested and expired": case(
        dsn(spam(date=SENT), to=prvs(-12)), FORGED, "expired, and SPF fails", TAGGED, uses="dns"
    ),
    "a BATV tag harvested yesterday": case(
        dsn(spam(), to=prvs(6)), OPEN, "a valid tag against SPF: strong against strong", TAGGED, uses="dns"
    ),
    "a BATV tag of anna's on bob's address": case(
        dsn(spam(), to=prvs(6).replace("=anna", "=bob")), FORGED, "the tag covers the address", TAGGED
    ),
    "an SRS address out of the air": case(
        dsn(spam(from_="eve@spam.test"), to=srs("guess")), FORGED, "not of our key", FORWARDER
    ),
    # Addresses.
    "a trap as sender": case(
        dsn(spam(from_="trap@example.org", return_path="trap@example.org"), to="trap@example.org"),
        FORGED,
        "it never sends",
    ),
    "a trap with a subaddress": case(dsn(spam(), to="trap+news@example.org"), FORGED, "the same mailbox"),
    "a trap behind a copied trace": case(
        dsn(spam(BY_ZOMBIE + BY_RELAY), to="trap@example.org"), FORGED, "the trap and the look-alike"
    ),
    "an invented sender, senders closed": case(
        dsn(spam(from_="joe1@example.org", return_path="joe1@example.org"), to="joe1@example.org"),
        FORGED,
        "none of our senders",
        CLOSED,
    ),
    "a challenge to a trap": case(
        plain_reply(
            to="trap@example.org",
            subject="Please confirm your message",
            text="To deliver your message to x@remote.test you must confirm that you sent it. Click the link.\n",
            more="Auto-Submitted: auto-replied\n",
        ),
        FORGED,
        "nothing of the original is needed to know that a trap sent nothing",
    ),
    # Signatures and identifiers.
    "signed headers of ours replayed": case(
        dsn(REPLAYED, returned="headers"),
        (FORGED, OPEN),
        "signed for friend@else.test, failed at x@remote.test: no proof; and SPF fails",
        uses="dns",
    ),
    "signed headers of ours replayed over another body": case(
        dsn(SIGNED_AND_CHANGED),
        OPEN,
        "the body does not fit the signature and SPF fails; but gateways that rewrite look the same",
        uses="dns",
    ),
    "signed by the spammer's own domain": case(
        dsn(SIGNED_BY_SPAMMER), FORGED, "not our d=; SPF fails", uses="dns"
    ),
    "signed with our d= and another key": case(
        dsn(SIGNED_WITH_ANOTHER_KEY),
        FORGED,
        "does not verify; that alone says nothing, but SPF fails",
        uses="dns",
    ),
    "unsigned, and we sign all": case(dsn(spam()), FORGED, "no signature of ours", SIGNING, uses="dns"),
    "a Message-ID of ours from a list archive": case(
        dsn(spam(message_id=TO_FRIEND)),
        (FORGED, OPEN),
        "in the ledger, but not for this recipient: no proof; and SPF fails",
        uses="dns ledger",
    ),
    "not in the complete ledger": case(
        dsn(spam()), FORGED, "we hold all that we sent, and not this", COMPLETE, uses="dns ledger"
    ),
    "everything strict, everything typed": case(
        dsn(spam(BY_ZOMBIE + BY_RELAY + SUBMISSION, message_id="<20260310100000.99999999@example.org>")),
        FORGED,
        "copying our forms does not help against what was seen",
        STRICT,
        uses="dns ledger",
    ),
    # Only the return path is ours.
    "another author, our return path": case(
        dsn(spam(from_="eve@spam.test")), FORGED, "SPF speaks of the return path", uses="dns"
    ),
    # Reports made up from nothing, to reach the inbox.
    "a made-up report, brought by a zombie": case(
        dsn(original(), trace=FROM_A_ZOMBIE), OPEN, "the trace inside is typed text", PLAIN
    ),
    "a made-up report, relays configured": case(
        dsn(original(), trace=FROM_A_ZOMBIE),
        (OPEN, FORGED),
        "a home line brought it, not the server that it names: nothing inside counts",
    ),
    "a made-up report of our own server": case(
        own_dsn(original(SUBMISSION), trace=FROM_A_ZOMBIE), OPEN, "our server's hop shows who brought it"
    ),
    "a made-up report with a faked transport below": case(
        dsn(original(), trace=FROM_A_ZOMBIE + INCOMING), OPEN, "the newest hop alone is our word"
    ),
    "a made-up report without the original": case(
        dsn(returned="none", trace=FROM_A_ZOMBIE), OPEN, "nothing tells who sent what"
    ),
    "a made-up reply to a guessed Message-ID": case(
        plain_reply(more="Auto-Submitted: auto-replied\nIn-Reply-To: <1@example.org>\n", trace=FROM_A_ZOMBIE),
        OPEN,
        "no such message in the ledger, which may have holes",
        uses="ledger",
    ),
    # Forwarders made up.
    "a typed forwarder, client without a name": case(
        dsn(
            spam(
                received("fwd.alumni.test", None, "198.51.100.9", MX)
                + received("mail.example.org", "mail.example.org", "192.0.2.1", "fwd.alumni.test", when=SENT)
            )
        ),
        (OPEN, FORGED),
        "a forwarder without reverse DNS would look the same",
        ALL_RELAYS,
    ),
    "a spammer with a named server who types a forwarding": case(
        dsn(
            spam(
                NAMED_SPAMMER
                + received("mail.example.org", "mail.example.org", "192.0.2.1", "out.spam.test", when=SENT)
            )
        ),
        (OPEN, FORGED),
        "so would an alumni address that forwards",
        ALL_RELAYS,
    ),
    "a spammer with a named server who types our relay": case(
        dsn(spam(NAMED_SPAMMER + TYPED_RELAY)), FORGED, "the chain is broken, SPF fails", uses="dns"
    ),
    # Names that look alike.
    "a subdomain that is not ours in the Message-ID and HELO": case(
        dsn(spam(received("mail.example.org.spam.test", "dsl-9.pool.isp.test", "198.51.100.9", MX))),
        FORGED,
        "a longer name is another name",
        ALL_RELAYS,
    ),
    "a relay's name in another case and with a final dot": case(
        dsn(spam(received("MAIL.Example.ORG.", None, "198.51.100.9", MX))),
        FORGED,
        "a greeting all the same",
        uses="dns",
    ),
    # True mail of ours, which no check may call forged.
    "spam through our own relay": case(
        dsn(spam(BY_RELAY + SUBMISSION)), GENUINE, "an account was broken into; its bounces must be seen"
    ),
    "virus warning about a zombie's mail": case(
        plain_reply(
            subject="VIRUS IN YOUR MESSAGE",
            text="Our scanner found the Eicar virus in your message.\n\n"
            "------ headers of the message ------\n\n" + headers_of(spam()).decode(),
            sender="virus-scanner@mx.remote.test",
        ),
        (FORGED, OPEN),
        "SPF fails, where the warning's headers can be read",
        uses="dns",
    ),
    "null sender known from the envelope, untagged": case(
        dsn(spam(), return_path=None),
        FORGED,
        "all our mail is tagged",
        TAGGED,
        envelope=Envelope(mail_from="", rcpt_to="anna@example.org", received_at=NOW - timedelta(hours=1)),
    ),
    "relays by name, zombie with a typed line": case(
        dsn(spam(BY_ZOMBIE + TYPED_RELAY)), FORGED, "DNS knows our relay", BY_NAME, uses="dns"
    ),
    "nothing configured, zombie": case(
        dsn(spam()), FORGED, "the domain's SPF record is enough", PLAIN, uses="dns"
    ),
    "the report of a listless server": case(
        dsn(spam(), reporter="mx.local"),
        (FORGED, OPEN),
        "who wrote the top hop is less sure",
        OURS,
        uses="dns",
    ),
}
