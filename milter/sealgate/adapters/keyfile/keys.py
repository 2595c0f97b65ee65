"""The keys of a profile: each file read and each key judged, with every problem told and none raised.

A key that was in use and whose file has turned bad stays in use: mail sealed with the old key is better than no mail,
and the key in the DNS is still that one. A key that was never in use must be good.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sealgate.adapters.keyfile.account import Account, other_readers
from sealgate.adapters.keyfile.walk import command_to_own, read_key
from sealgate.app.ports import PortError
from sealgate.profile.model import KeySource, Problem
from sealgate.seal.keys import KeyRefused, load

At = Callable[[str, str], Problem]
_PUT_BACK: Final = "put the file back: a new key under this selector would not be the one in the DNS"


@dataclass(frozen=True, slots=True)
class Keys:
    """What came of the keys of a profile.

    Attributes:
        keys: domain, selector and PEM of each key that can be used, in the order of the profile.
        kept: "selector._domainkey.domain: why" of each key that stays though its file is bad now.
        problems: errors for keys that are missing above, warnings for the rest.
    """

    keys: tuple[tuple[str, str, bytes], ...]
    kept: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_keys(
    sources: Iterable[tuple[str, KeySource]], old: Mapping[tuple[str, str], bytes], account: Account, at: At
) -> Keys:
    """Read and judge key files as they are on disk now.

    Args:
        sources: what the profile names, each with its domain.
        old: PEM of the keys in use, by domain and selector.
        account: whom the keys are for.
        at: makes a problem of a place in the profile and a text.
    """
    keys: list[tuple[str, str, bytes]] = []
    kept: list[str] = []
    problems: list[Problem] = []
    for domain, source in sources:
        try:
            pem = read_key(Path(source.file), account)
            load(pem, domain, source.selector)
        except (PortError, KeyRefused) as error:
            why = str(error) if isinstance(error, PortError) else f"{source.file}: {error}"
            is_missing = isinstance(error.__cause__, FileNotFoundError)
            before = old.get((domain, source.selector))
            if before is None:
                problems.append(replace(at(source.place, why), suggestion=_new_key(domain, source) * is_missing))
                continue
            pem, name = before, f"{source.selector}._domainkey.{domain}"
            kept.append(f"{name}: {why}")
            text = f"{name}: the key loaded before stays in force; its file cannot be used now: {why}"
            problems.append(replace(at(source.place, text), suggestion=_PUT_BACK * is_missing, is_error=False))
        else:
            problems += _shared(source, account, at)
        keys.append((domain, source.selector, pem))
    return Keys(tuple(keys), tuple(kept), tuple(problems))


def _shared(source: KeySource, account: Account, at: At) -> Iterator[Problem]:
    """Tell of accounts that can read a key because somebody put them into its group."""
    if others := other_readers(Path(source.file), account):
        names = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        told = at(source.place, f"{source.file} can also be read by {names}, being in its group")
        yield replace(told, suggestion=command_to_own(source.file, account), is_error=False)


def _new_key(domain: str, source: KeySource) -> str:
    return f"`sealgate keys new {domain} --selector {source.selector}` makes one and says where; or mend the path"
