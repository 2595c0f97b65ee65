"""Every change that a message may suffer on its way, and what dkimpy says of its signatures then.

The other verifiers judge the same changes in `tests/drivers/test_seal_judges.py`.
"""

from pathlib import Path

import pytest

from sealgate.profile.model import Form
from sealgate.seal.keys import load, public_record
from sealgate.seal.plan import OVERSIGNED, OVERSIGNED_COMMERCIAL, SIGNED, Signer
from tests.lab.tampering import BARE, TAMPERINGS, WHOLE, Breaks, Letter, Tampering, sealed
from tests.lab.verify import dkimpy_verdict

FOLDER = Path(__file__).parent / "keys"
RSA = load((FOLDER / "rsa2048.pem").read_bytes(), "example.com", "r1")
ED25519 = load((FOLDER / "ed25519.pem").read_bytes(), "example.com", "e1")
RECORDS = {key.record_name: public_record(key) for key in (RSA, ED25519)}
FORMS = [(header, body) for header in Form for body in Form]
_SEALED: dict[tuple[Letter, Form, Form], Letter] = {}


def letter(of: Letter, header: Form, body: Form) -> Letter:
    """The letter, signed by both keys in these forms, as a newsletter."""
    key = (of, header, body)
    if key not in _SEALED:
        _SEALED[key] = sealed(of, [Signer(RSA, header, body), Signer(ED25519, header, body)], commercial=True)
    return _SEALED[key]


@pytest.mark.parametrize(("header", "body"), FORMS)
@pytest.mark.parametrize("of", [WHOLE, BARE])
def test_untouched_both_are_good(of: Letter, header: Form, body: Form) -> None:
    assert dkimpy_verdict(letter(of, header, body).wire, RECORDS) == [True, True]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda t: t.code)
def test_what_a_change_breaks(tampering: Tampering) -> None:
    for header, body in FORMS if tampering.of_body else ((Form.SIMPLE,) * 2, (Form.RELAXED,) * 2):
        arrived = tampering.change(letter(tampering.letter, header, body))
        assert dkimpy_verdict(arrived.wire, RECORDS) == [tampering.holds(header, body)] * 2, (header, body)


def test_the_matrix_tries_every_field_and_every_outcome() -> None:
    """Each signed field changed, removed, doubled and added; both answers in both parts."""
    codes = {t.code for t in TAMPERINGS}
    assert len(codes) == len(TAMPERINGS)
    for name in SIGNED:
        for what in ("changed", "removed", "folded again", "doubled on top", "doubled below", "renamed by case alone"):
            assert f"{name.decode()} {what}" in codes
    assert {(t.breaks, t.of_body) for t in TAMPERINGS} == {(b, of_body) for b in Breaks for of_body in (False, True)}


def test_what_others_may_add_does_no_harm() -> None:
    """Lists add these when there are none, and must not break the seal by it; whoever doubles the way out does."""
    free = {t.code.split()[0] for t in TAMPERINGS if "where there was none" in t.code and t.breaks is Breaks.NEVER}
    assert free == {n.decode() for n in SIGNED} - {n.decode() for n in (*OVERSIGNED, *OVERSIGNED_COMMERCIAL)}
    assert {"Sender", "List-Id", "List-Post", "Resent-From", "References"} <= free


@pytest.mark.parametrize("name", [b"List-Unsubscribe", b"List-Unsubscribe-Post"])
def test_a_list_may_add_its_way_out_to_mail_that_is_not_commercial(name: bytes) -> None:
    """RFC 2369 fields of a list come on top of a member's mail."""
    made = sealed(BARE, [Signer(RSA), Signer(ED25519)], commercial=False)
    added = next(t for t in TAMPERINGS if t.code == f"{name.decode()} added on top where there was none")
    assert dkimpy_verdict(added.change(made).wire, RECORDS) == [True, True]
    assert dkimpy_verdict(added.change(letter(BARE, Form.RELAXED, Form.RELAXED)).wire, RECORDS) == [False, False]
