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


def with_rule(code: str, **settings: object) -> Profile:
    return Profile(rules=MappingProxyType({code: RuleSetting(**settings)}))  # type: ignore[arg-type]


def test_a_rule_may_be_treated_apart_for_one_listener() -> None:
    code = "identity.header-from"
    profile = with_rule(code, mode="report", listeners=MappingProxyType({"submission": "enforce", "lab": "off"}))
    for listener, action, looked_at in (
        ("submission", Action.REJECT, 1), ("smtps", Action.ACCEPT, 1), ("", Action.ACCEPT, 1),
        ("lab", Action.ACCEPT, 0),
    ):  # fmt: skip
        verdict = decide(found(code), profile, ID, enforce=True, listener=listener)
        assert (verdict.action, verdict.would, len(verdict.judged)) == (action, action, looked_at)
    assert decide(found(code), profile, ID, enforce=True).action is Action.ACCEPT
    rest = with_rule(code, listeners=MappingProxyType({"lab": "off"}))
    assert decide(found(code), rest, ID, enforce=True, listener="submission").action is Action.REJECT


def test_what_would_happen_is_said_beside_what_does() -> None:
    """The seal's own rule defers in report mode too; in enforce mode the harder refusal would have spoken."""
    both = found("seal.no-key", "identity.header-from")
    report = decide(both, Profile(), ID, enforce=False)
    assert (report.action, report.would) == (Action.TEMPFAIL, Action.REJECT)
    enforced = decide(both, Profile(), ID, enforce=True)
    assert (enforced.action, enforced.would) == (Action.REJECT, Action.REJECT)
    assert decide(found("seal.no-key"), Profile(), ID, enforce=True).would is Action.TEMPFAIL


def test_only_the_findings_that_decide_are_named_to_the_sender() -> None:
    """Neither a rule that only reports, nor one that would do something softer."""
    rules = {
        "mime.ambiguous": RuleSetting("report", "reject"),
        "canspam.no-opt-out": RuleSetting("enforce", "tempfail"),
        "canspam.no-postal-address": RuleSetting("enforce", "quarantine"),
    }
    judged = found("mime.ambiguous", "canspam.no-opt-out", "canspam.no-postal-address", "identity.header-from")
    verdict = decide(judged, Profile(rules=MappingProxyType(rules)), ID, enforce=True)
    assert verdict.reply is not None
    assert verdict.reply.text.startswith("identity.header-from: ")
    assert "; also " not in verdict.reply.text
    deferred = decide(judged[:3], Profile(rules=MappingProxyType(rules)), ID, enforce=True)
    assert deferred.reply is not None
    assert deferred.reply.text.startswith("canspam.no-opt-out: ")
    assert "; also " not in deferred.reply.text
    held = decide(judged[::2], Profile(rules=MappingProxyType(rules)), ID, enforce=True)
    assert (held.action, held.reply, held.is_accepted) == (Action.QUARANTINE, None, True)


def test_the_first_reason_speaks_and_the_others_are_named_once_each_in_their_order() -> None:
    codes = ("identity.header-from", "identity.sender-field", "identity.header-from", "identity.resent-field")
    reply = decide(found(*codes, codes[1]), Profile(), ID, enforce=True).reply
    assert reply is not None
    assert reply.text.startswith("identity.header-from: ")
    assert reply.text.endswith(f"; also identity.sender-field, identity.resent-field; refusal {ID}")
    assert reply.text.count("identity.") == 3


def test_what_a_finding_tells_stands_between_the_rule_and_its_remedy() -> None:
    rule = RULES["identity.header-from"]
    first, second = (Finding(rule, "never shown", tells=tells) for tells in ("you are alice", "no word of it"))
    reply = decide((first, second), Profile(), ID, enforce=True).reply
    assert reply is not None
    assert reply.text == f"{rule.code}: {rule.says} ({rule.cites}); you are alice; {rule.remedy}; refusal {ID}"
    silent = decide(found(rule.code), Profile(), ID, enforce=True).reply
    assert silent is not None
    assert silent.text == f"{rule.code}: {rule.says} ({rule.cites}); {rule.remedy}; refusal {ID}"


def test_only_the_fields_of_rules_that_remove_and_are_enforced_are_taken_out() -> None:
    def naming(code: str, *fields: tuple[bytes, int]) -> Finding:
        return Finding(RULES[code], "detail", fields=fields)

    findings = (
        naming("trace.reserved-field", (b"return-path", 1), (b"x-b", 2)),
        naming("trace.reserved-field", (b"x-b", 3), (b"return-path", 1)),
        naming("trace.arc", (b"arc-seal", 1)),
        naming("canspam.no-opt-out", (b"subject", 1)),
    )
    rules = {
        "trace.reserved-field": RuleSetting("enforce", "remove"),
        "trace.arc": RuleSetting("report", "remove"),
        "canspam.no-opt-out": RuleSetting("enforce", "quarantine"),
    }
    profile = Profile(rules=MappingProxyType(rules))
    verdict = decide(findings, profile, ID, enforce=True)
    assert verdict.removals == ((b"return-path", 1), (b"x-b", 3), (b"x-b", 2))
    assert decide(findings, profile, ID, enforce=False).removals == ()
    refused = decide((*findings, *found("identity.header-from")), profile, ID, enforce=True)
    assert (refused.action, refused.removals) == (Action.REJECT, ())


def test_a_rule_that_defers_by_itself_refuses_in_full_where_the_profile_says_so() -> None:
    rule = RULES["identity.unmapped-login"]
    assert rule.action is Action.TEMPFAIL
    reply = decide(found(rule.code), with_rule(rule.code, action="reject"), ID, enforce=True).reply
    assert reply is not None
    assert (reply.code, reply.enhanced) == ("550", f"5{rule.enhanced[1:]}")
    assert reply.text == f"{rule.code}: {rule.says} ({rule.cites}); {rule.remedy}; refusal {ID}"


def test_however_much_is_told_the_reply_ends_with_its_id_within_its_length() -> None:
    for length in (100, 400, 2_000):
        finding = Finding(RULES["identity.header-from"], "detail", tells="x" * length)
        reply = decide((finding,), Profile(), ID, enforce=True).reply
        assert reply is not None
        assert len(reply.text) <= MAX_TEXT
        assert reply.text.endswith(f"; refusal {ID}")


def test_the_harder_action_wins_whichever_is_found_first() -> None:
    """A removal or an acceptance by the profile, a hold, a deferral, a refusal."""
    codes = ("mime.ambiguous", "canspam.no-postal-address", "canspam.no-opt-out", "identity.header-from")
    for softest in ("accept", "remove"):
        actions = (softest, "quarantine", "tempfail", "reject")
        rules = {code: RuleSetting("enforce", action) for code, action in zip(codes, actions, strict=True)}
        profile = Profile(rules=MappingProxyType(rules))
        for n in range(1, 5):
            for names in (codes[:n], codes[:n][::-1]):
                assert decide(found(*names), profile, ID, enforce=True).action is HARDNESS[n - 1]
