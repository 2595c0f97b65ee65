"""The DKIM signatures of a message, judged one by one, as `sealgate verify` tells them.

`verify_message` reads each signature, asks for its key, has a verifier of other origin judge it, and where it does not
verify asks `seal.diagnose` why. The message and the DNS are taken for hostile: no more than `MAX_VERIFIED` signatures
are verified, and nothing that they hold raises. A DNS that is silent makes a signature `temporary`; nothing else does.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sealgate.app.ports import Dns, PortError
from sealgate.mail.address import AddressError, parse_mailboxes
from sealgate.mail.filed import Filed
from sealgate.mail.headers import Field, Headers
from sealgate.seal.coverage import Alignment, Coverage, align, coverage
from sealgate.seal.diagnose import Diagnosis, diagnose
from sealgate.seal.public_key import KeyUnusable, PublicKey, public_key
from sealgate.seal.published import KeyRecord, RecordError, read_record
from sealgate.seal.signature import Signature, SignatureRefused, glimpse, read_signature

MAX_VERIFIED: Final = 10  # as many as RFC 6376 6.1 lets a verifier limit itself to, and more than honest mail bears
MAX_SHOWN: Final = 50
CLOCK_SLACK: Final = 36_000  # seconds that t= may be ahead before verifiers refuse: dkimpy's ten hours
_MAX_RECORDS: Final = 5
_DISPUTED: Final = "to the letter of RFC 6376 it does not fit, so other verifiers may refuse it: odd octets in the mail"

Verifier: TypeAlias = Callable[[Field, Headers, bytes, bytes], str]
"""`(signature's field, all fields, body, key record) -> why not`, empty where it verifies; see `adapters.verifier`."""


class Result(enum.StrEnum):
    """What became of a signature; the words of RFC 8601 2.7.1 are pass, fail, temperror and permerror."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class KeyFound:
    """What the DNS has at a signature's name.

    Attributes:
        record: the key record as published.
        says: its tags.
        key: the key itself.
        is_secure: whether the resolver vouches for the answer by DNSSEC.
        count: how many TXT records stand there.
    """

    record: bytes
    says: KeyRecord
    key: PublicKey
    is_secure: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """One signature.

    Attributes:
        number: from 1, top first.
        own: its field, as it stands in the message.
        result: the verdict.
        why: the reason of the result, without its full stop; a pass has one only where verifiers may differ. It may
            quote a PortError or an exception of dkimpy, so it is no printable text yet.
        signature: what the field says; None where it is malformed, and then `seen` has what can be shown.
        seen: the tags d, s and a as they seem to be; a stranger's words.
        found: its key; None where there is none that may be used.
        alignment: of `d=` with the author.
        covers: what it guards.
        diagnosis: which half fits, and what was changed; None where it was not looked for.
    """

    number: int
    own: Field
    result: Result
    why: str = ""
    signature: Signature | None = None
    seen: dict[str, str] = field(default_factory=dict)
    found: KeyFound | None = None
    alignment: Alignment = Alignment.UNKNOWN
    covers: Coverage | None = None
    diagnosis: Diagnosis | None = None

    @property
    def counts(self) -> bool:
        """Whether it speaks for the author: it passes, and its domain is the author's."""
        return self.result is Result.PASS and self.alignment.is_aligned


@dataclass(frozen=True, slots=True)
class Verified:
    """A message and its signatures.

    Attributes:
        filed: the message.
        authors: the domains in From; none where it cannot be read.
        judged: the signatures, top first; no more than `MAX_SHOWN`.
        total: how many there are.
    """

    filed: Filed
    authors: tuple[str, ...]
    judged: tuple[Judged, ...]
    total: int

    @property
    def is_in_order(self) -> bool:
        """Whether a signature speaks for the author."""
        return any(judged.counts for judged in self.judged)


