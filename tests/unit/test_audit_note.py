"""Signed checkpoints: the formats of C2SP, by the golden values of others, and no hostile key or signature raises."""

import base64
import hashlib
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sealgate.audit.note import AuditKey, generate, load, quickly_signed
from sealgate.audit.verifier import Frontier, Key, Note, ed25519_signed, is_sound, leaf_hash, one_line

# Of golang.org/x/mod/sumdb/note, where signed notes come from: a key, its private half, and a note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = base64.b64decode(
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
# The example of C2SP's tlog-checkpoint.
C2SP = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
# RFC 8032 7.1: public key, text, signature.
RFC8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
            "24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
            "eeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed2"
            "8dc027beceea1ec40a"
        ),
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19


@pytest.fixture(scope="module")
def key() -> AuditKey:
    return load(generate(), "relay1.example.test/sealgate")


def grown(size: int) -> Frontier:
    frontier = Frontier()
    for number in range(size):
        frontier.append(leaf_hash(b"%d" % number))
    return frontier


@pytest.mark.parametrize(("public", "text", "signature"), RFC8032)
def test_the_vectors_of_rfc_8032(public: str, text: str, signature: str) -> None:
    raw = bytes.fromhex(public), bytes.fromhex(text), bytes.fromhex(signature)
    for signed in (ed25519_signed, quickly_signed):
        assert signed(*raw)
        assert not signed(raw[0], raw[1] + b"x", raw[2])
    assert is_sound(raw[0])


def test_the_note_of_go_is_signed_and_its_signature_is_the_one_we_make() -> None:
    key = Key.parse(f"{GO_KEY}\n")
    assert (key.name, key.number.hex(), key.text) == ("PeterNeumann", "c74f20a3", GO_KEY)
    assert GO_SIGNATURE[:4] == key.number
    assert ed25519_signed(key.public, GO_TEXT, GO_SIGNATURE[4:])
    pem = Ed25519PrivateKey.from_private_bytes(GO_SEED).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ours = load(pem, "PeterNeumann")
    assert ours.public == key
    assert ours.private.sign(GO_TEXT) == GO_SIGNATURE[4:]


def test_the_checkpoint_of_c2sp_is_read() -> None:
    note = Note.parse(C2SP)
    assert (note.origin, note.size, note.root[:2].hex()) == ("example.com/behind-the-sofa", 20852163, "0ac5")
    assert note.text == C2SP.partition("\n\n")[0].encode() + b"\n"
    assert [(name, number.hex(), len(rest)) for name, number, rest in note.signatures] == [
        ("example.com/behind-the-sofa", "033de0ae", 64)
    ]


def test_a_checkpoint_has_the_form_that_others_read(key: AuditKey) -> None:
    text = key.signed(grown(5))
    root = base64.b64encode(grown(5).root()).decode()
    body, _, signature = text.partition("\n\n")
    assert body == f"relay1.example.test/sealgate\n5\n{root}"
    assert signature.startswith("\u2014 relay1.example.test/sealgate ")
    assert text.endswith("\n")
    note = Note.parse(text)
    for signed in (ed25519_signed, quickly_signed):
        assert note.is_signed_by(key.public, signed)
    assert Note.parse(key.signed(Frontier())).root == hashlib.sha256(b"").digest()


def test_a_signature_of_another_key_name_origin_or_text_is_none(key: AuditKey) -> None:
    text = key.signed(grown(5))
    other = load(generate(), key.origin)
    renamed = AuditKey("another/sealgate", key.private)
    assert not Note.parse(text).is_signed_by(other.public, ed25519_signed)
    assert not Note.parse(text).is_signed_by(renamed.public, ed25519_signed)
    assert not Note.parse(text.replace("\n5\n", "\n6\n")).is_signed_by(key.public, ed25519_signed)
    line = text.rpartition("\u2014")[2]
    assert not Note.parse(other.signed(grown(6)) + "\u2014" + line).is_signed_by(key.public, ed25519_signed)
    moved = text.replace("relay1", "relay2", 1)
    assert not Note.parse(moved).is_signed_by(key.public, lambda *_: True), "a note of another log"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "a\n1\n\n\u2014 a x\n",
        C2SP.replace("20852163", "020852163"),
        C2SP.replace("20852163", "-1"),
        C2SP.replace("20852163", "9" * 19),
        C2SP.replace("20852163", "\u0661"),
        C2SP.replace("q2I=", "q2J="),  # the same octets in another spelling
        C2SP.replace("q2I=", "q2I"),
        C2SP.replace("example", "exa\x1bmple", 1),
        C2SP.replace("example", "exa\ud800mple", 1),
        C2SP.replace("\n20852163", "\n\n20852163"),
        C2SP.replace("\n\n", "\n"),
    ],
)
def test_what_is_no_checkpoint_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="checkpoint"):
        Note.parse(text)


