"""What was done to a body since it was signed, as far as the hash in `bh=` can prove it.

`explain_body` undoes, one at a time, what relays, lists and scanners are known to do to a body, and hashes what that
gives: a hit is a proof. What needs knowledge that is gone (a line that was deleted, a word replaced) cannot be found.
Work is linear in the body: each trial reads it once, and all trials together read no more than `MAX_HASHED` octets
beyond a few passes. Nothing here raises on any octets.
"""

import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Final

from sealgate.mail.reply import printable
from sealgate.profile.model import Form
from sealgate.seal.signature import Signature

MAX_HASHED: Final = 64 * 1024 * 1024  # octets that trials with parts of the body may hash
_NEAR_END: Final = 2 * 1024 * 1024  # octets before the end in which an appended text is looked for
_EDGE: Final = 40  # lines at either end among which an inserted block is looked for
_LONG: Final = 900  # octets of a line; no MTA breaks shorter ones
_CRLF: Final = b"\r\n"
_LETTERS: Final = re.compile(rb"[A-Za-z0-9\x80-\xff]{2}")

_Undo = tuple[str, Callable[[bytes], bytes]]


def canonical_body(body: bytes, form: Form) -> bytes:
    """Return a body with CRLF line ends in canonical form (RFC 6376 3.4.3, 3.4.4); its hash is `RelaxedBody`'s."""
    if body and not body.endswith(_CRLF):
        body += _CRLF
    if form is Form.RELAXED:
        body = body.replace(b"\t", b" ")
        while b"  " in body:  # each pass halves every run, so all passes together cost two
            body = body.replace(b"  ", b" ")
        body = body.replace(b" \r\n", _CRLF)
    end = len(body)
    many = _CRLF * 4_096
    while body.endswith(many, 0, end):
        end -= len(many)
    while body.endswith(_CRLF, 0, end):
        end -= 2
    if not end:
        return b"" if form is Form.RELAXED else _CRLF
    return body[: end + 2]


def hash_of(body: bytes, signature: Signature) -> bytes:
    """The hash of a body as this signature would have it, `l=` minded."""
    return _digest(canonical_body(body, signature.body_form), signature)


def explain_body(body: bytes, signature: Signature, encoding: str) -> str:
    """Say which single change is why the body matches `bh=` no more, in printable words; empty: none can be proven.

    Args:
        body: as it is now, with CRLF line ends.
        signature: whose `bh=` does not match it.
        encoding: the Content-Transfer-Encoding of the message, in lower case.
    """
    for says, undo in _undoings(encoding, signature.body_form):
        undone = undo(body)
        if undone != body and hash_of(undone, signature) == signature.body_hash:
            return says
    canonical = canonical_body(body, signature.body_form)
    if signature.length is not None and signature.length > len(canonical):
        return f"the body was cut: l= signs {signature.length} octets and {len(canonical)} are left"
    other = Form.SIMPLE if signature.body_form is Form.RELAXED else Form.RELAXED
    if _digest(canonical_body(body, other), signature) == signature.body_hash:
        return (
            f"bh= is the hash of the {other.value} form, and c= says {signature.body_form.value}: the signer is broken"
        )
    if hashlib.sha256(body.replace(_CRLF, b"\n")).digest() == signature.body_hash:
        return "the signer hashed LF line ends; mail travels with CRLF (RFC 6376 5.3)"
    if signature.length is not None:
        return ""  # what l= leaves out was not hashed, so nothing there can be the reason
    return _appended(canonical, signature) or _inserted(canonical, signature)


def _digest(canonical: bytes, signature: Signature) -> bytes:
    signed = canonical if signature.length is None else canonical[: signature.length]
    return hashlib.sha256(signed).digest()


def _undoings(encoding: str, form: Form) -> Iterator[_Undo]:
    """Changes of the whole body, each with what undoes it."""
    yield "lines that begin with `From ` got a `>` in front (an mbox file on the way, or a delivery agent)", _unquoted
    if form is Form.SIMPLE:
        yield "blanks at the ends of lines were added", _stripped
        yield "the blank behind `--` of a signature was lost", lambda body: body.replace(b"\r\n--\r\n", b"\r\n-- \r\n")
    yield "an empty line was put on top", lambda body: body.removeprefix(_CRLF)
    yield "an empty line on top was lost", lambda body: _CRLF + body
    yield "lines that begin with a dot have one dot too many (RFC 5321 4.5.2)", _undotted
    yield (
        "lines that begin with a dot lost one (RFC 5321 4.5.2)",
        lambda body: (_CRLF + body).replace(b"\r\n.", b"\r\n..")[2:],
    )
    yield "a CR was added to line ends", lambda body: body.replace(b"\r\r\n", _CRLF)
    yield "too long lines were broken (RFC 5321 4.5.3.1.6 allows 998 octets): encode them before signing", _rejoined
    if encoding == "quoted-printable":
        yield "8-bit text was re-encoded as quoted-printable: encode it before signing", _from_quoted
    if encoding == "base64":
        yield "8-bit text was re-encoded as base64: encode it before signing", _from_base64


