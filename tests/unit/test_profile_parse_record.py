"""The section `record:`: what is written there, what is wrong with it, and the defaults."""

import pytest

from sealgate.profile.lint import check_profile
from sealgate.profile.model import MONTH, YEAR, Problem, Record, Showing
from sealgate.wiring import SETTABLE_RULES


def read(section: str) -> tuple[Record | None, tuple[Problem, ...]]:
    text = f"version: 1\nmode: report\n{section}\n"
    profile, problems = check_profile(text, "p.yaml", known_rules=SETTABLE_RULES)
    bare, usual = check_profile("version: 1\nmode: report\n", "p.yaml", known_rules=SETTABLE_RULES)
    assert bare is not None
    others = {problem.message for problem in usual}
    return (profile.record if profile else None), tuple(p for p in problems if p.message not in others)


def test_without_the_section_the_defaults_are_those_of_the_law() -> None:
    record, problems = read("")
    assert problems == ()
    assert record == Record(Showing.CLEAR, Showing.HASHED, 5 * YEAR, 13 * MONTH, legal_hold=False)
    assert read("record: {}") == (record, ())


def test_everything_that_can_be_said() -> None:
    record, problems = read(
        "record: {recipients: hashed, subject: clear, keep_lines: 7y, keep_personal: 90d, legal_hold: yes}"
    )
    assert problems == ()
    assert record == Record(Showing.HASHED, Showing.CLEAR, 7 * YEAR, 90 * 86_400, legal_hold=True)


@pytest.mark.parametrize(
    ("span", "seconds"), [("1d", 86_400), ("31d", MONTH), ("1M", MONTH), ("100y", 100 * YEAR), ("366d", YEAR)]
)
def test_a_span_is_days_months_or_years(span: str, seconds: int) -> None:
    record, problems = read(f"record: {{keep_lines: {span}, keep_personal: 1d}}")
    assert problems == ()
    assert record is not None
    assert record.keep_lines == seconds


@pytest.mark.parametrize(
    "span", ["0d", "5", "y", "5m", "5Y", "-1d", "1.5y", "101y", "99999y", "999999d", "5 y", "'٣d'", "[5y]", "{a: b}"]
)
def test_what_is_no_span_is_an_error_with_its_place(span: str) -> None:
    for field in ("keep_lines", "keep_personal"):
        record, problems = read(f"record:\n  {field}: {span}")
        assert record is None
        assert [(p.is_error, p.line) for p in problems if field in p.message] == [(True, 4)], problems


@pytest.mark.parametrize(
    ("section", "word"),
    [
        ("record: {recipients: hidden}", "recipients"),
        ("record: {subject: no}", "subject"),
        ("record: {legal_hold: perhaps}", "legal_hold"),
        ("record: {keep: 5y}", "keep"),
        ("record: {legal_hold: yes, legal_hold: no}", "legal_hold"),
        ("record: 5y", "record"),
        ("record: [recipients]", "record"),
    ],
)
def test_what_is_not_understood_is_an_error(section: str, word: str) -> None:
    record, problems = read(section)
    assert record is None
    assert any(problem.is_error and word in problem.message for problem in problems)


def test_values_kept_longer_than_their_lines_are_a_warning() -> None:
    record, problems = read("record: {keep_lines: 1y}")
    assert record is not None
    assert [(p.is_error, p.line) for p in problems] == [(False, 3)]
    assert "longer than the lines" in problems[0].message
    assert read("record: {keep_lines: 13M, keep_personal: 13M}")[1] == ()
