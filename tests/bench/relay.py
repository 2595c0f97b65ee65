"""Postfix from end to end: newsletters by smtp-source through the gate, through OpenDKIM, and through no milter.

One private Postfix (see `tests.lab.postfix`) has a listener on loopback for each of the three, with that milter and
nothing else different, and throws away what it accepted (discard(8)). Eight smtp-source programs at a time send, one
connection a message. They cannot log in, so the gate knows the newsletter's source by its network, 127.0.0.1: mail is
judged, bound, read, sealed and recorded as that of a login is. Before anything is timed a message through each
listener goes to a sink, which must find the milter's signature on it; afterwards the gate's record must hold an
accepted decision for every message. Otherwise it is no measurement: `BenchError`. Without root or Postfix: `Absent`.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tests.bench import messages
from tests.bench.contenders import Absent, started
from tests.bench.rates import GATE, OPENDKIM
from tests.bench.ratio import BenchError, OpenDkim, Run, cpu_seconds
from tests.lab.gate import Gate
from tests.lab.ports import free_ports
from tests.lab.postfix import Places, main_cf, master_cf
from tests.lab.realm import program
from tests.lab.relay import reachable_folder
from tests.lab.sink import Sink

SIZE: Final = "15"  # KB
SESSIONS: Final = 8
NOTHING: Final = "no milter"
PROOF: Final = "proof.test"  # its mail goes to the sink
NAME: Final = f"Postfix, {SIZE} KB, {SESSIONS} sessions"
SAME: Final = f"{NAME}, one text for all"
_LISTENER: Final = """\
127.0.0.1:{port} inet n - n - - smtpd
    -o smtpd_milters={milter}
    -o milter_macro_daemon_name=smtpd
    -o smtpd_relay_restrictions=permit_mynetworks,reject
"""


@dataclass(frozen=True, slots=True)
class Milter:
    """One of the three: its socket as Postfix writes it, empty for none, and the process that is charged."""

    name: str
    socket: str
    pid: int


class Postfix:
    """A private Postfix with one listener a milter, for one `with` block."""

    def __init__(self, folder: Path, milters: tuple[Milter, ...], sink_port: int) -> None:
        self.folder = folder
        self.ports = dict(zip((each.name for each in milters), free_ports(len(milters)), strict=True))
        self._milters = milters
        self._sink_port = sink_port
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Write the configuration and start.

        Raises:
            BenchError: Postfix does not start.
        """
        config, queue = self.folder / "postfix", self.folder / "queue"
        config.mkdir()
        queue.mkdir()
        with contextlib.ExitStack() as stack:
            data = stack.enter_context(reachable_folder()) / "data"
            data.mkdir(mode=0o700)
            shutil.chown(data, "postfix")
            places = Places(config, queue, data, self.folder / "postfix.log", Path("/dev/null"))
            settings = {
                "default_transport": "discard:",
                "transport_maps": f"inline:{{{PROOF}=smtp:[127.0.0.1]:{self._sink_port}}}",
            }
            main = config / "main.cf"
            main.write_text(main_cf(places, "EXAMPLE.TEST", None, self._sink_port, settings))
            os.utime(main, (0, 0))  # Postfix does not read one that is younger than two seconds
            services = master_cf(0, 0)
            listeners = (_LISTENER.format(port=self.ports[each.name], milter=each.socket) for each in self._milters)
            (config / "master.cf").write_text("".join(listeners) + services[services.index("pickup ") :])
            places.log.touch()
            self._postfix("start")
            stack.callback(self._postfix, "stop")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def pid(self) -> int:
        """The master's process id."""
        return int((self.folder / "queue" / "pid" / "master.pid").read_text())

    def send(self, name: str, files: list[Path], to: str) -> float:
        """Send files to `to` through a listener; return the seconds until all were accepted.

        Raises:
            BenchError: one was not accepted.
        """
        source = [str(program("smtp-source")), "-F", "{}", "-f", "news@example.test", "-t", to]
        xargs = ["xargs", "-P", str(SESSIONS), "-I{}", *source, f"127.0.0.1:{self.ports[name]}"]
        began = time.monotonic()
        done = subprocess.run(xargs, input="\n".join(map(str, files)), text=True, capture_output=True, check=False)
        took = time.monotonic() - began
        if done.returncode:
            raise BenchError(f"smtp-source, {name}: {done.stderr[-800:]} {self.log()}")
        return took

    def settle(self) -> None:
        """Wait until nothing is queued, so that a round does not pay for the one before it."""
        deadline = time.monotonic() + 30
        folders = [self.folder / "queue" / name for name in ("incoming", "active")]
        while any(any(entry.is_file() for entry in folder.rglob("*")) for folder in folders):
            if time.monotonic() > deadline:
                raise BenchError(f"Postfix does not deliver what it accepted: {self.log()}")
            time.sleep(0.05)

    def log(self) -> str:
        """The end of its log."""
        return (self.folder / "postfix.log").read_text(errors="replace")[-800:]

    def _postfix(self, verb: str) -> None:
        command = [str(program("postfix")), "-c", str(self.folder / "postfix"), verb]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"postfix {verb}: {done.stderr} {self.log()}")


