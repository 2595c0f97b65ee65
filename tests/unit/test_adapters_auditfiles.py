"""The files of a record: their order, reading them while they are renamed, following the live one over rotations."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealgate.adapters.auditfiles import MAX_LINE, Tail, files_of, stream
from sealgate.adapters.journal import JournalFile
from sealgate.audit.chain import cut


def any_line(_: bytes) -> bool:
    return True


def of_the_test(line: bytes) -> bool:
    return b'"note":' in line


def written(path: Path, *notes: str) -> None:
    journal = JournalFile(str(path))
    try:
        journal.append([cut({"kind": "reload", "note": note}) for note in notes])
    finally:
        journal.close()


def notes(lines: Iterator[bytes] | list[bytes]) -> list[str]:
    """What the lines of the test say; those of the writer itself say nothing."""
    found = (line.partition(b'"note":"')[2].partition(b'"')[0].decode() for line in lines)
    return [note for note in found if note]


def pack(path: Path) -> None:
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def test_files_are_listed_oldest_first(tmp_path: Path) -> None:
    names = ("a.jsonl.10.gz", "a.jsonl.9", "a.jsonl.1", "a.jsonl-20261030.gz", "a.jsonl-20261101-1762000000", "a.jsonl")
    for name in (*names, "a.jsonl.lock", "a.jsonl.reserve", "a.jsonl.1.gz", "b.jsonl", "a.jsonl-old", "a.jsonl.1.xz"):
        (tmp_path / name).touch()
    assert [path.name for path in files_of(tmp_path / "a.jsonl")] == list(names)
    assert files_of(tmp_path / "none.jsonl") == ()


def test_lines_come_in_order_with_their_places_out_of_packed_files_too(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    journal = JournalFile(str(path))
    for number in (2, 1, 0):
        journal.append([cut({"kind": "reload", "note": f"{number}{letter}"}) for letter in "ab"])
        if number:
            path.rename(tmp_path / f"audit.jsonl.{number}")
    journal.close()
    pack(tmp_path / "audit.jsonl.2")
    found = [line for line in stream(files_of(path)) if b'"note"' in line.octets]
    assert notes([line.octets for line in found]) == ["2a", "2b", "1a", "1b", "0a", "0b"]
    assert [(line.path.name, line.number) for line in found[:2]] == [("audit.jsonl.2.gz", 1), ("audit.jsonl.2.gz", 2)]


def test_what_has_no_newline_is_no_line_yet_and_an_endless_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"one\n" + b"x" * (2 * MAX_LINE + 5) + b"\ntwo\nthr")
    assert [line.octets for line in stream([path]) if len(line.octets) < 10] == [b"one", b"", b"two"]


def test_whole_files_of_another_time_are_not_read(tmp_path: Path) -> None:
    for name, day in (("a.3", "01"), ("a.2", "05"), ("a.1", "09"), ("a", "13")):
        (tmp_path / name).write_text(f'{{"w":"2026-11-{day}T00:00:00.000000Z"}}\n')

    def read(since: str = "", until: str = "") -> list[str]:
        return [line.path.name for line in stream(files_of(tmp_path / "a"), since=since, until=until)]

    assert read() == ["a.3", "a.2", "a.1", "a"]
    assert read(since="2026-11-10T12:00:00.000000Z") == ["a.1", "a"]
    assert read(since="2026-11-10T00:00:00.000000Z") == ["a.1", "a"], "a day for a clock that was set"
    assert read(since="2026-11-09T12:00:00.000000Z") == ["a.2", "a.1", "a"]
    assert read(until="2026-11-04T00:00:00.000000Z") == ["a.3", "a.2"]
    assert read(since="2030-01-01T00:00:00.000000Z") == ["a"]


def test_a_file_that_is_renamed_or_packed_while_others_are_read_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for name, text in (("audit.jsonl.2", "two"), ("audit.jsonl.1", "one"), ("audit.jsonl", "live")):
        (tmp_path / name).write_text(f"{text}\n")
    lines = stream(files_of(path))
    found = [next(lines).octets]
    pack(tmp_path / "audit.jsonl.2")
    (tmp_path / "audit.jsonl.2.gz").rename(tmp_path / "audit.jsonl.3.gz")
    (tmp_path / "audit.jsonl.1").rename(tmp_path / "audit.jsonl.2")
    path.rename(tmp_path / "audit.jsonl.1")
    path.write_text("newer\n")
    found.append(next(lines).octets)
    pack(tmp_path / "audit.jsonl.1")
    assert found + [line.octets for line in lines] == [b"two", b"one", b"live"]


def test_a_file_that_was_removed_is_told_of_not_passed_over(tmp_path: Path) -> None:
    for name in ("a.1", "a"):
        (tmp_path / name).write_text(f"{name}\n")
    lines = stream(files_of(tmp_path / "a"))
    next(lines)
    (tmp_path / "a").unlink()
    with pytest.raises(FileNotFoundError, match="removed"):
        next(lines)


def test_a_damaged_packed_file_is_told_of(tmp_path: Path) -> None:
    packed = gzip.compress(os.urandom(200_000).hex().encode() + b"\n")
    (tmp_path / "a.1.gz").write_bytes(packed[:-50_000])
    with pytest.raises(OSError, match="damaged"):
        list(stream(files_of(tmp_path / "a")))


def test_progress_adds_up_to_the_size_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 99 + b"\n")
    (tmp_path / "a.1.gz").write_bytes(gzip.compress((b"y" * 999 + b"\n") * 5000))
    seen: list[tuple[int, int]] = []
    list(stream(files_of(tmp_path / "a"), progress=lambda read, total: seen.append((read, total))))
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert {total for _, total in seen} == {size}
    assert sum(read for read, _ in seen) == size


# -- following ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Path, JournalFile]]:
    path = tmp_path / "audit.jsonl"
    journal = JournalFile(str(path))
    journal.append([cut({"kind": "reload", "note": "first"})])
    yield path, journal
    journal.close()


def put(journal: JournalFile, *texts: str) -> None:
    journal.append([cut({"kind": "reload", "note": text}) for text in texts])


def test_the_last_lines_come_from_older_files_where_the_live_one_has_too_few(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path, *(f"n{i}" for i in range(6)))
    path.rename(tmp_path / "audit.jsonl.1")
    path.write_bytes((tmp_path / "audit.jsonl.1").read_bytes().replace(b'"note":"n', b'"note":"m') + b'{"torn')
    tail = Tail(path)
    assert notes(tail.last(2, of_the_test)) == ["m4", "m5"]
    assert notes(tail.last(8, of_the_test)) == ["n4", "n5", *(f"m{i}" for i in range(6))]
    assert notes(tail.last(3, lambda line: b'"note":"n5"' in line or b'"note":"m5"' in line)) == ["n5", "m5"]
    assert tail.last(0, any_line) == []
    assert list(tail.poll()) == [], "a line that is not whole is held back"
    with path.open("ab") as file:
        file.write(b' no more"}\n')
    assert list(tail.poll()) == [b'{"torn no more"}']
    tail.close()


def test_the_last_lines_are_found_over_the_borders_of_blocks(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = [f"{i:06}{'x' * (i % 300)}".encode() for i in range(6_000)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    tail = Tail(path)
    assert tail.last(10_000, any_line) == lines
    tail.close()


def test_the_last_line_of_a_file_that_is_rotated_away_is_not_missed(live: tuple[Path, JournalFile]) -> None:
    """Written and rotated after the follower found nothing new, and before it looked for a successor."""
    path, journal = live
    tail = Tail(path)
    looked = tail._has_successor

    def rotated_just_now() -> bool:
        if not path.with_name("audit.jsonl.1").exists():
            put(journal, "last of the old")
            path.rename(path.with_name("audit.jsonl.1"))
            put(journal, "first of the new")
        return looked()

    tail._has_successor = rotated_just_now  # type: ignore[method-assign]
    assert notes(tail.poll()) == ["last of the old", "first of the new"]
    tail.close()


def test_an_old_file_is_read_on_until_the_writer_has_left_it(live: tuple[Path, JournalFile]) -> None:
    """Rotation with `create`: the new file is there, empty, while the writer has yet to see it."""
    path, _ = live
    tail = Tail(path)
    old = path.with_name("audit.jsonl.1")
    path.rename(old)
    path.touch()
    assert list(tail.poll()) == []
    with old.open("ab") as file:  # the write that was under way
        file.write(b'{"note":"late"}\n')
    assert notes(tail.poll()) == ["late"]
    tail.close()


def test_two_rotations_between_two_looks_lose_nothing(live: tuple[Path, JournalFile]) -> None:
    path, journal = live
    tail = Tail(path)
    put(journal, "a")
    path.rename(path.with_name("audit.jsonl.1"))
    put(journal, "b", "c")
    pack(path.with_name("audit.jsonl.1"))
    path.with_name("audit.jsonl.1.gz").rename(path.with_name("audit.jsonl.2.gz"))
    path.rename(path.with_name("audit.jsonl.1"))
    put(journal, "d")
    assert notes(tail.poll()) == ["a", "b", "c", "d"]
    assert list(tail.poll()) == []
    put(journal, "e")
    assert notes(tail.poll()) == ["e"]
    tail.close()


def test_a_file_that_is_cut_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"one\ntwo\n")
    tail = Tail(path)
    path.write_bytes(b"new\n")
    assert list(tail.poll()) == [b"new"]
    tail.close()
