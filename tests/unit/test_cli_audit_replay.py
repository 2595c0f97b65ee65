"""`sealgate audit replay`: a kept message judged again, by the profile of its day or by another one."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sealgate.adapters import files, profilestore
from sealgate.adapters.journal import JournalFile
from sealgate.adapters.personal import SideFiles
from sealgate.app.intake import Intake
from sealgate.app.recording import recorded
from sealgate.app.runtime import Runtime
from sealgate.app.screen import at_end
from sealgate.audit.chain import canonical, cut
from sealgate.audit.forgetting import without_address
from sealgate.checks.caller import of_principal
from sealgate.cli import EX_CONFIG, EX_DATAERR, EX_USAGE
from sealgate.mail.filed import read_filed
from sealgate.mail.message import Envelope, Session
from sealgate.mail.visible import read_html
from sealgate.profile.principal import parse_principal
from sealgate.wiring import Ingredients, build, read_profile
from tests.lab.gate import make_keys
from tests.unit.recorded_host import reference_at
from tests.unit.test_cli_audit_verify import Done, audit

STRICT = """\
version: 1
mode: enforce
seal: on
listeners: {submission: judge}
logins: [{listener: submission, mechanism: GSSAPI, spelled: "{user}", principal: "{user}@EXAMPLE.TEST"}]
domains: {example.test: {sign: yes, keys: [{selector: ed, file: KEYS/example.test.ed.pem}]}}
postal_addresses: {office: "Example Inc., 12 Main Street, Springfield, IL 62701"}
record: {recipients: hashed}
identities:
  news:
    principals: [svc/news@EXAMPLE.TEST]
    kind: service
    senders: [news@example.test]
    class: commercial
    postal_addresses: [office]
  staff: {principals: ["{user}@EXAMPLE.TEST"], senders: {file: KEYS/senders, format: logins, realm: EXAMPLE.TEST}}
"""
LAX = STRICT.replace("record:", "rules: {canspam.no-postal-address: {mode: report}}\nrecord:")
SPRING = b"""\
From: News <news@example.test>
To: jane@reader.test
Subject: Spring offers
Date: Sat, 21 Nov 2026 09:00:00 +0000
Message-ID: <1@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

Twenty percent off everything this week.
Unsubscribe: https://example.test/unsubscribe?u=1
"""
PERSONAL = SPRING.replace(b"News <news@", b"Alice <alice@").replace(b"1@example", b"2@example")
NOW = 1_795_251_600.0


class Reader:
    def read(self, html: bytes, charset: str, budget: object = None) -> Any:
        return read_html(html, charset)


class Gate:
    """What the gate does with a message, without sockets: judged, recorded, its profile kept."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        for name in ("state", "run"):
            (folder / name).mkdir()
        make_keys(folder / "keys")
        (folder / "keys" / "senders").write_text("alice@EXAMPLE.TEST alice@example.test\n")
        self.settings = folder / "sealgate.yaml"
        self.settings.write_text(
            f"audit_log: {folder}/audit.jsonl\nstate: {folder}/state\nruntime: {folder}/run\n"
            f"profile: {folder}/profile.yaml\n"
        )
        self.runtime = self.put_in_force(text)
        self.sent = 0

    def put_in_force(self, text: str) -> Runtime:
        path = self.folder / "profile.yaml"
        path.write_text(text.replace("KEYS", str(self.folder / "keys")))
        found, problems = read_profile(path)
        assert found is not None, [str(problem) for problem in problems]
        tables = tuple(profilestore.KeptTable(t.path, t.format, t.realm, t.digest, t.data) for t in found.tables)
        kept = profilestore.KeptProfile(found.profile_file, found.profile_text, tables)
        profilestore.keep(self.folder / "state", found.digest, kept, files.replace)
        self.runtime = replace(build(found), epochs={"2026q4": b"k" * 32})
        (self.folder / "state" / "epochs").mkdir(exist_ok=True)
        (self.folder / "state" / "epochs" / "2026q4.key").write_bytes(b"k" * 32)
        return self.runtime

    def send(self, octets: bytes, principal: str, *recipients: str, sender: str = "news@example.test") -> str:
        """Judge and record a message; return its id."""
        self.sent += 1
        reference = reference_at(datetime.fromtimestamp(NOW, UTC), self.sent)
        filed = read_filed(octets)
        assert filed is not None
        intake = Intake(self.runtime.profile.body_forms)
        for field in filed.headers:
            intake.header(field.name, field.value)
        intake.body(filed.body)
        message, hashes = intake.finish(
            reference=reference, received_at=NOW, session=Session("submission", "192.0.2.7", 40000),
            envelope=Envelope(f"<{sender}>".encode(), "", tuple(f"<{one}>".encode() for one in recipients)),
            queue_id=f"4TstQ{self.sent}",
        )  # fmt: skip
        caller = of_principal(parse_principal(principal), self.runtime.profile)
        done = recorded(at_end(message, hashes, self.runtime, Reader(), caller, over_limit=False).event, self.runtime)
        side = SideFiles(self.folder / "state")
        side.append([(one["epoch"], canonical(one)) for one in done.side])
        side.close()
        journal = JournalFile(str(self.folder / "audit.jsonl"))
        journal.append([cut({"kind": "decision", **done.event}), *map(cut, done.more)])
        journal.close()
        return reference

    def copy(self, octets: bytes, name: str = "copy.eml") -> Path:
        path = self.folder / name
        path.write_bytes(octets)
        return path

    def replay(self, *arguments: object) -> Done:
        return audit("replay", "--settings", self.settings, *arguments)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path, STRICT)


