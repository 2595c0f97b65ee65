"""Labels of messages: closed lists, whatever a sender writes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.app.observing import MAX_DOMAINS, OTHER, UNSIGNED, DomainLabels, sighted
from sealgate.app.runtime import Runtime
from sealgate.profile.model import Domain, Profile
from tests.drivers import core
from tests.drivers.cases import all_cases
from tests.unit import recorded


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Runtime]:
    return recorded.runtimes(tmp_path_factory.mktemp("observing"))


def profile(*domains: Domain) -> Profile:
    return replace(Profile(), domains={domain.name: domain for domain in domains})


def named(*names: str) -> Profile:
    return profile(*(Domain(name, sign=True) for name in names))


LABELS = DomainLabels().of(profile(Domain("example.test", sign=True), Domain("deep.test", sign=True, subdomains=True)))


@pytest.mark.parametrize(
    ("domain", "label"),
    [
        ("example.test", "example.test"),
        ("www.example.test", OTHER),  # it has no say about hosts below it
        ("deep.test", "deep.test"),
        ("a.b.deep.test", "deep.test"),
        ("xdeep.test", OTHER),
        ("", OTHER),
        (".", OTHER),
        ("..deep.test", "deep.test"),
        ("test", OTHER),
        ("a." * 126 + "deep.test", OTHER),  # longer than a domain can be
    ],
)
def test_a_domain_is_one_of_the_profile_or_other(domain: str, label: str) -> None:
    assert LABELS(domain) == label


@given(st.text())
def test_no_text_makes_a_label(text: str) -> None:
    assert LABELS(text) in {"example.test", "deep.test", OTHER}


def test_a_profile_of_many_domains_makes_few_labels() -> None:
    labels = DomainLabels().of(named(*(f"d{number}.test" for number in range(5000))))
    assert labels("d99.test") == "d99.test"
    assert {labels(f"d{number}.test") for number in range(100, 5000)} == {OTHER}


def test_one_profile_after_another_does_not_add_up() -> None:
    labels, seen = DomainLabels(), set()
    for turn in range(20):
        of = labels.of(named(*(f"d{turn}-{number}.test" for number in range(MAX_DOMAINS))))
        seen |= {of(f"d{turn}-{number}.test") for number in range(MAX_DOMAINS)}
    assert len(seen - {OTHER}) == 2 * MAX_DOMAINS
    first = labels.of(named("d0-0.test"))
    assert first("d0-0.test") == "d0-0.test"  # what was a series may be one again


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_every_case_is_seen_in_words_of_closed_lists(case: Any, runtimes: dict[str, Runtime]) -> None:
    runtime = runtimes[case.profile]
    outcome = core.judged(case, runtime)
    if outcome is None:
        return
    seen = sighted(outcome, DomainLabels().of(runtime.profile))
    assert seen.message[0] == seen.domain[1] == outcome.event["verdict"]
    assert seen.domain[0] in {*runtime.profile.domains, OTHER}
    if outcome.verdict.is_accepted:
        signed = outcome.event["seal"]["signed"]
        assert len(seen.signatures) == len(signed)
        assert seen.seal == (outcome.event["seal"]["skipped"] or "signed")
        assert seen.seal in {"signed", *UNSIGNED}
    else:
        assert (seen.seal, seen.signatures) == ("", ())
    assert [rule for rule, _ in seen.findings] == [j.finding.rule.code for j in outcome.verdict.judged]
    assert bool(seen.would) is (outcome.verdict.would is not outcome.verdict.action)
    assert seen.is_stranger is (seen.message[2] == "none" and case.sasl[1] == "" and not outcome.verdict.is_accepted)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Example <news@example.test>", "example.test"),
        ("news@EXAMPLE.test", "example.test"),
        ({"begins": "a@example.test", "length": 9999}, OTHER),
        ("no address", OTHER),
        ("@" * 5000, OTHER),
        ("a@b@example.test>x", "example.test"),
    ],
)
def test_the_domain_of_from_is_only_looked_up(text: Any, label: str, runtimes: dict[str, Runtime]) -> None:
    runtime = runtimes["enforce"]
    outcome = core.judged(next(c for c in all_cases() if c.name == "personal-mail"), runtime)
    assert outcome is not None
    event = outcome.event | {"header": outcome.event["header"] | {"from": text}}
    event["envelope"] = event["envelope"] | {"from": ""}
    assert sighted(replace(outcome, event=event), DomainLabels().of(runtime.profile)).domain[0] == label
