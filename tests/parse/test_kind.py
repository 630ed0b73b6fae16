"""What kind of report a message is, and what is none."""

from __future__ import annotations

import pytest

from classifier.parse import words
from classifier.parse.message import parse
from classifier.parse.report import Envelope
from classifier.vocabulary import ReportKind


def mail(headers: str, body: str) -> bytes:
    """Write a message in UTF-8, as its header section and body."""
    return (
        headers.strip("\n") + "\nDate: Thu, 5 Mar 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + body
    ).encode()


RETURNED = """
--- Original message ---
Received: from mail.example.org by mx.example.com; Thu, 5 Mar 2026 09:00:00 +0000
Message-ID: <one@example.org>
From: anna@example.org
To: bob@example.com
Subject: Minutes

Dear Bob,
"""

BOUNCES = {
    "English": (
        "Undelivered Mail Returned to Sender",
        "Your message could not be delivered to\n<bob@example.com>",
    ),
    "German": ("Unzustellbar: Protokoll", "Ihre Nachricht konnte nicht zugestellt werden:\nbob@example.com"),
    "French": ("Non remis : Compte rendu", "Votre message n'a pas pu être remis à bob@example.com"),
    "Spanish": ("No se puede entregar: Acta", "Su mensaje no pudo ser entregado a bob@example.com"),
    "Portuguese": ("Não entregue: Ata", "A sua mensagem não pôde ser entregue a bob@example.com"),
    "Italian": ("Mancato recapito: Verbale", "Impossibile recapitare il messaggio a bob@example.com"),
    "Dutch": ("Onbestelbaar: Notulen", "Uw bericht kon niet worden bezorgd:\nbob@example.com"),
    "Swedish": ("Kan inte levereras: Protokoll", "Meddelandet kunde inte levereras:\nbob@example.com"),
    "Danish": ("Kan ikke leveres: Referat", "Meddelelsen kunne ikke leveres:\nbob@example.com"),
    "Finnish": ("Ei voitu toimittaa: Muistio", "Viestiä ei voitu toimittaa:\nbob@example.com"),
    "Polish": ("Niedostarczona wiadomość", "Wiadomości nie można dostarczyć do:\nbob@example.com"),
    "Czech": ("Nedoručitelné: Zápis", "Zprávu nelze doručit:\nbob@example.com"),
    "Hungarian": ("Kézbesíthetetlen: Jegyzőkönyv", "Az üzenetet nem kézbesítettük:\nbob@example.com"),
    "Russian": ("Недоставлено: Протокол", "Сообщение не доставлено:\nbob@example.com"),
    "Greek": ("Αδύνατη η παράδοση", "Το μήνυμα δεν παραδόθηκε:\nbob@example.com"),
    "Ukrainian": ("Не вдалося доставити: Протокол", "Не вдалося доставити повідомлення:\nbob@example.com"),
    "Catalan": ("No es pot lliurar: Acta", "El missatge no s'ha pogut lliurar a bob@example.com"),
    "Croatian": ("Nije moguće isporučiti: Zapisnik", "Poruka nije isporučena primatelju bob@example.com"),
    "Slovenian": ("Ni mogoče dostaviti: Zapisnik", "Sporočila ni bilo mogoče dostaviti:\nbob@example.com"),
    "a language that no table knows": ("Ma ne-mfuh: Agenda", "Ozi gị erughị:\nbob@example.com"),
    "Turkish": ("Teslim edilemedi: Tutanak", "İletiniz teslim edilemedi:\nbob@example.com"),
    "Japanese": ("配信不能: 議事録", "次の宛先に配信できませんでした。\nbob@example.com"),
    "Chinese": ("系统退信", "邮件无法投递到下列地址：\nbob@example.com"),
    "Korean": ("배달되지 않음: 회의록", "다음 받는 사람에게 배달되지 않았습니다.\nbob@example.com"),
}


