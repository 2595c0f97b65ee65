"""Which header fields OpenDKIM was told to sign, against those that are signed here.

The list here is fixed, so nothing is carried over: `judge_fields` names what SignHeaders, OmitHeaders and
OversignHeaders would have had otherwise, as notes. Nothing raises.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sealgate.profile.nodes import shown
from sealgate.profile.opendkim import Configuration, Files, Remarks
from sealgate.profile.opendkim_tables import read_dataset

_SHOWN: Final = 12  # names in a note
# Never signed: RFC 6376 5.4.2 and the manual, OmitHeaders.
_OMITTED: Final = frozenset(("return-path", "received", "comments", "keywords", "bcc", "resent-bcc", "dkim-signature"))


@dataclass(frozen=True, slots=True)
class Lists:
    """What is signed here, as names are written.

    Attributes:
        signed: each time it occurs.
        oversigned: and named once more.
    """

    signed: tuple[str, ...]
    oversigned: tuple[str, ...]


def judge_fields(conf: Configuration, files: Files, lists: Lists, remarks: Remarks) -> None:
    """Say what differs for each of the three options that is given."""
    ours = {name.lower() for name in lists.signed}
    for option in ("OversignHeaders", "SignHeaders", "OmitHeaders"):
        data = read_dataset(option, conf, files, remarks)
        if data is None:
            continue
        names = [row.key.lower() for row in data.rows]
        if option == "OversignHeaders":
            said = _oversigned(names, lists)
        else:
            said = _signed(names, ours, lists) if option == "SignHeaders" else _omitted(names, ours)
        remarks.note(conf.at(option), f"{option} is not carried over: {said}")


def _oversigned(names: list[str], lists: Lists) -> str:
    known = {name.lower() for name in lists.oversigned}
    beyond = [name for name in names if name.lstrip("+") not in known and name[:1] not in "*-."]
    if not beyond:
        return "all of these are oversigned here"
    return f"not oversigned here: {_named(beyond)}"


def _signed(names: list[str], ours: set[str], lists: Lists) -> str:
    wanted = [name.lstrip("+") for name in names if name[:1] not in "*-."]
    beyond = [name for name in wanted if name not in ours]
    said = [f"not signed here: {_named(beyond)}"] if beyond else []
    if "*" in names:
        left = [name[1:] for name in names if name.startswith("-") and name[1:] in ours]
        said += [f"signed here all the same: {_named(left)}"] if left else []
    else:
        more = [name for name in lists.signed if name.lower() not in wanted]
        said += [f"signed here as well, where present: {_named(more)}"] if more else []
    return "; ".join(said) or "all of these are signed here"


def _omitted(names: list[str], ours: set[str]) -> str:
    wanted = [name.lstrip("+") for name in names if name[:1] not in "*-."]
    signed = [name for name in wanted if name in ours]
    said = [f"signed here all the same: {_named(signed)}"] if signed else []
    usual = {name[1:] for name in names if name.startswith("-")} if "*" in names else _OMITTED - set(wanted)
    left = sorted(usual & _OMITTED)
    said += [f"not signed here either: {_named(left)}"] if left else []
    return "; ".join(said) or "none of these is signed here"


def _named(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(shown(name).strip("`") for name in every[:_SHOWN]) + more
