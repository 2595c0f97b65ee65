"""One `Runtime` is everything a transaction needs to be judged: profile, keys, mode. A value, swapped whole.

A transaction takes the current one at MAIL and keeps it to its end, so each record names exactly one profile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sealgate.profile.model import Handling, Profile
from sealgate.seal.keys import SigningKey


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's switch of the mode for a while, on top of what the profile says."""

    enforce: bool
    until: float  # seconds since the epoch, UTC
    by: str  # who threw it
    why: str = ""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Profile, loaded keys and mode.

    Attributes:
        digest: SHA-256 of the profile's text in hex, in each record.
        host: this machine's name, in each record.
        software: name and version, in each record.
        epochs: the keys that hide personal values in the record, by quarter (`audit.personal`).
    """

    profile: Profile
    digest: str
    keys: Mapping[str, tuple[SigningKey, ...]] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    override: Override | None = None
    host: str = ""
    software: str = ""
    epochs: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def enforces_at(self, now: float, handling: Handling = Handling.JUDGE) -> bool:
        """Whether refusals are answered at `now` (seconds since the epoch) on a listener handled so.

        The operator's switch outranks what the profile says of a listener, and that what it says of all.
        """
        if self.override is not None and now < self.override.until:
            return self.override.enforce
        if handling in (Handling.REPORT, Handling.ENFORCE):
            return handling is Handling.ENFORCE
        return self.profile.enforce
