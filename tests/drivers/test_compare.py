"""The README's comparison is today's: the number of shapes, and sealgate's own row, which is measured again here.

The other gates' rows are measured again in `make nightly` only, where their packages are installed in the versions that
the README names.
"""

import re
from dataclasses import replace

import pytest

from sealgate.attack.catalogue import chosen
from sealgate.attack.shape import Shape
from tests.compare.__main__ import compared
from tests.compare.gates import GATES, Kind, Missing, of_both_domains
from tests.compare.measure import SITE, Outcome, Result, Row, is_harmless, outcome
from tests.compare.report import BEGIN, COLUMNS, END, Report, faults, figures, into_readme, markdown
from tests.drivers.attack import by_socket, cast_of, mail_of
from tests.drivers.cases import profile_text
from tests.lab.gate import ROOT, Gate
from tests.lab.relay import why_unavailable
from tests.lab.sink import Delivered

README = (ROOT / "README.md").read_text()
TABLE = README.partition(BEGIN)[2].partition(END)[0]
SENT = chosen(has=SITE)
SEALGATE = next(kind for kind in GATES if kind.code == "sealgate")
_OWN = b"From: {own}\r\n"
HOSTILE = Shape("x-author", "x", "The victim as author.", True, b"From: {victim}\r\n")
FORGED = Shape(
    "x-results", "x", "Results in our name.", True, b"Authentication-Results: {authserv_id}; dkim=pass\r\n" + _OWN
)
SEAL = Shape(
    "x-seal", "x", "A seal in our name.", True, b"DKIM-Signature: v=1; d={domain}; s=rsa;\r\n b=AAAA\r\n" + _OWN
)


def shown(kind: Kind) -> tuple[str, tuple[int, ...]]:
    """Version and figures of a gate in the README."""
    for line in TABLE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == kind.title:
            return cells[1], tuple(map(int, cells[2:]))
    raise AssertionError(f"the README has no row for {kind.title}: run make compare README=1")


def test_the_readme_names_how_many_shapes_there_are() -> None:
    hostile, honest = (int(n) for n in re.findall(r"(\d+) (?:hostile shapes|honest ones)", TABLE))
    assert (hostile, honest) == (sum(s.is_hostile for s in SENT), sum(not s.is_hostile for s in SENT))


@pytest.mark.parametrize("kind", GATES, ids=lambda kind: kind.code)
def test_a_row_accounts_for_every_shape(kind: Kind) -> None:
    assert sum(shown(kind)[1]) == len(SENT)


def measured_again(kind: Kind) -> Row:
    """The gate behind a real Postfix, as `make compare` measures it."""
    if why := why_unavailable():
        pytest.skip(why)
    (row,) = compared([kind], SENT).rows
    return row


@pytest.mark.daemon
def test_sealgate_lets_out_today_what_the_readme_says(gate: Gate) -> None:
    """Over its socket: what Postfix mends and what the gate refuses is not told apart here."""
    gate.use(profile_text("attack"))
    came = by_socket(SENT, gate.socket)
    records = of_both_domains(gate.records)
    results = []
    for shape in SENT:
        answer = came[shape.code]
        copies = [Delivered(answer.sender, (), answer.delivered)] if answer.delivered else []
        results.append(Result(shape, outcome(shape, answer.code, copies, records), answer.text))
    row = Row(SEALGATE, SEALGATE.version(), tuple(results), 0.0)
    version, numbers = shown(SEALGATE)
    assert (version, *numbers[3:]) == (row.version, *figures(row)[3:]), [r.shape.code for r in faults(row)]


@pytest.mark.relay
def test_sealgates_row_is_what_it_does_today() -> None:
    """Run `make compare README=1` where this fails, if what it does today is what it shall do."""
    row = measured_again(SEALGATE)
    assert shown(SEALGATE) == (row.version, figures(row)), [r.shape.code for r in faults(row)]


@pytest.mark.nightly
@pytest.mark.relay
@pytest.mark.parametrize("kind", [k for k in GATES if k is not SEALGATE], ids=lambda kind: kind.code)
def test_the_rows_of_the_others_can_be_measured_again(kind: Kind) -> None:
    try:
        version = kind.version()
    except Missing as package:
        pytest.skip(f"{package} is not installed: make compare installs it")
    if version != shown(kind)[0]:
        pytest.skip(f"the README was measured with {kind.package} {shown(kind)[0]}, here is {version}")
    assert figures(measured_again(kind)) == shown(kind)[1]


