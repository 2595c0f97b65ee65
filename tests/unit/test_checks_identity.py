"""Who is sending, and may they: what the cases through the drivers do not show."""

from dataclasses import replace
from ipaddress import ip_network
from types import MappingProxyType

from sealgate.checks.identity import check_end, check_mail, identify
from sealgate.mail.headers import Field, Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.model import (
    Domain,
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
    found = identify(session, PROFILE).finding
    return found.rule.code if found else ""


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
    found = identify(replace(SESSION, auth_name="alice"), PROFILE).finding
    assert found is not None
    assert (
        '{listener: submission, mechanism: GSSAPI, spelled: "{user}", principal: "{user}@YOUR.REALM"}' in found.detail
    )


def test_nothing_of_a_login_can_break_the_log_line() -> None:
    found = identify(replace(SESSION, auth_name="x\n\x1b]0;y\u202e\ud800"), PROFILE).finding
    assert found is not None
    assert found.detail.isprintable()
    assert found.detail.isascii()


def test_the_reading_of_the_mta_counts_too() -> None:
    caller = identify(SESSION, PROFILE)
    agreed = check_mail(Envelope(b"<Alice@Example.TEST>", "alice@example.test"), PROFILE, caller)
    differs = check_mail(Envelope(b"<alice@example.test>", "bob@example.test"), PROFILE, caller)
    assert agreed == ()
    assert [f.rule.code for f in differs] == ["identity.envelope-sender"]


def test_routes_and_addresses_without_a_domain_are_refused() -> None:
    caller = identify(SESSION, PROFILE)
    for said in (b"<@relay.test:alice@example.test>", b"<alice>", b"< alice@example.test >"):
        found = check_mail(Envelope(said, "alice@example.test"), PROFILE, caller)
        assert [f.rule.code for f in found] == ["identity.envelope-syntax"]


def test_local_parts_compare_without_case_unless_the_profile_says_exact() -> None:
    caller = identify(SESSION, PROFILE)
    envelope = Envelope(b"<ALICE@example.test>")
    assert check_mail(envelope, PROFILE, caller) == ()
    exact = replace(PROFILE, exact_local_parts=True)
    assert [f.rule.code for f in check_mail(envelope, exact, caller)] == ["identity.envelope-sender"]


def test_whoever_is_let_in_unknown_cannot_use_our_domains() -> None:
    """A profile that only reports `identity.no-login` does not lend our domains to everybody."""
    headers = Headers((Field(b"From", b"alice@example.test"),))
    stranger = replace(SESSION, auth_name="")
    message = Message("X", 0.0, stranger, Envelope(b"<x@elsewhere.test>"), headers, Body(0))
    ours = replace(PROFILE, domains=MappingProxyType({"example.test": Domain("example.test", sign=True)}))
    codes = [f.rule.code for f in check_end(message, ours, identify(stranger, ours))]
    assert codes == ["identity.no-login", "identity.header-from"]
    foreign = replace(message, headers=Headers((Field(b"From", b"x@elsewhere.test"),)))
    assert [f.rule.code for f in check_end(foreign, ours, identify(stranger, ours))] == ["identity.no-login"]


def test_an_unnamed_listener_passes_where_the_profile_says_so() -> None:
    elsewhere = replace(SESSION, listener="smtps")
    assert code(elsewhere) == "listener.unnamed"
    found = identify(elsewhere, PROFILE).finding
    assert found is not None
    assert "listeners: {smtps: judge}" in found.detail


def test_a_client_address_that_is_none_is_in_no_network() -> None:
    unknown = Session("submission", "unknown", 4711)
    assert code(unknown) == "identity.no-login"
