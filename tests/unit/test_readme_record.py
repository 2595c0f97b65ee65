"""The README shows what the verbs of the record print today.

`python -m tests.unit.test_readme_record` runs the commands of the README on a record made for it, and puts what they
print in place.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import click
from click.testing import CliRunner

from sealgate import __version__
from sealgate.adapters import files, profilestore
from sealgate.cli import cli
from sealgate.profile.model import Showing
from tests.drivers.cases import all_cases
from tests.lab.gate import ROOT
from tests.lab.recorder import NEWSLETTER, PERSONAL, Recorder
from tests.unit.recorded_host import reference_at

README = ROOT / "README.md"
BEGIN, END = "<!-- record: begin -->\n```\n", "```\n<!-- record: end -->\n"
DEAD = next(case.message for case in all_cases() if case.name == "newsletter-with-dead-opt-out")


def recorded(folder: Path) -> None:
    """A record of three messages, its key and checkpoint as they were handed out, and a complaint's copy."""

    def reference(seconds: float) -> str:
        return reference_at(datetime.fromtimestamp(seconds, UTC), 0x5EA16A7E)

    with (
        patch("tests.lab.recorder.new_reference", reference),
        Recorder(folder, recipients=Showing.HASHED, is_signed=True) as record,
    ):
        copy = record.send(NEWSLETTER, ["jane@example.org"], at="2026-11-21T09:00:00Z", queue_id="4TcJq1")
        forged = PERSONAL.replace(b"alice@", b"bob@")
        record.send(
            forged, ["jane@example.net"], login="alice", sender="alice@example.test", at="2026-11-21T09:00:07Z",
            queue_id="4TcJq8",
        )  # fmt: skip
        record.send(DEAD, ["jane@example.org"], at="2026-11-21T09:02:30Z", queue_id="4TcJs2")
    profile = profilestore.KeptProfile("profile.yaml", (folder / "profile.yaml").read_text(), ())
    profilestore.keep(folder / "state", profilestore.digest_of(profile), profile, files.replace)
    changed = re.sub(rb"(?m)^Subject: ", b"Subject: [SPAM?] ", copy).replace(b"https://www.", b"https://track.")
    (folder / "complaint.eml").write_bytes(changed)
    shutil.copy(folder / "state" / "audit.pub", folder / "relay1.pub")
    shutil.copy(folder / "state" / "checkpoint", folder / "relay1.checkpoints")
    (folder / "sealgate.yaml").write_text(f"audit_log: {folder}/audit.jsonl\nstate: {folder}/state\n")


def told(folder: Path, shown: str) -> Iterator[str]:
    """The commands of a sample, each with what it prints."""
    for line in shown.splitlines():
        if line.startswith("$ sealgate "):
            yield f"{line}\n"
            words = line.removeprefix("$ sealgate ").split()
            with chdir(folder):
                done = CliRunner().invoke(cli, [*words, "--settings", "sealgate.yaml"], catch_exceptions=False)
            assert done.exit_code == 0, done.output
            yield click.unstyle(done.output).replace("sealgate test", f"sealgate {__version__}") + "\n"


def test_the_readme_shows_what_the_record_says(tmp_path: Path) -> None:
    shown = README.read_text().partition(BEGIN)[2].partition(END)[0]
    recorded(tmp_path)
    found = "".join(told(tmp_path, shown)).rstrip("\n") + "\n"
    assert len(found) > 2000
    assert steady(shown) == steady(found)


def steady(text: str) -> str:
    """Without the digest of the profile, which names the folder it lies in."""
    return re.sub(r"profile [0-9a-f]{12}", "profile DIGEST", text)


if __name__ == "__main__":
    before, _, rest = README.read_text().partition(BEGIN)
    sample, _, after = rest.partition(END)
    with tempfile.TemporaryDirectory() as name:
        recorded(Path(name))
        README.write_text(f"{before}{BEGIN}{''.join(told(Path(name), sample)).rstrip()}\n{END}{after}")
