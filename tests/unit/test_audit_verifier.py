"""Whatever is done to audit files is found: by the chain, by the key, or by a checkpoint that was kept elsewhere."""

import gzip
import hashlib
import json
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader, BytesIO
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sealgate.audit import verifier
from sealgate.audit.chain import canonical, cut, digest, link
from sealgate.audit.note import AuditKey, generate, load, quickly_signed
from sealgate.audit.verifier import (
    MAX_UNSEALED,
    START,
    VOID_CAP,
    Frontier,
    Head,
    Note,
    Report,
    leaf_hash,
    lines_of,
    parse,
    told,
    unpacked,
    verify,
)

W = "2026-11-21T02:14:38.123456Z"
KEY = load(generate(), "relay1.example.test/sealgate")
OTHER_KEY = load(generate(), "relay1.example.test/sealgate")
# Test vectors of RFC 6962's reference implementation: leaves, and the root after each.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@dataclass
class Written:
    """An audit file as the writer makes it: lines, and octets that are none."""

    key: AuditKey = KEY
    lines: list[bytes] = field(default_factory=list)
    head: Head = START
    frontier: Frontier = field(default_factory=Frontier)
    notes: list[str] = field(default_factory=list)

    def add(self, event: dict[str, Any], moment: str = W) -> None:
        line = link(event, self.head.seq + 1, self.head.digest, moment)
        self.lines.append(line)
        self.frontier.append(leaf_hash(line))
        self.head = Head(self.head.seq + 1, digest(line))

    def own(self, kind: str, **event: Any) -> None:
        self.add({"kind": kind, "peaks": [peak.hex() for peak in self.frontier.peaks], **event})

    def checkpoint(self) -> str:
        note, root = self.key.signed(self.frontier), self.frontier.root().hex()
        self.own("checkpoint", size=self.frontier.size, root=root, note=note)
        self.notes.append(note)
        return note

    def closing(self, kind: str, torn: bytes, **more: Any) -> None:
        """A record about octets that are no lines, which are put before it."""
        if torn:
            self.lines += torn.split(b"\n")
        self.own(kind, why="test", octets=len(torn), sha256=hashlib.sha256(torn).hexdigest(), **more)

    def recovered(self, torn: bytes) -> None:
        self.closing("recovered", torn)

    def gap(self, torn: bytes, synced: Head | None = None) -> None:
        synced = synced or self.head
        self.closing("gap", torn, synced={"seq": synced.seq, "digest": synced.digest})

    def unsynced(self, count: int) -> None:
        """Lines whose sync failed, and a gap that says so."""
        before = self.head
        for number in range(count):
            self.add(decision(number))
        self.gap(b"", before)

    def lost(self, count: int) -> None:
        """The same, and the lines went from the disk later."""
        kept = len(self.lines)
        self.unsynced(count)
        del self.lines[kept:-1]


def decision(number: int, **more: Any) -> dict[str, Any]:
    return {"kind": "decision", "host": "relay1", "n": number, "verdict": "accept", **more}


def written(plan: list[tuple[str, Any]], key: AuditKey = KEY) -> Written:
    made = Written(key)
    for verb, value in plan:
        getattr(made, verb)(*([] if value is None else [value]))
    return made


def chained(count: int) -> Written:
    return written([("add", decision(number)) for number in range(count)])


TEXT = st.text(st.characters() | st.sampled_from('"\\{},:'), max_size=12)
TORN = st.binary(min_size=1, max_size=30).filter(lambda torn: not torn.endswith(b"\n") and parse(torn) is None)
EVENT = st.builds(decision, st.integers(0, 9), subject=TEXT) | st.dictionaries(
    TEXT.filter(lambda name: name not in ("seq", "prev", "w", "kind")), TEXT | st.integers(), max_size=3
)
STEP = st.one_of(
    st.tuples(st.just("add"), EVENT),
    st.tuples(st.just("add"), EVENT),
    st.tuples(st.just("checkpoint"), st.none()),
    st.tuples(st.just("recovered"), TORN),
    st.tuples(st.just("gap"), TORN | st.just(b"")),
    st.tuples(st.just("unsynced"), st.integers(0, 2)),
    st.tuples(st.just("lost"), st.integers(0, 2)),
)
PLAN = st.lists(STEP, min_size=2, max_size=10)


