"""The output in doc/migration.md is that of the command, and what it says of options and fields is so.

`python -m tests.unit.test_doc_migration` writes the output anew. The table of `--compare` wants OpenDKIM:
tests/drivers/test_opendkim_import.py holds it.
"""

import re
from pathlib import Path

from sealgate.cli.import_opendkim import LISTS
from sealgate.profile.opendkim import UnreadableError
from sealgate.profile.opendkim_options import OPTIONS, Fate
from sealgate.profile.opendkim_profile import Import, import_opendkim
from sealgate.seal.plan import OVERSIGNED, SIGNED

PATH = Path(__file__).resolve().parents[2] / "doc" / "migration.md"
# libopendkim's own list, as a message with all of them was signed by OpenDKIM 2.11.0~beta2.
THEIRS = [
    "From", "Reply-To", "Subject", "Date", "To", "Cc", "Resent-Date", "Resent-From", "Resent-Sender", "Resent-To",
    "Resent-Cc", "In-Reply-To", "References", "List-Id", "List-Help", "List-Unsubscribe", "List-Subscribe",
    "List-Post", "List-Owner", "List-Archive",
]  # fmt: skip


def blocks(kind: str, text: str = "") -> dict[str, str]:
    """What stands in the fences behind `<!-- kind: name -->`."""
    found = re.findall(rf"<!-- {kind}: (\S+) -->\n```[a-z]*\n(.*?)```", text or PATH.read_text(), re.DOTALL)
    return dict(found)


class Shown:
    """The files of the document."""

    def text(self, path: str) -> str:
        try:
            return blocks("file")[path]
        except KeyError:
            raise UnreadableError(path) from None

    def filled(self, path: str) -> tuple[str, ...]:
        raise AssertionError(path)


def made() -> Import:
    return import_opendkim("/etc/opendkim.conf", Shown(), LISTS)


def outputs() -> dict[str, str]:
    found = made()
    return {"remarks": "".join(f"{remark}\n" for remark in found.remarks), "profile": found.text}


def test_the_output_is_that_of_the_command() -> None:
    shown = blocks("output")
    assert {name: shown[name] for name in outputs()} == outputs()
    assert not made().stops
    assert "all are signed alike" in shown["compare"]


def test_the_lists_of_fields_are_those_of_the_code() -> None:
    text = " ".join(PATH.read_text().split())
    besides = re.search(r"Signed besides, where present: (.*?)\. Oversigned", text)
    oversigned = re.search(r"what OversignHeaders names: (.*?); in commercial mail", text)
    assert besides
    assert oversigned
    ours = [name.decode() for name in SIGNED]
    assert set(THEIRS) <= set(ours)
    named = re.findall(r"[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)*", re.sub(r"\(.*?\)", "", besides[1]))
    assert set(named) == set(ours) - set(THEIRS)
    assert oversigned[1].split(", ") == [name.decode() for name in OVERSIGNED]


def test_every_option_that_stops_the_import_is_named() -> None:
    text = PATH.read_text()
    # Not in the manual, or not compiled into Debian's: only their sources know them.
    obscure = {"DefaultSender", "FlowData", "IdentityHeader", "LuaOnlySigning", "RateLimits"}
    stopping = {option.name for option in OPTIONS.values() if option.fate is Fate.CHANGES}
    assert {name for name in stopping if not re.search(rf"\b{name}\b", text)} == obscure


if __name__ == "__main__":
    written = PATH.read_text()
    for name, output in outputs().items():
        at = re.search(rf"<!-- output: {name} -->\n```[a-z]*\n(.*?)```", written, re.DOTALL)
        assert at
        written = written[: at.start(1)] + output + written[at.end(1) :]
    PATH.write_text(written)