def why_unavailable() -> str:
    """Why this cannot be measured here, as advice, or an empty string."""
    if missing := [name for name in ("postfix", "smtp-source", "xargs") if not program(name)]:
        return f"not installed: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "Postfix must be started as root"


def measured(folder: Path, count: int, rounds: int) -> dict[str, dict[str, list[Run]]]:
    """Send `count` newsletters a round through each listener, and a third of that of one text for all.

    Raises:
        Absent: see `why_unavailable`.
        BenchError: something does not start, or a message was not accepted, signed or recorded.
    """
    if why := why_unavailable():
        raise Absent(why)
    many, same = _written(folder, count), [folder / "same.eml"] * max(count // 3, SESSIONS)
    same[0].write_bytes(_text(0))
    names = (GATE, OPENDKIM, NOTHING)
    runs: dict[str, dict[str, list[Run]]] = {case: {name: [] for name in names} for case in (NAME, SAME)}
    with _milters(folder) as (milters, gate), Sink() as sink, Postfix(folder, milters, sink.port) as postfix:
        _prove(postfix, sink, milters, many[: SESSIONS * 3])
        for _ in range(rounds):
            for case, files in ((NAME, many), (SAME, same)):
                for each in milters:
                    runs[case][each.name].append(_run(postfix, each, files))
        _recorded(gate, rounds * (len(many) + len(same)) + SESSIONS * 3)
    return runs


@contextlib.contextmanager
def _milters(folder: Path) -> Iterator[tuple[tuple[Milter, ...], Gate]]:
    with (
        reachable_folder() as ours,
        reachable_folder() as theirs,
        OpenDkim(theirs) as dkim,
        started(ours, from_loopback=True) as gate,
    ):
        (theirs / "opendkim.sock").chmod(0o666)
        signing = (Milter(GATE, gate.address, gate.pid), Milter(OPENDKIM, dkim.socket, dkim.pid))
        yield (*signing, Milter(NOTHING, "", 0)), gate


def _run(postfix: Postfix, milter: Milter, files: list[Path]) -> Run:
    before = cpu_seconds(milter.pid)
    seconds = postfix.send(milter.name, files, "reader@example.net")
    used = cpu_seconds(milter.pid) - before
    postfix.settle()
    return Run(len(files) / seconds, used / len(files) * 1e3, 0.0, 0.0, 0.0, 0.0, 0.0)


def _prove(postfix: Postfix, sink: Sink, milters: tuple[Milter, ...], files: list[Path]) -> None:
    """Warm up, with mail that is delivered: both milters must have signed it, and nobody else."""
    for each in milters:
        sink.clear()
        postfix.send(each.name, files, f"reader@{PROOF}")
        deadline = time.monotonic() + 30
        while len(sink.messages) < len(files) and time.monotonic() < deadline:
            time.sleep(0.05)
        signed = [b"\nDKIM-Signature:" in b"\n" + message.data for message in sink.messages]
        if signed != [bool(each.socket)] * len(files):
            raise BenchError(f"{each.name}: {sum(signed)} of {len(signed)} copies signed. {postfix.log()}")


def _recorded(gate: Gate, count: int) -> None:
    """Each message has one accepted decision, with a signature, in the record."""
    decisions = gate.events("decision")
    whole = [e for e in decisions if e["verdict"] == "accept" and e.get("seal", {}).get("signed")]
    if len(whole) != count or len(decisions) != count:
        raise BenchError(f"the record has {len(whole)} sealed of {len(decisions)} decisions for {count} messages")


def _written(folder: Path, count: int) -> list[Path]:
    """Newsletters that differ, a file each, with the line ends that smtp-source wants."""
    mail = folder / "mail"
    mail.mkdir()
    files = [mail / f"{number}.eml" for number in range(count)]
    for number, path in enumerate(files):
        path.write_bytes(_text(number))
    return files


def _text(number: int) -> bytes:
    return messages.filled(SIZE, number).replace(b"\r\n", b"\n")