# -- the tree ----------------------------------------------------------------------------------------------------------


def test_roots_are_those_of_rfc_6962() -> None:
    frontier = Frontier()
    for size, root in enumerate(ROOTS):
        assert frontier.root().hex() == root
        assert Frontier.of(size, frontier.peaks).root().hex() == root
        if size < len(LEAVES):
            frontier.append(leaf_hash(bytes.fromhex(LEAVES[size])))


def mth(leaves: list[bytes]) -> bytes:
    """RFC 9162 2.1.1, to the letter."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\0" + leaves[0]).digest() if leaves else hashlib.sha256(b"").digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def test_a_frontier_of_any_size_has_the_root_of_the_definition() -> None:
    frontier, leaves = Frontier(), []
    for number in range(140):
        assert frontier.root() == mth(leaves)
        leaves.append(b"%d" % number)
        frontier.append(leaf_hash(leaves[-1]))
        assert len(frontier.peaks) == frontier.size.bit_count()


@pytest.mark.parametrize(("size", "peaks"), [(-1, []), (1, []), (3, [b"x" * 32]), (1, [b"x" * 31]), (0, [b"x" * 32])])
def test_peaks_that_do_not_belong_to_a_tree_are_refused(size: int, peaks: list[bytes]) -> None:
    with pytest.raises(ValueError, match="peaks"):
        Frontier.of(size, peaks)


# -- what is whole -----------------------------------------------------------------------------------------------------


@given(PLAN, st.booleans(), st.booleans())
def test_an_untouched_file_is_whole_and_agrees_with_each_of_its_checkpoints(plan, with_newlines, is_thorough) -> None:
    made = written(plan)
    lines = [line + b"\n" for line in made.lines] if with_newlines else made.lines
    for note in (None, *made.notes, made.key.signed(made.frontier)):
        checkpoint = Note.parse(note) if note else None
        report = verify(
            lines, key=KEY.public, checkpoint=checkpoint, signed=quickly_signed, is_thorough=is_thorough
        )  # fmt: skip
        assert report.is_whole, told(report)
        assert report.compared == ("same" if note else "")
    assert (report.lines, report.head, report.first) == (len(lines), made.head, 1)
    assert report.frontier is not None
    assert report.frontier.root() == made.frontier.root()
    assert report.signed == report.checkpoints == len(made.notes)
    assert sum(len(remark.kind) > 0 for remark in report.remarks) == sum(
        verb not in ("add", "checkpoint") for verb, _ in plan
    )


def test_nothing_is_whole_and_a_checkpoint_misses_it() -> None:
    assert verify([]).is_whole
    report = verify([], checkpoint=Note.parse(written([("add", decision(1))]).checkpoint()))
    assert (report.compared, report.missing) == ("shorter", 1)


def test_rotated_files_are_one_run_of_lines_and_a_later_one_can_be_read_alone() -> None:
    made = chained(5)
    middle = len(made.lines)
    made.checkpoint()  # the first line of a new file
    for number in range(5):
        made.add(decision(number))
    made.checkpoint()
    older, later = made.lines[:middle], made.lines[middle:]
    report = verify([("a.1", older), ("a", later)], key=KEY.public)
    assert report.is_whole
    assert report.lines == 12
    alone = verify(later, None, key=KEY.public)
    assert alone.is_whole
    assert (alone.first, alone.signed, alone.unsealed) == (6, 2, 0)
    assert alone.frontier is not None
    assert alone.frontier.root() == made.frontier.root()
    assert verify(later).broken is not None
    assert verify(later, Head(5, digest(older[-1]))).is_whole
    assert verify(later, None, checkpoint=Note.parse(made.notes[1])).compared == "same"
    assert "begin with number 6" in "".join(told(alone))


def test_an_ordinary_line_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(verifier, "parse", lambda line: read.append(line) or parse(line))
    made = chained(500)
    made.checkpoint()
    for number in range(500):
        made.add(decision(number))
    assert verify(made.lines).is_whole
    assert read == [made.lines[0], made.lines[500], made.lines[-1]]


# -- what is not -------------------------------------------------------------------------------------------------------


def _touched(lines: list[bytes], data: st.DataObject) -> list[bytes]:
    """Change a file somewhere, as somebody does who does not write anew what follows."""
    at = data.draw(st.integers(0, len(lines) - 1))
    verbs = ["octet", "reword", "drop", "swap", "copy", "insert", "newline", "cut", "splice", "run"]
    how, lines = data.draw(st.sampled_from(verbs)), list(lines)
    if how == "octet":
        place = data.draw(st.integers(0, max(0, len(lines[at]) - 1)))
        octet = data.draw(st.integers(0, 255))
        lines[at] = lines[at][:place] + bytes([octet]) + lines[at][place + 1 :]
    elif how == "reword":
        event = parse(lines[at])
        assume(event is not None)
        lines[at] = canonical({**(event or {}), "verdict": "reject"})
    elif how == "drop":
        del lines[at]
    elif how == "swap":
        other = data.draw(st.integers(0, len(lines) - 1))
        lines[at], lines[other] = lines[other], lines[at]
    elif how == "copy":
        lines.insert(data.draw(st.integers(0, len(lines))), lines[at])
    elif how == "insert":
        before = digest(lines[at - 1]) if at else START.digest
        lines.insert(at, link(decision(9), at + 1, before, W))
    elif how == "newline":
        place = data.draw(st.integers(0, len(lines[at])))
        lines[at : at + 1] = [lines[at][:place], lines[at][place:]]
    elif how == "cut":
        place = data.draw(st.integers(0, len(lines[at])))
        lines = [*lines[:at], *([lines[at][:place]] if place else [])]
    elif how == "splice":
        # One line of the old file stays behind it: a file written anew to its end is another test, below.
        foreign = written(data.draw(PLAN)).lines[: len(lines) - at - 1]
        lines[at : at + len(foreign)] = foreign
    else:
        end = data.draw(st.integers(at, len(lines)))
        del lines[at:end]
    return lines


def _is_found(before: Report, after: Report) -> bool:
    """An auditor sees it: by the verdict, or by what the files say of themselves."""
    return not after.is_whole or [str(r) for r in after.remarks] != [str(r) for r in before.remarks]


@given(PLAN, st.data())
def test_any_change_is_found_but_for_the_end(plan, data) -> None:
    """Without a key and a checkpoint: all but a cut end, and another content of the very last line."""
    made = written(plan)
    after = _touched(made.lines, data)
    assume(after != made.lines)
    before, report = verify(made.lines), verify(after)
    if not _is_found(before, report):
        is_cut = after == made.lines[: len(after)]
        is_last = after[:-1] == made.lines[:-1] or after[:-1] == made.lines[: len(after) - 1]
        assert is_cut or is_last, told(report)
        assert report.head != before.head
    elif report.broken is not None:
        assert report.broken.what
        assert told(report)[-1].startswith("NOT WHOLE: line ")
    # Reading all of each line finds no more.
    assert _is_found(before, verify(after, is_thorough=True)) == _is_found(before, report)


@given(PLAN, st.data())
def test_any_change_is_found_by_a_checkpoint_that_covers_it(plan, data) -> None:
    made = written(plan)
    note = Note.parse(made.key.signed(made.frontier))
    after = _touched(made.lines, data)
    assume(after != made.lines)
    before = verify(made.lines, checkpoint=note)
    assert before.is_whole
    report = verify(after, checkpoint=note)
    assert _is_found(before, report)
    # Where the lines begin later, they are all there from there on.
    alone = verify(after, None, checkpoint=note)
    assert _is_found(before, alone) or (alone.first > 1 and after == made.lines[-len(after) :])


@given(PLAN, PLAN, st.data())
def test_a_file_written_anew_from_somewhere_on_is_found_by_a_checkpoint_and_by_the_key(plan, anew, data) -> None:
    """The forger writes good lines from there on, with all that they need but the key."""
    made = written(plan)
    made.checkpoint()
    at = data.draw(st.integers(0, len(plan)))
    forged = written([*plan[:at], *anew], OTHER_KEY)
    forged.checkpoint()
    covered = made.lines[:-1]  # the checkpoint itself is only covered by the next one
    assume(forged.lines[: len(covered)] != covered)
    assert verify(forged.lines).is_whole, "without key and checkpoint nobody can know"
    assert not verify(forged.lines, key=KEY.public, signed=quickly_signed).is_whole
    kept, before = Note.parse(made.notes[-1]), verify(made.lines)
    # Lines that were never acknowledged may be gone, and that is remarked on: the tree knows them all the same.
    assert _is_found(before, verify(forged.lines, checkpoint=kept))
    insider = written([*plan[:at], *anew], KEY)
    insider.checkpoint()
    assume(insider.lines[: len(covered)] != covered)
    assert verify(insider.lines, key=KEY.public, signed=quickly_signed).is_whole, "whoever has the key can do so"
    found = verify(insider.lines, key=KEY.public, checkpoint=kept, signed=quickly_signed)
    assert _is_found(before, found)


def test_without_the_key_the_old_notes_do_not_fit_new_lines() -> None:
    made = chained(3)
    note = made.checkpoint()
    forged = chained(2)
    forged.add(decision(2, verdict="reject"))
    forged.own("checkpoint", size=3, root=forged.frontier.root().hex(), note=note)
    assert "contradicts itself" in str(verify(forged.lines).broken)
    honest = Frontier.of(made.head.seq - 1, [bytes.fromhex(p) for p in json.loads(made.lines[-1])["peaks"]])
    peaks = [peak.hex() for peak in honest.peaks]
    forged.lines.pop()
    forged.head = Head(3, digest(forged.lines[-1]))
    forged.add({"kind": "checkpoint", "size": 3, "root": honest.root().hex(), "peaks": peaks, "note": note})
    assert "written anew" in str(verify(forged.lines).broken)


def test_a_copied_checkpoint_before_forged_lines_proves_none_of_them() -> None:
    """It is signed, and the tree it names is right, but nothing says that the lines before it are of that tree."""
    made = chained(8)
    note = made.checkpoint()
    peaks = json.loads(made.lines[-1])["peaks"]
    forged = Written(head=Head(5, "f" * 64))
    for number in range(3):
        forged.add(decision(number, forged="yes"))
    forged.add({"kind": "checkpoint", "size": 8, "root": made.notes[0], "peaks": peaks, "note": note})
    report = verify(forged.lines, None, key=KEY.public)
    assert (report.signed, report.unsealed) == (1, 4)
    assert verify(forged.lines, None, checkpoint=Note.parse(note)).compared == "unknown"


def test_a_gap_record_cannot_jump_over_the_checkpoint_that_was_kept() -> None:
    made = chained(6)
    note = Note.parse(made.key.signed(made.frontier))
    forged = chained(4)
    forged.add(decision(77))
    head = forged.head
    forged.head = Head(7, "e" * 64)
    forged.add(
        {
            "kind": "gap",
            "why": "",
            "octets": 0,
            "sha256": hashlib.sha256(b"").hexdigest(),
            "synced": {"seq": head.seq, "digest": head.digest},
            "peaks": ["d" * 64] * 3,
        }
    )
    report = verify(forged.lines, checkpoint=note)
    assert report.broken is None
    assert report.compared == "unknown"
    assert not report.is_whole


def test_a_checkpoint_older_than_all_lines_here_proves_nothing() -> None:
    made = chained(4)
    old = made.checkpoint()
    made.add(decision(1))
    made.checkpoint()
    later = made.lines[5:]
    report = verify(later, None, checkpoint=Note.parse(old))
    assert (report.compared, report.is_whole) == ("before", False)
    assert "covers none of these lines" in told(report)[-1]


def test_lines_without_a_signed_checkpoint_for_too_long_are_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    made = chained(3)
    made.checkpoint()
    made.add(decision(1), "2026-11-21T02:29:00.000000Z")
    report = verify(made.lines, key=KEY.public)
    assert report.is_whole
    assert report.unsealed == 1
    made.add(decision(1), "2026-11-21T02:30:00.000000Z")
    report = verify(made.lines, key=KEY.public)
    assert (report.unsealed, report.is_overdue, report.is_whole) == (2, True, False)
    assert "behind number 4" in told(report)[-1]
    assert verify(made.lines).is_whole
    made.checkpoint()
    assert verify(made.lines, key=KEY.public).is_whole
    monkeypatch.setattr(verifier, "MAX_UNSEALED", 5)
    assert MAX_UNSEALED > 10_000
    assert verify(chained(5).lines, key=KEY.public).is_whole
    assert verify(chained(6).lines, key=KEY.public).is_overdue


def test_a_checkpoint_of_another_key_is_no_proof() -> None:
    made = chained(3)
    note = Note.parse(OTHER_KEY.signed(made.frontier))
    made.checkpoint()
    assert verify(made.lines, key=KEY.public, checkpoint=note).compared == "unsigned"
    assert not verify(made.lines, key=KEY.public, checkpoint=note).is_whole
    assert "not signed by the audit key" in str(verify(made.lines, key=OTHER_KEY.public).broken)


def test_texts_of_a_sender_cannot_pass_for_the_links() -> None:
    made = chained(2)
    evil = f'x","prev":"{made.head.digest}","seq":3,"kind":"gap","y":{{"prev":"{"0" * 64}"'
    for name in ("aa", "zz"):
        made.add(decision(1, **{name: evil}))
        made.add(decision(2, **{name: {"prev": evil, "kind": "checkpoint", "seq": 1}}))
    assert verify(made.lines).is_whole
    assert verify(made.lines, is_thorough=True).is_whole


@pytest.mark.parametrize("place", [1, 3])
def test_a_line_with_the_right_links_in_the_wrong_place_deceives_nobody(place: int) -> None:
    """In the midst it makes what follows break; at the end it is read; and it is found by who reads all."""
    made = chained(4)
    before = Head(place, digest(made.lines[place - 1]))
    nested = b'{"kind":"decision","x":{"a":1,"prev":"%b","seq":%d,"w":1},"prev":"%b","seq":9,"w":"%b"}' % (
        before.digest.encode(), before.seq + 1, b"0" * 64, W.encode(),
    )  # fmt: skip
    garbage = b'\xff{"kind":"x","prev":"%b","seq":%d,' % (before.digest.encode(), before.seq + 1)
    for line in (nested, garbage):
        lines = list(made.lines)
        lines[place] = line
        broken = verify(lines).broken
        assert broken is not None
        assert broken.line in (place + 1, place + 2)
        thorough = verify(lines, is_thorough=True).broken
        assert thorough is not None
        assert thorough.line == place + 1


# -- what the files say of themselves ----------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"to", b"tORN", b"torn more"])
def test_a_recovered_record_that_does_not_fit_its_octets_explains_nothing(said: bytes) -> None:
    made = chained(1)
    made.recovered(said)
    lines = [made.lines[0], b"torn", made.lines[-1]]
    report = verify(lines)
    assert report.broken is not None
    assert report.broken.line == 2


def test_the_torn_octets_cannot_be_taken_out() -> None:
    made = chained(1)
    made.recovered(b"torn")
    report = verify([made.lines[0], made.lines[-1]])
    assert report.broken is not None
    assert report.broken.line == 2


def test_lines_that_a_failed_sync_lost_are_remarked_on_and_not_missed() -> None:
    made = chained(3)
    made.unsynced(2)
    assert verify(made.lines).is_whole
    report = verify([*made.lines[:3], b"\0" * 99, made.lines[-1]])
    assert report.is_whole
    assert [(remark.line, remark.octets, remark.is_changed) for remark in report.remarks] == [(5, 99, True)]
    assert "not there any more" in "".join(told(report))


def test_lines_cut_off_under_the_writer_are_counted_as_missing() -> None:
    made = chained(5)
    made.gap(b"")
    made.add(decision(1))
    report = verify([("a", [*made.lines[:2], *made.lines[5:]])])
    assert report.broken is None
    assert [(remark.line, remark.missing) for remark in report.remarks] == [(3, 3)]
    assert not report.is_whole
    assert told(report)[-1].startswith("NOT WHOLE: 3 acknowledged lines are missing before a, line 3 (")


@pytest.mark.parametrize("synced", [2, 3, 4])
def test_a_gap_does_not_hide_a_change_before_it(synced: int) -> None:
    made = chained(5)
    made.gap(b"", Head(synced + 1, digest(made.lines[synced])))
    lines = list(made.lines)
    lines[2] = canonical({**json.loads(lines[2]), "n": 99})
    report = verify(lines)
    assert report.broken is not None
    assert report.broken.line == 4


def test_the_chain_goes_on_behind_lost_lines_and_its_next_checkpoint_proves_it() -> None:
    made = chained(3)
    made.lost(2)
    made.add(decision(1))
    made.checkpoint()
    report = verify(made.lines, key=KEY.public, checkpoint=Note.parse(made.notes[-1]))
    assert report.is_whole
    assert (report.compared, report.signed, report.unsealed) == ("same", 1, 0)


# -- hostile and huge --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"a": 1}',
        b'{"a":1,"a":1,"prev":"' + b"0" * 64 + b'","seq":1}',
        b'{"prev":"' + b"0" * 63 + b'","seq":1}',
        b'{"prev":"' + b"0" * 64 + b'","seq":true}',
        b'{"prev":"' + b"0" * 64 + b'","seq":0}',
        b'{"prev":"' + b"0" * 64 + b'","seq":1.0}',
        b'{"prev":"' + b"0" * 64 + b'","seq":' + b"9" * 30 + b"}",
        b'{"a":"\x7f","prev":"' + b"0" * 64 + b'","seq":1}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
)
def test_what_the_writer_would_not_have_written_is_no_line(line: bytes) -> None:
    assert parse(line) is None
    assert verify([line]).broken is not None


ODD = st.none() | st.booleans() | st.integers(-1, 2**70) | st.text(max_size=8) | st.just("0" * 64)
NAMES = ["octets", "sha256", "synced", "peaks", "note", "size", "root", "why", "w", "digest", "seq"]
HOSTILE = st.fixed_dictionaries(
    {"kind": st.sampled_from(["gap", "recovered", "checkpoint", "decision"]) | ODD},
    optional={
        name: ODD | st.lists(ODD, max_size=3) | st.fixed_dictionaries({"seq": ODD, "digest": ODD})
        for name in NAMES
        if name not in ("w", "seq")
    },
)


@given(st.lists(st.binary(max_size=60) | HOSTILE, max_size=6), st.integers(0, 3), st.booleans())
@example([{"kind": "gap", "octets": True}], 0, False)
def test_no_line_makes_verify_raise(parts, size, from_start) -> None:
    head, lines = START, []
    for part in parts:
        line = part if isinstance(part, bytes) else link(part, head.seq + 1, head.digest, W)
        lines.append(line)
        head = Head(head.seq + 1, digest(line))
    note = Note.parse(KEY.signed(chained(size).frontier))
    for is_thorough in (False, True):
        report = verify(lines, START if from_start else None, key=KEY.public, checkpoint=note, is_thorough=is_thorough)
        assert report.lines == len(lines)
        assert all(sentence.isprintable() for sentence in told(report))


def test_what_a_record_says_cannot_drive_a_terminal() -> None:
    made = chained(1)
    made.own("recovered", why="\x1b]0;pwned\x07\u202e", octets=0, sha256=hashlib.sha256(b"").hexdigest())
    assert all(sentence.isprintable() for sentence in told(verify([("a\x1b[2J\n", made.lines)])))


def test_verify_gives_up_where_nothing_can_explain_any_more() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 65_536

    report = verify(endless())
    assert report.broken is not None
    assert report.broken.line == 1
    assert read <= VOID_CAP // 65_536 + 2


def _many(count: int, checkpoint_every: int = 1000) -> Iterator[bytes]:
    line = cut(decision(1, filler="x" * 1300))
    head, frontier = START, Frontier()
    for number in range(count):
        text = line.join(head.seq + 1, head.digest, W)
        if number % checkpoint_every == checkpoint_every - 1:
            event = {"kind": "checkpoint", "peaks": [peak.hex() for peak in frontier.peaks]}
            text = link({**event, "note": KEY.signed(frontier)}, head.seq + 1, head.digest, W)
        frontier.append(leaf_hash(text))
        head = Head(head.seq + 1, digest(text))
        yield text + b"\n"


def test_memory_does_not_grow_with_the_files() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            report = verify(lines_of(_Stream(_many(count)).read), key=KEY.public, signed=quickly_signed)
            assert report.is_whole
            assert report.lines == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    small, large = peak(1_000), peak(6_000)
    assert large < small + 100_000
    assert large < 4_000_000


def test_a_line_without_an_end_is_not_kept() -> None:
    class Endless:
        def read(self, size: int) -> bytes:
            return b"x" * size

    tracemalloc.start()
    try:
        report = verify(lines_of(Endless().read))
        assert tracemalloc.get_traced_memory()[1] < 6 * VOID_CAP
    finally:
        tracemalloc.stop()
    assert report.broken is not None


class _Stream:
    """Reads as a file does."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (line := next(self._lines, b"")):
            self._rest += line
        octets, self._rest = self._rest[:size], self._rest[size:]
        return octets


