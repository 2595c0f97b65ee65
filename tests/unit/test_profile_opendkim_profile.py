"""An OpenDKIM configuration as a profile: which keys sign for whom, who is trusted, and what is said of the rest."""

import re

import pytest

from sealgate.cli.import_opendkim import LISTS
from sealgate.mail.message import Session
from sealgate.profile.lint import check_profile
from sealgate.profile.model import Auid, Form, Profile
from sealgate.profile.opendkim_profile import Import, import_opendkim
from sealgate.screening.signing import Signing, read_letter
from tests.unit.test_profile_opendkim import Shelf

KEYS = """\
a a.test:s1:/k/a1
b a.test:s2:/k/a2
m m.test:m:/k/m
any %:s1:/k/%/key
one %:s1:/k/one
a.test a.test:s1:/k/a1
"""


def made(conf: str, **files: str) -> Import:
    shelf = Shelf(conf=conf, **files)
    shelf.names = ("A.test", "b.test", "backup", "not a domain.test")
    return import_opendkim("/etc/conf", shelf, LISTS)


def by_table(rows: str, *, form: str = "refile:/etc/table", more: str = "", keys: str = KEYS) -> Import:
    return made(f"Mode s\nKeyTable /etc/keys\nSigningTable {form}\n{more}", keys=keys, table=rows)


def read(found: Import) -> Profile:
    profile, problems = check_profile(found.text, "profile.yaml")
    assert profile is not None, [str(p) for p in problems]
    assert not profile.enforce
    assert profile.seal
    return profile


def signers(found: Import, *authors: str) -> dict[str, set[str]]:
    """Selector and domain that sign for each author, by the gate's own plan."""
    session = Session("any", "192.0.2.1", 4000, mta="Postfix", auth_mechanism="PLAIN", auth_name="x")
    with Signing(read(found)) as signing:
        return {
            author: set(
                signing.of(
                    read_letter(f"From: {author}\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n\nhi\n".encode()),
                    session,
                    b"<x@y.test>",
                    (),
                ).signatures
            )
            for author in authors
        }


def stops(found: Import) -> list[str]:
    return [str(remark).partition("\n")[0] for remark in found.remarks if remark.stops]


def notes(found: Import) -> list[str]:
    return [str(remark) for remark in found.remarks if not remark.stops]


SINGLE = "Mode s\nDomain a.test, x.a.test\nKeyFile /k/one\nSelector s1\n"


def test_one_key_for_a_list_of_domains() -> None:
    found = made(SINGLE)
    assert found.stops is False
    assert signers(found, "u@a.test", "u@x.a.test", "u@y.a.test") == {
        "u@a.test": {"a.test/s1"}, "u@x.a.test": {"x.a.test/s1"}, "u@y.a.test": set(),
    }  # fmt: skip
    domain = read(found).domains["a.test"]
    assert (domain.header_form, domain.body_form, domain.ttl) == (Form.SIMPLE, Form.SIMPLE, 0)
    assert read(found).signatures == ()


def test_subdomains() -> None:
    found = made(f"{SINGLE}SubDomains yes\n")
    assert signers(found, "u@y.x.a.test", "u@y.a.test", "u@b.test") == {
        "u@y.x.a.test": {"x.a.test/s1"}, "u@y.a.test": {"a.test/s1"}, "u@b.test": set(),
    }  # fmt: skip


def test_the_form_of_signatures() -> None:
    domain = read(made(f"{SINGLE}Canonicalization Relaxed\nSignatureTTL 1209600\n")).domains["a.test"]
    assert (domain.header_form, domain.body_form, domain.ttl) == (Form.RELAXED, Form.SIMPLE, 14 * 86_400)
    assert read(made(f"{SINGLE}SignatureTTL 0x78\n")).domains["a.test"].ttl == 120
    assert read(made(f"{SINGLE}SignatureTTL 0\n")).domains["a.test"].ttl == 0
    assert "is none (RFC 6376 3.4)" in stops(made(f"{SINGLE}Canonicalization strict/simple\n"))[0]
    assert "negative" in stops(made(f"{SINGLE}SignatureTTL -1\n"))[0]


