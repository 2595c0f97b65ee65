"""doc/sendmail.md says what the gate needs: the macros it asks for, a filter that defers, the fields it knows.

That the configuration works is shown by tests/drivers/test_sendmail.py, which runs a Sendmail with it.
"""

import re
from pathlib import Path

import pytest
import yaml

from sealgate.doctor.catalogue import RULES, examine
from sealgate.doctor.finding import Level
from sealgate.mail.settled import RECIPIENTS, SENDERS, settled
from sealgate.profile.parse import parse_profile
from sealgate.profile.settings import parse_settings
from tests.lab.sendmail import GUIDE, SendmailUnavailable, guide, made_cf
from tests.unit.doctored import gate, profile, sendmail_host, settings

TEXT = GUIDE.read_text(encoding="utf-8")


def _macros(stage: str) -> list[str]:
    found = re.search(rf"define\(`confMILTER_MACROS_{stage}', `([^']*)'\)dnl", guide())
    assert found is not None, stage
    return found[1].split(", ")


def test_the_macros_are_those_that_the_gate_asks_for() -> None:
    milter = pytest.importorskip("sealgate.adapters.pymilter", reason="pymilter is not installed")
    assert [names.split() for _, names in milter._MACROS] == [_macros(s) for s in ("CONNECT", "ENVFROM", "EOM")]


def test_the_doctor_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    mc = tmp_path / "sendmail.mc"
    mc.write_text(f"divert(0)dnl\nOSTYPE(`linux')dnl\n{guide()}MAILER(`smtp')dnl\n")
    try:
        cf = made_cf(mc).decode()
    except SendmailUnavailable as error:
        pytest.skip(str(error))
    ours = gate(settings=settings("socket: inet:8894@127.0.0.1\n"), profile=profile(listeners=", smtpd: pass"))
    found = [each for each in examine(sendmail_host(cf, gate=ours)) if each.code.startswith("sendmail.")]
    assert {each.code for each in found} == {rule.code for rule in RULES if rule.code.startswith("sendmail.")}
    assert [each for each in found if each.level is not Level.FINE] == []


def test_what_the_gate_does_not_answer_is_deferred() -> None:
    (options,) = re.findall(r"INPUT_MAIL_FILTER\(`sealgate', `([^']*)'\)", guide())
    assert "F=T" in options.split(", ")
    assert options.endswith("T=C:30s;S:30s;R:60s;E:5m")


def test_the_socket_is_one_that_the_settings_take() -> None:
    for dialect in ("inet:8894@127.0.0.1", "inet:127.0.0.1:8894", "unix:/run/sealgate/sealgate.sock"):
        assert dialect in TEXT
        settings, problems = parse_settings(f"socket: {dialect}\n", "s")
        assert settings is not None
        assert [p for p in problems if p.is_error] == []


def test_the_pieces_of_the_profile_are_sound() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 2
    whole = "version: 1\ndomains:\n  example.test: {sign: no}\n" + "".join(blocks)
    assert set(yaml.safe_load(whole)) == {"version", "domains", "listeners", "logins", "identities"}
    profile, problems = parse_profile(whole, "p")
    assert [str(p) for p in problems if p.is_error] == []
    assert profile is not None


def test_the_examples_are_what_the_gate_does() -> None:
    rows = re.findall(r"^\|[^|]*\| `([^`]*)` \| `([^`]*)` \|$", TEXT, re.MULTILINE)
    assert len(rows) == 7
    for before, after in rows:
        value, became = (text.removeprefix("To: ").encode() for text in (before, after))
        assert settled(b"To", b" " + value, b"mail.example.test") == b" " + became


def test_the_fields_are_named() -> None:
    (sentence,) = re.findall(r"signed address fields \(([^)]*)\)", TEXT)
    named = {name.lower().encode() for name in re.findall(r"[A-Z][A-Za-z-]+(?<!-)", sentence)} - {b"resent"}
    plain = {name for name in SENDERS | RECIPIENTS if not name.startswith(b"resent-")}
    assert named == plain
