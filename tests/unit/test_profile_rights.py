"""Rights: which addresses a principal may use, by which line of the profile, and nothing beyond."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.address import Address
from sealgate.profile.model import Identity, Kind, MailClass, Principal, Profile, SenderFile, SenderPattern
from sealgate.profile.parse import parse_profile
from sealgate.profile.rights import Grant, grant_for, grants, own_grant

TEXT = """\
version: 1
identities:
  alice:
    principals: [alice@R, alice/admin@R]
    senders: [Alice@b.test, "@lab.test"]
  own:
    principals: ["{user}@R", svc/robot@R, 'bob\\@corp@R', Carla@R]
    senders: ["{user}@b.test"]
  relay:
    networks: [10.0.0.1]
    senders: [alerts@b.test, "{user}@b.test"]
  any:
    principals: [any@R]
    kind: service
    senders: ["*"]
  filed:
    principals: [filed@R]
    senders: [first@b.test, {file: /etc/senders}]
groups: {team: [alice@R]}
delegations:
  sales: {senders: [sales@b.test, "@shop.test"], members: [team]}
  strict: {senders: [sales@b.test, press@b.test, alice@b.test], members: [alice@R, dora@R], sender_field: required}
  late: {senders: [press@b.test], members: [dora@R]}
"""


def profile(extra: str = "", text: str = TEXT) -> Profile:
    made, problems = parse_profile(text + extra, "p.yaml")
    assert made is not None, "\n".join(map(str, problems))
    return made


def address(text: str) -> Address:
    local, _, domain = text.rpartition("@")
    return Address(local, domain)


def principal(text: str) -> Principal:
    name, _, realm = text.rpartition("@")
    return Principal(name, realm)


def identity(of: Profile, name: str) -> Identity:
    return next(each for each in of.identities if each.name == name)


def asked(of: Profile, name: str, who: str, what: str) -> Grant | None:
    return grant_for(of, identity(of, name), principal(who) if who else None, address(what))


@pytest.mark.parametrize(
    ("name", "who", "what", "expected"),
    [
        # an address, with its line; local parts fold by default
        ("alice", "alice@R", "alice@b.test", Grant("Alice@b.test", "identity alice", "p.yaml:5")),
        ("alice", "alice/admin@R", "ALICE@b.test", Grant("Alice@b.test", "identity alice", "p.yaml:5")),
        ("alice", "alice@R", "alice@x.b.test", None),
        ("alice", "alice@R", "alicea@b.test", None),
        ("alice", "alice@R", "alice+x@b.test", None),
        # a domain is exactly that domain
        ("alice", "alice@R", "whoever@lab.test", Grant("@lab.test", "identity alice", "p.yaml:5")),
        ("alice", "alice@R", "whoever@x.lab.test", None),
        ("alice", "alice@R", "whoever@notlab.test", None),
        # the own name: of users only, never of instances or escaped names, and with the case of the principal
        ("own", "bob@R", "bob@b.test", Grant("{user}@b.test", "identity own", "p.yaml:8")),
        ("own", "bob@R", "BOB@b.test", Grant("{user}@b.test", "identity own", "p.yaml:8")),
        ("own", "bob@R", "alice@b.test", None),
        ("own", "bob@R", "bob@c.test", None),
        ("own", "bob@R", "{user}@b.test", None),
        ("own", "svc/robot@R", "svc/robot@b.test", None),
        ("own", "svc/robot@R", "robot@b.test", None),
        ("own", "svc/robot@R", "svc@b.test", None),
        ("own", "bob\\@corp@R", "bob@b.test", None),
        ("own", "Carla@R", "carla@b.test", None),
        ("own", "Carla@R", "Carla@b.test", None),
        # without a login there is no own name
        ("relay", "", "alerts@b.test", Grant("alerts@b.test", "identity relay", "p.yaml:11")),
        ("relay", "", "{user}@b.test", None),
        ("relay", "", "@b.test", None),
        # a catch-all
        ("any", "any@R", "whoever@where.ever", Grant("*", "identity any", "p.yaml:15")),
        # delegations: to members only; one that needs no Sender goes before one that does
        ("alice", "alice@R", "sales@b.test", Grant("sales@b.test", "delegation sales", "p.yaml:21")),
        ("alice", "alice@R", "x@shop.test", Grant("@shop.test", "delegation sales", "p.yaml:21")),
        ("alice", "alice@R", "press@b.test", Grant("press@b.test", "delegation strict", "p.yaml:22", True)),
        ("own", "dora@R", "press@b.test", Grant("press@b.test", "delegation late", "p.yaml:23")),
        ("own", "dora@R", "x@shop.test", None),
        ("alice", "alice/admin@R", "sales@b.test", None),
        ("relay", "", "sales@b.test", None),
    ],
)
def test_who_may_use_what(name: str, who: str, what: str, expected: Grant | None) -> None:
    assert asked(profile(), name, who, what) == expected


def test_an_own_right_goes_before_a_delegated_one_that_needs_a_sender() -> None:
    found = asked(profile(), "alice", "alice@R", "alice@b.test")
    assert found is not None
    assert found.source == "identity alice"


def test_what_is_delegated_is_not_ones_own() -> None:
    of = profile()
    assert own_grant(of, identity(of, "alice"), principal("alice@R"), address("sales@b.test")) is None
    assert own_grant(of, identity(of, "alice"), principal("alice@R"), address("alice@b.test")) is not None


@pytest.mark.parametrize(
    ("who", "what", "allowed"),
    [
        ("alice@R", "Alice@b.test", True),
        ("alice@R", "alice@b.test", False),
        ("bob@R", "bob@b.test", True),
        ("bob@R", "Bob@b.test", False),
        ("Carla@R", "Carla@b.test", True),
        ("Carla@R", "carla@b.test", False),
    ],
)
def test_with_exact_local_parts_case_counts(who: str, what: str, allowed: bool) -> None:
    of = profile("local_parts: exact\n", TEXT.replace(", alice@b.test]", "]"))
    name = "alice" if who == "alice@R" else "own"
    assert (asked(of, name, who, what) is not None) is allowed


@pytest.mark.parametrize(
    ("who", "what", "allowed"),
    [
        ("alice@R", "alice+lists@b.test", True),
        ("alice@R", "ALICE+Lists@b.test", True),
        ("alice@R", "alice-lists@b.test", False),
        ("alice@R", "alicia+lists@b.test", False),
        ("alice@R", "+alice@b.test", False),
        ("alice@R", "sales+eu@b.test", True),
        ("bob@R", "bob+x@b.test", True),
        ("bob@R", "bobby+x@b.test", False),
        ("svc/robot@R", "+x@b.test", False),
        ("svc/robot@R", "svc/robot+x@b.test", False),
    ],
)
def test_a_delimiter_gives_the_subaddresses_of_what_one_has(who: str, what: str, allowed: bool) -> None:
    name = "alice" if who == "alice@R" else "own"
    assert (asked(profile('recipient_delimiter: "+"\n'), name, who, what) is not None) is allowed


def test_a_name_of_a_realm_without_case_owns_the_address_in_any_case() -> None:
    text = 'version: 1\nrealms: {AD: fold}\nidentities: {a: {principals: [Anna@AD], senders: ["{user}@b.test"]}}\n'
    of = profile("", text)
    (known,) = of.by_principal
    assert known == principal("anna@AD")
    assert grant_for(of, of.identities[0], known, address("Anna@b.test")) is not None


@dataclass(frozen=True, slots=True)
class _Table:
    """A file of senders, written out."""

    lines: Mapping[tuple[Principal, Address], int]

    def line_for(self, who: Principal, what: Address, *, exact_case: bool, delimiter: str) -> int:
        return self.lines.get((who, what), 0)

    def of(self, who: Principal) -> tuple[tuple[str, int], ...]:
        return tuple((str(what), line) for (each, what), line in self.lines.items() if each == who)

    def holders(self, what: Address, *, exact_case: bool, delimiter: str) -> tuple[tuple[str, int], ...]:
        return tuple((str(who), line) for (who, each), line in self.lines.items() if each == what)


def with_file() -> Profile:
    table = _Table({(principal("filed@R"), address("second@b.test")): 7, (principal("x@R"), address("x@b.test")): 8})
    return replace(profile(), sender_tables=MappingProxyType({SenderFile("/etc/senders"): table}))


def test_a_file_of_senders_gives_what_it_holds_for_the_principal() -> None:
    of = with_file()
    expected = Grant("second@b.test", "file /etc/senders", "/etc/senders:7")
    assert asked(of, "filed", "filed@R", "second@b.test") == expected
    assert asked(of, "filed", "filed@R", "first@b.test") == Grant("first@b.test", "identity filed", "p.yaml:18")
    assert asked(of, "filed", "filed@R", "x@b.test") is None
    assert asked(of, "filed", "x@R", "second@b.test") is None
    assert asked(of, "filed", "", "second@b.test") is None
    assert asked(of, "alice", "filed@R", "second@b.test") is None


def test_a_file_that_was_not_read_gives_nothing() -> None:
    assert asked(profile(), "filed", "filed@R", "second@b.test") is None


def test_everything_that_a_sender_may_use_is_listed_with_its_line() -> None:
    of = with_file()
    assert list(grants(of, identity(of, "alice"), principal("alice@R"))) == [
        Grant("Alice@b.test", "identity alice", "p.yaml:5"),
        Grant("@lab.test", "identity alice", "p.yaml:5"),
        Grant("sales@b.test", "delegation sales", "p.yaml:21"),
        Grant("@shop.test", "delegation sales", "p.yaml:21"),
        Grant("sales@b.test", "delegation strict", "p.yaml:22", True),
        Grant("press@b.test", "delegation strict", "p.yaml:22", True),
        Grant("alice@b.test", "delegation strict", "p.yaml:22", True),
    ]
    assert [g.place for g in grants(of, identity(of, "filed"), principal("filed@R"))] == ["p.yaml:18", "/etc/senders:7"]
    assert [g.pattern for g in grants(of, identity(of, "relay"), None)] == ["alerts@b.test"]


def test_an_identity_without_places_answers_with_its_own() -> None:
    of = profile()
    bare = replace(identity(of, "alice"), sender_places=())
    found = own_grant(of, bare, principal("alice@R"), address("alice@b.test"))
    assert found is not None
    assert found.place == bare.place == "p.yaml:3"


LOCALS = st.text(alphabet="abAB+-{}user/*@", min_size=1, max_size=8)
PEOPLE = st.sampled_from(["alice@R", "bob@R", "Carla@R", "svc/robot@R", "bob\\@corp@R", "dora@R"])


@given(PEOPLE, LOCALS, st.sampled_from(["b.test", "c.test", "shop.test", "*", ""]), st.booleans(), st.booleans())
def test_the_own_name_gives_only_the_name_and_its_subaddresses(
    who: str, local: str, domain: str, exact: bool, has_delimiter: bool
) -> None:
    of = profile()
    of = replace(of, exact_local_parts=exact, recipient_delimiter="+" if has_delimiter else "")
    found = own_grant(of, identity(of, "own"), principal(who), Address(local, domain))
    name = local if exact else local.lower()
    head = name.split("+")[0] if has_delimiter else name
    assert (found is not None) == (domain == "b.test" and bool(head) and head == principal(who).user)


@given(PEOPLE, LOCALS, st.sampled_from(["b.test", "shop.test", "lab.test"]))
def test_whatever_is_granted_is_among_what_is_listed(who: str, local: str, domain: str) -> None:
    of = profile()
    for each in of.identities:
        found = grant_for(of, each, principal(who), Address(local, domain))
        assert found is None or found in set(grants(of, each, principal(who)))


def test_a_pattern_of_the_users_name_is_told_as_the_address_it_gives() -> None:
    of = Profile(recipient_delimiter="+")
    staff = Identity("staff", Kind.PERSON, MailClass.PERSONAL, senders=(SenderPattern("{user}", "b.test"),))
    assert [g.pattern for g in grants(of, staff, principal("dave@R"))] == ["dave@b.test"]
    assert [g.pattern for g in grants(of, staff, principal("dave/admin@R"))] == []
    assert [g.pattern for g in grants(of, staff, principal("Dave@R"))] == []  # names keep their case
    assert [g.pattern for g in grants(of, staff, principal("dave+x@R"))] == []


@dataclass(frozen=True, slots=True)
class _Asked:
    """A file of senders that gives its one line to whoever asks in one way."""

    exact_case: bool
    delimiter: str

    def line_for(self, who: Principal, what: Address, *, exact_case: bool, delimiter: str) -> int:
        return 9 if (exact_case, delimiter) == (self.exact_case, self.delimiter) else 0

    def of(self, who: Principal) -> tuple[tuple[str, int], ...]:
        return (("second@b.test", 9),)

    def holders(self, what: Address, *, exact_case: bool, delimiter: str) -> tuple[tuple[str, int], ...]:
        return ()


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("delimiter", ["", "+"])
def test_a_file_of_senders_is_asked_as_the_profile_compares(exact: bool, delimiter: str) -> None:
    file = SenderFile("/etc/senders")
    made = replace(profile(), exact_local_parts=exact, recipient_delimiter=delimiter)
    for asks, expected in (((exact, delimiter), True), ((not exact, delimiter), False), ((exact, "-"), False)):
        of = replace(made, sender_tables=MappingProxyType({file: _Asked(*asks)}))
        assert (asked(of, "filed", "filed@R", "second@b.test") is not None) is expected


def test_a_file_of_senders_gives_nothing_without_a_login() -> None:
    of = replace(profile(), sender_tables=MappingProxyType({SenderFile("/etc/senders"): _Asked(False, "")}))
    assert asked(of, "filed", "", "second@b.test") is None
    assert [g.pattern for g in grants(of, identity(of, "filed"), None)] == ["first@b.test"]
    assert list(grants(of, identity(of, "filed"), principal("filed@R")))[-1] == Grant(
        "second@b.test", "file /etc/senders", "/etc/senders:9"
    )


def test_delegated_addresses_compare_as_the_profile_says_too() -> None:
    assert asked(profile(), "alice", "alice@R", "SALES@b.test") is not None
    exact = replace(profile(), exact_local_parts=True)
    assert asked(exact, "alice", "alice@R", "sales@b.test") is not None
    assert asked(exact, "alice", "alice@R", "SALES@b.test") is None
    assert asked(profile(), "alice", "alice@R", "sales+eu@b.test") is None


def test_the_place_of_a_right_is_in_the_file_of_its_identity_whatever_that_is_called() -> None:
    of, problems = parse_profile(TEXT, "odd:name.yaml")
    assert of is not None, problems
    found = asked(of, "alice", "alice@R", "alice@b.test")
    assert found is not None
    assert found.place == "odd:name.yaml:5"


def test_a_pattern_alone_compares_without_case_and_knows_no_subaddresses() -> None:
    """What `matches` does where nothing is said: the defaults of a profile."""
    pattern = SenderPattern("Alice", "b.test")
    assert pattern.matches(address("aLICE@b.test"))
    assert not pattern.matches(address("aLICE@b.test"), exact_case=True)
    assert not pattern.matches(address("alice+x@b.test"))
    assert not SenderPattern("{user}", "b.test").matches(address("{user}@b.test"))
    assert not SenderPattern("{user}", "b.test").matches(address("@b.test"))
