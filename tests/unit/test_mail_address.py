"""The strict address parser: what is refused, and what ordinary people write."""

import pytest

from sealgate.mail.address import (
    MAX_MAILBOXES,
    Address,
    AddressError,
    Mailbox,
    normal_domain,
    parse_address,
    parse_mailbox,
    parse_mailboxes,
    parse_path,
)

_ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
LEGITIMATE = [
    (b"alice@example.test", "", "alice@example.test"),
    (b" alice@example.test ", "", "alice@example.test"),
    (b"Alice <alice@example.test>", "Alice", "alice@example.test"),
    (b'"Example, Alice" <alice@example.test>', "Example, Alice", "alice@example.test"),
    (b"J. R. Alice <alice@example.test>", "J. R. Alice", "alice@example.test"),
    (b"O'Alice <o'alice@example.test>", "O'Alice", "o'alice@example.test"),
    (b"Alice (Sales) <alice@example.test>", "Alice (Sales)", "alice@example.test"),
    (b"alice@example.test (Alice)", "Alice", "alice@example.test"),
    (b"<alice@example.test>", "", "alice@example.test"),
    (b"Alice\r\n <alice@example.test>", "Alice", "alice@example.test"),
    (b"=?utf-8?q?Bj=C3=B6rn?= <bjorn@example.test>", "Björn", "bjorn@example.test"),
    (b"=?utf-8?b?QmrDtnJu?=\r\n =?utf-8?q?_A=2E?= <bjorn@example.test>", "Björn A.", "bjorn@example.test"),
    ("Björn <björn@example.test>".encode(), "Björn", "björn@example.test"),
    ("Bob 👩\u200d💻 <bob@example.test>".encode(), "Bob 👩\u200d💻", "bob@example.test"),
    ("Jörg <joerg@bücher.example>".encode(), "Jörg", "joerg@xn--bcher-kva.example"),
    (b"news+tag@Example.TEST", "", "news+tag@example.test"),
    (b'"bob@x.org via RT" <rt@example.test>', "bob@x.org via RT", "rt@example.test"),
    (b"a@b", "", "a@b"),
    (b"<a@b>", "", "a@b"),
    (b"Alice<alice@example.test>", "Alice", "alice@example.test"),
    (b"(Alice) alice@example.test", "Alice", "alice@example.test"),
    (b"alice@example.test (Alice) (Sales)", "Alice Sales", "alice@example.test"),
    (b" (x)\t<alice@example.test>\t(Alice) ", "x Alice", "alice@example.test"),
    (b"Alice <alice@example.test> (Sales)", "Alice", "alice@example.test"),
    (b"alice@example.test (=?utf-8?q?Bj=C3=B6rn?=)", "Björn", "alice@example.test"),
    (b"Smith & Sons / Mary-Ann <sales@example.test>", "Smith & Sons / Mary-Ann", "sales@example.test"),
    (b"\r\n Alice\r\n\tExample\r\n <alice@example.test>", "Alice Example", "alice@example.test"),
    (b"Alice\n <alice@example.test>", "Alice", "alice@example.test"),
    (b'"a \\"quoted\\" name" <alice@example.test>', 'a "quoted" name', "alice@example.test"),
    (b"=?iso-8859-1?q?Bj=F6rn?= <bjorn@example.test>", "Björn", "bjorn@example.test"),
    (b"=?iso-2022-jp?b?GyRCOzNFRBsoQg==?= <yamada@example.test>", "山田", "yamada@example.test"),
    (b"=?koi8-r?b?6dfBzg==?= <ivan@example.test>", "Иван", "ivan@example.test"),
    (b"=?utf-8*en?q?Alice?= <alice@example.test>", "Alice", "alice@example.test"),
    ("山田　太郎 <yamada@example.test>".encode(), "山田　太郎", "yamada@example.test"),
    ("山田＠営業部 <yamada@example.test>".encode(), "山田＠営業部", "yamada@example.test"),
    ("葛\U000e0100西 <kasai@example.test>".encode(), "葛\U000e0100西", "kasai@example.test"),
    ("אליס <alice@example.test>".encode(), "אליס", "alice@example.test"),
    ("علی\u200cرضا <ali@example.test>".encode(), "علی\u200cرضا", "ali@example.test"),
    ("क्\u200dष <k@example.test>".encode(), "क्\u200dष", "k@example.test"),
    ("อลิซ <alice@example.test>".encode(), "อลิซ", "alice@example.test"),
    ("Ελένη <eleni@example.test>".encode(), "Ελένη", "eleni@example.test"),
    ("Bob ❤\ufe0f <bob@example.test>".encode(), "Bob ❤\ufe0f", "bob@example.test"),
    ("No 1\ufe0f\u20e3 <bob@example.test>".encode(), "No 1\ufe0f\u20e3", "bob@example.test"),
    ("Bob 🏳\ufe0f\u200d🌈 <bob@example.test>".encode(), "Bob 🏳\ufe0f\u200d🌈", "bob@example.test"),
    (f"Bob {_ENGLAND} <bob@example.test>".encode(), f"Bob {_ENGLAND}", "bob@example.test"),
    ("Bob \U0001fae8 <bob@example.test>".encode(), "Bob \U0001fae8", "bob@example.test"),
    ("Jörg <joerg@пример.example>".encode(), "Jörg", "joerg@xn--e1afmkfd.example"),
    (b"Jorg <joerg@XN--BCHER-KVA.example>", "Jorg", "joerg@xn--bcher-kva.example"),
    (b"a" * 64 + b"@mail.eu.example.test", "", "a" * 64 + "@mail.eu.example.test"),
]

