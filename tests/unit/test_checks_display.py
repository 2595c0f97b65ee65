"""What a display name may show beside its address."""

import time
from dataclasses import replace
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
    assert codes(" ".join(names))[0] == "identity.display-address"
    assert "identity.display-address" in codes(" ".join([*names, "ceo@example.test"]))


def test_the_finding_of_too_many_addresses_says_where_and_how_many() -> None:
    name = " ".join(f"a{n}@elsewhere.test" for n in range(MAX_FOUND))
    found = check_name(Mailbox(name, parse_address(b"alice@example.test")), "Sender", PROFILE, CALLER)[0]
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


@pytest.mark.parametrize("before", ["\ufdfa" * 112, "a " * 200], ids=["18 letters of one", "200 words"])
def test_a_protected_name_is_found_wherever_in_a_name_it_stands(before: str) -> None:
    """U+FDFA alone comes to 18 characters of its compatibility form, and pushes nothing out of what is compared."""
    for name in (f"{before} Carol Chief", f'"{before} Carol Chief"'):
        shown = parse_mailbox(f"{name} <alice@example.test>".encode()).name
        assert "identity.protected-name" in codes(shown)


@pytest.mark.parametrize("name", ["carolchief office", "Dr. c a rol chief, office", "the CarolChief of all"])
def test_words_run_together_are_found_before_others(name: str) -> None:
    assert codes(name) == ["identity.protected-name"]


def test_the_addresses_of_a_protected_name_compare_as_the_profile_says() -> None:
    def codes_in(profile: Profile, address: bytes) -> list[str]:
        found = check_name(Mailbox("Carol Chief", parse_address(address)), "From", profile, CALLER)
        return [f.rule.code for f in found]

    refused = ["identity.protected-name"]
    assert codes_in(PROFILE, b"CAROL@private.test") == []
    assert codes_in(replace(PROFILE, exact_local_parts=True), b"CAROL@private.test") == refused
    assert codes_in(PROFILE, b"carol+news@private.test") == refused
    assert codes_in(replace(PROFILE, recipient_delimiter="+"), b"carol+news@private.test") == []


@pytest.mark.parametrize(
    "name",
    [
        "Carol Chief|CEO", "Carol Chief| CEO", "Carol|Chief", "CEO|Carol Chief", "Carol Chief\u01c0 CEO",
        "Big Bank|Service",
    ],
)  # fmt: skip
def test_a_bar_between_words_parts_them(name: str) -> None:
    """`|` is drawn like l and parts words: both readings count, or `Carol Chief|CEO` is nobody's name."""
    assert "identity.protected-name" in codes(name)


@pytest.mark.parametrize(
    "name", ["Carol Chief\u2122", "Big Bank\u2122", "Big Bank\u2120", "Big Bank\u00b2", "Big Bank\u00b9"]
)
def test_a_raised_sign_behind_a_name_is_no_part_of_it(name: str) -> None:
    """NFKD makes letters and digits of trade mark and footnote signs; `Big Bank` with one is still Big Bank."""
    assert "identity.protected-name" in codes(name)


@pytest.mark.parametrize("name", ["\u03f9AROL \u03f9HIEF", "\u03f9arol Chief"])
def test_what_a_letter_looks_like_is_asked_before_what_it_means(name: str) -> None:
    """NFKD first turns U+03F9 (drawn C) into a sigma: the eye is not asked any more."""
    assert "identity.protected-name" in codes(name)


