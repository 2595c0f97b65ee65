"""Key records as the DNS hands them out: what is read, what is refused, and what a person is told."""

import base64
import contextlib
import time
from pathlib import Path

import dkim
import dkim.crypto
import dkim.util
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import example, given
from hypothesis import strategies as st

from sealgate.seal.keys import SigningKey, generate, load, public_octets, public_record
from sealgate.seal.published import KeyRecord, RecordError, State, compare, read_record

FOLDER = Path(__file__).parent / "keys"
RSA = load((FOLDER / "rsa2048.pem").read_bytes(), "example.test", "r")
ED = load((FOLDER / "ed25519.pem").read_bytes(), "example.test", "e")
P = public_record(RSA).partition("p=")[2]


def state(record: str | bytes, key: SigningKey = RSA, **more: bool) -> State:
    octets = record.encode() if isinstance(record, str) else record
    return compare((octets,), key, **more).state


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
def test_what_is_printed_is_what_is_expected(key: SigningKey) -> None:
    found = compare((public_record(key).encode(),), key)
    assert (found.state, found.remedy, found.is_usable) == (State.OK, "", True)
    assert found.says == f"the record at {key.record_name} holds this key"


@pytest.mark.parametrize(
    "record",
    [
        f"p={P}",
        f"v=DKIM1;p={P};",
        f" v = DKIM1 ;\t k = rsa ; p = {P[:100]} \r\n\t{P[100:]} ; n = a note, with = signs ;  ",
        f"k=rsa; h=sha1:sha256; s=*; t=s; p={P}",
        f"h= sha256 ; s= tlsrpt : email ; p={P}; x_y=unknown",
    ],
)
def test_every_lawful_way_to_write_it_is_ok(record: str) -> None:
    assert state(record) is State.OK


def test_a_missing_record_says_its_name() -> None:
    found = compare((), RSA)
    assert found.state is State.MISSING
    assert "r._domainkey.example.test" in found.says
    assert "sealgate keys zone" in found.remedy


@pytest.mark.parametrize("record", ["v=DKIM1; p=", "v=DKIM1; k=rsa; p= ;", "p="])
@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
def test_an_empty_key_is_a_revoked_one(record: str, key: SigningKey) -> None:
    found = compare((record.encode(),), key)
    assert found.state is State.REVOKED
    assert "new selector" in found.remedy


def test_another_key_is_told_apart_from_a_damaged_one() -> None:
    damaged = bytearray(public_octets(RSA))
    damaged[1] ^= 1
    assert state(b"p=" + base64.b64encode(damaged)) is State.MALFORMED
    found = compare((public_record(_fresh()).encode(),), RSA)
    assert found.state is State.OTHER_KEY
    assert "another key than the file" in found.says
    assert state(public_record(_fresh("ed25519")), ED) is State.OTHER_KEY


def _fresh(kind: str = "rsa2048") -> SigningKey:
    return load(generate(kind), "example.test", "n")  # type: ignore[arg-type]


@pytest.mark.parametrize(("kept", "says"), [(255, "ends within the key"), (120, "ends within the key")])
def test_a_record_that_a_web_form_cut_is_recognised(kept: int, says: str) -> None:
    """The first string only: opendkim-testkey calls it "keys do not match"."""
    record = public_record(RSA)[:kept]
    record = record[: len(record) - (len(record.partition("p=")[2]) % 4)]
    found = compare((record.encode(),), RSA)
    assert found.state is State.MALFORMED
    assert says in found.says
    assert "--one-string" in found.remedy


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ("", "no key"),
        ("hello", "no list of tags"),
        ("v=spf1 -all", "SPF record"),
        ("v=DKIM2; p=AAAA", "not DKIM1"),
        ("p=AAAA; v=DKIM1", "not first"),
        ("v=dkim1; p=AAAA", "not DKIM1"),
        (f"v=DKIM1; k=rsa; p={P}; p={P}", "twice"),
        (f"v=DKIM1;; p={P}", "no list of tags"),
        (f"v=DKIM1\\; k=rsa\\; p={P}", "backslashes"),
        (f'"v=DKIM1; k=rsa; " "p={P}"', "quotation marks"),
        ("v=DKIM1; p=-----BEGIN PUBLIC KEY-----" + P, "BEGIN line"),
        (f"v=DKIM1; p={P[:-3]}", "no base64"),
        (f"v=DKIM1; p={P[:40]}*{P[40:]}", "no base64"),
        (f"v=DKIM1; p=AAAA{P}", "no RSA key"),
        ("v=DKIM1; p=" + base64.b64encode(public_octets(RSA, bare=True)).decode(), "bare RSAPublicKey"),
        (b"v=DKIM1; p=\xff\xfe", "no list of tags"),
        ("v=DKIM1; p=" + "A" * 20_000, "more than any key needs"),
    ],
)
def test_what_cannot_be_used_says_why(record: str | bytes, says: str) -> None:
    octets = record.encode() if isinstance(record, str) else record
    found = compare((octets,), RSA)
    assert found.state is State.MALFORMED
    assert says in found.says
    assert found.remedy
    assert not found.is_usable


def test_an_spf_record_at_the_name_is_called_one() -> None:
    assert "wildcard" in compare((b"v=spf1 include:example.test -all",), RSA).says


