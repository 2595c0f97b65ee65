"""The thread of the health process that examines: it may wait for the DNS and for the audit writer, and nobody for it.

`Examiner.run` tries the keys of the profile in force at the start, at each reload and every `EXAMINE_SECONDS`, and asks
the audit writer every `PROBE_SECONDS` whether it answers. Whatever goes wrong on the way becomes a word in what it
found; nothing is raised.
"""

import contextlib
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NoReturn

from sealgate.adapters.dns import Resolver
from sealgate.adapters.verifier import verify
from sealgate.adapters.writer import WriterClient
from sealgate.app.examining import Answer, Examined, examine
from sealgate.app.ports import Dns, PortError, Txt
from sealgate.app.runtime import Runtime
from sealgate.daemon.reloading import DIGEST_OCTETS
from sealgate.profile.settings import Settings
from sealgate.wiring import build, unpack

EXAMINE_SECONDS: Final = 60.0  # between two examinations
PROBE_SECONDS: Final = 5.0  # between two questions to the audit writer
DNS_SECONDS: Final = 3.0


def resolver(settings: Settings, log: Any) -> Dns:
    """Whom to ask: the servers of the settings, else the system's; one that never answers where there is none."""
    servers = settings.dns_servers
    try:
        return Resolver(tuple(address for address, _ in servers), servers[0][1] if servers else 53, DNS_SECONDS)
    except PortError as error:
        log.error("no-resolver", error=str(error))
        return _Silent(str(error))


class Examiner:
    """Examines in a thread of its own. `found` and `writer_fault` are replaced whole, and read by anybody.

    Args:
        runtime: the profile in force.
        dns: whom to ask for the published keys.
        writer: asked whether it answers.
    """

    def __init__(self, runtime: Runtime, dns: Dns, writer: WriterClient) -> None:
        self.found: Examined | None = None
        self.writer_fault = ""
        self.wake_read, self._wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._runtime = runtime
        self._dns = dns
        self._writer = writer
        self._answers: Mapping[str, Answer] = MappingProxyType({})
        self._news: bytes | None = None
        self._has_news = threading.Event()

    def take(self, payload: bytes) -> None:
        """Examine another profile, at once."""
        self._news = payload
        self._has_news.set()

    def run(self) -> NoReturn:
        """Examine for ever."""
        due = 0.0
        while True:
            self._probe()
            if self._take_news() or time.monotonic() >= due:
                self._examine()
                due = time.monotonic() + EXAMINE_SECONDS
            with contextlib.suppress(BlockingIOError):
                os.write(self._wake_write, b"!")
            self._has_news.wait(PROBE_SECONDS)

    def _probe(self) -> None:
        try:
            self._writer.ask()
        except PortError as error:
            self.writer_fault = str(error)
        else:
            self.writer_fault = ""

    def _take_news(self) -> bool:
        if not self._has_news.is_set():
            return False
        self._has_news.clear()
        news = self._news or b""
        try:
            self._runtime = _trimmed(build(unpack(news[DIGEST_OCTETS:])), news[:DIGEST_OCTETS].decode("ascii"))
        except Exception as error:  # the workers got the same, and judged it; whatever it is must be seen
            self.found = Examined(news[:DIGEST_OCTETS].decode("ascii", "replace"), time.time(), fault=repr(error))
            return False
        # A reload is what people do once they have mended the DNS: what was bad, or not to be had, is asked anew.
        self._answers = {about: a for about, a in self._answers.items() if not a.is_bad and not a.silence}
        return True

    def _examine(self) -> None:
        try:
            self.found, self._answers = examine(self._runtime, self._answers, verify, self._dns, time.time)
        except Exception as error:
            self.found = Examined(self._runtime.digest, time.time(), fault=repr(error))


class _Silent:
    """Stands for a resolver that cannot be had."""

    def __init__(self, why: str) -> None:
        self._why = why

    def txt(self, name: str) -> Txt:
        del name
        raise PortError(self._why)


def _trimmed(runtime: Runtime, digest: str) -> Runtime:
    """The same without what no examination needs, under the digest of the whole."""
    return replace(runtime, digest=digest, profile=replace(runtime.profile, identities=()))