@pytest.mark.parametrize(
    ("conf", "fault"),
    [
        ("Mode v\n", "Mode `v` signs nothing"),
        ("Selector s1\nDomain a.test\n", "there is no KeyFile: nothing is signed"),
        ("Syslog no\n", "there is neither KeyTable nor all of Domain, KeyFile and Selector: nothing is signed"),
        ("Domain *\nSelector s1\nKeyFile /k\n", "Domain `*` means domains that are not known"),
        ("Domain a_b.test\nSelector s1\nKeyFile /k\n", "Domain: `a_b.test` is no mail domain"),
        ("Domain a.test\nSelector s1\nKeyFile key\n", "`key` is not absolute"),
        ("Domain a.test\nSelector -\nKeyFile /k\n", "the profile cannot hold it: `-` is no selector"),
        (f"{SINGLE}SignatureAlgorithm rsa-sha1\n", "SignatureAlgorithm `rsa-sha1` is not supported"),
        ("KeyTable /etc/keys\n", "there is a KeyTable and no SigningTable: nothing is signed without a script"),
        ("KeyTable refile:/etc/keys\nSigningTable a.test=a\n", "a KeyTable with wildcards (refile:) is not supported"),
        ("KeyTable /etc/gone\nSigningTable a.test=a\n", "KeyTable: /etc/gone: No such file or directory"),
    ],
)
def test_what_cannot_be_carried_over_stops(conf: str, fault: str) -> None:
    found = made(conf, keys=KEYS)
    assert any(fault in line for line in stops(found)), stops(found)


def test_a_domain_that_signs_its_own_mail_needs_no_row() -> None:
    found = by_table("*@a.test a\n*@m.test m\n")
    assert read(found).signatures == ()
    assert signers(found, "u@a.test", "u@m.test", "u@x.a.test") == {
        "u@a.test": {"a.test/s1"}, "u@m.test": {"m.test/m"}, "u@x.a.test": set(),
    }  # fmt: skip
    assert any("key `b` signs nothing" in note for note in notes(found))


def test_every_match_or_the_first() -> None:
    rows = "*@a.test a\n*@a.test b\n"
    assert signers(by_table(rows), "u@a.test") == {"u@a.test": {"a.test/s1"}}
    every = by_table(rows, more="MultipleSignatures yes\n")
    assert signers(every, "u@a.test") == {"u@a.test": {"a.test/s1", "a.test/s2"}}
    assert read(every).signatures == ()
    assert any("@a.test has no effect: @a.test at /etc/table:1 comes before it" in n for n in notes(by_table(rows)))


def test_hosts_below_with_the_same_keys_are_a_word_of_the_domain() -> None:
    found = by_table("*@a.test a\n*@*.a.test a\n")
    assert read(found).domains["a.test"].subdomains
    assert read(found).signatures == ()
    # A domain below that comes first keeps its own.
    keys = KEYS + "x x.a.test:s:/k/x\n"
    nearer = by_table("*@x.a.test x\n*@a.test a\n*@*.a.test a\n", keys=keys)
    assert read(nearer).signatures == ()
    assert signers(nearer, "u@x.a.test", "u@y.a.test") == {"u@x.a.test": {"x.a.test/s"}, "u@y.a.test": {"a.test/s1"}}
    # One that comes behind has no effect.
    later = by_table("*@a.test a\n*@*.a.test a\n*@x.a.test x\n", keys=keys)
    assert signers(later, "u@x.a.test") == {"u@x.a.test": {"a.test/s1"}}


def test_other_rows_stay_rows_and_a_lent_key_signs_nothing_else() -> None:
    found = by_table("news@a.test m\n*@a.test a\n*@b.test m\n")
    assert signers(found, "news@a.test", "u@a.test", "u@b.test", "u@m.test") == {
        "news@a.test": {"m.test/m"}, "u@a.test": {"a.test/s1"}, "u@b.test": {"m.test/m"}, "u@m.test": set(),
    }  # fmt: skip
    assert read(found).domains["m.test"].sign is False
    assert [row.is_last for row in read(found).signatures] == [True] * len(read(found).signatures)


def test_a_table_without_wildcards() -> None:
    found = by_table("* m\na.test a\n.a.test b\nu@a.test b\n", form="/etc/table")
    assert signers(found, "u@a.test", "v@a.test", "v@x.a.test", "v@b.test") == {
        "u@a.test": {"a.test/s2"}, "v@a.test": {"a.test/s1"}, "v@x.a.test": {"a.test/s2"}, "v@b.test": {"m.test/m"},
    }  # fmt: skip


