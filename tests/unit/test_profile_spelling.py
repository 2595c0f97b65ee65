"""Which settings of MTA, SASL and Kerberos make one name of two people: each is warned of, and no good one is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.profile.model import Login, Problem, Profile
from sealgate.profile.spelling import Dovecot, Kerberos, SaslSettings, Setting, Smtpd, judge_spelling

MAIN = "/etc/postfix/main.cf"
SHORT = Login("submission", ("GSSAPI",), "{user}", "{user}@EXAMPLE.TEST", place="profile.yaml:7")
LONG = Login("submission", ("GSSAPI", "PLAIN"), "{user}@EXAMPLE.TEST", "{user}@EXAMPLE.TEST", place="profile.yaml:8")
HOME = Kerberos("/etc/krb5.conf", Setting("EXAMPLE.TEST", "/etc/krb5.conf", 2), ("EXAMPLE.TEST", "PARTNER.TEST"))
RULE = Setting(r"auth_to_local = RULE:[1:$1@$0](.*@PARTNER\.TEST)s/@.*//", "/etc/krb5.conf", 9)


def smtpd(sasl: str = "cyrus", domain: str = "EXAMPLE.TEST", xclient: str = "", *, logins: bool = True) -> Smtpd:
    return Smtpd("submission/inet", "submission", logins, sasl, Setting(domain, MAIN), Setting(xclient, MAIN))


def profile(*rows: Login, realms: dict[str, bool] | None = None) -> Profile:
    return Profile(logins=rows or (LONG,), realms={"EXAMPLE.TEST": False} if realms is None else realms)


def judged(
    service: Smtpd | None = None,
    dovecot: Dovecot | None = None,
    kerberos: Kerberos | None = HOME,
    of: Profile | None = None,
) -> tuple[Problem, ...]:
    found = judge_spelling(SaslSettings((service or smtpd(),), dovecot, kerberos), of or profile())
    assert not any(problem.is_error for problem in found)
    assert all(problem.suggestion for problem in found)
    return found


def only(found: tuple[Problem, ...]) -> Problem:
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def test_nothing_known_is_nothing_said() -> None:
    assert judge_spelling(SaslSettings(), profile(SHORT)) == ()
    assert judge_spelling(SaslSettings(smtpds=()), profile(SHORT)) == ()


def test_cyrus_with_the_realm_itself_appended_is_in_order() -> None:
    assert judged() == ()


def test_a_local_domain_of_another_realm_gives_a_local_user_its_name() -> None:
    problem = only(judged(smtpd(domain="PARTNER.TEST")))
    assert problem.file == MAIN
    assert "`alice@EXAMPLE.TEST` arrives as `alice@PARTNER.TEST`" in problem.message
    assert problem.suggestion == "smtpd_sasl_local_domain = EXAMPLE.TEST"


def test_a_local_domain_that_is_no_realm_is_in_order_where_a_row_reads_it() -> None:
    row = Login("submission", ("GSSAPI",), "{user}@example.test", "{user}@EXAMPLE.TEST")
    assert judged(smtpd(domain="example.test"), of=profile(row)) == ()
    assert judged(smtpd(domain="example.test"), of=profile(LONG)) != ()
    partner = replace(row, spelled="{user}@PARTNER.TEST")
    assert judged(smtpd(domain="PARTNER.TEST"), of=profile(partner)) != ()


def test_a_local_domain_cannot_be_judged_without_a_default_realm() -> None:
    assert judged(smtpd(domain="PARTNER.TEST"), kerberos=None) == ()
    assert judged(smtpd(domain="PARTNER.TEST"), kerberos=replace(HOME, default_realm=None)) == ()


def test_names_without_realm_belong_to_the_default_realm_and_the_row_must_say_so() -> None:
    assert judged(smtpd(domain=""), of=profile(SHORT)) == ()
    other = replace(HOME, default_realm=Setting("PARTNER.TEST", "/etc/krb5.conf", 2))
    problem = only(judged(smtpd(domain=""), kerberos=other, of=profile(SHORT)))
    assert (problem.file, problem.line) == ("/etc/krb5.conf", 2)
    assert "two realms merge" in problem.message
    assert "profile.yaml:7" in problem.message
    # With the realm written into every name, none arrives without one: it is the local domain that is wrong then.
    assert "smtpd_sasl_local_domain" in only(judged(kerberos=other, of=profile(SHORT))).message


def test_a_default_realm_that_the_profile_does_not_list_is_named() -> None:
    foreign = profile(SHORT, realms={"OTHER.TEST": False})
    assert "not among the profile's `realms`" in only(judged(smtpd(domain=""), of=foreign)).message
    assert judged(smtpd(domain=""), of=profile(SHORT, realms={})) == ()


def test_a_password_login_without_realm_is_the_clients_choice() -> None:
    row = replace(SHORT, mechanisms=("PLAIN",))
    problem = only(judged(smtpd(domain=""), of=profile(row)))
    assert 'smtpd_sasl_local_domain = EXAMPLE.TEST, and the row spelled: "{user}@EXAMPLE.TEST"' in problem.suggestion
    assert judged(smtpd(), of=profile(row)) == ()
    assert judged(smtpd(domain=""), of=profile(replace(row, mechanisms=("GSSAPI",)))) == ()


def test_xclient_is_warned_of_where_hosts_may_send_it_and_a_row_believes_it() -> None:
    row = replace(LONG, mechanisms=("XCLIENT",))
    assert (
        "each of these hosts may log in as whoever"
        in only(judged(smtpd(xclient="10.0.0.0/8"), of=profile(row))).message
    )
    assert judged(smtpd(xclient="10.0.0.0/8")) == ()
    assert judged(smtpd(), of=profile(row)) == ()
    # XCLIENT needs no AUTH on that service.
    assert judged(smtpd(xclient="10.0.0.0/8", logins=False), of=profile(row)) != ()


def test_rows_of_another_listener_and_services_without_logins_are_left_alone() -> None:
    other = replace(SHORT, listener="elsewhere", mechanisms=("PLAIN",))
    assert judged(smtpd(domain=""), of=profile(other)) == ()
    assert judged(smtpd(domain="PARTNER.TEST", logins=False)) == ()


@pytest.mark.parametrize(
    ("form", "loses_realm", "folds"),
    [
        ("%u", False, False),
        ("", False, False),
        ("%Lu", False, True),
        ("%n", True, False),
        ("%Ln", True, True),
        ("%n@%d", False, False),
        ("%Ln@%Ld", False, True),
        ("%{user}", False, False),
        ("%L{user}", False, True),
        ("%{username}", True, False),
        ("%{user | lower}", False, True),
        ("%{user | username | lower}", True, True),
        ("%{user|username}@%{user | domain}", False, False),
        ("everybody", True, False),
        ("%%u", True, False),
    ],
)
def test_a_format_of_dovecot_that_loses_realm_or_case(form: str, loses_realm: bool, folds: bool) -> None:
    dovecot = Dovecot("/etc/dovecot/dovecot.conf", form, "EXAMPLE.TEST")
    words = " ".join(problem.message for problem in judged(smtpd("dovecot"), dovecot))
    assert ("drops the realm" in words, "folds case" in words) == (loses_realm, folds)


def test_folding_is_in_order_where_no_realm_has_case() -> None:
    dovecot = Dovecot("d.conf", "%Lu", "EXAMPLE.TEST")
    assert judged(smtpd("dovecot"), dovecot, of=profile(realms={"EXAMPLE.TEST": True})) == ()
    assert judged(smtpd("dovecot"), dovecot, of=profile(realms={"EXAMPLE.TEST": True, "B.TEST": False})) != ()


def test_rules_for_local_names_let_strangers_in_where_dovecot_adds_no_realm() -> None:
    mapped = replace(HOME, mappings=(RULE,))
    open_one = Dovecot("d.conf", "%u")
    problem = only(judged(smtpd("dovecot"), open_one, mapped))
    assert (problem.file, problem.line) == (RULE.file, RULE.line)
    assert problem.suggestion == "auth_default_realm = EXAMPLE.TEST in d.conf"
    assert judged(smtpd("dovecot"), replace(open_one, default_realm="EXAMPLE.TEST"), mapped) == ()
    assert judged(smtpd(), open_one, mapped) == (), "Cyrus does not look at such rules"
    newer = replace(open_one, realm_parameter="auth_default_domain")
    assert only(judged(smtpd("dovecot"), newer, mapped)).suggestion.startswith("auth_default_domain = ")


def test_principals_given_by_a_passdb_are_told_under_anothers_name() -> None:
    dovecot = Dovecot("d.conf", "%u", "EXAMPLE.TEST", gives_principals=True)
    assert "k5principals" in only(judged(smtpd("dovecot"), dovecot)).message


def test_a_dovecot_is_judged_only_where_it_may_be_the_one() -> None:
    dovecot = Dovecot("d.conf", "%n")
    assert judged(smtpd("cyrus"), dovecot) == (), "an IMAP server beside a Postfix with Cyrus SASL"
    assert judge_spelling(SaslSettings(None, dovecot, HOME), profile()) != ()


def test_two_services_with_one_setting_are_one_warning() -> None:
    row = replace(SHORT, mechanisms=("GSSAPI",))
    other = replace(HOME, default_realm=Setting("PARTNER.TEST", "/etc/krb5.conf", 2))
    twice = SaslSettings((smtpd(domain=""), replace(smtpd(domain=""), service="465/inet")), None, other)
    assert len(judge_spelling(twice, profile(row))) == 1


def test_what_an_operator_wrote_is_shown_without_control_characters() -> None:
    problem = only(judged(smtpd(domain="EVIL\x1b[31m" + "x" * 300)))
    assert "\x1b" not in problem.message
    assert len(problem.message) < 400


@given(st.text(alphabet="%{}|Lund @aU.1", max_size=60))
def test_no_format_is_too_odd(form: str) -> None:
    judged(smtpd("dovecot"), Dovecot("d.conf", form, "EXAMPLE.TEST"))


def test_rows_that_all_wait_for_the_realm_that_cyrus_cuts_off_are_warned_of() -> None:
    problem = only(judged(smtpd(domain="")))
    assert "`alice@EXAMPLE.TEST` arrives as `alice`" in problem.message
    assert problem.suggestion == "smtpd_sasl_local_domain = EXAMPLE.TEST"
    assert "arrives as `alice`" in only(judged(smtpd(domain=""), kerberos=None)).message, (
        "the host's realm is not known"
    )
    both = profile(replace(LONG, mechanisms=("GSSAPI",)), SHORT)
    assert judged(smtpd(domain=""), of=both) == (), "a row takes the short name"
    nowhere = Kerberos("/etc/krb5.conf")
    assert judged(smtpd(domain=""), kerberos=nowhere) == (), "without a default_realm nothing is cut off"
