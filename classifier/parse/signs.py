"""What the header fields of a message tell of who, or what, wrote it."""

from __future__ import annotations

import re
from functools import lru_cache

from classifier.parse.addresses import find_address
from classifier.parse.automatic import FORWARD, answers, is_automatic, is_list_mail, is_rfc3834, own_subject
from classifier.parse.words import any_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.headers import HeaderBlock

#: From here on a mail system itself wrote the message (see :attr:`Signs.writer`).
MAIL_SYSTEM = 3
#: Local parts that only mail systems write from.
_DAEMONS = re.compile(
    r"(?:mailer|mail|mta|smtp|mdaemon|postoffice|delivery)[-_.]?(?:daemon|demon|delivery[-_.]?(?:sub)?system|service)"
    r"|mdaemon|mail\.delivery\.\w{1,20}|bounces?|ndr|post_master|[a-z0-9_]{0,20}smtp_mail_service"
    r"|symantec_antivirus\w{0,40}|antigen\w{0,20}|virus\w{0,20}|amavis\w{0,10}|mailscanner\w{0,10}|imss|inetgw1"
    r"|undeliver\w{0,10}|microsoftexchange[0-9a-f]{32}|mailer|returned-?mail|(?:e-?)?mail-?(?:admin|system|error|gateway)|exch[\w-]{0,20}-sa"
    r"|delivery-?(?:status|failure|report)s?|bounce-?\w{1,12}|ndr-?\w{1,12}|smtpd?|mdaemon-?\w{1,12}|mail(?:marshal|sweeper|guard|shield)\w{0,12}",
    re.IGNORECASE,
)
#: Local parts and names of what looks for viruses in mail.
_SCANNERS = re.compile(
    r"anti-?vir|virus|amavis|mailscanner|groupshield|webshield|scanmail|viruswall|dr\.?web|clam-?av|kaspersky|\bkav\b|nav-?gateway|navgw|norton|symantec"
    r"|mcafee|sophos|f-secure|f-prot|bitdefender|trend ?micro|avcheck|\bavg\b|norman|antigen|system attendant|interscan|imss",
    re.IGNORECASE,
)
#: Names that mail systems give themselves, and people sometimes too; in lower case.
_SYSTEM_NAMES = (
    "mailer daemon", "mailerdaemon", "mail daemon", "mail-daemon", "maildaemon", "delivery system",
    "delivery subsystem", "deliver system", "mail system", "mail subsystem", "system administrator", "postmaster",
    "systemadministrator", "administrateur syst", "administrador del sistema", "administrador do sistema",
    "amministratore di sistema", "systeembeheerder", "systemadministratör", "järjestelmänvalvoja", "administrator systemu",
    "správce systému", "rendszergazda", "системный администратор", "διαχειριστής συστήματος", "システム管理者", "系统管理员",
    "系統管理員", "시스템 관리자", "mail administrator", "ndr administrator", "mail server", "mailserver",
    "internet mail delivery", "microsoft outlook", "interscan", "delivery service", "mail delivery", "mail gateway", "mail router", "mail filter", "mail security",
    "system attendant", "mail notification system", "mailmarshal", "mailsweeper", "mailserwer", "mailový", "сервер почт", "почтовый сервер", "почтовая система", "メールシステム", "メールサーバ", "邮件系统", "郵件系統", "메일 시스템", "spam firewall", "sistema de correo",
    "posta certificata", "email system", "e-mail system",
)  # fmt: skip
#: Each of those in ASCII has one of these in it.
_SYSTEM_HINTS = (
    "mail",
    "syst",
    "postmaster",
    "sistema",
    "administrator",
    "outlook",
    "rendszergazda",
    "interscan",
    "delivery",
    "attendant",
    "spam firewall",
    "posta cert",
)
#: Fields that only the writers of reports set.
REPORT_FIELDS = frozenset(
    {
        "x-failed-recipients",
        "x-ms-exchange-message-is-ndr",
        "x-ricevuta",
        "x-mimecast-bounce",
        "x-qmail-bounce",
        "x-mailererror",
    }
)
#: List managers that refuse a post answer from these.
_LIST_MANAGERS = re.compile(
    r"owner-.{1,60}|.{1,60}[-+](?:owner|admin|request|bounces|help)|majordomo|listserv|mailman|ezmlm|sympa|fml",
    re.IGNORECASE,
)
#: The list in those of them that name it.
_OF_LIST = re.compile(r"([^@]{1,60})[-+](?:owner|admin|request|bounces|help)(@.{1,255})", re.IGNORECASE)
_NO_REPLY = re.compile(r"(?:no|do-?not|non)[-_.]?repl(?:y|ies)|noreply\w{0,20}", re.IGNORECASE)
_REPLY = re.compile(
    r"(?:re|aw|antw|sv|vs|odp|ynt|yan|res|r|rif|ref|bls|atb|vá|vast|回复|答复|回覆|返信|답장|회신|отв(?:ет)?|відп|απ|σχετ|השב|رد)"
    r"(?:\[[0-9]{1,3}\]|\([0-9]{1,3}\))?\s{0,2}[:：]",
    re.IGNORECASE,
)
#: Where list managers write to those who keep a list.
_KEEPER = re.compile(
    r"owner-.{1,60}|.{1,60}[-+](?:owner|admin|request|moderators?)|mailman|list-?master", re.IGNORECASE
)
#: mlmmj has no field for what it writes itself; its identifiers name it.
_MLMMJ = re.compile(r"\s{0,9}<?[0-9]{1,20}-[0-9]{1,10}-mlmmj-[0-9a-f]{1,16}@")
#: Addresses that stand in reverse paths only (VERP, BATV, SRS): nobody but a mail system writes to them.
_REVERSE_PATH = re.compile(
    r"(?:.{1,64}[-+.])?bounces?(?:[-+=].{1,200})?|owner-.{1,60}|prvs=.{1,200}|srs[01][=+-].{1,200}|.{1,128}=.{1,128}",
    re.IGNORECASE,
)
#: What an author's name and address say of its being a mail system, in points of :attr:`Signs.writer`.
_DAEMON, _SYSTEM, _NAMELESS, _NOBODYS = 3, 2, 1, 0
_LIST_MANAGER_FIELDS = frozenset({"x-mlserver", "x-list-administrivia", "references", "in-reply-to"})
#: Amazon WorkMail leaves out the local part of the mail system that it names.
_HOST_ALONE = re.compile(r"<?(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}>?", re.IGNORECASE)
_BARE_ADDRESS = re.compile(r"<?[^\s<>@\"]{1,128}@[^\s<>@\"]{1,255}>?")
#: What programs send by, and people do not.
_LIBRARY = re.compile(r"\bCDO\b|PHP|JavaMail|Perl|nodemailer|ColdFusion|\.NET|ASP", re.IGNORECASE)
#: A report goes to one sender.
_MANY = 3