def test_the_profile_of_its_day_says_today_what_the_line_says(gate: Gate) -> None:
    reference = gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    gate.put_in_force(LAX)
    done = gate.replay(gate.copy(SPRING))
    assert done.returncode == 0, done.stdout + done.stderr
    assert reference in done.stdout
    assert "= finding   canspam.no-postal-address" in done.stdout
    assert done.stdout.splitlines()[-1] == "the same"
    assert "\x1b" not in done.stdout


def test_another_profile_shows_which_finding_differs(gate: Gate) -> None:
    reference = gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    gate.put_in_force(LAX)
    for profile in (gate.folder / "profile.yaml", gate.runtime.digest, gate.runtime.digest[:8]):
        done = gate.replay(gate.copy(SPRING), reference, "--profile", profile)
        assert done.returncode == 1, done.stdout + done.stderr
        rows = [" ".join(row.split()) for row in done.stdout.splitlines()]
        assert "verdict reject accept" in rows
        assert "reject reject, only reported" in rows
        assert rows[-1] == "not the same"


def test_two_profiles_are_compared_without_any_line(gate: Gate) -> None:
    strict = gate.runtime.digest
    gate.put_in_force(LAX)
    arguments = ("--profile", strict, "--profile", gate.runtime.digest, "--identity", "news", "--json")
    document = json.loads(gate.replay(gate.copy(SPRING), *arguments).stdout)
    assert (document["then"]["would"], document["now"]["would"], document["same"]) == ("reject", "accept", False)
    assert document["changes"] == [
        {"rule": "canspam.no-postal-address", "where": document["changes"][0]["where"], "then": "reject",
         "now": "reject, only reported"}
    ]  # fmt: skip


