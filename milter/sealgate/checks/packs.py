"""What a law demands of commercial mail, as data.

A pack says which elements must be there and for how long; the checks read it and hold no law of their own. `us` is
CAN-SPAM (15 USC 7701-7713, 16 CFR 316), the one pack there is. Others can join as rows: CASL (SC 2010, c. 23, with
SOR/2012-36) and ePrivacy (Directive 2002/58/EC, art. 13) demand the same elements with other terms and other waivers,
and nobody has checked their terms for this package yet. An element that no check knows is nothing that is looked for,
so `ELEMENTS` bounds what a pack may name. No pack can know whether consent was given or an opt-out is honoured: it says
for how long a sender owes it, for reports.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

ELEMENTS: Final = frozenset({"postal-address", "opt-out", "label"})
"""What the checks can look for."""


@dataclass(frozen=True, slots=True)
class Pack:
    """One law.

    Attributes:
        name: as the profile names it.
        cites: the law.
        elements: what commercial mail must show, of `ELEMENTS`.
        waived_by_consent: those of `elements` that affirmative consent waives.
        needs_consent: whether such mail may be sent with consent only.
        opt_out_alive_days: how long an opt-out must work after sending.
        opt_out_honoured_days: business days within which it must be honoured.
    """

    name: str
    cites: str
    elements: frozenset[str]
    waived_by_consent: frozenset[str]
    needs_consent: bool
    opt_out_alive_days: int
    opt_out_honoured_days: int


def packs_of(rows: Iterable[Pack]) -> MappingProxyType[str, Pack]:
    """The packs by name.

    Raises:
        ValueError: a row cannot be meant: an element that no check knows, a waiver of what is not demanded, a term of
            no days, or two packs of one name.
    """
    found: dict[str, Pack] = {}
    for pack in rows:
        if unknown := pack.elements - ELEMENTS:
            raise ValueError(f"pack {pack.name} demands what no check looks for: {', '.join(sorted(unknown))}")
        if not pack.waived_by_consent <= pack.elements:
            raise ValueError(f"pack {pack.name} waives what it does not demand")
        if min(pack.opt_out_alive_days, pack.opt_out_honoured_days) < 1:
            raise ValueError(f"pack {pack.name} gives an opt-out no time")
        if pack.name in found:
            raise ValueError(f"there are two packs {pack.name}")
        found[pack.name] = pack
    return MappingProxyType(found)


_US: Final = Pack(
    name="us",
    cites="15 USC 7704, 16 CFR 316",
    elements=frozenset({"postal-address", "opt-out", "label"}),
    waived_by_consent=frozenset({"label"}),  # 15 USC 7704(a)(5)(B)
    needs_consent=False,
    opt_out_alive_days=30,  # 15 USC 7704(a)(3)(A)(ii)
    opt_out_honoured_days=10,  # 15 USC 7704(a)(4)(A)(i)
)

PACKS: Final = packs_of((_US,))
