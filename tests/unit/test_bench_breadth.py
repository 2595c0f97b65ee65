"""The bench's first page says every claim, its target and what was measured, and calls short what is short."""

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.bench import breadth, claims, contenders, memory, messages, rates, ratio, relay
from tests.bench.page import PAGE, columns, put
from tests.bench.rates import DKIMPY, GATE, OPENDKIM, WHOLE, Found
from tests.bench.ratio import BenchError, Run

MACHINE = ("date", "machine", "python", "opendkim", "openssl", "dkimpy-milter", "postfix", "work")
BEGIN, END = breadth.MARKS


def ran(rate: float, cpu: float = 2.0) -> Run:
    return Run(rate, cpu, 1.0, 2.0, 3.0, 4.0, 0.1)


def made_up() -> Found:
    """Everything measured: the gate at 100 messages a second, dkimpy-milter at 40, all others at 50."""
    rate = {GATE: 100.0, DKIMPY: 40.0}
    names = [*(case.name for case in rates.cases(full=True)), rates.TCP_NAME, relay.NAME, relay.SAME]
    who = (*WHOLE.who, relay.NOTHING)
    runs = {case: {name: [ran(rate.get(name, 50.0))] for name in who} for case in names}
    figures = {"memory_mb": 61.0, "memory_first_mb": 50.0, "memory_slope_kb": 0.96, "idle_mb": 40.0}
    return Found(runs, {**figures, "memory_messages": 4500.0})


def claim_table(text: str) -> list[list[str]]:
    """The rows of the claims, as the page has them."""
    block = next(b for b in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE) if b.startswith("| claim |"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]


def assert_says_every_claim(text: str) -> None:
    rows = claim_table(text.partition(BEGIN)[2].partition(END)[0])
    assert [(row[0], row[1]) for row in rows] == [(claim.says, claim.wanted()) for claim in claims.CLAIMS]
    for claim, (_, _, measured, verdict) in zip(claims.CLAIMS, rows, strict=True):
        figure = re.match(r"-?[\d,.]+", measured)
        assert figure or (measured, verdict) == ("not measured", "-")
        shown = float(figure[0].replace(",", "")) if figure else None
        if shown is not None and claim.target is not None and shown != claim.target:  # a rounded one says nothing
            assert verdict == claim.verdict(shown), claim.says


def test_the_page_says_every_claim_as_it_was_measured() -> None:
    text = PAGE.read_text()
    assert_says_every_claim(text)
    inside = text.partition(BEGIN)[2].partition(END)[0]
    assert all(f"* {name}: " in inside for name in MACHINE)
    for case in (*rates.cases(full=False), rates.TCP):
        assert f"{case.name}:\n" in inside


