"""What of a message is not as it was when its line was recorded: the header field by field, the body, the way out.

The record holds a digest of each signed field, the hash of the body, and what was found of each thing the law demands.
So a change is known for certain wherever a digest does not fit. What was there before is known only of what the record
has in clear. Of links it has scheme and host: that a link is the very same is only proven where field or body are.
Pure; the message and the line may be anybody's, and nothing here raises on them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sealgate.audit.looking import text_at
from sealgate.audit.matching import recorded_fields, veiled_fields
from sealgate.checks import canspam, hosts, oneclick
from sealgate.checks.facts import Facts, Known
from sealgate.checks.postal_words import words_of
from sealgate.mail.headers import Headers, decoded, unfolded
from sealgate.mail.message import Message
from sealgate.mail.mimefield import read_headers
from sealgate.profile.model import Identity, Kind, MailClass
from sealgate.seal.body_changes import explain_body
from sealgate.seal.diagnose import ChangeKind, compare_fields
from sealgate.seal.signature import Signature

Event = dict[str, Any]
SAME: Final = "same"
IN_CLEAR: Final = (
    ("From", "from"), ("Sender", "sender"), ("Resent-From", "resent_from"), ("Reply-To", "reply_to"),
    ("Message-ID", "message_id"), ("Subject", "subject"),
)  # fmt: skip
"""The fields whose text the record has, and by which names; of the Subject only where the profile shows it."""

_TRACE: Final = frozenset({
    b"received", b"return-path", b"delivered-to", b"x-original-to", b"authentication-results", b"dkim-signature",
    b"arc-seal", b"arc-message-signature", b"arc-authentication-results", b"received-spf", b"envelope-to",
})  # fmt: skip
_ANYBODY: Final = Identity("copy", Kind.SERVICE, MailClass.COMMERCIAL)  # so that everything is looked for
_LIST_FIELDS: Final = ("List-Unsubscribe", "List-Unsubscribe-Post")


@dataclass(frozen=True, slots=True)
class FieldState:
    """What became of the fields of one name.

    Attributes:
        name: as the record spells it.
        what: `same`, `changed`, `removed`, `added`, `reordered`; `unknown` where nothing was recorded of it.
        was, now: the text, where the record has it and where it is another.
        is_harmless: added above the signed one, which the signature does not mind.
    """

    name: str
    what: str
    was: str = ""
    now: str = ""
    is_harmless: bool = False


@dataclass(frozen=True, slots=True)
class ElementState:
    """What became of something that the law demands.

    Attributes:
        name: `opt-out`, `one-click`, `postal-address`, `label`.
        what: `same` (proven), `like` (the recorded part of it is the same), `changed`, `gone`, `added`, `unknown`.
        was, now: state and target or words.
        why: how that is known, or why it is not.
    """

    name: str
    what: str
    was: str = ""
    now: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Differences:
    """All that can be said.

    Attributes:
        body: `same`, `changed` or `unknown`.
        body_cause: the change that was proven; empty: none could be.
        fields: of each name that was recorded.
        unsigned: names of fields in the copy of which nothing was recorded, and that no relay adds as a rule.
        elements: of each thing that was looked for.
    """

    body: str
    body_cause: str
    fields: tuple[FieldState, ...]
    unsigned: tuple[str, ...]
    elements: tuple[ElementState, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing that was recorded is known to have changed."""
        what = [field.what for field in self.fields] + [element.what for element in self.elements]
        return self.body == SAME and all(one in (SAME, "like", "unknown") for one in what)