def _unquoted(body: bytes) -> bytes:
    return (_CRLF + body).replace(b"\r\n>From ", b"\r\nFrom ")[2:]


def _undotted(body: bytes) -> bytes:
    return (_CRLF + body).replace(b"\r\n..", b"\r\n.")[2:]


def _stripped(body: bytes) -> bytes:
    return _CRLF.join(line.rstrip(b" \t") for line in body.split(_CRLF))


def _rejoined(body: bytes) -> bytes:
    """Undo the breaking of lines at one limit: CRLF and a blank behind it (Postfix), with `!` before it (Sendmail)."""
    if not _has_long_line(body):
        return body
    lines = body.split(_CRLF)
    limit = max(map(len, lines))
    joined: list[bytes] = []
    is_open = False
    for line in lines:
        if is_open and line[:1] == b" ":
            joined[-1] = joined[-1].removesuffix(b"!")
            joined.append(line[1:])
        else:
            joined.extend((_CRLF, line) if joined else (line,))
        is_open = len(line) >= limit - 1
    return b"".join(joined)


def _has_long_line(body: bytes) -> bool:
    at = 0
    while len(body) - at > _LONG:
        end = body.rfind(b"\n", at, at + _LONG)
        if end < 0:
            return True
        at = end + 1
    return False


def _from_quoted(body: bytes) -> bytes:
    return binascii.a2b_qp(body)


def _from_base64(body: bytes) -> bytes:
    try:
        text = binascii.a2b_base64(body)
    except binascii.Error:
        return body
    return text.replace(_CRLF, b"\n").replace(b"\n", _CRLF)


def _appended(canonical: bytes, signature: Signature) -> str:
    """Find the line behind which all was added: one pass, with the state of the hash copied at each line."""
    start = max(0, len(canonical) - _NEAR_END)
    empty = b"" if signature.body_form is Form.RELAXED else _CRLF
    if not start and hashlib.sha256(empty).digest() == signature.body_hash:
        return f"the message had no body when it was signed; added: {_excerpt(canonical)}"
    state = hashlib.sha256(memoryview(canonical)[:start])
    at = start
    while (end := canonical.find(_CRLF, at) + 2) > 1:
        state.update(memoryview(canonical)[at:end])
        # The form of a body ends in a line that is not empty.
        if end - at > 2 and state.copy().digest() == signature.body_hash:
            return f"text was appended, {_excerpt(canonical[end:])}"
        at = end
    return ""


def _inserted(canonical: bytes, signature: Signature) -> str:
    """Find a block of whole lines, near the end or near the top, without which the body matches."""
    view = memoryview(canonical)
    room = MAX_HASHED
    for edges in (_last_lines(canonical), _first_lines(canonical)):
        states = []
        state, at = hashlib.sha256(), 0
        for edge in edges:
            state.update(view[at:edge])
            states.append(state.copy())
            at = edge
        for i, before in enumerate(states):
            for edge in edges[i + 1 :]:
                room -= len(canonical) - edge
                if room < 0:
                    break
                trial = before.copy()
                trial.update(view[edge:])
                if trial.digest() == signature.body_hash:
                    where = "top" if edges[i] < len(canonical) - edge else "end"
                    return f"text was inserted near the {where}, {_excerpt(canonical[edges[i] : edge])}"
    return ""


def _last_lines(canonical: bytes) -> list[int]:
    """Where the last lines begin, first to last, and the end."""
    edges = [len(canonical)]
    at = len(canonical) - len(_CRLF)
    while at > 0 and len(edges) <= _EDGE:
        at = canonical.rfind(_CRLF, 0, at)
        edges.append(at + len(_CRLF) if at >= 0 else 0)
    return edges[::-1]


def _first_lines(canonical: bytes) -> list[int]:
    """Where the first lines begin, first to last."""
    edges = [0]
    while len(edges) <= _EDGE and (end := canonical.find(_CRLF, edges[-1])) >= 0:
        edges.append(end + 2)
    return edges


def _excerpt(added: bytes) -> str:
    lines = added.strip(_CRLF).count(_CRLF) + 1
    words = next((line for line in added[:4_096].split(_CRLF) if _LETTERS.search(line)), b"")
    shown = printable(words.decode("utf-8", "replace").strip(), 60)
    return f'{len(added)} octets in {lines} {"line" if lines == 1 else "lines"}: "{shown}"'
