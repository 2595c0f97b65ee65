"""Counting for Prometheus: slots outlive their holders, times come to the right buckets, files never grow, and cost."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("prometheus_client", reason="prometheus-client is not installed")

from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as Theirs
from prometheus_client.parser import text_string_to_metric_families

from sealgate.adapters.prometheus import counting, page, slots
from sealgate.adapters.prometheus.series import Files, Gauge, Histogram, Series
from sealgate.app import metrics
from sealgate.app.observing import MAX_DOMAINS, STEPS, UNSIGNED, Timings
from sealgate.app.ports import PortError
from sealgate.app.runtime import Runtime
from sealgate.checks.finding import Action, Mode
from sealgate.checks.rules import RULES
from sealgate.profile.model import KeyType, Kind, MailClass
from sealgate.wiring import build, read_profile
from tests.drivers import core
from tests.drivers.cases import EPOCHS, all_cases, profile_text
from tests.lab.gate import make_keys

TIMES = Timings(0.0001, 0.0003, 0.002, 0.001, 0.0007, 0.0002, 0.0043)
ONE = metrics.STAGE


class Log:
    def __init__(self) -> None:
        self.said: list[str] = []

    def error(self, event: str, **more: Any) -> None:
        self.said.append(f"{event} {more}")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(slots.VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    folder = tmp_path_factory.mktemp("metrics")
    make_keys(folder / "keys")
    (folder / "p.yaml").write_text(profile_text("enforce").replace("{keys}", str(folder / "keys")))
    ingredients, _ = read_profile(folder / "p.yaml")
    assert ingredients is not None
    return replace(build(ingredients), epochs=EPOCHS)


def outcome(runtime: Runtime, name: str) -> Any:
    return core.judged(next(case for case in all_cases() if case.name == name), runtime)


def shown(folder: Path) -> dict[str, float]:
    """The samples of the page, by name and labels as they are written."""
    families = text_string_to_metric_families(page.rendered(page.summed(folder), ()).decode())
    return {
        s.name + "".join(f" {k}={v}" for k, v in sorted(s.labels.items())): s.value for f in families for s in f.samples
    }


# -- slots -----------------------------------------------------------------------------------------------------------


def child(work: Any) -> int:
    """A process that claims what `work` claims, and waits to be killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os.write(writing, b"x")
            time.sleep(60)
        finally:
            os._exit(1)
    os.close(writing)
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    return pid


def killed(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_the_lowest_free_slot_is_taken_and_that_of_a_dead_process_is_free(place: Path) -> None:
    def claim() -> None:
        held.append(slots.claim(place, "worker", counting.WORKER_FILES))

    held: list[slots.Slot] = []
    first = child(claim)
    second = child(claim)
    try:
        assert slots.claim(place, "worker", counting.WORKER_FILES).name == "worker-2"
    finally:
        killed(first)
    taken = slots.claim(place, "worker", counting.WORKER_FILES)
    killed(second)
    assert taken.name == "worker-0"
    taken.release()


def test_who_takes_a_slot_counts_on_and_the_present_of_the_dead_is_forgotten(place: Path) -> None:
    def count() -> None:
        slot = slots.claim(place, "worker", counting.WORKER_FILES)
        counts = counting.WorkerCounts(slot, None)
        counts.observe_fault("end")
        counts.tick(7, 3)
        kept.append(counts)

    kept: list[Any] = []
    pid = child(count)
    assert shown(place)["sealgate_connections"] == 7
    killed(pid)
    assert "sealgate_connections" not in shown(place)
    assert shown(place)["sealgate_faults_total step=end"] == 1
    pid = child(count)
    assert shown(place)["sealgate_faults_total step=end"] == 2
    assert len(list(place.glob("counter_*.db"))) == 1
    killed(pid)


def test_looking_takes_no_gauge_of_the_living(place: Path) -> None:
    slot = slots.claim(place, "worker", counting.WORKER_FILES)
    counting.WorkerCounts(slot, None).tick(2, 1)
    for _ in range(3):
        slots.sweep(place)
    assert shown(place)["sealgate_connections"] == 2
    slot.release()


def test_a_folder_that_is_gone_or_full_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PortError, match="No such file"):
        slots.claim(place / "gone", "worker", counting.WORKER_FILES)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(PortError, match="No space left"):
        slots.claim(place, "worker", counting.WORKER_FILES)
    assert list(place.glob("*.db")) == []  # an empty one would be mapped with a hole
    monkeypatch.undo()
    slots.claim(place, "worker", counting.WORKER_FILES).release()  # and the lock was let go


