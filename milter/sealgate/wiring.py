"""The one place where adapters meet ports: files to a `Runtime`, with every problem on the way named at once."""

import hashlib
import json
import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sealgate import __version__
from sealgate.adapters import files
from sealgate.adapters.keyfile import Account, read_keys
from sealgate.app.ports import PortError
from sealgate.app.runtime import Override, Runtime
from sealgate.checks.finding import Action
from sealgate.checks.rules import RULES
from sealgate.profile.lint import check_profile
from sealgate.profile.model import KeySource, Problem, Profile, SenderFile, SenderFormat
from sealgate.profile.parse import parse_profile
from sealgate.profile.senders import Table, dumped, loaded, parse_sender_table
from sealgate.profile.settings import Settings, parse_settings
from sealgate.seal.keys import SigningKey, load

# What a profile may set; a rule marked `always` binds whatever anybody writes.
SETTABLE_RULES: Final = frozenset(code for code, rule in RULES.items() if not rule.always)
DEFAULT_SETTINGS: Final = Path("/etc/sealgate/sealgate.yaml")
OVERRIDE_FILE: Final = "mode.json"
MAX_TABLES: Final = 192 * 1024 * 1024  # octets; the control channel's frames end at 256 MB
_LENGTH: Final = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class SenderRows:
    """A file of senders as it was read.

    Attributes:
        path: where it lies; `format` and `realm` as the profile has them.
        digest: SHA-256 of the file in hex.
        data: the table as `profile.senders.dumped` gives it.
    """

    path: str
    format: str
    realm: str
    digest: str
    data: bytes

    @property
    def source(self) -> SenderFile:
        """What the profile calls it."""
        return SenderFile(self.path, SenderFormat(self.format), self.realm)


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a Runtime is made of, as bytes that can be handed to another process."""

    profile_file: str
    profile_text: str
    keys: tuple[tuple[str, str, bytes], ...]  # domain, selector, PEM
    override: Override | None
    tables: tuple[SenderRows, ...] = ()
    kept: tuple[str, ...] = ()  # "selector._domainkey.domain: why" of each key that stays though its file is bad now
    epochs: tuple[tuple[str, bytes], ...] = ()  # keys that hide personal values in the record, by quarter

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the profile's text; behind it, for each file of senders, NUL, path, NUL and its digest."""
        total = hashlib.sha256(self.profile_text.encode())
        for table in self.tables:
            total.update(f"\0{table.path}\0{table.digest}".encode())
        return total.hexdigest()

    def under(self, override: Override | None) -> "Ingredients":
        """The same with another mode switch."""
        return replace(self, override=override)

    def pack(self) -> bytes:
        """For a worker's control channel: a JSON head behind its length, then the tables as they are."""
        over = self.override
        head = json.dumps(
            {
                "file": self.profile_file,
                "text": self.profile_text,
                "keys": [[domain, selector, pem.decode("latin-1")] for domain, selector, pem in self.keys],
                "override": [over.enforce, over.until, over.by, over.why] if over else None,
                "tables": [[t.path, t.format, t.realm, t.digest, len(t.data)] for t in self.tables],
                "kept": self.kept,
                "epochs": [[name, key.hex()] for name, key in self.epochs],
            }
        ).encode()
        return b"".join((_LENGTH.pack(len(head)), head, *(t.data for t in self.tables)))


def unpack(data: bytes) -> Ingredients:
    """The inverse of `Ingredients.pack`."""
    (size,) = _LENGTH.unpack_from(data)
    at = _LENGTH.size + size
    raw: dict[str, Any] = json.loads(data[_LENGTH.size : at])
    keys = tuple((domain, selector, pem.encode("latin-1")) for domain, selector, pem in raw["keys"])
    override = Override(*raw["override"]) if raw["override"] else None
    tables: list[SenderRows] = []
    for path, form, realm, digest, length in raw["tables"]:
        tables.append(SenderRows(path, form, realm, digest, data[at : at + length]))
        at += length
    epochs = tuple((name, bytes.fromhex(key)) for name, key in raw["epochs"])
    return Ingredients(raw["file"], raw["text"], keys, override, tuple(tables), tuple(raw["kept"]), epochs)


def read_settings(path: Path) -> tuple[Settings | None, tuple[Problem, ...]]:
    """Read the service settings of this host; without a file, the defaults."""
    if path == DEFAULT_SETTINGS and not path.exists():
        return parse_settings("{}", str(path))
    try:
        return parse_settings(files.read_policy(path), str(path))
    except PortError as error:
        return None, (_unread(path, error),)


def account_of(settings: Settings | None) -> Account:
    """Whom keys are for: the account of this process; for root, who looks after another's, the owner of the state."""
    if settings is None or os.geteuid() != 0:
        return Account.of_process()
    return Account.of_owner(Path(settings.state))


def read_profile(
    path: Path,
    *,
    override: Override | None = None,
    previous: Ingredients | None = None,
    account: Account | None = None,
) -> tuple[Ingredients | None, tuple[Problem, ...]]:
    """Read and judge profile and keys as they are on disk now.

    Args:
        path: the profile.
        override: the mode switch to go with it.
        previous: what is in force. A key of it whose file can no longer be used stays, with a warning.
        account: whom the keys are for; by default the account of this process.

    Returns:
        Ingredients that are known to make a Runtime, or `None` where any problem is an error; and every problem.
    """
    try:
        text = files.read_policy(path)
    except PortError as error:
        return None, (_unread(path, error),)
    profile, problems = check_profile(text, str(path), known_rules=SETTABLE_RULES)
    if profile is None:
        return None, problems
    old = {(domain, selector): pem for domain, selector, pem in (previous.keys if previous is not None else ())}
    found = read_keys(_sources(profile), old, account or Account.of_process(), lambda at, why: _at(at, str(path), why))
    tables, more = _read_senders(profile, str(path))
    problems += (*found.problems, *more, *_removals(profile, str(path)))
    if any(p.is_error for p in problems):
        return None, problems
    return Ingredients(str(path), text, found.keys, override, tables, found.kept), problems


