"""The record under attack, part by part: each case was a way to hide, to guess, to forge or to stop something.

Somebody who reads the lines tries to guess what they hide; somebody who may write to the files, but has no audit key,
tries to make lines vanish; crafted lines try to keep whoever reads them busy. Attacks that need a running gate are in
`tests.drivers.test_audit_injection`.
"""

import base64
import fcntl
import hashlib
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealgate.adapters import auditkey, epochs, files, profilestore
from sealgate.adapters.auditfiles import Line, files_of, stream
from sealgate.adapters.auditfiles.opening import opened
from sealgate.adapters.journal import JournalFile
from sealgate.adapters.personal import SideFiles, file_of
from sealgate.adapters.writer import LENGTH, packed, unpacked
from sealgate.app.ports import PortError
from sealgate.app.runtime import Runtime
from sealgate.audit.chain import canonical, cut
from sealgate.audit.forgetting import without_address
from sealgate.audit.looking import Wanted, search
from sealgate.audit.note import quickly_signed
from sealgate.audit.personal import epoch_of
from sealgate.audit.verifier import Key, Note, ed25519_signed, told, verify
from sealgate.cli import audit_explain
from sealgate.cli.audit_hidden import values_of
from sealgate.daemon.keeping import Keeper, Keeping
from sealgate.mail.filed import read_filed
from sealgate.profile.model import Record, Showing
from sealgate.seal.canonical import relaxed_field
from sealgate.seal.diagnose import compare_fields
from tests.lab.recorder import PERSONAL, Recorder
from tests.unit import recorded as recorded_lines
from tests.unit.recorded import HIDDEN, chained
from tests.unit.test_audit_verifier import KEY, Written, decision
from tests.unit.test_audit_verifier import chained as whole_chain

ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's base point (RFC 8032 5.1)
PRIME = 2**255 - 19
TITLE_ONLY = Record(recipients=Showing.CLEAR, subject=Showing.HASHED)
Event = dict[str, Any]


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Runtime]:
    return recorded_lines.runtimes(tmp_path_factory.mktemp("attack"))


# -- guessing what is hidden -------------------------------------------------------------------------------------------


def guesses(message: bytes) -> set[str]:
    """What somebody would look for who suspects that a line is of this message: the digest of each of its fields."""
    filed = read_filed(message)
    assert filed is not None
    fields = [field for field in filed.headers if field.key in (b"to", b"cc", b"subject", b"list-unsubscribe")]
    assert fields
    return {hashlib.sha256(relaxed_field(field.name, field.value)).hexdigest()[:16] for field in fields}


def sent(folder: Path, message: bytes = PERSONAL, **how: Any) -> tuple[bytes, bytes, Path]:
    """The line of a sealed message, the copy that left, and the state folder."""
    with Recorder(folder, **how) as record:
        copy = record.send(message, ("bob@example.org",), login="alice", sender="alice@example.test")
        assert copy
        return record.path.read_bytes().splitlines()[0], copy, record.state


def test_a_hidden_recipient_or_subject_cannot_be_guessed_by_the_digest_of_a_field(tmp_path: Path) -> None:
    line, copy, _ = sent(tmp_path, recipients=Showing.HASHED)
    assert not [guess for guess in guesses(copy) if guess.encode() in line]


def test_what_is_in_clear_keeps_plain_digests(tmp_path: Path) -> None:
    """Who may read the lines alone can still compare them."""
    line, copy, _ = sent(tmp_path, recipients=Showing.CLEAR, subject=Showing.CLEAR)
    assert all(guess.encode() in line for guess in guesses(copy))


@pytest.mark.parametrize(
    ("record", "are_open"),
    [
        (HIDDEN, {"from", "date", "message-id", "reply-to", "mime-version", "content-type", "sender"}),
        (TITLE_ONLY, {"from", "date", "to", "cc", "list-unsubscribe", "message-id", "reply-to"}),
    ],
    ids=["recipients and subject", "subject"],
)
def test_no_case_gives_away_what_the_profile_hides(
    runtimes: dict[str, Runtime], record: Record, are_open: set[str]
) -> None:
    seen, veiled = set(), set()
    for _, event in recorded_lines.decisions(runtimes, record):
        for entry in event["seal"].get("fields", ()) if "seal" in event else ():
            name, _, digest = entry.partition(" ")
            (veiled if digest.startswith("~") else seen).update({name.lower()} if digest != "-" else ())
    assert "subject" in veiled
    assert "subject" not in seen
    assert ({"to", "list-unsubscribe"} <= veiled) == (record is HIDDEN)
    assert not veiled & are_open