def test_the_files_hold_every_series_there_can_be_without_growing(place: Path) -> None:
    """A file that grows has a hole, and a hole on a full disk kills the process that writes to it."""
    slot = slots.claim(place, "worker", counting.WORKER_FILES)
    sizes = {path: path.stat().st_size for path in place.glob("*.db")}
    counts = counting.WorkerCounts(slot, None)
    verdicts = [action.value for action in Action]
    domains = ["d" * 60 + f"{number}.example.test" for number in range(2 * MAX_DOMAINS)] + ["other"]
    kinds = [*Kind, "unknown", "none"]
    every: dict[Any, list[tuple[str, ...]]] = {
        counts._messages: [(v, str(c), str(k)) for v in verdicts for c in (*MailClass, "unknown") for k in kinds],
        counts._domains: [(d, v) for d in domains for v in ("accept", "quarantine", "reject", "tempfail")],
        counts._signatures: [(d, a.value) for d in domains for a in KeyType],
        counts._findings: [(rule, mode.value) for rule in RULES for mode in Mode],
        counts._spared: [(v,) for v in verdicts],
        counts._accepted: [(s,) for s in UNSIGNED],
        counts._faults: [(s,) for s in STEPS],
    }
    for series, labels in every.items():
        for one in labels:
            series.add(one)
    counts.tick(1, 1)
    assert {path: path.stat().st_size for path in place.glob("*.db")} == sizes
    assert all(path.stat().st_blocks * 512 >= path.stat().st_size for path in sizes)  # no holes
    slot.release()


# -- numbers ---------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from([*metrics.SECONDS, 0.0, 1e-9, 0.3, 11.0]), max_size=12), max_size=4))
def test_a_histogram_counts_as_the_library_would(batches: list[list[float]]) -> None:
    registry = CollectorRegistry()
    theirs = Theirs("x_seconds", "x", ["stage"], buckets=metrics.SECONDS, registry=registry).labels("check")
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get(slots.VARIABLE)
        os.environ[slots.VARIABLE] = folder
        try:
            ours = Histogram(Files("worker-0"), ONE, ("check",))
            for batch in batches:
                ours.write(batch)
                for value in batch:
                    theirs.observe(value)
            found = shown(Path(folder))
        finally:
            os.environ.pop(slots.VARIABLE)
            if before is not None:
                os.environ[slots.VARIABLE] = before
    for family in registry.collect():
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            key = sample.name.replace("x_seconds", ONE.name)
            key += "".join(f" {k}={v}" for k, v in sorted(sample.labels.items()))
            assert found[key] == pytest.approx(sample.value)


def test_counters_of_several_slots_are_added(place: Path) -> None:
    for name in ("worker-0", "worker-1"):
        Series(Files(name), metrics.FAULTS).add(("end",), 2)
        Gauge(Files(name), metrics.CONNECTIONS).set(4)
    held = [slots._locked(place / f"worker-{number}.lock") for number in (0, 1)]
    found = shown(place)
    assert (found["sealgate_faults_total step=end"], found["sealgate_connections"]) == (4, 8)
    for lock in held:
        os.close(lock)


def test_a_file_that_makes_no_sense_is_said(place: Path) -> None:
    (place / "counter_worker-0.db").write_bytes(b"\xff\x00\x00\x00" + b"nonsense" * 40)
    with pytest.raises(PortError):
        page.summed(place)


