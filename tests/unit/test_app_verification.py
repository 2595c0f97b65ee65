"""A message's signatures judged one by one, with a DNS that is not to be trusted."""

import time
from collections.abc import Mapping

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.adapters import verifier
from sealgate.app.ports import PortError, Txt
from sealgate.app.verification import CLOCK_SLACK, MAX_SHOWN, MAX_VERIFIED, Inspector, Judged, Result, Verified
from sealgate.mail.filed import read_filed
from sealgate.profile.model import Form
from sealgate.seal.canonical import RelaxedBody, SimpleBody
from sealgate.seal.coverage import Alignment
from sealgate.seal.plan import SealPlan, Signer, signed_names
from sealgate.seal.sign import sign
from tests.unit.signed_mail import BODY, HEADER, KEY, NAME, PEM, RECORD, signed

NOW = 1_800_000_000


class Names:
    """A DNS of few names; a name with None does not answer."""

    def __init__(self, records: Mapping[str, tuple[bytes, ...] | None], *, is_secure: bool = False) -> None:
        self._records, self._is_secure = records, is_secure
        self.asked: list[str] = []

    def txt(self, name: str) -> Txt:
        self.asked.append(name)
        records = self._records.get(name, ())
        if records is None:
            raise PortError(f"no answer for {name} within 3 seconds")
        return Txt(records, self._is_secure)


def inspected(message: bytes, *records: bytes, now: int = NOW) -> Verified:
    filed = read_filed(message)
    assert filed is not None
    return Inspector(Names({NAME: records}), verifier.verify_field, now).inspect(filed)


def first(message: bytes, *records: bytes, now: int = NOW) -> Judged:
    return inspected(message, *records, now=now).judged[0]


def test_a_signature_of_the_author_s_domain_passes() -> None:
    verified = inspected(signed(), RECORD)
    assert verified.is_in_order
    (judged,) = verified.judged
    assert (judged.result, judged.why, judged.alignment) == (Result.PASS, "", Alignment.STRICT)
    assert judged.found is not None
    assert (judged.found.key.bits, judged.found.count, judged.found.is_secure) == (2048, 1, False)


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ((), f"no key: there is no TXT record at {NAME}"),
        ((b"v=DKIM1; p=",), "the key is revoked"),
        ((b"v=spf1 -all",), "cannot be used"),
        ((b"v=DKIM1; p=@@@",), "is no base64"),
        ((b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",), "of another kind"),
        ((RECORD.replace(b"k=rsa", b"k=rsa; s=tlsrpt"),), "s= does not allow mail"),
        ((RECORD.replace(b"k=rsa", b"k=rsa; h=sha1"),), "h= does not allow SHA-256"),
    ],
)
def test_without_a_usable_key_it_fails_for_good(records: tuple[bytes, ...], why: str) -> None:
    judged = first(signed(), *records)
    assert judged.result is Result.PERMANENT
    assert why in judged.why
    assert judged.diagnosis is not None
    assert (judged.diagnosis.body_fits, judged.diagnosis.header_fits) == (True, None)


def test_a_key_that_is_too_short_proves_nothing() -> None:
    short = (
        b"v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALtHcqyckmqEWKEGkmqcv0wk0LmDcmv1Z4eC3dXmlKJtGKtIVgLUGzDrGcH+5sTSXN"
        b"ZGoHGqMMvUrsgDuUkVmSECAwEAAQ=="
    )
    judged = first(signed(), short)
    assert judged.result is Result.PERMANENT
    assert "512 bits" in judged.why


def test_t_s_forbids_identities_below_the_domain() -> None:
    message = signed(identity=b"alice@eu.example.test")
    assert first(message, RECORD).result is Result.PASS
    assert "t=s" in first(message, RECORD.replace(b"k=rsa", b"k=rsa; t=s")).why


def test_a_silent_dns_is_temporary_and_nothing_else_is() -> None:
    filed = read_filed(signed())
    assert filed is not None
    (judged,) = Inspector(Names({NAME: None}), verifier.verify_field, NOW).inspect(filed).judged
    assert judged.result is Result.TEMPORARY
    assert "no answer" in judged.why


def test_of_several_records_the_one_that_fits_is_taken() -> None:
    other = RECORD[:-20] + b"AAAA" + RECORD[-16:]
    judged = first(signed(), b"v=spf1 -all", other, RECORD)
    assert judged.found is not None
    assert (judged.result, judged.found.count) == (Result.PASS, 3)


def test_dates_are_minded() -> None:
    made = int(time.time())  # dkimpy's t=
    assert first(signed(), RECORD, now=made - CLOCK_SLACK + 100).result is Result.PASS
    judged = first(signed(), RECORD, now=made - CLOCK_SLACK - 100)
    assert (judged.result, judged.why[:26]) == (Result.PERMANENT, "it is dated in the future ")
    assert judged.diagnosis is not None
    assert judged.diagnosis.fits


def test_an_expired_signature_is_no_pass_and_still_diagnosed() -> None:
    message = signed().replace(b"; t=", b"; t=5; x=6; r=")
    judged = first(message, RECORD)
    assert (judged.result, judged.why) == (Result.PERMANENT, "it has expired (x=)")


def test_a_signature_by_another_key_is_told_as_such() -> None:
    other = (
        b"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v"
        b"3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ"
        b"2QIDAQAB"
    )
    assert first(signed(), other).why == "it was made with another key than the published one, or b= was damaged"


