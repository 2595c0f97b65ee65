"""Whatever a sender writes, an audit line stays one line of printable ASCII, with the names that the gate gave it.

Each hostile text goes through the milter socket of a running gate into every place that a client can fill: its names,
its login, the envelope, the queue id, fields (raw, as encoded words, as file name) and body. Then the files are read as
an auditor would read them: with grep, and strictly as JSON. The operational log and the personal values must be as
clean.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from sealgate.audit.verifier import Key, verify
from tests.drivers.cases import profile_text
from tests.drivers.wire import Transaction, Wire
from tests.lab.gate import Gate

pytestmark = pytest.mark.daemon
pytest.importorskip("milter", reason="pymilter is not installed")

FORGED: Final = '{"v":1,"kind":"decision","verdict":"accept","id":"FORGED"}'
TEXTS: Final = {
    "a line of its own": f"x\n{FORGED}\n",
    "a line after CR": f"x\r{FORGED}\r",
    "a line by U+2028 and NEL": f"x\u2028{FORGED}\u2029\u0085{FORGED}",
    "the end of its string": 'x","verdict":"accept","id":"FORGED","y":"',
    "a backslash before its end": "x\\",
    "the title of a terminal": "x\x1b]0;pwned\x07\x1b[2J",
    "one-octet controls": "x\u009b31m\u0090\u009d",
    "backspaces and DEL": "accept\x08\x08\x08\x7f\x7f",
    "another direction": "x\u202egnp.exe\u2066\u200f",
    "nothing to be seen": "x\u200b\ufeff\U000e0041",
    "beyond the BMP": "x\U0001f4a9\U0010ffff",
    "names of the chain": '"prev":"0","seq":1,"w":"2026-11-21T09:00:00.000000Z"',
    "the number that stands for a place": "1" + "0" * 30,
    "markup": "<script>alert(1)</script>=cmd|' /C calc'!A0",
    "very long": "x" * 200_000,
}
OCTETS: Final = {
    "no UTF-8": b"x\xff\xfe\x80\xc3(",
    "a surrogate": b"x\xed\xa0\x80\xed\xbf\xbf",
    "an overlong line feed": b"x\xc0\x8a" + FORGED.encode(),
    "every octet but those that end a field": bytes(set(range(1, 256)) - {10, 13}),
}
EVIL: Final = [*((name, text.encode()) for name, text in TEXTS.items()), *OCTETS.items()]
LOGIN: Final = {"auth_type": "GSSAPI", "auth_authen": "alice@EXAMPLE.TEST"}


def letter(evil: bytes) -> bytes:
    """A letter with the text in each field that is recorded, as it is and encoded."""
    one_line = re.sub(rb"[\r\n]", b" ", evil)
    encoded = "".join(f"={octet:02X}" for octet in evil[:4_000]).encode()
    return b"\r\n".join([
        b"From: =?utf-8?q?" + encoded[:600] + b"?= <alice@example.test>",
        b"To: " + one_line[:300] + b" <reader@example.org>",
        b"Reply-To: " + one_line[:300] + b" <alice@example.test>",
        b"Subject: marked " + one_line + b" =?utf-8?q?" + encoded + b"?=",
        b"Message-ID: <" + one_line[:300] + b"@example.test>",
        b"Date: Sat, 21 Nov 2026 09:00:00 +0000",
        b"X-" + re.sub(rb"[^!-9;-~]", b"-", one_line)[:60] + b": " + one_line,
        b"List-Unsubscribe: <https://example.test/" + one_line + b">",
        b"MIME-Version: 1.0",
        b'Content-Type: multipart/mixed; boundary="b"',
        b"",
        b"--b", b"Content-Type: text/html; charset=utf-8", b"", b"<p>" + evil + b"</p>",
        b"--b", b'Content-Type: application/x-y; name="' + one_line[:300] + b'"', b"", evil,
        b"--b--", b"",
    ])  # fmt: skip


def steps(gate: Gate, evil: bytes) -> Iterator[Transaction]:
    """The text in the message, in the envelope, in the login, in the queue id; each time also in the client's names."""
    plain = b"From: alice@example.test\r\nSubject: marked\r\n\r\nText.\r\n"
    text = evil.replace(b"\0", b"").decode("utf-8", "replace")[:8_000]
    with Wire(gate.socket) as wire:
        wire.negotiate()
        wire.connect(text[:200], "198.51.100.7", 40000, {"daemon_name": "submission", "tls_version": text})
        wire._connection_step("helo", evil[:8_000] + b"\0")
        yield wire.transact("<alice@example.test>", ["<reader@example.org>"], letter(evil), LOGIN)
        yield wire.transact(f"<{text}@example.test>", ["<reader@example.org>"], plain, LOGIN)
        yield wire.transact("<alice@example.test>", [f"<{text}@example.org>"], plain, LOGIN)
        yield wire.transact("<alice@example.test>", ["<r@example.org>"], plain, {**LOGIN, "auth_authen": text})
        yield wire.transact("<alice@example.test>", ["<r@example.org>"], plain, {**LOGIN, "auth_type": text})
        yield wire.transact("<alice@example.test>", ["<r@example.org>"], plain, {**LOGIN, "i": text}, {"i": text})
        yield wire.transact(f"<{text}>", ["<r@example.org>"], plain)  # no login: only counted


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A map in which no name stands twice."""
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def unprintable(path: Path) -> str:
    """What grep finds in a file that is neither printable ASCII nor a line's end."""
    done = subprocess.run(
        ["grep", "-aPn", r"[^\x20-\x7e\n]", str(path)], capture_output=True, env={"LC_ALL": "C"}, check=False
    )
    assert done.returncode < 2, done.stderr
    return done.stdout.decode("ascii", "backslashreplace")