HOSTILE = {
    "two mailboxes": b"mallory@example.test, dean@example.test",
    "two mailboxes in brackets": b"<mallory@example.test> <dean@example.test>",
    "group": b"Group: dean@example.test;",
    "empty group": b"undisclosed:;",
    "route": b"<@mallory.test:dean@example.test>",
    "two @": b"dean@example.test@mallory.test",
    "two @ in brackets": b"<mallory@mallory.test@example.test>",
    "unquoted address as name": b"dean@example.test <mallory@mallory.test>",
    "percent": b"dean%example.test@mallory.test",
    "bang": b"example.test!dean@mallory.test",
    "quoted local part": b'"dean@example.test"@mallory.test',
    "quoted local part in brackets": b'<"dean"@example.test>',
    "encoded-word in the address": b"=?utf-8?q?dean=40example.test?=@mallory.test",
    "comment before the address": b"(a@b.test)dean@example.test,",
    "comment in the domain": b"dean@example.test(.mallory.test)x",
    "address in a comment": b"mallory@mallory.test (dean@example.test)",
    "nested comment": b"mallory@mallory.test ((x))",
    "open comment": b"mallory@mallory.test (",
    "open quote": b'"Dean <dean@example.test>',
    "open bracket": b"Dean <dean@example.test",
    "stray bracket": b"dean@example.test>",
    "empty brackets": b"dean@example.test <>",
    "text after": b"<mallory@mallory.test> dean",
    "NUL": b"mallory@mallory.test\0ceo@example.test",
    "bare CR": b"mallory@mallory.test\rceo",
    "vertical tab": b"Dean\x0b <mallory@mallory.test>",
    "NEL": "Dean\x85 <mallory@mallory.test>".encode(),
    "U+2028": "Dean\u2028 <mallory@mallory.test>".encode(),
    "right-to-left override": "\u202etset.elpmaxe@oec <mallory@mallory.test>".encode(),
    "zero width space": "Ce\u200bo <mallory@mallory.test>".encode(),
    "soft hyphen in the address": "c\u00adeo@example.test".encode(),
    "joiner in the address": "c\u200deo@example.test".encode(),
    "full-width @": "dean＠example.test <mallory@mallory.test>".encode(),
    "full-width dot": "dean@example．test".encode(),
    "ideographic dot": "dean@example。test".encode(),
    "full-width letters": "ｃeo@example.test".encode(),
    "overlong UTF-8": b"dean\xc1\x80example.test",
    "Latin-1": b"Bj\xf6rn <bjorn@example.test>",
    "literal": b"dean@[192.0.2.1]",
    "trailing dot": b"dean@example.test.",
    "no domain": b"dean",
    "empty": b"",
    "line break in an encoded name": b"=?utf-8?q?Dean=0D=0AX=3A?= <mallory@mallory.test>",
    "dots": b"c..eo@example.test",
    "blank in brackets": b"< dean@example.test >",
    "backslash in a comment": b"mallory@mallory.test (\\)",
    "space in the domain": b"dean@example.test mallory.test",
    "trailing CR": b"dean@example.test\r",
    "blank line in the field": b"Dean\r\n \r\n <dean@example.test>",
    "form feed": b"Dean\x0c <dean@example.test>",
    "unit separator": b"Dean\x1f <dean@example.test>",
    "DEL": b"Dean\x7f <dean@example.test>",
    "name that begins with a dot": b".Dean <dean@example.test>",
    "name without quotes around a comma": b"Example, Dean <dean@example.test>",
    "encoded-word in the domain": b"dean@=?utf-8?q?example?=.test",
    "encoded-word before the address": b"=?utf-8?q?=3Cdean=40example.test=3E?=mallory@mallory.test",
    "address in an encoded comment": b"mallory@mallory.test (=?utf-8?q?dean=40example.test?=)",
    "line break in an encoded comment": b"mallory@mallory.test (=?utf-8?q?x=0Ay?=)",
    "NUL in an encoded name": b"=?utf-8?q?Dean=00?= <mallory@mallory.test>",
    "bidi override in an encoded name": b"=?utf-8?q?=E2=80=AEDean?= <mallory@mallory.test>",
    "full-width @ in an encoded name": b"=?utf-8?q?dean=EF=BC=A0example.test?= <mallory@mallory.test>",
    "small @ and ideographic dot": "dean﹫example。test <mallory@mallory.test>".encode(),
    "route without @ at the end": b"<@a.test,@b.test:dean@example.test>",
    "two addresses in brackets": b"<dean@example.test,mallory@mallory.test>",
    "brackets in brackets": b"<<dean@example.test>>",
    "comment in the brackets": b"<dean(x)@example.test>",
    "quoted local part with an address in it": b'"dean@example.test "@mallory.test',
    "quoted pair in the local part": b"dean\\@example.test@mallory.test",
    "tab in brackets": b"<dean@example.test\t>",
    "underscore in the domain": b"dean@exam_ple.test",
    "mixed alphabets in the domain": "dean@еxample.test".encode(),
    "mixed alphabets in the local part": "dеan@example.test".encode(),
    "A-label of a mixed label": b"dean@xn--xample-2of.test",
    "A-label of ASCII": b"dean@xn--example-.test",
    "Kelvin sign": "dean@\u212aelvin.test".encode(),
    "blank of Braille": "Dean\u2800 <mallory@mallory.test>".encode(),
    "emoji style without an emoji": "Dean\ufe0f <mallory@mallory.test>".encode(),
    "tags without a flag": "Dean\U000e0061 <mallory@mallory.test>".encode(),
    "joiner after a blank": "Dean \u200d <mallory@mallory.test>".encode(),
    "private use": "Dean \uf8ff <mallory@mallory.test>".encode(),
    "name and address without brackets": b"Dean dean@example.test",
    "quoted name and address without brackets": b'"Dean" dean@example.test',
    "line break in an encoded comment after a name": b"Dean <dean@example.test> (=?utf-8?q?x=0Ay?=)",
    "variation selector in the local part": "葛\U000e0100@example.test".encode(),
    "local part of 65 octets": b"a" * 65 + b"@example.test",
    "long field": b"a" * 2_000 + b" <a@b>",
}
INVISIBLE = (
    "\u00a0\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180e\u200b\u200e\u202e\u2060\u2066\u2800\u3000\u3164"
    "\ufe00\ufe0f\ufeff\uffa0\U000e0001\U000e0061\U000e0100"
)


