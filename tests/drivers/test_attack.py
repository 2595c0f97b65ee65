"""Every attack shape, through every driver: nothing hostile leaves as it is, nothing honest is refused.

The oracle (`tests.drivers.oracle`) looks at the copy that left and not at our own word. A hostile shape may leave if
the MTA or the gate has made it honest on the way: cut at a NUL, or without the fields it forged.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealgate.app.runtime import Runtime
from sealgate.attack.catalogue import SHAPES
from sealgate.attack.shape import Needs, Shape
from sealgate.wiring import build, read_profile
from tests.drivers.attack import Result, by_core, by_postfix, by_socket, cast_of, mail_of
from tests.drivers.cases import profile_text
from tests.drivers.oracle import carries_victim, header_of
from tests.lab.gate import ROOT, Gate, make_keys
from tests.lab.ports import free_ports
from tests.lab.realm import Realm
from tests.lab.relay import Relay, why_unavailable
from tests.lab.verify import dkimpy_verdict

CLOSED = profile_text("attack")
OPEN = CLOSED.replace("reply_to: owned", "reply_to: off")  # for honest mail whose answers go elsewhere
IDN = "xn--bcher-kva.test"  # signed with the same key as example.test
# What Postfix makes of headers before the gate sees them: nothing at all, or all that it can.
AS_SENT = {"local_header_rewrite_clients": "", "always_add_missing_headers": "no"}
REWRITING = {"local_header_rewrite_clients": "permit_inet_interfaces, permit_sasl_authenticated"}

EACH = pytest.mark.parametrize("shape", [pytest.param(shape, id=shape.code) for shape in SHAPES])


def by_profile() -> Iterator[tuple[str, list[Shape]]]:
    """The profiles, and the shapes that are to be sent under each."""
    for is_open, shapes in itertools.groupby(SHAPES, lambda shape: shape.needs is Needs.OPEN_REPLY_TO):
        yield OPEN if is_open else CLOSED, list(shapes)


def fault(shape: Shape, result: Result, records: dict[str, str]) -> str:
    """What is wrong with what came of a shape, or nothing."""
    if not shape.is_hostile:
        return _honest_fault(shape, result, records)
    if not result.is_out:
        return "" if result.code >= 500 else f"deferred, which is no answer: {result.code} {result.text}"
    if not result.delivered:
        return "accepted, and no copy came: nothing can be said of it"
    if result.sender.strip("<> ").lower() not in ("alice@example.test", ""):
        return f"left with the envelope sender {result.sender!r}"
    is_closed = shape.needs is Needs.CLOSED_REPLY_TO
    if carried := carries_victim(header_of(result.delivered), cast_of(shape), reply_to=is_closed):
        return f"let through: {carried}"
    if not shape.may_be_mended:
        return "left, made honest by somebody: then the shape must say that this may be"
    return _false_seal(result, records)


def _honest_fault(shape: Shape, result: Result, records: dict[str, str]) -> str:
    if not result.is_out:
        return f"honest, and refused: {result.code} {result.text}"
    if not result.delivered:
        return "honest, accepted, and never delivered"
    if carried := carries_victim(header_of(result.delivered), cast_of(shape)):
        return f"the oracle is too strict: {carried}"
    return _false_seal(result, records)


def _false_seal(result: Result, records: dict[str, str]) -> str:
    """Every signature that claims a domain of ours must verify on the delivered copy, and there must be one."""
    known = records | {f"rsa._domainkey.{IDN}": records["rsa._domainkey.example.test"]}
    header = header_of(result.delivered)
    foreign = header.count(b"d=evil.example")
    verdicts = dkimpy_verdict(result.delivered, known)
    if sum(verdicts) < 1 or len(verdicts) - sum(verdicts) > foreign:
        return f"signatures {verdicts}, of which {foreign} foreign"
    return ""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Runtime], dict[str, str]]:
    """Both profiles as Runtimes, and the records of their keys."""
    folder = tmp_path_factory.mktemp("attack")
    records = make_keys(folder / "keys")
    made: dict[str, Runtime] = {}
    for text in (CLOSED, OPEN):
        path: Path = folder / "profile.yaml"
        path.write_text(text.replace("{keys}", str(folder / "keys")))
        ingredients, problems = read_profile(path)
        assert ingredients is not None, [str(p) for p in problems]
        made[text] = build(ingredients)
    return made, records


@pytest.fixture(scope="module")
def over_socket(gate: Gate) -> dict[str, Result]:
    results: dict[str, Result] = {}
    for profile, shapes in by_profile():
        gate.use(profile)
        results |= by_socket(shapes, gate.socket)
    return results


@pytest.fixture(scope="module", params=[AS_SENT, REWRITING], ids=["as-sent", "rewriting"])
def over_postfix(
    request: pytest.FixtureRequest, realm: Realm, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Result]:
    """All shapes through a Postfix of its own, which rewrites addresses or does not."""
    if why := why_unavailable():
        pytest.skip(why)
    submission, plain, sink = free_ports(3)
    no_brakes = {"smtpd_hard_error_limit": "100000", "smtpd_soft_error_limit": "99999"}
    results: dict[str, Result] = {}
    with Relay(
        tmp_path_factory.mktemp("relay"),
        realm,
        gate.address,
        submission_port=submission,
        plain_port=plain,
        sink_port=sink,
        settings=request.param | no_brakes,
    ) as relay:
        for profile, shapes in by_profile():
            gate.use(profile)
            results |= by_postfix(shapes, relay, realm)
    return results


@EACH
def test_core(shape: Shape, core: tuple[dict[str, Runtime], dict[str, str]]) -> None:
    runtimes, records = core
    runtime = runtimes[OPEN if shape.needs is Needs.OPEN_REPLY_TO else CLOSED]
    assert fault(shape, by_core(shape, runtime), records) == ""


@pytest.mark.daemon
@EACH
def test_socket(shape: Shape, over_socket: dict[str, Result], gate: Gate) -> None:
    assert fault(shape, over_socket[shape.code], gate.records) == ""


@pytest.mark.relay
@EACH
def test_postfix(shape: Shape, over_postfix: dict[str, Result], gate: Gate) -> None:
    assert fault(shape, over_postfix[shape.code], gate.records) == ""


@EACH
def test_the_oracle_tells_hostile_from_honest_as_sent(shape: Shape) -> None:
    """Without a gate: an oracle that is content with a hostile shape would prove nothing."""
    mail = mail_of(shape)
    is_closed = shape.needs is Needs.CLOSED_REPLY_TO
    says = carries_victim(header_of(mail.content), cast_of(shape), reply_to=is_closed)
    if shape.family in ("envelope", "header ends early") or shape.code.startswith("dkim-own"):
        return  # shown by the envelope, by what the MTA makes of the block, and by the signature that does not verify
    assert bool(says) == shape.is_hostile, says


@pytest.mark.relay
def test_the_verb_with_a_ticket_through_a_real_relay(relay: Relay, realm: Realm, gate: Gate) -> None:
    """`sealgate attack` as a user runs it: GSSAPI, STARTTLS, many connections, the copies found by their Subject."""
    gate.use(CLOSED)
    families = ("groups", "Sender", "envelope", "trace fields", "honest envelopes", "protected names")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sealgate", "attack", "--submission", f"127.0.0.1:{relay.submission_port}"),
            *("--from", "alice@example.test", "--rcpt", "me@elsewhere.test", "--rcpt-elsewhere"),
            *("--gssapi-host", "mail.example.test", "--ca", str(relay.config / "cert.pem"), "--yes", "--json"),
            *("--victim-name", "Carol Chief", "--brand", "Example Payroll", "--reply-to", "owned", "--delimiter", "+"),
            *(word for family in families for word in ("--only", family)),
        ],
        env=os.environ
        | realm.environment
        | {"KRB5CCNAME": f"FILE:{realm.ticket('alice')}", "PYTHONPATH": str(ROOT / "milter")},
        capture_output=True,
        timeout=60,
        check=False,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) > 90, done.stderr.decode()
    assert [row["shape"] for row in rows if row["is_failure"]] == []
    assert done.returncode == 0, done.stderr.decode()
    looked_for = [row["subject"].encode() for row in rows if row["answer"] == "look"]
    assert looked_for
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        text = b"".join(each.data for each in relay.sink.messages)
        if all(b"Subject: " + subject in text for subject in looked_for):
            return
        time.sleep(0.05)
    raise AssertionError("accepted messages did not come")
