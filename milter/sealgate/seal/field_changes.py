"""What is known to happen to signed header fields on the way, each with what undoes it.

`edits` lists single changes back from what a message says now to what it may have said when it was signed: a field that
was added, a tag in Subject, a From that a mailing list rewrote, quotes and commas that a gateway put in order. Which of
them, if any, is true is for `seal.diagnose` to prove. The list is capped, as are the values that are looked at, so the
work is linear in the message; nothing here raises, and `Edit.says` is printable ASCII.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Final

from sealgate.mail.headers import Field, decoded, unfolded
from sealgate.mail.reply import printable
from sealgate.profile.model import Form
from sealgate.seal.signature import Signature

MAX_EDITS: Final = 400
_MAX_VALUE: Final = 10_000  # octets; longer values are left as they are
_MAX_FIELDS: Final = 200

_TAG: Final = re.compile(rb"[ \t]*(?:\[[^\]\r\n]{1,60}\]|\([^)\r\n]{1,40}\)|\*{1,6}[^*\r\n]{1,40}\*{1,6}):?[ \t]*")
_WORD: Final = re.compile(rb"[ \t]*[A-Za-z][A-Za-z _-]{1,30}:[ \t]*")
_ANSWER: Final = re.compile(rb"[ \t]*(?:re|fwd?|aw|wg|sv|tr):[ \t]*", re.IGNORECASE)
_END_TAG: Final = re.compile(rb"[ \t]*[\[(*][^\[(*\r\n]{1,60}[\])*]{1,6}[ \t]*$")
_ADDRESS: Final = re.compile(rb"[^\s<>,\"();:]{1,64}@[^\s<>,\"();:@]{1,253}")
# From the first blank of a run on: from each of them, a long run would take the square of its length.
_VIA: Final = re.compile(rb"(?<![ \t])[ \t]+(?:via|on behalf of|through)[ \t]", re.IGNORECASE)
_CHARSET: Final = re.compile(rb"(charset=)\"?([A-Za-z0-9_.:-]{1,40})\"?", re.IGNORECASE)
_ENCODINGS: Final = (b"8bit", b"7bit", b"quoted-printable", b"base64", b"binary")
_ADDRESSES: Final = (b"from", b"to", b"cc", b"reply-to", b"sender")
_ORIGINALS: Final = (b"reply-to", b"x-original-from", b"original-from", b"x-from", b"author", b"cc", b"sender")
_GUESSES: Final = (
    Field(b"MIME-Version", b" 1.0"),
    Field(b"List-Unsubscribe-Post", b" List-Unsubscribe=One-Click"),
    *(Field(b"Content-Transfer-Encoding", b" " + encoding) for encoding in _ENCODINGS),
    *(Field(b"Content-Type", b" text/plain" + more) for more in (b"", b"; charset=utf-8", b"; charset=us-ascii")),
)
_ANY: Final = -1  # stands for the signature's own field


@dataclass(frozen=True, slots=True)
class Edit:
    """One way back.

    Attributes:
        says: what was done on the way, for a person.
        names: the fields it is about, in lower case.
        fields: what each field was, by its place in the message; None: it was not there. -1 is the signature itself.
        added: a field that was there and is gone.
    """

    says: str
    names: frozenset[bytes]
    fields: Mapping[int, Field | None] = field(default_factory=dict)
    added: Field | None = None


def edits(signature: Signature, own: Field, fields: tuple[Field, ...]) -> tuple[Edit, ...]:
    """The ways back for one signature, likeliest first.

    Args:
        signature: it says which fields count and in which form they are hashed.
        own: its own field.
        fields: all fields of the message, in their order.
    """
    counts = signature.counts()
    signed = [(i, f) for i, f in enumerate(fields) if f.key in counts and len(f.value) <= _MAX_VALUE][:_MAX_FIELDS]
    kinds = [_subject(signed), _author(signed, fields), _added(signed, counts), _transfer_encoding(signed)]
    kinds += [_punctuation(signed), _lost(signed, counts)]
    if signature.header_form is Form.SIMPLE:
        kinds.append(_spelling(signed, own))
    # By turns, so that whoever combines the first ones has some of each kind.
    by_turns = (edit for some in zip_longest(*kinds) for edit in some if edit is not None)
    return tuple(islice(by_turns, MAX_EDITS))


def _one(says: str, at: int, was: Field | None, now: Field) -> Edit:
    return Edit(says, frozenset((now.key,)), {at: was})


def _subject(signed: list[tuple[int, Field]]) -> Iterator[Edit]:
    for i, now in signed:
        if now.key != b"subject":
            continue
        value = now.value
        for _ in range(3):  # a list's tag, a scanner's tag, a gateway's tag
            found = _TAG.match(value) or _WORD.match(value)
            if not found:
                break
            tag = printable(unfolded(value[: found.end()]).decode("latin-1"), 60)
            value = b" " + value[found.end() :]
            yield _one(f'Subject got "{tag}" in front', i, Field(now.name, value), now)
        answer = _ANSWER.match(now.value)
        if answer and (found := _TAG.match(now.value, answer.end())):
            tag = printable(found[0].decode("latin-1").strip(), 60)
            kept = now.value[: answer.end()] + now.value[found.end() :]
            yield _one(f'Subject got "{tag}" put in', i, Field(now.name, kept), now)
        if end := _END_TAG.search(now.value[-100:]):
            kept = now.value[: len(now.value) - (end.end() - end.start())]
            yield _one(f'Subject got "{printable(end[0].decode("latin-1").strip(), 60)}" at its end', i,
                       Field(now.name, kept), now)  # fmt: skip
        if b"=?" in now.value:
            raw = decoded(now.value).encode("utf-8", "replace")
            yield _one("Subject was raw UTF-8 and was encoded (RFC 2047)", i, Field(now.name, b" " + raw), now)


def _author(signed: list[tuple[int, Field]], fields: tuple[Field, ...]) -> Iterator[Edit]:
    """A mailing list that puts its own address into From keeps the author's in some other field."""
    kept = [f for f in fields if f.key in _ORIGINALS and len(f.value) <= _MAX_VALUE][:8]
    for i, now in signed:
        if now.key != b"from":
            continue
        shown = now.value.partition(b"<")[0].strip(b' \t\r\n"')
        names = tuple(dict.fromkeys((_VIA.split(shown, maxsplit=1)[0].strip(b"\"' "), shown)))
        for other in kept:
            says = (
                f"From was rewritten, and {printable(other.name.decode('latin-1'), 40)} says who wrote (a mailing list)"
            )
            yield _one(says, i, Field(now.name, other.value), now)
            for address in dict.fromkeys(m[0] for m in islice(_ADDRESS.finditer(other.value), 3)):
                for name in filter(None, names):
                    yield _one(says, i, Field(now.name, b" " + name + b" <" + address + b">"), now)
                    yield _one(says, i, Field(now.name, b' "' + name + b'" <' + address + b">"), now)
                yield _one(says, i, Field(now.name, b" " + address), now)
                yield _one(says, i, Field(now.name, b" <" + address + b">"), now)