@pytest.mark.parametrize("language", BOUNCES)
@pytest.mark.parametrize("sender", ["MAILER-DAEMON@example.com", "Postmaster <postmaster@example.com>"])
def test_bounces_of_every_language(language: str, sender: str) -> None:
    subject, notice = BOUNCES[language]
    raw = mail(
        f"Return-Path: <>\nFrom: {sender}\nTo: anna@example.org\nSubject: {subject}", notice + "\n" + RETURNED
    )
    report = parse(raw)
    assert report.kind is ReportKind.BOUNCE
    assert [r.final_recipient for r in report.recipients] == ["bob@example.com"]
    assert report.original.message_id == "<one@example.org>"


AUTO_REPLIES = {
    "English": ("Out of office: Minutes", "I am out of the office until Monday."),
    "German": ("Automatische Antwort: Protokoll", "Ich bin bis Montag nicht im Büro."),
    "French": ("Réponse automatique : Compte rendu", "Je suis absent jusqu'à lundi."),
    "Spanish": ("Respuesta automática: Acta", "Estoy fuera de la oficina."),
    "Portuguese": ("Resposta automática: Ata", "Estou de férias."),
    "Italian": ("Risposta automatica: Verbale", "Sono in ferie."),
    "Dutch": ("Automatisch antwoord: Notulen", "Ik ben afwezig."),
    "Swedish": ("Autosvar: Protokoll", "Jag har semester."),
    "Norwegian": ("Automatisk svar: Referat", "Jeg har ferie."),
    "Finnish": ("Automaattinen vastaus: Muistio", "Olen lomalla."),
    "Polish": ("Automatyczna odpowiedź: Protokół", "Jestem na urlopie."),
    "Czech": ("Automatická odpověď: Zápis", "Mám dovolenou."),
    "Hungarian": ("Automatikus válasz: Jegyzőkönyv", "Szabadságon vagyok."),
    "Russian": ("Автоматический ответ: Протокол", "Я в отпуске."),
    "Greek": ("Αυτόματη απάντηση: Πρακτικά", "Έχω άδεια."),
    "Turkish": ("Otomatik Yanıt: Tutanak", "İzindeyim."),
    "Japanese": ("自動応答: 議事録", "休暇中です。"),
    "Chinese": ("自动回复: 会议记录", "我外出了。"),
    "Korean": ("자동 회신: 회의록", "휴가 중입니다."),
}


@pytest.mark.parametrize("language", AUTO_REPLIES)
def test_automatic_answers_of_every_language(language: str) -> None:
    subject, text = AUTO_REPLIES[language]
    raw = mail(
        f"Return-Path: <bob@example.com>\nFrom: Bob <bob@example.com>\nTo: anna@example.org\nSubject: {subject}",
        text,
    )
    assert parse(raw).kind is ReportKind.AUTO_REPLY


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-replied (vacation)",
        "X-Autoreply: yes",
        "X-Autorespond: Minutes",
        "Precedence: auto_reply",
    ],
)
def test_automatic_answers_by_structure_alone(field: str) -> None:
    raw = mail(
        f"From: Bob <bob@example.com>\nTo: anna@example.org\nSubject: Re: Minutes\n{field}", "Back on Monday."
    )
    assert parse(raw).kind is ReportKind.AUTO_REPLY


