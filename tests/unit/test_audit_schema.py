"""The schema of the record is closed and true: every line the program writes fits it, and doc/audit.md is made of it.

`python -m tests.unit.test_audit_schema` writes the tables of doc/audit.md anew. A field that is written and not
documented fails here; so does one that is documented and never written.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealgate.adapters.journal import JournalFile
from sealgate.app.recording import Recorded, recorded
from sealgate.app.runtime import Override, Runtime
from sealgate.app.screen import at_mail
from sealgate.audit.chain import canonical, cut
from sealgate.audit.counting import Refusals
from sealgate.audit.note import generate, load
from sealgate.audit.record import MAX_VALUE, VERSION
from sealgate.audit.verifier import parse
from sealgate.checks.finding import Action
from sealgate.daemon.reloading import Loaded, told
from sealgate.mail.message import Envelope, Session
from sealgate.profile.model import Profile, Record
from sealgate.seal.plan import SKIPS
from tests.drivers import core
from tests.drivers.cases import EPOCHS
from tests.unit import recorded as recorded_lines
from tests.unit.recorded import CLEAR, HIDDEN, NOW, OTHERS, chained, showing

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "doc" / "audit.md"
BEGIN, END = "<!-- fields: made from audit/schema.json -->\n", "<!-- end of fields -->\n"
SCHEMA: dict[str, Any] = json.loads(resources.files("sealgate.audit").joinpath("schema.json").read_text("ascii"))
KINDS = [reference["$ref"].rpartition("/")[2] for reference in SCHEMA["oneOf"]]
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
OF_KIND = {name: VALIDATOR.evolve(schema=SCHEMA["$defs"][name]) for name in KINDS}
UNPRINTABLE = re.compile(rb"[^\x20-\x7e]")
Event = dict[str, Any]


def kind_of(name: str) -> str:
    return str(SCHEMA["$defs"][name]["properties"]["kind"]["const"])


def faults(line: bytes) -> list[str]:
    """What keeps a line from being as documented: its form, and its fields."""
    event = parse(line)  # canonical order and form, or None
    if event is None or UNPRINTABLE.search(line):
        return ["it is not in its one form"]
    of = [name for name in KINDS if kind_of(name) == event.get("kind")]
    found = {name: [f"{e.json_path}: {e.message[:300]}" for e in OF_KIND[name].iter_errors(event)] for name in of}
    fitting = [name for name in of if not found[name]]
    if len(fitting) == 1:
        return []
    return [f"{event.get('kind')}: fits {fitting}: {min(found.values(), key=len, default='no such kind')}"]


def lines_of(done: Recorded) -> list[bytes]:
    return [cut({"kind": done.kind, **done.event}).join(1, "0" * 64, NOW)] + [
        cut(event).join(2, "0" * 64, NOW) for event in done.more
    ]


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Runtime]:
    return recorded_lines.runtimes(tmp_path_factory.mktemp("schema"))


def test_the_schema_is_a_schema_and_closed() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    open_ones = [place for place, part in _maps(SCHEMA, "") if part.get("additionalProperties") is not False]
    assert open_ones == []
    assert SCHEMA["$defs"]["fields"]["properties"]["v"]["const"] == VERSION


def test_everything_is_described() -> None:
    silent = [
        f"{place}.{name}"
        for place, part in _maps(SCHEMA, "")
        for name, of in part["properties"].items()
        if not described(of)
    ]
    assert silent == []


def test_every_kind_says_when_and_where() -> None:
    assert [name for name in KINDS if not {"v", "t", "host"} <= set(SCHEMA["$defs"][name]["required"])] == []


def test_reasons_for_no_signature_are_those_of_the_plan() -> None:
    assert set(SCHEMA["$defs"]["seal"]["oneOf"][1]["properties"]["skipped"]["enum"]) == set(SKIPS)


@pytest.mark.parametrize("record", [HIDDEN, CLEAR], ids=["hidden", "clear"])
def test_every_case_is_recorded_as_documented(runtimes: dict[str, Runtime], record: Record) -> None:
    seen: set[str] = set()
    for name, event in recorded_lines.decisions(runtimes, record):
        (line,) = recorded_lines.chained([event])
        assert faults(line) == [], name
        seen |= set(_paths(json.loads(line)))
    # And nothing is documented that is never written.
    documented = set(_documented("decision_at_end", record))
    assert documented - seen == set()


def test_each_other_kind_has_an_example_that_is_as_documented() -> None:
    assert [
        (event["kind"], faults(line)) for event, line in zip(OTHERS, chained(OTHERS), strict=True) if faults(line)
    ] == []
    assert {event["kind"] for event in OTHERS} | {"decision"} == {kind_of(name) for name in KINDS}


def test_long_lists_and_counted_refusals_are_as_documented(runtimes: dict[str, Runtime]) -> None:
    runtime = runtimes["enforce"]
    session = Session("submission", "192.0.2.7", 40_000, auth_mechanism="GSSAPI", auth_name="alice@EXAMPLE.TEST")
    many = tuple(f"<reader{n}@example.org>".encode() for n in range(250))
    forged = at_mail(session, Envelope(b"<ceo@elsewhere.test>", "ceo@elsewhere.test", many), runtime, "ID", core.NOW)
    for record in (HIDDEN, CLEAR):
        done = recorded(forged.event, showing(runtime, record))
        lines = lines_of(done)
        assert [json.loads(line)["kind"] for line in lines] == ["decision", "recipients", "recipients"]
        assert [fault for line in lines for fault in faults(line)] == []
    nobody = at_mail(replace(session, auth_name=""), Envelope(b"<a@b.test>", "a@b.test", many), runtime, "ID", core.NOW)
    counts = Refusals()
    counts.add(recorded(nobody.event, runtime).event, NOW)
    mark = {"v": 1, "host": "relay1", "t": NOW}  # by the writer
    assert [faults(cut({**mark, **line}).join(1, "0" * 64, NOW)) for line in counts.all()] == [[]]


def test_what_the_journal_says_of_its_file_is_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    key = load(generate(), "relay1/sealgate")

    def opened() -> JournalFile:
        return JournalFile(str(path), wait=0.0, pause=0.0, mark={"host": "relay1"}, note=key.signed)

    journal = opened()
    event = cut({"v": 1, "t": NOW, "kind": "correction", "id": "ID", "verdict": "tempfail", "why": "a trial"})
    journal.append([event])
    with path.open("ab") as other:
        other.write(b"another hand")
    journal.append([event])  # leaves a gap
    path.rename(tmp_path / "audit.jsonl.1")
    journal.append([event])  # begins a new file
    journal.close()
    with path.open("ab") as other:
        other.write(b'{"torn')
    opened().close()  # recovers
    lines = [line for name in ("audit.jsonl.1", "audit.jsonl") for line in (tmp_path / name).read_bytes().split(b"\n")]
    own = [line for line in lines if (event_of := parse(line)) and event_of["kind"] not in ("correction",)]
    assert {json.loads(line)["kind"] for line in own} == {"gap", "checkpoint", "recovered"}
    assert [fault for line in own for fault in faults(line)] == []


@pytest.mark.parametrize(
    ("profile", "switch", "kinds"),
    [
        ("a", None, ["reload", "key"]),  # read anew, and found the same
        ("b", None, ["reload", "key"]),
        ("a", Override(True, 1_795_000_900.0, "alice", "why"), ["mode", "key"]),
        ("b", Override(True, 1_795_000_900.0, "alice", "why"), ["reload", "mode", "key"]),
    ],
)
def test_what_a_reload_says_is_as_documented(profile: str, switch: Override | None, kinds: list[str]) -> None:
    before = Runtime(Profile(), "a" * 64)
    ingredients: Any = type("Kept", (), {"kept": ("ed._domainkey.example.test: gone",)})
    after = replace(before, digest=profile * 64, override=switch)
    said = list(told(before, Loaded(ingredients, after, (), switch), core.NOW))
    assert [kind for kind, _ in said] == kinds
    assert all((of["profile"], of["before"]) == (profile * 64, "a" * 64) for kind, of in said if kind == "reload")
    about = {"v": 1, "t": NOW, "host": "relay1", "software": "sealgate 1"}
    lines = [cut({**about, "kind": kind, **of}).join(1, "0" * 64, NOW) for kind, of in said]
    assert [fault for line in lines for fault in faults(line)] == []


def test_every_kind_in_the_code_is_documented_with_its_fields() -> None:
    """Whatever is recorded with a kind and names that stand in the code itself."""
    known = {(kind_of(name), frozenset(SCHEMA["$defs"][name]["properties"])) for name in KINDS}
    given_by_others = {"v", "kind", "seq", "prev", "w", "t", "host", "software", "peaks"}
    unknown, met = [], set()
    for place, kind, names in _recorded_in_the_code():
        met.add(kind)
        own = [fields - given_by_others for one, fields in known if one == kind]
        if not any(names - given_by_others <= fields for fields in own):  # a map may be added to
            unknown.append(f"{place}: {kind} {sorted(names)}")
    assert unknown == []
    assert met >= {"start", "stop", "restart", "worker-died", "correction", "fault", "clock", "full"}


# -- nothing of a sender breaks a line ---------------------------------------------------------------------------------

HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text(alphabet='"\\{}[]:,\x00\x07\x1b\x7f\x9b\u2028\u202e\ud800\udfff\ne', max_size=20),
    st.sampled_from(
        [
            '\n{"v":1,"verdict":"accept"}', "\x1b]0;pwn\x07", "\u202egnp.exe", '","verdict":"accept","x":"',
            '"},"verdict":"accept","auth":{"principal":"root@EXAMPLE.TEST', "A" * (MAX_VALUE + 1), "\u2028" * 600,
            "=?utf-8?q?x=0A{=22v=22:1,=22verdict=22:=22accept=22}?=",
        ]
    ),
)  # fmt: skip


@settings(max_examples=settings().max_examples // 4)
@given(st.data())
def test_hostile_values_stay_in_their_field(data: st.DataObject) -> None:
    """Newlines, escapes, direction marks, lone surrogates, quotes: one line, as documented, that says what was said."""
    draw = lambda: data.draw(HOSTILE)  # noqa: E731
    event = json.loads(json.dumps(SOUND))
    event["listener"] = capped_(draw())
    for name in ("name", "helo", "certificate"):
        event["client"][name] = capped_(draw())
    event["auth"]["name"] = capped_(draw())
    for name in ("from", "sender", "resent_from", "reply_to", "message_id"):
        event["header"][name] = capped_(draw())
    event["header"]["subject"] = draw()
    event["envelope"] = {"from": capped_(draw()), "rcpt": [draw(), draw()]}
    event["findings"][0] |= {"detail": capped_(draw()), "where": capped_(draw()), "about": capped_(draw())}
    record = data.draw(st.sampled_from([HIDDEN, CLEAR]))
    done = recorded(event, Runtime(Profile(record=record), "d" * 64, epochs=EPOCHS))
    (line,) = lines_of(done)
    assert UNPRINTABLE.search(line) is None
    assert faults(line) == []
    said = json.loads(line)
    assert (said["verdict"], said["auth"]["principal"]) == ("reject", "alice@EXAMPLE.TEST")
    assert said["client"] == json.loads(json.dumps(event["client"]))  # two lone surrogates in a row are one character
    assert len(line) < 40_000


def test_a_subject_of_a_megabyte_is_cut_and_can_be_matched_by_its_digest(runtimes: dict[str, Runtime]) -> None:
    for record, fields in ((CLEAR, {"begins", "length", "sha256"}), (HIDDEN, {"length", "salted", "k"})):
        event = json.loads(json.dumps(SOUND))
        event["header"]["subject"] = "\x1b" * (1 << 20)
        (line,) = lines_of(recorded(event, Runtime(Profile(record=record), "d" * 64, epochs=EPOCHS)))
        assert faults(line) == []
        assert json.loads(line)["header"]["subject"].keys() == fields
        assert len(line) < 8_192


def test_no_name_can_stand_twice() -> None:
    line = cut(SOUND | {"kind": "decision"}).join(1, "0" * 64, NOW)
    names: list[str] = []
    json.loads(line, object_pairs_hook=lambda pairs: names.extend(n for n, _ in pairs) or dict(pairs))
    twice = canonical({"a": 1, "b": 2}).replace(b'"b"', b'"a"')
    assert parse(twice.replace(b"}", b',"prev":"%b","seq":1}' % (b"0" * 64))) is None
    assert names.count("verdict") == 1


def test_the_page_is_the_schema() -> None:
    text = PAGE.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0] == expected()


# -- helpers -----------------------------------------------------------------------------------------------------------


def capped_(value: str) -> Any:
    from sealgate.audit.record import capped  # noqa: PLC0415 - beside its one use

    return capped(value)


def _maps(part: Any, place: str) -> Iterator[tuple[str, Event]]:
    """All parts of the schema that describe a JSON object, but the collection of shared fields."""
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield place, part
        for name, one in part.items():
            yield from _maps(one, f"{place}/{name}")
    elif isinstance(part, list):
        for one in part:
            yield from _maps(one, place)


def resolved(part: Event) -> Event:
    """A part with what it refers to beneath it: its own words go before."""
    reference = part.get("$ref")
    if reference is None:
        return part
    found: Any = SCHEMA
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return {**resolved(found), **{k: v for k, v in part.items() if k != "$ref"}}


def described(part: Event) -> str:
    return str(resolved(part).get("description", ""))


def _paths(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield f"{place}.{name}"
            yield from _paths(one, f"{place}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from _paths(one, f"{place}[]")


def _documented(name: str, record: Record) -> Iterator[str]:
    """The paths of a kind, without those of a value that was cut: no case has one that long."""
    elsewhere = {"begins", "length", "sha256"}
    if record is CLEAR:
        elsewhere |= {"d", "h", "k", "salted"}

    def walk_in(part: Event, place: str) -> Iterator[str]:
        part = resolved(part)
        for one in part.get("oneOf", ()):
            yield from walk_in(one, place)
        for field, one in part.get("properties", {}).items():
            if field not in elsewhere or (place.endswith(".subject") and record is HIDDEN and field == "length"):
                yield f"{place}.{field}"
                yield from walk_in(one, f"{place}.{field}")
        if "items" in part:
            yield from walk_in(part["items"], f"{place}[]")

    return walk_in(SCHEMA["$defs"][name], "")


def _recorded_in_the_code() -> Iterator[tuple[str, str, set[str]]]:
    """Calls `_record("kind", name=...)` and maps `{"kind": "...", ...}` in the program, with the names they give."""
    for path in sorted((ROOT / "milter" / "sealgate").rglob("*.py")):
        if path.parent.name == "cli" and not path.name.startswith("audit_"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            place = f"{path.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("_record", "_append"):
                shared = [k for k in node.keywords if getattr(getattr(k.value, "func", None), "attr", "") == "_about"]
                words = [k.arg for k in node.keywords if k not in shared]
                if node.args and isinstance(node.args[0], ast.Constant) and None not in words:
                    yield place, str(node.args[0].value), {w for w in words if w}
            if isinstance(node, ast.Dict):
                keys = [k.value for k in node.keys if isinstance(k, ast.Constant)]
                if "kind" in keys and len(keys) == len(node.keys):
                    kind = node.values[keys.index("kind")]
                    if isinstance(kind, ast.Constant) and len(keys) > 1 and path.name not in ("ecs.py", "ocsf.py"):
                        yield place, str(kind.value), set(keys)


SOUND: Event = {
    "v": 1, "t": NOW, "id": "ID", "stage": "end", "host": "relay1", "software": "sealgate 1", "profile": "d" * 64,
    "mode": "enforce", "listener": "submission",
    "client": {"ip": "192.0.2.7", "port": 4, "name": "", "helo": "", "tls": "", "cipher_bits": 0, "certificate": ""},
    "auth": {"mechanism": "GSSAPI", "name": "", "principal": "alice@EXAMPLE.TEST", "identity": "staff",
             "class": "personal", "via": "login"},
    "envelope": {"from": "<>", "rcpt": []},
    "queue_id": "4Tst",
    "header": {"from": "", "sender": "", "resent_from": "", "reply_to": "", "message_id": "", "subject": ""},
    "message": {"octets": 1, "body_sha256": "e" * 64, "fields": 3, "defects": []},
    "elements": [],
    "findings": [{
        "rule": "identity.header-from", "cites": "15 USC 7704(a)(1)", "mode": "enforce", "action": str(Action.REJECT),
        "detail": "", "where": "", "about": "",
    }],
    "removed": [], "verdict": "reject", "would": "reject", "reply": "550 5.7.1 no",
    "seal": {"signed": [], "skipped": "not-accepted"},
}  # fmt: skip


# -- the page ----------------------------------------------------------------------------------------------------------


def expected() -> str:
    text = "\n### In every line\n\n"
    shared = SCHEMA["$defs"]["fields"]["properties"]
    text += table([(name, "", of) for name, of in shared.items()])
    text += "\n`host` and `t` are in all kinds; `software` is in decisions and what came of them later (`fault`,\n"
    text += "`correction`), and in what the gate says of itself.\n"
    for name in KINDS:
        part = SCHEMA["$defs"][name]
        text += f"\n### {title(name)}\n\n{part['description']}\n\n"
        rows = [(field, place, of) for field, place, of in walk(part) if field not in shared or place]
        if name == "decision_at_mail":
            again = SCHEMA["$defs"]["decision_at_end"]["properties"]
            text += "Of the fields above it lacks those about the content.\n\n"
            rows = [row for row in rows if not row[1] and again.get(row[0]) != row[2]]
        text += table(rows) if rows else "No fields of its own.\n"
    text += "\n### Values that stand in for others\n\n"
    for name in ("cut", "hashed_recipient", "hashed_subject"):
        text += f"{SCHEMA['$defs'][name]['description']}\n\n{table(list(walk(SCHEMA['$defs'][name])))}\n"
    text += "### Why there is no signature\n\n| `skipped` | meaning |\n|---|---|\n"
    return text + "".join(f"| `{reason}` | {meaning} |\n" for reason, meaning in SKIPS.items()) + "\n"


def title(name: str) -> str:
    kind, _, rest = name.partition("_")
    return f"`{kind}`" + (f" ({rest.replace('_', ' ')})" if rest else "")


def walk(part: Event, place: str = "") -> Iterator[tuple[str, str, Event]]:
    for name, raw in part["properties"].items():
        if name == "kind" and not place:
            continue
        yield name, place, raw
        of = resolved(raw)
        below = f"{place}{name}[]." if "items" in of else f"{place}{name}."
        of = resolved(of["items"]) if "items" in of else of
        if "seal" in raw.get("$ref", ""):  # signed or not: the fields of both
            signed, unsigned = of["oneOf"]
            of = {"properties": {**signed["properties"], "skipped": unsigned["properties"]["skipped"]}}
        if "properties" in of:
            yield from walk(of, below)


def table(rows: list[tuple[str, str, Event]]) -> str:
    text = "| field | is | meaning |\n|---|---|---|\n"
    return text + "".join(f"| `{place}{name}` | {form(of)} | {described(of)} |\n" for name, place, of in rows)


def form(raw: Event) -> str:
    """What a value looks like, in a few words."""
    of = resolved(raw)
    if raw.get("$ref", "").endswith(("/capped", "/recipient")):
        return {"/capped": "text, or cut", "/recipient": "text, or hashed"}["/" + raw["$ref"].rpartition("/")[2]]
    if "const" in of:
        return f"`{of['const']}`" if of["const"] != "" else "empty"
    if "enum" in of:
        return ", ".join(f"`{one}`" if one else "empty" for one in of["enum"]) if len(of["enum"]) <= 5 else "a word"
    if "oneOf" in of:
        kinds = [resolved(one) for one in of["oneOf"]]
        if {"const": ""} in kinds:
            return f"{form(kinds[0])}, or empty"
        return "map" if all(one.get("type") == "object" for one in kinds) else "text, or a map"
    if of["type"] == "array":
        return f"list of {form(of['items'])}" if of.get("maxItems") != 0 else "empty list"
    if of.get("pattern") == SCHEMA["$defs"]["time"]["pattern"]:
        return "time"
    if of.get("pattern") == SCHEMA["$defs"]["digest"]["pattern"]:
        return "64 hex digits"
    return {"string": "text", "integer": "number", "boolean": "true or false", "object": "map"}[of["type"]]


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + expected() + END + rest.partition(END)[2])