def test_the_authors_domain_as_name_of_the_key_as_d_and_in_the_path() -> None:
    known = by_table("*@b.test any\n")
    assert [s.file for s in read(known).domains["b.test"].keys] == ["/k/b.test/key"]
    named = by_table("*@a.test %\n")
    assert signers(named, "u@a.test") == {"u@a.test": {"a.test/s1"}}
    assert "there is no key `b.test` in the KeyTable" in stops(by_table("*@b.test %\n"))[0]
    # Of an author who may be anybody: the domains that have a file, or a key of their name.
    filled = by_table("* any\n")
    assert signers(filled, "u@a.test", "u@b.test", "u@c.test") == {
        "u@a.test": {"a.test/s1"}, "u@b.test": {"b.test/s1"}, "u@c.test": set(),
    }  # fmt: skip
    assert any("carried over for the 2 domains that have a file /k/%/key" in note for note in notes(filled))
    assert signers(by_table("* %\n"), "u@a.test", "u@m.test") == {"u@a.test": {"a.test/s1"}, "u@m.test": set()}
    assert "signs with d= of whatever domain the author has" in stops(by_table("* one\n"))[0]


def test_a_pattern_that_cannot_be_said_is_named_with_its_line() -> None:
    assert stops(by_table("*@a.test a\nu@* a\n")) == [
        "/etc/table:2: error: `u@*` cannot be said here: one name at many domains"
    ]
    assert stops(by_table("*@a.test zz\n"))[0].startswith("/etc/table:1: error: there is no key `zz` in the KeyTable")
    two = by_table("*@a.test a\n*@*.a.test c\n", keys="a a.test:s1:/k/a1\nc a.test:S1:/k/other\n")
    assert "S1._domainkey.a.test has another key file at /etc/keys:1" in stops(two)[0]


def test_three_rows_for_one_author_are_told_of() -> None:
    rows = "*@a.test a\n*@a.test b\n*@a.test m\n"
    found = by_table(rows, more="MultipleSignatures yes\n")
    assert any(
        "3 rows sign for @a.test; OpenDKIM 2.11 signs by the first and the last alone" in n for n in notes(found)
    )
    assert not any("2.11" in n for n in notes(by_table(rows)))
    assert signers(found, "u@a.test") == {"u@a.test": {"a.test/s1", "a.test/s2", "m.test/m"}}


def test_exempt_domains_sign_nothing() -> None:
    found = by_table("*@*.a.test a\n*@a.test a\n* m\n", more="ExemptDomains x.a.test\n")
    assert signers(found, "u@x.a.test", "u@y.a.test", "u@q.test") == {
        "u@x.a.test": set(), "u@y.a.test": {"a.test/s1"}, "u@q.test": {"m.test/m"},
    }  # fmt: skip
    both = made(f"{SINGLE}SubDomains yes\nExemptDomains a.test\n")
    assert "a.test is exempt and hosts below it are signed by SubDomains" in stops(both)[0]


@pytest.mark.parametrize(
    ("rows", "auid", "note"),
    [
        ("*@a.test a\n", Auid.NONE, ""),
        ("*@a.test a:@%\n", Auid.NONE, ""),  # the same as leaving it out
        ("*@*.a.test a:@%\n*@a.test a\n", Auid.DOMAIN, ""),
        ("*@*.a.test a:@a.test\n", Auid.NONE, ""),
        ("*@*.a.test a:@%\n*@m.test a\n", Auid.NONE, "some signatures of a.test name the author's domain"),
        ("* a:list@%\n", Auid.NONE, "`i=` of * is not carried over: `list@%`"),
        ("*@a.test a:list@b.test\n", Auid.NONE, ""),  # not in d=, so OpenDKIM leaves it out
    ],
)
def test_what_i_names(rows: str, auid: Auid, note: str) -> None:
    found = by_table(rows)
    assert read(found).domains["a.test"].auid is auid
    about = [line for line in notes(found) if "i=" in line]
    assert bool(about) == bool(note)
    assert not note or note in about[0]


@pytest.mark.parametrize(
    ("rows", "auid"),
    [
        ("*@a.test a:list@a.test\n", "list@a.test"),
        ("*@a.test a:list@%\n", "list@a.test"),
        ("* a:@lists.a.test\n", "@lists.a.test"),
        ("*@b.test a:list@x.a.test\n", "list@x.a.test"),
    ],
)
def test_a_fixed_i_is_that_of_its_row(rows: str, auid: str) -> None:
    found = by_table(rows)
    assert [row.auid for row in read(found).signatures] == [auid]
    assert not [line for line in notes(found) if "i=" in line]


def networks(value: str) -> tuple[list[str], list[str]]:
    found = made(f"{SINGLE}InternalHosts {value}\n")
    return [str(block) for block in found.networks], [str(r).partition(": ")[2] for r in found.remarks]


