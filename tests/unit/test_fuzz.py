"""The fuzzing targets themselves: each takes its seeds and some mutations of them, and each finds what is planted."""

import random
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fuzz import __main__ as driver
from tests.fuzz.blind import mutated
from tests.fuzz.packets import _in_pairs, conversations, worse
from tests.fuzz.seeds import FOLDER, seeds_of
from tests.fuzz.target import LARGE, Failure, Target, attempt, stretched
from tests.fuzz.targets import TARGETS
from tests.lab.gate import ROOT

SECONDS = 0.25  # of mutations a target


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_and_some_mutations_of_them_find_nothing(name: str) -> None:
    target = replace(TARGETS[name], stretch=False)  # a profile of 64 KB takes seconds; the driver tries that
    known, chance = seeds_of(name), random.Random(name)
    for data in known:
        attempt(target, data)
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        data = mutated(known, target.words, target.longest, chance)
        try:
            attempt(target, data)
        except Exception as error:
            raise AssertionError(f"{name} fails on {data!r}") from error


def test_each_target_has_seeds_and_each_folder_of_seeds_a_target() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*TARGETS, "packets"}
    assert all(len(seeds_of(name)) > 3 and b"" not in seeds_of(name) for name in TARGETS)


def test_a_stretched_input_is_large_and_always_the_same() -> None:
    for number in (0, 1, 7, 12_345, 2**32 - 1):
        made = stretched(b"abcdef", number)
        assert len(made) == LARGE
        assert made == stretched(b"abcdef", number)
        assert any(made.count(unit) > 5_000 for unit in (b"a", b"b", b"c", b"d", b"e", b"f"))


# -- a target that finds nothing is only worth something where it would -----------------------------------------------


def raising(data: bytes) -> None:
    if b"!" in data:
        raise KeyError("planted")


def square(data: bytes) -> None:
    if len(data) == LARGE:
        end = time.thread_time() + 0.8
        while time.thread_time() < end:
            pass


def test_what_takes_too_long_is_found_on_the_stretched_input() -> None:
    slow = Target("slow", "of_mail.lists", seconds=0.5)
    few = next(data for data in map(str, range(1_000)) if zlib.crc32(data.encode()) % 64 == 0).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Target, "run", property(lambda _: square))
        with pytest.raises(Failure, match="65536 octets took"):
            attempt(slow, few)
        attempt(replace(slow, stretch=False), few)


def test_the_driver_writes_what_failed_and_says_how_to_repeat_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Target, "run", property(lambda _: raising))
    assert driver.main(["lists", "--blind", "--seconds", "20", "--corpus", str(tmp_path)]) == 1
    (failed,) = (tmp_path / "failed").iterdir()
    assert b"!" in failed.read_bytes()
    said = capsys.readouterr()
    assert f"python -m tests.fuzz lists --try {failed}" in said.out
    assert "KeyError: 'planted'" in said.err
    with pytest.raises(KeyError, match="planted"):
        driver.main(["lists", "--try", str(failed)])


def test_the_driver_ends_well_where_nothing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert driver.main(["lists", "canonical", "--blind", "--seconds", "0.2", "--corpus", str(tmp_path)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[1:]] == ["lists", "canonical"]
    assert all("executions" in row and "FAILED" not in row for row in rows[1:])


def test_an_input_is_tried_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"<https://a.test/u>")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "lists", "--try", str(path)],
        cwd=ROOT, env={"PYTHONPATH": f"{ROOT / 'milter'}:{ROOT}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "nothing is wrong with it\n"), done.stderr


# -- conversations -----------------------------------------------------------------------------------------------------


def test_conversations_are_whole_and_are_made_worse_alike_by_the_same_numbers() -> None:
    known = tuple(conversations())
    assert len(known) >= 6
    assert all(command in b"OCHMRTLNBEDAUQK" for each in known for command, _ in each)
    one, two = random.Random(3), random.Random(3)
    made = [worse(known, one) for _ in range(50)]
    assert made == [worse(known, two) for _ in range(50)]
    assert len(set(made)) > 40


def test_macros_come_in_pairs_whatever_was_done_to_them() -> None:
    for given in (b"", b"C", b"Ca", b"Ca\0", b"Ca\0b", b"Ca\0b\0", b"Ca\0b\0c", b"C\0\0\0", b"C\0\0\0\0"):
        made = _in_pairs(given)
        assert made[:1] == b"C"
        assert made[1:].count(b"\0") % 2 == 0
        assert made == made[:1] or made.endswith(b"\0")
