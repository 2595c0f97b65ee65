"""The rights read backwards agree with the rights read forwards."""

from sealgate.mail.address import parse_address
from sealgate.profile.holders import holders, identity_of
from sealgate.profile.lint import check_profile
from sealgate.profile.model import Principal, Profile
from sealgate.profile.rights import grant_for

TEXT = """
version: 1
recipient_delimiter: "+"
listeners: {submission: judge}
local_submission: judge
realms: {EXAMPLE.TEST: exact}
logins:
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
domains:
  example.test: {sign: no}
identities:
  staff:
    principals: ["{user}@EXAMPLE.TEST"]
    senders: ["{user}@example.test", all@example.test]
  carol:
    principals: [carol@EXAMPLE.TEST]
    senders: [chief@example.test]
  cron:
    local: yes
    kind: service
    senders: ["@example.test"]
  net:
    networks: [192.0.2.0/24]
    kind: service
    senders: [net@example.test]
delegations:
  sales:
    senders: [sales@example.test]
    members: [alice@EXAMPLE.TEST, carol@EXAMPLE.TEST]
    sender_field: required
"""


def profile() -> Profile:
    found, problems = check_profile(TEXT, "profile.yaml")
    assert found is not None, [str(p) for p in problems]
    return found


def who(address: str) -> dict[str, str]:
    return {h.who: h.grant.place for h in holders(profile(), parse_address(address.encode()))}


def test_an_address_lists_everybody_who_may_use_it_and_the_line_that_says_so() -> None:
    assert who("sales@example.test") == {
        "sales@EXAMPLE.TEST": "profile.yaml:14",  # whoever of the realm is called so
        "cron (local submission)": "profile.yaml:21",
        "alice@EXAMPLE.TEST": "profile.yaml:27",
        "carol@EXAMPLE.TEST": "profile.yaml:27",
    }


def test_a_whole_realm_is_named_as_such() -> None:
    assert "every user of EXAMPLE.TEST" in who("all@example.test")


def test_a_subaddress_belongs_to_its_owner() -> None:
    """And not to a principal that is called like it."""
    assert set(who("Alice+news@example.test")) == {"alice@EXAMPLE.TEST", "cron (local submission)"}


def test_a_principal_with_an_identity_of_its_own_does_not_hold_its_realms_rights() -> None:
    assert "carol@EXAMPLE.TEST" not in who("carol@example.test")


def test_a_network_is_named_with_its_identity() -> None:
    assert "net (client in 192.0.2.0/24)" in who("net@example.test")


def test_nobody_holds_a_foreign_address() -> None:
    assert who("x@elsewhere.test") == {}


def test_whoever_is_listed_is_granted_and_whoever_is_granted_is_listed() -> None:
    found = profile()
    principals = [Principal(name, "EXAMPLE.TEST") for name in ("alice", "bob", "carol", "sales", "svc/x", "bob+x")]
    for text in (
        "alice@example.test",
        "sales@example.test",
        "chief@example.test",
        "all@example.test",
        "bob+x@example.test",
    ):
        address = parse_address(text.encode())
        listed = set(who(text))
        for principal in principals:
            identity = identity_of(found, principal)
            grant = grant_for(found, identity, principal, address) if identity else None
            is_listed = str(principal) in listed or (
                identity is not None and "EXAMPLE.TEST" in identity.realms and "every user of EXAMPLE.TEST" in listed
            )
            assert (grant is not None) == is_listed, (text, principal)