@pytest.mark.parametrize(("value", "name", "address"), LEGITIMATE)
def test_ordinary_mailboxes_are_read(value: bytes, name: str, address: str) -> None:
    box = parse_mailbox(value)
    assert (box.name, str(box.address)) == (name, address)


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_two_readers_show_differently_is_refused(value: bytes) -> None:
    with pytest.raises(AddressError):
        parse_mailbox(value)


def test_a_path_has_brackets_or_comes_from_local_submission() -> None:
    assert parse_path(b"<Alice@Example.TEST>") == Address("Alice", "example.test")
    assert parse_path(b"alice@example.test") == Address("alice", "example.test")
    for bad in (b"<>", b"", b"<@relay.test:alice@example.test>", b"<alice>", b"<alice@example.test", b"< a@b.test>"):
        with pytest.raises(AddressError):
            parse_path(bad)


def test_labels_of_both_forms_are_one_domain() -> None:
    assert normal_domain("BÜCHER.example") == normal_domain("xn--bcher-kva.example") == "xn--bcher-kva.example"
    for bad in ("xn--zzzzzz-.example", "-a.example", "a_b.example", "a" * 64 + ".example", ".".join(["abcdefg"] * 40)):
        with pytest.raises(AddressError):
            normal_domain(bad)
    for bad in (
        "xn--example-.test",
        "xn--.test",
        "xn--xn--bcher-kva-.test",
        "xn--xample-2of.test",
        "bu\u0308cher.test",
    ):
        with pytest.raises(AddressError):
            normal_domain(bad)