def test_two_files_need_no_settings_of_a_host(gate: Gate) -> None:
    for name, text in (("a.yaml", STRICT), ("b.yaml", LAX)):
        (gate.folder / name).write_text(text.replace("KEYS", str(gate.folder / "keys")))
    gate.settings.unlink()
    done = gate.replay(
        gate.copy(SPRING), "--profile", gate.folder / "a.yaml", "--profile", gate.folder / "b.yaml",
        "--as", "svc/news@EXAMPLE.TEST",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr


def test_the_senders_of_that_day_are_kept_with_the_profile(gate: Gate) -> None:
    """Alice has lost her address since; by the table of that day it was hers."""
    gate.send(PERSONAL, "alice@EXAMPLE.TEST", "jane@reader.test", sender="alice@example.test")
    (gate.folder / "keys" / "senders").write_text("bob@EXAMPLE.TEST bob@example.test\n")
    gate.put_in_force(STRICT)
    then = gate.replay(gate.copy(PERSONAL), "--json")
    assert then.returncode == 0, then.stdout + then.stderr
    now = json.loads(gate.replay(gate.copy(PERSONAL), "--profile", gate.runtime.digest, "--json").stdout)
    assert "identity.header-from" in {change["rule"] for change in now["changes"]}


def test_hidden_recipients_are_looked_up_and_a_forgotten_one_is_said_to_be_left_out(gate: Gate) -> None:
    gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test", "joe@reader.test")
    assert "are hidden" not in gate.replay(gate.copy(SPRING)).stdout
    (path,) = (gate.folder / "state" / "personal").glob("*.jsonl")
    path.write_bytes(without_address("joe@reader.test")(path.read_bytes().rstrip(b"\n")).line + b"\n")
    done = gate.replay(gate.copy(SPRING))
    assert "1 of 2 recipients are hidden" in done.stdout
    assert done.returncode == 0


def test_what_later_hops_put_on_top_of_our_signature_is_left_out(gate: Gate) -> None:
    mended = SPRING.replace(b"u=1\n", b"u=1\nExample Inc., 12 Main Street, Springfield, IL 62701\n")
    gate.send(mended, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    line = json.loads((gate.folder / "audit.jsonl").read_bytes().splitlines()[0])
    assert line["seal"]["signed"], line["findings"]
    signature = (
        b"DKIM-Signature: v=1; a=ed25519-sha256; d=example.test; s=ed; h=from; bh="
        + base64.b64encode(bytes.fromhex(line["message"]["body_sha256"]))
        + b"; b=AAAA\n"
    )
    top = b"Return-Path: <x@y.test>\nReceived: from a by b\nAuthentication-Results: example.test; dkim=pass\n"
    done = gate.replay(gate.copy(top + signature + mended))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 fields on top" in done.stdout


def test_a_body_that_is_not_the_recorded_one_is_said_loudly(gate: Gate) -> None:
    reference = gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    done = gate.replay(gate.copy(SPRING.replace(b"Twenty", b"Thirty")), reference)
    assert "THE BODY IS NOT THE RECORDED ONE" in done.stdout
    assert "Message-ID" not in done.stdout
    assert "the Message-ID is not the recorded one" in gate.replay(gate.copy(PERSONAL), reference).stdout


def test_a_queue_id_will_do_as_long_as_one_message_had_it(gate: Gate) -> None:
    gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    assert gate.replay(gate.copy(SPRING), "4TstQ1").returncode == 0
    gate.sent = 0
    gate.runtime = replace(gate.runtime, host="other")
    journal = JournalFile(str(gate.folder / "audit.jsonl"))
    journal.append([cut({"kind": "decision", "id": "0" * 16, "queue_id": "4TstQ1"})])
    journal.close()
    done = gate.replay(gate.copy(SPRING), "4TstQ1")
    assert done.returncode == EX_DATAERR
    assert "several messages" in done.stderr


def test_a_letter_that_went_out_twice_asks_for_the_id(gate: Gate) -> None:
    for _ in range(2):
        gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    done = gate.replay(gate.copy(SPRING))
    assert done.returncode == EX_DATAERR
    assert "2 lines may be of this message" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["--profile", "dead"], EX_CONFIG, "no kept profile"),
        (["--profile", "/no/such/file"], EX_CONFIG, "cannot be read"),
        (["--as", "nobody@OTHER.TEST"], 1, "not the same"),
        (["--as", "a b c"], EX_CONFIG, "principal"),
        (["--identity", "nwes"], EX_CONFIG, "do you mean news?"),
        (["--identity", "news", "--as", "x@Y"], EX_USAGE, "not both"),
        (["--profile", "a", "--profile", "b", "--profile", "c"], EX_USAGE, "two sides"),
        (["0000000000000000"], EX_DATAERR, "no decision 0000000000000000"),
    ],
)
def test_what_cannot_be_done_is_said(gate: Gate, arguments: list[str], status: int, why: str) -> None:
    gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    done = gate.replay(gate.copy(SPRING), *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert why in done.stdout + done.stderr


@pytest.mark.parametrize("octets", [b"", b"\0\0\0", b"no header at all", b"From me@x Mon\n\nFrom you@x Mon\n\n"])
def test_what_is_no_message_is_refused(gate: Gate, octets: bytes) -> None:
    gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    assert gate.replay(gate.copy(octets)).returncode == EX_DATAERR


def test_a_message_of_which_there_is_no_line_is_said_to_have_none(gate: Gate) -> None:
    gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    done = gate.replay(gate.copy(PERSONAL.replace(b"Twenty", b"Thirty")))
    assert done.returncode == EX_DATAERR
    assert "no line of the record" in done.stderr


def test_nothing_of_the_sender_reaches_the_terminal_unescaped(gate: Gate) -> None:
    hostile = SPRING.replace(b"jane@reader.test\n", b"jane@reader.test\nX-\x1b]0;pwn\x07: a\n", 1)
    path = gate.copy(hostile, "a\x1b[2Jb.eml")
    gate.send(hostile, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    done = gate.replay(path)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x07" not in done.stdout + done.stderr


def test_a_kept_profile_that_this_version_cannot_read_is_said_to_be_one(gate: Gate) -> None:
    text = "version: 99\n"
    digest = Ingredients("p", text, (), None).digest
    profilestore.keep(gate.folder / "state", digest, profilestore.KeptProfile("p", text), files.replace)
    gate.send(SPRING, "svc/news@EXAMPLE.TEST", "jane@reader.test")
    done = gate.replay(gate.copy(SPRING), "--profile", digest)
    assert done.returncode == EX_CONFIG
    assert "cannot read the profile" in done.stderr