class Signs:
    """The signs of a machine, and those of a person.

    Attributes:
        writer: how surely a mail system wrote it: 0 nothing says so, from
            ``MAIL_SYSTEM`` on it says so itself.
        system: its author or a field says so, whatever the reverse path is.
        null_sender: its reverse path is empty.
        automatic: it calls itself an automatic answer.
        rfc3834: it does so in the standard field.
        no_reply: it comes from an address that takes no answers.
        list_notice: a list manager wrote it itself, about a post or a request.
        list_mail: a mailing list distributed it.
        answers: it names an earlier message as answered.
        answers_us: the message answered has an identification of the addressee's domain,
            or the answer says that it wants none.
        reply: its subject does.
        nameless: its author gives an address and no name, and no program of a person's wrote it.
        forward: its subject says that a person passed it on.
        many_addressees: it is addressed to more people than one sender.
        machine: a field that people's programs do not write says that no person wrote it,
            or it is addressed where no person writes.
        program: a person's program wrote it.
        author: whom its From field names.
        to_keeper: a list manager wrote it to those who keep the list.
        house: the domain of both its author and its addressee, or "".

    """

    # No dataclass: importing what makes them costs a filter more than all its reading.
    __slots__ = (
        "answers",
        "answers_us",
        "author",
        "automatic",
        "forward",
        "house",
        "list_mail",
        "list_notice",
        "machine",
        "many_addressees",
        "nameless",
        "no_reply",
        "null_sender",
        "program",
        "reply",
        "rfc3834",
        "system",
        "to_keeper",
        "writer",
    )

    def __init__(
        self,
        *,
        writer: int,
        null_sender: bool,
        automatic: bool,
        rfc3834: bool,
        no_reply: bool,
        list_notice: bool,
        list_mail: bool,
        answers: bool,
        answers_us: bool,
        reply: bool,
        forward: bool,
        many_addressees: bool,
        nameless: bool,
        machine: bool,
        program: bool,
        author: str,
        to_keeper: bool,
        house: str,
    ) -> None:
        """Keep them."""
        self.writer = writer
        self.system = writer > (2 if null_sender else 0)
        self.null_sender = null_sender
        self.automatic = automatic
        self.rfc3834 = rfc3834
        self.no_reply = no_reply
        self.list_notice = list_notice
        self.list_mail = list_mail
        self.answers = answers
        self.answers_us = answers_us
        self.reply = reply
        self.forward = forward
        self.many_addressees = many_addressees
        self.nameless = nameless
        self.machine = machine
        self.program = program
        self.author = author
        self.to_keeper = to_keeper
        self.house = house

    @property
    def scanner(self) -> bool:
        """Whether its author names what looks for viruses: asked where the subject names one."""
        return _SCANNERS.search(self.author) is not None


