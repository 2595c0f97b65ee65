"""A Postfix that is configured with the pieces of the guides, so that what is printed there is what runs.

A piece is the first fenced block behind `<!-- piece: NAME -->` in doc/*.md. `Documented` is a `Relay` whose submission
services and settings are such pieces, with the places of the lab in the place of those of a host. Fails with
`KeyError` where a guide has no such piece.
"""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.lab.gate import ROOT
from tests.lab.relay import Relay

_PIECE: Final = re.compile(r"<!-- piece: ([^>]+) -->\n```[a-z]*\n(.*?)```", re.DOTALL)


def pieces(guide: str) -> dict[str, str]:
    """The pieces of doc/GUIDE.md by name."""
    return dict(_PIECE.findall((ROOT / "doc" / f"{guide}.md").read_text()))


def settings(text: str) -> dict[str, str]:
    """The `name = value` (or `name: value`) lines of a piece."""
    rows = (re.match(r"(\w+)\s*[=:]\s*(.*)", line) for line in text.splitlines())
    return {row[1]: row[2] for row in rows if row}


class Documented(Relay):
    """A relay by the guides.

    Attributes:
        wrapped_port: where `submissions` listens; 0 where the piece has no such service.
    """

    def __init__(
        self, *arguments: Any, master: str, places: Mapping[str, str], wrapped_port: int = 0, **more: Any
    ) -> None:
        """As `Relay`; `master` is a piece of master.cf, `places` what is written there and what stands for it here."""
        super().__init__(*arguments, **more)
        self.wrapped_port = wrapped_port
        self._places = dict(places)
        self._piece = master
        self._settings = {name: self._here(value) for name, value in self._settings.items()}

    def _here(self, text: str) -> str:
        for there, here in self._places.items():
            text = text.replace(there, here)
        return text

    def _configure(self, open_folder: Path) -> None:
        super()._configure(open_folder)
        config = self.config
        (config / "mail.pem").write_bytes((config / "key.pem").read_bytes() + (config / "cert.pem").read_bytes())
        (config / "mail.pem").chmod(0o600)
        piece = self._here(self._piece)
        for name, port in (("submission", self.submission_port), ("submissions", self.wrapped_port)):
            piece = re.sub(rf"^{name} inet", f"127.0.0.1:{port} inet", piece, flags=re.MULTILINE)
        named = {line.split()[0] for line in piece.splitlines() if line and not line[0].isspace()}
        kept: list[str] = []
        for line in (config / "master.cf").read_text().splitlines():
            is_option = line[:1].isspace()
            if (not is_option and line.split()[0] not in named) or (is_option and kept and kept[-1] != "# replaced"):
                kept.append(line)
            elif not is_option:
                kept.append("# replaced")
        (config / "master.cf").write_text("\n".join([*kept, piece]))
        main = config / "main.cf"
        lines = [
            line for line in main.read_text().splitlines() if not line.startswith(("smtpd_tls_cert", "smtpd_tls_key"))
        ]
        main.write_text("\n".join(lines) + f"\nsmtpd_tls_chain_files = {config}/mail.pem\n")
        os.utime(main, (0, 0))


def queue_with(folder: Path, *names: str) -> Path:
    """Make the queue folder of a relay in `folder` before Postfix does, with folders that other daemons need in it."""
    queue = folder / "queue"
    for name in names:
        (queue / name).mkdir(parents=True, exist_ok=True)
        if name == "private":  # as Postfix makes it itself
            shutil.chown(queue / name, "postfix")
            (queue / name).chmod(0o700)
    return queue
