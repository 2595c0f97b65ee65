"""The metrics of the real daemon: every fate counted once, nothing lost with a worker, no word of a sender in it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from sealgate.app.metrics import EXPOSED, METRICS, MetricKind
from tests.drivers.cases import all_cases, profile_text
from tests.drivers.socket import transact
from tests.drivers.test_daemon import opened, send, wait_for
from tests.drivers.wire import WireError
from tests.lab.gate import ROOT, Gate
from tests.lab.ports import free_ports

pytestmark = pytest.mark.daemon
pytest.importorskip("milter", reason="pymilter is not installed")
parser = pytest.importorskip("prometheus_client.parser")

CASES = {case.name: case for case in all_cases()}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Scraped:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples: Samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in parser.text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """The sum over all series with these labels."""
        assert name in EXPOSED
        wanted = set(labels.items())
        return sum(value for (known, has), value in self.samples.items() if known == name and wanted <= has)

    def labels(self, name: str, label: str) -> set[str]:
        return {dict(has)[label] for known, has in self.samples if known == name}


class Counted:
    """A gate and its page."""

    def __init__(self, gate: Gate, port: int) -> None:
        self.gate, self.url = gate, f"http://127.0.0.1:{port}/metrics"

    def scrape(self) -> Scraped:
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            return Scraped(answer.read().decode())

    def when(self, holds: Any, seconds: float = 20) -> Scraped:
        """The first scrape that fulfils a condition; a page is kept for a second, times are written each second."""
        deadline = time.monotonic() + seconds
        while not holds(found := self.scrape()):
            assert time.monotonic() < deadline, found.text
            time.sleep(0.1)
        return found

    def answers(self) -> bool:
        with suppress(OSError):
            self.scrape()
            return True
        return False


@contextmanager
def counting(folder: Path, **more: Any) -> Iterator[Counted]:
    (port,) = free_ports(1)
    with Gate(folder, profile_text("enforce"), settings=f"http: inet:{port}@127.0.0.1\n", **more) as gate:
        made = Counted(gate, port)
        wait_for(made.answers, 30)
        yield made


@pytest.fixture
def counted(folder: Path) -> Iterator[Counted]:
    with counting(folder) as made:
        yield made


def answered(scraped: Scraped) -> float:
    return scraped.value("sealgate_messages_total")


def test_every_fate_is_counted_once_and_only_in_words_of_ours(counted: Counted) -> None:
    names = ["personal-mail", "personal-mail", "forged-from", "unsigned-domain", "newsletter-without-address"]
    stranger = CASES["no-login"]
    for name in names:
        send(counted.gate, CASES[name])
    with opened(counted.gate, stranger.listener) as wire:
        assert transact(wire, stranger).code[0] in "45"
    decisions = counted.gate.events("decision")
    found = counted.when(lambda s: answered(s) == len(names) + 1)
    for verdict in ("accept", "reject"):
        told = sum(e["verdict"] == verdict for e in decisions)
        strangers = found.value("sealgate_unauthenticated_refusals_total") if verdict == "reject" else 0
        assert found.value("sealgate_messages_total", verdict=verdict) == told + strangers
        assert found.value("sealgate_domain_messages_total", verdict=verdict) == told + strangers
    assert found.value("sealgate_unauthenticated_refusals_total") == 1
    signed = [e for e in decisions if e["verdict"] == "accept" and e["seal"]["signed"]]
    assert found.value("sealgate_accepted_messages_total", seal="signed") == len(signed) > 0
    assert found.value("sealgate_signatures_total") == sum(len(e["seal"]["signed"]) for e in signed)
    assert found.value("sealgate_signatures_total", algorithm="ed25519-sha256", domain="example.test") == len(signed)
    assert found.value("sealgate_accepted_messages_total", seal="domain-says-no") == 1
    assert found.value("sealgate_unsigned_ratio") == 1 / (len(signed) + 1)
    assert found.value("sealgate_findings_total", rule="identity.header-from") == 1
    stages = counted.when(lambda s: s.value("sealgate_stage_seconds_count", stage="whole") == len(names) + 1)
    at_the_end = [e for e in decisions if e["stage"] == "end"]
    assert stages.value("sealgate_stage_seconds_count", stage="check") == len(at_the_end)
    assert 0 < stages.value("sealgate_stage_seconds_sum", stage="seal") < 5
    assert stages.value("sealgate_stage_seconds_bucket", stage="whole", le="+Inf") == len(names) + 1
    stages = counted.when(lambda s: s.value("sealgate_writer_lines_total") >= len(decisions))
    assert stages.value("sealgate_writer_batch_lines_sum") == stages.value("sealgate_writer_lines_total")
    assert stages.value("sealgate_writer_failing") == stages.value("sealgate_writer_errors_total") == 0


def test_the_page_holds_every_metric_that_can_have_a_value_and_no_other(counted: Counted) -> None:
    send(counted.gate)
    found = counted.when(lambda s: s.value("sealgate_stage_seconds_count") > 0)
    shown = {name for name, _ in found.samples}
    assert shown <= EXPOSED
    later = {"sealgate_findings_total", "sealgate_spared_messages_total", "sealgate_key_published"}
    assert {m.name for m in METRICS if m.kind is not MetricKind.HISTOGRAM} - later <= shown
    assert found.value("sealgate_workers", state="serving") == found.value("sealgate_workers_wanted") == 2
    assert found.labels("sealgate_memory_bytes", "process") == {"supervisor", "worker", "writer", "reader", "health"}
    assert all(v > 1e6 for (name, _), v in found.samples.items() if name == "sealgate_memory_bytes")
    assert found.labels("sealgate_profile_info", "profile") == {counted.gate.status()["profile"]}
    assert found.value("sealgate_enforcing") == 1
    assert found.value("sealgate_domains_without_key") == 1  # keyless.test


def test_open_connections_and_messages_under_way_are_gauges(counted: Counted) -> None:
    with opened(counted.gate) as wire:
        assert wire.mail("<alice@example.test>", {"auth_type": "GSSAPI", "auth_authen": "alice@EXAMPLE.TEST"})
        wire.rcpt("<bob@example.net>")
        wire.data()
        wire._flush()
        counted.when(lambda s: (s.value("sealgate_connections"), s.value("sealgate_transactions")) == (1, 1))
    counted.when(lambda s: (s.value("sealgate_connections"), s.value("sealgate_transactions")) == (0, 0))


def test_a_worker_that_is_killed_takes_no_count_with_it(counted: Counted) -> None:
    for _ in range(6):
        assert send(counted.gate).code[0] == "2"
    before = counted.when(lambda s: answered(s) == 6)
    counters = {f"{m.name}{part}" for m in METRICS for part in ("", "_bucket", "_sum", "_count")} - {
        m.name for m in METRICS if m.kind is MetricKind.GAUGE
    }
    victims = counted.gate.status()["workers"]
    with opened(counted.gate):
        counted.when(lambda s: s.value("sealgate_connections") == 1)
        for victim in victims:  # both, so that it is certain that one which had counted is among them
            os.kill(victim, signal.SIGKILL)
        after = counted.when(
            lambda s: (
                s.value("sealgate_workers", state="serving") == 2
                and s.value("sealgate_process_deaths_total", process="worker") == 2
            )
        )
    lost = {key: (value, after.samples.get(key)) for key, value in before.samples.items()
            if key[0] in counters and after.samples.get(key, -1) < value}  # fmt: skip
    assert lost == {}
    assert after.value("sealgate_connections") == 0  # what the dead said of their present is gone
    send(counted.gate)
    counted.when(lambda s: answered(s) == 7)
    folder = next((counted.gate.folder / "run" / "metrics").iterdir())
    assert len(list(folder.glob("counter_worker-*.db"))) <= 3  # slots are used again


def test_a_program_that_replaces_itself_counts_on(counted: Counted) -> None:
    for _ in range(3):
        send(counted.gate)
    started = counted.when(lambda s: answered(s) == 3).value("sealgate_start_time_seconds")
    before = counted.gate.status()["workers"]
    os.kill(counted.gate.pid, signal.SIGUSR2)
    wait_for(lambda: not set(before) & set(counted.gate.status().get("workers", before)), 30)
    wait_for(counted.answers, 30)
    found = counted.when(lambda s: s.value("sealgate_start_time_seconds") > started)
    assert answered(found) == 3
    send(counted.gate)
    counted.when(lambda s: answered(s) == 4)


def test_reloads_and_report_mode_show(counted: Counted) -> None:
    counted.gate.reload("version: 1\nmode: enforse\n")
    counted.when(lambda s: s.value("sealgate_reloads_total", result="failed") == 1
                 and s.value("sealgate_last_reload_successful") == 0)  # fmt: skip
    counted.gate.reload(profile_text("report"))
    found = counted.when(lambda s: s.value("sealgate_reloads_total", result="done") == 1)
    assert (found.value("sealgate_last_reload_successful"), found.value("sealgate_enforcing")) == (1, 0)
    assert send(counted.gate, CASES["forged-from"]).code[0] == "2"
    counted.when(lambda s: s.value("sealgate_spared_messages_total", would="reject") == 1)


def test_a_writer_that_cannot_write_and_a_fault_show(counted: Counted) -> None:
    log = counted.gate.audit_log
    log.rename(log.with_suffix(".away"))
    log.mkdir()
    assert send(counted.gate).code == "451"
    found = counted.when(lambda s: s.value("sealgate_writer_errors_total") >= 1)
    assert found.value("sealgate_writer_failing") == 1
    assert found.value("sealgate_writer_last_error_timestamp_seconds") > time.time() - 60
    assert found.value("sealgate_faults_total", step="end") == 1
    log.rmdir()


def test_no_sender_can_make_a_series(counted: Counted) -> None:
    case = CASES["forged-from"]
    before = None
    for number in range(30):
        evil = case.message.replace(b"From:", b"From: x <a@evil%d.test>\nX-From:" % number, 1)
        with opened(counted.gate) as wire, suppress(WireError):
            mechanism, name = case.sasl
            login = {"auth_type": mechanism, "auth_authen": name}
            wire.transact(f"<a@evil{number}.test>", ["<b@example.net>"], evil, login, {"i": "4TstEVIL"})
        if number == 4:
            before = counted.when(lambda s: s.value("sealgate_stage_seconds_count", stage="whole") == 5)
    found = counted.when(lambda s: s.value("sealgate_stage_seconds_count", stage="whole") == 30)
    assert before is not None
    assert set(found.samples) == set(before.samples)
    assert "evil" not in found.text
    assert found.value("sealgate_domain_messages_total", domain="other") == 30


def test_the_page_is_asked_like_the_others(counted: Counted) -> None:
    host = counted.url.split("/")[2]
    for method, path, status in (("HEAD", "/metrics", 200), ("POST", "/metrics", 405), ("GET", "/metrics/x", 404)):
        wire = http.client.HTTPConnection(host, timeout=5)
        wire.request(method, path)
        answer = wire.getresponse()
        assert (answer.status, answer.read() if method == "HEAD" else b"") == (status, b"")
        if method == "HEAD":
            assert int(answer.headers["Content-Length"]) > 1000
        wire.close()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(counted.url.replace("metrics", "metric"), timeout=5)


def test_status_shows_the_main_figures(counted: Counted) -> None:
    send(counted.gate)
    send(counted.gate, CASES["forged-from"])

    def said(*more: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "sealgate", "status", "--settings", str(counted.gate.settings_path), *more],
            capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "milter")}, check=False,
        ).stdout  # fmt: skip

    wait_for(lambda: "1 accept, 1 reject since the start; 0 under way" in said(), 15)
    assert "0.0% of 1 accepted not signed" in said()
    figures = json.loads(said("--json"))["health"]["figures"]
    assert (figures["messages"], figures["signed"]) == ({"accept": 1, "reject": 1}, 1)


def test_without_the_library_the_gate_serves_and_says_so_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for a host that lacks it: a package of that name, found first, which cannot be imported."""
    (folder / "prometheus_client").mkdir()
    (folder / "prometheus_client" / "__init__.py").write_text("raise ImportError('not here')\n")
    (port,) = free_ports(1)
    with Gate(folder, profile_text("enforce"), settings=f"http: inet:{port}@127.0.0.1\n") as gate:  # cwd is `folder`
        assert send(gate).code[0] == "2"
        wait_for(lambda: _status(port, "/livez") == 200, 30)
        assert _status(port, "/metrics") == 404
        assert gate.log().count("no-metrics") == 1
        assert "apt install python3-prometheus-client" in gate.log()
        assert not (folder / "run" / "metrics").exists()


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
