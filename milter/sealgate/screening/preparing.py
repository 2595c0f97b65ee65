"""A profile made ready to judge with, on a machine that is not the mail host.

The signing keys stay where they are: stand-ins take their place, so that the seal is planned by the profile alone
(`h=` is a fact that rules on one-click need), and what they sign is thrown away. A file of senders that is not there
leaves the rights of its users unknown, which is told and not taken for a fault of the mail.

What can fail: the profile is missing or has errors; `ScreeningError` names every one with its line.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealgate import __version__
from sealgate.app.runtime import Override, Runtime
from sealgate.profile.lint import check_profile
from sealgate.profile.model import KeyType, Problem, Profile, RuleSetting, SenderFile, SenderTable
from sealgate.profile.senders import parse_sender_table
from sealgate.seal.keys import SigningKey
from sealgate.wiring import SETTABLE_RULES

MAX_FILE: Final = 64 * 1024 * 1024  # octets of a profile or a file of senders, as in the daemon
_OFF: Final = RuleSetting(mode="off")


class ScreeningError(ValueError):
    """There is nothing to judge by: the profile cannot be used, or does not say who sends. `str()` says what to do."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A Runtime that enforces and holds no real key.

    Attributes:
        missing: files of senders that are not on this machine.
        problems: warnings about the profile.
    """

    runtime: Runtime
    missing: frozenset[SenderFile] = frozenset()
    problems: tuple[Problem, ...] = ()


def prepared(profile: str | Path | Profile) -> Prepared:
    """Read and judge a profile, or take one that was.

    Raises:
        ScreeningError: it cannot be used.
    """
    if isinstance(profile, Profile):
        return Prepared(_runtime(profile, ""))
    path = Path(profile)
    try:
        text = _text(path)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ScreeningError(f"the profile {path} cannot be read: {why}") from error
    found, problems = check_profile(text, str(path), known_rules=SETTABLE_RULES)
    tables, missing, more = _tables(found) if found else ({}, frozenset[SenderFile](), ())
    errors = [problem for problem in (*problems, *more) if problem.is_error]
    if found is None or errors:
        raise ScreeningError("the profile cannot be used:\n" + "\n".join(map(str, errors)))
    found = replace(found, sender_tables=MappingProxyType(tables))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Prepared(_runtime(found, digest), missing, (*problems, *more))


def without_rules(runtime: Runtime, codes: Iterable[str]) -> Runtime:
    """The same with some rules off: for what a message on this way cannot hold."""
    rules = dict(runtime.profile.rules) | dict.fromkeys(codes, _OFF)
    return replace(runtime, profile=replace(runtime.profile, rules=MappingProxyType(rules)))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise OSError(27, f"it has more than {MAX_FILE} octets")
    return data.decode("utf-8")


def _runtime(profile: Profile, digest: str) -> Runtime:
    override = Override(True, float("inf"), by="screening")  # what the rules say, whatever mode the profile is in
    keys = MappingProxyType(dict(_stand_ins(profile)))
    return Runtime(profile, digest, keys, override, host="screening", software=f"sealgate {__version__}")


def _stand_ins(profile: Profile) -> Iterator[tuple[str, tuple[SigningKey, ...]]]:
    """Keys that nobody published, one for each that the profile names."""
    private = Ed25519PrivateKey.generate()
    for domain in profile.domains.values():
        selectors = [source.selector for source in domain.keys] or ["unnamed"]
        if domain.sign or domain.keys:  # a row of `signatures` may name keys of a domain that signs nothing itself
            yield domain.name, tuple(SigningKey(domain.name, s, KeyType.ED25519_SHA256, private) for s in selectors)


def _tables(
    profile: Profile,
) -> tuple[dict[SenderFile, SenderTable], frozenset[SenderFile], tuple[Problem, ...]]:
    """Read the files of senders that are here."""
    fold = frozenset(realm for realm, is_folded in profile.realms.items() if is_folded)
    tables: dict[SenderFile, SenderTable] = {}
    missing: set[SenderFile] = set()
    problems: list[Problem] = []
    for source in dict.fromkeys(i.sender_file for i in profile.identities if i.sender_file is not None):
        try:
            text = _text(Path(source.path))
        except OSError:
            missing.add(source)
            continue
        except UnicodeDecodeError as error:
            problems.append(Problem(source.path, 0, 0, f"it is not UTF-8: {error}"))
            continue
        table, more = parse_sender_table(text, source, fold_realms=fold)
        problems += more
        if table is not None:
            tables[source] = table
    return tables, frozenset(missing), tuple(problems)