def test_what_is_written_is_what_the_page_is_held_against(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nof last year\n{END}\nafter\n")
    put(breadth.markdown(made_up(), dict.fromkeys(MACHINE, "none")), BEGIN, END, page)
    text = page.read_text()
    assert_says_every_claim(text)
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "of last year" not in text


def test_what_is_short_is_called_short() -> None:
    said = {claim.says: (claim.shown(figure), claim.verdict(figure)) for claim, figure in claims.judged(made_up())}
    assert said == {
        "20 KB, 8 connections: the whole job : OpenDKIM's signature": ("2.00 x", "met"),
        "20 KB, 8 connections: the whole job : dkimpy-milter's signature": ("2.50 x", "-"),
        "20 KB, 8 connections, one text for all: the whole job : OpenDKIM's signature": ("2.00 x", "-"),
        "0.5 KB, 8 connections: the whole job : OpenDKIM's signature": ("2.00 x", "met"),
        "0.5 KB, 8 connections: with RSA and Ed25519 : OpenDKIM with RSA alone": ("1.00 x", "met"),
        "20 KB, 8 connections: with RSA and Ed25519 : OpenDKIM with RSA alone": ("1.00 x", "met"),
        "TCP, 20 KB, 1 connection: the whole job : OpenDKIM's signature": ("2.00 x", "short"),
        "Postfix, 15 KB, 8 sessions: with the gate : with OpenDKIM": ("2.00 x", "met"),
        "Postfix, 15 KB, 8 sessions, one text for all: with the gate : with OpenDKIM": ("2.00 x", "-"),
        "Postfix, 15 KB, 8 sessions: with the gate : with no milter": ("2.00 x", "-"),
        "memory of a worker after all messages": ("61.0 MB", "short"),
        "... growth for each 1,000 messages, second half": ("1.0 KB", "met"),
        "2,000 idle connections: more memory, all workers": ("40.0 MB", "met"),
        "processor time a message: two workers : one": ("1.00 x", "met"),
    }


def test_what_was_not_measured_is_said_to_be_so() -> None:
    assert {(claim.shown(figure), claim.verdict(figure)) for claim, figure in claims.judged(Found())} == {
        ("not measured", "-")
    }
    assert "not measured" in breadth.text(Found(), {"machine": "none"})


def test_a_figure_just_short_is_not_rounded_into_a_target() -> None:
    first = claims.CLAIMS[0]
    assert first.shown(1.2999) == "1.30 x"
    assert first.verdict(1.2999) == "short"


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    runs = {GATE: [ran(30), ran(8), ran(20)], OPENDKIM: [ran(10), ran(1), ran(10)]}
    assert ratio.times(runs, GATE, OPENDKIM) == 3.0
    assert ratio.times(runs, GATE, DKIMPY) is None
    assert rates.cpu_times([ran(1, 3.0), ran(1, 1.0), ran(1, 9.0)], [ran(1, 1.0), ran(1, 1.0), ran(1, 0.0)]) == 2.0


def test_a_machine_gets_every_run() -> None:
    said = json.loads(json.dumps(breadth.as_json(made_up(), {"machine": "none"})))
    assert len(said["claims"]) == len(claims.CLAIMS)
    assert said["runs"][WHOLE.name][GATE][0]["rate"] == 100.0
    assert said["median"][relay.NAME][relay.NOTHING]["rate"] == 50.0


def test_only_a_whole_run_may_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert breadth.main(["--only", "memory", "--write"]) == 64
    assert "--only" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        breadth.main(["--only", "memory,weather"])
    assert ended.value.code == 2


def test_the_matrix_is_whole_and_names_no_case_twice() -> None:
    names = [case.name for case in rates.cases(full=True)]
    assert len(names) == len(set(names)) == 3 * 4 + 1
    assert {case.name for case in rates.cases(full=False)} < set(names)


def test_messages_of_a_campaign_differ_and_are_as_large_as_they_say() -> None:
    one, other = (messages.filled(relay.SIZE, number) for number in (1, 2))
    assert one != other
    assert b"%%" not in one
    assert len(one) == len(other) == len(messages.newsletter(relay.SIZE))
    assert abs(len(one.partition(b"\r\n\r\n")[2]) - messages.SIZES[relay.SIZE]) < 1_000


def test_a_client_without_a_login_is_the_newsletter_by_its_network_only() -> None:
    plain, both = (yaml.safe_load(contenders.profile(from_loopback=each)) for each in (False, True))
    assert both["listeners"]["smtpd"] == "judge"
    assert both["identities"]["newsletter"].pop("networks") == ["127.0.0.1/32"]
    both["listeners"]["smtpd"] = "pass"
    assert both == plain
    keys = yaml.safe_load(contenders.profile(both_keys=True))["domains"]["example.test"]["keys"]
    assert [key["selector"] for key in keys] == ["rsa", "ed"]
    assert [key["selector"] for key in plain["domains"]["example.test"]["keys"]] == ["rsa"]


def test_growth_is_the_slope_of_the_readings() -> None:
    assert memory.slope([(0, 10.0), (1000, 12.0), (2000, 14.0)]) * 1000 == pytest.approx(2.0)
    assert memory.slope([(0, 10.0)]) == 0.0


class Peer:
    """The gate's end of a connection: what it hears, and what it answers."""

    def __init__(self, steps: int) -> None:
        self.heard = b""
        self._said = iter(self._answers(steps))

    def _answers(self, steps: int) -> Iterator[bytes]:
        for packet in (b"O" + struct.pack("!III", 6, 0, steps), b"c", b"c"):
            yield struct.pack("!I", len(packet))
            yield packet

    def sendall(self, data: bytes) -> None:
        self.heard += data

    def recv(self, _: int) -> bytes:
        return next(self._said, b"")


@pytest.mark.parametrize(("steps", "asked", "left"), [(0, 3, 4), (0x1000 | 0x2000, 1, 4), (0x2, 2, 3)])
def test_an_idle_connection_has_said_what_was_negotiated(steps: int, asked: int, left: int) -> None:
    peer = Peer(steps)
    memory._introduce(peer)  # type: ignore[arg-type]
    packets, at = [], 0
    while at < len(peer.heard):
        length = struct.unpack_from("!I", peer.heard, at)[0]
        packets.append(peer.heard[at + 4 : at + 5])
        at += 4 + length
    assert at == len(peer.heard)
    assert len(packets) == left
    assert len(list(peer._said)) == 2 * (3 - asked)
    with pytest.raises(BenchError, match="hung up"):
        memory._read(peer, 1)  # type: ignore[arg-type]


def test_columns_are_as_wide_as_they_must_be() -> None:
    assert columns(("claim", "x"), [["one", "100"], ["a long one", ""]]) == [
        "claim         x",
        "one         100",
        "a long one",
    ]
