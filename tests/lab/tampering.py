"""What may become of a sealed message on its way, and what its signatures must say to that.

`Letter` is a message as octets of fields and body; `sealed` puts signatures on top as the gate has them put there, by
`seal.sign` and in the spelling of an MTA. `TAMPERINGS` holds every change that the seal is tried by: each with what
breaks by it (`Breaks`), by the words of RFC 6376 3.4, 5.4.2 and 8.15. Nothing here verifies; see `verify` and `rspamd`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from sealgate.mail.headers import Field, Headers
from sealgate.profile.model import Form
from sealgate.seal.canonical import RelaxedBody, SimpleBody
from sealgate.seal.plan import OVERSIGNED, OVERSIGNED_COMMERCIAL, SIGNED, SealPlan, Signer, signed_names
from sealgate.seal.sign import sign

TIME: Final = 1_760_000_000

# RFC 5322 3.6: at most one of each. Some verifiers refuse a message that has two, whatever its signatures say.
ONCE: Final = frozenset(
    (b"from", b"sender", b"reply-to", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references")
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message; field values hold the blank behind the colon, and folds as CRLF and blank."""

    fields: tuple[Field, ...]
    body: bytes

    @property
    def wire(self) -> bytes:
        """The message as it travels."""
        return b"".join(f.name + b":" + f.value + b"\r\n" for f in self.fields) + b"\r\n" + self.body

    def at(self, name: bytes) -> int:
        """The index of the first field of that name (as in `SIGNED`)."""
        return next(i for i, field in enumerate(self.fields) if field.key == name.lower())

    def with_field(self, name: bytes, change: Callable[[Field], Field]) -> "Letter":
        """The letter with one field changed."""
        i = self.at(name)
        return replace(self, fields=(*self.fields[:i], change(self.fields[i]), *self.fields[i + 1 :]))


def body_hashes(body: bytes) -> dict[Form, bytes]:
    """The hashes of a body, fed in chunks as an MTA hands them over."""
    made: dict[Form, RelaxedBody | SimpleBody] = {Form.RELAXED: RelaxedBody(), Form.SIMPLE: SimpleBody()}
    for each in made.values():
        for start in range(0, len(body), 65_535):
            each.feed(body[start : start + 65_535])
    return {form: each.digest() for form, each in made.items()}


def sealed(letter: Letter, signers: Iterable[Signer], *, commercial: bool = False, time: int = TIME) -> Letter:
    """The letter with its signatures on top, their folds as an MTA writes them."""
    headers = Headers(letter.fields)
    plan = SealPlan(tuple(signers), signed_names(headers, commercial=commercial))
    made = sign(plan, headers, body_hashes(letter.body), time)
    top = (Field(name.encode("ascii"), b" " + value.replace("\n", "\r\n").encode("ascii")) for name, value in made)
    return replace(letter, fields=(*top, *letter.fields))


class Breaks(Enum):
    """Which signatures a change breaks."""

    ALWAYS = frozenset(Form)
    SIMPLE = frozenset((Form.SIMPLE,))
    NEVER = frozenset[Form]()


@dataclass(frozen=True, slots=True)
class Tampering:
    """One change on the way.

    Attributes:
        code: what it does, for people.
        of_body: whether the canonicalization of the body decides, and not that of the header.
        doubles: lower-case name of a field of which there are two afterwards, or empty.
        letter: the letter it is made to.
        change: from the sealed letter to what arrives.
    """

    code: str
    letter: Letter
    change: Callable[[Letter], Letter]
    breaks: Breaks
    of_body: bool = False
    doubles: bytes = b""

    def holds(self, header: Form, body: Form) -> bool:
        """Whether a signature in these canonicalizations must still be good."""
        return (body if self.of_body else header) not in self.breaks.value


