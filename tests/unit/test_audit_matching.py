"""Which line a copy belongs to, and what is not as it was: with the gate's own lines, and copies that changed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.adapters.auditfiles import Line, stream
from sealgate.app.gather import gather
from sealgate.app.intake import Intake
from sealgate.audit.differences import Differences, differences
from sealgate.audit.looking import event_of
from sealgate.audit.matching import (
    BEST,
    Candidate,
    Evidence,
    Traces,
    evidence_of,
    line_of,
    ranked,
    recorded_fields,
    traces_of,
)
from sealgate.cli.audit_hidden import values_of
from sealgate.mail.filed import read_filed
from sealgate.mail.message import Envelope, Session
from sealgate.profile.model import Form
from tests.lab.inline import InlineReader
from tests.lab.recorder import NEWSLETTER, PERSONAL, Recorder


@dataclass(frozen=True)
class Sent:
    """A record of three newsletters with one body, and a person's mail."""

    path: Path
    copies: tuple[bytes, ...]
    ids: tuple[str, ...]
    personal: bytes
    personal_id: str

    def ranked(self, copy: bytes, *, is_weak: bool = False) -> tuple[tuple[Candidate[Any], ...], int]:
        filed = read_filed(copy)
        assert filed is not None
        return ranked(stream([self.path]), traces_of(filed.headers, body_hash(copy)), is_weak=is_weak)

    def compared(self, copy: bytes) -> Differences:
        filed = read_filed(copy)
        assert filed is not None
        (best, *_), _ = self.ranked(copy)
        intake = Intake()
        for field in filed.headers:
            intake.header(field.name, field.value)
        intake.body(filed.body)
        message, _ = intake.finish(reference="", received_at=0.0, session=Session("", "", 1), envelope=Envelope(b"<>"))
        facts = gather(message, InlineReader(), frozenset())
        traces = traces_of(filed.headers, body_hash(copy))
        event = best.found.event
        veil = values_of(self.path.with_name("state"), event).veil
        return differences(event, message, facts, filed.body, traces.body_sha256, traces.signatures, veil)


def body_hash(copy: bytes) -> str:
    filed = read_filed(copy)
    assert filed is not None
    intake = Intake()
    intake.body(filed.body)
    _, hashes = intake.finish(reference="", received_at=0.0, session=Session("", "", 1), envelope=Envelope(b"<>"))
    return hashes[Form.RELAXED].hex()


def numbered(number: int) -> bytes:
    return NEWSLETTER.replace(b"<lawful@", b"<lawful-%d@" % number)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    copies, ids = [], []
    with Recorder(tmp_path_factory.mktemp("record")) as record:
        for number in range(3):
            copies.append(record.send(numbered(number), at=f"2026-11-21T09:00:0{number}Z", queue_id=f"4QUEUE{number}"))
            ids.append(record.reference)
        personal = record.send(
            PERSONAL.replace(b"\n\n", b"\nDate: Sat, 21 Nov 2026 10:00:00 +0000\n\n", 1),
            login="alice", sender="alice@example.test", at="2026-11-21T10:00:00Z", queue_id="4ALICE",
        )  # fmt: skip
        yield Sent(record.path, tuple(copies), tuple(ids), personal, record.reference)


def without(copy: bytes, *names: bytes) -> bytes:
    """Take fields out, with their folds."""
    head, _, body = copy.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in b" \t":
            if kept:
                kept[-1] += b"\r\n" + line
        else:
            kept.append(line)
    return b"\r\n".join(one for one in kept if not one.lower().startswith(names)) + b"\r\n\r\n" + body


SIGNATURE, MESSAGE_ID = b"dkim-signature:", b"message-id:"
CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda copy: copy,
    "line ends of a mailbox": lambda copy: copy.replace(b"\r\n", b"\n"),
    "a footer": lambda copy: copy + b"-- \r\na list\r\n",
    "no Message-ID": lambda copy: without(copy, MESSAGE_ID),
    "no signature": lambda copy: without(copy, SIGNATURE),
    "a footer and no Message-ID": lambda copy: without(copy, MESSAGE_ID) + b"more\r\n",
    "a footer and no signature": lambda copy: without(copy, SIGNATURE) + b"more\r\n",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("number", range(3))