def test_openssls_form_of_an_ed25519_key_is_recognised() -> None:
    """What `openssl pkey -pubout` prints; half of the guides on the web publish it."""
    wrapped = ED.private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    found = compare((b"v=DKIM1; k=ed25519; p=" + base64.b64encode(wrapped),), ED)
    assert found.state is State.MALFORMED
    assert "RFC 8463" in found.says


def test_the_kind_must_be_the_keys() -> None:
    assert state(f"v=DKIM1; k=ed25519; p={P}") is State.WRONG_TYPE
    assert state(public_record(ED).replace("k=ed25519; ", ""), ED) is State.WRONG_TYPE, "without k= it is RSA"
    assert state(f"v=DKIM1; k=RSA; p={P}") is State.WRONG_TYPE, "values have case (RFC 6376 3.2)"


def test_several_records_are_none() -> None:
    ours, other = public_record(RSA).encode(), public_record(_fresh()).encode()
    for records, says in (
        ((ours, other), "one of them is this key"),
        ((other, b"v=spf1 -all"), "none is this key"),
        ((ours, ours.replace(b"k=rsa; ", b"")), "2 of them"),
    ):
        found = compare(records, RSA)
        assert found.state is State.SEVERAL
        assert says in found.says


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("h=sha1", State.FLAGS),
        ("h=sha1:sha256", State.OK),
        ("s=tlsrpt", State.FLAGS),
        ("s=email", State.OK),
        ("t=y", State.TESTING),
        ("t=y:s", State.TESTING),
        ("t=s", State.OK),
        ("t=y; h=sha1", State.FLAGS),
        ("t=Y", State.OK),
        ("h=;s=;t=", State.FLAGS),
    ],
)
def test_what_a_record_restricts(tags: str, expected: State) -> None:
    assert state(f"v=DKIM1; {tags}; p={P}") is expected


def test_t_s_matters_only_where_signatures_name_hosts_below() -> None:
    """RFC 6376 3.6.1: `i=` must then be the very domain of `d=`."""
    assert state(f"t=s; p={P}", names_subdomains=True) is State.FLAGS
    assert state(f"t=y:s; p={P}", names_subdomains=True) is State.FLAGS
    assert state(f"p={P}", names_subdomains=True) is State.OK


def test_testing_keys_can_be_used_and_are_told_of() -> None:
    found = compare((f"t=y; p={P}".encode(),), RSA)
    assert found.is_usable
    assert "t=y" in found.says


def test_defaults_of_a_record() -> None:
    assert read_record(b"p=AAAA") == KeyRecord("rsa", b"\0\0\0", (), ("*",), ())


_RECORDS = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.tuples(
            st.sampled_from([b"v", b"k", b"p", b"h", b"s", b"t", b"n", b"\xff", b"", b"P"]),
            st.sampled_from([b"=", b" = ", b"", b"=="]),
            st.one_of(
                st.sampled_from(
                    [b"DKIM1", b"rsa", b"ed25519", b"AAAA", b"A" * 44, P.encode(), b"sha256", b"y:s", b"\x1b[2J"]
                ),
                st.binary(max_size=40),
            ),
        ).map(b"".join),
        max_size=6,
    ).map(b";".join),
)


@given(st.lists(_RECORDS, max_size=3), st.sampled_from([RSA, ED]))
@example([b"p=" + base64.b64encode(b"0\x82" + b"\xff" * 300)], RSA)
def test_nothing_raises_and_nothing_reaches_a_terminal(records: list[bytes], key: SigningKey) -> None:
    found = compare(tuple(records), key)
    assert (found.says + found.remedy).isascii()
    assert (found.says + found.remedy).isprintable()
    assert found.remedy or found.state is State.OK


@given(_RECORDS)
def test_what_is_usable_dkimpy_can_use(record: bytes) -> None:
    """Strict means: whatever we call usable, another verifier reads, and to the same key."""
    for key in (RSA, ED):
        if compare((record,), key).is_usable:
            _agree(record, key)


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
def test_dkimpy_reads_the_same_tags(key: SigningKey) -> None:
    for more in ("", "; t=s", "; h=sha256; s=email", " ; n=a note "):
        _agree((public_record(key) + more).encode(), key)


def _agree(record: bytes, key: SigningKey) -> None:
    tags = dkim.util.parse_tag_value(record)
    assert base64.b64decode(tags[b"p"]) == public_octets(key)
    if key is RSA:
        modulus = dkim.crypto.parse_public_key(public_octets(key))["modulus"]
        assert modulus == RSA.private.public_key().public_numbers().n  # type: ignore[union-attr]


@given(_RECORDS)
def test_dkimpy_reads_what_we_read(record: bytes) -> None:
    """Where both read a record they agree on every tag we use, up to the blanks in base64."""
    with contextlib.suppress(RecordError):
        ours = read_record(record)
        tags = dkim.util.parse_tag_value(record)
        assert tags.get(b"k", b"rsa").decode() == ours.kind
        assert base64.b64decode(tags[b"p"]) == ours.key


@pytest.mark.parametrize(
    "record",
    [
        b"p=" + b" " * 16_000,
        b";" * 16_000,
        b"a=b;" * 4_000,
        b"=" * 16_000,
        b"p=" + b"A " * 8_000,
        b"t=" + b":" * 16_000,
    ],
)
def test_the_largest_records_are_read_at_once(record: bytes) -> None:
    begun = time.process_time()
    for _ in range(5):
        compare((record,) * 1000, RSA)
        compare((record,), RSA)
    assert time.process_time() - begun < 1
