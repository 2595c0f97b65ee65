"""Reads how logins are spelled on this host and which mail reaches the gate: Postfix's, Dovecot's, Kerberos' settings.

Asks `postconf` and `doveconf`, and reads krb5.conf with what it includes. Nothing is changed or demanded: a program or
file that is not here, does not answer in time or cannot be understood leaves its part unknown (`None`), and `Looked`
says which and why. The judgement is `profile.spelling`'s and `profile.milters`'.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from sealgate.app.ports import PortError
from sealgate.profile.spelling import Dovecot, Kerberos, SaslSettings, Setting, Smtpd

SECONDS: Final = 5.0  # for one program
MAX_OUTPUT: Final = 4 * 1024 * 1024  # octets of one program
MAX_FILES: Final = 200  # of krb5.conf and what it includes
MAX_OCTETS: Final = 4 * 1024 * 1024  # of all of them together
MAX_INCLUDES: Final = 10  # one within the other

_PARAMETERS: Final = (
    "config_directory", "import_environment", "milter_default_action", "milter_macro_daemon_name", "non_smtpd_milters",
    "smtpd_authorized_xclient_hosts", "smtpd_milters", "smtpd_sasl_auth_enable", "smtpd_sasl_local_domain",
    "smtpd_sasl_type",
)  # fmt: skip

_INCLUDED: Final = re.compile(r"[A-Za-z0-9_-]+|[^.].*\.conf")  # krb5.conf(5): the names that includedir reads
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPED: Final = {"n": "\n", "t": "\t", "b": "\b"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found out, and where there was nothing to find it out from.

    Attributes:
        settings: what is known.
        seen: what was looked at, each with its path: `postfix (/etc/postfix)`, `dovecot (...)`, `krb5.conf (...)`.
        absent: what is not on this host.
        unread: what is here and told nothing, with the reason.
    """

    settings: SaslSettings
    seen: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (("looked at", self.seen), ("not here", self.absent), ("could not read", self.unread))
        return "; ".join(f"{label}: {', '.join(names)}" for label, names in parts if names)


def read_mta(
    postfix_config: str = "", dovecot_config: str = "", krb5_config: str = "", *, seconds: float = SECONDS
) -> Looked:
    """Read what there is.

    Args:
        postfix_config: the folder of main.cf; empty: Postfix's own default.
        dovecot_config: the file; empty: Dovecot's own default.
        krb5_config: the file; empty: the one that Postfix gives its daemons by import_environment, else /etc/krb5.conf.
        seconds: how long each program may take.
    """
    seen: list[str] = []
    absent: list[str] = []
    unread: list[str] = []

    def noted(name: str, read: Callable[[], T], path: Callable[[T], str]) -> T | None:
        try:
            value = read()
        except FileNotFoundError:
            absent.append(name)
        except (PortError, OSError) as error:
            unread.append(f"{name} ({error})")
        else:
            seen.append(f"{name} ({path(value)})")
            return value
        return None

    postfix = noted("postfix", lambda: _postfix(postfix_config, seconds), lambda found: found[0]["config_directory"])
    dovecot = noted("dovecot", lambda: _dovecot(dovecot_config, seconds), lambda found: found.file)
    main, smtpds = postfix if postfix is not None else ({}, None)
    krb5 = krb5_config or _krb5_of(main.get("import_environment", "")) or "/etc/krb5.conf"
    kerberos = noted("krb5.conf", lambda: read_krb5(krb5), lambda found: found.file)
    if postfix is None and Path("/etc/mail/sendmail.cf").exists():
        unread.append("sendmail (it writes logins as xtext: its rows want `encoding: xtext`)")
    unlogged = Setting(main.get("non_smtpd_milters", ""), f"{main['config_directory']}/main.cf") if main else None
    return Looked(SaslSettings(smtpds, dovecot, kerberos, unlogged), tuple(seen), tuple(absent), tuple(unread))


# -- Postfix and Dovecot -----------------------------------------------------------------------------------------------


def _postfix(config: str, seconds: float) -> tuple[dict[str, str], tuple[Smtpd, ...]]:
    """Return what main.cf says, and the smtpd services.

    Raises:
        FileNotFoundError: there is no postconf.
        PortError: postconf told nothing.
    """
    where = ("-c", config) if config else ()
    main = {"config_directory": config} | _pairs(said("postconf", *where, "-x", *_PARAMETERS, seconds=seconds))
    services = said("postconf", *where, "-M", seconds=seconds)
    overrides = _pairs(said("postconf", *where, "-P", "-x", seconds=seconds))
    # postconf writes a service on one line, its options behind the command.
    rows = [fields for row in services.splitlines() if len(fields := row.split(None, 8)) >= 8 and fields[7] == "smtpd"]
    return main, tuple(_smtpd(f"{fields[0]}/{fields[1]}", main, overrides) for fields in rows)


def _smtpd(service: str, main: dict[str, str], overrides: dict[str, str]) -> Smtpd:
    """A service with the settings in force for it: its own of master.cf over those of main.cf."""
    folder = main["config_directory"]

    def setting(name: str) -> Setting:
        if (own := overrides.get(f"{service}/{name}")) is not None:
            return Setting(own, f"{folder}/master.cf")
        return Setting(main.get(name, ""), f"{folder}/main.cf")

    return Smtpd(
        service,
        setting("milter_macro_daemon_name").value,
        setting("smtpd_sasl_auth_enable").value.lower() == "yes",
        setting("smtpd_sasl_type").value,
        setting("smtpd_sasl_local_domain"),
        setting("smtpd_authorized_xclient_hosts"),
        setting("smtpd_milters"),
        setting("milter_default_action"),
    )