def read_signs(headers: HeaderBlock, mail_from: str | None) -> Signs:
    """Read the signs from a message's own header section and its reverse path, where that is known."""
    writer, null_sender, local = read_writer(headers, mail_from)
    subject = own_subject(headers)
    to, _, domain = (find_address(headers.get("to")) or "").lower().rpartition("@")
    list_notice = is_list_notice(headers)
    program = headers.get("user-agent") or headers.get("x-mailer") or ""
    library = bool(_LIBRARY.search(program))
    automatic = is_automatic(headers)
    no_reply = bool(_NO_REPLY.fullmatch(local))
    return Signs(
        writer=writer,
        null_sender=null_sender,
        automatic=automatic,
        rfc3834=is_rfc3834(headers),
        no_reply=no_reply,
        list_notice=list_notice,
        list_mail=is_list_mail(headers),
        answers=answers(headers),
        answers_us=_answers_us(headers),
        reply=bool(_REPLY.match(subject)),
        forward=bool(FORWARD.match(subject)),
        many_addressees=(headers.get("to") or "").count("@") > _MANY,
        nameless=bool(_BARE_ADDRESS.fullmatch((headers.get("from") or "").strip()))
        and (library or not program),
        machine=null_sender
        or automatic
        or no_reply
        or library
        or _is_generated(headers)
        or bool(_REVERSE_PATH.fullmatch(to)),
        program=bool(program) and not library,
        author=headers.text("from") or "",
        to_keeper=list_notice and bool(_KEEPER.fullmatch(to)),
        house=domain if (find_address(headers.text("from")) or "").lower().endswith("@" + domain) else "",
    )


def read_writer(headers: HeaderBlock, mail_from: str | None) -> tuple[int, bool, str]:
    """Return :attr:`Signs.writer`, :attr:`Signs.null_sender`, and the local part of the author."""
    null_sender = _null_sender(headers, mail_from)
    author = headers.text("from") or ""
    local, named = _author(author) if len(author) <= _SHORT else _author.__wrapped__(author)
    return _writer(headers, local, named, null_sender=null_sender), null_sender, local


#: So many authors of up to so many characters are held: most of a mailbox is from few.
_AUTHORS, _SHORT = 512, 500


@lru_cache(maxsize=_AUTHORS)
def _author(author: str) -> tuple[str, int]:
    """Return the local part of *author*'s address, and how surely its name or address is a mail system's."""
    address = find_address(author) or ""
    local = (address.rpartition("@")[0] or author.strip('<> "')).strip("\"'").replace("\\", "")
    low = author.lower()
    named = _NOBODYS
    if _DAEMONS.fullmatch(local) or "mailer-daemon" in low:
        named = _DAEMON
    elif not address and (author.rstrip().endswith("<>") or _HOST_ALONE.fullmatch(author.strip())):
        named = _DAEMON  # an author without an address, or one that is a host, is no person
    elif local.lower().startswith("postmaster") or _is_system_name(low):
        named = _SYSTEM
    elif not author.strip(" <>"):
        named = _NAMELESS
    return local, named


def is_daemon(local: str) -> bool:
    """Say whether the local part *local* is one that only mail systems write from."""
    return _DAEMONS.fullmatch(local) is not None


def is_list_manager(local: str) -> bool:
    """Say whether the local part *local* is one that list managers write from, and those who keep lists."""
    return _LIST_MANAGERS.fullmatch(local) is not None


def list_address(address: str | None) -> str | None:
    """Return the list that *address*, one of those that its manager answers from, belongs to; itself where it is none."""
    match = _OF_LIST.fullmatch(address or "")
    return match[1] + match[2] if match else address


def is_list_notice(headers: HeaderBlock) -> bool:
    """Say whether a list manager wrote the message itself."""
    return (headers.get("x-list-administrivia") or "").lower() == "yes" or bool(
        _MLMMJ.match(headers.get("message-id") or "")
    )


def _answers_us(headers: HeaderBlock) -> bool:
    if not answers(headers):
        return False
    if "x-auto-response-suppress" in headers or "auto-submitted" in headers:
        return True
    domain = (find_address(headers.get("to")) or "").rpartition("@")[2].lower()
    answered = f"{headers.get('in-reply-to') or ''} {headers.get('references') or ''}".lower()
    return bool(domain) and bool(re.search(rf"[@.]{re.escape(domain)}>", answered))


def _is_generated(headers: HeaderBlock) -> bool:
    if "x-auto-response-suppress" in headers or (headers.get("precedence") or "").lower() in {"bulk", "junk"}:
        return True
    submitted = headers.get("auto-submitted")
    return submitted is not None and not submitted.lower().startswith("no")


def _null_sender(headers: HeaderBlock, mail_from: str | None) -> bool:
    if mail_from is not None:
        return mail_from.strip() in {"", "<>"}
    value = headers.get("return-path")
    return value is not None and value.replace(" ", "") in {"<>", ""}


def _is_system_name(author: str) -> bool:
    if author.isascii() and not any_of(_SYSTEM_HINTS, author):
        return False
    return any_of(_SYSTEM_NAMES, author)


def _writer(headers: HeaderBlock, local: str, named: int, *, null_sender: bool) -> int:
    points = 2 if null_sender else 0
    if named == _DAEMON or "mailer-daemon" in (headers.get("return-path") or "").lower():
        points += _DAEMON
    elif named:
        points += named
    elif is_list_manager(local) and (headers.has_any(_LIST_MANAGER_FIELDS) or is_list_notice(headers)):
        points += 2
    if headers.has_any(REPORT_FIELDS):
        points += 3
    return points
