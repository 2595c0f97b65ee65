"""Keys: which are let in, with which words others are refused, and what is published of them."""

import base64
from pathlib import Path

import dkim
import dns.zone
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sealgate.profile.model import KeyType
from sealgate.seal.keys import KeyRefused, generate, load, public_record, txt_strings, zone_line

FOLDER = Path(__file__).parent / "keys"
RSA = (FOLDER / "rsa2048.pem").read_bytes()
ED25519 = (FOLDER / "ed25519.pem").read_bytes()
# RFC 8463 A.2: the pair and what is to be published of it.
RFC_8463_SEED = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
RFC_8463_RECORD = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def pem(key, form=serialization.PrivateFormat.PKCS8, lock=None) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, form, lock or serialization.NoEncryption())


def public_pem() -> bytes:
    public = load(RSA, "example.com", "s").private.public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(("text", "algorithm"), [(RSA, KeyType.RSA_SHA256), (ED25519, KeyType.ED25519_SHA256)])
def test_a_good_key_says_what_it_is(text: bytes, algorithm: KeyType) -> None:
    key = load(text, "example.com", "s2026.a")
    assert (key.domain, key.selector, key.algorithm) == ("example.com", "s2026.a", algorithm)
    assert key.record_name == "s2026.a._domainkey.example.com"


def test_pkcs1_and_crlf_are_read_too() -> None:
    """OpenDKIM's keys are PKCS#1 in most installations."""
    private = load(RSA, "example.com", "s").private
    pkcs1 = pem(private, serialization.PrivateFormat.TraditionalOpenSSL)
    assert b"BEGIN RSA PRIVATE KEY" in pkcs1
    key = load(pkcs1.replace(b"\n", b"\r\n"), "example.com", "s")
    assert key.algorithm is KeyType.RSA_SHA256
    assert public_record(key) == public_record(load(RSA, "example.com", "s"))


def test_a_key_never_shows_its_secret() -> None:
    key = load(RSA, "example.com", "s")
    secret = key.private.private_numbers()
    assert "private" not in repr(key)
    assert str(secret.d) not in repr(key)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (base64.b64encode(RFC_8463_SEED), "bare seed"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (RSA[: len(RSA) // 2], "cannot be read"),
        (public_pem(), "public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"),
        (pem(rsa.generate_private_key(65_537, 1024)), "1024 bits"),
        ((FOLDER / "rsa4112.pem").read_bytes(), "4112 bits"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "another kind"),
        (pem(Ed25519PrivateKey.generate(), lock=serialization.BestAvailableEncryption(b"x")), "passphrase"),
    ],
    ids=["empty", "blank", "seed", "damaged", "cut", "public", "certificate", "rsa1024", "rsa4112", "ec", "encrypted"],
)
def test_other_keys_are_refused_with_a_reason(text: bytes, says: str) -> None:
    with pytest.raises(KeyRefused, match=says):
        load(text, "example.com", "s")


@pytest.mark.parametrize(
    ("domain", "selector"),
    [
        ("example.com", ""),
        ("example.com", "a;b"),
        ("example.com", "a\nb"),
        ("example.com", "a."),
        ("example.com", "-a"),
        ("example.com", "a b"),
        ("example.com", "ä"),
        ("example.com", "s" * 64),
        ("Example.com", "s"),
        ("münchen.example", "s"),
        ("exa mple.com", "s"),
        ("example.com; l=0", "s"),
        ("", "s"),
        (".".join(["d" * 60] * 4), "s"),
    ],
)
def test_names_that_cannot_stand_in_a_signature_are_refused(domain: str, selector: str) -> None:
    """RFC 6376 3.5: a `;` or a line end would end the tag or the field."""
    with pytest.raises(KeyRefused):
        load(ED25519, domain, selector)


@given(st.binary(max_size=200), st.sampled_from([b"", b"RSA ", b"EC ", b"ENCRYPTED ", b"OPENSSH "]))
def test_no_text_raises_anything_else(octets: bytes, kind: bytes) -> None:
    inner = base64.encodebytes(octets)
    for text in (octets, b"-----BEGIN %sPRIVATE KEY-----\n%s-----END %sPRIVATE KEY-----\n" % (kind, inner, kind)):
        with pytest.raises(KeyRefused):
            load(text, "example.com", "s")


@pytest.mark.parametrize("kind", ["rsa2048", "ed25519"])
def test_a_new_key_can_be_loaded_and_is_new(kind: str) -> None:
    first, second = generate(kind), generate(kind)
    assert first.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert public_record(load(first, "example.com", "s")) != public_record(load(second, "example.com", "s"))


def test_there_are_two_kinds_of_new_keys() -> None:
    with pytest.raises(ValueError, match="rsa1024"):
        generate("rsa1024")


def test_the_record_of_the_key_in_rfc_8463() -> None:
    """RFC 8463 A.2."""
    key = load(pem(Ed25519PrivateKey.from_private_bytes(RFC_8463_SEED)), "football.example.com", "brisbane")
    assert public_record(key) == RFC_8463_RECORD


def test_an_rsa_record_holds_the_public_key_that_dkimpy_reads() -> None:
    key = load(RSA, "example.com", "s")
    record = public_record(key)
    assert record.startswith("v=DKIM1; k=rsa; p=")
    parsed, bits, *_ = dkim.evaluate_pk("s", record)
    numbers = key.private.public_key().public_numbers()
    assert (bits, int(parsed["modulus"]), int(parsed["publicExponent"])) == (2048, numbers.n, numbers.e)


@given(st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=1_100))
def test_strings_are_short_and_lose_nothing(record: str) -> None:
    """RFC 1035 3.3.14."""
    strings = txt_strings(record)
    assert "".join(strings) == record
    assert all(len(s) <= 255 for s in strings)
    assert all(len(s) == 255 for s in strings[:-1])


def test_a_record_is_ascii() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        txt_strings("v=DKIM1; n=schlüssel")


@given(st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=600))
def test_a_zone_file_gives_the_record_back(record: str) -> None:
    """RFC 1035 5.1, read by dnspython as a name server would."""
    text = f"$TTL 60\n@ IN SOA ns root 1 2 3 4 5\n@ IN NS ns\n{zone_line('s1', 'example.com', record)}\n"
    zone = dns.zone.from_text(text, origin="example.com.", check_origin=False)
    (rdata,) = zone.get_rdataset("s1._domainkey", "TXT")
    assert b"".join(rdata.strings).decode("ascii") == record


def test_a_zone_line_looks_like_this() -> None:
    line = zone_line("brisbane", "football.example.com", RFC_8463_RECORD)
    assert line == f'brisbane._domainkey.football.example.com. IN TXT (\n\t"{RFC_8463_RECORD}" )'