@pytest.mark.parametrize(
    "name",
    [
        "\U0001f172\U0001f170\U0001f181\U0001f17e\U0001f17b \U0001f172\U0001f177\U0001f178\U0001f174\U0001f175",
        "\U0001f152\U0001f150\U0001f161\U0001f15e\U0001f15b \U0001f152\U0001f157\U0001f158\U0001f154\U0001f155",
        "\U0001f1e8 \U0001f1e6 \U0001f1f7 \U0001f1f4 \U0001f1f1 \U0001f1e8 \U0001f1ed \U0001f1ee \U0001f1ea \U0001f1eb",
        "\u1d04\u1d00\u0280\u1d0f\u029f \u1d04\u029c\u026a\u1d07\ua730",
        "Ca\u0280ol Chief",
    ],
    ids=["negative squared", "negative circled", "regional indicators", "small capitals", "one small capital"],
)  # fmt: skip
def test_letters_in_fancy_dress_are_letters(name: str) -> None:
    """UTS 39 has no entry for these and NFKD no decomposition, but anybody reads them: a table of ours is needed."""
    assert "identity.protected-name" in codes(name)


def test_a_cyrillic_ka_is_drawn_like_a_small_k() -> None:
    """UTS 39 sets U+043A beside U+0138, not beside k; whoever reads a name does not see the difference."""
    assert "identity.protected-name" in codes("big b\u0430n\u043a")


@pytest.mark.parametrize(
    "value",
    [
        b"Bob <alice@example.test> (Carol Chief)",
        b"Bob <alice@example.test> (=?utf-8?q?Carol_Chief?=)",
        b"Bob <alice@example.test> (ceo[at]example.test)",
    ],
)
def test_a_comment_behind_the_address_is_part_of_the_name(value: bytes) -> None:
    """Python's `parseaddr` and what is built on it show `Bob (Carol Chief)`: a comment is judged beside a name too."""
    found = check_name(parse_mailbox(value), "From", PROFILE, CALLER)
    assert found != ()


@pytest.mark.parametrize("domain", ["exampIe.test", "ExampIe.Test"])
def test_a_domain_in_a_name_is_compared_as_it_is_drawn(domain: str) -> None:
    """Lower case first makes an i of the I that is drawn like l; `ceo@exampIe.test` is drawn like ours."""
    assert "identity.display-address" in codes(f"ceo@{domain}")


@pytest.mark.parametrize(
    "dot", ["\u0660", "\u06d4", "\ua4f8", "\u2027", "\u2219", "\u22c5", "\u2022", "\u2e31", "\u0701"]
)
def test_whatever_is_drawn_like_a_dot_parts_a_domain(dot: str) -> None:
    """UTS 39 lists U+0660, U+06D4, U+0701 and U+A4F8 for the full stop; raised dots read like one between labels."""
    assert "identity.display-address" in codes(f"ceo@example{dot}test")


@pytest.mark.parametrize(
    "at", ["\u24d0", " \u24d0 ", "(a)", " (a) ", "@/", "@:", "@(", "@'", "@_", "@-", "@\u0338", "@\u20dd"]
)
def test_whatever_reads_like_an_at_sign_is_one(at: str) -> None:
    """`ceo(a)example.test` is the usual dress in half of Europe; signs behind an @ do not unmake an address of ours."""
    assert "identity.display-address" in codes(f"ceo{at}example.test")


@pytest.mark.parametrize("name", ["(ceo)@example.test", "\u00abceo\u00bb@example.test", "ceo/@example.test"])
def test_a_domain_of_ours_behind_an_at_sign_is_found_whatever_stands_before(name: str) -> None:
    """No local part is needed for a reader to see whose address it is."""
    assert "identity.display-address" in codes(name)


def test_a_protected_person_bears_the_name_on_every_address_of_hers() -> None:
    """Carol, logged in, writes as `Carol Chief <office@...>`, which is delegated to her: nobody is deceived."""
    carol = replace(ALICE, name="carol", senders=(SenderPattern("carol", "example.test"),))
    principal = Principal("carol", "EXAMPLE.TEST")
    office = Delegation("office", (SenderPattern("office", "example.test"),), frozenset((principal,)))
    profile = replace(PROFILE, delegated=MappingProxyType({principal: (office,)}))
    box = Mailbox("Carol Chief", parse_address(b"office@example.test"))
    assert check_name(box, "From", profile, Caller(principal, carol, "login")) == ()


