"""Somebody else's C2SP verifier, `aics-tlog`, agrees with ours: on keys, checkpoints, trees, and on what is wrong.

It is of other authors and shares no code with this program, so a misreading of the formats would show here.
"""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealgate.adapters.journal import JournalFile
from sealgate.audit.chain import cut
from sealgate.audit.note import generate, load
from sealgate.audit.verifier import Frontier, Note, ed25519_signed, leaf_hash, parse

aics_tlog: Any = pytest.importorskip("aics_tlog", reason="aics-tlog is not installed (it needs a recent cryptography)")
KEY = load(generate(), "relay1.example.test/sealgate")
OTHER = load(generate(), "relay1.example.test/sealgate")


def theirs(note: str, key=KEY):
    """What the other verifier says of a note, checked against a key of ours in its written form."""
    return aics_tlog.verify_checkpoint(aics_tlog.parse_note(note.encode()), aics_tlog.parse_vkey(key.public.text))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=70))
def test_the_root_of_a_tree_is_the_same(leaves: list[bytes]) -> None:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    assert frontier.root() == aics_tlog.MerkleTree(leaves).root()
    said = theirs(KEY.signed(frontier))
    assert said.log_ok, said.error
    assert (said.size, said.root) == (len(leaves), frontier.root())


def test_the_checkpoints_of_an_audit_file_are_those_of_its_lines(tmp_path) -> None:
    path = tmp_path / "audit.jsonl"
    for run in range(4):  # the end of each leaves a checkpoint
        journal = JournalFile(str(path), note=KEY.signed)
        journal.append([cut({"v": 1, "kind": "decision", "id": f"{run}-{number}"}) for number in range(7 + run)])
        journal.close()
    lines = path.read_bytes().splitlines()
    notes = [(at, note) for at, line in enumerate(lines) if (note := _note_in(line))]
    assert len(notes) == 4
    for at, note in notes:
        said = theirs(note)
        assert said.log_ok, said.error
        assert (said.size, said.root) == (at, aics_tlog.MerkleTree(lines[:at]).root())


@pytest.mark.parametrize("what", ["size", "root", "origin", "signature", "key", "line"])
def test_what_is_forged_convinces_neither(what: str) -> None:
    frontier = Frontier()
    frontier.append(leaf_hash(b"a line"))
    note = KEY.signed(frontier)
    origin, size, root, empty, signed, end = note.split("\n")
    octets = signed.rpartition(" ")[2]
    forged = {
        "size": "\n".join([origin, "2", root, empty, signed, end]),
        "root": "\n".join([origin, size, base64.b64encode(bytes(32)).decode(), empty, signed, end]),
        "origin": "\n".join(["another.example.test", size, root, empty, signed, end]),
        "signature": note.replace(octets, f"{octets[:-6]}{'AAAA' if octets[-6:-2] != 'AAAA' else 'BBBB'}{octets[-2:]}"),
        "key": OTHER.signed(frontier),
        "line": "\n".join([origin, size, root, "more", empty, signed, end]),
    }[what]
    assert forged != note
    assert not theirs(forged).log_ok
    assert not Note.parse(forged).is_signed_by(KEY.public, ed25519_signed)


def _note_in(line: bytes) -> str:
    event = parse(line) or {}
    return str(event["note"]) if event.get("kind") == "checkpoint" else ""