def test_the_line_is_found_whatever_one_thing_was_lost(
    sent: Sent, number: int, change: Callable[[bytes], bytes]
) -> None:
    candidates, ties = sent.ranked(change(sent.copies[number]))
    assert (candidates[0].found.event["id"], ties) == (sent.ids[number], 1)


def test_lines_that_have_as_much_for_them_are_counted_and_shown(sent: Sent) -> None:
    candidates, ties = sent.ranked(without(sent.copies[1], MESSAGE_ID, SIGNATURE))
    assert ties == 3
    assert {candidate.found.event["id"] for candidate in candidates} == set(sent.ids)


def test_a_queue_id_of_a_received_field_decides_between_equals(sent: Sent) -> None:
    received = b"Received: from client by relay1 (Postfix) with ESMTPSA id 4QUEUE2\r\n\tfor <x@example.org>; now\r\n"
    candidates, ties = sent.ranked(received + without(sent.copies[1], MESSAGE_ID, SIGNATURE))
    assert (candidates[0].found.event["id"], ties) == (sent.ids[2], 1)


def test_author_and_date_are_looked_at_only_where_asked_for(sent: Sent) -> None:
    bare = without(sent.personal, MESSAGE_ID, SIGNATURE) + b"PS: or five\r\n"
    assert sent.ranked(bare) == ((), 0)
    candidates, _ = sent.ranked(bare, is_weak=True)
    assert candidates[0].found.event["id"] == sent.personal_id
    assert (candidates[0].evidence.is_strong, candidates[0].evidence.seconds) == (False, 0)
    assert sent.ranked(bare.replace(b"21 Nov 2026", b"21 Nov 2027"), is_weak=True) == ((), 0)


def test_a_foreign_message_has_no_line(sent: Sent) -> None:
    foreign = b"From: a@other.test\r\nMessage-ID: <x@other.test>\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\n\r\nhi\r\n"
    assert sent.ranked(foreign) == sent.ranked(foreign, is_weak=True) == ((), 0)


def test_no_more_than_the_best_are_kept(tmp_path: Path) -> None:
    with Recorder(tmp_path) as record:
        for second in range(BEST + 3):
            copy = record.send(at=f"2026-11-21T09:00:0{second}Z")
        candidates, ties = Sent(record.path, (), (), b"", "").ranked(without(copy, SIGNATURE))
    assert (len(candidates), ties) == (BEST, BEST + 3)
    assert candidates[0].found.event["t"][18] == "0", "among equals the one nearest to its Date"


# -- what was changed --------------------------------------------------------------------------------------------------


def what(found: Differences) -> dict[str, str]:
    return {field.name: field.what for field in found.fields if field.what != "same"}


def by_law(found: Differences) -> dict[str, str]:
    return {element.name: element.what for element in found.elements}


def test_a_copy_as_it_left_is_the_same_in_everything(sent: Sent) -> None:
    received = b"Received: from relay1 by mx; now\r\nDelivered-To: reader@example.org\r\nX-Spam: no\r\n"
    found = sent.compared(received + sent.copies[0])
    assert (found.is_same, found.body, what(found)) == (True, "same", {})
    assert len(found.fields) == 9
    assert set(by_law(found).values()) == {"same"}
    assert found.unsigned == ("X-Spam",), "what relays add is passed over"


@pytest.mark.parametrize(("old", "new", "changes"), [
    (b"Subject: Spring", b"Subject: [EXT] Spring", {"Subject": "changed"}),
    (b"To: Reader", b"Cc: boss@example.org\r\nTo: Reader", {"Cc": "added"}),
    (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b"", {"List-Unsubscribe-Post": "removed"}),
    (b"From: Example News", b"From: EXAMPLE NEWS", {"From": "changed"}),
    (b"\r\nSubject: ", b"\r\nSubject:   ", {}),
    (b"\r\nSubject: ", b"\r\nsubject:\r\n ", {}),
])  # fmt: skip
def test_each_field_that_was_changed_is_named(sent: Sent, old: bytes, new: bytes, changes: dict[str, str]) -> None:
    changed = sent.copies[0].replace(old, new)
    assert changed != sent.copies[0]
    found = sent.compared(changed)
    assert (what(found), found.body) == (changes, "same")
    assert found.is_same == (not changes)