def test_a_vacation_note_by_null_sender_and_answered_message() -> None:
    raw = mail(
        "From: Bob <bob@example.com>\nTo: anna@example.org\nSubject: Re: Minutes\nIn-Reply-To: <one@example.org>",
        "I'm currently away and will return on Monday.",
    )
    assert parse(raw, Envelope(mail_from="")).kind is ReportKind.AUTO_REPLY
    assert parse(raw, Envelope(mail_from="bob@example.com")).kind is ReportKind.OTHER


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (
            "From: Bob <bob@example.com>\nTo: anna@example.org\nSubject: Please confirm your message\nAuto-Submitted: auto-replied",
            (
                "Your message is being held. This is the first time you have sent me mail: please confirm that you sent it by "
                "replying. You will be added to my list of allowed senders."
            ),
        ),
        (
            (
                "Return-Path: <>\nFrom: Bob <bob@example.com>\nTo: anna@example.org\nSubject: Re: Minutes [qconfirm]\n"
                "In-Reply-To: <one@example.org>"
            ),
            (
                "To have your message delivered, simply reply to this message. This is a one-time confirmation; it is meant to "
                "verify that you are human and not a spammer."
            ),
        ),
        (
            "X-ChoiceMail-Registration-Request: abc\nFrom: bob-confirm-1@example.com\nTo: anna@example.org\nSubject: Minutes",
            "Please reply.",
        ),
    ],
)
def test_challenges(headers: str, body: str) -> None:
    assert parse(mail(headers, body)).kind is ReportKind.CHALLENGE


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (
            "Return-Path: <>\nFrom: amavisd-new <postmaster@example.com>\nTo: anna@example.org\nSubject: VIRUS (W32/Example) IN MAIL FROM YOU",
            "Our virus checker found W32/Example in your email to bob@example.com.",
        ),
        (
            "Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nTo: anna@example.org\nSubject: Viruswarnung: Virus gefunden",
            "In Ihrer Nachricht wurde ein Virus gefunden.",
        ),
        (
            "From: Antigen_MAIL@example.com\nTo: anna@example.org\nSubject: Antigen found VIRUS= Worm.Example",
            "Antigen found a worm in an e-mail that you sent to bob@example.com.",
        ),
    ],
)
def test_virus_warnings(headers: str, body: str) -> None:
    assert parse(mail(headers, body)).kind is ReportKind.VIRUS_WARNING


def test_no_name_of_a_virus_is_passed_over() -> None:
    named = [subject for subject in words.VIRUS_SUBJECTS if subject.isascii()]
    assert [subject for subject in named if not any(hint in subject for hint in words.VIRUS_HINTS)] == []


def test_an_undeliverable_message_about_viruses_is_a_bounce() -> None:
    raw = mail(
        "Return-Path: <>\nFrom: System Administrator <postmaster@example.com>\nTo: anna@example.org\n"
        "Subject: Undeliverable: virus warning for your mail",
        "Your message\n\n  To: bob@example.com\n  Subject: virus warning for your mail\n\n"
        "did not reach the following recipient(s):\n\nbob@example.com on Thu, 5 Mar 2026\n    The recipient name is not recognized\n",
    )
    assert parse(raw).kind is ReportKind.BOUNCE


def multipart(kind: str, headers: str, *parts: tuple[str, str], boundary: str = "b") -> bytes:
    """Write a multipart message."""
    text = headers.strip("\n") + f'\nMIME-Version: 1.0\nContent-Type: {kind}; boundary="{boundary}"\n\n'
    for content_type, body in parts:
        text += f"--{boundary}\nContent-Type: {content_type}\n\n{body}\n"
    return (text + f"--{boundary}--\n").encode()


