"""OpenDKIM's configuration as it is on disk: opendkim.conf(5) with its Include files, read as OpenDKIM reads it.

`read_configuration` takes the name of the file and whoever may open files, and gives the settings that count, each with
its place; where a name is given twice the last one counts, as in OpenDKIM. What is wrong becomes a `Remark`. Nothing
raises. The data sets that options name are read by `profile.opendkim_tables`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

from sealgate.profile.nodes import near, shown
from sealgate.profile.opendkim_options import ASKED, OPTIONS, Fate, Kind, Option

MAX_DEPTH: Final = 5  # of Include, opendkim.conf(5)
MAX_REMARKS: Final = 1_000
_TRUE: Final = frozenset("TtYy1")
_FALSE: Final = frozenset("FfNn0")
_INTEGER: Final = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)")
_JUDGED: Final = frozenset({"signheaders", "omitheaders", "oversignheaders"})  # by profile.opendkim_fields
_ALWAYS_ON: Final = frozenset({"requiresafekeys"})  # `no` is not "off, as here"


class UnreadableError(Exception):
    """A file cannot be read; `str()` says why."""


class Files(Protocol):
    """Whoever may open files."""

    def text(self, path: str) -> str:
        """Return what a file holds.

        Raises:
            UnreadableError: it cannot be read.
        """

    def filled(self, path: str) -> tuple[str, ...]:
        """Return what `%` stands for in the paths that exist, for a path that has it in a whole or a part of a name."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands, for messages."""

    file: str
    line: int = 0  # from 1; 0: the file as a whole

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person should know about one line.

    Attributes:
        stops: whether other signatures would come of the profile; else it is a note.
    """

    at: Spot
    message: str
    hint: str = ""
    stops: bool = False

    def __str__(self) -> str:
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{self.at}: {'error' if self.stops else 'note'}: {self.message}{hint}"


@dataclass(slots=True)
class Remarks:
    """Collects remarks; beyond a cap they are counted only."""

    collected: list[Remark] = field(default_factory=list)
    unlisted: int = 0
    stops: int = 0

    def note(self, at: Spot, message: str, hint: str = "") -> None:
        """Add what does not change a signature."""
        self._add(Remark(at, message, hint))

    def stop(self, at: Spot, message: str, hint: str = "") -> None:
        """Add what does."""
        self.stops += 1
        self._add(Remark(at, message, hint, stops=True))

    def _add(self, remark: Remark) -> None:
        if len(self.collected) < MAX_REMARKS:
            self.collected.append(remark)
        else:
            self.unlisted += 1


@dataclass(frozen=True, slots=True)
class Setting:
    """One option as it was given."""

    option: Option
    value: str
    at: Spot


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings that count, by lower-case name."""

    file: str
    settings: Mapping[str, Setting]

    def text(self, name: str) -> str:
        """The value of an option, or an empty string."""
        found = self.settings.get(name.lower())
        return found.value if found else ""

    def says(self, name: str) -> bool:
        """Whether a Boolean option is on."""
        return self.text(name)[:1] in _TRUE if self.text(name) else False

    def at(self, name: str) -> Spot:
        """Where an option was given; the file where it was not."""
        found = self.settings.get(name.lower())
        return found.at if found else Spot(self.file)

    @property
    def asking(self) -> str:
        """The text of a configuration that signs as this one does, and does nothing else: no log, no file, no account.

        Whether the files of keys are safe is not asked here: they may belong to OpenDKIM's account, and it is not.
        """
        kept = [f"{s.option.name}\t{s.value}" for key, s in self.settings.items() if key in ASKED and key != "mode"]
        return "\n".join((*kept, "Mode\ts", "RequireSafeKeys\tno", "Syslog\tno", "Background\tno", ""))


def read_configuration(file: str, files: Files, remarks: Remarks) -> Configuration:
    """Read a configuration with what it includes, and say of every option in it what becomes of it."""
    found: dict[str, Setting] = {}
    _read(file, Spot(file), files, remarks, found, 1)
    for setting in found.values():
        _tell(setting, remarks)
    return Configuration(file, MappingProxyType(found))


def _read(file: str, at: Spot, files: Files, remarks: Remarks, found: dict[str, Setting], depth: int) -> bool:
    """Read one file; false where reading must end, as a file that includes itself ten times would never be done."""
    if depth > MAX_DEPTH:
        remarks.stop(at, f"Include goes deeper than {MAX_DEPTH} files, which OpenDKIM refuses")
        return False
    try:
        text = files.text(file)
    except UnreadableError as error:
        remarks.stop(at, str(error))
        return True
    for number, line in enumerate(text.split("\n"), 1):
        words = re.split(r"[#\r]", line, maxsplit=1)[0].strip(" \t").split(maxsplit=1)
        if not words:
            continue
        spot = Spot(file, number)
        option = OPTIONS.get(words[0].lower())
        if option is None:
            known = near(words[0], (each.name for each in OPTIONS.values()))
            remarks.stop(spot, f"{shown(words[0])} is no option of opendkim.conf(5)", known)
        elif len(words) < 2:
            remarks.stop(spot, f"{option.name} has no value, which OpenDKIM refuses")
        elif option.name == "Include":
            if not _read(words[1], spot, files, remarks, found, depth + 1):
                return False
        elif fault := _fault(option, words[1]):
            remarks.stop(spot, fault)
        else:
            found.pop(option.name.lower(), None)
            found[option.name.lower()] = Setting(option, words[1], spot)
    return True


def _fault(option: Option, value: str) -> str:
    if option.kind is Kind.BOOLEAN and value[0] not in _TRUE | _FALSE:
        return f"{option.name} must be yes or no, not {shown(value)}"
    if option.kind is Kind.INTEGER and not option.name.startswith("LDAP") and not _INTEGER.fullmatch(value):
        return f"{option.name} must be a number, not {shown(value)}"
    return ""


def _tell(setting: Setting, remarks: Remarks) -> None:
    """Say what becomes of an option, unless somebody else speaks of it: whoever carries it over."""
    option, at = setting.option, setting.at
    if option.fate is Fate.CARRIED or option.name.lower() in _JUDGED:
        return
    is_off = option.kind is Kind.BOOLEAN and setting.value[0] in _FALSE and option.name.lower() not in _ALWAYS_ON
    if is_off or _is_usual(setting):
        remarks.note(at, f"{option.name} is needless: it is so here")
    elif option.fate is Fate.NEEDLESS:
        remarks.note(at, f"{option.name} is needless: {option.says}")
    elif option.fate is Fate.LEFT:
        remarks.note(at, f"{option.name} is not carried over: {option.says}")
    else:
        remarks.stop(at, f"{option.name} changes what is signed, and is not supported", option.says)


def _is_usual(setting: Setting) -> bool:
    """Whether an option that changes signatures is set to what is done here anyway."""
    return setting.option.name == "SenderHeaders" and setting.value.strip().lower() in ("from", "csl:from")