def test_what_the_record_has_in_clear_is_shown_beside_what_is_there_now(sent: Sent) -> None:
    (field,) = [f for f in sent.compared(sent.copies[0].replace(b"From: Example", b"From: Evil")).fields if f.was]
    assert (field.was, field.now) == ("Example News <news@example.test>", "Evil News <news@example.test>")


def test_a_change_of_the_body_that_can_be_proven_is(sent: Sent) -> None:
    found = sent.compared(sent.copies[0] + b"-- \r\nSent through a list\r\n")
    assert found.body == "changed"
    assert "end" in found.body_cause
    assert sent.compared(sent.copies[0].replace(b"Garden", b"Gardening")).body_cause == ""


OURS, EVIL = b"https://www.example.test/u/k3j9", b"https://evil.example.com/u/k3j9"


def test_a_way_out_that_leads_elsewhere_is_seen(sent: Sent) -> None:
    body = sent.compared(
        sent.copies[0].replace(b'href="' + OURS, b'href="' + EVIL).replace(b"open " + OURS, b"open " + EVIL)
    )
    assert by_law(body) == {"postal-address": "same", "opt-out": "changed", "label": "like", "one-click": "same"}
    assert "evil.example.com" in next(e.now for e in body.elements if e.name == "opt-out")
    header = sent.compared(sent.copies[0].replace(b"<" + OURS, b"<" + EVIL))
    assert by_law(header)["one-click"] == "changed"
    assert by_law(header)["opt-out"] == "same"
    gone = sent.compared(without(sent.copies[0], b"list-unsubscribe:", b"list-unsubscribe-post:"))
    assert by_law(gone)["one-click"] == "gone"


def test_a_way_out_that_is_gone_is_seen(sent: Sent) -> None:
    copy = sent.copies[0].replace(b"To unsubscribe, open " + OURS, b"").replace(b">Unsubscribe</a>", b"></a>")
    found = sent.compared(copy.replace(b"Example Inc., 12 Main Street, Springfield, IL 62701", b""))
    assert by_law(found)["postal-address"] == "gone"
    assert by_law(found)["opt-out"] in ("gone", "changed")
    assert not found.is_same


def test_another_page_of_the_same_host_is_not_taken_for_proven(sent: Sent) -> None:
    copy = (
        sent.copies[0]
        .replace(b"/u/k3j9", b"/u/other")
        .replace(b"<https://www.example.test/u/other>", b"<" + OURS + b">")
    )
    opt_out = next(e for e in sent.compared(copy).elements if e.name == "opt-out")
    assert (opt_out.what, "not recorded" in opt_out.why) == ("like", True)


def test_mail_that_was_not_signed_is_held_against_what_the_record_has_in_clear(sent: Sent, tmp_path: Path) -> None:
    with Recorder(tmp_path) as record:
        record.send(NEWSLETTER.replace(b"news@example.test", b"news@unsigned.test"), sender="news@unsigned.test")
        copy = NEWSLETTER.replace(b"news@example.test", b"news@unsigned.test").replace(b"Example News", b"Other")
        found = Sent(record.path, (), (), b"", "").compared(copy)
    states = {field.name: field.what for field in found.fields}
    assert states["From"] == "changed"
    assert states["Message-ID"] == "same"
    assert states["Subject"] == "unknown", "it is hashed"


# -- anybody's ---------------------------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.sampled_from(["0" * 64, "From 0123456789abcdef", "live"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ELEMENT = st.dictionaries(st.sampled_from(["name", "state", "target", "excerpt", "digest"]), ANYTHING)
EVENT = st.fixed_dictionaries({"kind": st.just("decision")}, optional={
    "t": ANYTHING, "header": ANYTHING | st.dictionaries(st.sampled_from(["from", "subject", "message_id"]), ANYTHING),
    "message": ANYTHING | st.dictionaries(st.just("body_sha256"), ANYTHING),
    "seal": ANYTHING | st.dictionaries(st.sampled_from(["signed", "fields"]), ANYTHING),
    "elements": ANYTHING | st.lists(ELEMENT, max_size=3), "queue_id": ANYTHING,
})  # fmt: skip


