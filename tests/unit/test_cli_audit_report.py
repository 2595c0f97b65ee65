"""`sealgate audit report`: one document in four forms, with the same numbers, that nothing a sender wrote can break."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from sealgate.audit.document import Document, Section
from sealgate.audit.report import document
from sealgate.audit.tally import Tally
from sealgate.cli.audit import command as audit
from sealgate.cli.audit_report_page import page
from sealgate.cli.audit_report_text import as_csv, markdown, shown, text
from tests.unit import recorded
from tests.unit.recorded import OTHERS, Event, chained

HOSTILE = (
    '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "</style><svg/onload=alert(1)>",
    "=cmd|' /C calc'!A0",
    "+1", "-1", "@SUM(1)", "\t=1", " =1", "|a|b|\n| c |", "\x1b]0;pwn\x07\u202e\ud800", "[x](javascript:alert(1))",
    "\uff1d1+1", "a\r\nb,c", "`x`", "**b**",
)  # fmt: skip


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    known = recorded.runtimes(tmp_path_factory.mktemp("report"))
    return [*OTHERS, *(event for _, event in recorded.decisions(known))]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory, events: list[Event]) -> Path:
    path = tmp_path_factory.mktemp("log") / "audit.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in chained(events)))
    return path


@pytest.fixture(scope="module")
def hostile(events: list[Event]) -> Document:
    """Every text that can come from outside, or from another version, is an attack."""
    found = Tally()
    decision = next(e for e in events if e["kind"] == "decision" and e.get("elements") and e["verdict"] == "accept")
    refused = next(e for e in events if e["kind"] == "decision" and e["verdict"] == "reject")
    for bad in HOSTILE:
        auth = {"mechanism": bad, "name": bad, "principal": bad, "identity": bad, "via": "login"}
        element = decision["elements"][0] | {"how": bad, "where": bad, "state": bad}
        seal = {"signed": [f"d={bad} s=x a={bad}"], "skipped": ""}
        finding = refused["findings"][0] | {"rule": bad, "cites": bad, "detail": bad}
        mail = {"auth": auth, "listener": bad, "elements": [element], "seal": seal, "software": bad, "host": bad}
        what = (
            decision | mail | {"profile": bad},
            decision | {"seal": {"signed": [], "skipped": bad}},
            refused | {"findings": [finding], "auth": auth, "listener": bad},
            OTHERS[1] | {"network": bad, "rule": bad, "verdict": bad},
            *(other | {"why": bad, "by": bad, "problems": [bad], "place": bad, "reason": bad} for other in OTHERS),
        )
        for line in chained(what):
            found.take(line)
    assert found.unreadable == 0
    return document(found, recorded.NOW, top=1000)


class Page(HTMLParser):
    """What a browser makes of the page, roughly: elements with their attributes, and the texts of cells."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.numbers: list[str] = []
        self._is_cell = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._is_cell = tag in ("td", "th")
        if self._is_cell:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = self._is_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._is_cell:
            self.cells[-1] += data
            if self.tags[-1] == ("td", {"class": "n"}):
                self.numbers.append(data)


KNOWN = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "dl", "dt", "dd", "nav", "ol", "ul",
    "li", "a", "section", "p", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption",
    "span", "svg", "desc", "rect", "line", "text", "code",
}  # fmt: skip


def test_the_page_holds_nothing_that_runs_or_is_loaded_whatever_senders_wrote(hostile: Document) -> None:
    source = page(hostile)
    found = Page(source)
    assert {tag for tag, _ in found.tags} <= KNOWN
    for tag, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert not {"src", "srcset", "style", "data", "action"} & attributes.keys()
        assert str(attributes.get("href", "#")).startswith("#")
    assert "url(" not in source
    assert "@import" not in source
    assert source.count("<style>") == 1
    shown = {cell for cell in found.cells if "alert" in cell}
    assert "<script>alert(1)</script>" in shown  # as words
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\ud800-\udfff]", source)


