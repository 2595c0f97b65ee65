"""The README shows what `make run` prints today."""

import os
import re
import subprocess
import sys

import pytest

from tests.lab.gate import ROOT
from tests.lab.relay import why_unavailable

pytestmark = pytest.mark.relay


def test_the_demonstration_prints_the_table_of_the_readme() -> None:
    """Run `python -m tests.lab.demo --once > table.txt` and paste it, where this fails."""
    if why := why_unavailable():
        pytest.skip(why)
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.demo", "--once"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'milter'}:{ROOT}"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = (ROOT / "README.md").read_text().partition("<!-- table: begin -->\n```\n")[2].partition("```")[0]
    assert _timeless(done.stdout) == _timeless(shown)


def _timeless(text: str) -> list[str]:
    """Without ids, which differ each time."""
    return [re.sub(r"refusal [0-9A-Z]{16}", "refusal ID", line.rstrip()) for line in text.strip().splitlines()]
