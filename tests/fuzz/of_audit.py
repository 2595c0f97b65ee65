"""Targets: the record as somebody may have changed it, and the notes that prove it."""

import hashlib
import io
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealgate.adapters.auditfiles import Line
from sealgate.audit.chain import canonical, digest, link, read_tail
from sealgate.audit.looking import Wanted, event_of, search
from sealgate.audit.moments import moment_of
from sealgate.audit.note import AuditKey, quickly_signed
from sealgate.audit.tally import peek
from sealgate.audit.verifier import (
    START,
    Frontier,
    Head,
    Key,
    Note,
    Report,
    ed25519_signed,
    is_name,
    is_sound,
    leaf_hash,
    lines_of,
    one_line,
    parse,
    told,
    unpacked,
    verify,
)
from tests.fuzz.target import must, same

_NOW: Final = datetime(2026, 11, 21, 9, tzinfo=UTC)
_PRIME: Final = 2**255 - 19


def chain(data: bytes) -> None:
    """Lines that were changed, cut or put in: read quickly or thoroughly, they are whole or they are not."""
    try:
        lines = list(lines_of(unpacked(io.BufferedReader(io.BytesIO(data)))))
    except OSError:
        lines = data.split(b"\n")
    if data[:1] in (b"c", b"s"):  # somebody who may write makes the chain fit again, with or without the key
        lines = _chained(lines[1:], is_signed=data[:1] == b"s")
    for start in (START, None):
        quick = _verified(lines, start)
        thorough = _verified(lines, start, is_thorough=True)
        same(quick.is_whole, thorough.is_whole, quick, thorough)
        if quick.is_whole:
            same((quick.head, quick.lines), (thorough.head, thorough.lines))
        must(all(line.isprintable() for line in told(quick)), told(quick))
    for line in lines[:200]:
        event = parse(line)
        if event is not None:
            same(canonical(event), line)
        else:
            event = event_of(line)
        peek(line)
    for is_cut in (False, True):
        tail = read_tail(data, is_cut=is_cut)
        must(data.endswith(tail.rest), tail)
    list(search((Line(Path("f"), n, line) for n, line in enumerate(lines)), Wanted(senders=("alice@example.test",))))


def _verified(lines: list[bytes], start: Head | None, *, is_thorough: bool = False) -> Report:
    return verify(lines, start, key=_key(), signed=quickly_signed, is_thorough=is_thorough)


def _chained(lines: list[bytes], *, is_signed: bool) -> list[bytes]:
    """Put sequence numbers, hashes of the lines before, peaks and checkpoints into what is JSON."""
    made: list[bytes] = []
    frontier, previous = Frontier(), START.digest
    for line in lines:
        event = event_of(line)
        if not event:
            made.append(line)
            continue
        if "peaks" in event:
            event["peaks"] = [peak.hex() for peak in frontier.peaks]
        if is_signed and event.get("kind") == "checkpoint":
            event |= {"size": frontier.size, "root": frontier.root().hex(), "note": _AUDIT_KEY.signed(frontier)}
        moment = event.pop("w", "2026-11-21T09:00:00.000000Z")
        try:
            whole = link(event, frontier.size + 1, previous, str(moment))
        except (TypeError, ValueError):
            made.append(line)
            continue
        made.append(whole)
        frontier.append(leaf_hash(whole))
        previous = digest(whole)
    return made


_AUDIT_KEY: Final = AuditKey("example.test/audit", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def _key() -> Key:
    return _AUDIT_KEY.public


def notes(data: bytes) -> None:
    """Keys, checkpoints and moments as somebody hands them in."""
    text = data.decode("utf-8", "surrogateescape" if len(data) % 2 else "replace")
    is_name(text)
    with suppress(ValueError):
        same(Key.parse(text).text, text.strip())
    with suppress(ValueError):
        note = Note.parse(text)
        must(note.text.decode() in text, note)
        note.is_signed_by(_key(), quickly_signed)
        if text.count("\n\n") == 1 and note.text.count(b"\n") == 3 and note.signatures:  # ours; others lose lines
            must(Note.newest(text.split("\n")).size >= note.size, text)
    with suppress(ValueError):
        Note.newest(text.split("\n"))
    with suppress(ValueError):
        folded = one_line(text)
        must("\n" not in folded, folded)
        same(Note.newest((f"host: {folded}",)), Note.parse(text))
    with suppress(ValueError):
        written = moment_of(text, _NOW, is_end=len(data) % 3 == 0)
        same(moment_of(written, _NOW), written)


def ed25519(data: bytes) -> None:
    """A signature that is damaged here and there: our few lines and OpenSSL say the same of it."""
    own = AuditKey("x", Ed25519PrivateKey.from_private_bytes(hashlib.sha256(data[:1]).digest()))
    public, text = own.public.public, data[97:]
    good = public + own.private.sign(text)
    hurt = bytes(a ^ b for a, b in zip(good, data[1:97].ljust(96, b"\0"), strict=True))
    for octets in (hurt, data[1:97].ljust(96, b"\0"), good):
        ours = ed25519_signed(octets[:32], text, octets[32:])
        theirs = quickly_signed(octets[:32], text, octets[32:])
        is_spelt = int.from_bytes(octets[:32], "little") & (1 << 255) - 1 < _PRIME
        must(theirs or not ours, octets)
        must(ours or not theirs or not is_spelt or octets[:32] in _ODD, octets)
    must(is_sound(public) and ed25519_signed(public, text, good[32:]), data)
    must(digest(text) == digest(bytes(text)), text)


_ODD: Final = (b"\1" + bytes(30) + b"\x80", b"\xec" + b"\xff" * 31)  # x = 0 with its sign set (RFC 8032 5.1.3)
