"""What leaves, to the octet: signatures of one letter by fixed keys at a fixed time, through profile, plan and seal.

Both algorithms are deterministic, so a golden string changes only when the list of fields, a canonical form, the tags
or their layout change: each of these is an interface to who verifies and to who reads our records. A new golden is a
decision, not a repair.
"""

from pathlib import Path
from typing import Final

import pytest
from dkim.util import parse_tag_value

from sealgate.mail.address import parse_address
from sealgate.mail.headers import Field, Headers
from sealgate.profile.parse import parse_profile
from sealgate.seal import plan as planning
from sealgate.seal.keys import SigningKey, load, public_record
from sealgate.seal.plan import DEFAULT_LIST_VERSION, SealPlan, plan
from sealgate.seal.sign import sign
from tests.lab.tampering import TIME, body_hashes
from tests.lab.verify import dkimpy_verdict

INTERFACE: Final = (
    "This is an interface: bump DEFAULT_LIST_VERSION, note the change under Incompatible changes in CHANGELOG.md, "
    "and only then write the new list here."
)
FOLDER = Path(__file__).parent / "keys"
RSA, ED25519 = (FOLDER / "rsa2048.pem").read_bytes(), (FOLDER / "ed25519.pem").read_bytes()

# By version of the list, as OVERSIGNED | OVERSIGNED_COMMERCIAL | the rest of SIGNED.
LISTS: Final = {
    1: (
        "From:To:Cc:Subject:Date:Message-ID:Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding"
        "|List-Unsubscribe:List-Unsubscribe-Post"
        "|Resent-Date:Resent-From:Resent-To:Resent-Cc:In-Reply-To:References:List-Id:List-Help:List-Subscribe:List-Post"
        ":List-Owner:List-Archive:Sender:Resent-Sender:Resent-Message-ID:Content-ID:Content-Description"
        ":Content-Disposition:Content-Language:Feedback-ID"
    )
}


def test_the_list_of_fields_is_the_one_of_its_version() -> None:
    lists = (planning.OVERSIGNED, planning.OVERSIGNED_COMMERCIAL)
    rest = planning.SIGNED[sum(map(len, lists)) :]
    said = "|".join(b":".join(names).decode() for names in (*lists, rest))
    assert (*lists[0], *lists[1], *rest) == planning.SIGNED
    assert {DEFAULT_LIST_VERSION: said} == {max(LISTS): LISTS[max(LISTS)]}, INTERFACE


PROFILE: Final = """\
version: 1
seal: on
domains:
  example.com:
    sign: yes
    subdomains: yes
    {form}
    keys: [{{selector: e1, file: /k/e1}}, {{selector: r1, file: /k/r1}}]
  mailer.example:
    sign: yes
    canonicalization: simple/relaxed
    keys: [{{selector: m1, file: /k/m1}}]
postal_addresses: {{office: "Example Inc., 12 Main Street, Springfield, IL 62701"}}
identities:
  letters:
    principals: [svc/letters@EXAMPLE.COM]
    kind: service
    class: commercial
    senders: ["@example.com"]
    postal_addresses: [office]
realms: {{EXAMPLE.COM: exact}}
{rows}
"""
LETTER: Final = Headers(
    (
        Field(b"Received", b" from a by b; Thu, 9 Oct 2025 08:53:20 +0000"),
        Field(b"From", b" Garden Letters <letters@example.com>"),
        Field(b"To", b" Ada <ada@reader.example>"),
        Field(b"SUBJECT", b" Bulbs in autumn:\r\n\twhat to plant   now"),
        Field(b"Date", b" Thu, 09 Oct 2025 08:53:20 +0000"),
        Field(b"Message-ID", b" <autumn.1@example.com>"),
        Field(b"X-Mailer", b" none"),
    )
)
BODY: Final = b"Tulips  and\tcrocuses \r\n\r\nYours, the gardeners\r\n\r\n"
KEYS: Final[dict[str, tuple[SigningKey, ...]]] = {
    "example.com": (load(ED25519, "example.com", "e1"), load(RSA, "example.com", "r1")),
    "mailer.example": (load(ED25519, "mailer.example", "m1"),),
}
RECORDS: Final = {key.record_name: public_record(key) for keys in KEYS.values() for key in keys}


def made(
    form: str = "timestamp: yes", rows: str = "", author: str = "letters@example.com", name: str = ""
) -> list[str]:
    """The values of the signatures, in their order."""
    profile, problems = parse_profile(PROFILE.format(form=form, rows=rows), "p", known_rules=frozenset())
    assert profile is not None, problems
    identity = next((i for i in profile.identities if i.name == name), None)
    seal = plan(LETTER, parse_address(author.encode()), profile, KEYS, identity=identity)
    assert isinstance(seal, SealPlan), seal
    return [value for _, value in sign(seal, LETTER, body_hashes(BODY), TIME)]


