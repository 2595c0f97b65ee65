"""doc/canspam.md: its pieces are profiles, its rules exist, and the list of what refuses is complete."""

import re
from pathlib import Path

import pytest
import yaml

from sealgate.checks.element import Element, Elements, as_record
from sealgate.checks.finding import Mode
from sealgate.checks.oneclick import State, read
from sealgate.checks.rules import RULES
from sealgate.mail.headers import parse_block
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.form import KNOWN_KEYS
from sealgate.profile.lint import check_profile
from sealgate.wiring import SETTABLE_RULES

TEXT = (Path(__file__).resolve().parents[2] / "doc" / "canspam.md").read_text()
PIECES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
FRAME = """\
version: 1
seal: on
listeners: {submission: judge}
logins:
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
domains:
  example.test: {sign: yes, keys: [{selector: s, file: /etc/sealgate/keys/a.pem}]}
"""
PREFIXES = ("canspam.", "oneclick.", "list.")


def _section(title: str) -> str:
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_there_are_pieces() -> None:
    assert len(PIECES) == 2


@pytest.mark.parametrize("piece", PIECES)
def test_each_piece_is_a_profile_with_a_frame_around_it(piece: str) -> None:
    found, problems = check_profile(FRAME + piece, "profile.yaml", known_rules=SETTABLE_RULES)
    assert found is not None, [str(p) for p in problems]
    assert problems == ()
    assert yaml.safe_load(piece)


def test_every_rule_about_commercial_mail_is_named_and_none_that_there_is_not() -> None:
    named = set(re.findall(r"`((?:canspam|oneclick|list|mime)\.[a-z-]+)`", TEXT))
    assert named <= set(RULES)
    assert named >= {code for code in RULES if code.startswith(PREFIXES)}


def test_the_list_of_what_refuses_is_the_catalogue_s() -> None:
    listed = re.findall(
        r"`([a-z]+\.[a-z-]+)`", _section("What refuses, and why so little").partition("Everything else")[0]
    )
    assert set(listed) == {c for c, rule in RULES.items() if c.startswith(PREFIXES) and rule.mode is Mode.ENFORCE}


def test_every_field_of_the_profile_about_commercial_mail_is_explained() -> None:
    for key in ("consent", "one_click", "sexually_explicit", "opt_out_hosts"):
        assert key in KNOWN_KEYS["identities.*"]
        assert key in TEXT
    for key in ("law", "tracking_hosts", "postal_addresses"):
        assert key in KNOWN_KEYS[""]
        assert key in TEXT


def test_every_key_of_the_record_is_explained() -> None:
    (record,) = as_record(Elements(opt_out=Element("opt-out", "absent")))
    assert set(record) <= set(re.findall(r"`(\w+)`", _section("The record")))


def test_the_pair_it_shows_is_sound() -> None:
    (block,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    headers = parse_block(block.encode().splitlines())
    assert read(Message("r1", 0.0, Session("s", "", 0), Envelope(b"<>"), headers, Body(0))).state is State.SOUND