def test_whoever_has_key_and_salt_can_still_say_which_field_was_changed(tmp_path: Path) -> None:
    line, copy, state = sent(tmp_path, recipients=Showing.HASHED)
    event = json.loads(line)
    veil = values_of(state, event).veil
    changed = read_filed(copy.replace(b"Subject: Tea", b"Subject: Coffee").replace(b"bob@", b"eve@"))
    same = read_filed(copy)
    assert changed is not None
    assert same is not None
    assert compare_fields(event["seal"]["fields"], same.headers, veil) == ()
    assert {change.name for change in compare_fields(event["seal"]["fields"], changed.headers, veil)} == {
        "To", "Subject",
    }  # fmt: skip
    assert compare_fields(event["seal"]["fields"], changed.headers) == ()  # nothing is made up


def test_with_a_forgotten_recipient_goes_the_salt_of_the_digests(tmp_path: Path) -> None:
    """To and Cc name it, and often nobody else: by their digests it could be found again."""
    line, _, state = sent(tmp_path, recipients=Showing.HASHED)
    event = json.loads(line)
    path = file_of(state, epoch_of(event["t"]))
    kept = without_address("Bob@Example.org")(path.read_bytes().splitlines()[0])
    side = json.loads(kept.line)
    assert (kept.values, "rcpt" in side, "fields" in side, "subject" in side) == (1, False, False, True)
    path.write_bytes(kept.line + b"\n")
    assert values_of(state, event).veil is None


def test_a_forgotten_recipient_of_several_takes_that_salt_too() -> None:
    line = canonical(
        {"epoch": "2026q4", "fields": "ab" * 16, "id": "I", "rcpt": [["01", "a@b.test"], ["02", "c@d.test"]]}
    )
    assert json.loads(without_address("a@b.test")(line).line) == {
        "epoch": "2026q4", "id": "I", "rcpt": [["02", "c@d.test"]],
    }  # fmt: skip


def test_a_file_of_values_that_was_erased_is_not_held_open(tmp_path: Path) -> None:
    """Through `/proc/PID/fd` it could be read for as long as the writer runs."""
    side = SideFiles(tmp_path)
    side.append([("2026q1", b"{}"), ("2026q2", b"{}"), ("2026q3", b"{}")])
    file_of(tmp_path, "2026q1").unlink()
    file_of(tmp_path, "2026q2").rename(tmp_path / "moved")
    file_of(tmp_path, "2026q2").write_bytes(b"")
    side.sync()
    held = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_link(fd)}
    assert {one for one in held if str(tmp_path) in one and ".lock" not in one} == {str(file_of(tmp_path, "2026q3"))}
    side.append([("2026q1", b"{}"), ("2026q3", b"{}")])
    side.close()
    assert file_of(tmp_path, "2026q1").read_bytes() == b"{}\n"
    assert file_of(tmp_path, "2026q3").read_bytes() == b"{}\n{}\n"


