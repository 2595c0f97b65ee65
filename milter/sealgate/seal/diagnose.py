"""Why a signature does not fit a message: what of it was changed since.

`diagnose` needs the message, the signature and its public key. It first says which half is affected: the body, by the
hash in `bh=`, or the header, by `b=`. Then it undoes what is known to happen on the way (`seal.body_changes`,
`seal.field_changes`), singly and in pairs, until the signature fits: such a cause is proven, not guessed.
`compare_fields` needs neither key nor signature: it holds a message against the digests of its signed fields that were
recorded when it was sealed, and names each field that is not as it was.

All work is bounded: a fixed number of trials over the signed header, a fixed number of passes over the body. Nothing
here raises on any message; what is said is printable ASCII.
"""

import enum
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from sealgate.mail.headers import Field, Headers, unfolded
from sealgate.profile.model import Form
from sealgate.seal.body_changes import explain_body, hash_of
from sealgate.seal.canonical import relaxed_field, simple_field
from sealgate.seal.field_changes import Edit, edits
from sealgate.seal.public_key import PublicKey
from sealgate.seal.signature import Signature

MAX_TRIALS: Final = 3_000  # header blocks that are hashed
MAX_HASHED: Final = 32 * 1024 * 1024  # octets of them
_NAME_COSTS: Final = 40  # octets that could be hashed in the time that looking up one name of `h=` takes
_IN_PAIRS, _IN_THREES = 60, 16  # how many of the likeliest edits are combined
_RECORDED: Final = re.compile(r"([\x21-\x39\x3b-\x7e]{1,200}) (-|~?[0-9a-f]{16})")

_Canonical = Callable[[bytes, bytes], bytes]


