"""Principals and logins: only an exact spelling becomes a principal, and realms never merge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.profile.model import Login, Principal
from sealgate.profile.principal import (
    can_produce,
    collision,
    match_login,
    parse_principal,
    realm_spelled,
    template_fault,
)

BARE = Login("submission", ("GSSAPI",), "{user}", "{user}@EXAMPLE.TEST")
FULL = Login("submission", ("GSSAPI",), "{user}@EXAMPLE.TEST", "{user}@EXAMPLE.TEST")
LOWER = Login("submission", ("GSSAPI",), "{user}@example.test", "{user}@EXAMPLE.TEST")
XTEXT = Login("MSA", ("GSSAPI",), "{user}", "{user}@EXAMPLE.TEST", "xtext")
XFULL = Login("MSA", ("GSSAPI",), "{user}@EXAMPLE.TEST", "{user}@EXAMPLE.TEST", "xtext")


@pytest.mark.parametrize(
    ("text", "name", "realm"),
    [
        ("alice@EXAMPLE.TEST", "alice", "EXAMPLE.TEST"),
        ("alice/admin@EXAMPLE.TEST", "alice/admin", "EXAMPLE.TEST"),
        ("host/app1.example.test@EXAMPLE.TEST", "host/app1.example.test", "EXAMPLE.TEST"),
        (r"bob\@corp.example@EXAMPLE.TEST", r"bob\@corp.example", "EXAMPLE.TEST"),
        (r"a\\@R", r"a\\", "R"),
        (r"a\/b@R", r"a\/b", "R"),
        ("odd user@R", "odd user", "R"),
        ("björn@EXAMPLE.TEST", "björn", "EXAMPLE.TEST"),
        ("HOST$@AD.TEST", "HOST$", "AD.TEST"),
    ],
)
def test_a_full_principal_is_split_at_its_unescaped_at_sign(text: str, name: str, realm: str) -> None:
    principal = parse_principal(text)
    assert (principal.name, principal.realm) == (name, realm)
    assert str(principal) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no realm"),
        ("alice", "no realm"),
        ("alice@", "realm after the @ is empty"),
        ("@EXAMPLE.TEST", "name before the @ is empty"),
        ("alice@a@B", "two @"),
        ("alice/@R", "empty component"),
        ("/alice@R", "empty component"),
        ("a//b@R", "empty component"),
        (r"alice\@R", "no realm"),
        ("alice\\", "backslash"),
        (r"al\ice@R", "backslash"),
        ("alice\n@R", "control"),
        ("al\x00ice@R", "control"),
        ("al\udcffice@R", "no UTF-8"),
        (" alice@R", "blanks"),
        ("alice@R ", "blanks"),
        ("a" * 600 + "@R", "longer"),
    ],
)
def test_what_is_no_full_principal_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_principal(text)


@given(st.text(alphabet="ab@/\\n ", max_size=12))
def test_a_principal_that_parses_prints_as_it_was_and_parses_again(text: str) -> None:
    try:
        principal = parse_principal(text)
    except ValueError:
        return
    assert str(principal) == text
    assert parse_principal(str(principal)) == principal


@pytest.mark.parametrize(
    ("login", "spelling", "name"),
    [
        (BARE, "alice", "alice"),
        (BARE, "Alice.Mixed", "Alice.Mixed"),
        (BARE, "alice/admin", "alice/admin"),
        (BARE, "svc/newsletter", "svc/newsletter"),
        (BARE, r"bob\@corp.example", r"bob\@corp.example"),
        (BARE, "bob+tag", "bob+tag"),
        (FULL, "alice@EXAMPLE.TEST", "alice"),
        (FULL, r"bob\@corp.example@EXAMPLE.TEST", r"bob\@corp.example"),
        (LOWER, "alice@example.test", "alice"),
        (XTEXT, "bob+2Btag", "bob+tag"),
        (XTEXT, "odd+20user", "odd user"),
        (XTEXT, "bj+C3+B6rn", "björn"),
        (XTEXT, "svc/newsletter", "svc/newsletter"),
        (XFULL, "bob+5C@corp.example@EXAMPLE.TEST", r"bob\@corp.example"),
    ],
)
def test_a_spelling_that_fits_its_row_becomes_the_principal(login: Login, spelling: str, name: str) -> None:
    assert match_login(login, spelling) == Principal(name, "EXAMPLE.TEST")


@pytest.mark.parametrize(
    ("login", "spelling"),
    [
        (BARE, ""),
        (BARE, "alice@"),  # saslauthd takes it for alice
        (BARE, "alice@PARTNER.TEST"),
        (BARE, "@"),
        (BARE, "alice/"),
        (BARE, "alice\\"),
        (BARE, "alice\r"),
        (BARE, "al\udcffice"),
        (BARE, "CORP\\alice"),
        (FULL, "alice"),
        (FULL, "@EXAMPLE.TEST"),
        (FULL, "alice@example.test"),
        (FULL, "alice@PARTNER.TEST"),
        (FULL, "alice@PARTNER.TEST@EXAMPLE.TEST"),
        (FULL, r"alice\@EXAMPLE.TEST"),  # the @ belongs to the name: no realm was said
        (FULL, "alice@EXAMPLE.TEST "),
        (LOWER, "alice@EXAMPLE.TEST"),
        (XTEXT, "bob+2b"),  # RFC 3461 4: upper-case digits
        (XTEXT, "bob+2"),
        (XTEXT, "bob+"),
        (XTEXT, "bob=x"),
        (XTEXT, "odd user"),
        (XTEXT, "bj+F6rn"),  # no UTF-8
        (XTEXT, "björn"),
        (XTEXT, "alice+40PARTNER.TEST"),  # an @ hidden in xtext
        (XTEXT, "alice+00"),
    ],
)
def test_a_spelling_that_does_not_fit_is_no_principal(login: Login, spelling: str) -> None:
    assert match_login(login, spelling) is None


@pytest.mark.parametrize(
    ("spelled", "principal", "spelling"),
    [
        ("svc-{user}", "svc-{user}@R", "svc-"),  # {user} is never empty
        ("{user}", "{user}/mail@R", "alice\\"),  # a backslash of the login must not escape what follows in the row
        ("{user}", "{user}/mail@R", "alice@R"),
        ("ab{user}ba", "{user}@R", "aba"),  # the ends of a template do not share characters
    ],
)
def test_a_login_cannot_break_out_of_its_place_in_the_template(spelled: str, principal: str, spelling: str) -> None:
    assert match_login(Login("submission", ("GSSAPI",), spelled, principal), spelling) is None


def test_a_row_without_user_stands_for_exactly_one_login() -> None:
    row = Login("submission", ("PLAIN",), "ticket-robot", "svc/tickets@EXAMPLE.TEST")
    assert match_login(row, "ticket-robot") == Principal("svc/tickets", "EXAMPLE.TEST")
    assert match_login(row, "ticket-robots") is None
    assert match_login(row, "Ticket-robot") is None


@given(st.text(max_size=40), st.sampled_from([BARE, FULL, LOWER, XTEXT, XFULL]))
def test_no_spelling_raises_and_the_realm_is_always_the_one_of_the_row(spelling: str, login: Login) -> None:
    principal = match_login(login, spelling)
    assert principal is None or (principal.realm == "EXAMPLE.TEST" and can_produce(login, principal))


@given(st.text(alphabet="ab@\\/", max_size=10))
def test_a_spelling_that_names_a_realm_never_fits_a_bare_row(name: str) -> None:
    assert match_login(BARE, name + "@PARTNER.TEST") is None or name.endswith("\\")


@pytest.mark.parametrize(
    ("spelled", "principal", "fault"),
    [
        ("{user}", "{user}@R", ""),
        ("robot", "svc/robot@R", ""),
        ("{user}@r", "{user}/mail@R", ""),
        ("{user}", "alice@R", "everybody"),
        ("alice", "{user}@R", "to fill in"),
        ("{user}{user}", "{user}@R", "once"),
        ("{user}@{realm}", "{user}@R", "in braces"),
        ("{user}", "{user}", "no realm"),
        ("{user}", "alice@{user}", "written out"),
        ("{user}", "\\{user}@R", "backslash"),
    ],
)
def test_templates_that_would_merge_people_or_name_no_principal_are_refused(
    spelled: str, principal: str, fault: str
) -> None:
    found = template_fault(spelled, principal)
    assert fault in found
    assert bool(found) == bool(fault)


def _row(spelled: str, principal: str, encoding: str = "plain") -> Login:
    return Login("submission", ("GSSAPI",), spelled, principal, encoding)


@pytest.mark.parametrize(
    ("one", "other", "collides"),
    [
        (_row("{user}", "{user}@A"), _row("{user}", "{user}@B"), True),
        (_row("{user}", "{user}@A"), _row("{user}", "{user}@A"), False),
        (_row("{user}", "{user}@A"), _row("{user}@B", "{user}@B"), False),
        (_row("{user}", "{user}@A"), _row("svc-{user}", "svc/{user}@A"), True),
        (_row("a-{user}", "{user}@A"), _row("b-{user}", "{user}@B"), False),
        (_row("{user}", "{user}@A"), _row("robot", "svc/robot@A"), True),
        (_row("{user}", "{user}@A"), _row("robot", "robot@A"), False),
        (_row("robot", "a@A"), _row("robot", "b@A"), True),
        (_row("robot", "a@A"), _row("robots", "b@A"), False),
        (_row("{user}", "{user}@A"), _row("{user}", "{user}@A", "xtext"), True),
    ],
)
def test_two_rows_collide_when_one_spelling_would_be_two_principals(one: Login, other: Login, collides: bool) -> None:
    assert bool(collision(one, other)) is collides
    assert bool(collision(other, one)) is collides


@pytest.mark.parametrize(
    ("spelled", "realm"),
    [
        ("{user}", ""),
        ("{user}@R", "R"),
        ("alice@R", "R"),
        ("alice", ""),
        (r"{user}\@corp", ""),
        (r"{user}\@corp@R", "R"),
    ],
)
def test_the_realm_of_a_spelling_follows_its_last_unescaped_at_sign(spelled: str, realm: str) -> None:
    assert realm_spelled(_row(spelled, "{user}@R")) == realm


def test_a_row_can_produce_only_what_fits_its_principal() -> None:
    row = _row("{user}", "{user}/mail@R")
    assert can_produce(row, Principal("alice/mail", "R"))
    assert not can_produce(row, Principal("alice", "R"))
    assert not can_produce(row, Principal("/mail", "R"))
    assert not can_produce(row, Principal("alice/mail", "S"))


def test_names_and_spellings_are_as_long_as_is_allowed_and_no_longer() -> None:
    longest = "a" * 510 + "@R"
    assert str(parse_principal(longest)) == longest
    with pytest.raises(ValueError, match="longer than 512"):
        parse_principal("a" + longest)
    whole = Login("MSA", ("GSSAPI",), "{user}@R", "{user}@R", "xtext")
    assert match_login(whole, "".join(f"+{ord(c):02X}" for c in longest)) == parse_principal(longest)
    for length, expected in ((1_536, True), (1_537, False)):
        fixed = Login("submission", ("GSSAPI",), "x" * length, "alice@R")
        assert (match_login(fixed, "x" * length) is not None) is expected


def test_two_rows_collide_where_one_spells_more_of_the_name_than_the_other() -> None:
    """The longer of two endings is the one that fits both, whichever sorts first."""
    short = Login("submission", ("GSSAPI",), "{user}@EXAMPLE.TEST", "{user}@EXAMPLE.TEST")
    long = Login("submission", ("GSSAPI",), "{user}/admin@EXAMPLE.TEST", "{user}@EXAMPLE.TEST")
    expected = "the login `some-user/admin@EXAMPLE.TEST` would be both "
    assert collision(short, long) == (f"{expected}some-user/admin@EXAMPLE.TEST and some-user@EXAMPLE.TEST")
    assert collision(long, short) == f"{expected}some-user@EXAMPLE.TEST and some-user/admin@EXAMPLE.TEST"
    begins = Login("submission", ("GSSAPI",), "x{user}", "{user}@EXAMPLE.TEST")
    assert collision(BARE, begins) == (
        "the login `xsome-user` would be both xsome-user@EXAMPLE.TEST and some-user@EXAMPLE.TEST"
    )


def test_a_row_without_a_user_makes_its_own_principal_only() -> None:
    fixed = Login("submission", ("GSSAPI",), "scanner", "svc/scan@EXAMPLE.TEST")
    assert can_produce(fixed, Principal("svc/scan", "EXAMPLE.TEST"))
    assert not can_produce(fixed, Principal("svc/scan", "PARTNER.TEST"))
    assert not can_produce(fixed, Principal("scanner", "EXAMPLE.TEST"))


def test_a_realm_is_spelled_only_behind_the_user() -> None:
    assert realm_spelled(Login("s", ("GSSAPI",), "EXAMPLE@{user}", "{user}@R")) == ""
    assert realm_spelled(Login("s", ("GSSAPI",), "scanner@EXAMPLE.TEST", "scan@R")) == "EXAMPLE.TEST"
    assert realm_spelled(Login("s", ("GSSAPI",), r"{user}\x@R", "{user}@R")) == ""


def test_a_fault_of_a_template_names_the_template() -> None:
    good, twice, braces = "{user}@R", "{user}{user}@R", "{users}@R"
    assert template_fault(twice, good) == "{user} may stand once in `spelled`"
    assert template_fault(good, twice) == "{user} may stand once in `principal`"
    assert template_fault(braces, good) == "only {user} may stand in braces in `spelled`"
    assert template_fault(good, braces) == "only {user} may stand in braces in `principal`"
    assert template_fault(good, good) == ""


@pytest.mark.parametrize("c", [chr(n) for n in (*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF)], ids=ascii)
def test_no_control_character_and_no_octet_that_is_not_utf8_stands_in_a_principal(c: str) -> None:
    for text in (f"a{c}b@R", f"{c}b@R", f"a{c}@R", f"a@R{c}"):
        with pytest.raises(ValueError, match="control characters"):
            parse_principal(text)


def test_xtext_is_what_rfc_3461_says() -> None:
    """xchar without "+" and "=", or "+" and two capital hex digits."""
    for code in range(0x80):
        expected = 0x21 <= code <= 0x7E and chr(code) not in "+=@"
        name = match_login(XTEXT, f"a{chr(code)}b")
        assert (name == Principal(f"a{chr(code)}b", "EXAMPLE.TEST")) is expected
    for good, plain in (("+41", "A"), ("+5F", "_"), ("a+2Bb", "a+b"), ("+C3+BC", "ü"), ("x+3D+30", "x=0")):
        assert match_login(XTEXT, good) == Principal(plain, "EXAMPLE.TEST")
    for bad in ("+", "+4", "+4g", "+c3", "a+", "+C3", "a=b", "++", "+ 41", "ü", "a+4Gb", ""):
        assert match_login(XTEXT, bad) is None, bad


def test_a_backslash_escapes_what_krb5_writes_and_nothing_else() -> None:
    for code in range(0x20, 0x7F):
        text = f"a\\{chr(code)}b@R"
        if chr(code) in "@/\\ntb0":
            assert parse_principal(text).name == f"a\\{chr(code)}b"
        else:
            with pytest.raises(ValueError, match="backslash"):
                parse_principal(text)


def test_the_user_of_a_principal_is_a_single_name_without_escapes() -> None:
    for name, user in (("alice", "alice"), ("Alice", "Alice"), ("a/b", ""), ("a\\@b", ""), ("a\\/b/c", ""), ("/", "")):
        assert Principal(name, "R").user == user