def test_an_a_label_must_be_the_one_that_its_letters_give() -> None:
    assert b"-xmf".decode("punycode") == b"xmf".decode("punycode")
    assert normal_domain("xn--xmf.test") == "xn--xmf.test"
    with pytest.raises(AddressError):
        normal_domain("xn---xmf.test")


@pytest.mark.parametrize("c", [*INVISIBLE], ids=[f"U+{ord(c):04X}" for c in INVISIBLE])
def test_nothing_invisible_stands_in_an_address(c: str) -> None:
    for text in (f"de{c}an@example.test", f"dean@exam{c}ple.test", f"dean{c}@example.test", f"dé{c}an@example.test"):
        for value in (text, f"Dean <{text}>"):
            with pytest.raises(AddressError):
                parse_mailbox(value.encode())


@pytest.mark.parametrize("value", [value for value, *_ in LEGITIMATE])
def test_a_list_of_mailboxes_is_read_as_each_alone(value: bytes) -> None:
    box = parse_mailbox(value)
    assert parse_mailboxes(value) == (box,)
    assert parse_mailboxes(value + b" , " + value + b",\r\n a@b") == (box, box, parse_mailbox(b"a@b"))
    with pytest.raises(AddressError, match="more than one"):
        parse_mailbox(value + b", a@b")


def test_a_list_has_no_empty_places_and_no_groups() -> None:
    for bad in (b"", b",", b"a@b,", b",a@b", b"a@b,,c@d", b"a@b, (x), c@d", b"G: a@b;", b"a@b; c@d", b"a@b, Dean, c@d"):
        with pytest.raises(AddressError):
            parse_mailboxes(bad)


def test_a_list_is_capped() -> None:
    assert len(parse_mailboxes(b",".join([b"a@b"] * MAX_MAILBOXES))) == MAX_MAILBOXES
    with pytest.raises(AddressError, match="100"):
        parse_mailboxes(b",".join([b"a@b"] * (MAX_MAILBOXES + 1)))
    with pytest.raises(AddressError, match="too long"):
        parse_mailboxes(b"a" * 16_000 + b"@b")
    with pytest.raises(AddressError, match="name is too long"):
        parse_mailboxes(b'"' + b"a" * 3_000 + b'" <a@b>')