def _added(signed: list[tuple[int, Field]], counts: Mapping[bytes, int]) -> Iterator[Edit]:
    """Fields that were not there; what no message has twice comes first."""
    present: dict[bytes, int] = {}
    for _, now in signed:
        present[now.key] = present.get(now.key, 0) + 1
    for i, now in sorted(signed, key=lambda each: present[each[1].key] < counts[each[1].key]):
        name = printable(now.name.rstrip().decode("latin-1"), 40)
        text = printable(unfolded(now.value).decode("utf-8", "replace"), 60)
        which = "a" if present[now.key] == 1 else "one more"
        yield _one(f'{which} {name} field was added: "{text}"', i, None, now)


def _transfer_encoding(signed: list[tuple[int, Field]]) -> Iterator[Edit]:
    for i, now in signed:
        if now.key == b"content-transfer-encoding":
            is_now = printable(unfolded(now.value).decode("latin-1"), 20)
            for was in _ENCODINGS:
                says = f"Content-Transfer-Encoding was {was.decode()} and is {is_now}: the message was re-encoded"
                yield _one(says, i, Field(now.name, b" " + was), now)


def _punctuation(signed: list[tuple[int, Field]]) -> Iterator[Edit]:
    """Gateways that parse a field and write it anew."""
    for i, now in signed:
        shown = printable(now.name.rstrip().decode("latin-1"), 40)
        ways: tuple[tuple[str, Callable[[bytes], bytes]], ...] = ()
        if now.key in _ADDRESSES:
            ways = (
                ("quotes were put around a name", lambda v: v.replace(b'"', b"")),
                ("the quotes around a name were lost", _quoted),
                ("the brackets around an address were lost", lambda v: b" <" + v.strip() + b">"),
                ("brackets were put around an address", lambda v: v.replace(b"<", b"").replace(b">", b"")),
                ("blanks were put behind commas", lambda v: v.replace(b", ", b",")),
                ("blanks behind commas were lost", lambda v: v.replace(b",", b", ")),
            )
        elif now.key == b"content-type":
            ways = (
                ("quotes were put around parameters", lambda v: v.replace(b'"', b"")),
                ("the quotes around the charset were lost", lambda v: _CHARSET.sub(rb'\1"\2"', v)),
                ("the charset is spelled anew", lambda v: _CHARSET.sub(lambda m: m[0].upper(), v)),
                ("the charset is spelled anew", lambda v: _CHARSET.sub(lambda m: m[1] + m[2].lower(), v)),
                ("the charset is spelled anew", lambda v: _CHARSET.sub(lambda m: m[1] + m[2].upper(), v)),
                ("a parameter was added", lambda v: v.rpartition(b";")[0]),
                ("all parameters were added", lambda v: v.partition(b";")[0]),
                ("blanks behind semicolons were lost", lambda v: v.replace(b";", b"; ")),
                ("blanks were put behind semicolons", lambda v: v.replace(b"; ", b";")),
            )
        elif now.key == b"date":
            ways = (
                ("GMT was written as +0000", lambda v: v.replace(b"+0000", b"GMT")),
                ("+0000 was written as GMT", lambda v: v.replace(b"GMT", b"+0000")),
                ("its comment was lost", lambda v: v.rstrip() + b" (UTC)"),
                ("a comment was added", lambda v: v.partition(b"(")[0].rstrip()),
            )
        for what, way in ways:
            was = way(now.value)
            if was != now.value:
                yield _one(f"{shown} was rewritten: {what}", i, Field(now.name, was), now)


