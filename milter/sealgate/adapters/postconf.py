"""Reads what the doctor wants of the MTA: Postfix by its own postconf, sendmail.cf, and what SASL's path leads to.

Nothing is changed. A program that is not here, does not end in time or fails raises, and so does a file that cannot
be read; a file of SASL that may not be looked at is told as not known.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sealgate.app.ports import PortError
from sealgate.doctor import postconf, sendmailcf
from sealgate.doctor.host import Postfix, Sasl, Sendmail
from sealgate.doctor.services import smtpds

MAX_FILE: Final = 4 * 1024 * 1024  # octets
SENDMAIL_CF: Final = ("/etc/mail/sendmail.cf", "/etc/sendmail.cf")

Run = Callable[..., str]


def read_postfix(run: Run, folder: str = "") -> Postfix:
    """Ask postconf for main.cf and master.cf.

    Args:
        run: runs a program with arguments and returns what it printed.
        folder: of main.cf; empty: Postfix's own default.

    Raises:
        FileNotFoundError: there is no postconf.
        PortError: it failed, or did not end in time.
    """
    where = ("-c", folder) if folder else ()
    main, listed = run("postconf", *where, "-x"), run("postconf", *where, "-M")
    return postconf.read(main, listed, run("postconf", *where, "-P", "-x"), folder)


def read_sendmail(file: str = "") -> Sendmail:
    """Read sendmail.cf; of none named, the first of the usual ones.

    Raises:
        FileNotFoundError: there is none.
        PortError: it is larger than is read here.
        OSError: it cannot be read.
    """
    path = Path(file or next((each for each in SENDMAIL_CF if Path(each).exists()), SENDMAIL_CF[0]))
    if path.is_dir():
        path = path / "sendmail.cf"
    return sendmailcf.read(_text(path), str(path))


def read_sasl(postfix: Postfix) -> dict[str, Sasl]:
    """Look at what each service's smtpd_sasl_type and smtpd_sasl_path lead to, by `type:path`."""
    found: dict[str, Sasl] = {}
    for service in smtpds(postfix):
        kind, path = postfix.of(service, "smtpd_sasl_type"), postfix.of(service, "smtpd_sasl_path")
        if kind == "dovecot" and not path.startswith("inet:"):
            plain = path.removeprefix("unix:")
            seen = Path(postfix.queue) / (plain.lstrip("/") if postfix.is_chrooted(service) else plain)
            found[f"{kind}:{path}"] = Sasl(str(seen), _is_there(seen))
        elif kind == "cyrus":
            found[f"{kind}:{path}"] = _cyrus(postfix.main.get("cyrus_sasl_config_path", ""), path)
    return found


def _cyrus(folders: str, name: str) -> Sasl:
    # Debian's Postfix is patched to look in /etc/postfix/sasl first; others ask libsasl2's own folders.
    places = [each for each in folders.split(":") if each] or ["/etc/postfix/sasl", "/etc/sasl2", "/usr/lib/sasl2"]
    for place in places:
        path = Path(place) / f"{name}.conf"
        if (there := _is_there(path)) is None:
            return Sasl(str(path), None)
        if there:
            try:
                return Sasl(str(path), True, _mechanisms(_text(path)))
            except (OSError, PortError):
                return Sasl(str(path), None)
    return Sasl(str(Path(places[0]) / f"{name}.conf"), False)


def _mechanisms(text: str) -> tuple[str, ...] | None:
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == "mech_list":
            return tuple(value.split())
    return None


def _is_there(path: Path) -> bool | None:
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return True


def _text(path: Path) -> str:
    with path.open("rb") as file:
        octets = file.read(MAX_FILE + 1)
    if len(octets) > MAX_FILE:
        raise PortError(f"{path}: more than {MAX_FILE} octets")
    return octets.decode("utf-8", "replace")