def test_the_page_can_be_read_without_seeing_its_charts(log: Path, events: list[Event]) -> None:
    found = Page(page(_document(events)))
    charts = [attributes for tag, attributes in found.tags if tag == "svg"]
    assert len(charts) == 2
    identifiers = {attributes.get("id") for _, attributes in found.tags}
    for chart in charts:
        assert chart["role"] == "img"
        assert {chart["aria-labelledby"], chart["aria-describedby"]} <= identifiers
    assert all(attributes.get("scope") == "col" for tag, attributes in found.tags if tag == "th")
    tables = sum(tag == "table" for tag, _ in found.tags)
    assert tables == sum(tag == "caption" for tag, _ in found.tags) > 10
    assert ("html", {"lang": "en"}) in found.tags


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_contrast_enough(scheme: str) -> None:
    """WCAG 2.1, 1.4.3: 4.5 for text; 1.4.11: 3 for bars."""
    source = page(Document("", (), ()))
    light, _, rest = source.partition("prefers-color-scheme:dark")
    part = light if scheme == "light" else rest.partition("}}")[0]
    colours = dict(re.findall(r"--([a-z0-9]+):#([0-9a-f]{3,6})", part))
    paper = _luminance(colours["paper"])
    for name, least in (("ink", 4.5), ("soft", 4.5), ("s0", 3), ("s1", 3), ("s2", 3), ("s3", 3)):
        one = _luminance(colours[name])
        assert (max(one, paper) + 0.05) / (min(one, paper) + 0.05) >= least, name


def _luminance(colour: str) -> float:
    full = "".join(c * 2 for c in colour) if len(colour) == 3 else colour
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_no_cell_of_the_csv_is_a_formula(hostile: Document) -> None:
    rows = list(csv.reader(io.StringIO(as_csv(hostile))))
    cells = [cell for row in rows for cell in row]
    assert any("cmd" in cell for cell in cells)
    assert [cell for cell in cells if re.match(r"\s*[=+\-@\t\r\uff1d]", cell)] == []


def test_markdown_keeps_its_tables(hostile: Document) -> None:
    source = markdown(hostile)
    for line in source.split("\n"):
        bare = re.sub(r"\\.", "", line)
        assert not re.search(r"[<`*\[]", bare), line
        if bare.startswith("|"):
            assert bare.endswith("|")
    blocks = re.findall(r"(?:^\|.*\n)+", source, re.MULTILINE)
    for block in blocks:
        widths = {re.sub(r"\\.", "", line).count("|") for line in block.strip().split("\n")}
        assert len(widths) == 1, block


def test_markdown_can_be_read_as_it_is_and_begins_nothing_of_its_own() -> None:
    says = ("2026-10-01 14:05 (15 USC 7704(a)(1)): none", "- a", "+ b", "1. c", "12) d", "see http://x.test www.y.test")
    lines = markdown(Document("T", (), (Section("S", says),))).split("\n")[-7:-1]
    assert lines[0] == f"- {says[0]}"
    assert lines[1:5] == [r"- \- a", r"- \+ b", r"- 1\. c", r"- 12\) d"]
    assert lines[5] == r"- see http\://x.test www\.y.test"


def test_a_span_without_an_end_says_so() -> None:
    for since, begin in (("", "the beginning"), (recorded.NOW, "2026-11-18 11:06")):
        about = dict(document(Tally(since), recorded.NOW).about)
        assert about["Span"] == f"{begin} to the end (UTC, the end not included)"


def test_text_drives_no_terminal(hostile: Document) -> None:
    assert all(c.isprintable() or c == "\n" for c in text(hostile))


def _document(events: list[Event]) -> Document:
    found = Tally()
    for line in chained(events):
        found.take(line)
    return document(found, recorded.NOW)


