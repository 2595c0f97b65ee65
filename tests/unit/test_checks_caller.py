"""Who is sending: what the cases through the drivers do not show."""

from dataclasses import replace
from ipaddress import ip_network
from types import MappingProxyType

from sealgate.checks.caller import identify, listener_of, of_principal
from sealgate.checks.finding import Finding
from sealgate.mail.message import Session
from sealgate.profile.model import (
    Certificate,
    Handling,
    Identity,
    Kind,
    Login,
    MailClass,
    Principal,
    Profile,
    SenderPattern,
)

ALICE = Identity(
    "alice", Kind.PERSON, MailClass.PERSONAL, (Principal("alice", "EXAMPLE.TEST"),),
    senders=(SenderPattern("alice", "example.test"),),
)  # fmt: skip
NETWORK = Identity("net", Kind.SERVICE, MailClass.AUTO, networks=(ip_network("192.0.2.0/24"),))
PROFILE = Profile(
    enforce=True,
    listeners=MappingProxyType({"submission": Handling.JUDGE}),
    local_submission=Handling.JUDGE,
    logins=(Login("submission", ("GSSAPI",), "{user}@EXAMPLE.TEST", "{user}@EXAMPLE.TEST"),),
    identities=(ALICE, NETWORK),
    by_principal=MappingProxyType({ALICE.principals[0]: ALICE}),
)
SESSION = Session("submission", "198.51.100.1", 4711, auth_mechanism="GSSAPI", auth_name="alice@EXAMPLE.TEST")


def code(session: Session) -> str:
    return " ".join(f.rule.code for f in identify(session, PROFILE).findings)


def test_the_principal_is_compared_exactly() -> None:
    assert identify(SESSION, PROFILE).identity is ALICE
    assert code(replace(SESSION, auth_name="Alice@EXAMPLE.TEST")) == "identity.unknown-principal"
    assert code(replace(SESSION, auth_name="alice@example.test")) == "identity.unmapped-login"
    assert code(replace(SESSION, auth_name="alice@PARTNER.TEST")) == "identity.unmapped-login"
    assert code(replace(SESSION, auth_name="alice@")) == "identity.unmapped-login"


def test_another_mechanism_is_another_spelling() -> None:
    assert code(replace(SESSION, auth_mechanism="PLAIN")) == "identity.unmapped-login"
    assert code(replace(SESSION, auth_mechanism="gssapi")) == ""


def test_an_empty_login_is_no_login() -> None:
    assert code(replace(SESSION, auth_name="")) == "identity.no-login"


def test_a_login_from_a_trusted_network_is_still_the_login() -> None:
    inside = replace(SESSION, client_address="192.0.2.9")
    assert identify(inside, PROFILE).identity is ALICE
    assert identify(replace(inside, auth_name=""), PROFILE).identity is NETWORK


def test_the_unmapped_login_names_the_row_to_add() -> None:
    found = identify(replace(SESSION, auth_name="alice"), PROFILE).findings[0]
    assert (
        '{listener: submission, mechanism: GSSAPI, spelled: "{user}", principal: "{user}@YOUR.REALM"}' in found.detail
    )


def test_nothing_of_a_login_can_break_the_log_line() -> None:
    found = identify(replace(SESSION, auth_name="x\n\x1b]0;y\u202e\ud800"), PROFILE).findings[0]
    assert found.detail.isprintable()
    assert found.detail.isascii()


def test_an_unnamed_listener_passes_where_the_profile_says_so() -> None:
    elsewhere = replace(SESSION, listener="smtps")
    assert code(elsewhere) == "listener.unnamed"
    found = identify(elsewhere, PROFILE).findings[0]
    assert "listeners: {smtps: judge}" in found.detail


def test_a_client_address_that_is_none_is_in_no_network() -> None:
    unknown = Session("submission", "unknown", 4711)
    assert code(unknown) == "identity.no-login"


def with_identity(**changes: object) -> Profile:
    """The profile with Alice's identity changed."""
    alice = replace(ALICE, **changes)  # type: ignore[arg-type]
    return replace(PROFILE, identities=(alice, NETWORK), by_principal=MappingProxyType({alice.principals[0]: alice}))