def test_header_and_body_are_told_apart() -> None:
    assert "the body is not" in first(signed() + b"x", RECORD).why
    assert "the header is not" in first(signed().replace(b"Tea", b"Tee"), RECORD).why
    assert "header and body" in first(signed().replace(b"Tea", b"Tee") + b"x", RECORD).why


def test_readings_that_differ_are_told() -> None:
    """dkimpy takes a vertical tab for a blank, RFC 5234 does not."""
    judged = first(signed().replace(b"Tea at  four\r\n", b"Tea at  four\x0b\r\n"), RECORD)
    assert judged.result is Result.PASS
    assert "to the letter of RFC 6376 it does not fit" in judged.why


def test_a_malformed_one_beside_a_good_one_does_no_harm() -> None:
    verified = inspected(b"DKIM-Signature: v=1; d=x\x1b.test; l=x\r\n" + signed(), RECORD)
    assert [judged.result for judged in verified.judged] == [Result.PERMANENT, Result.PASS]
    assert verified.judged[0].seen == {"d": "x\x1b.test"}
    assert verified.is_in_order


@pytest.mark.parametrize(
    ("author", "authors", "is_in_order"),
    [
        (b"alice@eu.example.test", ("eu.example.test",), True),
        (b"alice@elsewhere.test", ("elsewhere.test",), False),
        (b"a@example.test, b@example.test", ("example.test",), True),
        (b"a@example.test, b@elsewhere.test", ("example.test", "elsewhere.test"), False),
        (b"nobody", (), False),
    ],
)
def test_a_pass_counts_for_the_author_only(author: bytes, authors: tuple[str, ...], is_in_order: bool) -> None:
    verified = inspected(signed(HEADER.replace(b"Alice Liddell <alice@example.test>", author)), RECORD)
    assert verified.judged[0].result is Result.PASS
    assert (verified.authors, verified.is_in_order) == (authors, is_in_order)


def test_hosts_beside_each_other_count_if_somebody_knows_the_organisation() -> None:
    message = HEADER.replace(b"alice@example.test", b"alice@news.example.test") + b"\r\n" + BODY
    message = dkim.sign(message, b"r1", b"mail.example.test", PEM, include_headers=[b"from"]) + message
    filed = read_filed(message)
    assert filed is not None
    names = Names({"r1._domainkey.mail.example.test": (RECORD,)})
    for organisation, is_in_order in (("", False), ("example.test", True), ("elsewhere.test", False)):
        verified = Inspector(names, verifier.verify_field, NOW, organisation).inspect(filed)
        assert verified.judged[0].result is Result.PASS
        assert verified.is_in_order is is_in_order


def test_of_five_hundred_signatures_few_are_verified() -> None:
    message = signed()
    field = message.partition(b"From: Alice")[0]
    dns = Names({NAME: (RECORD,)})
    filed = read_filed(field * 499 + message)
    assert filed is not None
    begin = time.process_time()
    verified = Inspector(dns, verifier.verify_field, NOW).inspect(filed)
    assert time.process_time() - begin < 5
    assert (verified.total, len(verified.judged), len(dns.asked)) == (500, MAX_SHOWN, MAX_VERIFIED)
    assert [judged.result for judged in verified.judged[MAX_VERIFIED:]] == [Result.SKIPPED] * (MAX_SHOWN - MAX_VERIFIED)


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("folds", [b"\n", b"\r\n"])
def test_our_own_seal_is_in_order_and_its_harms_are_named(form: Form, folds: bytes) -> None:
    filed = read_filed(HEADER + b"\r\n" + BODY)
    assert filed is not None
    relaxed, simple = RelaxedBody(), SimpleBody()
    relaxed.feed(filed.body)
    simple.feed(filed.body)
    plan = SealPlan((Signer(KEY, form, form, ttl=600),), signed_names(filed.headers, commercial=True))
    hashes = {Form.RELAXED: relaxed.digest(), Form.SIMPLE: simple.digest()}
    ((name, value),) = sign(plan, filed.headers, hashes, NOW)
    message = f"{name}: {value}\n".encode().replace(b"\n", b"\r\n") + HEADER + b"\r\n" + BODY
    verified = inspected(message.replace(b"\r\n", folds), RECORD)
    assert verified.is_in_order
    covers = verified.judged[0].covers
    assert covers is not None
    assert (covers.unsigned, covers.open) == ((), ())
    assert first(message, RECORD, now=NOW + 601).why == "it has expired (x=)"
    harmed = inspected(message.replace(b"Subject: ", b"Subject: [x] ") + b"ad\r\n", RECORD).judged[0].diagnosis
    assert harmed is not None
    assert harmed.header_cause == 'Subject got "[x]" in front'
    assert "text was appended" in harmed.body_cause
    assert "Cc field was added" in str(inspected(b"Cc: x@y.z\r\n" + message, RECORD).judged[0].diagnosis)


ONCE = signed()


@given(
    st.lists(st.tuples(st.integers(0, 1500), st.binary(max_size=8)), max_size=4),
    st.lists(st.binary(max_size=60), max_size=3),
)
def test_nothing_is_raised_by_any_message_and_any_record(
    damages: list[tuple[int, bytes]], records: list[bytes]
) -> None:
    message = ONCE
    for at, junk in damages:
        message = message[:at] + junk + message[at + len(junk) :]
    if (filed := read_filed(message)) is not None:
        for known in ((RECORD,), tuple(records), tuple(b"v=DKIM1; p=" + record for record in records)):
            Inspector(Names({NAME: known}), verifier.verify_field, NOW).inspect(filed)
