"""A law is data: what a pack demands and what consent waives is what the checks look for."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from sealgate.checks import canspam
from sealgate.checks.facts import Facts
from sealgate.checks.packs import ELEMENTS, PACKS, Pack, packs_of
from sealgate.mail.headers import Headers
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body
from sealgate.profile.model import Identity, Kind, MailClass, Profile

NEWS = Identity("news", Kind.SERVICE, MailClass.COMMERCIAL)
# The shape of another law, with numbers of its own; no statement of what that law says.
CASL_LIKE = Pack(
    name="casl-like",
    cites="an example",
    elements=frozenset({"postal-address", "opt-out"}),
    waived_by_consent=frozenset(),
    needs_consent=True,
    opt_out_alive_days=60,
    opt_out_honoured_days=10,
)


def looked_for(law: str, identity: Identity = NEWS) -> dict[str, str]:
    """What is looked for in a message without a text, and what it comes to."""
    message = Message("r1", 0.0, Session("s", "", 0), Envelope(b"<n@example.test>"), Headers(()), Body(0))
    found = canspam.read_elements(message, Facts(), identity, Profile(law=law))
    return {element.name: element.state for element in found.all()}


def test_can_spam_demands_three_elements_and_consent_waives_the_label_only() -> None:
    """15 USC 7704(a)(5)(A) and (B)."""
    assert looked_for("us") == {"postal-address": "absent", "opt-out": "absent", "label": "absent"}
    consented = looked_for("us", replace(NEWS, consent=True))
    assert consented == {"postal-address": "absent", "opt-out": "absent", "label": "waived"}


def test_can_spam_gives_an_opt_out_its_time() -> None:
    """15 USC 7704(a)(3)(A)(ii) and (a)(4)(A)(i)."""
    assert (PACKS["us"].opt_out_alive_days, PACKS["us"].opt_out_honoured_days) == (30, 10)
    assert not PACKS["us"].needs_consent


def test_another_law_joins_as_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks read the row of the law that the profile names, and no law of their own."""
    strict = replace(CASL_LIKE, name="strict", elements=ELEMENTS)
    monkeypatch.setattr(canspam, "PACKS", packs_of((PACKS["us"], CASL_LIKE, strict)))
    assert looked_for("casl-like") == {"postal-address": "absent", "opt-out": "absent"}
    assert looked_for("strict", replace(NEWS, consent=True))["label"] == "absent"  # waived by no consent
    assert looked_for("us", replace(NEWS, consent=True))["label"] == "waived"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (replace(CASL_LIKE, elements=frozenset({"telephone"})), "telephone"),
        (replace(CASL_LIKE, waived_by_consent=frozenset({"label"})), "waives"),
        (replace(CASL_LIKE, opt_out_alive_days=0), "no time"),
        (PACKS["us"], "two packs"),
    ],
)
def test_a_row_that_cannot_be_meant_is_no_pack(row: Pack, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        packs_of((PACKS["us"], row))


def test_packs_cannot_be_changed_from_outside() -> None:
    assert isinstance(PACKS, MappingProxyType)