def codes(session: Session, profile: Profile) -> list[str]:
    return [f.rule.code for f in identify(session, profile).findings]


def test_a_login_of_a_realm_that_is_not_ours_is_refused_and_one_in_small_letters_waits() -> None:
    """`alice@mail.example.test` is what smtpd_sasl_local_domain=$myhostname makes of one of ours: our own mistake."""
    ours = replace(PROFILE, realms=MappingProxyType({"EXAMPLE.TEST": False}))
    assert codes(replace(SESSION, auth_name="alice@PARTNER.TEST"), ours) == ["identity.foreign-realm"]
    assert codes(replace(SESSION, auth_name="alice@mail.example.test"), ours) == ["identity.unmapped-login"]
    assert codes(replace(SESSION, auth_name="alice"), ours) == ["identity.unmapped-login"]
    assert codes(replace(SESSION, auth_name=r"alice\@PARTNER.TEST"), ours) == ["identity.unmapped-login"]


def test_an_escaped_name_of_our_realm_is_not_the_name_it_looks_like() -> None:
    ours = replace(PROFILE, realms=MappingProxyType({"EXAMPLE.TEST": False}))
    caller = identify(replace(SESSION, auth_name=r"alice\@EXAMPLE.TEST@EXAMPLE.TEST"), ours)
    assert caller.principal == Principal(r"alice\@EXAMPLE.TEST", "EXAMPLE.TEST")
    assert caller.identity is None


def test_a_realm_without_case_finds_its_principals_in_any_case() -> None:
    folding = replace(PROFILE, realms=MappingProxyType({"EXAMPLE.TEST": True}))
    assert identify(replace(SESSION, auth_name="ALICE@EXAMPLE.TEST"), folding).identity is ALICE
    assert identify(replace(SESSION, auth_name="ALICE@EXAMPLE.TEST"), PROFILE).identity is None


def test_a_whole_realm_is_an_identity_for_users_and_not_for_instances() -> None:
    staff = Identity("staff", Kind.PERSON, MailClass.PERSONAL, realms=("EXAMPLE.TEST",))
    profile = replace(PROFILE, by_realm=MappingProxyType({"EXAMPLE.TEST": staff}))
    assert of_principal(Principal("dave", "EXAMPLE.TEST"), profile).identity is staff
    assert of_principal(Principal("alice", "EXAMPLE.TEST"), profile).identity is ALICE  # the exact one goes first
    assert of_principal(Principal("dave/admin", "EXAMPLE.TEST"), profile).identity is None
    assert of_principal(Principal(r"dave\@corp.example", "EXAMPLE.TEST"), profile).identity is None
    assert of_principal(Principal("dave", "PARTNER.TEST"), profile).identity is None


def test_a_mechanism_that_the_identity_does_not_allow_is_found_and_the_identity_still_known() -> None:
    profile = with_identity(mechanisms=("SCRAM-SHA-256",))
    caller = identify(SESSION, profile)
    assert [f.rule.code for f in caller.findings] == ["identity.mechanism"]
    assert caller.identity is not None
    assert codes(SESSION, with_identity(mechanisms=("GSSAPI",))) == []


def test_the_session_key_must_be_as_long_as_the_identity_demands() -> None:
    profile = with_identity(min_cipher_bits=128)
    assert codes(SESSION, profile) == ["identity.weak-session"]
    assert codes(replace(SESSION, cipher_bits=112), profile) == ["identity.weak-session"]
    assert codes(replace(SESSION, cipher_bits=128), profile) == []


def test_a_service_bound_to_networks_may_log_in_from_there_only() -> None:
    profile = with_identity(only_from=(ip_network("203.0.113.0/24"),))
    assert codes(SESSION, profile) == ["identity.client-network"]
    assert codes(replace(SESSION, client_address="203.0.113.7"), profile) == []
    assert codes(replace(SESSION, client_address="::ffff:203.0.113.7"), profile) == []
    assert codes(replace(SESSION, client_address="unknown"), profile) == ["identity.client-network"]