@dataclass(frozen=True, slots=True)
class Inspector:
    """What it takes to judge signatures; holds nothing of any message.

    Attributes:
        dns: where key records are.
        verify: a verifier of other origin than the signer.
        now: seconds since the epoch, UTC.
        organisation: the organisational domain, where somebody knows it (see `align`).
    """

    dns: Dns
    verify: Verifier
    now: int
    organisation: str = ""

    def inspect(self, filed: Filed) -> Verified:
        """Judge every signature of a message."""
        fields = filed.headers.every(b"dkim-signature")
        authors = _author_domains(filed.headers)
        judged = [self._judge(i, own, filed, authors) for i, own in enumerate(fields[:MAX_SHOWN], 1)]
        return Verified(filed, authors, tuple(judged), len(fields))

    def _judge(self, number: int, own: Field, filed: Filed, authors: tuple[str, ...]) -> Judged:
        seen = dict(glimpse(own.value))
        try:
            signature = read_signature(own.value)
        except SignatureRefused as error:
            return Judged(number, own, Result.PERMANENT, f"the signature cannot be used: {error}", seen=seen)
        alignment = align(signature.domain, authors, self.organisation)
        covers = coverage(signature, filed.headers)

        def said(result: Result, why: str, found: KeyFound | None = None, diagnosis: Diagnosis | None = None) -> Judged:
            return Judged(number, own, result, why, signature, seen, found, alignment, covers, diagnosis)

        if number > MAX_VERIFIED:
            return said(Result.SKIPPED, f"only the first {MAX_VERIFIED} signatures are verified")
        try:
            found = self._key_of(signature, own, filed)
        except PortError as error:
            return said(Result.TEMPORARY, str(error))
        except (KeyUnusable, RecordError) as error:
            diagnosis = diagnose(signature, own, filed.headers, filed.body, None)
            return said(Result.PERMANENT, str(error), diagnosis=diagnosis)
        diagnosis = diagnose(signature, own, filed.headers, filed.body, found.key)
        against = self.verify(own, filed.headers, filed.body, found.record)
        if late := self._time_fault(signature):
            return said(Result.PERMANENT, late, found, diagnosis)
        if not against:
            return said(Result.PASS, "" if diagnosis.fits else _DISPUTED, found, diagnosis)
        return said(Result.FAIL, _reason(diagnosis, against), found, diagnosis)

    def _key_of(self, signature: Signature, own: Field, filed: Filed) -> KeyFound:
        """The key; where several records stand at its name (RFC 6376 3.6.2.2), the one that fits.

        Raises:
            PortError: the DNS did not answer.
            KeyUnusable, RecordError: there is none that may be used.
        """
        name = signature.record_name
        answer = self.dns.txt(name)
        if not answer.records:
            raise KeyUnusable(f"no key: there is no TXT record at {name}")
        found: list[KeyFound] = []
        fault: Exception | None = None
        for record in answer.records[:_MAX_RECORDS]:
            try:
                says = read_record(record)
                key = public_key(says, signature)
            except RecordError as error:
                fault = fault or RecordError(f"the record at {name} cannot be used: {error}", error.remedy)
                continue
            except KeyUnusable as error:
                fault = fault or error
                continue
            found.append(KeyFound(record, says, key, answer.is_secure, len(answer.records)))
        if not found:
            raise fault or KeyUnusable(f"no key: there is no key record at {name}")
        if len(found) > 1:
            fitting = (one for one in found if not self.verify(own, filed.headers, filed.body, one.record))
            return next(fitting, found[0])
        return found[0]

    def _time_fault(self, signature: Signature) -> str:
        if signature.expires_at is not None and signature.expires_at < self.now:
            return "it has expired (x=)"
        if signature.signed_at is not None and signature.signed_at > self.now + CLOCK_SLACK:
            return "it is dated in the future (t=): the signer's clock, or this host's, is wrong"
        return ""


def _reason(diagnosis: Diagnosis, against: str) -> str:
    """Why a signature does not fit, in a few words."""
    if diagnosis.is_other_key:
        return "it was made with another key than the published one, or b= was damaged"
    if diagnosis.fits:  # two readings of the same octets
        return f"{against}, though to the letter of RFC 6376 it fits: odd octets in header or body"
    if diagnosis.body_fits:
        return "the body is as it was signed, the header is not"
    return (
        "the header is as it was signed, the body is not" if diagnosis.header_fits else "header and body were changed"
    )


def _author_domains(headers: Headers) -> tuple[str, ...]:
    """The domains of all addresses in all From fields; none where one cannot be read."""
    found: dict[str, None] = {}
    for each in headers.every(b"from")[:10]:
        try:
            found.update(dict.fromkeys(box.address.domain for box in parse_mailboxes(each.value)))
        except AddressError:
            return ()
    return tuple(found)
