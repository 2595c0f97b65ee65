"""dkimpy as a judge of any signature: its own signatures, the RFCs' examples, and what is kept from it."""

import time

import pytest

from sealgate.adapters import verifier
from sealgate.mail.filed import Filed, read_filed
from sealgate.mail.headers import Field
from sealgate.seal.signature import SignatureRefused
from tests.unit.signed_mail import FORMS, HEADER, RECORD, signed

# RFC 8463 A.2 and A.3
ED25519_RECORD = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RSA_RECORD = (
    b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J1"
    b"6JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT"
    b"+l/K4w3QIDAQAB"
)
RFC8463 = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
"""

# RFC 6376 A.2, with the key of its appendix C
RFC6376_RECORD = (
    b"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4j"
    b"YfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QID"
    b"AQAB"
)
RFC6376 = b"""\
DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
        4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
        KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
        4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game. Are you hungry yet?

Joe.
"""


def filed(message: bytes) -> Filed:
    read = read_filed(message)
    assert read is not None
    return read


def said(message: bytes, record: bytes, index: int = 0) -> str:
    read = filed(message)
    return verifier.verify_field(read.headers.every(b"dkim-signature")[index], read.headers, read.body, record)


@pytest.fixture(params=[True, False], ids=["pynacl", "cryptography"])
def has_nacl(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param and not verifier.HAS_NACL:
        pytest.skip("PyNaCl is not installed")
    monkeypatch.setattr(verifier, "HAS_NACL", request.param)
    return bool(request.param)


def test_the_example_of_rfc_8463(has_nacl: bool) -> None:
    del has_nacl
    assert said(RFC8463, ED25519_RECORD, 0) == ""
    assert said(RFC8463, RSA_RECORD, 1) == ""
    for tampered in (RFC8463.replace(b"dinner", b"supper"), RFC8463.replace(b"lost", b"won ")):
        assert said(tampered, ED25519_RECORD, 0)
        assert said(tampered, RSA_RECORD, 1)
    assert said(RFC8463, ED25519_RECORD.replace(b"11qY", b"12qY"), 0)


def test_the_example_of_rfc_6376() -> None:
    assert said(RFC6376, RFC6376_RECORD) == ""
    assert said(RFC6376.replace(b"game. Are", b"game.  Are"), RFC6376_RECORD)


@pytest.mark.parametrize("forms", FORMS)
def test_its_own_signatures_verify_in_every_form(forms: tuple[bytes, bytes]) -> None:
    message = signed(forms=forms)
    assert said(message, RECORD) == ""
    assert said(message.replace(b"\r\n", b"\n"), RECORD) == ""
    assert "body hash mismatch" in said(message + b"x", RECORD)
    assert "does not fit" in said(message.replace(b"Subject: ", b"Subject: x"), RECORD)


def test_one_of_many_is_judged_and_its_times_are_not_minded() -> None:
    message = signed().replace(b"; t=", b"; x=5; t=4; r=") + b"x"
    assert "t=4" in message.decode("utf-8")
    assert "body hash" in said(message, RECORD)  # neither expired nor malformed, which dkimpy alone would say
    first = signed(HEADER, b"other")
    assert said(first.partition(b"From: Alice")[0] + signed(), RECORD, 1) == ""


def test_what_would_take_dkimpy_hours_takes_seconds() -> None:
    begin = time.process_time()
    assert said(signed() + b" " * 300_000 + b"x\r\n", RECORD)
    assert said(signed() + b"\t \t" * 100_000 + b"x\r\n", RECORD)
    assert said(signed(body=b"a" + b" " * 300_000 + b"x\r\n", forms=(b"simple", b"simple")), RECORD) == ""
    many = b"".join(b"Subject: x\r\n" for _ in range(3_000))
    assert "more than 2000" in said(signed().replace(b"MIME-V", many + b"MIME-V", 1), RECORD)
    folds = b"X-Own:" + b"\r\n x" * 100_000 + b"\r\n"
    assert said(signed().replace(b"MIME-V", folds + b"MIME-V", 1), RECORD) == ""
    assert time.process_time() - begin < 6


def test_long_blanks_within_a_line_still_verify() -> None:
    """A signer that is no regular expression: ours would make this mail."""
    body = b"a" + b" " * 5_000 + b"x\r\n"
    assert said(signed(body=body), RECORD) == ""


def test_what_is_no_signature_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        verifier.verify_field(Field(b"DKIM-Signature", b" v=1"), filed(signed()).headers, b"", RECORD)
    assert "dkimpy" in said(signed(), b"v=DKIM1; p=!!!")