def test_a_certificate_counts_where_the_mta_trusted_it_and_both_names_agree() -> None:
    app = Identity("app", Kind.SERVICE, MailClass.AUTO, certificates=(Certificate("app1.example.test", "Example CA"),))
    profile = replace(PROFILE, identities=(NETWORK, ALICE, app))
    shown = replace(
        SESSION,
        auth_name="",
        certificate_subject="app1.example.test",
        certificate_issuer="Example CA",
        mta="Postfix 3.7",
    )
    assert identify(shown, profile).identity is app
    assert identify(replace(shown, client_address="192.0.2.9"), profile).identity is app  # before its network
    assert codes(replace(shown, certificate_issuer="Other CA"), profile) == ["identity.no-login"]
    assert codes(replace(shown, certificate_subject=""), profile) == ["identity.no-login"]
    # Sendmail names untrusted certificates as well, and says apart whether it could verify them.
    sendmail = replace(shown, mta="8.17.1.9")
    assert codes(sendmail, profile) == ["identity.no-login"]
    assert codes(replace(sendmail, certificate_verify="FAIL"), profile) == ["identity.no-login"]
    assert identify(replace(sendmail, certificate_verify="OK"), profile).identity is app


def test_a_certificate_does_not_replace_a_login() -> None:
    app = Identity("app", Kind.SERVICE, MailClass.AUTO, certificates=(Certificate("a", "b"),))
    profile = replace(PROFILE, identities=(ALICE, app))
    both = replace(SESSION, certificate_subject="a", certificate_issuer="b", mta="Postfix 3.7")
    assert identify(both, profile).identity is ALICE


LOCAL = Session("", "127.0.0.1", 0)  # sendmail(1), as pickup emulates it


def finding_of(session: Session, profile: Profile = PROFILE) -> Finding:
    """The one finding that a session meets."""
    (found,) = identify(session, profile).findings
    return found


def test_the_rows_of_logins_are_tried_until_one_fits() -> None:
    """A row of another listener, of another mechanism, or of another spelling does not end the search."""
    fits = PROFILE.logins[0]
    others = (replace(fits, listener="smtps"), replace(fits, mechanisms=("PLAIN",)), replace(fits, spelled="x{user}"))
    assert identify(SESSION, replace(PROFILE, logins=(*others, fits))).identity is ALICE
    assert codes(SESSION, replace(PROFILE, logins=others)) == ["identity.unmapped-login"]


def test_a_login_named_by_a_proxy_counts_only_where_a_row_of_its_listener_says_so() -> None:
    proxied = replace(SESSION, auth_mechanism="XCLIENT")
    row = replace(PROFILE.logins[0], mechanisms=("XCLIENT",))
    assert codes(proxied, PROFILE) == ["identity.no-login"]
    assert codes(proxied, replace(PROFILE, logins=(replace(row, listener="smtps"),))) == ["identity.no-login"]
    assert identify(proxied, replace(PROFILE, logins=(*PROFILE.logins, row))).identity is ALICE


def test_a_caller_says_how_it_was_recognised() -> None:
    app = Identity("app", Kind.SERVICE, MailClass.AUTO, certificates=(Certificate("a", "b"),))
    cron = Identity("cron", Kind.SERVICE, MailClass.AUTO, local=True)
    profile = replace(PROFILE, identities=(ALICE, NETWORK, app, cron))
    anonymous = replace(SESSION, auth_name="")
    by_certificate = replace(anonymous, certificate_subject="a", certificate_issuer="b", certificate_verify="OK")
    callers = [
        identify(SESSION, profile),
        identify(by_certificate, profile),
        identify(replace(anonymous, client_address="192.0.2.9"), profile),
        identify(LOCAL, profile),
        identify(anonymous, profile),
    ]
    assert [caller.via for caller in callers] == ["login", "certificate", "network", "local", ""]
    assert [caller.shown for caller in callers] == [
        "alice@EXAMPLE.TEST", "app (certificate)", "net (network)", "cron (local)", "nobody",
    ]  # fmt: skip