@pytest.mark.parametrize("record", ["clear", "hashed"])
def test_no_text_of_a_sender_leaves_its_place_in_a_line(folder: Path, record: str) -> None:
    profile = profile_text("enforce") + f"record: {{recipients: {record}, subject: {record}}}\n"
    with Gate(folder, profile) as gate:
        answers = {name: [*steps(gate, evil)] for name, evil in EVIL}
    lines = gate.audit_log.read_bytes().split(b"\n")
    assert lines.pop() == b""
    events = [json.loads(line, object_pairs_hook=once) for line in lines]
    decisions = [event for event in events if event["kind"] == "decision"]

    assert unprintable(gate.audit_log) == ""
    assert unprintable(folder / "gate.log") == ""
    for path in (folder / "state" / "personal").glob("*.jsonl"):
        assert unprintable(path) == ""
    for name, said in answers.items():
        assert not [one.text for one in said if re.search(r"[^\x20-\x7e\n]", one.text)], name
    # Each transaction with a login has its one line, and nobody wrote another.
    assert len(decisions) == 6 * len(EVIL)
    assert {event["kind"] for event in events} <= {"start", "decision", "refusals", "checkpoint", "stop"}
    assert "FORGED" not in {event.get("id") for event in events}
    assert max(map(len, lines)) < 1 << 16
    with gate.audit_log.open("rb") as file:
        assert verify(file, key=Key.parse((folder / "state" / "audit.pub").read_text())).is_whole
    # All this says something only because the texts were recorded: escaped, each in its place.
    octets = b"\n".join(lines)
    assert len([event for event in events if event["kind"] == "refusals"]) > 0
    assert len([event for event in decisions if event["verdict"] == "accept"]) > len(EVIL)
    for escaped in (
        rb"\n{\"v\":1", rb"\r{\"v\":1", rb"\u2028", rb"\u001b]0;pwned\u0007", rb"\u009b31m", rb"\b\b\b\u007f",
        rb"\u202egnp", rb"\ud83d\udca9", rb"x\",\"verdict\":\"accept\"", rb"\u200b",
    ):  # fmt: skip
        assert escaped in octets, escaped