def test_internal_hosts_are_networks() -> None:
    assert [str(n) for n in made(SINGLE).networks] == ["127.0.0.1/32"]
    assert networks("127.0.0.1, 192.0.2.0/24, 192.0.2.9")[0] == ["127.0.0.1/32", "192.0.2.0/24"]
    assert networks("192.0.2.1,[2001:DB8::5],2001:db8:1::/48")[0] == [
        "192.0.2.1/32",
        "2001:db8::5/128",
        "2001:db8:1::/48",
    ]
    assert networks("192.0.2.0/30,!192.0.2.1")[0] == ["192.0.2.0/32", "192.0.2.2/31"]
    assert networks("!192.0.2.0/24,192.0.2.0/24,192.0.2.7")[0] == ["192.0.2.7/32"]
    assert networks("127.0.0.1,::ffff:192.0.2.7")[0] == ["127.0.0.1/32", "192.0.2.7/32"]
    assert networks("localhost") == (
        ["127.0.0.1/32", "::1/128"],
        ["note: localhost is carried over as 127.0.0.1 and ::1"],
    )


def test_internal_hosts_that_never_fit_and_those_by_name() -> None:
    never = "note: `192.0.2.9/24` never fits in OpenDKIM, and is left out\n    do you mean 192.0.2.0/24?"
    assert networks("192.0.2.9/24")[1] == [never]
    assert "never fits in OpenDKIM, which has no wildcards here" in networks("*.a.test")[1][0]
    assert "error: InternalHosts `.a.test` is trusted by name" in networks(".a.test")[1][0]
    assert "error: InternalHosts `gw.a.test` is trusted by name" in networks("gw.a.test")[1][0]
    assert "error: InternalHosts trusts every address there is" in networks("0.0.0.0/0")[1][0]
    assert "with wildcards (refile:) is not supported" in networks("refile:/etc/conf")[1][0]


def test_trusted_clients_are_identities() -> None:
    profile = read(by_table("*@a.test a\nnews@b.test m\n", more="InternalHosts 127.0.0.1,192.0.2.0/24\n"))
    by_name = {identity.name: identity for identity in profile.identities}
    assert [str(n) for n in by_name["trusted-hosts"].networks] == ["127.0.0.1/32", "192.0.2.0/24"]
    assert by_name["this-host"].local
    assert [str(s) for s in by_name["this-host"].senders] == ["@a.test", "news@b.test"]
    assert profile.local_submission == "judge"
    away = read(made(f"{SINGLE}InternalHosts 192.0.2.0/24\n"))
    assert away.local_submission == "pass"
    assert [identity.name for identity in away.identities] == ["trusted-hosts"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("OversignHeaders From", "all of these are oversigned here"),
        ("OversignHeaders From,X-Mine", "not oversigned here: x-mine"),
        ("SignHeaders *,+X-Mine,-Subject", "not signed here: x-mine; signed here all the same: subject"),
        ("SignHeaders *", "all of these are signed here"),
        ("OmitHeaders *,+Subject", "signed here all the same: subject"),
        ("OmitHeaders .", "not signed here either: bcc, comments, dkim-signature, keywords"),
    ],
)
def test_what_is_signed_otherwise_is_said(line: str, said: str) -> None:
    found = made(f"{SINGLE}{line}\n")
    option = line.split(maxsplit=1)[0]
    assert f"note: {option} is not carried over: {said}" in "\n".join(notes(found))
    assert not found.stops


def test_a_short_list_to_sign_says_what_comes_on_top() -> None:
    said = "\n".join(notes(made(f"{SINGLE}SignHeaders From,Subject\n")))
    assert "signed here as well, where present: To, Cc, Date" in said


def test_the_text_names_no_field_that_a_profile_has_not_and_says_what_comes_next() -> None:
    text = made(SINGLE).text
    assert re.search(r"^# What to do next", text, re.MULTILINE)
    assert text.endswith("\n")
    assert "\n\n\n" not in text
    hint = re.search(r"staff: \{.*\}", text)
    assert hint
    assert "@a.test" in hint[0]


def test_odd_names_cannot_break_the_yaml() -> None:
    found = made('Mode s\nDomain a.test\nSelector s1\nKeyFile /k/it"s {odd}: yes \\ \u2028 ends\n')
    if found.stops:
        assert "cannot hold it" in stops(found)[0]
    else:
        assert read(found).domains["a.test"].keys[0].file.startswith('/k/it"s {odd}')
    numeric = read(made("Mode s\nDomain a.test\nSelector 2026\nKeyFile /k/1\n"))
    assert numeric.domains["a.test"].keys[0].selector == "2026"


def test_authors_compare_without_case_as_there() -> None:
    assert signers(by_table("News@a.test a\n"), "nEWS@A.test") == {"nEWS@A.test": {"a.test/s1"}}