def read_sender_file(source: SenderFile, profile: Profile) -> tuple[Table | None, tuple[Problem, ...]]:
    """Read and judge one file of senders, for a person who has changed it; the profile says whose names have no case.

    Returns:
        The table, or `None` where any problem is an error; and every problem.
    """
    try:
        text = files.read_policy(Path(source.path))
    except PortError as error:
        return None, (_unread(Path(source.path), error),)
    return parse_sender_table(text, source, fold_realms=_fold_realms(profile))


def build(ingredients: Ingredients) -> Runtime:
    """Make the Runtime. The ingredients were judged before, so a fault here is a bug."""
    profile, problems = parse_profile(ingredients.profile_text, ingredients.profile_file, known_rules=SETTABLE_RULES)
    if profile is None:
        raise ValueError("\n".join(map(str, problems)))
    keys: dict[str, tuple[SigningKey, ...]] = {}
    for domain, selector, pem in ingredients.keys:
        keys[domain] = (*keys.get(domain, ()), load(pem, domain, selector))
    fold = _fold_realms(profile)
    tables = {table.source: loaded(table.data, table.source, fold_realms=fold) for table in ingredients.tables}
    return Runtime(
        profile=replace(profile, sender_tables=MappingProxyType(tables)),
        digest=ingredients.digest,
        keys=MappingProxyType(keys),
        override=ingredients.override,
        host=socket.gethostname(),
        software=f"sealgate {__version__}",
        epochs=MappingProxyType(dict(ingredients.epochs)),
    )


def read_override(state: Path, now: float) -> Override | None:
    """The mode switch that `sealgate mode` left, unless it has run out.

    Raises:
        PortError: the file is there and cannot be read: then nobody knows which mode is meant.
    """
    path = state / OVERRIDE_FILE
    if not path.exists():
        return None
    try:
        raw = json.loads(files.read_policy(path))
        override = Override(bool(raw["enforce"]), float(raw["until"]), str(raw["by"]), str(raw["why"]))
    except (ValueError, KeyError, TypeError) as error:
        raise PortError(f"{path} holds no mode switch: {error}") from error
    return override if now < override.until else None


def write_override(state: Path, override: Override | None) -> None:
    """Leave a mode switch for the daemon, or take it back.

    Raises:
        PortError: the state folder cannot be written.
    """
    path = state / OVERRIDE_FILE
    if override is None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise PortError(f"{path}: {error.strerror}") from error
        return
    raw = {"enforce": override.enforce, "until": override.until, "by": override.by, "why": override.why}
    files.replace(path, json.dumps(raw).encode())


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any problem forbids to use the file."""
    return any(p.is_error for p in problems)


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def _read_senders(profile: Profile, file: str) -> tuple[tuple[SenderRows, ...], tuple[Problem, ...]]:
    """Read and judge the files of senders, each once, in the order of the profile."""
    found: dict[SenderFile, SenderRows] = {}
    problems: list[Problem] = []
    for source in dict.fromkeys(i.sender_file for i in profile.identities if i.sender_file is not None):
        try:
            text = files.read_policy(Path(source.path))
        except files.EncodingError as error:
            problems.append(_unread(Path(source.path), error))
            continue
        except PortError as error:
            problems.append(_at(source.place, file, str(error)))
            continue
        table, more = parse_sender_table(text, source, fold_realms=_fold_realms(profile))
        problems += more
        if table is not None:
            digest = hashlib.sha256(text.encode()).hexdigest()
            found[source] = SenderRows(source.path, source.format, source.realm, digest, dumped(table))
    if sum(len(table.data) for table in found.values()) > MAX_TABLES:
        problems.append(Problem(file, 0, 0, f"the files of senders together take more than {MAX_TABLES} octets"))
    return tuple(found.values()), tuple(problems)


def _removals(profile: Profile, file: str) -> Iterator[Problem]:
    """Find `action: remove` at rules whose findings name no header fields: there would be nothing to take out."""
    for code, setting in profile.rules.items():
        if setting.action == Action.REMOVE and code in RULES and RULES[code].action is not Action.REMOVE:
            able = ", ".join(c for c, rule in RULES.items() if rule.action is Action.REMOVE) or "none"
            message = f"rule {code} cannot remove anything: what it finds is no field that the message can do without"
            yield replace(_at(setting.place, file, message), suggestion=f"rules that can: {able}")


def _fold_realms(profile: Profile) -> frozenset[str]:
    return frozenset(realm for realm, is_folded in profile.realms.items() if is_folded)


def _sources(profile: Profile) -> Iterable[tuple[str, KeySource]]:
    return ((domain.name, source) for domain in profile.domains.values() for source in domain.keys)


def _unread(path: Path, error: PortError) -> Problem:
    if isinstance(error, files.EncodingError):
        return Problem(str(path), error.line, error.column, str(error))
    return Problem(str(path), 0, 0, str(error))


def _at(place: str, file: str, message: str) -> Problem:
    name, _, line = place.rpartition(":")
    return Problem(name or file, int(line) if line.isdigit() else 0, 1, message)
