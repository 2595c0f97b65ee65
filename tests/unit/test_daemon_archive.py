"""Keys for the quarters ahead, made in time by the supervisor's own loop; and every profile version, kept once."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sealgate.adapters import epochs, profilestore
from sealgate.app.ports import PortError
from sealgate.app.runtime import Runtime
from sealgate.daemon import supervisor as supervisor_module
from sealgate.daemon.archive import equipped, hides, keep_version, lacks_key
from sealgate.daemon.supervisor import Plan, Supervisor
from sealgate.profile.model import Profile, Record, Showing
from sealgate.profile.settings import Settings
from sealgate.wiring import Ingredients, SenderRows, read_profile

TEXT = "version: 1\nmode: report\nseal: off\nrecord: {recipients: hashed}\n"
BARE = Ingredients("profile.yaml", TEXT, (), None)


def at(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def quarters(ingredients: Ingredients) -> list[str]:
    return [name for name, _ in ingredients.epochs]


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ("2026-10-01T00:00:00", ["2026q4", "2027q1"]),
        ("2026-12-31T23:59:59", ["2026q4", "2027q2"]),
        ("2027-01-01T00:00:00", ["2027q1", "2027q2"]),
        ("2028-02-29T12:00:00", ["2028q1", "2028q2"]),
    ],
)
def test_the_key_of_this_quarter_is_there_and_one_further_on(tmp_path: Path, now: str, wanted: list[str]) -> None:
    assert quarters(equipped(BARE, tmp_path, at(now))) == wanted
    assert list(epochs.read(tmp_path)) == wanted


def test_the_same_keys_come_back_on_each_reload(tmp_path: Path) -> None:
    first = equipped(BARE, tmp_path, at("2026-11-21T00:00:00"))
    assert equipped(BARE, tmp_path, at("2026-11-22T00:00:00")).epochs == first.epochs
    later = equipped(BARE, tmp_path, at("2027-01-02T00:00:00"))
    assert dict(later.epochs)["2027q1"] == dict(first.epochs)["2027q1"]


@pytest.mark.parametrize(
    ("recipients", "subject", "is_hiding"),
    [
        (Showing.CLEAR, Showing.CLEAR, False),
        (Showing.HASHED, Showing.CLEAR, True),
        (Showing.CLEAR, Showing.HASHED, True),
    ],
)
def test_a_key_lacks_only_where_something_is_hidden(recipients: Showing, subject: Showing, is_hiding: bool) -> None:
    profile = Profile(record=Record(recipients=recipients, subject=subject))
    assert hides(profile) is is_hiding
    runtime = Runtime(profile, "d", epochs={"2026q4": b"k" * 32})
    assert not lacks_key(runtime, at("2026-12-31T23:59:59.999"))
    assert lacks_key(runtime, at("2027-01-01T00:00:00")) is is_hiding
    assert lacks_key(runtime, at("2026-09-30T23:59:59")) is is_hiding


def test_a_version_is_kept_with_its_tables_and_once(tmp_path: Path) -> None:
    rows = SenderRows("/etc/senders", "logins", "EXAMPLE.TEST", "e5" * 32, b"rows")
    ingredients = replace(BARE, tables=(rows,))
    assert keep_version(ingredients, tmp_path)
    assert not keep_version(ingredients, tmp_path)
    kept = profilestore.read(tmp_path, ingredients.digest)
    assert (kept.file, kept.text) == ("profile.yaml", TEXT)
    assert [(t.path, t.format, t.realm, t.digest, t.data) for t in kept.tables] == [
        ("/etc/senders", "logins", "EXAMPLE.TEST", "e5" * 32, b"rows")
    ]


def test_no_key_of_a_domain_or_a_quarter_is_kept_with_it(tmp_path: Path) -> None:
    secret = b"-----BEGIN PRIVATE KEY-----"
    keep_version(replace(BARE, keys=(("example.test", "s", secret),), epochs=(("2026q4", b"k" * 32),)), tmp_path)
    (path,) = tmp_path.rglob("*.json.gz")
    kept = profilestore.read(tmp_path, BARE.digest)
    assert b"PRIVATE" not in path.read_bytes()
    assert "PRIVATE" not in repr(kept)


# -- the supervisor's loop, with a clock of ours -----------------------------------------------------------------------


class Clock:
    """Stands in for the module `time` where the supervisor looks at it."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.passed = 100.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.passed

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        self.passed += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(at("2026-11-21T09:00:00"))
    monkeypatch.setattr(supervisor_module, "time", found)
    monkeypatch.setattr("sealgate.daemon.reloading.time", found)
    return found


@pytest.fixture
def idle(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """A supervisor that has forked nobody: its loop is called by hand."""
    (tmp_path / "state").mkdir()
    (tmp_path / "run").mkdir()
    profile = tmp_path / "profile.yaml"
    profile.write_text(TEXT)
    settings = Settings(
        profile=str(profile), state=str(tmp_path / "state"), runtime=str(tmp_path / "run"),
        audit_log=str(tmp_path / "audit.jsonl"), deadline_seconds=1,
    )  # fmt: skip
    ingredients, problems = read_profile(profile)
    assert ingredients is not None, problems
    found = Supervisor(Plan(settings, tmp_path / "sealgate.yaml", ingredients))
    monkeypatch.setattr(found._household, "keep_up", lambda: None)
    return found


def test_a_new_quarter_finds_its_key_loaded_without_a_reload(idle: Supervisor, clock: Clock) -> None:
    before = idle.runtime
    clock.now = at("2027-01-01T00:00:00")
    idle._look_after()
    assert idle.runtime is before
    assert not lacks_key(idle.runtime, clock.now)


def test_the_quarter_after_that_is_made_by_a_reload_of_its_own(idle: Supervisor, clock: Clock) -> None:
    clock.now = at("2027-03-31T23:59:59")
    idle._look_after()
    assert idle._reloads.asked == 0
    clock.pass_by(1)
    assert lacks_key(idle.runtime, clock.now)
    idle._look_after()
    assert idle._reloads.asked == 1
    assert list(idle.runtime.epochs) == ["2027q2", "2027q3"]
    clock.pass_by(60)
    idle._look_after()
    assert idle._reloads.asked == 1


def test_where_the_key_cannot_be_made_it_is_tried_every_ten_seconds_and_no_oftener(
    idle: Supervisor, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise PortError("No space left on device")

    monkeypatch.setattr(epochs, "keep", full)
    clock.now = at("2027-04-01T00:00:00")
    for _ in range(21):
        idle._look_after()
        clock.pass_by(1)
    assert idle._reloads.asked == 3
    assert "No space" in str(idle._reloads.problems)
    monkeypatch.undo()
    assert os.path.isdir(idle.settings.state)


def test_a_year_at_one_look_a_day_never_lacks_a_key(idle: Supervisor, clock: Clock) -> None:
    for _ in range(400):
        clock.pass_by(timedelta(days=1).total_seconds())
        idle._look_after()
        assert not lacks_key(idle.runtime, clock.now), datetime.fromtimestamp(clock.now, UTC)
    assert idle._reloads.asked <= 5
    kept = epochs.read(Path(idle.settings.state))
    assert len(kept) == len(set(kept.values()))
