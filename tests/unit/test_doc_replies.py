"""The table of replies in doc/operations.md names every one; `python -m tests.unit.test_doc_replies` writes it anew.

Which rule answers what is taken from the catalogue, and what the gate answers for faults of its own from its source;
what it means to a user and what a postmaster does is said here, once for each reply.
"""

import re
from itertools import groupby
from pathlib import Path

from sealgate.checks.finding import Action
from sealgate.checks.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "doc" / "operations.md"
ADAPTER = ROOT / "milter" / "sealgate" / "adapters" / "pymilter.py"
BEGIN, END = "<!-- replies: begin -->\n", "<!-- replies: end -->\n"
GATE = "the gate itself"
# Reply, what it means to the user, and behind `>` what the postmaster does.
TOLD = """\
451 4.3.0
a fault of the gate; the message waits and is sent again
> nothing, if it stays at one; else the log by that id, and the table above

451 4.3.5
the profile does not know this service of the MTA; the message waits
> name it under `listeners:`, reload

451 4.7.0
nobody knows which principal this login is; the message waits
> the log has the row for `logins:` ready to paste; reload

451 4.7.5
the profile wants the mail signed and no key is loaded; the message waits
> `sealgate keys list`; mend the file or the profile, reload

452 4.3.1
more mail at once than `in_flight_mb` has room for; the message waits
> nothing, if it is rare; else fewer connections of one client, or more room

550 5.6.0
the form of the message: readers would disagree about it, or the signature would not survive the way
> the sender's program must write it otherwise; the sentence says what

550 5.7.1
not allowed: the sender may not use that address, or commercial mail lacks what the law demands
> `sealgate audit explain ID`; then a right in the profile (`sealgate who ADDRESS`), or the sender mends the text

550 5.7.9
this login mechanism is not allowed to this sender
> another method in the mail program, or `mechanisms:` of the identity

550 5.7.10
the encryption of the session is too weak for this sender
> TLS in the mail program, or `min_cipher_bits:` of the identity

552 5.3.4
larger, or in more pieces, than the gate judges or keeps
> a message of fewer parts or fields; such mail comes from broken programs, mostly

553 5.1.7
the envelope's sender is no address that all programs read alike
> the sender's program must write it otherwise

553 5.7.1
the envelope's sender is not an address of whoever logged in
> `sealgate who ADDRESS`; a right in the profile, or the account in the mail program
"""
MEANING = {
    block.partition("\n")[0]: tuple(" ".join(part.split()) for part in block.partition("\n")[2].split("\n> "))
    for block in TOLD.split("\n\n")
}


def answered() -> dict[str, list[str]]:
    """Each reply of a rule, by default, with the rules that answer so."""
    found: dict[str, list[str]] = {}
    for code, rule in RULES.items():
        if rule.action is Action.TEMPFAIL:
            found.setdefault(f"451 4{rule.enhanced[1:]}", []).append(code)
        elif rule.action is Action.REJECT:
            found.setdefault(f"{rule.reply_code} {rule.enhanced}", []).append(code)
    return found


def families(codes: list[str]) -> str:
    """Rules, shortened to their families where there are many."""
    if len(codes) <= 4:
        return ", ".join(f"`{code}`" for code in codes)
    parts = [(name, list(each)) for name, each in groupby(codes, key=lambda code: code.partition(".")[0])]
    return ", ".join(f"`{each[0]}`" if len(each) == 1 else f"`{name}.*`" for name, each in parts)


def expected() -> str:
    rules = {**answered(), **{reply: [GATE] for reply in of_the_gate()}}
    table = "| reply | by | what it means | what to do |\n|---|---|---|---|\n"
    for reply in sorted(rules):
        means, to_do = MEANING[reply]
        by = GATE if rules[reply] == [GATE] else families(rules[reply])
        table += f"| `{reply}` | {by} | {means} | {to_do} |\n"
    return table


def of_the_gate() -> list[str]:
    """What the gate answers where no rule speaks."""
    return [f"{code} {enhanced}" for code, enhanced in re.findall(r'Reply\("(\d+)", "([\d.]+)"', ADAPTER.read_text())]


def test_the_table_names_every_reply_and_what_to_do() -> None:
    text = FILE.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0] == expected()


def test_nothing_is_explained_that_is_never_answered() -> None:
    assert set(MEANING) == {*answered(), *of_the_gate()}
    assert of_the_gate() == ["451 4.3.0", "452 4.3.1"]


if __name__ == "__main__":
    head, _, rest = FILE.read_text().partition(BEGIN)
    FILE.write_text(head + BEGIN + expected() + END + rest.partition(END)[2])