class ChangeKind(enum.StrEnum):
    """What became of a signed field."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of the fields of one name since they were sealed.

    Attributes:
        name: as the record spells it; printable.
        kind: what was done.
        count: to how many fields of that name.
        is_harmless: whether the signature does not mind (a field that is not guarded got another one above it).
    """

    name: str
    kind: ChangeKind
    count: int = 1
    is_harmless: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a signature says of a message.

    Attributes:
        body_fits: whether `bh=` is the hash of the body.
        header_fits: whether `b=` fits the signed fields; None without a key.
        is_other_key: `b=` was made with another key, or damaged: nothing can be said of the header.
        body_cause, header_cause: the change that was proven, for a person; empty: it fits, or nothing could be proven.
    """

    body_fits: bool
    header_fits: bool | None = None
    is_other_key: bool = False
    body_cause: str = ""
    header_cause: str = ""

    @property
    def fits(self) -> bool:
        """Whether the signature verifies, by our own reading of RFC 6376."""
        return self.body_fits and self.header_fits is True


def diagnose(signature: Signature, own: Field, headers: Headers, body: bytes, key: PublicKey | None) -> Diagnosis:
    """Say whether a signature fits, and if not, why.

    Args:
        signature: what `own` says.
        own: its field in the message.
        headers: all fields, its own among them.
        body: with CRLF line ends.
        key: the public key of its record, where there is one that may be used.
    """
    body_fits = hash_of(body, signature) == signature.body_hash
    encoding = unfolded(next((f.value for f in headers.every(b"content-transfer-encoding")), b"")).lower()
    body_cause = "" if body_fits else explain_body(body, signature, encoding.decode("ascii", "replace"))
    if key is None:
        return Diagnosis(body_fits, body_cause=body_cause)
    fits = key.fits(signature.octets)
    if fits is None:
        return Diagnosis(body_fits, False, is_other_key=True, body_cause=body_cause)
    signed = SignedHeader(signature, own, headers.fields, signature.header_form)
    if fits(signed.octets()):
        return Diagnosis(body_fits, True, body_cause=body_cause)
    other = Form.SIMPLE if signature.header_form is Form.RELAXED else Form.RELAXED
    if fits(SignedHeader(signature, own, headers.fields, other).octets()):
        header_cause = f"b= is made of the {other.value} form, and c= says {signature.header_form.value}: broken signer"
    else:
        header_cause = _explain_header(signed, fits)
    return Diagnosis(body_fits, False, body_cause=body_cause, header_cause=header_cause)


def compare_fields(
    recorded: Iterable[str], headers: Headers, veil: Callable[[str], str] | None = None
) -> tuple[Change, ...]:
    """Say which signed fields are not as they were recorded, in the order of the record.

    Args:
        recorded: for each entry of `h=` in its order `Name` and the first 16 hex digits of the SHA-256 of that field's
            relaxed form with its CRLF, or `-` where there was no such field. What has another form is passed over.
        headers: the message as it is now.
        veil: makes of such digits what is recorded as `~` and 16 hex digits; without it those are passed over.
    """
    names: dict[bytes, str] = {}
    was: dict[bytes, list[str]] = {}
    for entry in recorded:
        if found := _RECORDED.fullmatch(entry):
            key = found[1].lower().encode("ascii")
            names.setdefault(key, found[1])
            was.setdefault(key, []).append(found[2])
    now: dict[bytes, list[str]] = {key: [] for key in names}
    veiled = {key for key, digests in was.items() if any(digest[:1] == "~" for digest in digests)}
    for field in reversed(headers.fields):  # RFC 6376 5.4.2: the first mention is the lowest field
        if field.key in now:
            digest = hashlib.sha256(relaxed_field(field.name, field.value)).hexdigest()[:16]
            now[field.key].append(veil(digest) if veil is not None and field.key in veiled else digest)
    known = (key for key in names if veil is not None or key not in veiled)
    return tuple(change for key in known for change in _changes(names[key], was[key], now[key]))


def _changes(name: str, recorded: list[str], now: list[str]) -> Iterator[Change]:
    was = [digest for digest in recorded if digest != "-"]
    is_guarded = len(was) < len(recorded)
    gone, come = Counter(was) - Counter(now), Counter(now) - Counter(was)
    changed = min(gone.total(), come.total())
    if changed:
        yield Change(name, ChangeKind.CHANGED, changed)
    if gone.total() > changed:
        yield Change(name, ChangeKind.REMOVED, gone.total() - changed)
    if come.total() > changed:
        is_harmless = not is_guarded and now[: len(was)] == was
        yield Change(name, ChangeKind.ADDED, come.total() - changed, is_harmless)
    elif not gone and now != was:
        yield Change(name, ChangeKind.REORDERED, len(was))


class SignedHeader:
    """The octets that `b=` signs, also for a message that is a little other than it is."""

    __slots__ = ("_canonical", "_forms", "_own", "_places", "_wanted", "edits")

    def __init__(self, signature: Signature, own: Field, fields: tuple[Field, ...], form: Form) -> None:
        self._canonical: _Canonical = relaxed_field if form is Form.RELAXED else simple_field
        # Verifiers count a further From as signed, dkimpy among them: a message has one (RFC 5322 3.6).
        self._wanted = [*(name.lower() for name in signature.names), b"from"]
        wanted = set(self._wanted)
        self._own = Field(own.name, signature.unsigned)
        self._places: dict[bytes, list[int]] = {key: [] for key in wanted}
        self._forms: dict[int, bytes] = {}
        for i, field in enumerate(fields):
            if field.key in wanted:
                self._places[field.key].append(i)
                self._forms[i] = self._canonical(field.name, field.value)
        self.edits = edits(signature, self._own, fields)

    @property
    def names(self) -> int:
        """How many names are looked up for it."""
        return len(self._wanted)

    def octets(self, undone: Iterable[Edit] = ()) -> bytes:
        """What was signed if these changes had not been made."""
        other: dict[int, Field | None] = {}
        added: dict[bytes, bytes] = {}
        for edit in undone:
            other.update(edit.fields)
            if edit.added is not None:
                added[edit.added.key] = self._canonical(edit.added.name, edit.added.value)
        left = {key: len(places) for key, places in self._places.items()}
        pieces: list[bytes] = []
        for key in self._wanted:
            piece = b""
            while not piece and left[key]:
                left[key] -= 1
                place = self._places[key][left[key]]
                changed = other.get(place, _SAME)
                if changed is _SAME:
                    piece = self._forms[place]
                elif changed is not None:
                    piece = self._canonical(changed.name, changed.value)
            pieces.append(piece or added.pop(key, b""))
        own = other.get(-1) or self._own
        # The field itself comes last, without its CRLF (RFC 6376 3.7).
        pieces.append(self._canonical(own.name, own.value).removesuffix(b"\r\n"))
        return b"".join(pieces)


_SAME: Final = Field(b"", b"")


def _explain_header(signed: SignedHeader, fits: Callable[[bytes], bool]) -> str:
    room = MAX_HASHED
    for count, undone in enumerate(_combined(signed.edits)):
        if count == MAX_TRIALS or room < 0:
            break
        octets = signed.octets(undone)
        room -= len(octets) + _NAME_COSTS * signed.names
        if fits(octets):
            return ", and ".join(dict.fromkeys(edit.says for edit in undone))
    return ""


def _combined(every: tuple[Edit, ...]) -> Iterator[tuple[Edit, ...]]:
    """Each edit alone, then the likeliest two and three together, as a mailing list makes them."""
    for edit in every:
        yield (edit,)
    for size, many in ((2, _IN_PAIRS), (3, _IN_THREES)):
        for some in combinations(every[:many], size):
            if sum(len(edit.names) for edit in some) == len(frozenset().union(*(edit.names for edit in some))):
                yield some
