"""The operational log: one line an event, and never in the way of mail."""

import json
import os
import threading
from pathlib import Path

from sealgate.adapters.log import operational


def test_a_line_is_one_line_of_printable_ascii(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as file:
        operational(stream=file).info("accept", sender='\n\x1b]0;x\x07\x7f\x85\u202e\u2028\udcff"')
    raw = path.read_bytes()
    assert raw.count(b"\n") == 1
    assert all(0x20 <= octet <= 0x7E for octet in raw[:-1])
    assert json.loads(raw)["sender"][1] == "\x1b"


def test_a_log_that_nobody_reads_holds_nothing_up_and_counts_what_it_lost() -> None:
    reads, writes = os.pipe()
    with os.fdopen(writes, "w") as stream:
        log = operational(stream=stream)

        def say() -> None:
            for _ in range(2000):
                log.info("accept", findings=["x" * 300])

        saying = threading.Thread(target=say, daemon=True)
        saying.start()
        saying.join(20)
        is_through = not saying.is_alive()
        os.set_blocking(reads, False)
        text = os.read(reads, 1 << 20)
        saying.join(5)
        log.info("again")
        text += os.read(reads, 1 << 20)
    os.close(reads)
    assert is_through
    events = [json.loads(line) for line in text.splitlines() if line.endswith(b"}")]
    assert events[-1]["event"] == "again"
    assert events[-2]["event"] == "log-lost"
    assert sum(event["event"] == "accept" for event in events) + events[-2]["lines"] == 2000


def test_a_log_whose_reader_is_gone_raises_nothing() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as stream:
        log = operational(stream=stream)
        log.warning("accept")
        log.error("fault", exc_info=ValueError("x"))


def test_a_full_disk_under_the_log_raises_nothing() -> None:
    with Path("/dev/full").open("w") as stream:
        operational(stream=stream).info("accept")


def test_a_line_that_other_programs_know_stands_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as file:
        operational(stream=file).bind(worker=1).info("4Tst: DKIM-Signature field added (s=s1, d=a.test)", as_line=True)
    assert path.read_text() == "4Tst: DKIM-Signature field added (s=s1, d=a.test)\n"
