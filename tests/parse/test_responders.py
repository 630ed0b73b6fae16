"""What programs that are no mail servers tell the sender of a message, and what they write besides, by hand after their output."""

import pytest

from classifier.parse.message import parse

ANSWERS = "In-Reply-To: <1@example.org>\n"
ORIGINAL = "From: anna@example.org\nTo: talk@lists.remote.test\nSubject: Minutes\nMessage-ID: <1@example.org>\nDate: Sun, 1 Mar 2026 10:00:00 +0000\n\nHello\n"
#: mlmmj marks what it writes itself in the identifier alone.
MLMMJ = "Message-ID: <1795907253-16718-mlmmj-41e90139@lists.remote.test>\n"
POST = "The message from <anna@example.org> has been submitted to the list <talk@lists.remote.test>."


def mail(path, headers, text, original=None):
    """Write a message to anna@example.org with a reverse path, perhaps with another message in it."""
    head = f"Return-Path: <{path}>\nTo: anna@example.org\nDate: Sun, 1 Mar 2026 10:01:00 +0000\n{headers}"
    if original is None:
        return f"{head}\n{text}\n".encode()
    parts = f"--b\n\n{text}\n--b\nContent-Type: message/rfc822\n\n{original}\n--b--\n"
    return f"{head}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n{parts}".encode()


def mlmmj(path, author, subject, text, original=None):
    headers = f"From: talk+{author}@lists.remote.test\nSubject: {subject}\n{MLMMJ}"
    return mail(f"talk+{path}@lists.remote.test", headers, text, original)


def test_mlmmj_returns_a_post_that_it_does_not_take():
    text = f"{POST} It was unable to be delivered to the list because you are not a subscriber."
    report = parse(
        mlmmj("bounces-help", "owner", "Post to talk@lists.remote.test denied: Minutes", text, ORIGINAL)
    )
    assert report.kind == "bounce"
    assert [r.final_recipient for r in report.recipients] == ["talk@lists.remote.test"]
    assert report.original.message_id == "<1@example.org>"


HELD = (
    "Awaiting release to talk@lists.remote.test: Minutes",
    f"{POST} The moderators are being asked to review it first.",
)


def test_mlmmj_holds_a_post_for_its_moderators():
    report = parse(mlmmj("owner", "owner", *HELD, ORIGINAL))
    assert (report.kind, report.format) == ("auto-reply", "list-manager")
    assert [r.final_recipient for r in report.recipients] == ["talk@lists.remote.test"]
    assert report.original.message_id == "<1@example.org>"


MAILMAN = "Precedence: bulk\nX-Mailman-Version: 3.3.8\nX-List-Administrivia: yes\nList-Id: <talk.lists.remote.test>\n"


@pytest.mark.parametrize(
    ("author", "subject", "text", "kind"),
    [
        ("talk-bounces", "Your message to talk awaits moderator approval", "Your mail is being held until the list moderator can review it.", "auto-reply"),
        ("talk-owner", "Request to mailing list Talk rejected", "Your message has been rejected. Questions go to the owner at\n\n    talk-owner@lists.remote.test", "bounce"),
    ],
    ids=["held", "rejected"],
)  # fmt: skip
def test_what_mailman_tells_of_a_post_is_about_the_list(author, subject, text, kind):
    headers = f"From: {author}@lists.remote.test\nSubject: {subject}\n{MAILMAN}"
    report = parse(mail("talk-bounces@lists.remote.test", headers, text))
    assert report.kind == kind
    assert [r.final_recipient for r in report.recipients] == ["talk@lists.remote.test"]


def test_who_keeps_a_list_of_mlmmj_is_asked_and_told_nothing_of_his_own():
    raw = mlmmj("owner", "owner", "Please moderate talk@lists.remote.test: Minutes", HELD[1], ORIGINAL)
    assert (
        parse(raw.replace(b"To: anna@example.org\nDate", b"To: talk-moderators@lists.remote.test\nDate")).kind
        == "other"
    )


@pytest.mark.parametrize(
    ("author", "subject", "text"),
    [
        ("help", "Confirm subscription to talk@lists.remote.test", "Somebody asked for your subscription. To confirm it, reply to this message."),
        ("help", "Welcome to talk@lists.remote.test", "Thank you for confirming your subscription."),
        ("owner", "Information for talk@lists.remote.test", "To subscribe, write to talk+subscribe@lists.remote.test."),
    ],
    ids=["to confirm", "welcome", "help"],
)  # fmt: skip
def test_what_mlmmj_tells_subscribers_is_no_report(author, subject, text):
    assert parse(mlmmj("bounces-help", author, subject, text)).kind == "other"