@given(st.binary(max_size=200), st.integers(1, 7))
def test_a_stream_is_cut_at_its_newlines_wherever_its_blocks_end(octets: bytes, size: int) -> None:
    blocks = [octets[at : at + size] for at in range(0, len(octets), size)]
    found = list(lines_of(lambda _: blocks.pop(0) if blocks else b""))
    assert found == (octets.split(b"\n")[:-1] if octets.endswith(b"\n") or not octets else octets.split(b"\n"))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 400), st.integers(0, 3), st.data())
def test_packed_files_read_as_gzip_reads_them_and_a_cut_one_never_passes_for_whole(members, size, zeros, data) -> None:
    packed = b"".join(map(gzip.compress, members))

    def content(octets: bytes) -> bytes:
        read = unpacked(BufferedReader(BytesIO(octets)))
        return b"".join(iter(lambda: read(size), b""))

    whole = packed + b"\0" * zeros
    assert content(whole) == b"".join(members) == gzip.decompress(whole)
    cut = packed[: data.draw(st.integers(len(packed) - len(gzip.compress(members[-1])) + 3, len(packed) - 1))]
    with pytest.raises((EOFError, zlib.error)):
        content(cut)
    with pytest.raises(OSError, match=r"cut short|incomplete|Error"):
        list(lines_of(unpacked(BufferedReader(BytesIO(cut)))))