def _quoted(value: bytes) -> bytes:
    name, bracket, rest = value.partition(b"<")
    return b' "' + name.strip(b' \t\r\n"') + b'" <' + rest if bracket else value


def _lost(signed: list[tuple[int, Field]], counts: Mapping[bytes, int]) -> Iterator[Edit]:
    present = {now.key for _, now in signed}
    for guess in _GUESSES:
        if guess.key in counts and guess.key not in present:
            text = (guess.name + b":" + guess.value).decode("ascii")
            yield Edit(f'a field was removed: "{text}"', frozenset((guess.key,)), {}, guess)


def _spelling(signed: list[tuple[int, Field]], own: Field) -> Iterator[Edit]:
    """What relaxed form would forgive and simple form does not (RFC 6376 3.4.1)."""
    ways: tuple[tuple[str, Callable[[Field], Field]], ...] = (
        ("folds were put in", lambda f: Field(f.name, f.value.replace(b"\r\n", b""))),
        ("tabs of folds became spaces", lambda f: Field(f.name, f.value.replace(b"\r\n ", b"\r\n\t"))),
        ("spaces of folds became tabs", lambda f: Field(f.name, f.value.replace(b"\r\n\t", b"\r\n "))),
        ("the blank behind the colon was lost", lambda f: Field(f.name, b" " + f.value)),
        ("a blank was put behind the colon", lambda f: Field(f.name, f.value[f.value[:1] == b" " :])),
        ("blanks were added at the end", lambda f: Field(f.name, f.value.rstrip(b" \t"))),
        ("the name was spelled anew", lambda f: Field(f.name.title(), f.value)),
        ("the name was spelled anew", lambda f: Field(f.name.lower(), f.value)),
    )
    everything = [*signed, (_ANY, own)]
    advice = "; sign with relaxed/relaxed, which forgives that"
    for i, now in everything:
        name = printable(now.name.rstrip().decode("latin-1"), 40)
        for what, way in ways:
            if (one := way(now)) != now:
                yield _one(f"{name}: {what}{advice}", i, one, now)
    for what, way in ways:
        was = {i: way(now) for i, now in everything if way(now) != now}
        if was:
            yield Edit(f"{what}, in every field{advice}", frozenset(now.key for _, now in everything), was)
