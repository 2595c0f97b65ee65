"""What the profile says of commercial mail is read as it is written, and what means nothing is warned of."""

import pytest

from sealgate.profile.lint import check_profile
from sealgate.profile.model import Identity, OneClick, Problem, Profile
from sealgate.profile.parse import parse_profile

HEAD = """\
version: 1
seal: on
listeners: {submission: judge}
logins:
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@R", principal: "{user}@R"}
domains:
  a.test: {sign: yes, keys: [{selector: s, file: /k/a.pem}]}
  b.test: {sign: no}
postal_addresses:
  hq: Example Inc., 12 Main Street, Springfield, IL 62701
identities:
"""
NEWS = "  news:\n    {principals: [news@R], kind: service, class: commercial, senders: [n@a.test],"
NEWS += " postal_addresses: [hq], MORE}\n"


def profile_of(more: str, rest: str = "") -> tuple[Profile | None, tuple[Problem, ...]]:
    return parse_profile(HEAD + NEWS.replace(", MORE", f", {more}" if more else "") + rest, "p.yaml")


def news(more: str) -> Identity:
    profile, problems = profile_of(more)
    assert profile is not None, problems
    assert problems == ()
    return profile.identities[0]


def warned(more: str, rest: str = "", text: str = "") -> list[tuple[int, str]]:
    whole = text or HEAD + NEWS.replace(", MORE", f", {more}" if more else "") + rest
    profile, problems = check_profile(whole, "p.yaml")
    assert profile is not None, problems
    assert all(p.suggestion for p in problems)
    return [(p.line, p.message) for p in problems]


def test_what_is_not_said_is_the_default() -> None:
    found = news("")
    assert (found.consent, found.one_click, found.is_sexually_explicit, found.opt_out_hosts) == (
        False, OneClick.RECOMMENDED, False, (),
    )  # fmt: skip
    profile, _ = profile_of("")
    assert profile is not None
    assert (profile.law, profile.tracking_hosts) == ("us", ())


@pytest.mark.parametrize("word", list(OneClick))
def test_a_word_of_one_click_stays_a_word(word: OneClick) -> None:
    """YAML 1.1 would make a boolean of `off`."""
    assert news(f"one_click: {word}").one_click is word


def test_consent_and_sexually_explicit_are_yes_or_no() -> None:
    found = news("consent: yes, sexually_explicit: no")
    assert (found.consent, found.is_sexually_explicit) == (True, False)
    profile, problems = profile_of("consent: perhaps")
    assert profile is None
    assert "must be yes or no" in problems[0].message


def test_hosts_are_brought_to_one_form_and_kept_once() -> None:
    found = news('opt_out_hosts: [WWW.Example.Test, www.example.test, .Mailer.test, "bücher.test"]')
    assert found.opt_out_hosts == ("www.example.test", ".mailer.test", "xn--bcher-kva.test")


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("https://www.example.test/u", "the host alone"),
        ("www.example.test:8443", "the host alone"),
        ('"*.example.test"', ".example.test"),
        (".test", "such as"),
        ("test", "such as"),
        ("192.0.2.1", "such as"),
        ("www..test", "such as"),
        ("www.example.test.", "such as"),
        ("two words.test", "such as"),
    ],
)
def test_what_is_no_host_is_an_error_with_the_way_out(host: str, hint: str) -> None:
    profile, problems = profile_of(f"opt_out_hosts: [{host}]")
    assert profile is None
    assert len(problems) == 1
    assert (problems[0].line, hint in problems[0].suggestion) == (13, True), str(problems[0])


def test_tracking_hosts_are_hosts_of_the_whole_profile() -> None:
    profile, problems = profile_of("", "tracking_hosts: [clicks.example.net, .mailer.example]\nlaw: us\n")
    assert profile is not None, problems
    assert profile.tracking_hosts == ("clicks.example.net", ".mailer.example")


def test_a_law_that_there_is_no_pack_of_is_an_error() -> None:
    profile, problems = profile_of("", "law: mars\n")
    assert profile is None
    assert "must be one of: us" in problems[0].message


@pytest.mark.parametrize(
    "field", ["consent: yes", "one_click: off", "sexually_explicit: no", "opt_out_hosts: [www.example.test]"]
)
@pytest.mark.parametrize("mail_class", ["transactional", "auto"])
def test_a_field_that_means_nothing_to_a_class_is_warned_of_where_it_stands(field: str, mail_class: str) -> None:
    text = HEAD + (
        f"  news:\n    principals: [news@R]\n    kind: service\n    class: {mail_class}\n    senders: [n@a.test]\n"
        "    postal_addresses: [hq]\n"
        f"    {field}\n"
    )
    found = [w for w in warned("", text=text) if "means nothing" in w[1]]
    assert [(line, field.partition(":")[0] in said, mail_class in said) for line, said in found] == [(18, True, True)]


def test_a_required_pair_needs_the_seal() -> None:
    """RFC 8058 4: both fields must be covered by a signature."""
    text = HEAD.replace("seal: on", "seal: off") + NEWS.replace("MORE", "one_click: required")
    assert [said for _, said in warned("", text=text) if "the seal is off" in said]
    assert warned("one_click: required") == []
    assert not [said for _, said in warned("", text=text.replace("required", "recommended")) if "seal" in said]


def test_a_required_pair_needs_a_domain_that_signs() -> None:
    text = HEAD + NEWS.replace("MORE", "one_click: required").replace("[n@a.test]", "[n@b.test, m@b.test]")
    assert [said for _, said in warned("", text=text) if "domain b.test says `sign: no`" in said]


def test_a_rule_that_undoes_what_an_identity_asks_for_is_warned_of() -> None:
    for field, code in (("one_click: required", "oneclick.required"),
                        ("sexually_explicit: yes", "canspam.sexually-explicit")):  # fmt: skip
        assert [
            said for _, said in warned(field, f"rules:\n  {code}: {{mode: off}}\n") if f"rule {code} is off" in said
        ]
        assert warned(field, f"rules:\n  {code}: {{mode: report}}\n") == []


def test_no_subject_is_owed_to_recipients_who_asked() -> None:
    assert [said for _, said in warned("sexually_explicit: yes, consent: yes") if "asked for it" in said]
    assert warned("sexually_explicit: yes") == []


def test_hosts_are_capped() -> None:
    listed = ", ".join(f"h{n}.example.test" for n in range(600))
    profile, problems = profile_of(f"opt_out_hosts: [{listed}]")
    assert profile is None
    assert [p.message for p in problems] == ["more than 500 hosts"]
