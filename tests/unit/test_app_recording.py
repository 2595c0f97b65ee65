"""What is written of a decision: personal values hidden, long lists continued, scanners counted."""

import json
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from sealgate.app.ports import PortError
from sealgate.app.recording import LINE_RECIPIENTS, recorded
from sealgate.app.runtime import Runtime
from sealgate.audit.personal import commitment
from sealgate.profile.model import Profile, Record, Showing
from tests.drivers.cases import EPOCHS

KEYS = {**EPOCHS, "2026q4": b"k" * 32}


def event(recipients: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "v": 1, "t": "2026-11-21T09:00:00.000000Z", "id": "ID", "host": "relay", "stage": "end", "verdict": "accept",
        "listener": "submission", "client": {"ip": "192.0.2.77"}, "findings": [],
        "auth": {"name": "alice", "via": "login"},
        "envelope": {"from": "<a@b.test>", "rcpt": [f"<Reader{n}@Example.ORG>" for n in range(recipients)]},
        "header": {"subject": "Your results"},
        **more,
    }  # fmt: skip


def runtime(recipients: Showing = Showing.CLEAR, subject: Showing = Showing.HASHED) -> Runtime:
    return Runtime(Profile(record=Record(recipients=recipients, subject=subject)), "d", epochs=KEYS)


def salts() -> Any:
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def test_recipients_in_clear_are_as_the_client_said_them() -> None:
    done = recorded(event(), runtime())
    assert done.event["envelope"] == {"from": "<a@b.test>", "rcpt": ["<Reader0@Example.ORG>"], "rcpt_n": 1}
    assert (done.kind, done.more) == ("decision", ())


def test_a_hashed_recipient_can_be_proven_by_key_salt_and_value_alone() -> None:
    done = recorded(event(2), runtime(Showing.HASHED), salts())
    first, second = done.event["envelope"]["rcpt"]
    assert first["h"] != second["h"]
    assert (first["d"], first["k"]) == ("example.org", "2026q4")
    (side,) = done.side
    salt, value = side["rcpt"][0]
    assert (side["epoch"], side["id"], value) == ("2026q4", "ID", "reader0@example.org")
    assert commitment(KEYS["2026q4"], bytes.fromhex(salt), value) == first["h"]
    assert "reader" not in json.dumps([done.event, *done.more]).lower()


def test_one_address_twice_has_two_hashes() -> None:
    """Who reads the lines alone cannot see that two messages went to one reader."""
    one, two = (recorded(event(), runtime(Showing.HASHED)) for _ in range(2))
    assert one.event["envelope"]["rcpt"][0]["h"] != two.event["envelope"]["rcpt"][0]["h"]


@pytest.mark.parametrize("recipients", Showing)
def test_no_recipient_is_ever_cut(recipients: Showing) -> None:
    done = recorded(event(2 * LINE_RECIPIENTS + 1), runtime(recipients))
    lists = [done.event["envelope"]["rcpt"], *(line["rcpt"] for line in done.more)]
    assert [len(each) for each in lists] == [LINE_RECIPIENTS, LINE_RECIPIENTS, 1]
    assert done.event["envelope"]["rcpt_n"] == 2 * LINE_RECIPIENTS + 1
    assert [(line["kind"], line["of"], line["part"]) for line in done.more] == [
        ("recipients", "ID", 1), ("recipients", "ID", 2),
    ]  # fmt: skip


def test_the_subject_is_hashed_or_shown() -> None:
    hidden = recorded(event(), runtime(), salts())
    assert hidden.event["header"]["subject"].keys() == {"length", "salted", "k"}
    assert hidden.side[0]["subject"][1] == "Your results"
    shown = recorded(event(), runtime(subject=Showing.CLEAR))
    assert (shown.event["header"]["subject"], shown.side) == ("Your results", ())
    assert recorded(event(header={"subject": ""}), runtime()).side == ()


def test_without_a_key_nothing_is_written_in_clear() -> None:
    with pytest.raises(PortError, match="2026q4"):
        recorded(event(), replace(runtime(), epochs={}))


@pytest.mark.parametrize(("client", "network"), [
    ("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("", ""), ("unknown", ""),
])  # fmt: skip
def test_a_refusal_without_a_login_is_counted(client: str, network: str) -> None:
    finding = {"rule": "identity.no-login", "mode": "enforce", "action": "reject"}
    refused = event(
        auth={"name": "", "via": ""}, verdict="reject", client={"ip": client}, findings=[finding], stage="mail"
    )
    done = recorded(refused, runtime())
    assert done.kind == "refusal"
    assert (done.event["network"], done.event["rule"]) == (network, "identity.no-login")
    assert "envelope" not in done.event


def test_a_refusal_of_a_login_has_its_own_line() -> None:
    for auth in ({"name": "alice", "via": "login"}, {"name": "", "via": "network"}):
        assert recorded(event(auth=auth, verdict="reject"), runtime()).kind == "decision"
    assert recorded(event(auth={"name": "", "via": ""}), runtime()).kind == "decision"