ORIGINAL = "From: anna@example.org\nTo: bob@example.com\nSubject: Minutes\nMessage-ID: <one@example.org>\n\nDear Bob,\n"
STATUS = "Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.1.1\n"
DAEMON = "Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nTo: anna@example.org\nSubject: Minutes"


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (
            ReportKind.DSN,
            multipart(
                "multipart/report; report-type=delivery-status",
                DAEMON,
                ("text/plain", "x"),
                ("message/delivery-status", STATUS),
            ),
        ),
        (
            ReportKind.DSN,
            multipart(
                "multipart/mixed", DAEMON, ("text/plain", "x"), ("message/global-delivery-status", STATUS)
            ),
        ),
        (
            ReportKind.MDN,
            multipart(
                "multipart/report; report-type=disposition-notification",
                "From: bob@example.com\nTo: anna@example.org\nSubject: Read: Minutes",
                ("text/plain", "Your message was read."),
                (
                    "message/disposition-notification",
                    "Final-Recipient: rfc822; bob@example.com\nDisposition: manual-action/MDN-sent-manually; displayed\n",
                ),
            ),
        ),
        (
            ReportKind.FEEDBACK_REPORT,
            multipart(
                "multipart/report; report-type=feedback-report",
                "From: fbl@example.com\nTo: abuse@example.org\nSubject: FW: Minutes",
                ("text/plain", "An abuse report."),
                ("message/feedback-report", "Feedback-Type: abuse\nVersion: 1\n"),
                ("message/rfc822", ORIGINAL),
            ),
        ),
        (
            ReportKind.FEEDBACK_REPORT,
            multipart(
                "multipart/mixed",
                "Return-Path: <>\nFrom: noreply-dmarc@example.com\nTo: dmarc@example.org\n"
                "Subject: Report Domain: example.org Submitter: example.com Report-ID: 1",
                ("text/plain", "A DMARC report."),
                ("application/gzip", "x"),
            ),
        ),
        (
            ReportKind.BOUNCE,
            multipart(
                "multipart/mixed",
                "Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nTo: anna@example.org\nSubject: Failure notice",
                ("text/plain", "Unable to deliver message to: <bob@example.com>\n550 no such user\n"),
                ("message/rfc822", ORIGINAL),
            ),
        ),
        # A colleague forwards a bounce, attached or with its report parts inside.
        (
            ReportKind.OTHER,
            multipart(
                "multipart/mixed",
                "From: Carol <carol@example.org>\nTo: anna@example.org\nSubject: Fwd: Undelivered Mail Returned to Sender",
                ("text/plain", "Anna, this came back. What shall I do?"),
                (
                    "message/rfc822",
                    multipart(
                        "multipart/report; report-type=delivery-status",
                        DAEMON,
                        ("message/delivery-status", STATUS),
                        boundary="inner",
                    ).decode(),
                ),
            ),
        ),
    ],
)
def test_structure_decides(kind: ReportKind, raw: bytes) -> None:
    assert parse(raw).kind is kind