def test_who_keeps_a_list_writes_himself():
    headers = f"From: Dan <talk+owner@lists.remote.test>\nSubject: Your post\n{ANSWERS}"
    raw = mail(
        "talk+owner@lists.remote.test", headers, "Anna,\n\nthe moderators want to see it again.\n\nDan"
    )
    assert parse(raw).kind == "other"


#: Reverse path, header fields and text of what answers automatically.
AUTOMATIC = {
    "vacation, which writes what its file says": ("carol@remote.test", "From: carol@remote.test\nSubject: away from my mail\n", "I am away until Monday."),
    "GNU Mailutils": ("carol@remote.test", f"From: carol@remote.test\nSubject: Out of office\n{ANSWERS}", "I am away until Monday."),
    "formail": ("carol@remote.test", f"From: carol@remote.test\nSubject: Re: Minutes\nX-Loop: carol@remote.test\nPrecedence: junk\n{ANSWERS}", "On Monday."),
    "a bug tracker": ("debbugs@bugs.remote.test", f"From: owner@bugs.remote.test (Bugs)\nSubject: Bug#1: Acknowledgement\nX-Loop: owner@bugs.remote.test\nPrecedence: bulk\n{ANSWERS}", "Your report was filed."),
    "Cyrus": ("", f"From: <carol@remote.test>\nX-Sieve: CMU Sieve 3.0\nX-Sieve-Action: vacation\nSubject: Auto: Minutes\nAuto-Submitted: auto-replied (vacation)\n{ANSWERS}", "On Monday."),
    "a notice that answers": ("", f"From: carol@remote.test\nSubject: Minutes\nAuto-Submitted: auto-notified\n{ANSWERS}", "It was filed."),
}  # fmt: skip


@pytest.mark.parametrize("case", AUTOMATIC)
def test_automatic_answers(case):
    assert parse(mail(*AUTOMATIC[case])).kind == "auto-reply"


#: The same of people's mail, and of what answers nobody.
ORDINARY = {
    "a bug tracker passes mail on": ("debbugs@bugs.remote.test", f"From: Dan <dan@else.test>\nSubject: Bug#1: Minutes\nX-Loop: owner@bugs.remote.test\nPrecedence: bulk\n{ANSWERS}", "It is fixed."),
    "a list with a loop of its own": ("talk@remote.test", f"From: talk@remote.test\nSubject: Re: Minutes\nX-Loop: talk@remote.test\nPrecedence: bulk\nX-Mailing-List: talk@remote.test\n{ANSWERS}", "Agreed."),
    "who breaks loops and wants an answer": ("carol@remote.test", f"From: Carol <carol@remote.test>\nSubject: Re: Minutes\nX-Loop: carol@remote.test\n{ANSWERS}", "Agreed."),
    "somebody helps by a ticket": ("rt@remote.test", f'From: "Carol via RT" <support@remote.test>\nSubject: [remote.test #1] Minutes\nPrecedence: bulk\nRT-Originator: carol@remote.test\n{ANSWERS}', "It works again. I am away until Monday."),
    "new mail for somebody": ("carol@remote.test", 'From: carol@remote.test\nSubject: New mail\nAuto-Submitted: auto-notified; owner-email="carol@remote.test"\nPrecedence: bulk\n', "See there."),
    "who tells his colleagues": ("carol@remote.test", "From: carol@remote.test\nSubject: Out of office\n", "Hi all,\n\nI'll be away on Friday.\n\nCarol"),
    "a mail program": ("carol@remote.test", f"From: Carol <carol@remote.test>\nSubject: Re: Minutes\nX-Mailer: Apple Mail\n{ANSWERS}", "I am away until Monday."),
}  # fmt: skip


@pytest.mark.parametrize("case", ORDINARY)
def test_ordinary_mail(case):
    assert parse(mail(*ORDINARY[case])).kind == "other"


def test_qconfirm_asks_for_a_confirmation():
    text = "One or more messages from you are being held because your address was not recognized. To release them, reply to this request."
    headers = f"From: carol@remote.test\nSubject: Please confirm your message\n{ANSWERS}"
    assert parse(mail("", headers, text)).kind == "challenge"
