"""`sealgate audit forget`: what is forgotten can be proven by nobody any more; the chain, and everybody else, stay."""

import json
import os
import socket
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from sealgate.adapters import epochs, files, profilestore
from sealgate.adapters.writer import WriterClient
from sealgate.audit.personal import epoch_of
from sealgate.cli import EX_CANTCREAT, EX_CONFIG, EX_USAGE
from sealgate.daemon.writing import Keeping, run_writer
from tests.unit.recorded_host import Host, day, everything
from tests.unit.test_cli_audit_verify import Done, audit

BOB, CAROL = "Bob@Example.net", "carol@example.org"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def forget(host: Host, *arguments: object) -> Done:
    return audit("forget", "--settings", host.settings, *arguments)


def test_a_recipient_who_is_forgotten_can_be_proven_by_nobody_and_the_other_can(host: Host) -> None:
    messages = [host.send(day(text), BOB, CAROL) for text in ("2025-02-03", "2025-08-09", "2026-11-20")]
    assert all(host.proves(one, BOB) and host.proves(one, CAROL) for one in messages)
    before = host.log.read_bytes()
    done = forget(host, "--rcpt", "<bob@EXAMPLE.net>")
    assert done.returncode == 0, done.stderr
    assert "gone: 3 salts with their values, of 2025q1, 2025q3, 2026q4" in done.stdout
    assert not any(host.proves(one, BOB) for one in messages)
    assert all(host.proves(one, CAROL) for one in messages)
    assert b"bob@" not in everything(host.folder).lower()
    assert host.log.read_bytes() == before
    assert host.report().is_whole


def test_a_quarter_that_is_forgotten_takes_key_and_values_with_it(host: Host) -> None:
    old, later = host.send(day("2025-02-03"), BOB, CAROL), host.send(day("2025-04-01"), BOB)
    key = epochs.read(host.state)["2025q1"]
    done = forget(host, "--epoch", "2025q1")
    assert done.returncode == 0, done.stderr
    assert "gone: 3 salts with their values, of 2025q1" in done.stdout  # two recipients and the subject
    assert "the key of 2025q1" in done.stdout
    assert not host.proves(old, BOB)
    assert not host.proves(old, CAROL)
    assert host.proves(later, BOB)
    assert list(epochs.read(host.state)) == ["2025q2"]
    assert key not in everything(host.folder)
    assert host.report().is_whole
    assert "nothing of that is kept" in forget(host, "--epoch", "2025q1").stdout


def test_what_is_older_goes_whole_quarters_with_their_key_and_a_part_of_one(host: Host) -> None:
    first, second = host.send(day("2025-02-03"), BOB), host.send(day("2025-06-29"), BOB)
    third, fourth = host.send(day("2025-07-02"), BOB), host.send(day("2025-09-30"), BOB)
    assert forget(host, "--before", "2025-07-03").returncode == 0
    assert [host.proves(one, BOB) for one in (first, second, third, fourth)] == [False, False, False, True]
    assert list(epochs.read(host.state)) == ["2025q3"]
    assert list(host.values("2025q3")) == [fourth]
    assert host.report().is_whole