WORDS = " ".join(f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop") + " "
_TEN = "abcdefghij"
MANY = replace(
    PROFILE,
    protected=tuple(Protected(f"Carol {a}{b}{c} Chief", ()) for a in _TEN for b in _TEN for c in _TEN),
)  # fmt: skip


def seconds(*mailboxes: Mailbox, profile: Profile = MANY) -> float:
    """How long the names of these mailboxes take, at best of three."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        for box in mailboxes:
            check_name(box, "From", profile, CALLER)
        taken.append(time.process_time() - start)
    return min(taken)


def test_a_hundred_authors_against_a_thousand_protected_names_are_quick() -> None:
    """The cost of a name does not grow with the number of protected names: 30 ms were measured, 500 is the alarm."""
    names = [(WORDS * 2)[i : i + 120] for i in range(100)]
    assert seconds(*(Mailbox(name, parse_address(b"alice@example.test")) for name in names)) < 0.5


@pytest.mark.parametrize(
    "name",
    [WORDS * 10, "carol aaa aab aac chief " * 83, "c a r o l " * 200, "m " * 1_000, "Ⅽаrol cһief|x™ " * 130,
     "\ufdfa" * 1_990],
    ids=["words", "words of protected names", "letters", "a letter of two", "twins", "a letter of 18"],
)  # fmt: skip
def test_a_name_as_long_as_a_field_is_quick(name: str) -> None:
    """Against a thousand protected names, 2 to 20 ms were measured; 200 is the alarm."""
    assert seconds(Mailbox(name[:1_990], parse_address(b"alice@example.test"))) < 0.2


def test_many_addresses_in_a_name_against_many_domains_are_quick() -> None:
    domains = MappingProxyType({f"d{i}.example.test": Domain(f"d{i}.example.test", sign=True) for i in range(100)})
    profile = replace(MANY, domains=domains)
    for form in ("q{i}@d{i}.elsewhere.test", "(q{i})@d{i}.elsewh\u00e9re.test"):
        name = " ".join(form.format(i=i) for i in range(19))
        assert seconds(Mailbox(name, parse_address(b"alice@example.test")), profile=profile) < 0.2


def test_what_is_made_of_one_profile_is_not_used_for_another() -> None:
    """The caches ask whether it is the same part of the same profile, not whether it looks the same."""
    for name in ("Dora Dean", "Carol Chief", "Dora Dean"):
        profile = replace(PROFILE, protected=(Protected(name, ()),))
        for shown in ("Dora Dean", "Carol Chief"):
            found = check_name(Mailbox(shown, parse_address(b"alice@example.test")), "From", profile, CALLER)
            assert (found != ()) == (shown == name)


def test_the_findings_of_one_name_have_an_end_and_refusals_come_first() -> None:
    many = replace(PROFILE, protected=tuple(Protected("Carol Chief", ()) for _ in range(100)))
    name = "ceo@example.test Carol Chief " + " ".join(f"a{n}@elsewhere.test" for n in range(15))
    for profile in (PROFILE, many):
        found = check_name(Mailbox(name, parse_address(b"alice@example.test")), "From", profile, CALLER)
        assert len(found) <= 20
        assert [f.rule.code for f in found[:2]] == ["identity.protected-name", "identity.display-address"]
    told = [f.rule.code for f in check_name(Mailbox(name, parse_address(b"x@example.test")), "From", PROFILE, CALLER)]
    assert told == sorted(told, key=lambda code: code == "identity.display-foreign")


@pytest.mark.parametrize(
    "name",
    ["ceo@mail.example.test", "ceo@mail.exampIe.test", "ceo@ex\u0430mple.test", "ceo@EXAMPLE\u2022test",
     "ceo@\U0001f174xample.test", "ceo@ex\u1d00mple.test", "ceo@ex\u1ea1mple.test", "ceo-at-example.test",
     "(ceo)@mail.example.test", "(ceo)@example.test.", "(ceo)@ example . test, of course", "(ceo)@ex\u24d0mple.test",
     "ceo\u24d0ex\u24d0mple.test", "ceo@\u2014example.test", "(ceo)@exampIe.test", "(x@y) <@example.test>"],
    ids=ascii,
)  # fmt: skip
def test_a_domain_of_ours_is_seen_below_it_and_in_any_dress(name: str) -> None:
    assert "identity.display-address" in codes(name)


@pytest.mark.parametrize(
    "name",
    ["Team @ Example.Org", "(@handle)", "@alice", "Tom @ St. Gallen", "(x)@example.tester", "(x)@anexample.test",
     "\u24d0lice", "(a) alice", "Alice (a.b)", "alice\u24d0example.test", "alice(a)example.test",
     "@alice@example.test"],
    ids=ascii,
)  # fmt: skip
def test_what_shows_no_other_address_of_ours_is_not_refused(name: str) -> None:
    assert "identity.display-address" not in codes(name)


def test_a_domain_that_only_shares_letters_with_ours_is_foreign() -> None:
    profile = replace(PROFILE, domains=MappingProxyType({"mail.test": Domain("mail.test", sign=True)}))
    for domain, code in (("mali.test", "foreign"), ("mai1.test", "address"), ("MAlL.test", "address")):
        (found,) = check_name(Mailbox(f"x@{domain}", parse_address(b"a@b.test")), "From", profile, CALLER)
        assert found.rule.code == f"identity.display-{code}", domain


def test_a_comment_completes_a_name() -> None:
    box = parse_mailbox(b"Carol <alice@example.test> (Chief)")
    assert [f.rule.code for f in check_name(box, "From", PROFILE, CALLER)] == ["identity.protected-name"]
    box = parse_mailbox(b"Alice <alice@example.test> (Sales)")
    assert check_name(box, "From", PROFILE, CALLER) == ()


def test_only_who_owns_an_address_of_a_protected_name_bears_it_elsewhere() -> None:
    """What is delegated to somebody, or may be forwarded by them, makes them nobody else; and no foreign address."""
    office, carol = SenderPattern("office", "example.test"), SenderPattern("carol", "example.test")
    box = Mailbox("Carol Chief", parse_address(b"office@example.test"))

    def is_refused(box: Mailbox, *own: SenderPattern, kind: Kind = Kind.PERSON, delegated: bool = False) -> bool:
        sender = replace(ALICE, kind=kind, senders=own)
        group = Delegation("x", (carol,), frozenset(ALICE.principals))
        lent = MappingProxyType({ALICE.principals[0]: (group,)} if delegated else {})
        caller = Caller(ALICE.principals[0], sender, "login")
        return check_name(box, "From", replace(PROFILE, delegated=lent), caller) != ()

    assert not is_refused(box, office, carol)
    assert not is_refused(box, SenderPattern("", "example.test"))
    assert is_refused(box, office)
    assert is_refused(box, carol)
    assert is_refused(box, office, delegated=True)
    assert is_refused(box, office, carol, kind=Kind.FORWARDER)
    brand = Mailbox("Big Bank", parse_address(b"office@example.test"))
    assert not is_refused(brand, office, SenderPattern("", "bigbank.test"))
    assert is_refused(brand, office, SenderPattern("news", "bigbank.test"))
    assert check_name(box, "From", PROFILE, Caller()) != ()


def test_the_addresses_of_protected_names_are_found_by_domain() -> None:
    anybody = replace(PROFILE, protected=(Protected("Anybody", (SenderPattern("*", "*"),)),))
    for profile, code in ((PROFILE, "identity.display-foreign"), (anybody, "identity.display-address")):
        (found,) = check_name(Mailbox("x@elsewhere.test", parse_address(b"a@b.test")), "From", profile, CALLER)
        assert found.rule.code == code
