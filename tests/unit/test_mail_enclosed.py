"""The message inside a complaint, or inside a message it was attached to."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.enclosed import enclosed, is_report
from sealgate.mail.filed import Filed, read_filed
from tests.lab.recorder import NEWSLETTER

ARF = (
    b"From: fbl@provider.test\nContent-Type: multipart/report; report-type=feedback-report; boundary=\"r\"\n\n"
    b"--r\nContent-Type: text/plain\n\nA reader complained.\n"
    b"--r\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n"
    b"--r\nContent-Type: message/rfc822\n%b\n%b\n--r--\n"
)  # fmt: skip


def read(octets: bytes) -> Filed:
    filed = read_filed(octets)
    assert filed is not None
    return filed


@pytest.mark.parametrize(("header", "content"), [
    (b"", NEWSLETTER),
    (b"Content-Transfer-Encoding: base64\n", base64.encodebytes(NEWSLETTER)),
    (b"Content-Transfer-Encoding: 8bit\n", NEWSLETTER),
])  # fmt: skip
def test_the_message_of_a_complaint_comes_out_as_it_went_in(header: bytes, content: bytes) -> None:
    filed = read(ARF % (header, content))
    inner, alone = enclosed(filed), read(NEWSLETTER)
    assert is_report(filed)
    assert inner is not None
    assert inner.headers == alone.headers
    assert inner.body.rstrip() == alone.body.rstrip()


def test_mail_that_encloses_none_has_none() -> None:
    assert enclosed(read(NEWSLETTER)) is None
    assert enclosed(read(b"From: a@b.test\n\nhello\n")) is None
    assert not is_report(read(NEWSLETTER))


@given(st.binary(max_size=300))
def test_no_octets_raise(octets: bytes) -> None:
    filed = read_filed(
        b'Content-Type: multipart/report; boundary="r"\n\n--r\nContent-Type: message/rfc822\n\n' + octets
    )
    assert filed is not None
    enclosed(filed)
