"""The page on performance has the tables that the bench makes, and the bench measures what it says."""

import re
from pathlib import Path
from typing import Any

import dkim
import pytest

from sealgate.seal.keys import public_record
from tests.bench import bodies, sealing, signers
from tests.bench.page import PAGE, put
from tests.bench.ratio import BenchError


def page_tables(text: str) -> list[tuple[tuple[str, ...], list[list[str]]]]:
    """The tables between the page's marks: heads and rows."""
    text = text.partition(sealing.BEGIN)[2].partition(sealing.END)[0]
    tables = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        heads, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
        tables.append((tuple(heads), rows))
    return tables


def made_up() -> dict[str, Any]:
    """A report with the figure 2 everywhere, from a machine without opendkim."""
    first = sealing.rows()
    names = [name for name in sealing.CONTENDERS if name != "OpenDKIM"]
    return {
        "surroundings": {"machine": "none"},
        "rates": {case: {name: [(2.0, 2.0)] for name in names} for case in first["rates"]},
        "bodies": {text: dict.fromkeys(bodies.COLUMNS, 2.0) for text in first["bodies"]},
        **{key: dict.fromkeys(first[key], 2.0) for key in ("steps", "headers", "memory")},
    }


def assert_has_all(text: str) -> None:
    tables = page_tables(text)
    assert [heads for heads, _ in tables] == list(sealing.HEADS.values())
    for (heads, rows), key in zip(tables, sealing.HEADS, strict=True):
        assert tuple(row[0] for row in rows) == sealing.rows()[key]
        assert all(len(row) == len(heads) and all(row) for row in rows)


def test_the_page_has_the_tables_of_the_bench() -> None:
    text = PAGE.read_text()
    assert_has_all(text)
    assert all(f"* {name}: " in text for name in ("date", "machine", "python", "opendkim", "openssl", "work"))


def test_what_is_written_is_what_the_page_is_held_against(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{sealing.BEGIN}\nof last year\n{sealing.END}\nafter\n")
    put(sealing.markdown(made_up()), sealing.BEGIN, sealing.END, page)
    text = page.read_text()
    assert_has_all(text)
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "of last year" not in text
    (_, rates), *_, (_, memory) = page_tables(text)
    assert rates[0][1:] == ["2", "2", "2", "2", "-", "2"]
    assert memory == [["tracemalloc", "2"], ["rss", "2"]]


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{sealing.BEGIN} and no end\n")
    with pytest.raises(BenchError, match="no place"):
        put("tables", sealing.BEGIN, sealing.END, page)
    assert page.read_text() == f"{sealing.BEGIN} and no end\n"


@pytest.mark.parametrize("by_cpu", [True, False])
def test_a_ratio_is_the_median_of_the_rounds(by_cpu: bool) -> None:
    case = {"a": [(30.0, 1.0), (8.0, 1.0), (20.0, 2.0)], "b": [(10.0, 3.0), (1.0, 8.0), (10.0, 4.0)]}
    assert sealing.ratio_of(case, "a", "b", by_cpu=by_cpu) == "3.0"
    assert sealing.ratio_of(case, "a", "c") == "-"


def test_both_make_a_signature_that_verifies_over_the_same_body() -> None:
    whole = signers.message("20")[0]
    ((name, value),) = signers.signing_path("20")()
    ours = f"{name}: {value}\r\n".replace("\n\t", "\r\n\t").encode()
    theirs = signers.dkimpy("20")()
    record = public_record(signers.key()).encode()
    for field in (ours, theirs):
        assert dkim.verify(field + whole, dnsfunc=lambda *_, **__: record)
    hashes = {re.sub(rb"\s", b"", field).partition(b"bh=")[2].partition(b";")[0] for field in (ours, theirs)}
    assert len(hashes) == 1


def test_a_contender_that_fails_is_no_measurement() -> None:
    with pytest.raises(ZeroDivisionError):
        signers.timed(lambda: 1 / 0, 2, 2)
    with signers.Signer(signers.KINDS[0]) as signer, pytest.raises(BenchError, match="ended"):
        signer.measure("no such size", 1, 1)


def test_a_measurement_takes_time_in_a_process_of_its_own() -> None:
    with signers.Signer(signers.KINDS[0]) as signer:
        seconds, cpu = signer.measure("0.5", 2, 3)
    assert seconds > 0
    assert cpu > 0
    assert "cryptography" in signer.versions


@pytest.mark.parametrize("name", [*bodies.ORDINARY, *bodies.HOSTILE])
def test_a_text_has_five_megabytes_of_what_its_name_says(name: str) -> None:
    text = bodies.text(name)
    assert len(text) == bodies.OCTETS
    if name in bodies.ORDINARY:
        assert max(map(len, text.split(b"\r\n"))) <= 100
        assert b"\n" not in text.replace(b"\r\n", b"")


def test_memory_does_not_grow_with_the_body() -> None:
    assert bodies.memory()["tracemalloc"] < 1_000  # KB


def test_large_headers_are_as_large_as_they_say() -> None:
    for name, headers in bodies._large().items():
        octets = sum(len(field.name) + len(field.value) for field in headers)
        assert len(headers.fields) > 1_900 if "fields" in name else 900_000 < octets <= 1_100_000
        value = bodies._headers_only(headers)()[0][1]  # type: ignore[index]
        assert value.count("\n") > 3
    assert tuple(bodies._large()) == bodies.LARGE
    assert tuple(bodies.ledger(1)) == bodies.STEPS