def test_a_refusal_says_what_to_do() -> None:
    for value, word in (
        (b"Example, Alice <a@b>", "comma"),
        (b"Alice: <a@b>", "colon"),
        (b"a@b <a@b>", "unquoted @|more after"),
        (b"Alice", "no address"),
        (b'"Alice <a@b>', 'closing "'),
        (b"Bj\xf6rn <a@b>", "UTF-8"),
        ("a\u200bb <a@b>".encode(), r"U\+200B"),
    ):
        with pytest.raises(AddressError, match=word):
            parse_mailbox(value)


def test_a_label_may_begin_and_end_with_a_digit_and_with_no_hyphen() -> None:
    for domain in ("1.test", "1a.a1.1a1", "a-1.b--c.test", "0"):
        assert normal_domain(domain) == domain
    for bad in ("-.test", "-a.test", "a-.test", "a.-", "a..b", ".a", "a.", "", "a b", "a_b"):
        with pytest.raises(AddressError):
            normal_domain(bad)


def test_a_domain_is_at_most_253_octets_in_both_forms() -> None:
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(longest) == 253
    assert normal_domain(longest) == longest
    with pytest.raises(AddressError, match="too long"):
        normal_domain(longest + "b")
    labels = ["b\u00fc" + "c" * 28] * 7  # 216 characters, and 7 octets more a label as A-labels
    assert len(normal_domain(".".join(labels[1:]))) == 227
    with pytest.raises(AddressError):
        normal_domain(".".join(labels))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"dean", "no address"),
        (b"<dean>", "no @ and domain"),
        (b"a@b@c.test", "more than one @"),
        (b"<a@b@c.test>", "more than one @"),
        (b'<"dean"@c.test>', "quoted local parts"),
        (b"<a%b@c.test>", "percent and bang"),
        (b"<a!b@c.test>", "percent and bang"),
        (b"<a!b%c@c.test>", "percent and bang"),
        (b"<=?utf-8?q?a?=@c.test>", "encoded-word cannot be part of an address"),
        (b"<a..b@c.test>", "plain local part"),
        (b"<@c.test>", "plain local part"),
        (b"a" * 65 + b"@c.test", "plain local part"),
        (b"<\xef\xbd\x83eo@c.test>", "before the @ holds characters that readers fold"),
        ("<\u2713@c.test>".encode(), "no letters, digits or marks"),
        ("<d\u0435an@c.test>".encode(), "before the @ mixes alphabets"),
        ("<dean@\u0435xample.test>".encode(), "part of the domain mixes alphabets"),
        ("<dean@\uff23.test>".encode(), "domain holds characters that readers fold"),
        ("<dean@c\u3002test>".encode(), "dot that is none in ASCII"),
        ("<dean@c\uff0etest>".encode(), "dot that is none in ASCII"),
        ("<dean@c\uff61test>".encode(), "dot that is none in ASCII"),
        (b"<dean@xn--xample-2of.test>", "part of the domain mixes alphabets"),
        (b"<dean@xn---xmf.test>", "says something else than it is|not valid under IDNA 2008"),
        ("<dean@\u2713.test>".encode(), "not valid under IDNA 2008"),
        (b"<dean@-c.test>", "not a plain host name"),
        (b"<dean@c.test.>", "not a plain host name"),
        (b"", "the field is empty"),
        (b" \t ", "the field is empty"),
        (b"a" * 2_001, "the field is too long"),
        (b"Dean\r\n \r\n <a@b>", "nothing but blanks"),
        (b"Dean\n\t", "nothing but blanks"),
        (b"Dean\0 <a@b>", r"U\+0000"),
        (b"Bj\xf6rn <a@b>", "not valid UTF-8"),
        (b"a@b (=?utf-8?q?=40?=)", "encoded comment holds brackets"),
        (b"Dean <a@b> (=?utf-8?q?=22?=)", "encoded comment holds brackets"),
        (b"=?unknown?q?x?= <a@b>", "encoded-word that cannot be read"),
        (b"Dean <a@b> (=?unknown?q?x?=)", "encoded-word that cannot be read"),
        ("dean\uff20c.test <a@b>".encode(), "looks like an @"),
        (b"<a@b> dean", "more after the address"),
        (b"<a@b> <c@d>", "more after the address"),
        (b"Dean a@b", "unquoted @"),
        (b".Dean <a@b>", "begins with a dot"),
        (b"Dean, <a@b>", "comma of the name is not in double quotes"),
        (b", <a@b>", "no address before a comma"),
        (b"(Dean)", "no address in the field"),
        (b"Dean <>", "nothing between < and >"),
        (b"Dean <a@b", "closing > is missing"),
        (b"a@b (Dean", r"closing \) is missing"),
        (b'"Dean <a@b>', 'closing " is missing'),
        (b'"De\\', 'closing " is missing'),
        (b"a@b (x@y)", "a comment holds brackets"),
        (b"a@b (x(y))", "a comment holds brackets"),
        (b"Dean> <a@b>", "> stands without its <"),
        (b"Dean) <a@b>", r"\) stands without its \("),
        (b"Dean: a@b;", "a colon of the name"),
        (b"a@b;", "a semicolon of the name"),
        (b"[Dean] <a@b>", "a bracket or backslash"),
        (b"De\\an <a@b>", "a bracket or backslash"),
        (b"<a@b>, <c@d>", "more than one mailbox"),
    ],
)  # fmt: skip
def test_each_refusal_says_its_own_reason(value: bytes, reason: str) -> None:
    """The sender is told these words, and nothing else tells it what to mend."""
    with pytest.raises(AddressError, match=reason):
        parse_mailbox(value)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<@a.test:dean@b.test>", "source route"),
        (b"@a.test:dean@b.test", "source route"),
        (b"<>", "no @ and domain"),
        (b"<dean@b.test", "plain local part"),
        (b"dean@b.test>", "not a plain host name"),
        (b"<dean@b.test>x", "plain local part"),
        (b"x" * 1_001, "too long"),
    ],
)
def test_each_refusal_of_a_path_says_its_own_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(AddressError, match=reason):
        parse_path(raw)


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        (b"Alice <a@b> (X-Ray, 2 = 2?)", "Alice", "a@b"),
        (b"a@b (X)", "X", "a@b"),
        (b"Why=? <a@b>", "Why=?", "a@b"),
        (b"=?what Alice? <a@b>", "=?what Alice?", "a@b"),
        ("<dean.\u0438\u0432\u0430\u043d@b.test>".encode(), "", "dean.\u0438\u0432\u0430\u043d@b.test"),
        ("Dean \uff20 home <a@b>".encode(), "Dean \uff20 home", "a@b"),
        (b'"" <a@b>', "", "a@b"),
        (b'"De\\\\an" <a@b>', "De\\an", "a@b"),
        (b'"De\\"an" "x" <a@b>', 'De"an x', "a@b"),
        (b"Alice\t(Sales) Example<a@b>(x)", "Alice (Sales) Example", "a@b"),
        (b"a1#$&'*+/?=^_{|}~-z@b.test", "", "a1#$&'*+/?=^_{|}~-z@b.test"),
        (b"a#.A$&'*+/?=^_{|}~-9.z@b.test", "", "a#.A$&'*+/?=^_{|}~-9.z@b.test"),
        ("\u00fc.\u00fc@b.test".encode(), "", "\u00fc.\u00fc@b.test"),
    ],
)
def test_what_looks_odd_and_is_plain_is_read(value: bytes, name: str, address: str) -> None:
    box = parse_mailbox(value)
    assert (box.name, str(box.address)) == (name, address)