def differences(
    event: Event,
    message: Message,
    facts: Facts,
    body: bytes,
    body_sha256: str,
    signatures: tuple[Signature, ...],
    veil: Callable[[str], str] | None = None,
) -> Differences:
    """Hold a copy against its line.

    Args:
        event: the decision.
        message: the copy as it was taken in.
        facts: what a reader sees of its parts.
        body: with CRLF line ends.
        body_sha256: of the relaxed body, in hex.
        signatures: those of the copy that can be read.
        veil: see `personal.veil`; without it nothing is known of fields whose digests are veiled.
    """
    recorded = text_at(event, "message", "body_sha256")
    body_state = "unknown" if not recorded else SAME if recorded == body_sha256 else "changed"
    cause = ""
    if body_state == "changed":
        own = next((one for one in signatures if one.body_hash.hex() == recorded), None)
        encoding = read_headers(message.headers).encoding
        cause = explain_body(body, own, encoding) if own is not None else ""
    fields = _fields(event, message.headers, veil)
    proven = {field.name.lower() for field in fields if field.what == SAME}
    return Differences(
        body_state, cause, fields, _unsigned(event, message.headers),
        _elements(event, message, facts, is_same_body=body_state == SAME, proven=proven),
    )  # fmt: skip


# -- the header --------------------------------------------------------------------------------------------------------


def _fields(event: Event, headers: Headers, veil: Callable[[str], str] | None) -> tuple[FieldState, ...]:
    recorded = recorded_fields(event)
    if not recorded:
        return tuple(_by_text(event, name, key, headers) for name, key in IN_CLEAR)
    changes = {change.name.lower(): change for change in compare_fields(recorded, headers, veil)}
    found = []
    names: dict[str, str] = {}
    for spelled in (one.partition(" ")[0] for one in recorded):
        names.setdefault(spelled.lower(), spelled)
    there = {one.partition(" ")[0].lower() for one in recorded if not one.endswith(" -")}
    veiled = {one.lower() for one in veiled_fields(event)} if veil is None else set()
    for lower, name in names.items():
        change = changes.get(lower)
        if lower in veiled:
            found.append(FieldState(name, "unknown"))
            continue
        if change is None:
            if lower in there:
                found.append(FieldState(name, SAME))
            continue
        key = next((key for one, key in IN_CLEAR if one.lower() == lower), "")
        was = text_at(event, "header", key) if key else ""
        now = "" if change.kind is ChangeKind.REMOVED else _text(headers, lower)
        found.append(FieldState(name, str(change.kind), was, now, change.is_harmless))
    return tuple(found)


def _by_text(event: Event, name: str, key: str, headers: Headers) -> FieldState:
    """Compare what the record has in clear, where nothing was signed."""
    value = (event.get("header") or {}).get(key) if isinstance(event.get("header"), dict) else None
    if value is None or (isinstance(value, dict) and "begins" not in value):
        return FieldState(name, "unknown")
    was, now = text_at(event, "header", key), _raw(headers, name.lower())
    is_same = now.startswith(was) if isinstance(value, dict) else now == was
    if is_same:
        return FieldState(name, SAME)
    return FieldState(name, "changed" if was and now else "removed" if was else "added", was, now)


def _raw(headers: Headers, name: str) -> str:
    fields = headers.every(name.encode("ascii"))
    return unfolded(fields[0].value).decode("utf-8", "surrogateescape") if fields else ""


def _text(headers: Headers, name: str) -> str:
    fields = headers.every(name.encode("ascii", "replace"))
    return decoded(fields[0].value)[:400] if fields else ""


def _unsigned(event: Event, headers: Headers) -> tuple[str, ...]:
    known = {one.partition(" ")[0].lower() for one in recorded_fields(event)} or {n.lower() for n, _ in IN_CLEAR}
    names = (f.name.decode("ascii", "replace").strip() for f in headers if f.key not in _TRACE)
    return tuple(dict.fromkeys(name for name in names if name.lower() not in known))[:50]


# -- what the law demands ----------------------------------------------------------------------------------------------


def _elements(
    event: Event, message: Message, facts: Facts, *, is_same_body: bool, proven: set[str]
) -> tuple[ElementState, ...]:
    listed = event.get("elements")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    if not rows:
        return ()
    looked = canspam.as_record(canspam.read_elements(message, facts, _ANYBODY))
    looked.append(oneclick.as_record(oneclick.read(message)))
    now: dict[str, Mapping[str, Any]] = {str(row["name"]): row for row in looked}
    found = []
    for row in rows:
        name = text_at(row, "name")
        if name == "one-click":
            found.append(_one_click(row, now["one-click"], message.headers, proven))
        elif is_same_body:
            found.append(ElementState(name, SAME, _said(row), why="the body is the recorded one"))
        elif any(not isinstance(view, Known) for view in facts.views):
            found.append(ElementState(name, "unknown", _said(row), why="a part of the copy cannot be read"))
        elif name == "opt-out":
            found.append(_opt_out(row, now.get(name, {}), _targets(facts)))
        elif name == "postal-address":
            found.append(_postal(row, now.get(name, {}), facts))
        else:
            found.append(_other(row, now.get(name, {})))
    return tuple(found)