def _krb5_of(import_environment: str) -> str:
    """The first krb5.conf that Postfix gives its daemons, or an empty string."""
    found = re.search(r"(?:^|[\s,{])KRB5_CONFIG=([^\s,:}]+)", import_environment)
    return found[1] if found else ""


def _dovecot(config: str, seconds: float) -> Dovecot:
    """Return what Dovecot's server does to names.

    Raises:
        FileNotFoundError: there is no doveconf.
        PortError: doveconf told nothing.
    """
    where = ("-c", config) if config else ()
    parameter = "auth_default_realm"
    try:
        text = said("doveconf", *where, "auth_username_format", parameter, "auth_realms", "passdb", seconds=seconds)
    except PortError:
        parameter = "auth_default_domain"  # Dovecot 2.4
        text = said("doveconf", *where, "auth_username_format", parameter, "passdb", seconds=seconds)
    values = _pairs(text)
    return Dovecot(
        config or "/etc/dovecot/dovecot.conf",
        values.get("auth_username_format", ""),
        values.get(parameter, ""),
        parameter,
        tuple(values.get("auth_realms", "").split()),
        "k5principals" in text,
    )


def _pairs(said: str) -> dict[str, str]:
    """Read `name = value` lines; of a name that comes twice the first counts."""
    found: dict[str, str] = {}
    for line in said.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line[:1].isspace():
            found.setdefault(name.strip(), value.strip())
    return found


def said(name: str, *arguments: str, seconds: float) -> str:
    """Run a program and return what it printed on standard output.

    Raises:
        FileNotFoundError: it is not installed.
        PortError: it failed, or did not end in time.
    """
    # An ordinary user's PATH leaves the sbin folders out.
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        raise FileNotFoundError(name)
    process = subprocess.Popen(
        [found, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise PortError(f"{name} did not end within {seconds:g} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # with what it started, which may hold the pipe
            process.communicate()
    if process.returncode:
        last = err[-2000:].decode(errors="replace").strip().rpartition("\n")[2]
        raise PortError(f"{name} ended with {process.returncode}: {last}")
    return out[:MAX_OUTPUT].decode(errors="replace")


# -- krb5.conf ---------------------------------------------------------------------------------------------------------


def read_krb5(path: str) -> Kerberos:
    """Read what krb5.conf says of realms and local names, with all that it includes.

    As in libkrb5 the first of several values counts, and the rules of the default realm are the ones in force.

    Raises:
        FileNotFoundError: there is no such file.
        PortError: it is larger, or includes more, than is read here.
        OSError: it cannot be read.
    """
    relations = tuple(_Profile().read(Path(path), 0))
    own = next((value for keys, value in relations if keys == ("libdefaults", "default_realm")), None)
    realms = dict.fromkeys(keys[1] for keys, _ in relations if keys[0] == "realms" and len(keys) > 2)
    mappings = []
    for keys, value in relations:
        if keys[0] != "realms" or len(keys) < 3:
            continue
        is_rule = keys[2] == "auth_to_local" and value.value.strip() != "DEFAULT"
        if is_rule and (own is None or own.value == keys[1]):
            mappings.append(Setting(f"auth_to_local = {value.value}", value.file, value.line))
        elif keys[2] == "auth_to_local_names" and len(keys) == 4:
            mappings.append(Setting(f"auth_to_local_names: {keys[3]} = {value.value}", value.file, value.line))
    return Kerberos(path, own, tuple(realms), tuple(mappings))


_Relation = tuple[tuple[str, ...], Setting]


class _Profile:
    """One reading of krb5.conf(5): counts files and octets over all includes."""

    def __init__(self) -> None:
        self._files = 0
        self._octets = 0

    def read(self, path: Path, depth: int) -> Iterator[_Relation]:
        """Hand out each relation with the names above it. An included file begins anew: it has sections of its own."""
        section: list[str] = []
        pending = ""  # a name whose brace stands on the next line
        for number, line in enumerate(self._text(path, depth).splitlines(), 1):
            directive = line.split(None, 1)
            if len(directive) == 2 and directive[0] in ("include", "includedir"):  # at the line's beginning only
                for each in _named(directive[0], Path(directive[1].strip())):
                    yield from self.read(each, depth + 1)
                continue
            text = line.strip()
            if not text or text[0] in "#;":
                continue
            if text[0] == "[":
                section = [text[1:].partition("]")[0]]
            elif text[0] == "{" and pending:
                section.append(pending)
            elif text[0] == "}":
                del section[max(1, len(section) - 1) :]
            elif "=" in text:
                name, value = text.partition("=")[0].rstrip("* \t"), text.partition("=")[2].strip()
                pending = name if not value else ""
                if value.startswith("{"):
                    section.append(name)
                elif value:
                    yield (*section, name), Setting(_unquoted(value), str(path), number)

    def _text(self, path: Path, depth: int) -> str:
        self._files += 1
        if self._files > MAX_FILES or depth > MAX_INCLUDES:
            raise PortError(f"{path}: more than {MAX_FILES} files, or {MAX_INCLUDES} one within the other")
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
        self._octets += len(octets)
        if self._octets > MAX_OCTETS:
            raise PortError(f"{path}: more than {MAX_OCTETS} octets")
        return octets.decode("utf-8", "replace")


def _named(directive: str, path: Path) -> list[Path]:
    if directive == "include":
        return [path]
    return sorted(each for each in path.iterdir() if _INCLUDED.fullmatch(each.name) and each.is_file())


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:].rpartition('"')[0] or value[1:]
    return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), inner)