@pytest.mark.parametrize("c", [c for c in map(chr, range(0x80)) if not c.isalnum() and c not in "#$&'*+/=?^_{|}~-."])
def test_a_local_part_holds_no_other_character_of_ascii(c: str) -> None:
    for local in (f"a{c}b", f"{c}b", f"a{c}", f"a.{c}b", f"a.b{c}"):
        with pytest.raises(AddressError):
            parse_address(f"{local}@b.test".encode())


def test_the_caps_are_reached_before_they_refuse() -> None:
    def field(octets: int) -> bytes:
        return b'"' + b"a" * (octets - 8) + b'" <a@b>'

    assert len(field(2_000)) == 2_000
    assert len(parse_mailbox(field(2_000)).name) == 1_992
    assert len(parse_mailboxes(field(2_008))[0].name) == 2_000
    for read, octets, reason in (
        (parse_mailbox, 2_001, "field is too long"),
        (parse_mailboxes, 2_009, "name is too long"),
        (parse_mailboxes, 16_000, "name is too long"),
        (parse_mailboxes, 16_001, "field is too long"),
    ):
        with pytest.raises(AddressError, match=reason):
            read(field(octets))
    with pytest.raises(AddressError, match="local part"):
        parse_address(b"a" * 998 + b"@b")
    with pytest.raises(AddressError, match="address is too long"):
        parse_address(b"a" * 999 + b"@b")
    assert parse_address(("\u00fc" * 32 + "@b.test").encode()).local == "\u00fc" * 32
    with pytest.raises(AddressError):
        parse_address(("\u00fc" * 32 + "a@b.test").encode())


