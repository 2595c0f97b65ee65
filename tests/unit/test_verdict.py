"""From findings to one answer: precedence, report mode, and the reply's text."""

from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks.finding import Action, Finding
from sealgate.checks.rules import RULES
from sealgate.mail.reply import MAX_TEXT
from sealgate.profile.model import Profile, RuleSetting
from sealgate.verdict import decide

ID = "06B3K2QJX8M4T7ZR"
HARDNESS = [Action.ACCEPT, Action.QUARANTINE, Action.TEMPFAIL, Action.REJECT]
codes = st.lists(st.sampled_from(sorted(RULES)), max_size=6)
settings = st.dictionaries(
    st.sampled_from(sorted(RULES)),
    st.builds(
        RuleSetting,
        st.sampled_from(["", "off", "report", "enforce"]),
        st.sampled_from(["", "reject", "tempfail", "quarantine"]),
    ),
)


def found(*names: str) -> tuple[Finding, ...]:
    return tuple(Finding(RULES[name], "detail") for name in names)


def test_nothing_found_is_accepted_without_a_reply() -> None:
    verdict = decide((), Profile(), ID, enforce=True)
    assert (verdict.action, verdict.reply) == (Action.ACCEPT, None)


def test_the_reply_says_rule_law_remedy_and_id() -> None:
    reply = decide(found("canspam.no-postal-address"), Profile(), ID, enforce=True).reply
    assert reply is not None
    rule = RULES["canspam.no-postal-address"]
    for part in (rule.code, rule.says, rule.cites, rule.remedy, f"refusal {ID}"):
        assert part in reply.text


def test_all_reasons_are_named_at_once() -> None:
    reply = decide(found("canspam.no-postal-address", "canspam.no-opt-out"), Profile(), ID, enforce=True).reply
    assert reply is not None
    assert "also canspam.no-opt-out" in reply.text


def test_report_mode_refuses_nothing_but_says_what_it_would() -> None:
    verdict = decide(found("identity.header-from"), Profile(), ID, enforce=False)
    assert (verdict.action, verdict.would, verdict.reply) == (Action.ACCEPT, Action.REJECT, None)


def test_a_missing_key_defers_in_report_mode_too_and_no_profile_changes_that() -> None:
    profile = Profile(rules=MappingProxyType({"seal.no-key": RuleSetting("off", "")}))
    verdict = decide(found("seal.no-key", "identity.header-from"), profile, ID, enforce=False)
    assert verdict.action is Action.TEMPFAIL
    assert verdict.reply is not None
    assert verdict.reply.text.startswith("seal.no-key")


def test_a_deferral_by_the_profile_keeps_the_reason_and_changes_the_class() -> None:
    profile = Profile(rules=MappingProxyType({"canspam.no-opt-out": RuleSetting("", "tempfail")}))
    reply = decide(found("canspam.no-opt-out"), profile, ID, enforce=True).reply
    assert reply is not None
    assert str(reply).startswith("451 4.7.1 canspam.no-opt-out")


def test_a_rule_that_is_off_is_not_even_recorded() -> None:
    profile = Profile(rules=MappingProxyType({"mime.ambiguous": RuleSetting("off", "")}))
    assert decide(found("mime.ambiguous"), profile, ID, enforce=True).judged == ()


@given(codes, st.sampled_from(sorted(RULES)), settings, st.booleans())
def test_one_more_finding_never_softens_a_verdict(
    names: list[str], more: str, rules: dict[str, RuleSetting], enforce: bool
) -> None:
    profile = Profile(rules=MappingProxyType(rules))
    before = decide(found(*names), profile, ID, enforce=enforce)
    after = decide(found(*names, more), profile, ID, enforce=enforce)
    assert HARDNESS.index(after.action) >= HARDNESS.index(before.action)


@given(codes, settings, st.booleans())
def test_every_refusal_has_a_reply_with_its_id(names: list[str], rules: dict[str, RuleSetting], enforce: bool) -> None:
    verdict = decide(found(*names), Profile(rules=MappingProxyType(rules)), ID, enforce=enforce)
    assert (verdict.reply is None) is verdict.is_accepted
    if verdict.reply is not None:
        assert verdict.reply.text.endswith(ID)
        assert len(verdict.reply.text) <= MAX_TEXT
        assert verdict.reply.code[0] == ("4" if verdict.action is Action.TEMPFAIL else "5")