def test_a_trial_counts_and_changes_nothing(host: Host) -> None:
    host.send(day("2025-02-03"), BOB, CAROL)
    before = everything(host.state)
    for arguments in (["--rcpt", BOB], ["--epoch", "2025q1"], ["--before", "2026-01-01"]):
        done = forget(host, *arguments, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert "would go: " in done.stdout
    assert everything(host.state) == before


@pytest.mark.parametrize("arguments", [["--rcpt", BOB], ["--epoch", "2025q1"], ["--before", "2026-01-01"]])
def test_under_a_legal_hold_nothing_is_erased(host: Host, arguments: list[str]) -> None:
    host.send(day("2025-02-03"), BOB)
    host.say(hold="yes")
    before = everything(host.state)
    for more in ([], ["--dry-run"]):
        done = forget(host, *arguments, *more)
        assert done.returncode == 1
        assert "legal_hold: yes" in done.stderr
    assert everything(host.state) == before


def test_the_hold_of_the_profile_in_force_counts_until_another_one_is(host: Host) -> None:
    host.send(day("2025-02-03"), BOB)
    held = profilestore.KeptProfile("profile.yaml", "version: 1\nmode: report\nrecord: {legal_hold: yes}\n")
    digest = profilestore.digest_of(held)
    profilestore.keep(host.state, digest, held, files.replace)
    (host.folder / "run" / "status.json").write_text(json.dumps({"profile": digest}))
    done = forget(host, "--rcpt", BOB)
    assert done.returncode == 1
    assert "reload" in done.stderr
    assert host.values("2025q1")


def test_where_the_profile_in_force_was_not_kept_nobody_knows_of_a_hold(host: Host) -> None:
    host.send(day("2025-02-03"), BOB)
    (host.folder / "run" / "status.json").write_text(json.dumps({"profile": "a" * 64}))
    assert forget(host, "--rcpt", BOB).returncode == EX_CONFIG
    assert host.values("2025q1")


@pytest.mark.parametrize("text", ["version: 1\nrecord: {legal_hold: maybe}\n", "not: [a profile"])
def test_where_the_profile_cannot_be_read_nobody_knows_of_a_hold_and_nothing_goes(host: Host, text: str) -> None:
    host.send(day("2025-02-03"), BOB)
    host.profile.write_text(text)
    done = forget(host, "--epoch", "2025q1")
    assert done.returncode == EX_CONFIG
    assert "nothing was erased" in done.stderr
    assert host.values("2025q1")


def test_there_is_no_way_around_a_hold(host: Host) -> None:
    assert "hold" not in " ".join(word for word in audit("forget", "--help").stdout.split() if word.startswith("--"))


def test_where_lines_hold_addresses_in_clear_it_says_that_they_stay(host: Host) -> None:
    host.send(day("2025-02-03"), BOB)
    host.say(recipients="clear")
    done = forget(host, "--rcpt", BOB)
    assert done.returncode == 1
    assert "in clear" in done.stderr
    assert "breaking the chain" in done.stderr
    assert "gone: 1 salt with its value" in done.stdout


def test_the_quarter_under_way_keeps_its_key(host: Host) -> None:
    now = datetime.now(UTC)
    for moment in (now, now + timedelta(days=92)):
        done = forget(host, "--epoch", epoch_of(moment.isoformat()))
        assert done.returncode == EX_USAGE
        assert "not over" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "say one of"),
        (["--epoch", "2025q1", "--before", "2025-01-01"], "say one of"),
        (["--epoch", "2025q5"], "write a quarter"),
        (["--epoch", "../../x"], "write a quarter"),
        (["--rcpt", "bob"], "write an address"),
        (["--before", "soon"], "2026-11-21"),
        (["--before", "2999-01-01"], "yet to come"),
        (["--rcpt", BOB, "--reason", "bob@example.NET asked"], "holds the address"),
        (["--rcpt", BOB, "--reason", "x" * 501], "500 characters"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_touched(host: Host, arguments: list[str], why: str) -> None:
    host.send(day("2025-02-03"), BOB)
    before = everything(host.state)
    done = forget(host, *arguments)
    assert (done.returncode, why in done.stderr) == (EX_USAGE, True), done.stderr
    assert everything(host.state) == before


def test_what_cannot_be_erased_is_told(host: Host) -> None:
    host.send(day("2025-02-03"), BOB)
    (host.state / "epochs" / "2025q1.key").unlink()
    (host.state / "epochs" / "2025q1.key").mkdir()
    done = forget(host, "--epoch", "2025q1")
    assert done.returncode == EX_CANTCREAT
    assert "run this again" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_in_the_folder_belongs_to_the_gates_account(host: Host) -> None:
    """A lock file of root's would keep the writer from its own folder, and defer all mail."""
    host.send(day("2025-02-03"), BOB, CAROL)
    folder = host.state / "personal"
    (folder / ".lock").unlink()
    for path in (folder, *folder.iterdir()):
        os.chown(path, 12345, 12346)
    assert forget(host, "--rcpt", BOB).returncode == 0
    assert {(path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()} == {(12345, 12346)}
    assert (folder / ".lock").exists()


def test_a_gate_that_never_recorded_has_nothing_to_forget(host: Host) -> None:
    for arguments in (["--rcpt", BOB], ["--epoch", "2025q1"], ["--before", "2025-01-01"]):
        assert "nothing of that is kept" in forget(host, *arguments).stdout


def test_the_running_gate_says_it_in_the_record_without_the_address(host: Host) -> None:
    host.send(day("2025-02-03"), BOB, CAROL)
    address = str(host.folder / "run" / "writer.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen()
    keeping = Keeping(str(host.log), host.state, host="relay.example.test")
    writer = get_context("fork").Process(target=run_writer, args=(listener, keeping))
    writer.start()
    try:
        WriterClient(address, 10.0).ask()
        done = forget(host, "--rcpt", BOB, "--reason", "request 2026-117")
        assert done.returncode == 0, done.stderr
        assert "not said" not in done.stderr
    finally:
        writer.terminate()
        writer.join(10)
    (line,) = [one for one in host.lines() if one["kind"] == "forgotten"]
    assert (line["what"], line["values"], line["epochs"], line["keys"]) == ("recipient", 1, ["2025q1"], [])
    assert line["reason"] == "request 2026-117"
    assert "uid" in line["by"]
    assert b"bob" not in everything(host.folder).lower()
    assert host.report().is_whole


def test_without_a_gate_it_says_that_the_record_does_not_know(host: Host) -> None:
    host.send(day("2025-02-03"), BOB)
    done = forget(host, "--rcpt", BOB)
    assert done.returncode == 0
    assert "not said in the record" in done.stderr


def test_a_quarter_of_fifty_thousand_messages_is_looked_through_in_seconds(host: Host) -> None:
    host.send(day("2025-02-03"), BOB)
    path = host.state / "personal" / "2025q1.jsonl"
    line = path.read_bytes().replace(b"bob@example.net", b"ann@example.net")
    with path.open("ab") as file:
        file.write(line * 50_000)
    began = time.process_time()
    assert forget(host, "--rcpt", BOB).returncode == 0
    assert time.process_time() - began < 5
    assert path.stat().st_size == 50_000 * len(line) + len(line) - len('"rcpt":[["","ann@example.net"]],') - 32