def _one_click(row: Event, now: Mapping[str, Any], headers: Headers, proven: set[str]) -> ElementState:
    was = _said(row)
    named = [name for name in _LIST_FIELDS if headers.every(name.lower().encode())]
    if named and all(name.lower() in proven for name in named) and row.get("state") == now["state"]:
        return ElementState("one-click", SAME, was, why="the signed fields are the recorded ones")
    if text_at(row, "target") and not now["target"]:
        return ElementState("one-click", "gone", was, _said(now), text_at(dict(now), "why"))
    if not text_at(row, "target"):
        return ElementState("one-click", "added" if now["target"] else "like", was, _said(now))
    is_like = (row.get("state"), row.get("target")) == (now["state"], now["target"])
    why = "scheme and host are the same; the rest was not recorded" if is_like else text_at(dict(now), "why")
    return ElementState("one-click", "like" if is_like else "changed", was, _said(now), why)


def _opt_out(row: Event, now: Mapping[str, Any], targets: frozenset[str]) -> ElementState:
    was, target = _said(row), text_at(row, "target")
    had = row.get("state") in ("live", "burdened", "dead")
    has = now.get("state") in ("live", "burdened", "dead")
    if not has:
        if had and target in targets:
            why = "a link to the recorded host is there, and no words of opting out that go with it"
            return ElementState("opt-out", "changed", was, _said(now), why)
        return ElementState("opt-out", "gone" if had else "like", was, _said(now))
    if not had:
        return ElementState("opt-out", "added", was, _said(now))
    if now.get("target") == target and now.get("state") == row.get("state"):
        why = "" if target == "reply" else "scheme and host are the same; the rest was not recorded"
        return ElementState("opt-out", "like", was, _said(now), why)
    still = "a link to the recorded host is still in the text" if target in targets else ""
    return ElementState("opt-out", "changed", was, _said(now), still)


def _postal(row: Event, now: Mapping[str, Any], facts: Facts) -> ElementState:
    was = _said(row)
    if row.get("digest") and row.get("digest") == now.get("digest"):
        return ElementState("postal-address", SAME, was, why="its words are the recorded ones")
    words = " ".join(words_of(text_at(row, "excerpt")))
    texts = (" ".join(words_of(view.value.text)) for view in facts.views if isinstance(view, Known))
    if words and any(words in text for text in texts):
        return ElementState("postal-address", SAME, was, why="its words are in the text")
    if now.get("state") in ("registered", "recognised"):
        return ElementState("postal-address", "changed", was, _said(now))
    return ElementState("postal-address", "gone" if row.get("excerpt") else "like", was, _said(now))


def _other(row: Event, now: Mapping[str, Any]) -> ElementState:
    if row.get("state") == "waived":
        return ElementState(text_at(row, "name"), "like", _said(row))
    had, has = row.get("state") == "present", now.get("state") == "present"
    what = "like" if had == has else "gone" if had else "added"
    return ElementState(text_at(row, "name"), what, _said(row), _said(now))


def _said(row: Mapping[str, Any]) -> str:
    parts = (str(row.get("state", "")), str(row.get("target", "")) or str(row.get("excerpt", "")))
    return " ".join(part for part in parts if part)[:300]


def _targets(facts: Facts) -> frozenset[str]:
    """Scheme and host of every link in the copy, as the record writes them."""
    return frozenset(
        canspam.redacted(hosts.redacted(link.href))
        for view in facts.views
        if isinstance(view, Known)
        for link in view.value.links
    )
