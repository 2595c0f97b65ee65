"""Domains and rows of signatures: what is read, and each error with its place and what to write instead."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.address import Address
from sealgate.profile.model import (
    OWN_KEYS,
    Auid,
    AuthorPattern,
    Domain,
    Form,
    KeySource,
    Problem,
    Profile,
    SignatureRow,
)
from sealgate.profile.parse import parse_profile
from sealgate.profile.parse_seal import MAX_ROWS, MAX_SIGNATURES, MAX_TTL
from sealgate.seal.keys import KeyRefused, load

CONF = Path(__file__).resolve().parents[2] / "conf" / "profile.yaml"

BEFORE = "version: 1\nrealms: {EXAMPLE.TEST: exact}\nidentities: {news: {principals: [svc/news@EXAMPLE.TEST]}}\n"
DOMAINS = """\
domains:
  example.test:
    sign: yes
    keys:
      - {selector: s1, file: /k/1}
      - {selector: s2, file: /k/2}
  mailer.example: {sign: no, keys: [{selector: m1, file: /k/m}]}
"""


def read(text: str) -> tuple[Profile | None, tuple[Problem, ...]]:
    return parse_profile(BEFORE + text, "p", known_rules=frozenset())


def domain(settings: str) -> Domain:
    profile, problems = read(f"domains:\n  example.test:\n    sign: yes\n    {settings}\n")
    assert problems == (), problems
    assert profile is not None
    return profile.domains["example.test"]


def row(text: str) -> SignatureRow:
    profile, problems = read(f"{DOMAINS}signatures:\n  - {text}\n")
    assert problems == (), problems
    assert profile is not None
    (found,) = profile.signatures
    return found


def told(text: str) -> list[str]:
    """What is said of a profile: place in the part under test, the words, and the suggestion."""
    profile, problems = read(text)
    assert profile is None
    skipped = BEFORE.count("\n")
    return [f"{p.line - skipped}:{p.column} {p.message} | {p.suggestion}" for p in problems if p.is_error]


def test_what_a_domain_is_without_another_word() -> None:
    place = f"p:{BEFORE.count(chr(10)) + 2}"
    assert domain("keys: []") == Domain("example.test", sign=True, place=place)
    assert domain("keys: []").header_form is domain("keys: []").body_form is Form.RELAXED


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    [
        ("canonicalization: simple/relaxed", "header_form", Form.SIMPLE),
        ("canonicalization: simple/relaxed", "body_form", Form.RELAXED),
        ("canonicalization: relaxed/simple", "body_form", Form.SIMPLE),
        ("auid: domain", "auid", Auid.DOMAIN),
        ("auid: author", "auid", Auid.AUTHOR),
        ("timestamp: no", "timestamp", False),
        ("subdomains: yes", "subdomains", True),
        ("signature_ttl: 14d", "ttl", 1_209_600),
        ("signature_ttl: 36h", "ttl", 129_600),
        ("signature_ttl: 30m", "ttl", 1_800),
        ("signature_ttl: 900s", "ttl", 900),
        ("signature_ttl: 3650d", "ttl", MAX_TTL),
    ],
)
def test_what_a_domain_may_say(settings: str, field: str, value: object) -> None:
    assert getattr(domain(settings), field) == value


SELECTORS = ["s1", "S1", "default_2020", "_x", "a.b-c.d", "x" * 63, "1", "-a", "a-", "a..b", ".a", "a.", "x" * 64,
             "ä", "a/b", "*", "a b"]  # fmt: skip


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_selector_is_read_here_just_where_a_key_can_be_loaded_under_it(selector: str) -> None:
    """What the profile lets through and `seal.keys` refuses would be found only when the key is read."""
    text = f"domains: {{a.test: {{sign: yes, keys: [{{selector: '{selector}', file: /k}}]}}}}\n"
    profile, problems = read(text)
    try:
        load((Path(__file__).parent / "keys" / "ed25519.pem").read_bytes(), "a.test", selector)
    except KeyRefused:
        assert profile is None
        assert [p.message.rpartition("` ")[2] for p in problems] == ["is no selector"]
    else:
        assert profile is not None, problems


def test_a_name_is_folded_and_written_in_a_labels() -> None:
    profile, problems = read("domains: {BÜCHER.Test: {sign: no}}\n")
    assert problems == ()
    assert profile is not None
    assert list(profile.domains) == ["xn--bcher-kva.test"]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("domains: {-a-: {sign: no}}", ["1:11 `-a-` is no mail domain: … | "]),
        ("domains:\n  a.test: {sign: no}\n  A.test: {sign: no}", ["3:3 domain a.test was already given at p:5:3 | "]),
        ("domains:\n  a.test: {}",
         ["2:3 domain `a.test` does not say whether it signs | write `sign: yes` or `sign: no`"]),
        ("domains:\n  a.test: {sign: maybe}", ["2:18 `sign` must be yes or no, not `maybe` | …"]),
        ("domains:\n  a.test: {sign: no, key: []}",
         ["2:22 domain `a.test` has no field `key` | did you mean `keys`?…"]),
        ("domains:\n  a.test: {sign: no, canonicalization: relaxed}",
         ["2:40 `canonicalization` must be one of: …; not `relaxed` | did you mean `…relaxed`?"]),
        ("domains:\n  a.test: {sign: no, auid: authors}", ["2:28 …`authors`… | …author…"]),
        ("domains:\n  a.test: {sign: no, timestamp: 1}", ["2:33 `timestamp` must be yes or no, not `1` | …"]),
        *((f"domains:\n  a.test: {{sign: no, signature_ttl: {bad}}}",
           [f"2:37 `signature_ttl` must be a span of time, not `{bad}` | a number and s, m, h or d, such as 14d"])
          for bad in ("14", "0d", "14w", "1.5d", "-1d", "3651d", "14 d", "999999999d")),
        # Keys.
        ("domains:\n  a.test: {sign: yes, keys: [{file: /k}]}", ["2:30 …selector… | …"]),
        ("domains:\n  a.test: {sign: yes, keys: [{selector: s}]}", ["2:30 …file… | …"]),
        ("domains:\n  a.test: {sign: yes, keys: [{selector: 'a b', file: /k}]}",
         ["2:31 `a b` is no selector | letters, digits and hyphens, such as s2026"]),
        ("domains:\n  a.test: {sign: yes, keys: [{selector: s, file: k.pem}]}",
         ["2:44 the key file must be an absolute path | such as /etc/sealgate/keys/..."]),
        ("domains:\n  a.test: {sign: yes, keys: [{selector: s, file: /a}, {selector: S, file: /b}]}",
         ["2:55 selector S was already given at p:5:30 | "]),
        ("domains:\n  a.test: {sign: yes, keys: [s1]}",
         ["2:30 a key must be a mapping with its fields, not `s1` | write {selector: ...}"]),
    ],
)  # fmt: skip
def test_an_error_of_a_domain_has_a_place_and_a_way_out(text: str, problems: list[str]) -> None:
    fits(told(text + "\n"), problems)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{authors: '*', keys: own}", SignatureRow(((OWN_KEYS, ""),), (AuthorPattern("", "*"),))),
        ("{identities: news, keys: own}", SignatureRow(((OWN_KEYS, ""),), identities=("news",))),
        ("{authors: A.B@Example.TEST, keys: Example.test/s1, last: yes}",
         SignatureRow((("example.test", "s1"),), (AuthorPattern("a.b", "example.test"),), is_last=True)),
        ("{authors: ['@a.test', '@.a.test'], keys: [own, mailer.example]}",
         SignatureRow(((OWN_KEYS, ""), ("mailer.example", "")),
                      (AuthorPattern("", "a.test"), AuthorPattern("", ".a.test")))),
        ("{authors: '@.BÜCHER.test', keys: own}",
         SignatureRow(((OWN_KEYS, ""),), (AuthorPattern("", ".xn--bcher-kva.test"),))),
        # Named twice, it signs once.
        ("{authors: '*', keys: [example.test/s1, EXAMPLE.test/s1, own, own]}",
         SignatureRow((("example.test", "s1"), (OWN_KEYS, "")), (AuthorPattern("", "*"),))),
    ],
)  # fmt: skip
def test_what_a_row_may_say(text: str, wanted: SignatureRow) -> None:
    found = row(text)
    assert found == wanted
    assert found.place == f"p:{(BEFORE + DOMAINS).count(chr(10)) + 2}"


HINT = 'an address, "@example.test", "@.example.test" for the hosts below, or "*"'


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{keys: own}", ["2:5 a row of `signatures` fits nobody | say `authors:`, `identities:` or both"]),
        # An empty list would be everybody.
        ("{authors: [], keys: own}", ["2:6 `authors` names nobody | leave it out, or name somebody"]),
        ("{authors: , identities: news, keys: own}", ["2:6 `authors` names nobody | leave it out, or name somebody"]),
        ("{identities: [], keys: own}", ["2:6 `identities` names nobody | leave it out, or name somebody"]),
        ("{authors: '', keys: own}", ["2:15 an entry of `authors` is empty | "]),
        ("{authors: '*'}", ["2:5 a row of `signatures` needs `keys` | such as [own]"]),
        ("{authors: '*', keys: []}", ["2:5 a row of `signatures` needs `keys` | such as [own]"]),
        ("{authors: '*', keys: own, lasts: yes}",
         ["2:31 a row of `signatures` has no field `lasts` | did you mean `last`?…"]),
        ("{authors: '*', keys: own, last: 1}", ["2:37 `last` must be yes or no, not `1` | …"]),
        ("own", ["2:5 a row of `signatures` must be a … | …"]),
        ("{identities: new, keys: own}", ["2:18 there is no identity `new` | …news…"]),
        *((f"{{authors: '{bad}', keys: own}}", [f"2:15 `{bad}` is no author: … | {HINT}"])
          for bad in ("@", "@.", "@..a.test", "example.test", "a b@c.test", "*@a.test", "a*@a.test", "@*", "@*.a.test",
                      "@a..test", "**")),
        ("{authors: [x@a.test, '@'], keys: own}", [f"2:26 `@` is no author: … | {HINT}"]),
        ("{authors: '*', keys: z}", ["2:26 `z` names no domain under `domains:` | own, a domain, or domain/selector"]),
        ("{authors: '*', keys: exmple.test}", ["2:26 `exmple.test` names no domain under `domains:` | …example.test…"]),
        ("{authors: '*', keys: '-/s1'}", ["2:26 `-/s1` names no domain under `domains:` | …"]),
        ("{authors: '*', keys: own/s1}", ["2:26 `own/s1` names no domain under `domains:` | …"]),
        ("{authors: '*', keys: example.test/s3}", ["2:26 domain example.test has no key `s3` | its keys are s1, s2"]),
        ("{authors: '*', keys: example.test/S1}", ["2:26 domain example.test has no key `S1` | its keys are s1, s2"]),
        ("{authors: '*', keys: [" + ", ".join(["own"] * 11) + "]}", ["2:77 more than 10 keys for one message | "]),
        # All at once.
        ("{authors: '@', identities: who, keys: [a.test, own/1]}",
         ["2:15 …", "2:32 …", "2:44 …", "2:52 …"]),
    ],
)  # fmt: skip
def test_an_error_of_a_row_has_a_place_and_a_way_out(text: str, problems: list[str]) -> None:
    assert MAX_SIGNATURES == 10
    at = DOMAINS.count("\n")
    moved = [re.sub(r"^\d+", lambda m: str(int(m[0]) + at), problem) for problem in problems]
    fits(told(f"{DOMAINS}signatures:\n  - {text}\n"), moved)


def test_there_is_an_end_of_rows() -> None:
    text = DOMAINS + "signatures:\n" + "  - {authors: '*', keys: own}\n" * (MAX_ROWS + 1)
    at = DOMAINS.count("\n") + MAX_ROWS + 2
    fits(told(text), [f"{at}:5 more than {MAX_ROWS} rows of signatures | "])


def fits(said: list[str], wanted: list[str]) -> None:
    """`…` stands for any words."""
    assert len(said) == len(wanted), said
    for one, pattern in zip(said, wanted, strict=True):
        assert re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), one), (one, pattern)


def test_the_sample_says_what_its_comments_say() -> None:
    """Domains and rows of conf/profile.yaml, each field read back from the values."""
    profile, problems = parse_profile(
        CONF.read_text(),
        "p",
        known_rules=frozenset(),
    )
    raw = yaml.safe_load(CONF.read_text())
    assert profile is not None, problems
    for name, found in profile.domains.items():
        assert written(found) == {k: _text(v) for k, v in DEFAULTS.items()} | {
            k: _text(v) for k, v in raw["domains"][name].items()
        }, name
    rows = [
        {
            **({"authors": [str(a) for a in r.authors]} if r.authors else {}),
            **({"identities": list(r.identities)} if r.identities else {}),
            "keys": ["/".join(filter(None, key)) for key in r.keys],
            **({"auid": r.auid} if r.auid else {}),
            **({"last": True} if r.is_last else {}),
        }
        for r in profile.signatures
    ]
    as_list = [
        {k: [v] if k not in ("last", "auid") and isinstance(v, str) else v for k, v in r.items()}
        for r in raw["signatures"]
    ]
    assert rows == as_list


DEFAULTS = {"subdomains": False, "canonicalization": "relaxed/relaxed", "auid": "none", "timestamp": True, "keys": []}


def _text(value: object) -> object:
    if isinstance(value, list):
        return [KeySource(key["selector"], key["file"]) for key in value]
    return value


def written(found: Domain) -> dict[str, object]:
    """A domain as the profile spells it."""
    return {
        "sign": found.sign,
        "subdomains": found.subdomains,
        "canonicalization": f"{found.header_form.value}/{found.body_form.value}",
        "auid": found.auid.value,
        "timestamp": found.timestamp,
        "keys": [KeySource(key.selector, key.file) for key in found.keys],
        **({"signature_ttl": f"{found.ttl // 86_400}d"} if found.ttl else {}),
    }


LABELS = st.sampled_from(["a.test", "b.a.test", "c.b.a.test", "ba.test", "test"])
LOCALS = st.sampled_from(["", "x", "X", "y"])


@given(LABELS, LABELS, LOCALS.filter(bool), LOCALS, st.booleans())
def test_a_pattern_matches_what_its_words_say(at: str, of: str, local: str, wanted: str, below: bool) -> None:
    pattern = AuthorPattern("" if below else wanted.lower(), f".{of}" if below else of)
    is_meant = at.endswith(f".{of}") if below else at == of and wanted.lower() in ("", local.lower())
    assert pattern.matches(Address(local, at)) == is_meant
    assert AuthorPattern("", "*").matches(Address(local, at))


@pytest.mark.parametrize(
    ("auid", "says"),
    [
        ("a@b.test", ""),
        ("@sub.b.test", ""),
        ("a@other.test", "does not lie in b.test"),
        ("a@xb.test", "does not lie in b.test"),
        ("a b", "cannot be i="),
    ],
)
def test_a_fixed_auid_lies_in_the_signing_domain(auid: str, says: str) -> None:
    text = (
        "version: 1\ndomains: {b.test: {sign: yes, keys: [{selector: s, file: /k}]}}\n"
        f'signatures: [{{authors: "*", keys: b.test/s, auid: "{auid}"}}]\n'
    )
    profile, problems = parse_profile(text, "p.yaml")
    if not says:
        assert profile is not None
        assert profile.signatures[0].auid == auid
        return
    assert profile is None
    assert says in problems[0].message
    assert problems[0].line == 3