@given(st.text(st.sampled_from("a1+/=\n\u2014 \u00e9\x00\ud800") | st.characters(), max_size=80))
def test_no_text_makes_notes_and_keys_raise_anything_else(text: str) -> None:
    for read in (Note.parse, Key.parse, one_line, lambda text: Note.newest([text])):
        with suppress(ValueError):
            read(text)
    with suppress(ValueError):
        Note.parse(C2SP[:40] + text + C2SP[40:])


def test_the_newest_of_many_is_found_whatever_stands_between(key: AuditKey) -> None:
    notes = [key.signed(grown(size)) for size in (3, 9, 7)]
    mail = "Received: by x\n\n" + "\n".join(notes) + "\n-- \nregards\n"
    assert Note.newest(mail.splitlines(keepends=True)).size == 9
    syslog = [f"Nov 21 11:05:37 relay1 sealgate[7]: {one_line(note)}\n" for note in notes]
    assert Note.newest(syslog) == Note.parse(notes[1])
    assert Note.newest(["noise", *syslog[:1], notes[1].replace("\n", "\r\n")]).size == 3, "pieces are no checkpoint"
    cosigned = notes[2] + C2SP.rpartition("\n\n")[2]
    assert len(Note.newest(cosigned.splitlines()).signatures) == 2


def test_one_line_says_it_all_or_is_refused(key: AuditKey) -> None:
    note = key.signed(grown(3))
    assert "\n" not in one_line(note)
    assert len(one_line(note)) < 400
    with pytest.raises(ValueError, match="one line"):
        one_line(note + C2SP.rpartition("\n\n")[2])
    for more in ("x\n", "\u2014 a\n"):  # a line behind the signatures that is none: readers pass over it
        with pytest.raises(ValueError, match="one line"):
            one_line(note + more)
    head, _, signature = note.rstrip("\n").rpartition(" ")
    with pytest.raises(ValueError, match="one line"):
        one_line(f"{head} AA==\n{signature}\n")


@given(st.binary(max_size=70), st.binary(max_size=20), st.binary(max_size=70))
def test_no_octets_make_the_signature_check_raise(public: bytes, text: bytes, signature: bytes) -> None:
    for signed in (ed25519_signed, quickly_signed):
        assert not signed(public, text, signature)
    is_sound(public)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.data())
def test_both_signature_checks_agree(seed: bytes, text: bytes, data: st.DataObject) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    signature = private.sign(text)
    assert ed25519_signed(public, text, signature)
    assert is_sound(public)
    parts = [bytearray(public), bytearray(text), bytearray(signature)]
    part = data.draw(st.sampled_from([part for part in parts if part]))
    part[data.draw(st.integers(0, len(part) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    touched = tuple(map(bytes, parts))
    assert not ed25519_signed(*touched)
    assert not quickly_signed(*touched)
    # RFC 8032 5.1.7: S beyond the order is another spelling of the same signature.
    s = int.from_bytes(signature[32:], "little") + ORDER
    again = signature[:32] + s.to_bytes(32, "little")
    assert not ed25519_signed(public, text, again)
    assert not quickly_signed(public, text, again)


SMALL = [0, 1, P - 1, int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")]  # fmt: skip # noqa: E501


@pytest.mark.parametrize("y", [*SMALL, P, P + 1, 2**255 - 1, 2])
@pytest.mark.parametrize("sign", [0, 1])
def test_keys_that_prove_nothing_are_refused_and_never_let_more_pass_than_openssl(y: int, sign: int) -> None:
    public = (y | sign << 255).to_bytes(32, "little")
    assert not is_sound(public)
    key = Key("a", public)
    with pytest.raises(ValueError, match="verifier key"):
        Key.parse(key.text)
    for r in (b"\1" + bytes(31), public, bytes(32)):
        for text in (b"a", b"b", b"c"):
            signature = r + bytes(32)
            assert quickly_signed(public, text, signature) or not ed25519_signed(public, text, signature)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "\x1b", "\ud800"])
def test_a_name_that_cannot_stand_in_a_note_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name of an audit key"):
        load(generate(), name)


@pytest.mark.parametrize("pem", [b"", b"x", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_a_value_error(pem: bytes) -> None:
    with pytest.raises(ValueError, match="audit key"):
        load(pem, "a")


def test_a_private_key_does_not_show_itself(key: AuditKey) -> None:
    assert "private" not in repr(key)