def test_all_forms_hold_the_same_numbers(events: list[Event]) -> None:
    report = _document(events)
    rows = [row for section in report.sections for table in section.tables for row in table.rows]
    numbers = [cell for row in rows for cell in row if isinstance(cell, int)]
    assert len(numbers) > 300
    assert Page(page(report)).numbers == [f"{number:,}" for number in numbers]
    in_csv = [tuple(row[2:]) for row in csv.reader(io.StringIO(as_csv(report)))]
    assert [tuple(map(str, row)) for row in rows if tuple(map(str, row)) not in in_csv and not _is_guarded(row)] == []
    in_markdown = [
        tuple(re.sub(r"\\(.)", r"\1", cell).strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        for line in markdown(report).split("\n")
        if line.startswith("| ")
    ]
    assert [row for row in rows if tuple(shown(cell).strip() for cell in row) not in in_markdown] == []
    words = text(report)
    assert all(f"{number:,}" in words for number in numbers)


def _is_guarded(row: tuple[str | int, ...]) -> bool:
    return any(isinstance(cell, str) and (len(cell) > 400 or cell[:1] in "=+-@") for cell in row)


def test_counsel_sees_all_that_casts_doubt_and_what_is_not_proven(events: list[Event]) -> None:
    words = text(_document(events))
    for kind in ("gap", "recovered", "fault", "correction", "clock", "full", "worker-died", "mode", "forgotten"):
        assert re.search(rf"^  2026-11-18 11:06:40  {kind} ", words, re.MULTILINE), kind
    for part in ("15 USC 7704(a)(5)(A)(iii)", "opt-out is honoured within ten business days", "no legal advice",
                 "INC-4711", "sealgate audit verify", "does not verify them"):  # fmt: skip
        assert part in words
    quiet = text(_document([event for event in events if event["kind"] == "decision"]))
    assert "None: no gap" in quiet
    assert "NO SIGNED CHECKPOINT" in quiet


def test_an_empty_span_says_so() -> None:
    report = document(Tally("2026-10-01T00:00:00.000000Z", "2026-11-01T00:00:00.000000Z"), recorded.NOW)
    assert "THE RECORD HOLDS NO LINE OF THIS SPAN." in text(report)
    assert "2026-10-01 to 2026-11-01" in text(report)
    assert Page(page(report)).cells


# -- the command -------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner(mix_stderr=False) if "mix_stderr" in CliRunner.__init__.__code__.co_varnames else CliRunner()
    result = done.invoke(audit, ["report", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("form", ["html", "md", "csv", "text"])
def test_a_month_is_reported_in_each_form(log: Path, form: str, tmp_path: Path) -> None:
    status, out, err = run("--log", str(log), "--month", "2026-11", "--format", form)
    assert (status, err) == (0, "")
    assert "svc/newsletter" in out
    path = tmp_path / "report"
    status, nothing, _ = run(
        "--log", str(log), "--since", "2026-11-18", "--until", "2026-11-18", "--format", form, "-o", str(path)
    )
    assert (status, nothing) == (0, "")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]
    assert "svc/newsletter" in path.read_text()


def test_another_month_holds_nothing(log: Path) -> None:
    assert "THE RECORD HOLDS NO LINE" in run("--log", str(log), "--month", "2026-10")[1]
    status, out, _ = run("--log", str(log), "--month", "2026-12")
    assert status == 0
    assert "2026-12-01 to 2027-01-01" in out


@pytest.mark.parametrize("arguments", [
    ["--month", "2026-13"], ["--month", "October"], ["--month", "2026-10", "--since", "2h"], ["--since", "soon"],
    ["--since", "2026-10-02", "--until", "2026-10-01"], ["--month", "9999-12"],
])  # fmt: skip
def test_what_is_no_span_is_a_usage_error(log: Path, arguments: list[str]) -> None:
    assert run("--log", str(log), *arguments)[0] == 64


def test_a_place_that_cannot_be_written_is_said(log: Path) -> None:
    status, _, err = run("--log", str(log), "--since", "2026-11-01", "-o", "/nowhere/report")
    assert status == 73
    assert "/nowhere/report" in err


def test_no_file_is_said(tmp_path: Path) -> None:
    assert run("--log", str(tmp_path / "audit.jsonl"), "--since", "2h")[0] == 65


def test_lines_of_another_hand_are_counted(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(log.read_bytes() + b"another hand\n" + json.dumps({"kind": "decision"}).encode() + b"\n")
    assert "not counted: 2." in run("--log", str(path), "--since", "2026-11-01")[1]
