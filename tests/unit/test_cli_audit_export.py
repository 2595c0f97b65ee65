"""`sealgate audit export`: lines as ECS and OCSF have them, held against the schemas that packages publish."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from sealgate.audit.chain import digest
from sealgate.audit.ecs import VERSION as ECS_VERSION
from sealgate.audit.ecs import ecs
from sealgate.audit.ocsf import VERSION as OCSF_VERSION
from sealgate.audit.ocsf import ocsf
from sealgate.audit.steady import steady
from sealgate.cli.audit import command as audit
from tests.unit import recorded
from tests.unit.recorded import CLEAR, HIDDEN, OTHERS, Event, chained

ECS_PACKAGE = Path(sys.prefix) / "ecs" / "node_modules" / "@elastic" / "ecs"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A thousand lines: every kind, every case in both showings, and the words of hostile senders."""
    known = recorded.runtimes(tmp_path_factory.mktemp("export"))
    events = [*OTHERS, *(event for record in (HIDDEN, CLEAR) for _, event in recorded.decisions(known, record))]
    events += [_hostile(event) for event in events if event["kind"] == "decision"]
    return chained(islice(cycle(events), 1_000))


def _hostile(event: Event) -> Event:
    bad, cut = '\x1b"\udcff\u202e\n', {"begins": "x" * 512, "length": 600, "sha256": "0" * 64}
    header = dict.fromkeys(event["header"], cut) | {"subject": cut} if "header" in event else None
    client = event["client"] | {"ip": "unknown", "name": bad, "helo": cut, "tls": "TLSv1.3", "certificate": cut}
    changed = event | {"client": client, "listener": cut, "auth": event["auth"] | {"name": cut}}
    changed["envelope"] = {"from": cut, "rcpt": [bad, "<>"], "rcpt_n": 2}
    return changed | ({"header": header} if header else {})


def converted(lines: list[bytes], convert: Any) -> Iterator[tuple[Event, Event]]:
    for line in lines:
        event = json.loads(line)
        yield event, json.loads(json.dumps(convert(event, digest(line))))


# -- OCSF --------------------------------------------------------------------------------------------------------------


def test_a_thousand_lines_are_as_ocsf_publishes_it(lines: list[bytes]) -> None:
    package = pytest.importorskip("ocsf_json_schema", reason="the package with OCSF's schema is not installed")
    schemas = package.OcsfJsonSchemaEmbedded(package.get_ocsf_schema(version=OCSF_VERSION))

    @cache
    def validator(name: str, profiles: tuple[str, ...]) -> Any:
        return jsonschema.Draft202012Validator(schemas.get_class_schema(class_name=name, profiles=list(profiles)))

    names = {4009: "email_activity", 6002: "application_lifecycle", 0: "base_event"}
    seen = set()
    for event, made in converted(lines, ocsf):
        name, profiles = names[made["class_uid"]], tuple(made["metadata"]["profiles"])
        found = [f"{e.json_path}: {e.message[:200]}" for e in validator(name, profiles).iter_errors(made)]
        assert found == [], event
        assert made["type_uid"] == made["class_uid"] * 100 + made["activity_id"]
        seen.add((event["kind"], name))
    assert {("decision", "email_activity"), ("decision", "base_event"), ("start", "application_lifecycle")} <= seen


def test_ocsf_says_who_what_and_why(lines: list[bytes]) -> None:
    found = [(event, made) for event, made in converted(lines, ocsf) if made["class_uid"] == 4009]
    refused = next(made for event, made in found if event["verdict"] == "reject" and event["auth"]["principal"])
    assert (refused["action_id"], refused["disposition_id"], refused["status_id"]) == (2, 2, 2)
    assert refused["firewall_rule"]["uid"] in refused["status_detail"]
    assert refused["actor"]["user"]["domain"].isupper()
    held = next(made for event, made in found if event["verdict"] == "quarantine")
    assert held["disposition_id"] == 3
    clear = next(made for event, made in found if event["verdict"] == "accept" and "smtp_to" in made["email"])
    assert clear["email"]["from"].endswith("@example.test")
    assert clear["email"]["size"] > 0


# -- ECS ---------------------------------------------------------------------------------------------------------------


@cache
def ecs_fields() -> dict[str, Any]:
    """The fields of ECS by their flat names, as `@elastic/ecs` of npm publishes them."""
    if not (ECS_PACKAGE / "package.json").exists():
        pytest.skip(f"npm's package @elastic/ecs is not in {ECS_PACKAGE}")
    script = f"process.stdout.write(JSON.stringify(require({json.dumps(str(ECS_PACKAGE))}).EcsFlat))"
    done = subprocess.run(["node", "-e", script], capture_output=True, check=True, timeout=60)
    fields: dict[str, Any] = json.loads(done.stdout)
    return fields