ONE: Final = "signatures: [{authors: '*', keys: example.com/e1}]"
CASES: Final[dict[str, tuple[dict[str, str], list[str]]]] = {
    "relaxed/relaxed, both keys": (
        {},
        [
            (
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\n"
                "\ts=e1; t=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=i6MnL1n+d58OWHsrRVigSOt4lrgn9xljnMJamqeuFJdLMNa3XP9ekTFXrDSTQyCG3aqXoN0l3\n"
                "\tDgQHVJ+AhtrDw=="
            ),
            (
                "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=r1;\n"
                "\tt=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=tGTq43D4LoIH7qhyrliJL59Y7qOhQmGUsgNphbKelPQNUgj0FTVupncADEZPCzZE00y18I13h\n"
                "\tVPj6HcTfsRLIIcNVwFnVkya5KPdL2rD5x6xbJyVdTSq+dPiSTthTrfBdtxv0nE7kG0gl2rv6bDh\n"
                "\tzGmytxSzEe/MYyBIhUvDcthhWzbgtCoSYBndNDC2DeV3f6KAetX8yQz+KMEKBrTRFB9ycSvkM+Q\n"
                "\tGLSip2fTAmbwNFX3Vioc96EqBySZ6uwcNhfexLl9gGBzs36zGUrPYXJ1UpkwBbk2bWzdK7+29Nc\n"
                "\tzcpkAHpBBJWWPQnsbzGBjT+9I3g9oXHgsIh+Abb9Cdvg=="
            ),
        ],
    ),
    "simple/simple, both keys": (
        {"form": "canonicalization: simple/simple"},
        [
            (
                "v=1; a=ed25519-sha256; c=simple/simple; d=example.com;\n"
                "\ts=e1; t=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=et40iWmSuiBsxbum4KSx6w+l2lvo9QUup0BrQFKzN/4=;\n"
                "\tb=VLtdAyJW5+NKtjWA7b19a6yxJuUFO0ZJBiZ/lJJQsv0s9Z4Q/0iwqw4+QUcayu5JSAgqsiK35\n"
                "\txWsqHAiLjfwDg=="
            ),
            (
                "v=1; a=rsa-sha256; c=simple/simple; d=example.com; s=r1;\n"
                "\tt=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=et40iWmSuiBsxbum4KSx6w+l2lvo9QUup0BrQFKzN/4=;\n"
                "\tb=d97fja9PL0boG6UNjqOjxkiLbhWbDVgqnM0zjxvp4OV8BUagaMjRV4ojNi2v4pLiNxVE8MMb/\n"
                "\tNFTMd0Bc5wyBVkUPvn5EfiW3WfKzCuMWyd/yxr4jU3ZKOvMrSOtlR6Z4z785R/SLwS6cqrcg0xO\n"
                "\tMktmTzp4o05VFowm96ZdZnFAnWxChsUh74yoO0nFZhA27TskZS15MO4TQh++zdHDKAqixAFxlQw\n"
                "\tj8D201n1dlLSQrZF2AqsGUqKg5vArxbmcmHs3cylMo2HDfJ7IOKtZpi6c4Bwi6Z1TcCbj27LHaE\n"
                "\tAkycncSOmtjlfkKRQKp+Tzxs8iDh2MQ/2796TULG8Rxw=="
            ),
        ],
    ),
    "relaxed/simple": (
        {"form": "canonicalization: relaxed/simple", "rows": ONE},
        [
            (
                "v=1; a=ed25519-sha256; c=relaxed/simple; d=example.com;\n"
                "\ts=e1; t=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=et40iWmSuiBsxbum4KSx6w+l2lvo9QUup0BrQFKzN/4=;\n"
                "\tb=DXAU65TRk8Xs6fR2hMeBn6rrgsidaBWlGsDda69d7dODMltAfApk+iZB+6KBGO+buqQtf+PoB\n"
                "\tSj/tm15ro20CQ=="
            ),
        ],
    ),
    "simple/relaxed": (
        {"form": "canonicalization: simple/relaxed", "rows": ONE},
        [
            (
                "v=1; a=ed25519-sha256; c=simple/relaxed; d=example.com;\n"
                "\ts=e1; t=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=bZeBAqD9nA51hBosTX1ZL5gcE8laNerALcoHdjLvL+DplI6hkITW9k9VZZclE/4JujL/r3ZB5\n"
                "\tLvK+PaIcJMfCg=="
            ),
        ],
    ),
    "i= the domain": (
        {"form": "auid: domain", "rows": ONE, "author": "letters@lab.example.com"},
        [
            (
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\n"
                "\ts=e1; i=@lab.example.com; t=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=mdJEqGzXAm3lKpkBoUZXMOPw3vs3OGMJK15nqDL5XfwjyMWXsapoBq5cyiM1txQNreweBmnnR\n"
                "\tlgiwAzHzfTtBg=="
            ),
        ],
    ),
    "i= the author": (
        {"form": "auid: author", "rows": ONE, "author": "letters+a=b@example.com"},
        [
            (
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\n"
                "\ts=e1; i=letters+a=3Db@example.com; t=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=x6HMub3ETHIs8UA2TSH2Tf1NBdYCKX92D352IxRJ0lH2faPJp9zb7zInLgSnxJ0d79HPQ8dyL\n"
                "\tddyBdnkI2q9CA=="
            ),
        ],
    ),
    "no t=": (
        {"form": "timestamp: no", "rows": ONE},
        [
            (
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\n"
                "\ts=e1;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=08lDfJcBFxsSeRe76SaNJ/Yccpz+aF8Mzrq3vrQFzyKNRAwHRHOn8t6MK6qDphWjLHfSAoUo3\n"
                "\th5nasn24noQBw=="
            ),
        ],
    ),
    "x=": (
        {"form": "signature_ttl: 14d", "rows": ONE},
        [
            (
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\n"
                "\ts=e1; t=1760000000; x=1761209600;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=fqc8GasbFX3/Sd3er7oXGK9inzM4xr/c9ZAHcwG1UDt5X07G9X+Bso/ZtMQTA/lmtrqhxlA6s\n"
                "\tSJ+iZaz/n/EAg=="
            ),
        ],
    ),
    "x= without t=": (
        {"form": "timestamp: no\n    signature_ttl: 90s", "rows": ONE},
        [
            (
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\n"
                "\ts=e1; x=1760000090;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=7mfsJ5t5qAtIzU9t+ThaIGZGE+OuFcyvMyTlGirfa+MGFizuOK7IDCE6sd83nhPmOVN2fVXwI\n"
                "\tlvIzXItdL13DQ=="
            ),
        ],
    ),
    "commercial": (
        {"rows": ONE, "name": "letters"},
        [
            (
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\n"
                "\ts=e1; t=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:\n"
                "\tList-Unsubscribe:List-Unsubscribe-Post;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=JymiR3Ma0LjVLPM5e+y2l961Sli5lhAsq0epkAKugSjF0FcuItWltg5r6VuP5Odpd52f+dYbP\n"
                "\tYaohr1XhL8nBg=="
            ),
        ],
    ),
    "two domains": (
        {"rows": "signatures: [{identities: letters, keys: [example.com/e1, mailer.example]}]", "name": "letters"},
        [
            (
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\n"
                "\ts=e1; t=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:\n"
                "\tList-Unsubscribe:List-Unsubscribe-Post;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=JymiR3Ma0LjVLPM5e+y2l961Sli5lhAsq0epkAKugSjF0FcuItWltg5r6VuP5Odpd52f+dYbP\n"
                "\tYaohr1XhL8nBg=="
            ),
            (
                "v=1; a=ed25519-sha256; c=simple/relaxed; d=mailer.example;\n"
                "\ts=m1; t=1760000000;\n"
                "\th=From:To:SUBJECT:Date:Message-ID:From:To:Cc:SUBJECT:Date:Message-ID:\n"
                "\tReply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:\n"
                "\tList-Unsubscribe:List-Unsubscribe-Post;\n"
                "\tbh=sixEDB5+bRrTIT4wZOayOM258LgzdsOnDZOyD3K07k0=;\n"
                "\tb=HVZAAdTsJ9HTJQYAfHBKXsIEyPiR/fIIqdQBU7lS/vg9X/AKFKjs+fUZyLKuFB6mqML1DQoGe\n"
                "\thKj6VCTk5+4AA=="
            ),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_leaves_is_what_left_before(case: str) -> None:
    arguments, golden = CASES[case]
    assert made(**arguments) == golden, INTERFACE


@pytest.mark.parametrize("case", [case for case in CASES if "x=" not in case])
def test_dkimpy_verifies_the_goldens(case: str) -> None:
    """(Those with an end have reached it.)"""
    top = b"".join(b"DKIM-Signature: " + v.replace("\n", "\r\n").encode() + b"\r\n" for v in CASES[case][1])
    wire = top + b"".join(f.name + b":" + f.value + b"\r\n" for f in LETTER) + b"\r\n" + BODY
    assert dkimpy_verdict(wire, RECORDS) == [True] * len(CASES[case][1])


def test_no_golden_has_a_tag_we_never_say() -> None:
    """RFC 6376 3.5: q= and z= are no use, l= is a hole (8.2)."""
    tags = {tag for _, values in CASES.values() for value in values for tag in parse_tag_value(value.encode())}
    assert tags == {b"v", b"a", b"c", b"d", b"s", b"t", b"x", b"i", b"h", b"bh", b"b"}
