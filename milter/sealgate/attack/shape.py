"""One shape: an envelope sender and a message as templates, filled in with the people of a run.

A hostile shape carries the victim's address or name, or a stranger's, in a place where some mail reader, filter or
signer takes it for the author's. An honest one carries none but the sender's own, in a spelling that careless filters
refuse. Templates hold octets; `{own}` and the other names of `Cast.words` are replaced, nothing else is touched.
Nothing here raises.
"""

import enum
import re
from dataclasses import dataclass
from typing import Final

from sealgate.attack import disguise

_CRLF: Final = b"\r\n"
_LINE_START_DOT: Final = re.compile(rb"(?:\A|(?<=\r\n))\.")


class Needs(enum.StrEnum):
    """What a site must have set, or have, for a shape to mean what it says."""

    NOTHING = ""
    PROTECTED = "protected name"  # the victim's name stands under `protected`
    BRAND = "protected brand"  # the brand's name stands under `protected`
    CLOSED_REPLY_TO = "reply_to: owned"
    OPEN_REPLY_TO = "reply_to: off"
    FOREIGN_NAMES = "identity.display-foreign: enforce"  # no other address may be the name beside one's own
    DELIMITER = "recipient_delimiter"  # such as "+", and subaddresses are the sender's own
    IDN = "address in an IDN"  # the sender also has an address in an internationalised domain


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of a run.

    Attributes:
        own: the address of whoever logs in, such as `alice@example.test`.
        victim: an address of the same domain that belongs to somebody else, such as `ceo@example.test`.
        recipient: where everything goes.
        own_name: display name of the sender.
        victim_name: display name of the victim, a protected one.
        elsewhere: a domain of the attacker's.
        authserv_id: the name under which the relay's own hosts write Authentication-Results (RFC 8601 2.5).
        brand: a protected name of a department or product.
        own_idn: a further address of the sender's, its domain in U-labels (RFC 5890).
        delimiter: what sets subaddresses off (RFC 5233).
    """

    own: str
    victim: str
    recipient: str
    own_name: str = "Alice Example"
    victim_name: str = "Carol Chief"
    elsewhere: str = "evil.example"
    authserv_id: str = "mail.example.test"
    brand: str = "Example Payroll"
    own_idn: str = "alice@bücher.test"
    delimiter: str = "+"

    def words(self) -> dict[bytes, bytes]:
        """What stands for each name in braces."""
        own_local, _, domain = self.own.rpartition("@")
        victim_local, _, victim_domain = self.victim.rpartition("@")
        idn_local, _, idn_domain = self.own_idn.rpartition("@")
        first, _, last = self.victim_name.rpartition(" ")
        texts = {
            "own": self.own,
            "own_local": own_local,
            "own_upper": f"{own_local}@{domain.upper()}",
            "domain": domain,
            "victim": self.victim,
            "victim_local": victim_local,
            "victim_upper": self.victim.upper(),
            "victim_domain": victim_domain,
            "recipient": self.recipient,
            "own_name": self.own_name,
            "victim_name": self.victim_name,
            "victim_first": first,
            "victim_last": last,
            "elsewhere": self.elsewhere,
            "authserv_id": self.authserv_id,
            "authserv_id_upper": self.authserv_id.upper(),
            "brand": self.brand,
            "own_idn": self.own_idn,
            "own_idn_a": f"{idn_local}@{_a_labels(idn_domain)}",
            "delimiter": self.delimiter,
        }
        plain = {key: text.encode() for key, text in texts.items()}
        return {b"{" + key.encode() + b"}": value for key, value in (plain | self._disguised()).items()}

    def _disguised(self) -> dict[str, bytes]:
        victim_local, _, victim_domain = self.victim.rpartition("@")
        domain = self.own.rpartition("@")[2]
        return {
            "victim_b64": disguise.base64_text(self.victim),
            "victim_q": disguise.quoted_text(self.victim),
            "victim_twice": disguise.base64_text(f"=?utf-8?B?{disguise.base64_text(self.victim).decode()}?="),
            "victim_mailbox_b64": disguise.base64_text(f"{self.victim_name} <{self.victim}>"),
            "victim_local_b64": disguise.base64_text(victim_local),
            "victim_local_q": disguise.quoted_text(victim_local),
            "victim_local_raised": disguise.raised(victim_local),
            "victim_local_wide": disguise.wide(victim_local),
            "victim_local_soft": disguise.soft(victim_local),
            "victim_local_lookalike": disguise.lookalike(victim_local),
            "victim_domain_q": disguise.quoted_text(victim_domain),
            "victim_utf7": disguise.seven_bit(self.victim),
            "victim_utf16_b64": disguise.two_octets(self.victim),
            "victim_raised": disguise.raised(self.victim),
            "victim_wide": disguise.wide(self.victim),
            "victim_overlong": disguise.overlong(self.victim),
            "victim_soft": disguise.soft(self.victim),
            "victim_backwards": disguise.backwards(self.victim),
            "own_backwards": disguise.backwards(self.own),
            "own_b64": disguise.base64_text(self.own),
            "victim_name_b64": disguise.base64_text(self.victim_name),
            "victim_name_q": disguise.quoted_text(self.victim_name),
            "victim_name_upper": self.victim_name.upper().encode(),
            "victim_name_lookalike": disguise.lookalike(self.victim_name),
            "victim_name_wide": disguise.wide(self.victim_name),
            "victim_name_bold": disguise.bold(self.victim_name),
            "victim_name_soft": disguise.soft(self.victim_name),
            "own_name_b64": disguise.base64_text(self.own_name),
            "domain_lookalike": disguise.lookalike(domain),
            "domain_punycode": disguise.punycode(domain),
            "domain_wide": disguise.wide(domain),
            "domain_ideographic": domain.replace(".", "\u3002").encode(),
            "domain_soft": domain[:1].encode() + disguise.soft(domain[1:3]) + domain[3:].encode(),
        }


@dataclass(frozen=True, slots=True)
class Mail:
    """A shape made into mail.

    Attributes:
        sender: the argument of MAIL as it goes out after `MAIL FROM:`, with brackets and ESMTP parameters.
        content: the message, its line ends CRLF but for those that a shape wants otherwise.
    """

    sender: bytes
    content: bytes

    @property
    def framed(self) -> bytes:
        """What follows DATA: dots doubled after CRLF (RFC 5321 4.5.2), the final dot; every other octet as it is."""
        content = self.content if self.content.endswith(_CRLF) else self.content + _CRLF
        return _LINE_START_DOT.sub(b"..", content) + b".\r\n"


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to send.

    Attributes:
        code: its name, such as `from-group`; unique.
        family: what it plays with, such as `several From fields`, `display names`, `trace fields`.
        says: one sentence: what the reader would believe.
        is_hostile: whether it must not leave as it is. An honest one must.
        header: the header fields, each ending in CRLF, without Date, Message-ID, To and Subject unless it plays with
            these.
        sender: the argument of MAIL with its brackets.
        body: the body.
        may_be_mended: whether it is harmless once somebody on the way has removed or cut certain fields: an accepted
            one must be looked at.
        needs: what a site must have set for the shape to mean what it says.
    """

    code: str
    family: str
    says: str
    is_hostile: bool
    header: bytes
    sender: bytes = b"<{own}>"
    body: bytes = b"Please see to it today.\r\n"
    may_be_mended: bool = False
    needs: Needs = Needs.NOTHING

    def mail(self, cast: Cast, message_id: str, date: str, subject: str = "Invoice") -> Mail:
        """Fill the templates in. `Date`, `Message-ID`, `To` and `Subject` are added where the shape has none.

        Args:
            cast: the people.
            message_id: without angle brackets.
            date: as in a Date field (RFC 5322 3.3).
            subject: to find the message by; it stands in the body as well, where a broken header block cannot hide it.
        """
        words = cast.words()
        header = _filled(self.header, words)
        present = {line.partition(b":")[0].strip().lower() for line in header.split(_CRLF)}
        for name, value in (
            (b"To", cast.recipient.encode()),
            (b"Subject", subject.encode()),
            (b"Date", date.encode()),
            (b"Message-ID", b"<" + message_id.encode() + b">"),
        ):
            if name.lower() not in present:
                header += name + b": " + value + _CRLF
        body = _filled(self.body, words) + b"-- " + _CRLF + subject.encode() + _CRLF
        return Mail(_filled(self.sender, words), header + _CRLF + body)


def hostile(family: str, *rows: tuple[str, bytes, str]) -> tuple[Shape, ...]:
    """Hostile shapes of one family from rows of code, header and what the reader would believe."""
    return tuple(Shape(code, family, says, True, header) for code, header, says in rows)


def honest(family: str, *rows: tuple[str, bytes, str]) -> tuple[Shape, ...]:
    """Honest shapes of one family from rows of code, header and why it is good mail."""
    return tuple(Shape(code, family, says, False, header) for code, header, says in rows)


def _filled(template: bytes, words: dict[bytes, bytes]) -> bytes:
    for key, value in words.items():
        template = template.replace(key, value)
    return template


def _a_labels(domain: str) -> str:
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in domain.split(".")
    )
