"""Targets: canonical forms beside dkimpy's, key records and keys, signatures of strangers."""

import contextlib
import hashlib
import re
from functools import cache
from typing import Final

import dkim
from dkim.canonicalization import Relaxed, Simple

from sealgate.mail.headers import Field, Headers, parse_block
from sealgate.profile.model import Form
from sealgate.seal.body_changes import canonical_body
from sealgate.seal.canonical import RelaxedBody, SimpleBody, relaxed_field, simple_field
from sealgate.seal.coverage import align, coverage
from sealgate.seal.diagnose import compare_fields, diagnose
from sealgate.seal.keys import KeyRefused, SigningKey, generate, load, public_record, quoted_strings, txt_strings
from sealgate.seal.plan import SealPlan, Signer, signed_names
from sealgate.seal.public_key import KeyUnusable, public_key
from sealgate.seal.published import RecordError, compare, read_record
from sealgate.seal.refold import refold
from sealgate.seal.sign import sign
from sealgate.seal.signature import SignatureRefused, glimpse, read_signature
from tests.fuzz.target import must, same

_STRIPPED: Final = b"\r\n\x0b\x0c"  # dkimpy takes these off the ends of a value too; RFC 5234 B.1 has no such blanks
_THEIRS: Final = 4_096  # octets that dkimpy gets: on runs of blanks it takes the square of their number
_NOT_SIGNED_ALIKE: Final = re.compile(rb"[\0\x0b\x0c]|\r(?!\n)|(?<!\r)\n")


def canonical(data: bytes) -> None:
    """Bodies and fields, cut anywhere, have the canonical form that dkimpy gives them."""
    cut = 1 + (data[0] if data else 0)
    body = data[1:]
    cut = max(cut, len(body) // 512)
    relaxed, simple = RelaxedBody(), SimpleBody()
    for at in range(0, len(body), cut):
        relaxed.feed(body[at : at + cut])
        simple.feed(body[at : at + cut])
    ended = body if not body or body.endswith(b"\r\n") else body + b"\r\n"
    for form, ours, theirs in ((Form.RELAXED, relaxed, Relaxed), (Form.SIMPLE, simple, Simple)):
        whole = canonical_body(body, form)
        same(ours.digest(), hashlib.sha256(whole).digest(), form, cut)
        if len(body) <= _THEIRS:
            same(whole, theirs.canonicalize_body(ended), form)
    name, _, value = body.partition(b":")
    value = value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    same(simple_field(name, value), name + b":" + value + b"\r\n")
    form_of_ours = relaxed_field(b"Subject", value).removeprefix(b"subject:").removesuffix(b"\r\n")
    if len(value) > _THEIRS:
        return
    ((_, form_of_theirs),) = Relaxed.canonicalize_headers([(b"subject", value)])
    same(form_of_ours.strip(b" \t" + _STRIPPED) + b"\r\n", form_of_theirs)
    if not {form_of_ours[:1], form_of_ours[-1:]} & {b"\r", b"\x0b", b"\x0c"}:
        same(form_of_ours + b"\r\n", form_of_theirs)


def keys(data: bytes) -> None:
    """Key records of the DNS, keys of files, and what is said of both."""
    with contextlib.suppress(KeyRefused):
        load(data, "example.test", "s1")
    try:
        record = read_record(data)
    except RecordError as error:
        must(str(error).isprintable(), str(error))
    else:
        for value in _signatures():
            try:
                key = public_key(record, read_signature(value))
            except KeyUnusable as error:
                must(str(error).isprintable(), str(error))
            else:
                must(key.bits >= 1_024 or key.kind == "ed25519", key)
    for signing in _keys():
        said = compare((data,), signing)
        must(said.says.isprintable() and said.remedy.isprintable(), said)
        compare((data[: len(data) // 2], data[len(data) // 2 :]), signing, names_subdomains=True)
    text = "".join(map(chr, data)) if data.isascii() else ""
    same("".join(txt_strings(text)), text)
    same(len(quoted_strings(text)), len(txt_strings(text)))


def signature(data: bytes) -> None:
    """A signature of a stranger's, and the message around it: header, empty line, body."""
    head, _, body = data.partition(b"\r\n\r\n")
    block = parse_block(head.split(b"\r\n"))
    own = next(iter(block.every(b"dkim-signature")), Field(b"DKIM-Signature", data[:4_000]))
    glimpse(own.value)
    names = frozenset(name.lower() for name in signed_names(block, commercial=True))
    again = refold(block, names)
    same(refold(again.headers, names).edits, (), again.edits)
    try:
        read = read_signature(own.value)
    except SignatureRefused as error:
        must(str(error).isprintable(), str(error))
        return
    rest = Headers(tuple(each for each in block.fields if each is not own))
    coverage(read, rest)
    align(read.domain, ("example.test", "a.example.test"))
    for signing in _keys():
        with contextlib.suppress(KeyUnusable):
            key = public_key(read_record(public_record(signing).encode()), read)
            said = diagnose(read, own, rest, body, key)
            must((said.body_cause + said.header_cause).isprintable(), said)
    recorded = tuple(body[:4_000].decode("latin-1").split("\r\n"))
    compare_fields(recorded, rest, lambda digest: f"~{digest}")


def sealed(data: bytes) -> None:
    """What is signed here is found good by dkimpy, where both read the octets alike."""
    head, _, body = data.partition(b"\r\n\r\n")
    if _NOT_SIGNED_ALIKE.search(data) or (body and not body.endswith(b"\r\n")):
        return
    fields = [each for each in parse_block(head.split(b"\r\n")).fields if re.fullmatch(rb"[!-9;-~]+", each.name)]
    fields = [each for each in fields if each.key != b"dkim-signature" and each.value.strip()]
    fields = [each for each in fields if not re.search(rb"\r\n(?![ \t])|\r\n[ \t]*\r\n|\r\n[ \t]*\Z", each.value)][:40]
    if not any(each.key == b"from" for each in fields):
        fields.insert(0, Field(b"From", b" news@example.test"))
    block = Headers(tuple(fields))
    key = _keys()[1]
    forms = Form.RELAXED if len(data) % 2 else Form.SIMPLE
    names = signed_names(block, commercial=True)
    plan = SealPlan((Signer(key, forms, forms),), names)
    hashes = {forms: hashlib.sha256(canonical_body(body, forms)).digest()}
    ((name, value),) = sign(plan, block, hashes, 1_795_000_000)
    wire = b"".join(simple_field(each.name, each.value) for each in block.fields)
    seal = simple_field(name.encode(), b" " + value.encode())
    record = public_record(key).encode()
    good = dkim.verify(seal + wire + b"\r\n" + body, dnsfunc=lambda *_, **__: record)
    must(good, seal + wire + b"\r\n" + body)


@cache
def _keys() -> tuple[SigningKey, ...]:
    return tuple(load(generate(kind), "example.test", "s1") for kind in ("rsa2048", "ed25519"))


@cache
def _signatures() -> tuple[bytes, ...]:
    tags = "v=1; a={}; d=example.test; s=s1; h=From; bh={}=; b=AAAA".format
    return tuple(tags(algorithm, "A" * 43).encode() for algorithm in ("rsa-sha256", "ed25519-sha256"))
