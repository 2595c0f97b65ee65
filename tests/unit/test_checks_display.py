"""What a display name may show beside its address."""

from types import MappingProxyType

import pytest

from sealgate.checks.caller import Caller
from sealgate.checks.display import check_name
from sealgate.mail.address import Mailbox, normal_domain, parse_address, parse_mailbox
from sealgate.mail.within import MAX_FOUND
from sealgate.profile.model import (
    Delegation,
    Domain,
    Identity,
    Kind,
    MailClass,
    Principal,
    Profile,
    Protected,
    SenderPattern,
)

ALICE = Identity(
    "alice", Kind.PERSON, MailClass.PERSONAL, (Principal("alice", "EXAMPLE.TEST"),),
    senders=(SenderPattern("alice", "example.test"), SenderPattern("help", "example.test")),
)  # fmt: skip
CALLER = Caller(ALICE.principals[0], ALICE, "login")
SALES = Delegation("sales", (SenderPattern("sales", "example.test"),), frozenset(ALICE.principals))
PROFILE = Profile(
    domains=MappingProxyType({"example.test": Domain("example.test", sign=True)}),
    delegated=MappingProxyType({ALICE.principals[0]: (SALES,)}),
    protected=(
        Protected("Carol Chief", (SenderPattern("carol", "example.test"), SenderPattern("carol", "private.test"))),
        Protected("Big Bank", (SenderPattern("", "bigbank.test"),)),
    ),
)


def codes(name: str, address: str = "alice@example.test") -> list[str]:
    mailbox = Mailbox(name, parse_address(address.encode()))
    return [f.rule.code for f in check_name(mailbox, "From", PROFILE, CALLER)]


@pytest.mark.parametrize(
    "name",
    ["", "Alice Example", "alice@example.test", "ALICE@Example.Test", "Alice (help@example.test)", "sales@example.test",
     "Tom @ Work", "C. Hief", "Carola", "Bank of the Thames"],
)  # fmt: skip
def test_ordinary_names_and_addresses_of_the_senders_own_pass(name: str) -> None:
    assert codes(name) == []


@pytest.mark.parametrize(
    "name",
    ["ceo@example.test", "<ceo@example.test>", "The chief ceo@example.test", "ceo @ example . test",
     "ceo\uff20example.test", "\u00a0ceo@example.test\u00a0", "CEO@EXAMPLE.TEST", "carol@private.test",
     "service@bigbank.test"],
)  # fmt: skip
def test_an_address_of_ours_or_of_a_protected_name_is_refused(name: str) -> None:
    assert "identity.display-address" in codes(name)


def test_an_encoded_name_is_judged_as_it_is_shown() -> None:
    mailbox = parse_mailbox(b"=?utf-8?b?Y2VvQGV4YW1wbGUudGVzdA==?= <alice@example.test>")
    assert [f.rule.code for f in check_name(mailbox, "From", PROFILE, CALLER)] == ["identity.display-address"]


def test_a_foreign_address_is_only_told_of() -> None:
    assert codes("bob@example.org via Tickets") == ["identity.display-foreign"]


@pytest.mark.parametrize(
    "name",
    [
        "Carol Chief",
        "CAROL CHIEF",
        "Chief, Carol",
        "Carol  Chief (office)",
        "C\u0430rol Chief",
        "CaroI Chief",
        "Car0l Chief",
        "Dr. Carol M. Chief",
        "carolchief",
        "C a r o l Chief",
        "\uff23arol Chief",
        "BIG BANK",
        "Big Bank Service",
    ],
)
def test_a_name_that_reads_like_a_protected_one_is_found(name: str) -> None:
    assert codes(name) == ["identity.protected-name"]


@pytest.mark.parametrize("address", ["carol@example.test", "carol@private.test"])
def test_a_protected_name_may_be_borne_by_its_own_addresses(address: str) -> None:
    assert codes("Carol Chief", address) == []


