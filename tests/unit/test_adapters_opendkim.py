"""The asker of OpenDKIM against programs that misbehave; tests/drivers/test_opendkim_import.py asks the real one."""

import os
import sys
from pathlib import Path

import pytest

from sealgate.adapters import opendkim as asked
from sealgate.adapters.opendkim import Client, NotInstalledError, OpenDkim
from sealgate.app.ports import PortError

LISTENS = """
import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[sys.argv.index("-p") + 1].removeprefix("local:"))
time.sleep({pause})
server.listen()
link, _ = server.accept()
link.recv(1000)
link.sendall({answer!r})
link.close() if {hangs_up} else time.sleep(60)
"""


def plant(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Put a program of that name before all others."""
    program = folder / "opendkim"
    program.write_text(f"#!{sys.executable}\n{code}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def ask(daemon: OpenDkim) -> None:
    daemon.ask(Client(), b"<a@b.test>", [b"<c@d.test>"], [(b"From", b" a@b.test")], b"hi\r\n")


def test_its_last_words_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, monkeypatch, "import sys\nsys.exit(f'opendkim: {sys.argv[3]}: smtp error at line 3')")
    with pytest.raises(PortError, match=r"does not start: opendkim: the configuration: smtp error at line 3"):
        OpenDkim("Nothing\n").__enter__()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "hung up in the midst of a message"),
        (b"\0\0\0\5", "hung up in the midst of a message"),
        (b"\xff\xff\xff\xff", "not the milter protocol"),
        (b"\0\0\0\0", "not the milter protocol"),
        (b"\0\0\0\1Z", "does not speak the milter protocol"),
    ],
)
def test_what_is_no_answer(answer: bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, monkeypatch, LISTENS.format(pause=0.2, answer=answer, hangs_up=True))
    with OpenDkim("") as daemon, pytest.raises(PortError, match=told):  # it listens later than its socket is there
        ask(daemon)


def test_silence_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "_PATIENCE", 1.5)
    plant(tmp_path, monkeypatch, LISTENS.format(pause=0, answer=b"", hangs_up=False))
    with OpenDkim("") as daemon, pytest.raises(PortError, match="does not answer: timed out"):
        ask(daemon)


def test_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "PROGRAM", "no-such-opendkim")
    with pytest.raises(NotInstalledError, match="apt-get install opendkim"):
        OpenDkim("").__enter__()
