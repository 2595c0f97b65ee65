"""The pieces of profiles in doc/binding.md are read by the profile's own parser, and its rules exist."""

import re
from pathlib import Path

import pytest
import yaml

from sealgate.checks.rules import RULES
from sealgate.profile.lint import check_profile
from sealgate.wiring import SETTABLE_RULES

TEXT = (Path(__file__).resolve().parents[2] / "doc" / "binding.md").read_text()
PIECES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
FRAME = """\
version: 1
local_submission: judge
logins:
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
domains:
  example.test: {sign: no}
"""


@pytest.mark.parametrize("piece", PIECES)
def test_each_piece_is_a_profile_with_a_frame_around_it(piece: str) -> None:
    given = {line.partition(":")[0] for line in piece.splitlines() if line[:1].isalpha()}
    frame = FRAME + ("" if "listeners" in given else "listeners: {submission: judge}\n")
    found, problems = check_profile(frame + piece, "profile.yaml", known_rules=SETTABLE_RULES)
    assert found is not None, [str(p) for p in problems]
    assert yaml.safe_load(piece)


def test_every_rule_it_names_exists() -> None:
    named = set(re.findall(r"`((?:identity|trace)\.[a-z-]+)`", TEXT))
    assert named
    assert named <= set(RULES)
