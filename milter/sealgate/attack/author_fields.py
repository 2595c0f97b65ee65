"""The other fields that say who wrote or sent: Sender, Resent-From, Resent-Sender, Reply-To.

Readers show `X on behalf of Y`, or the address of the last resending (RFC 5322 3.6.2, 3.6.6).
"""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Needs, Shape, hostile

_OWN: Final = b"From: {own_name} <{own}>\r\n"
_RESENT: Final = b"Resent-Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nResent-To: {recipient}\r\n"

_SENDER: Final = hostile(
    "Sender",
    ("sender-victim", _OWN + b"Sender: {victim_name} <{victim}>\r\n", "Shown as `victim on behalf of sender`."),
    ("sender-bare", _OWN + b"Sender: {victim}\r\n", "The same without a name."),
    ("sender-before", b"Sender: {victim}\r\n" + _OWN, "Sender stands before From."),
    ("sender-two", _OWN + b"Sender: {own}\r\nSender: {victim}\r\n", "The second Sender names the victim."),
    ("sender-two-first", b"Sender: {victim}\r\nSender: {own}\r\n" + _OWN, "The first Sender names the victim."),
    ("sender-list", _OWN + b"Sender: {own}, {victim}\r\n", "Sender takes one mailbox (RFC 5322 3.6.2)."),
    ("sender-group", _OWN + b"Sender: Board: {victim};\r\n", "A group as Sender."),
    ("sender-syntax", _OWN + b"Sender: {own})<{victim}>\r\n", "A Sender that lenient parsers repair."),
    ("sender-encoded", _OWN + b"Sender: =?utf-8?B?{victim_b64}?= <{own}>\r\n", "The victim is Sender's name."),
    ("sender-space", _OWN + b"Sender : {victim}\r\n", "A blank before the colon."),
    ("sender-case", _OWN + b"SENDER: {victim}\r\n", "The name of the field in capitals."),
    ("sender-elsewhere", _OWN + b"Sender: {victim_local}@{elsewhere}\r\n", "A foreign Sender beside the author."),
    ("sender-alone", b"Sender: {victim}\r\n", "No From: readers fall back on Sender."),
    ("sender-empty-from", b"From:\r\nSender: {victim}\r\n", "An empty From: readers fall back on Sender."),
)  # fmt: skip
_RESENDING: Final = hostile(
    "Resent fields",
    ("resent-from", b"Resent-From: {victim}\r\n" + _RESENT + _OWN, "Readers show who resent it: the victim."),
    ("resent-sender", b"Resent-From: {own}\r\nResent-Sender: {victim}\r\n" + _RESENT + _OWN, "The victim resent it."),
    ("resent-second-block", b"Resent-From: {own}\r\n" + _RESENT + b"Resent-From: {victim}\r\n" + _RESENT + _OWN,
     "The second block of resent fields names the victim."),
    ("resent-list", b"Resent-From: {own}, {victim}\r\n" + _RESENT + _OWN, "Two mailboxes resent it."),
    ("resent-only", b"Resent-From: {victim}\r\n" + _RESENT, "No From: readers fall back on Resent-From."),
    ("resent-space", b"Resent-From : {victim}\r\n" + _RESENT + _OWN, "A blank before the colon."),
    ("resent-syntax", b"Resent-From: <{victim}\r\n" + _RESENT + _OWN, "The bracket is not closed."),
)  # fmt: skip
_REPLY: Final = tuple(
    replace(shape, needs=Needs.CLOSED_REPLY_TO)
    for shape in hostile(
        "Reply-To",
        ("reply-victim", _OWN + b"Reply-To: {victim}\r\n", "Answers seem to go to, and come from, the victim."),
        ("reply-lookalike", _OWN + b"Reply-To: {own_local}@{domain_lookalike}\r\n", "Answers go to a drawn twin."),
        ("reply-elsewhere", _OWN + b"Reply-To: {own_name} <{own_local}@{elsewhere}>\r\n", "Answers leave the house."),
        ("reply-second", _OWN + b"Reply-To: {own}\r\nReply-To: {victim}\r\n", "The second Reply-To is the victim's."),
        ("reply-list", _OWN + b"Reply-To: {own}, {own_local}@{elsewhere}\r\n", "Answers go to two places."),
        ("reply-name", _OWN + b'Reply-To: "{own}" <{own_local}@{elsewhere}>\r\n', "The name hides where answers go."),
        ("reply-group", _OWN + b"Reply-To: Office: {victim};\r\n", "A group names the victim."),
    )
)
SHAPES: Final[tuple[Shape, ...]] = _SENDER + _RESENDING + _REPLY
