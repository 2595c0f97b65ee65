"""The one place where adapters meet ports: files to a `Runtime`, with every problem on the way named at once."""

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sealgate import __version__
from sealgate.adapters import files
from sealgate.app.ports import PortError
from sealgate.app.runtime import Override, Runtime
from sealgate.checks.rules import RULES
from sealgate.mail.visible import View, read_html
from sealgate.profile.lint import check_profile
from sealgate.profile.model import KeySource, Problem, Profile
from sealgate.profile.parse import parse_profile
from sealgate.profile.settings import Settings, parse_settings
from sealgate.seal.keys import KeyRefused, SigningKey, load

# What a profile may set; a rule marked `always` binds whatever anybody writes.
SETTABLE_RULES: Final = frozenset(code for code, rule in RULES.items() if not rule.always)
DEFAULT_SETTINGS: Final = Path("/etc/sealgate/sealgate.yaml")
OVERRIDE_FILE: Final = "mode.json"


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a Runtime is made of, as bytes that can be handed to another process."""

    profile_file: str
    profile_text: str
    keys: tuple[tuple[str, str, bytes], ...]  # domain, selector, PEM
    override: Override | None

    def under(self, override: Override | None) -> "Ingredients":
        """The same with another mode switch."""
        return replace(self, override=override)

    def pack(self) -> bytes:
        """As JSON, for a worker's control channel."""
        over = self.override
        return json.dumps(
            {
                "file": self.profile_file,
                "text": self.profile_text,
                "keys": [[domain, selector, pem.decode("latin-1")] for domain, selector, pem in self.keys],
                "override": [over.enforce, over.until, over.by, over.why] if over else None,
            }
        ).encode()


def unpack(data: bytes) -> Ingredients:
    """The inverse of `Ingredients.pack`."""
    raw: dict[str, Any] = json.loads(data)
    keys = tuple((domain, selector, pem.encode("latin-1")) for domain, selector, pem in raw["keys"])
    override = Override(*raw["override"]) if raw["override"] else None
    return Ingredients(raw["file"], raw["text"], keys, override)


def read_settings(path: Path) -> tuple[Settings | None, tuple[Problem, ...]]:
    """Read the service settings of this host; without a file, the defaults."""
    if path == DEFAULT_SETTINGS and not path.exists():
        return parse_settings("{}", str(path))
    try:
        return parse_settings(files.read_policy(path), str(path))
    except PortError as error:
        return None, (Problem(str(path), 0, 0, str(error)),)


def read_profile(path: Path, *, override: Override | None = None) -> tuple[Ingredients | None, tuple[Problem, ...]]:
    """Read and judge profile and keys as they are on disk now.

    Returns:
        Ingredients that are known to make a Runtime, or `None` where any problem is an error; and every problem.
    """
    try:
        text = files.read_policy(path)
    except PortError as error:
        return None, (Problem(str(path), 0, 0, str(error)),)
    profile, problems = check_profile(text, str(path), known_rules=SETTABLE_RULES)
    if profile is None:
        return None, problems
    keys: list[tuple[str, str, bytes]] = []
    for domain, source in _sources(profile):
        try:
            pem = files.read_key(Path(source.file))
            load(pem, domain, source.selector)
        except (PortError, KeyRefused) as error:
            problems += (_at(source.place, str(path), str(error)),)
        else:
            keys.append((domain, source.selector, pem))
    if any(p.is_error for p in problems):
        return None, problems
    return Ingredients(str(path), text, tuple(keys), override), problems


def build(ingredients: Ingredients) -> Runtime:
    """Make the Runtime. The ingredients were judged before, so a fault here is a bug."""
    profile, problems = parse_profile(ingredients.profile_text, ingredients.profile_file, known_rules=SETTABLE_RULES)
    if profile is None:
        raise ValueError("\n".join(map(str, problems)))
    keys: dict[str, tuple[SigningKey, ...]] = {}
    for domain, selector, pem in ingredients.keys:
        keys[domain] = (*keys.get(domain, ()), load(pem, domain, selector))
    return Runtime(
        profile=profile,
        digest=hashlib.sha256(ingredients.profile_text.encode()).hexdigest(),
        keys=MappingProxyType(keys),
        override=ingredients.override,
        host=socket.gethostname(),
        software=f"sealgate {__version__}",
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


class InlineReader:
    """Reads heavy HTML in this process: for `sealgate screen`, where nobody else waits."""

    def read(self, html: bytes, charset: str) -> View:
        """Return what a reader sees."""
        return read_html(html, charset)


def enforcing(runtime: Runtime) -> Runtime:
    """The same Runtime with refusals answered and the seal as the profile says: for trying a profile out."""
    return replace(runtime, override=Override(True, float("inf"), by=f"uid {os.getuid()}"))


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any problem forbids to use the file."""
    return any(p.is_error for p in problems)


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def _sources(profile: Profile) -> Iterable[tuple[str, KeySource]]:
    return ((domain.name, source) for domain in profile.domains.values() for source in domain.keys)


def _at(place: str, file: str, message: str) -> Problem:
    name, _, line = place.rpartition(":")
    return Problem(name or file, int(line) if line.isdigit() else 0, 1, message)