@pytest.mark.parametrize("at", ["\uff20", "\ufe6b"])
@pytest.mark.parametrize("dot", [*".\u2024\u2025\u2026\u3002\uff0e\uff61\ufe52"])
def test_an_odd_at_before_any_dot_is_refused_in_a_name_and_in_its_comment(at: str, dot: str) -> None:
    for value in (f"Dean {at} x y{dot} <a@b>", f'"{at}{dot}" <a@b>', f"Dean <a@b> ({at}x{dot}y)", f"a@b ({at}{dot})"):
        with pytest.raises(AddressError, match="looks like an @"):
            parse_mailbox(value.encode())
    assert parse_mailbox(f"Dean {dot} {at} home <a@b>".encode()).name


@pytest.mark.parametrize(
    "value",
    [
        b"a@b\r\n ",
        b"a@b\n\t \t",
        b"\r\n\r\n a@b",
        b"\r\n \r\n a@b",
        b"\n\n a@b",
        b"Dean\r\n\t \t\r\n <a@b>",
        b"\n \n a@b",
        b"\n",
    ],
)
def test_no_line_of_a_field_is_blank(value: bytes) -> None:
    with pytest.raises(AddressError, match="nothing but blanks"):
        parse_mailbox(value)


def test_only_a_line_end_before_a_blank_is_a_fold() -> None:
    for fold in (b"\r\n ", b"\n ", b"\r\n\t", b"\n\t"):
        assert parse_mailbox(b"Dean" + fold + b"Dean <a@b>").name == "Dean Dean"
    for bad in (b"Dean\r\nDean <a@b>", b"Dean\nDean <a@b>", b"Dean\r\r\n <a@b>", b"Dean\r Dean <a@b>"):
        with pytest.raises(AddressError, match="control"):
            parse_mailbox(bad)


@pytest.mark.parametrize("charset", ["x", "x" * 60, "utf-8*" + "e" * 54])
@pytest.mark.parametrize("encoding", [*"bBqQ"])
def test_an_encoded_word_of_whatever_charset_is_read_or_refused(charset: str, encoding: str) -> None:
    for value in (f"=?{charset}?{encoding}?Y2Vv?= <a@b>", f"Dean =?{charset}?{encoding}?= <a@b>"):
        with pytest.raises(AddressError, match="encoded-word that cannot be read"):
            parse_mailbox(value.encode())


@pytest.mark.parametrize("charset", ["utf-8*" + "e" * 60, "utf-8 ", " utf-8", ""], ids=ascii)
def test_what_only_some_readers_take_for_an_encoded_word_is_refused_too(charset: str) -> None:
    """Python's email decodes each of these; `ceo@example.test` would stand in the name of somebody else's mail."""
    with pytest.raises(AddressError):
        parse_mailbox(f"=?{charset}?q?ceo=40example.test?= <alice@example.test>".encode())