def test_local_submission_is_nobody_where_no_identity_is_local() -> None:
    assert codes(LOCAL, PROFILE) == ["identity.no-login"]


def test_local_submission_needs_no_cipher() -> None:
    cron = Identity("cron", Kind.SERVICE, MailClass.AUTO, local=True, min_cipher_bits=128)
    assert codes(LOCAL, replace(PROFILE, identities=(cron,))) == []


def test_rules_know_local_submission_by_a_name_of_its_own() -> None:
    assert listener_of(SESSION) == "submission"
    assert listener_of(LOCAL) == "local_submission"


def test_a_principal_without_an_identity_is_told_its_name_and_stays_known() -> None:
    caller = of_principal(Principal("dave", "EXAMPLE.TEST"), PROFILE)
    assert (caller.principal, caller.identity, caller.via) == (Principal("dave", "EXAMPLE.TEST"), None, "login")
    (found,) = caller.findings
    assert found.tells == "you logged in as dave@EXAMPLE.TEST"
    assert found.about == "dave@EXAMPLE.TEST"
    assert found.detail.startswith("dave@EXAMPLE.TEST logged in")


def test_what_a_session_lacks_is_told_and_the_log_says_what_it_had() -> None:
    weak = finding_of(SESSION, with_identity(min_cipher_bits=128))
    assert weak.tells == "use TLS with at least 128 bits"
    assert weak.detail == "alice@EXAMPLE.TEST: 0 bits of no TLS, needs 128"
    short = finding_of(replace(SESSION, tls_version="TLSv1.2", cipher_bits=112), with_identity(min_cipher_bits=128))
    assert short.detail == "alice@EXAMPLE.TEST: 112 bits of TLSv1.2, needs 128"
    other = finding_of(SESSION, with_identity(mechanisms=("PLAIN", "SCRAM-SHA-256")))
    assert other.tells == "use PLAIN, SCRAM-SHA-256"
    assert other.detail == "alice@EXAMPLE.TEST logged in by GSSAPI, may by PLAIN, SCRAM-SHA-256"


def test_a_login_that_fits_nothing_is_found_at_its_listener() -> None:
    assert finding_of(replace(SESSION, listener="smtps")).where == "smtps"
    assert finding_of(replace(SESSION, auth_name="alice")).where == "submission"
    ours = replace(PROFILE, realms=MappingProxyType({"EXAMPLE.TEST": False}))
    foreign = finding_of(replace(SESSION, auth_name="alice@PARTNER.TEST"), ours)
    assert (foreign.where, foreign.about) == ("submission", "alice@PARTNER.TEST")
    assert foreign.detail == "alice@PARTNER.TEST logged in, and PARTNER.TEST is no realm of the profile"


def test_whoever_logged_in_is_a_login_even_where_nobody_knows_it() -> None:
    ours = replace(PROFILE, realms=MappingProxyType({"EXAMPLE.TEST": False}))
    for name in ("alice", "alice@PARTNER.TEST"):
        assert identify(replace(SESSION, auth_name=name), ours).via == "login"
    nobody = finding_of(replace(SESSION, auth_name=""))
    assert (nobody.detail, nobody.where, nobody.tells, nobody.about) == ("client 198.51.100.1:4711", "", "", "")


def test_the_row_to_add_ends_with_the_realm_as_it_came_and_maps_to_the_one_in_capitals() -> None:
    def row(name: str) -> str:
        return finding_of(replace(SESSION, auth_name=name)).detail

    assert row("alice@example.test").endswith('spelled: "{user}@example.test", principal: "{user}@EXAMPLE.TEST"}')
    assert row("a@corp@example.test").endswith('spelled: "{user}@example.test", principal: "{user}@EXAMPLE.TEST"}')
    assert row("alice@").endswith('spelled: "{user}@", principal: "{user}@YOUR.REALM"}')
    assert row("alice").endswith('spelled: "{user}", principal: "{user}@YOUR.REALM"}')
