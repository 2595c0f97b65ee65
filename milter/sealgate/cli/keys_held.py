"""The keys that the profile names, each with its file read and judged, for the verbs of `sealgate keys`.

A key whose file cannot be used is still told of, with the reason: `held_keys` stops only where settings or profile
cannot be read at all. Files are judged for the account that the gate runs as, as `sealgate check` judges them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealgate.adapters import files
from sealgate.adapters.keyfile import Account, read_key
from sealgate.app.ports import PortError
from sealgate.cli import EX_CONFIG, EX_USAGE, Stop
from sealgate.cli.loading import settings_or_stop, show
from sealgate.mail.address import AddressError, normal_domain
from sealgate.mail.reply import printable
from sealgate.profile.model import OWN_KEYS, Auid, Domain, KeySource, Profile, SignatureRow
from sealgate.profile.nodes import near
from sealgate.profile.parse import parse_profile
from sealgate.seal.keys import KeyRefused, SigningKey, load
from sealgate.wiring import SETTABLE_RULES, account_of


@dataclass(frozen=True, slots=True)
class Held:
    """A key of the profile.

    Attributes:
        domain: whose key it is.
        source: its selector and file.
        key: the key itself, where the file can be used.
        fault: why it cannot, and what to do.
        signs_for: whose mail it signs, in words; nobody's where empty.
        names_subdomains: whether its signatures may say `i=` with a host below the domain.
    """

    domain: Domain
    source: KeySource
    key: SigningKey | None = None
    fault: str = ""
    signs_for: tuple[str, ...] = ()
    names_subdomains: bool = False

    @property
    def name(self) -> str:
        """As arguments name it: `domain/selector`."""
        return f"{self.domain.name}/{self.source.selector}"

    @property
    def described(self) -> str:
        """Kind and size."""
        return f"{self.key.algorithm.partition('-')[0]} {self.key.bits}" if self.key is not None else "?"


def held_keys(settings_path: Path, profile_path: Path | None) -> tuple[Profile, tuple[Held, ...]]:
    """Read the profile and every key that it names, in its order.

    Raises:
        Stop: settings or profile cannot be used; the problems were printed.
    """
    settings = settings_or_stop(settings_path)
    path = profile_path or Path(settings.profile)
    try:
        text = files.read_policy(path)
    except PortError as error:
        raise Stop(
            EX_CONFIG, f"{error}\nName the profile: --profile FILE; for a key that no profile has: keys test --key FILE"
        ) from error
    profile, problems = parse_profile(text, str(path), known_rules=SETTABLE_RULES)
    if profile is None:
        show(problems)
        raise Stop(EX_CONFIG, f"{path} cannot be used")
    account = account_of(settings)
    found = (held(domain, source, account, profile) for domain in profile.domains.values() for source in domain.keys)
    return profile, tuple(found)


def held(domain: Domain, source: KeySource, account: Account, profile: Profile | None = None) -> Held:
    """Read and judge one key."""
    rows = _rows(domain.name, source.selector, profile.signatures if profile is not None else ())
    names_subdomains = domain.auid is not Auid.NONE and (domain.subdomains or bool(rows))
    signs_for = (*_own(domain), *(f"row {Path(row.place).name or '?'}" for row in rows))
    try:
        key = load(read_key(Path(source.file), account), domain.name, source.selector)
    except PortError as error:
        new = f"; `sealgate keys new {domain.name} -s {source.selector}` makes one, or mend the path"
        fault = str(error) + (new if isinstance(error.__cause__, FileNotFoundError) else "")
        return Held(domain, source, None, fault, signs_for, names_subdomains)
    except KeyRefused as error:
        return Held(domain, source, None, f"{source.file}: {error}", signs_for, names_subdomains)
    return Held(domain, source, key, "", signs_for, names_subdomains)


def chosen(keys: Iterable[Held], names: Sequence[str]) -> tuple[Held, ...]:
    """Those of the keys that arguments `DOMAIN` or `DOMAIN/SELECTOR` name; all without arguments.

    Raises:
        Stop: an argument names none.
    """
    keys = tuple(keys)
    if not names:
        return keys
    found: dict[str, Held] = {}
    for name in names:
        domain, selector = split(name)
        meant = [key for key in keys if key.domain.name == domain and selector in ("", key.source.selector)]
        if not meant:
            known = [*dict.fromkeys(key.domain.name for key in keys), *(key.name for key in keys)]
            hint = near(name, known) or "`sealgate keys list` shows all; for one that no profile names say --key FILE"
            raise Stop(EX_USAGE, f"the profile has no key {printable(name)}: {hint}")
        found |= {key.name: key for key in meant}
    return tuple(found.values())


def split(name: str) -> tuple[str, str]:
    """Read `DOMAIN` or `DOMAIN/SELECTOR`; the domain in A-labels and lower case, the selector empty without one.

    Raises:
        Stop: the domain is none.
    """
    domain, _, selector = name.partition("/")
    try:
        return normal_domain(domain), selector
    except AddressError as error:
        raise Stop(EX_USAGE, f"{printable(domain)} is no domain: {error}") from error


def usable(keys: Iterable[Held]) -> tuple[SigningKey, ...]:
    """The keys themselves.

    Raises:
        Stop: one cannot be used; so nothing is printed that leaves a key out.
    """
    keys = tuple(keys)
    if faults := [f"{key.name}: {key.fault}" for key in keys if key.key is None]:
        raise Stop(EX_CONFIG, "\n  ".join(("nothing was printed, as these keys cannot be used:", *faults)))
    return tuple(key.key for key in keys if key.key is not None)


def _own(domain: Domain) -> tuple[str, ...]:
    if not domain.sign:
        return ()
    return (domain.name, f"hosts below {domain.name}") if domain.subdomains else (domain.name,)


def _rows(domain: str, selector: str, rows: Iterable[SignatureRow]) -> tuple[SignatureRow, ...]:
    """The rows of `signatures:` that name a key by its domain, or by domain and selector."""
    wanted = {(domain, ""), (domain, selector)} - {(OWN_KEYS, "")}
    return tuple(row for row in rows if wanted & set(row.keys))
