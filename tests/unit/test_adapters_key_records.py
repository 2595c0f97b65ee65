"""Key records that are given, in every form in which people have them."""

import pytest

from sealgate.adapters.key_records import KeyRecords, read_key_records
from sealgate.app.ports import PortError
from sealgate.seal.keys import zone_line
from tests.unit.signed_mail import DOMAIN, NAME, RECORD, SELECTOR


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME}={RECORD.decode()}",
        f"{NAME} {RECORD.decode()}",
        f"# keys\n\n{NAME.upper()}.\t{RECORD.decode()}\n",
        f'{NAME} "{RECORD.decode()}"',
        f'{NAME}. 3600 IN TXT "{RECORD.decode()[:200]}" "{RECORD.decode()[200:]}"',
        zone_line(SELECTOR, DOMAIN, RECORD.decode()),
        "; a zone\n" + zone_line(SELECTOR, DOMAIN, RECORD.decode()) + "\nb._domainkey.x.test TXT p=\n",
    ],
    ids=["equals", "blank", "comments", "quoted", "zone", "our own", "several"],
)
def test_a_record_is_read(text: str) -> None:
    assert read_key_records(text)[NAME] == (RECORD,)


def test_several_records_of_one_name_are_all_kept() -> None:
    assert read_key_records(f"{NAME} p=a\n{NAME} p=b\n") == {NAME: (b"p=a", b"p=b")}
    assert read_key_records("s._domainkey.x.test=p=\n") == {"s._domainkey.x.test": (b"p=",)}


@pytest.mark.parametrize(
    ("text", "line"),
    [("v=DKIM1; p=abc", 1), ("example.test v=DKIM1; p=abc", 1), ("\n#\nnonsense\n", 3), (f"{NAME}", 1), ("\x00", 1)],
)
def test_what_is_no_record_is_told_by_its_line(text: str, line: int) -> None:
    with pytest.raises(ValueError, match=f"line {line} is no key record"):
        read_key_records(text)


def test_a_name_that_was_not_given_is_no_answer() -> None:
    keys = KeyRecords({NAME: (RECORD,)})
    assert keys.txt(f"{NAME.upper()}.").records == (RECORD,)
    assert not keys.txt(NAME).is_secure
    with pytest.raises(PortError, match=r"no record of a\.test"):
        keys.txt("a.test")