# A newsletter with one of each field that is signed, and some that are not.
WHOLE: Final = Letter(
    (
        Field(b"Received", b" from a.example by b.example; Thu, 9 Oct 2025 08:53:20 +0000"),
        Field(b"From", b" Garden Letters <letters@example.com>"),
        Field(b"Sender", b" The Gardeners <letters@example.com>"),
        Field(b"To", b" Ada <ada@reader.example>,\r\n\tBob <bob@reader.example>"),
        Field(b"Cc", b" Carol <carol@reader.example>"),
        Field(b"Reply-To", b" Answers <answers@example.com>"),
        Field(b"Subject", b" Bulbs in autumn:\r\n  what to plant   now"),
        Field(b"Date", b" Thu, 09 Oct 2025 08:53:20 +0000"),
        Field(b"Message-ID", b" <autumn.1@example.com>"),
        Field(b"In-Reply-To", b" <summer.9@example.com>"),
        Field(b"References", b" <spring.3@example.com> <summer.9@example.com>"),
        Field(b"MIME-Version", b" 1.0"),
        Field(b"Content-Type", b" text/plain; charset=utf-8"),
        Field(b"Content-Transfer-Encoding", b" 7bit"),
        Field(b"Content-ID", b" <part.1@example.com>"),
        Field(b"Content-Description", b" A letter about bulbs"),
        Field(b"Content-Disposition", b" inline; filename=letter.txt"),
        Field(b"Content-Language", b" en, de"),
        Field(b"Resent-Date", b" Thu, 09 Oct 2025 09:53:20 +0000"),
        Field(b"Resent-From", b" Ada <ada@reader.example>"),
        Field(b"Resent-Sender", b" Ada <ada@reader.example>"),
        Field(b"Resent-To", b" Dora <dora@reader.example>"),
        Field(b"Resent-Cc", b" Emil <emil@reader.example>"),
        Field(b"Resent-Message-ID", b" <again.1@reader.example>"),
        Field(b"List-Id", b" Garden <garden.example.com>"),
        Field(b"List-Help", b" <https://example.com/help> (in English)"),
        Field(b"List-Subscribe", b" <https://example.com/s> (in English)"),
        Field(b"List-Unsubscribe", b" <https://example.com/u/abc>, <mailto:u@example.com>"),
        Field(b"List-Unsubscribe-Post", b" List-Unsubscribe=One-Click"),
        Field(b"List-Post", b" NO (posting is closed)"),
        Field(b"List-Owner", b" <mailto:owner@example.com> (a person)"),
        Field(b"List-Archive", b" <https://example.com/a> (public)"),
        Field(b"Feedback-ID", b" autumn:garden:example"),
        Field(b"X-Mailer", b" none"),
    ),
    b"Tulips  and\tcrocuses \r\n\r\n leading blank\r\nYours, the gardeners\r\n\r\n\r\n",
)
# A letter with nothing that need not be there.
BARE: Final = Letter(
    tuple(f for f in WHOLE.fields if f.name in (b"From", b"Date")), b"Tulips and crocuses\r\n\r\nYours\r\n"
)
_GUARDED: Final = frozenset((*OVERSIGNED, *OVERSIGNED_COMMERCIAL))


def _refolded(field: Field) -> Field:
    """The field with one fold more."""
    value = field.value
    at = value.rfind(b" ")
    return replace(field, value=value[:at] + b"\r\n\t" + value[at + 1 :] if at else b" \r\n\t" + value[1:])


_OF_FIELD: Final[tuple[tuple[str, Callable[[Field], Field], Breaks], ...]] = (
    ("changed", lambda f: replace(f, value=f.value + b"x"), Breaks.ALWAYS),
    ("emptied", lambda f: replace(f, value=b" "), Breaks.ALWAYS),
    ("with the case of its text changed", lambda f: replace(f, value=f.value.swapcase()), Breaks.ALWAYS),
    ("folded again", _refolded, Breaks.SIMPLE),
    ("unfolded", lambda f: replace(f, value=f.value.replace(b"\r\n", b"")), Breaks.SIMPLE),
    ("renamed by case alone", lambda f: replace(f, name=f.name.swapcase()), Breaks.SIMPLE),
    ("with a blank doubled", lambda f: replace(f, value=f.value.replace(b" ", b" \t", 1)), Breaks.SIMPLE),
    ("without the first blank", lambda f: replace(f, value=f.value[1:]), Breaks.SIMPLE),
    ("with blanks at its end", lambda f: replace(f, value=f.value + b" \t"), Breaks.SIMPLE),
)