# -- what is counted ---------------------------------------------------------------------------------------------------


@pytest.fixture
def counts(place: Path) -> Iterator[counting.WorkerCounts]:
    slot = slots.claim(place, "worker", counting.WORKER_FILES)
    yield counting.WorkerCounts(slot, Log())
    slot.release()


def test_what_was_answered_is_counted_before_any_tick(
    counts: counting.WorkerCounts, place: Path, runtime: Runtime
) -> None:
    """A worker that is killed between two ticks has counted its messages."""
    counts.observe(outcome(runtime, "personal-mail"), runtime.profile, TIMES)
    counts.observe(outcome(runtime, "forged-from"), runtime.profile, TIMES)
    found = shown(place)
    assert found["sealgate_messages_total class=personal identity=person verdict=accept"] == 1
    assert found["sealgate_findings_total mode=enforce rule=identity.header-from"] == 1
    assert found["sealgate_stage_seconds_count stage=whole"] == 0
    counts.tick(0, 0)
    assert shown(place)["sealgate_stage_seconds_count stage=whole"] == 2


def test_times_do_not_gather_without_an_end(counts: counting.WorkerCounts, place: Path, runtime: Runtime) -> None:
    seen = outcome(runtime, "personal-mail")
    for _ in range(counting.MOST_GATHERED + 1):
        counts.observe(seen, runtime.profile, TIMES)
    assert len(counts._timings) == 1
    assert shown(place)["sealgate_stage_seconds_count stage=whole"] == counting.MOST_GATHERED


def test_a_stage_that_was_not_reached_has_no_time(counts: counting.WorkerCounts, place: Path, runtime: Runtime) -> None:
    at_mail = Timings(0.1, None, None, None, None, 0.2, 0.3)
    counts.observe(outcome(runtime, "no-login"), runtime.profile, at_mail)
    counts.tick(0, 0)
    found = shown(place)
    assert [found[f"sealgate_stage_seconds_count stage={s}"] for s in ("mail", "check", "record")] == [1, 0, 1]


def test_a_fault_in_counting_is_said_once_and_never_raised(counts: counting.WorkerCounts, runtime: Runtime) -> None:
    for _ in range(3):
        counts.observe(None, runtime.profile, TIMES)  # type: ignore[arg-type]
    assert len(counts._log.said) == 1


def test_the_writer_counts_lines_batches_and_errors(place: Path) -> None:
    slot = slots.claim(place, "writer", counting.WRITER_FILES)
    writer = counting.WriterCounts(slot, Log())
    writer.wrote(3, 0.002, is_written=True)
    writer.wrote(5, 0.004, is_written=True)
    writer.wrote(2, 0.001, is_written=False)
    writer.tick(is_failing=True)
    found = shown(place)
    assert [found[f"sealgate_writer_{n}"] for n in ("lines_total", "waiting_lines", "errors_total", "failing")] == [
        8, 5, 1, 1,
    ]  # fmt: skip
    assert found["sealgate_writer_batch_lines_count"] == 3
    assert found["sealgate_writer_sync_seconds_count"] == 2
    assert time.time() - found["sealgate_writer_last_error_timestamp_seconds"] < 60
    writer.tick(is_failing=False)
    assert (shown(place)["sealgate_writer_waiting_lines"], shown(place)["sealgate_writer_failing"]) == (0, 0)
    slot.release()
    assert shown(place)["sealgate_writer_last_error_timestamp_seconds"] > 0  # outlives its writer


def test_counting_costs_little(counts: counting.WorkerCounts, runtime: Runtime) -> None:
    """11 to 14 microseconds were measured; the limit leaves room for a busy machine and finds what is done anew."""
    seen, best = outcome(runtime, "personal-mail"), 1.0
    for _ in range(30):
        started = time.thread_time()
        for _ in range(200):
            counts.observe(seen, runtime.profile, TIMES)
        counts.tick(1, 1)
        best = min(best, (time.thread_time() - started) / 200)
    assert best < 60e-6
