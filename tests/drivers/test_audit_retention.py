"""A running gate under `sealgate audit`: profile versions kept, quarters and recipients forgotten, files rotated."""

import json
import subprocess
from pathlib import Path

import pytest

from sealgate.adapters import epochs, profilestore
from sealgate.adapters.auditfiles import files_of
from sealgate.wiring import Ingredients
from tests.drivers.cases import all_cases, profile_text
from tests.drivers.test_daemon import FORGED, send, wait_for
from tests.lab.command import sealgate
from tests.lab.gate import Gate

pytestmark = pytest.mark.daemon
pytest.importorskip("milter", reason="pymilter is not installed")

HASHED = f"{profile_text('enforce')}\nrecord: {{recipients: hashed}}\n"
LETTER = next(case for case in all_cases() if case.name == "personal-mail")


def verb(gate: Gate, *arguments: str) -> subprocess.CompletedProcess[str]:
    return sealgate("audit", *arguments, "--settings", gate.settings_path)


def test_every_version_that_is_put_in_force_is_kept_and_a_line_leads_to_its_own(folder: Path) -> None:
    texts = [f"{profile_text('enforce')}\n# version {n}\n" for n in range(3)]
    with Gate(folder, texts[0]) as own:
        state = folder / "state"
        digests = []
        for number, text in enumerate(texts):
            if number:
                own.reload(text)
            send(own)
            digests.append(own.events("decision")[-1]["profile"])
        own.reload("version: 1\nnonsense: yes\n")  # refused, so never in force
        own.reload(texts[0])
        send(own)
        assert own.events("decision")[-1]["profile"] == digests[0]
        assert len(set(digests)) == 3
        assert profilestore.kept(state) == tuple(sorted(digests))
        for digest, text in zip(digests, texts, strict=True):
            kept = profilestore.read(state, digest[:10])
            assert kept.text == text.replace("{keys}", str(folder / "keys"))
            assert kept.file == str(own.profile_path)
            assert Ingredients(kept.file, kept.text, (), None).digest == digest


def test_a_recipient_is_forgotten_while_the_gate_runs_and_it_goes_on(folder: Path) -> None:
    with Gate(folder, HASHED) as own:
        send(own, LETTER)
        decision = own.events("decision")[-1]
        address = LETTER.rcpt
        assert address not in own.audit_log.read_text()
        assert verb(own, "find", "--rcpt", address).returncode == 0
        done = verb(own, "forget", "--rcpt", address, "--reason", "request 7")
        assert done.returncode == 0, done.stderr
        (line,) = own.events("forgotten")
        assert (line["what"], line["values"], line["reason"]) == ("recipient", 1, "request 7")
        assert verb(own, "find", "--rcpt", address).returncode != 0
        send(own, LETTER)  # the writer finds the new file
        side = next((folder / "state" / "personal").glob("*.jsonl")).read_text().splitlines()
        assert [json.loads(one)["id"] for one in side][-1] == own.events("decision")[-1]["id"] != decision["id"]
        assert address in side[-1]
        assert own.events("fault") == []
    assert verb(own, "verify").returncode == 0, verb(own, "verify").stdout


def test_the_key_in_use_stays_and_one_that_is_over_goes(folder: Path) -> None:
    (folder / "state").mkdir(mode=0o711)
    epochs.keep(folder / "state", ("2024q1",))
    with Gate(folder, HASHED) as own:
        (current, _) = [name for name in epochs.read(folder / "state") if name != "2024q1"]
        assert verb(own, "forget", "--epoch", current).returncode == 64
        assert verb(own, "forget", "--before", "2024-06-01").returncode == 0
        assert own.events("forgotten")[0]["keys"] == ["2024q1"]
        assert "2024q1" not in epochs.read(folder / "state")


def test_under_a_hold_that_is_in_force_nothing_goes_though_the_file_says_otherwise(folder: Path) -> None:
    held = HASHED.replace("recipients: hashed", "recipients: hashed, legal_hold: yes")
    with Gate(folder, held) as own:
        send(own, LETTER)
        own.write_profile(HASHED)
        done = verb(own, "forget", "--rcpt", LETTER.rcpt)
        assert done.returncode == 1
        assert "reload" in done.stderr
        own.reload()
        assert verb(own, "forget", "--rcpt", LETTER.rcpt).returncode == 0


def test_rotation_while_the_gate_runs_loses_nothing_and_what_is_left_is_whole(folder: Path) -> None:
    with Gate(folder, profile_text("enforce")) as own:
        for _ in range(3):
            send(own)
            send(own, FORGED)
            done = verb(own, "rotate", "--now", "--json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["renamed"]
            wait_for(own.audit_log.exists)
        send(own)
        names = [path.name for path in files_of(own.audit_log)]
        assert len(names) == 4
        assert [name.endswith(".gz") for name in names] == [True, True, False, False]
        done = verb(own, "verify", "--from-start", "--json")
        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout)["remarks"] == []
        first = json.loads(own.audit_log.read_bytes().partition(b"\n")[0])
        assert first["kind"] == "checkpoint"
        assert verb(own, "rotate", "--now").returncode == 0
        assert verb(own, "replay", "--help").returncode == 0
