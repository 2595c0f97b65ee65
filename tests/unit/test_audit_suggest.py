"""What a trial in report mode teaches, and that it proposes nothing it cannot read."""

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from sealgate.audit.suggest import suggest
from sealgate.profile.model import Principal
from tests.drivers.cases import profile_text
from tests.lab.command import sealgate
from tests.lab.gate import make_keys


def event(
    principal: str, about: str, *, identity: str = "x", where: str = "From", day: int = 1, **more: Any
) -> dict[str, Any]:
    rule = {"From": "identity.header-from", "MAIL FROM": "identity.envelope-sender"}[where]
    return {
        "kind": "decision", "t": f"2026-11-{day:02}T10:00:00.000000Z", "client": {"ip": f"192.0.2.{day}"},
        "auth": {"principal": principal, "identity": identity}, "envelope": {"from": f"<{about}>"},
        "findings": [{"rule": rule, "about": about, "where": where}],
    } | more  # fmt: skip


ALICE, BOB = "alice@EXAMPLE.TEST", "bob@EXAMPLE.TEST"


def test_a_right_that_was_missing_is_proposed_with_its_counts() -> None:
    found = suggest([event(ALICE, "Sales@Example.test", day=day) for day in (2, 1, 3)])
    ((use,),) = found.rights.values()
    assert (use.address, use.messages, use.first[:10], use.last[:10], len(use.clients)) == (
        "sales@example.test", 3, "2026-11-01", "2026-11-03", 3,
    )  # fmt: skip


def test_an_address_of_several_is_a_delegation() -> None:
    found = suggest([event(ALICE, "sales@example.test"), event(BOB, "sales@example.test")])
    assert [str(use.principal) for use in found.rights["sales@example.test"]] == [ALICE, BOB]


def test_a_principal_without_an_identity_is_proposed_one() -> None:
    unknown = event(
        BOB, "bob@example.test", identity="", findings=[{"rule": "identity.unknown-principal", "about": BOB}]
    )
    found = suggest([unknown])
    assert [use.address for use in found.identities[Principal("bob", "EXAMPLE.TEST")]] == ["bob@example.test"]


def test_one_message_with_two_findings_counts_once() -> None:
    both = event(ALICE, "s@example.test")
    both["findings"] += event(ALICE, "s@example.test", where="MAIL FROM")["findings"]
    ((use,),) = suggest([both]).rights.values()
    assert (use.messages, dict(use.places)) == (1, {"From": 1, "MAIL FROM": 1})


def test_what_cannot_be_proposed_is_counted() -> None:
    found = suggest([
        event("", "a@example.test", identity=""), event(ALICE, "not an address"),
        event(ALICE, "x@example.test", findings=[{"rule": "identity.from-count"}]),
    ])  # fmt: skip
    assert (found.rights, sum(found.passed_over.values()), found.others) == ({}, 2, {"identity.from-count": 1})


def test_uses_below_the_least_are_left_out() -> None:
    events = [event(ALICE, "a@example.test"), event(ALICE, "b@example.test"), event(ALICE, "b@example.test")]
    assert list(suggest(events, least=2).rights) == ["b@example.test"]


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["kind", "findings", "auth", "client", "envelope", "t"]), json_values))
def test_a_record_of_anybody_never_stops_it(values: dict[str, Any]) -> None:
    suggest([values | {"kind": "decision"}, event(ALICE, "a@example.test", **values)])


def test_the_verb_prints_yaml_that_reads_back_and_escapes_what_it_holds(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    events = [
        event(ALICE, "o'alice@example.test", identity="al: ice"), event(BOB, "bob@example.test", identity=""),
        event(ALICE, "sales@example.test"), event(BOB, "sales@example.test"), event("\x1b[1m@R", "x@example.test"),
    ]  # fmt: skip
    log.write_text("".join(json.dumps(e) + "\n" for e in events) + "torn {")
    done = sealgate("audit", "suggest", "--log", log)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    read = yaml.safe_load(done.stdout)
    assert read["delegations"]["o'alice@example.test"]["members"] == [ALICE]
    assert read["identities"][BOB] == {"principals": [BOB], "senders": ["bob@example.test"]}
    assert read["delegations"]["sales@example.test"]["members"] == [ALICE, BOB]
    lines = sealgate("audit", "suggest", "--log", log, "--json").stdout.splitlines()
    assert {json.loads(line)["address"] for line in lines} >= {"bob@example.test", "sales@example.test"}
    assert sealgate("audit", "suggest", "--log", tmp_path / "none").returncode == 65


def test_an_identity_without_a_login_is_proposed_by_its_name() -> None:
    """cron, a network or a certificate is one sender: what it used may be a right of the identity."""
    local = event("", "root@example.test", identity="cron")
    assert [use.address for use in suggest([local]).sources["cron"]] == ["root@example.test"]


def test_a_proposal_says_whose_an_address_is(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")
    profile, settings, log = tmp_path / "p.yaml", tmp_path / "s.yaml", tmp_path / "audit.jsonl"
    profile.write_text(profile_text("binding").replace("{keys}", str(tmp_path / "keys")))
    settings.write_text(f"profile: {profile}\naudit_log: {log}\n")
    events = [
        event(BOB, "alice@example.test"),
        event(BOB, "bob@elsewhere.test"),
        event("", "x@example.test", identity="cron"),
    ]
    log.write_text("".join(json.dumps(e) + "\n" for e in events))
    said = sealgate("audit", "suggest", "--settings", settings).stdout
    assert "belongs to alice@EXAMPLE.TEST" in said
    assert "not a domain of yours" in said
    assert yaml.safe_load(said)["identities"]["cron"]["senders"] == ["x@example.test"]


def test_a_day_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text(json.dumps(event(ALICE, "a@example.test", day=2)) + "\n")
    assert sealgate("audit", "suggest", "--log", log, "--since", "2026-13-99").returncode == 64
    assert "a@example.test" in sealgate("audit", "suggest", "--log", log, "--since", "2026-11-02").stdout
    assert "a@example.test" not in sealgate("audit", "suggest", "--log", log, "--since", "2026-11-03").stdout