def _removed(name: bytes) -> Callable[[Letter], Letter]:
    return lambda letter: replace(letter, fields=tuple(f for f in letter.fields if f.name != name))


def _on_top(field: Field) -> Callable[[Letter], Letter]:
    return lambda letter: replace(letter, fields=(field, *letter.fields))


def _below(field: Field) -> Callable[[Letter], Letter]:
    return lambda letter: replace(letter, fields=(*letter.fields, field))


def _of_fields() -> Iterator[Tampering]:
    for name in SIGNED:
        shown, key = name.decode("ascii"), name.lower()
        value = WHOLE.fields[WHOLE.at(name)].value
        for what, change, breaks in _OF_FIELD:
            if change(Field(name, value)) != Field(name, value):  # not every field has a fold to take out
                yield Tampering(f"{shown} {what}", WHOLE, lambda m, n=name, c=change: m.with_field(n, c), breaks)  # type: ignore[misc]
        yield Tampering(f"{shown} removed", WHOLE, _removed(name), Breaks.ALWAYS)
        other = Field(name, b" another, " + value.lstrip())
        guard = Breaks.ALWAYS if name in _GUARDED else Breaks.NEVER
        # RFC 6376 5.4.2: of several, the lowest is the one that was signed; one on top is seen if h= names one more.
        yield Tampering(f"{shown} doubled on top", WHOLE, _on_top(other), guard, doubles=key)
        yield Tampering(f"{shown} doubled below", WHOLE, _below(other), Breaks.ALWAYS, doubles=key)
        if name not in (b"From", b"Date"):
            # A list may add its own fields and a Sender, a person resends; RFC 6376 8.15 for the rest.
            yield Tampering(f"{shown} added on top where there was none", BARE, _on_top(other), guard)
            yield Tampering(f"{shown} added below where there was none", BARE, _below(other), guard)
    for field in (Field(b"Received", b" from c.example by d.example"), Field(b"X-Own", b" x"), Field(b"Bcc", b" a@b")):
        yield Tampering(f"{field.name.decode()} added", WHOLE, _on_top(field), Breaks.NEVER)
    for name in (b"Received", b"X-Mailer"):
        yield Tampering(f"{name.decode()} removed", WHOLE, _removed(name), Breaks.NEVER)
    yield Tampering("all fields in another order", WHOLE, lambda m: replace(m, fields=m.fields[::-1]), Breaks.NEVER)


def _replaced(old: bytes, new: bytes) -> Callable[[Letter], Letter]:
    def change(letter: Letter) -> Letter:
        assert old in letter.body
        return replace(letter, body=letter.body.replace(old, new, 1))

    return change