@pytest.mark.parametrize("c", [*"#$&'*+/=?^_{|}~-09azAZ\u00fc"])
def test_every_part_of_a_local_part_may_hold_every_character(c: str) -> None:
    for local in (c, f"{c}.{c}", f"a.b{c}.{c}d"):
        assert parse_address(f"{local}@b.test".encode()) == Address(local, "b.test")


@pytest.mark.parametrize("charset", [b"unknown-8bit", b"x-unknown"])
def test_a_name_in_an_unknown_charset_that_says_so_is_honest(charset: bytes) -> None:
    """RFC 1428 3 names `unknown-8bit` for just that; mutt, Alpine and gateways write it. Read as windows-1252."""
    assert parse_mailbox(b"=?" + charset + b"?q?Jos=E9?= <alice@example.test>").address.local == "alice"


@pytest.mark.parametrize(
    "name",
    [
        b"=?utf-8?b?Y2VvQGV4YW1?= =?utf-8?b?wbGUudGVzdA==?=",
        b"=?utf-8?b?YW?= =?utf-8?b?xpY2U=?=",
        b"=?utf-8?q?=EF=BC?= =?utf-8?q?=A3arol_Chief?=",
        b"=?us-ascii?q?=EF=BC?= =?us-ascii?q?=A3arol_Chief?=",
        b"=?utf-8?q?ceo=4?= =?utf-8?q?0example.test?=",
        b"=?utf-8?q?ceo=40exa=FFmple.test?=",
        b"=?utf-8?q?ceo=3?=",
        b"=?utf-8?b?Y2Vv=QGV4?=",
        b"=?iso-2022-jp?b?GyRCOzM=?= =?iso-2022-jp?b?RBsoQg==?=",
        b"=?utf-16be?q?ceo=40example.test?=",
        b"=?utf-16?b?AGEAYg==?=",
        b"=?hz-gb-2312?q?~{ceo=40example.test~}?=",
    ],
)
@pytest.mark.parametrize(
    "form", [b"%s <alice@example.test>", b"alice@example.test (%s)", b"A <alice@example.test> (%s)"]
)
def test_an_encoded_word_that_readers_show_differently_is_refused(name: bytes, form: bytes) -> None:
    """Some join neighbours before they decode them, some drop what they cannot read, some show the octets.

    RFC 2047 5 forbids to cut within a character; UTF-16 (RFC 2781 4.1) and HZ are no charsets for header fields.
    """
    with pytest.raises(AddressError, match="encoded"):
        parse_mailbox(form % name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"=?utf-8?b?w6Q?=", "\u00e4"),
        (b"=?utf-8?b?w6Q=?= =?utf-8?b?w7Y=?=", "\u00e4\u00f6"),
        (b"=?utf-8?q?=EF=BF=BD?=", "\ufffd"),
        (b"=?us-ascii?q?Jos=E9?= =?us-ascii?q?_B?=", "Jos\u00e9 B"),
        (b"=?iso-2022-jp?b?GyRCOzMbKEI=?= =?iso-2022-jp?b?GyRCOzMbKEI=?=", "\u5c71\u5c71"),
    ],
)
def test_an_encoded_word_that_is_whole_is_read(name: bytes, shown: str) -> None:
    assert parse_mailbox(name + b" <alice@example.test>").name == shown


def test_a_comment_behind_a_named_address_is_kept_beside_the_name() -> None:
    """Before the address it is part of the name, and without a name it is the name."""
    for value, name, comment in (
        (b"Bob <a@b> (Sales) (=?utf-8?q?K=C3=B6ln?=)", "Bob", "Sales K\u00f6ln"),
        (b"Bob (Sales) <a@b>", "Bob (Sales)", ""),
        (b"Bob (Sales) <a@b> (x)", "Bob (Sales)", "x"),
        (b"(Sales) <a@b> (x)", "Sales x", ""),
        (b"a@b (Sales)", "Sales", ""),
    ):
        assert parse_mailbox(value) == Mailbox(name, Address("a", "b"), comment), value
    with pytest.raises(AddressError, match="name is too long"):
        parse_mailboxes(b"a" * 1_500 + b" <a@b> (" + b"a" * 501 + b")")
