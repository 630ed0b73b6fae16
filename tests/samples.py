"""Two messages written by hand, one ordinary, one report about a forgery in the name of trap@example.org; a configuration."""

ORDINARY = b"From: a@example.com\nTo: anna@example.org\nSubject: hello\n\nhi\n"
REPORT = b"""Return-Path: <>
Delivered-To: anna@example.org
From: Mail Delivery System <MAILER-DAEMON@mx.remote.test>
To: anna@example.org
Subject: Undelivered Mail Returned to Sender
Date: Sun, 01 Mar 2026 10:00:05 +0000
Message-ID: <r1@mx.remote.test>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I am sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.remote.test
Arrival-Date: Sun, 01 Mar 2026 10:00:00 +0000

Final-Recipient: rfc822; x@remote.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Return-Path: <trap@example.org>
From: Trap <trap@example.org>
To: x@remote.test
Subject: buy
Date: Sun, 01 Mar 2026 09:59:00 +0000
Message-ID: <1@example.org>

--b--
"""
CONFIG = """
[identity]
domains = ["example.org"]
never_send = ["trap@example.org"]
[dns]
enabled = false
[store]
path = "state.sqlite3"
"""