def test_a_list_may_name_the_author_it_stands_in_for() -> None:
    lists = Identity("lists", Kind.FORWARDER, MailClass.AUTO, senders=(SenderPattern("", "lists.example.test"),))
    mailbox = Mailbox("ceo@example.test via Talk", parse_address(b"talk@lists.example.test"))
    found = check_name(mailbox, "From", PROFILE, Caller(identity=lists, via="login"))
    assert [f.rule.code for f in found] == ["identity.display-foreign"]


def test_what_octets_alone_would_show_is_held_against_our_domains_only() -> None:
    """`\u0142` keeps the octet of `B`: another local part of the same foreign domain, which is nobody's of ours."""
    assert codes("\u0142bob@elsewhere.test") == ["identity.display-foreign"]
    assert codes("\u0142ob@example.test").count("identity.display-address") == 2  # as written, and read in octets
    assert codes("\u0142 alice@example.test") == []


def test_a_name_with_as_many_addresses_as_are_looked_at_is_refused() -> None:
    names = [f"a{n}@elsewhere.test" for n in range(MAX_FOUND)]
    assert set(codes(" ".join(names[:-1]))) == {"identity.display-foreign"}
    assert codes(" ".join(names))[-1] == "identity.display-address"
    assert "identity.display-address" in codes(" ".join([*names, "ceo@example.test"]))


def test_the_finding_of_too_many_addresses_says_where_and_how_many() -> None:
    name = " ".join(f"a{n}@elsewhere.test" for n in range(MAX_FOUND))
    found = check_name(Mailbox(name, parse_address(b"alice@example.test")), "Sender", PROFILE, CALLER)[-1]
    assert (found.where, found.about) == ("Sender", "a19@elsewhere.test")
    assert found.detail == "20 addresses in one name"


def test_what_is_no_address_to_us_may_be_one_of_ours_to_a_reader() -> None:
    """Percent paths and the like: the parser refuses them, some reader makes a link of them."""
    assert codes("ceo%x@example.test") == ["identity.display-address"]
    assert codes("ceo%x@elsewhere.test") == ["identity.display-foreign"]


def test_the_address_itself_may_stand_in_its_name_whoever_sends() -> None:
    lists = Caller(None, Identity("lists", Kind.FORWARDER, MailClass.AUTO), "network")
    for name in ("bob@elsewhere.test", "BOB@Elsewhere.Test"):
        for address in (b"bob@elsewhere.test", b"Bob@elsewhere.test"):
            assert check_name(Mailbox(name, parse_address(address)), "From", PROFILE, lists) == ()
    (found,) = check_name(Mailbox("rob@elsewhere.test", parse_address(b"bob@elsewhere.test")), "From", PROFILE, lists)
    assert found.rule.code == "identity.display-foreign"


@pytest.mark.parametrize("domain", ["exarnple.test", "examp1e.test", "EXAMPLE.TEST"])
def test_a_domain_that_looks_like_one_of_ours_counts_as_ours(domain: str) -> None:
    assert codes(f"ceo@{domain}") == ["identity.display-address"]


def test_a_domain_looks_like_ours_in_the_letters_of_its_a_labels() -> None:
    profile = Profile(domains=MappingProxyType({"ace.test": Domain("ace.test", sign=True)}))
    cyrillic = "\u0430\u0441\u0435.test"
    for name in (f"ceo@{cyrillic}", f"ceo@{normal_domain(cyrillic)}"):
        (found,) = check_name(Mailbox(name, parse_address(b"x@elsewhere.test")), "From", profile, CALLER)
        assert found.rule.code == "identity.display-address"
        assert found.about == f"ceo@{normal_domain(cyrillic)}"
    for unreadable in ("xn--99999999999.test", "xn--\u00fc.test"):
        (found,) = check_name(Mailbox(f"ceo@{unreadable}", parse_address(b"x@b.test")), "From", profile, CALLER)
        assert found.rule.code == "identity.display-foreign"
