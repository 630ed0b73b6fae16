"""A Dovecot: passwords for our own submission, and behind birke.test mailboxes that are full, refuse or answer by themselves."""

from __future__ import annotations

import os
import pwd
from contextlib import contextmanager

from tests.laboratory.network import BIRKE_STORE
from tests.mailbox.daemon import PASSWORD, free_port, started
from tests.support import require_program, server_folder

LMTP = ("10.20.0.6", 24)
_CONFIGURATION = """
protocols = imap lmtp
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
hostname = {name}
submission_host = {address}:25
mail_location = maildir:~/Maildir
mail_plugins = quota
auth_mechanisms = plain login
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = {lmtp[0]}
    port = {lmtp[1]}
  }}
}}
protocol lmtp {{
  mail_plugins = quota sieve
  postmaster_address = postmaster@birke.test
}}
lmtp_rcpt_check_quota = yes
plugin {{
  quota = maildir:User quota
  sieve = file:~/sieve;active=~/active.sieve
}}
"""
_SCRIPTS = {
    "away": 'require ["vacation"];\nvacation :days 1 :subject "Out of office" "I am away until Monday.";\n',
    "refused": 'require ["reject"];\nreject "I do not want mail of this kind.";\n',
}


@contextmanager
def running(recipients):
    """Run it, with mailboxes for *recipients* by what shall become of their mail; gives the socket for passwords."""
    program = require_program("dovecot", "dovecot-imapd")
    require_program("lmtp", "dovecot-lmtpd")
    folder, port = server_folder("dovecot"), free_port()
    nobody = pwd.getpwnam("nobody")
    users = []
    for address in recipients:
        cause = address.partition(".")[0]
        if cause == "unknown":
            continue
        home = folder / "home" / address
        home.mkdir(parents=True)
        quota = "userdb_quota_rule=*:storage=1B" if cause == "full" else ""
        users.append(f"{address}::{nobody.pw_uid}:{nobody.pw_gid}::{home}::{quota}\n")
        if cause in _SCRIPTS:
            (home / "active.sieve").write_text(_SCRIPTS[cause])
        for place in (home, *home.iterdir()):
            os.chown(place, nobody.pw_uid, nobody.pw_gid)
    (folder / "users").write_text("".join(users))
    configuration = folder / "dovecot.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            folder=folder,
            port=port,
            lmtp=LMTP,
            password=PASSWORD,
            name=BIRKE_STORE.name,
            address=BIRKE_STORE.address,
        )
    )
    with started([program, "-F", "-c", configuration], folder, port):
        yield folder / "auth"
