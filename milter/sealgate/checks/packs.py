"""What a law demands of commercial mail, as data.

A pack says which elements must be there and for how long; the checks read it and hold no law of their own. `us` is
CAN-SPAM (15 USC 7701-7713, 16 CFR 316). Others, such as CASL (SC 2010, c. 23, with SOR/2012-36) or ePrivacy (Directive
2002/58/EC, art. 13), can join as rows. No pack can know whether consent was given or an opt-out is honoured: it says
for how long a sender owes it, for reports.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Pack:
    """One law.

    Attributes:
        name: as the profile names it.
        cites: the law.
        elements: what commercial mail must show: `postal-address`, `opt-out`, `label`.
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


_US: Final = Pack(
    name="us",
    cites="15 USC 7704, 16 CFR 316",
    elements=frozenset({"postal-address", "opt-out", "label"}),
    waived_by_consent=frozenset({"label"}),  # 15 USC 7704(a)(5)(B)
    needs_consent=False,
    opt_out_alive_days=30,  # 15 USC 7704(a)(3)(A)(ii)
    opt_out_honoured_days=10,  # 15 USC 7704(a)(4)(A)(i)
)

PACKS: Final = MappingProxyType({pack.name: pack for pack in (_US,)})