def _is_link(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


def test_what_is_kept_is_for_the_gates_own_account(tmp_path: Path) -> None:
    """Also under the mildest umask."""
    before = os.umask(0)
    try:
        auditkey.keep(tmp_path, "relay")
        epochs.keep(tmp_path, ("2026q4",))
        version = profilestore.KeptProfile("p.yaml", "version: 1\n")
        profilestore.keep(tmp_path, profilestore.digest_of(version), version, files.replace)
        side = SideFiles(tmp_path)
        side.append([("2026q4", b"{}")])
        side.close()
    finally:
        os.umask(before)
    open_to_others = {
        str(path.relative_to(tmp_path))
        for path in tmp_path.rglob("*")
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and path.name not in ("audit.pub", "checkpoint")
    }
    assert open_to_others == set()


# -- making lines vanish -----------------------------------------------------------------------------------------------


def begun(folder: Path, path: Path) -> None:
    """A writer that begins, and ends: as `run_writer` does it, without a socket."""
    key = auditkey.keep(folder, "relay1")
    covered = auditkey.covered(folder)
    journal = opened_at(path, publish=lambda note: auditkey.publish(folder, note), note=key.signed)
    keeper = Keeper(journal, None, Keeping(str(path), host="relay1"), covered=covered)
    keeper.start()
    keeper.write([cut(decision(n)) for n in range(5)], ())
    keeper.tick()
    keeper.close()


def opened_at(path: Path, **how: Any) -> JournalFile:
    return JournalFile(str(path), wait=0.0, pause=0.0, mark={"host": "relay1"}, **how)


@pytest.mark.parametrize("left", [0, 1, 3], ids=["the file", "but for one line", "some lines"])
def test_lines_taken_away_while_no_gate_ran_are_missed_for_ever(tmp_path: Path, left: int) -> None:
    """Its next checkpoint replaces the one that shows it, so the writer says it before."""
    log = tmp_path / "log"
    log.mkdir()
    path = log / "audit.jsonl"
    begun(tmp_path, path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    if left:
        path.write_bytes(b"".join(lines[:left]))
    begun(tmp_path, path)
    begun(tmp_path, path)  # and no second time
    key = auditkey.public(tmp_path)
    report = verify(path.read_bytes().splitlines(), None, key=key)
    assert not report.is_whole
    assert [(one.kind, one.missing) for one in report.remarks] == [("gap", len(lines) - 1 - left)]
    assert "acknowledged lines are missing" in told(report)[-1]


def test_a_writer_that_begins_where_nothing_is_missing_says_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    for _ in range(3):
        begun(tmp_path, log / "audit.jsonl")
    (log / "audit.jsonl").rename(log / "audit.jsonl-20261121")
    begun(tmp_path, log / "audit.jsonl")
    paths = files_of(log / "audit.jsonl")
    report = verify([(str(p), p.read_bytes().splitlines()) for p in paths], key=auditkey.public(tmp_path))
    assert (report.is_whole, report.remarks) == (True, ())


@pytest.mark.parametrize("said", ["", "no time", "2026-11-21", "9999", 5])
def test_lines_that_say_no_time_are_not_taken_for_young_ones(said: Any) -> None:
    """Else whoever has no key could leave out every checkpoint, and hide behind times that cannot be read."""
    made = whole_chain(3)
    made.checkpoint()
    for number in range(3):
        made.add(decision(number))
    *whole, last = made.lines
    event = json.loads(last) | {"w": said}
    report = verify([*whole, canonical(event)], key=KEY.public)
    assert (report.unsealed, report.is_overdue, report.is_whole) == (3, True, False)
    assert verify([*whole, last], key=KEY.public).is_whole


@pytest.mark.parametrize("covered", [-1, True, "9", 2**70, 1, 4], ids=str)
def test_a_forged_count_of_lost_lines_hides_none(covered: Any) -> None:
    """It can only ever make the files less whole."""
    made = whole_chain(4)
    made.own(
        "gap", why="", octets=0, sha256=hashlib.sha256(b"").hexdigest(), covered=covered,
        synced={"seq": made.head.seq, "digest": made.head.digest},
    )  # fmt: skip
    del made.lines[1]
    assert not verify(made.lines).is_whole


@pytest.mark.parametrize("victim", range(1, 6))
@pytest.mark.parametrize("kind", ["recovered", "gap", "forgotten", "rotated", "full"])
def test_no_record_of_the_files_own_covers_a_line_that_was_taken_out(kind: str, victim: int) -> None:
    """Everything behind it is written anew, as somebody without the key would, with the old notes put in again."""
    made = whole_chain(3)
    made.checkpoint()
    made.add(decision(7))
    made.add(decision(8))
    made.checkpoint()
    made.add(decision(9))
    forged = Written()
    for at, line in enumerate(made.lines):
        event = {name: value for name, value in json.loads(line).items() if name not in ("prev", "seq", "w")}
        if at == victim:
            if kind in ("recovered", "gap"):
                synced = {"synced": {"seq": forged.head.seq, "digest": forged.head.digest}} if kind == "gap" else {}
                forged.own(kind, why="", octets=0, sha256=hashlib.sha256(b"").hexdigest(), **synced)
            else:
                forged.own(kind, what="lines", files=[], first_line=1, last_line=9)
        else:
            forged.add(event)
    report = verify(forged.lines, key=KEY.public, signed=quickly_signed)
    if victim == 3:  # the first checkpoint itself; the second one shows it
        assert report.broken is not None
    assert not report.is_whole
    thorough = verify(forged.lines, key=KEY.public, signed=ed25519_signed, is_thorough=True)
    assert (thorough.is_whole, str(thorough.broken)) == (False, str(report.broken))


def test_a_file_out_of_the_middle_is_missed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    for number in range(3):
        begun(tmp_path, log / "audit.jsonl")
        (log / "audit.jsonl").rename(log / f"audit.jsonl-2026112{number}")
    begun(tmp_path, log / "audit.jsonl")
    paths = [path for path in files_of(log / "audit.jsonl") if not path.name.endswith("21")]
    report = verify([(str(p), p.read_bytes().splitlines()) for p in paths], None, key=auditkey.public(tmp_path))
    assert report.broken is not None
    assert "lines were dropped" in report.broken.what


# -- signatures --------------------------------------------------------------------------------------------------------


def test_a_signature_has_one_spelling_only() -> None:
    """RFC 8032 8.4: S is below the order, or there would be a second signature that nobody made."""
    private = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = private.sign(b"text")
    assert ed25519_signed(public, b"text", signature)
    for times in range(1, 9):
        other = int.from_bytes(signature[32:], "little") + times * ORDER
        if other < 1 << 256:
            forged = signature[:32] + other.to_bytes(32, "little")
            assert not ed25519_signed(public, b"text", forged)
            assert not quickly_signed(public, b"text", forged)
    assert not ed25519_signed(public, b"text", signature + b"\0")
    assert not ed25519_signed(public, b"text", signature[:63])


SMALL = [bytes([y]) + b"\0" * 30 + bytes([sign]) for y in (0, 1) for sign in (0, 0x80)] + [
    (PRIME - 1).to_bytes(32, "little"), PRIME.to_bytes(32, "little"), (PRIME + 1).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    b"\xff" * 32, b"\xec" + b"\xff" * 31, b"\xed" + b"\xff" * 31,
]  # fmt: skip


@pytest.mark.parametrize("public", SMALL, ids=lambda public: public.hex()[:4] + public.hex()[-4:])
def test_no_key_under_which_anybody_can_sign_is_taken(public: bytes) -> None:
    """Points of order 1, 2, 4 and 8 in all their spellings: R = S B - k A holds there for nobody's S."""
    typed = b"\x01" + public
    number = hashlib.sha256(b"relay1\n" + typed).digest()[:4].hex()
    with pytest.raises(ValueError, match="point of the curve"):
        Key.parse(f"relay1+{number}+{base64.b64encode(typed).decode()}")


@pytest.mark.parametrize("point", SMALL[:6], ids=lambda point: point.hex()[:4] + point.hex()[-4:])
def test_a_signature_of_nothing_proves_nothing(point: bytes) -> None:
    """R of small order and S = 0."""
    public = Ed25519PrivateKey.from_private_bytes(b"\7" * 32).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for number in range(16):
        text = b"text %d" % number
        assert not ed25519_signed(public, text, point + b"\0" * 32)
        assert not quickly_signed(public, text, point + b"\0" * 32)


def test_a_checkpoint_of_another_log_under_the_same_key_is_none() -> None:
    made = whole_chain(3)
    note = made.key.signed(made.frontier)
    origin, rest = note.split("\n", 1)
    other = Note.parse(f"{origin}x\n{rest}")
    assert verify(made.lines, key=KEY.public, checkpoint=other).compared == "unsigned"


# -- keeping others busy -----------------------------------------------------------------------------------------------


def test_a_decision_with_very_many_recipients_is_put_together_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`explain` copied the list for each line that continues it."""
    calls = []
    joined = audit_explain.joined
    monkeypatch.setattr(audit_explain, "joined", lambda events: calls.append(len(events)) or joined(events))
    first = {"kind": "decision", "id": "ID", "queue_id": "4Tst", "envelope": {"rcpt": ["<0@b.test>"], "rcpt_n": 501}}
    more = [{"kind": "recipients", "of": "ID", "part": n, "rcpt": [f"<{n}@b.test>"]} for n in range(1, 501)]
    gathered = audit_explain._Gathered("4Tst")
    for number, octets in enumerate(chained([first, *more, {"kind": "stop"}]), 1):
        gathered.take(Line(Path("audit.jsonl"), number, octets))
    ((found, later),) = gathered.messages()
    assert (calls, later) == ([501], ())
    assert found.event["envelope"]["rcpt"] == [f"<{n}@b.test>" for n in range(501)]
    assert len(list(gathered.lines())) == 501


@pytest.mark.parametrize("filler", ["a", "a@", "@", "<", "a@b "])
def test_an_author_of_megabytes_is_looked_for_in_linear_time(filler: str) -> None:
    shown = f"bob@evil.test {filler * (2_000_000 // len(filler))}"
    line = canonical({"kind": "decision", "t": "2026", "envelope": {"from": "<>"}, "header": {"from": shown}})
    began = time.process_time()
    found = list(search([Line(Path("x"), 1, line)], Wanted(senders=("bob@evil.test", "eve@evil.test"))))
    assert len(found) == 1
    assert time.process_time() - began < 3.0


@pytest.mark.parametrize(
    ("shown", "is_from"),
    [
        ("Bob <bob@evil.test>", True), ("a@bob@evil.test", True), ("bob@evil.test@b", True), ("bob@evil.tester", False),
        ("rob@evil.test, x", False), ("xbob@evil.test", False),
    ],
)  # fmt: skip
def test_an_author_is_found_whatever_stands_around_it(shown: str, is_from: bool) -> None:
    event = {"kind": "decision", "envelope": {"from": "<>"}, "header": {"from": shown}}
    assert Wanted(senders=("bob@evil.test",)).fits(event) == is_from


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder of logs in which somebody put a pipe between the files."""
    (tmp_path / "audit.jsonl").write_bytes(b"{}\n")
    os.mkfifo(tmp_path / "audit.jsonl.1")
    return tmp_path / "audit.jsonl"


def test_a_pipe_in_the_folder_keeps_nobody_waiting(trap: Path) -> None:
    with pytest.raises(OSError, match="no regular file"):
        files_of(trap)
    with pytest.raises(OSError, match="no regular file"):
        opened(trap.with_name("audit.jsonl.1"))
    with pytest.raises(OSError, match="no regular file"):
        list(stream([trap.with_name("audit.jsonl.1"), trap]))


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/null", "/"])
def test_neither_does_a_link_to_a_device(tmp_path: Path, target: str) -> None:
    (tmp_path / "audit.jsonl").write_bytes(b"{}\n")
    (tmp_path / "audit.jsonl-20261121.gz").symlink_to(target)
    with pytest.raises(OSError, match="no regular file"):
        files_of(tmp_path / "audit.jsonl")


def test_who_may_read_the_record_cannot_keep_its_writer_from_it(tmp_path: Path) -> None:
    """Whoever can open a file can lock it (flock(2)); the record itself is for auditors to read."""
    journal = opened_at(tmp_path / "audit.jsonl")
    assert stat.S_IMODE((tmp_path / "audit.jsonl").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "audit.jsonl.lock").stat().st_mode) == 0o600
    journal.close()
    with (tmp_path / "audit.jsonl").open("rb") as auditor:
        fcntl.flock(auditor, fcntl.LOCK_EX)
        other = opened_at(tmp_path / "audit.jsonl")
        other.append([cut(decision(1))])
        other.close()


@pytest.mark.parametrize("epoch", ["2026q5", "../../", "......", "\0" * 6])
def test_a_value_of_no_quarter_does_not_fail_the_events_of_others(epoch: str) -> None:
    """The writer puts what comes at once into one batch, so such a frame must be none."""
    frame = packed([cut({"a": 1})], [(epoch, b"{}")])[LENGTH.size :]
    with pytest.raises(ValueError, match="no line"):
        unpacked(frame)
    with pytest.raises(PortError):
        SideFiles(Path("/nonexistent")).append([(epoch, b"{}")])
