"""doc/rules.md and the man page are the catalogue; `python -m tests.unit.test_doc_rules` writes both anew."""

import shutil
import subprocess
from pathlib import Path

import pytest

from sealgate.checks.finding import Action, Rule
from sealgate.checks.rules import RULES

FILE = Path(__file__).resolve().parents[2] / "doc" / "rules.md"
PAGE = FILE.parent / "man" / "sealgate-rules.7"
HEAD = """\
# The rules

Every reason for which a message may be refused, deferred, held, mended or reported. The profile changes mode and action
of each under `rules:`, for all listeners or for one; a rule that always binds says so. The sentence is what the sender
reads, between the code and the id of the refusal.

- `enforce` acts, `report` only records, `off` does not look.
- `reject` answers with the code shown, `tempfail` with 451, `quarantine` holds the message in the MTA's queue, `remove`
  takes the named header fields out and lets the message go on (only where it is the rule's own action).
- *For people*: the default for mail of persons and forwarders, whose programs cannot be mended here.
- *Not knowable* is what nobody can see while a message is sent, so that no silence of the gate is taken for a promise.
"""
COLUMNS = "| rule | rests on | by default | what the sender reads, and how to mend it |\n|---|---|---|---|\n"
FAMILIES = {
    "listener": "Listeners",
    "identity": "Who is it, and may they",
    "trace": "Fields that only a relay may write",
    "canspam": "What commercial mail must carry",
    "oneclick": "One-click and the fields of lists",
    "list": "One-click and the fields of lists",
    "mime": "Form",
    "form": "Form",
    "transit": "What would not arrive as it is signed",
    "seal": "The seal",
}


def answer(rule: Rule) -> str:
    reply = "451" if rule.action is Action.TEMPFAIL else rule.reply_code
    told = f"{rule.mode}: {rule.action}"
    if rule.action in (Action.REJECT, Action.TEMPFAIL):
        told += f" {reply} {rule.enhanced}"
    told += f"; for people: {rule.people}" if rule.people else ""
    return told + ("; always binds" if rule.always else "")


def expected() -> str:
    text = HEAD
    shown = ""
    for code, rule in RULES.items():
        title = FAMILIES[code.partition(".")[0]]
        if title != shown:
            text += f"\n## {title}\n\n{COLUMNS}"
            shown = title
        unknowable = f". *Not knowable*: {rule.unknowable}" if rule.unknowable else ""
        text += f"| `{code}` | {rule.cites} | {answer(rule)} | {rule.says}; {rule.remedy}{unknowable} |\n"
    return text


def roff(text: str) -> str:
    """Text for troff: a backslash, a hyphen and a leading dot or apostrophe mean something there."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "").replace("*", "")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


def expected_page() -> str:
    lines = [
        '.TH SEALGATE\\-RULES 7 "" sealgate',
        ".nh",
        ".ad l",
        ".SH NAME",
        "sealgate\\-rules \\- every reason for which mail is refused",
    ]
    intro = HEAD.partition("\n\n")[2].strip().replace("\n- ", "\n.PP\n").replace("\n  ", "\n")
    lines += [".SH DESCRIPTION", *(line if line == ".PP" else roff(line) for line in intro.split("\n") if line)]
    shown = ""
    for code, rule in RULES.items():
        title = FAMILIES[code.partition(".")[0]]
        if title != shown:
            lines.append(f".SH {title.upper()}")
            shown = title
        lines += [
            ".TP",
            f".B {roff(code)}",
            roff(f"({rule.cites}; {answer(rule)})"),
            ".br",
            roff(f"{rule.says}; {rule.remedy}."),
        ]
        if rule.unknowable:
            lines += [".br", roff(f"Not knowable: {rule.unknowable}.")]
    return "\n".join((*lines, ".SH SEE ALSO", ".BR sealgate (8)", ""))


def test_the_reference_is_the_catalogue() -> None:
    assert FILE.read_text() == expected()


def test_the_man_page_is_the_catalogue() -> None:
    assert PAGE.read_text() == expected_page()


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_man_page_is_set_without_a_warning() -> None:
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", str(PAGE)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_is_not_knowable_is_said_of_every_rule_about_commercial_mail() -> None:
    told = {code for code, rule in RULES.items() if rule.unknowable}
    assert told >= {code for code in RULES if code.startswith(("canspam.", "oneclick.", "list."))}


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    FILE.write_text(expected())
    PAGE.write_text(expected_page())