@given(EVENT)
def test_a_line_of_anybody_raises_nothing(event: dict[str, Any]) -> None:
    read = event_of(json.dumps(event).encode())
    filed = read_filed(NEWSLETTER)
    assert filed is not None
    traces = traces_of(filed.headers, "0" * 64)
    assert isinstance(evidence_of(read, traces), Evidence)
    message, _ = Intake().finish(reference="", received_at=0.0, session=Session("", "", 1), envelope=Envelope(b"<>"))
    differences(read, message, gather(message, InlineReader(), frozenset()), b"x", "0" * 64, ())


@given(st.binary(max_size=200))
def test_a_copy_of_anybody_raises_nothing(octets: bytes) -> None:
    for name in (b"From", b"Date", b"Message-ID", b"Received", b"DKIM-Signature"):
        filed = read_filed(name + b": " + octets)
        assert filed is not None
        traces = traces_of(filed.headers, "0" * 64)
        traces.needles()
        traces.weak_needles()


# -- the line of what was sealed ---------------------------------------------------------------------------------------

BODY, OTHER = "ab" * 32, "cd" * 32


def line(**over: Any) -> Line:
    event: dict[str, Any] = {
        "kind": "decision", "t": "2026-11-21T10:00:00.123456Z", "id": "A1", "queue_id": "4XyzQ1", "seq": 7,
        "verdict": "accept", "header": {"message_id": "<1@example.test>"}, "message": {"body_sha256": BODY},
        "seal": {"signed": ["d=example.test s=r1 a=rsa-sha256"], "fields": ["From 0123456789abcdef", 5, "Cc -"]},
    }  # fmt: skip
    return Line(Path("audit.jsonl"), 1, json.dumps(event | over, separators=(",", ":")).encode())


TRACES = Traces(BODY, message_id="<1@example.test>", queue_ids=frozenset({"4XyzQ1"}))


def test_the_line_of_a_sealed_message_is_found_by_any_strong_trace() -> None:
    lines = [line(header={"message_id": "<2@x>"}, message={"body_sha256": OTHER}), line()]
    for traces in (TRACES, Traces(BODY), Traces(OTHER, message_id="<1@example.test>")):
        found = line_of(lines, traces)
        assert found is not None
        assert found["id"] == "A1"
        assert recorded_fields(found) == ("From 0123456789abcdef", "Cc -")


def test_of_a_newsletter_s_thousand_lines_the_right_one_is_found() -> None:
    others = [line(id=f"N{i}", header={"message_id": f"<n{i}@x>"}, queue_id=f"QQQQQ{i}") for i in range(60)]
    for wanted in (TRACES, Traces(BODY, queue_ids=TRACES.queue_ids)):
        found = line_of([*others[:30], line(), *others[30:]], wanted)
        assert found is not None
        assert found["id"] == "A1"


def test_a_message_that_was_sent_again_has_its_last_line() -> None:
    found = line_of([line(id="OLD"), line(id="NEW")], TRACES)
    assert found is not None
    assert found["id"] == "NEW"


@pytest.mark.parametrize(
    "unfit",
    [
        line(seal={"signed": [], "skipped": "seal-off"}), line(seal=None), line(seal=[]), line(kind="fault"),
        line(header={"message_id": "<2@x>"}, message={"body_sha256": OTHER}), line(header=5, message=[BODY]),
        Line(Path("x"), 1, b"[1]"), Line(Path("x"), 1, b"{" * 100_000), Line(Path("x"), 1, BODY.encode()),
    ],
)  # fmt: skip
def test_what_is_no_line_of_it_is_not_taken(unfit: Line) -> None:
    assert line_of([unfit], TRACES) is None


def test_a_copy_without_traces_has_no_line() -> None:
    assert line_of([line()], Traces(OTHER)) is None
    assert line_of([line()], Traces(OTHER, queue_ids=TRACES.queue_ids)) is None


@pytest.mark.parametrize("event", [{}, {"seal": None}, {"seal": {"fields": "From"}}, {"seal": {"fields": {"a": 1}}}])
def test_a_line_without_digests_has_none(event: dict[str, Any]) -> None:
    assert recorded_fields(event) == ()