def test_a_thousand_lines_are_as_ecs_publishes_it(lines: list[bytes]) -> None:
    fields = ecs_fields()
    assert json.loads((ECS_PACKAGE / "package.json").read_text())["version"] == ECS_VERSION
    expected = {one["name"]: one["expected_event_types"] for one in fields["event.category"]["allowed_values"]}
    for event, made in converted(lines, ecs):
        own = made.pop("sealgate")
        assert own["kind"] == event["kind"]
        for name, value in _flat(made):
            assert name in fields, name
            field = fields[name]
            assert isinstance(value, list) == ("array" in field["normalize"]), name
            for one in value if isinstance(value, list) else [value]:
                _check(name, one, field)
        (category,) = made["event"]["category"]
        assert set(made["event"]["type"]) <= set(expected[category])


def _check(name: str, value: Any, field: dict[str, Any]) -> None:
    if field["type"] == "ip":
        ip_address(value)
    elif field["type"] in ("long", "integer"):
        assert type(value) is int, name
    elif field["type"] == "date":
        assert value.endswith("Z"), name
    else:
        assert isinstance(value, str), name
        value.encode()  # no lone surrogate
    if allowed := field.get("allowed_values"):
        assert value in [one["name"] for one in allowed], name


def _flat(value: Event, place: str = "") -> Iterator[tuple[str, Any]]:
    for name, one in value.items():
        if isinstance(one, dict):
            yield from _flat(one, f"{place}{name}.")
        else:
            yield f"{place}{name}", one


def test_each_name_has_one_type_in_all_lines(lines: list[bytes]) -> None:
    """Elasticsearch refuses a text where a map was, and the other way round."""
    types: dict[str, set[str]] = {}

    def walk(value: Any, place: str) -> None:
        if isinstance(value, dict):
            types.setdefault(place, set()).add("map")
            for name, one in value.items():
                walk(one, f"{place}.{name}")
        elif isinstance(value, list):
            for one in value:
                walk(one, place)
        else:
            types.setdefault(place, set()).add(type(value).__name__)

    for _, made in converted(lines, ecs):
        walk(made, "")
    assert {place: found for place, found in types.items() if len(found) > 1} == {}
    assert types[".sealgate.envelope.rcpt"] == types[".sealgate.header.subject"] == {"map"}


def test_what_was_cut_can_still_be_matched() -> None:
    cut = {"begins": "x" * 512, "length": 600, "sha256": "ab" * 32}
    made = steady({"client": {"helo": cut}, "listener": "s"})
    assert made["client"]["helo"] == "x" * 512 + "..."
    assert made["cut"] == [{"field": "client.helo", "length": 600, "sha256": "ab" * 32}]


def test_ecs_says_who_what_and_why(lines: list[bytes]) -> None:
    found = [(event, made) for event, made in converted(lines, ecs) if event["kind"] == "decision"]
    refused = next(made for event, made in found if event["verdict"] == "reject" and event["auth"]["principal"])
    assert refused["event"]["outcome"] == "failure"
    assert refused["rule"]["id"] in refused["event"]["reason"]
    accepted = next(made for event, made in found if event["verdict"] == "accept" and event.get("queue_id") == "")
    assert accepted["event"]["outcome"] == "success"
    assert "rule" not in accepted
    assert accepted["user"]["domain"] == "EXAMPLE.TEST"
    assert accepted["email"]["from"]["address"][0].endswith("@example.test")
    line = next(line for line in lines if json.loads(line)["seq"] == accepted["event"]["sequence"])
    assert accepted["event"]["hash"] == digest(line)


# -- the command -------------------------------------------------------------------------------------------------------


def run(path: Path, *arguments: str) -> tuple[int, bytes]:
    result = CliRunner().invoke(audit, ["export", "--log", str(path), *arguments])
    return result.exit_code, result.stdout_bytes


@pytest.fixture(scope="module")
def log(lines: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "audit.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


@pytest.mark.parametrize("form", ["ecs", "ocsf"])
def test_each_line_gives_one_line_of_ascii(log: Path, form: str) -> None:
    status, out = run(log, "--format", form)
    assert status == 0
    assert out.isascii()
    made = out.splitlines()
    assert len(made) == 1_000
    assert all(isinstance(json.loads(line), dict) for line in made)


def test_jsonl_is_the_file_itself_and_the_span_is_kept(log: Path) -> None:
    assert run(log, "--format", "jsonl") == (0, log.read_bytes())
    assert run(log, "--format", "jsonl", "--since", "2026-11-18", "--until", "2026-11-18") == (0, log.read_bytes())
    assert run(log, "--format", "jsonl", "--since", "2026-11-19") == (0, b"")
    assert run(log, "--format", "jsonl", "--until", "2026-11-17") == (0, b"")
    assert run(log, "--format", "ecs", "--since", "soon")[0] == 64


def test_a_line_that_is_none_of_ours_is_counted_and_the_others_are_written(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(
        b"[]\n{}\nnonsense\n" + b"[" * 100_000 + b'\n{"kind":"decision","w":1,"seq":2}\n' + log.read_bytes()
    )
    for form in ("ecs", "ocsf"):
        status, out = run(path, "--format", form)
        made = [line for line in out.splitlines() if line.startswith(b"{")]  # click 8.1 mixes in standard error
        assert (status, len(made)) == (65, 1_000)