def _copy(shape: Shape, without: bytes = b"") -> Delivered:
    """What was sent, as it arrives through a gate that takes one kind of field out."""
    content = mail_of(shape).content
    if without:
        content = re.sub(rb"(?im)^" + without + rb":.*\r\n(?:[ \t].*\r\n)*", b"", content)
    return Delivered(cast_of(shape).own, (), content)


def test_a_forged_field_that_arrives_does_harm_and_one_that_was_removed_does_not() -> None:
    assert not is_harmless(FORGED, _copy(FORGED))
    assert is_harmless(FORGED, _copy(FORGED, b"Authentication-Results"))
    assert not is_harmless(SEAL, _copy(SEAL))
    assert is_harmless(SEAL, _copy(SEAL, b"DKIM-Signature"))


def test_what_a_gate_writes_itself_is_not_held_against_it() -> None:
    clean = _copy(FORGED, b"Authentication-Results")
    results = b"Authentication-Results: mail.example.test; dkim=permerror\r\n"
    seal = b"DKIM-Signature: v=1; d=example.test; b=broken\r\n"
    assert is_harmless(FORGED, replace(clean, data=results + seal + clean.data))


def test_a_victim_in_the_envelope_does_harm() -> None:
    clean = _copy(FORGED, b"Authentication-Results")
    assert not is_harmless(FORGED, replace(clean, sender=cast_of(FORGED).victim))


@pytest.mark.parametrize(
    ("code", "copies", "wanted"),
    [
        (550, [], Outcome.REFUSED),
        (451, [], Outcome.DEFERRED),
        (250, [], Outcome.HELD),
        (250, [_copy(HOSTILE)], Outcome.UNSIGNED),
        (250, [_copy(FORGED, b"Authentication-Results")], Outcome.HARMLESS),
        (250, [_copy(FORGED, b"Authentication-Results"), _copy(HOSTILE)], Outcome.UNSIGNED),
    ],
)
def test_every_answer_has_an_outcome(code: int, copies: list[Delivered], wanted: Outcome) -> None:
    assert outcome(FORGED if wanted is Outcome.HARMLESS else HOSTILE, code, copies, {}) is wanted


def test_a_signature_that_does_not_verify_counts_for_nothing() -> None:
    assert outcome(SEAL, 250, [_copy(SEAL)], {"rsa._domainkey.example.test": "v=DKIM1; p=AAAA"}) is Outcome.UNSIGNED


def test_the_table_goes_between_the_markers_and_nowhere_else() -> None:
    row = Row(SEALGATE, "1", (Result(HOSTILE, Outcome.REFUSED, "550"), Result(FORGED, Outcome.SIGNED, "250")), 1.0)
    report = Report((row,), (), "2026-11", "Debian", "3.7.11")
    before = f"a\n{BEGIN}\nold\n{END}\nz\n"
    after = into_readme(before, report)
    assert after == f"a\n{BEGIN}\n{markdown(report)}\n{END}\nz\n"
    assert into_readme(after, report) == after
    assert "| sealgate | 1 | 1 | 0 | 0 | 0 | 1 | 0 | 0 | 0 |" in after
    assert [r.shape for r in faults(row)] == [FORGED]
    for broken in ("no markers", f"{END}{BEGIN}", f"{before}{before}"):
        with pytest.raises(ValueError, match="once each"):
            into_readme(broken, report)


def test_the_columns_count_every_outcome_once() -> None:
    for is_hostile in (True, False):
        counted = [each for _, hostile, outcomes in COLUMNS if hostile is is_hostile for each in outcomes]
        unused = set() if is_hostile else {Outcome.HARMLESS}  # nothing honest is judged for harm
        assert sorted(counted) == sorted(set(Outcome) - unused)


def test_a_missing_package_is_named() -> None:
    with pytest.raises(Missing, match="no-such-package"):
        replace(SEALGATE, package="no-such-package").version()
