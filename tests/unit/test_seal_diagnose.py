"""What was changed since a message was signed, named by undoing it."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.filed import read_filed
from sealgate.mail.headers import Field, Headers
from sealgate.profile.model import Form
from sealgate.seal.body_changes import canonical_body
from sealgate.seal.canonical import RelaxedBody, SimpleBody, relaxed_field
from sealgate.seal.diagnose import Change, ChangeKind, Diagnosis, compare_fields, diagnose
from sealgate.seal.public_key import PublicKey, public_key
from sealgate.seal.published import KeyRecord
from sealgate.seal.signature import read_signature
from tests.unit.signed_mail import BODY, FORMS, HEADER, KEY, SIGNED, signed, taken_apart

ALL_FORMS = pytest.mark.parametrize("forms", FORMS, ids=[b"/".join(form).decode() for form in FORMS])


def why(message: bytes) -> Diagnosis:
    signature, own, filed, key = taken_apart(message)
    return diagnose(signature, own, filed.headers, filed.body, key)


def swapped(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(message: bytes) -> bytes:
        assert message.count(old) == 1, old
        return message.replace(old, new)

    return change


def below(field: bytes) -> Callable[[bytes], bytes]:
    """A field put in at the end of the header."""
    return lambda message: message.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n\r\n", 1)


def above(field: bytes) -> Callable[[bytes], bytes]:
    return lambda message: field + b"\r\n" + message


@ALL_FORMS
def test_what_was_not_changed_fits(forms: tuple[bytes, bytes]) -> None:
    assert why(signed(forms=forms)) == Diagnosis(body_fits=True, header_fits=True)
    assert why(above(b"Received: from x by y")(signed(forms=forms))).fits


HEADER_CHANGES = [
    (swapped(b"Subject: ", b"Subject: [garden] "), r'^Subject got "\[garden\]" in front$'),
    (swapped(b"Subject: ", b"Subject: ***SPAM*** "), r'^Subject got "\*\*\*SPAM\*\*\*" in front$'),
    (swapped(b"Subject: ", b"Subject: [EXT] [garden] "), r'^Subject got "\[garden\]" in front$'),
    (swapped(b"at  four\r\n", b"at  four [spam]\r\n"), r'^Subject got "\[spam\]" at its end$'),
    (below(b"Reply-To: list@lists.test"), '^a Reply-To field was added: "list@lists.test"$'),
    (above(b"Reply-To: list@lists.test"), '^a Reply-To field was added: "list@lists.test"$'),
    (above(b"Subject: another"), '^one more Subject field was added: "another"$'),
    (below(b"To: dave@example.net"), '^one more To field was added: "dave@example.net"$'),
    (above(b"From: mallory@evil.test"), '^one more From field was added: "mallory@evil.test"$'),
    (swapped(b"Transfer-Encoding: 8bit", b"Transfer-Encoding: quoted-printable"), "was 8bit and is quoted-printable"),
    (swapped(b"charset=utf-8", b'charset="utf-8"'), "Content-Type was rewritten: quotes were put around parameters"),
    (swapped(b"charset=utf-8", b"charset=UTF-8"), "Content-Type was rewritten: the charset is spelled anew"),
    (swapped(b"From: Alice Liddell", b'From: "Alice Liddell"'), "From was rewritten: quotes were put around a name"),
    (swapped(b"MIME-Version: 1.0\r\n", b""), 'a field was removed: "MIME-Version: 1.0"'),
    (swapped(b"+0000", b"GMT"), "Date was rewritten: \\+0000 was written as GMT"),
]  # fmt: skip


@ALL_FORMS
@pytest.mark.parametrize(("change", "says"), HEADER_CHANGES, ids=[str(i) for i in range(len(HEADER_CHANGES))])
def test_one_change_of_the_header_is_named(
    change: Callable[[bytes], bytes], says: str, forms: tuple[bytes, bytes]
) -> None:
    said = why(change(signed(forms=forms)))
    assert (said.body_fits, said.header_fits, said.is_other_key) == (True, False, False)
    assert re.search(says, said.header_cause), said.header_cause


def test_an_answer_keeps_its_re_before_the_tag() -> None:
    header = HEADER.replace(b"Tea at  four", b"Re: Tea")
    assert why(signed(header).replace(b"Re: Tea", b"Re: [garden] Tea")).header_cause == 'Subject got "[garden]" put in'


def test_a_mailing_list_s_changes_are_named_together() -> None:
    header = HEADER.replace(b"MIME-Version", b"Reply-To: Alice Liddell <alice@example.test>\r\nMIME-Version")
    message = signed(header, names=tuple(n for n in SIGNED if n != b"reply-to"))
    message = swapped(b"Subject: ", b"Subject: [garden] ")(message)
    message = message.replace(b"From: Alice Liddell <alice@example.test>", b"From: Alice Liddell via X <x@lists.test>")
    said = why(message + b"\r\n____\r\nTo leave the list, write to x-leave@lists.test\r\n")
    assert 'Subject got "[garden]" in front' in said.header_cause
    assert "From was rewritten, and Reply-To says who wrote" in said.header_cause
    assert 'text was appended, 60 octets in 2 lines: "To leave the list' in said.body_cause


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (swapped(b",\r\n\tcarol", b",\r\n carol"), "To: tabs of folds became spaces"),
        (swapped(b"Message-ID:", b"Message-Id:"), ""),
        (swapped(b"Message-ID: <1", b"Message-ID:  <1"), "Message-ID: a blank was put behind the colon"),
        (swapped(b"four\r\n", b"four \r\n"), "Subject: blanks were added at the end"),
        (lambda m: m.replace(b": ", b":").replace(b"DKIM-Signature:", b"DKIM-Signature: "), ""),
    ],
)
def test_what_relaxed_form_forgives_breaks_simple_form(change: Callable[[bytes], bytes], says: str) -> None:
    said = why(change(signed(forms=(b"simple", b"simple"))))
    assert (said.body_fits, said.header_fits) == (True, False)
    assert says in said.header_cause
    if says:
        assert said.header_cause.endswith("sign with relaxed/relaxed, which forgives that")
        assert why(change(signed())).fits


def test_a_signer_that_says_another_form_than_it_used_is_told() -> None:
    message = signed(forms=(b"relaxed", b"relaxed"))
    body_only = swapped(b"c=relaxed/relaxed", b"c=relaxed/simple")(message)
    assert why(body_only).body_cause.startswith("bh= is the hash of the relaxed form, and c= says simple")


BODY_CHANGES = [
    (lambda m: m + b"--\r\nAd: buy tea\r\n", 'text was appended, .* in [234] lines: "Ad: buy tea"'),
    (lambda m: m + b"x", 'text was appended, 3 octets in 1 line: "x"|text was appended, .* octets'),
    (swapped(b"\r\nFrom four", b"\r\n>From four"), "got a `>` in front"),
    (swapped(b"\r\n.hidden", b"\r\n..hidden"), "one dot too many"),
    (swapped(b"\r\n\r\nDear Bob", b"\r\n\r\nCAUTION: from outside\r\n\r\nDear Bob"), "near the top, .*CAUTION"),
    (swapped(b"-- \r\nAlice", b"a footer here\r\n-- \r\nAlice"), 'near the end, 15 octets in 1 line: "a footer'),
    (swapped(b"\r\n\r\nDear Bob", b"\r\n\r\n\r\nDear Bob"), "an empty line was put on top"),
]  # fmt: skip


@ALL_FORMS
@pytest.mark.parametrize(("change", "says"), BODY_CHANGES, ids=[str(i) for i in range(len(BODY_CHANGES))])
def test_one_change_of_the_body_is_named(
    change: Callable[[bytes], bytes], says: str, forms: tuple[bytes, bytes]
) -> None:
    said = why(change(signed(forms=forms)))
    assert (said.body_fits, said.header_fits) == (False, True)
    assert re.search(says, said.body_cause), said.body_cause


def body_cause(now: bytes, was: bytes, form: bytes = b"relaxed", header: bytes = HEADER) -> str:
    message = signed(header, was, (b"relaxed", form))
    said = why(message.replace(b"\r\n\r\n" + was, b"\r\n\r\n" + now, 1))
    assert (said.body_fits, said.header_fits) == (False, True)
    return said.body_cause


def test_further_changes_of_a_body_are_named() -> None:
    long_line = b"x" * 1_500 + b"\r\n"
    encoded = HEADER.replace(b"Encoding: 8bit", b"Encoding: quoted-printable")
    assert (
        body_cause(b"a ad\r\n", b"") == 'the message had no body when it was signed; added: 6 octets in 1 line: "a ad"'
    )
    assert "quoted-printable" in body_cause(
        b"Gr=C3=BC=C3=9Fe aus=\r\n Wien\r\n", "Gr\u00fc\u00dfe aus Wien\r\n".encode(), header=encoded
    )
    as_base64 = HEADER.replace(b"Encoding: 8bit", b"Encoding: base64")
    assert "as base64" in body_cause(b"R3LDvMOfZQ0K\r\n", "Gr\u00fc\u00dfe\r\n".encode(), header=as_base64)
    assert "too long lines" in body_cause(b"x" * 998 + b"\r\n " + b"x" * 502 + b"\r\nend\r\n", long_line + b"end\r\n")
    assert "too long lines" in body_cause(b"x" * 989 + b"!\r\n " + b"x" * 511 + b"\r\n", long_line)
    assert "was lost" in body_cause(b"a\r\n--\r\nb\r\n", b"a\r\n-- \r\nb\r\n", b"simple")
    assert "blanks at the ends" in body_cause(b"a \r\nb\t\r\n", b"a\r\nb\r\n", b"simple")
    assert "a dot" not in body_cause(b"one\r\ntwo\r\n", b"one\r\nother\r\n")
    assert "lost one" in body_cause(b".a\r\nb\r\n", b"..a\r\nb\r\n")


def test_what_nobody_can_undo_is_not_guessed() -> None:
    said = why(swapped(b"there is  tea", b"there is coffee")(signed()))
    assert said == Diagnosis(body_fits=False, header_fits=True)
    said = why(swapped(b"Tea at  four", b"Coffee")(signed()))
    assert said == Diagnosis(body_fits=True, header_fits=False)


def test_l_signs_a_beginning_only() -> None:
    message = signed(length=True)
    assert why(message + b"an advertisement").fits
    cut = message[: message.index(b"Gr\xc3")]
    assert why(cut).body_cause.startswith("the body was cut: l= signs ")


def test_a_signature_of_another_key_is_told_from_a_changed_header() -> None:
    message = signed()
    damaged = re.sub(rb"(;\s+b=)(.)", lambda m: m[1] + (b"A" if m[2] != b"A" else b"B"), message, count=1)
    assert damaged != message
    said = why(damaged)
    assert (said.is_other_key, said.header_fits, said.header_cause) == (True, False, "")


def test_ed25519_header_changes_are_found_too() -> None:
    private = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    message = signed(forms=(b"relaxed", b"relaxed")).replace(b"a=rsa-sha256", b"a=ed25519-sha256")
    filed = read_filed(message)
    assert filed is not None
    own = filed.headers.every(b"dkim-signature")[0]
    signature = read_signature(own.value)
    data = b"".join(
        relaxed_field(f.name, f.value)
        for name in SIGNED[:10]
        for f in filed.headers.every(name)
    ) + relaxed_field(own.name, signature.unsigned)[:-2]  # fmt: skip
    octets = private.sign(hashlib.sha256(data).digest())
    key = PublicKey("ed25519", 256, private.public_key())
    fits = key.fits(octets)
    assert fits is not None
    assert fits(data)
    assert not fits(data + b"x")
    made = replace(signature, octets=octets)
    assert diagnose(made, own, filed.headers, filed.body, key).fits
    tagged = read_filed(message.replace(b"Subject: ", b"Subject: [garden] "))
    assert tagged is not None
    assert diagnose(made, own, tagged.headers, tagged.body, key).header_cause == 'Subject got "[garden]" in front'


# --- what the record says


def recorded(*fields: tuple[str, str], absent: tuple[str, ...] = ()) -> tuple[str, ...]:
    digests = (hashlib.sha256(relaxed_field(n.encode(), b" " + v.encode())).hexdigest()[:16] for n, v in fields)
    return (*(f"{n} {d}" for (n, _), d in zip(fields, digests, strict=True)), *(f"{name} -" for name in absent))


def headers(*fields: tuple[str, str]) -> Headers:
    return Headers(tuple(Field(n.encode(), b" " + v.encode()) for n, v in fields))


RECORD_OF = recorded(("From", "a@b.c"), ("Subject", "Tea"), ("To", "low"), ("To", "high"), absent=("From", "Cc"))
AS_IT_WAS = (("From", "a@b.c"), ("Subject", "Tea"), ("To", "high"), ("To", "low"))


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        (AS_IT_WAS, ()),
        ((("FROM", "  a@b.c "), *AS_IT_WAS[1:], ("X-Own", "y")), ()),
        ((AS_IT_WAS[0], ("Subject", "[x] Tea"), *AS_IT_WAS[2:]), (Change("Subject", ChangeKind.CHANGED),)),
        ((AS_IT_WAS[0], *AS_IT_WAS[2:]), (Change("Subject", ChangeKind.REMOVED),)),
        (AS_IT_WAS[:2], (Change("To", ChangeKind.REMOVED, 2),)),
        ((*AS_IT_WAS, ("Cc", "x")), (Change("Cc", ChangeKind.ADDED),)),
        ((("From", "m@x.y"), *AS_IT_WAS), (Change("From", ChangeKind.ADDED),)),
        ((("Subject", "more"), *AS_IT_WAS), (Change("Subject", ChangeKind.ADDED, 1, is_harmless=True),)),
        ((*AS_IT_WAS, ("Subject", "more")), (Change("Subject", ChangeKind.ADDED),)),
        ((*AS_IT_WAS[:2], AS_IT_WAS[3], AS_IT_WAS[2]), (Change("To", ChangeKind.REORDERED, 2),)),
        (
            (("From", "m@x.y"), AS_IT_WAS[1], ("To", "high"), ("Cc", "x")),
            (Change("From", ChangeKind.CHANGED), Change("To", ChangeKind.REMOVED), Change("Cc", ChangeKind.ADDED)),
        ),
    ],
)
def test_a_record_says_which_fields_are_not_as_they_were(
    now: tuple[tuple[str, str], ...], changes: tuple[Change, ...]
) -> None:
    assert compare_fields(RECORD_OF, headers(*now)) == changes


def test_what_is_no_record_is_passed_over() -> None:
    odd = ("", "From", "From x", "From \x1b 0123456789abcdef", "From 0123456789ABCDEF", "A" * 300 + " -", "a:b -")
    assert compare_fields(odd, headers(*AS_IT_WAS)) == ()


# --- properties and costs

BODIES = st.lists(
    st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"--", b">From ", b".", b"\xff", b"\r", b"=0"]), max_size=25
)


@given(BODIES.map(b"".join))
def test_canonical_bodies_are_those_that_are_signed(body: bytes) -> None:
    for form, hashed in ((Form.RELAXED, RelaxedBody()), (Form.SIMPLE, SimpleBody())):
        hashed.feed(body)
        if not body.endswith(b"\r"):
            assert hashlib.sha256(canonical_body(body, form)).digest() == hashed.digest()


SIGNED_ONCE = {form: signed(forms=form) for form in FORMS}


@given(st.sampled_from(FORMS), st.lists(st.tuples(st.integers(0, 900), st.binary(max_size=6)), min_size=1, max_size=4))
def test_no_damage_makes_it_raise_and_what_it_says_is_printable(
    form: tuple[bytes, bytes], damages: list[tuple[int, bytes]]
) -> None:
    message = SIGNED_ONCE[form]
    top = message.index(b"rom: Alice")  # the signature itself stays, and nothing is folded to it
    for at, junk in damages:
        place = top + at % (len(message) - top)
        message = message[:place] + junk + message[place + len(junk) :]
    said = why(message)
    assert (said.body_cause + said.header_cause).isprintable()


@pytest.mark.parametrize(
    "body",
    [b"Two million octets of ordinary text in a line.\r\n" * 42_000, b" " * 2_000_000, b"\r\n" * 1_000_000 + b"x",
     b"a \t" * 660_000, b"\r\n.\r\n" * 400_000, b"x" * 2_000_000, b"=" * 2_000_000],
    ids=["text", "blanks", "empty-lines", "runs", "dots", "one-line", "equals"],
)  # fmt: skip
def test_heavy_bodies_take_little(body: bytes) -> None:
    message = signed(HEADER.replace(b"8bit", b"quoted-printable")) + body + b"\r\nx\r\n"
    begin = time.process_time()
    assert not why(message).body_fits
    assert time.process_time() - begin < 3  # ten million take 1 to 2 seconds


@pytest.mark.parametrize(
    "block",
    [b"Subject: " + b"[" * 9_000 + b"\r\n", b"From: " + b"a" * 9_000 + b"\r\n", b"To: x\r\n" * 5_000,
     b"Subject: [a] [b] [c] [d]\r\n" * 300, b"To: " + b"\"<,>" * 2_000 + b"\r\n", b"Reply-To: a@b.c,\r\n" * 2_000,
     (b"From: a" + b" " * 9_900 + b"b <c@d>\r\n") * 5 + b"Reply-To: a@b\r\n"],
)  # fmt: skip
def test_a_heavy_header_takes_seconds(block: bytes) -> None:
    begin = time.process_time()
    assert why(signed().replace(b"MIME-Version", block + b"MIME-Version", 1)).header_fits is False
    assert time.process_time() - begin < 6


def test_the_key_decides_what_may_be_verified() -> None:
    signature, *_ = taken_apart(signed())
    for record, says in (
        (KeyRecord("rsa", b""), "revoked"),
        (KeyRecord("ed25519", b"x" * 32), "another kind"),
        (KeyRecord("rsa", b"x" * 200), "cut or damaged"),
        (KeyRecord("rsa", b"x" * 9_000), "more than 8192 bits"),
        (KeyRecord("rsa", b"x", hashes=("sha1",)), "SHA-256"),
        (KeyRecord("rsa", b"x", services=("tlsrpt",)), "allow mail"),
    ):
        with pytest.raises(ValueError, match=says):
            public_key(record, signature)
    assert KEY.record_name == signature.record_name
    assert len(BODY) > 50