ORDINARY = {
    "a person who writes as postmaster": (
        (
            "Return-Path: <postmaster@example.com>\nFrom: Postmaster <postmaster@example.com>\nTo: staff@example.com\n"
            "Subject: Mail delivery problems yesterday"
        ),
        "Dear all,\n\nyesterday some messages could not be delivered because a disk was full. Please send them again.\n\nCarol, postmaster\n",
    ),
    "a postmaster who answers": (
        (
            "Return-Path: <postmaster@example.com>\nFrom: Carol Jones <postmaster@example.com>\nTo: anna@example.org\n"
            "Subject: Re: Mail to Bob bounces\nIn-Reply-To: <one@example.org>\nReferences: <one@example.org>"
        ),
        "Hello Anna,\n\nyour mail was not delivered because his mailbox is full. I have raised the quota.\n",
    ),
    "a colleague who forwards a bounce": (
        "From: Carol <carol@example.org>\nTo: anna@example.org\nSubject: Fwd: Undelivered Mail Returned to Sender",
        (
            "See below.\n\n> From: MAILER-DAEMON@example.com\n> Subject: Undelivered Mail Returned to Sender\n>\n"
            "> <bob@example.com>: host mx.example.com[192.0.2.7] said: 550 5.1.1 User unknown\n"
        ),
    ),
    "a question about a bounce": (
        "From: Carol <carol@example.org>\nTo: help@example.org\nSubject: Undelivered mail, what does it mean?",
        "I sent a mail to bob@example.com and got:\n\n550 5.1.1 <bob@example.com>: Recipient address rejected: User unknown\n\nWhy?\n",
    ),
    "a list discussion of bounces": (
        (
            "From: Carol <carol@example.org>\nTo: mta-users@lists.example.org\nSubject: Re: [mta] Mail delivery failed: returning message to sender\n"
            "List-Id: <mta-users.lists.example.org>\nIn-Reply-To: <one@example.org>"
        ),
        "> This message was created automatically by mail delivery software.\n> A message that you sent could not be delivered\n\nSet the retry rule.\n",
    ),
    "a digest": (
        (
            "From: mta-users-request@lists.example.org\nTo: mta-users@lists.example.org\nSubject: mta-users Digest, Vol 3\n"
            "List-Id: <mta-users.lists.example.org>\nPrecedence: list"
        ),
        "Today's topics:\n\n 1. Mail delivery failed: returning message to sender\n\n550 5.1.1 user unknown\n",
    ),
    "a newsletter about holidays": (
        (
            "From: Shop <news@example.com>\nTo: anna@example.org\nSubject: Looking for the perfect camera for your summer vacation?\n"
            "List-Unsubscribe: <mailto:u@example.com>"
        ),
        "Out of the office soon?\n",
    ),
    "an advertisement for holidays": (
        "From: win@example.com\nTo: anna@example.org\nSubject: Register to win your dream vacation",
        "On vacation! On holiday!\n",
    ),
    "a parcel that was not delivered": (
        "From: Parcels <noreply@example.com>\nTo: anna@example.org\nSubject: Your parcel could not be delivered",
        "Dear customer,\n\nyour parcel could not be delivered because the address was incomplete.\n",
    ),
    "an accepted invitation": (
        "From: Bob <bob@example.com>\nTo: anna@example.org\nSubject: Accepted: Minutes\nIn-Reply-To: <one@example.org>",
        "Bob has accepted this invitation.\n",
    ),
    "a subscription to confirm": (
        "From: Shop <news@example.com>\nTo: anna@example.org\nSubject: Please confirm your subscription",
        "Please confirm your subscription with one click. You must confirm within a day.\n",
    ),
    "an account to confirm": (
        "From: Shop <noreply@example.com>\nTo: anna@example.org\nSubject: Action required: please confirm your email address",
        "Please confirm your address. This one-time link is valid for a day.\n",
    ),
    "news about a virus": (
        "From: News <news@example.com>\nTo: anna@example.org\nSubject: Virus alert: new worm spreads",
        "A virus infected many computers. Your email program may be next.\n",
    ),
    "a null sender without a report": (
        "Return-Path: <>\nFrom: Bob <bob@example.com>\nTo: team@example.org\nSubject: Minutes of Monday",
        "Dear all,\n\nplease find the minutes below.\n",
    ),
    "a program that unsubscribes": (
        "From: bob@example.com\nTo: leave@example.org\nSubject: unsubscribe\nAuto-Submitted: auto-replied",
        "This mail was sent to unsubscribe.\n",
    ),
    "the output of a job": (
        "From: root@example.com (Cron Daemon)\nTo: root@example.com\nSubject: Cron <root@host> mailq\nAuto-Submitted: auto-generated",
        "1 message: delivery temporarily suspended, user unknown\n",
    ),
    "a mailbox that fills up": (
        "Return-Path: <>\nFrom: postmaster@example.org\nTo: anna@example.org\nSubject: Quota warning",
        "Your mailbox has reached 90 % of its quota. Please delete messages.\n",
    ),
    "an advertisement with a null sender": (
        "Return-Path: <>\nFrom: Shop <news@example.com>\nTo: anna@example.org\nSubject: Best price",
        "Buy now: this message could not be clearer.\n",
    ),
    "a newsletter with a null sender about viruses": (
        "Return-Path: <>\nFrom: Shop <news@example.com>\nTo: anna@example.org\nSubject: New antivirus offers\nList-Id: <n.example.com>",
        "Dear sender of mail,\n\nprotect yourself from any virus today.\n",
    ),
    "a postmaster who quotes a reply code": (
        (
            'Return-Path: <postmaster@example.com>\nFrom: "Carol (postmaster)" <postmaster@example.com>\nTo: anna@example.org\n'
            "Subject: Re: delivery problem\nIn-Reply-To: <one@example.org>"
        ),
        "Hi Anna,\n\nyour message was rejected with 550 5.1.1 user unknown for bob@example.com. Try again.\n",
    ),
    "an answer about holidays": (
        "From: Bob <bob@example.com>\nTo: anna@example.org\nSubject: Re: Urlaub\nIn-Reply-To: <one@example.org>",
        "Hallo Anna,\n\nab Montag bin ich im Urlaub.\n",
    ),
    "nothing": ("Subject:", ""),
}


@pytest.mark.parametrize("case", ORDINARY)
def test_ordinary_mail_is_no_report(case: str) -> None:
    assert parse(mail(*ORDINARY[case])).kind is ReportKind.OTHER