def _of_body() -> Iterator[Tampering]:
    made: tuple[tuple[str, Callable[[Letter], Letter], Breaks], ...] = (
        ("a word changed", _replaced(b"Tulips", b"Tulip5"), Breaks.ALWAYS),
        ("the case of a letter changed", _replaced(b"Tulips", b"tulips"), Breaks.ALWAYS),
        ("everything gone", lambda m: replace(m, body=b""), Breaks.ALWAYS),
        ("a line put in front", lambda m: replace(m, body=b"Hello\r\n" + m.body), Breaks.ALWAYS),
        ("an empty line put in front", lambda m: replace(m, body=b"\r\n" + m.body), Breaks.ALWAYS),
        ("a line appended", lambda m: replace(m, body=m.body + b"P.S.\r\n"), Breaks.ALWAYS),
        (
            "a footer behind what is there",
            _replaced(b"gardeners\r\n", b"gardeners\r\n_____\r\na list\r\n"),
            Breaks.ALWAYS,
        ),
        ("an empty line within", _replaced(b"leading blank\r\n", b"leading blank\r\n\r\n"), Breaks.ALWAYS),
        ("an empty line within gone", _replaced(b"\r\n\r\n leading", b"\r\n leading"), Breaks.ALWAYS),
        ("a line broken", _replaced(b"Yours, ", b"Yours,\r\n"), Breaks.ALWAYS),
        ("two lines joined", _replaced(b"blank\r\nYours", b"blank Yours"), Breaks.ALWAYS),
        ("a blank gone between words", _replaced(b"Yours, the", b"Yours,the"), Breaks.ALWAYS),
        ("blanks gone from the beginning of a line", _replaced(b"\r\n leading", b"\r\nleading"), Breaks.ALWAYS),
        ("a blank put at the beginning of a line", _replaced(b"Yours", b" Yours"), Breaks.ALWAYS),
        ("blanks doubled at the beginning of a line", _replaced(b"\r\n leading", b"\r\n  leading"), Breaks.SIMPLE),
        ("blanks doubled between words", _replaced(b"Yours, the", b"Yours,   the"), Breaks.SIMPLE),
        ("blanks made one", _replaced(b"Tulips  and", b"Tulips and"), Breaks.SIMPLE),
        ("a tab made a space", _replaced(b"and\tcro", b"and cro"), Breaks.SIMPLE),
        ("blanks put at the end of a line", _replaced(b"gardeners\r\n", b"gardeners \t \r\n"), Breaks.SIMPLE),
        ("blanks gone from the end of a line", _replaced(b"crocuses \r\n", b"crocuses\r\n"), Breaks.SIMPLE),
        ("a line of blanks appended", lambda m: replace(m, body=m.body + b" \t\r\n"), Breaks.SIMPLE),
        ("empty lines appended", lambda m: replace(m, body=m.body + b"\r\n\r\n"), Breaks.NEVER),
        ("empty lines at the end gone", lambda m: replace(m, body=m.body.rstrip(b"\r\n") + b"\r\n"), Breaks.NEVER),
    )
    for what, change, breaks in made:
        yield Tampering(f"body: {what}", WHOLE, change, breaks, of_body=True)


def _of_signatures() -> Iterator[Tampering]:
    def each(change: Callable[[bytes], bytes]) -> Callable[[Letter], Letter]:
        def changed(letter: Letter) -> Letter:
            fields = tuple(
                replace(f, value=change(f.value)) if f.key == b"dkim-signature" else f for f in letter.fields
            )
            assert fields != letter.fields
            return replace(letter, fields=fields)

        return changed

    made: tuple[tuple[str, Callable[[bytes], bytes], Breaks], ...] = (
        ("folded otherwise", lambda v: v.replace(b"\r\n\t", b"\r\n        "), Breaks.SIMPLE),
        (
            "with a name fewer in h=",
            lambda v: v.replace(b"h=Received:", b"h=").replace(b"h=From:", b"h="),
            Breaks.ALWAYS,
        ),
        ("with the time changed", lambda v: v.replace(b"t=1760", b"t=1761"), Breaks.ALWAYS),
        ("with a tag added", lambda v: v.replace(b"v=1;", b"v=1; n=x;"), Breaks.ALWAYS),
        ("with l=", lambda v: v.replace(b"v=1;", b"v=1; l=4;"), Breaks.ALWAYS),
        ("with the body's hash changed", lambda v: re.sub(rb"bh=....", b"bh=AAAA", v), Breaks.ALWAYS),
        ("with b= changed", lambda v: re.sub(rb"(?<=[ \t])b=....", b"b=AAAA", v), Breaks.ALWAYS),
        # RFC 6376 3.5: what is between the pieces of b= is no part of it, and the hash is made without its value.
        ("with b= folded otherwise", lambda v: v[:-30] + b"\r\n\t" + v[-30:], Breaks.NEVER),
    )
    for what, change, breaks in made:
        yield Tampering(f"the signatures {what}", WHOLE, each(change), breaks)


TAMPERINGS: Final = (*_of_fields(), *_of_body(), *_of_signatures())
