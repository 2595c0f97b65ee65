"""doc/rules.md is the catalogue, written out. `python -m tests.unit.test_doc_rules > doc/rules.md` writes it anew."""

from pathlib import Path

from sealgate.checks.finding import Action
from sealgate.checks.rules import RULES

FILE = Path(__file__).resolve().parents[2] / "doc" / "rules.md"
HEAD = """\
# The rules

Every reason for which a message may be refused, deferred, held, mended or reported. The profile changes mode and action
of each under `rules:`, for all listeners or for one; a rule that always binds says so. The sentence is what the sender
reads, between the code and the id of the refusal.

- `enforce` acts, `report` only records, `off` does not look.
- `reject` answers with the code shown, `tempfail` with 451, `quarantine` holds the message in the MTA's queue, `remove`
  takes the named header fields out and lets the message go on (only where it is the rule's own action).
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
    "seal": "The seal",
}


def expected() -> str:
    text = HEAD
    shown = ""
    for code, rule in RULES.items():
        title = FAMILIES[code.partition(".")[0]]
        if title != shown:
            text += f"\n## {title}\n\n{COLUMNS}"
            shown = title
        reply = "451" if rule.action is Action.TEMPFAIL else rule.reply_code
        answer = f"{rule.mode}: {rule.action}"
        if rule.action in (Action.REJECT, Action.TEMPFAIL):
            answer += f" {reply} {rule.enhanced}"
        always = "; always binds" if rule.always else ""
        unknowable = f". *Not knowable*: {rule.unknowable}" if rule.unknowable else ""
        text += f"| `{code}` | {rule.cites} | {answer}{always} | {rule.says}; {rule.remedy}{unknowable} |\n"
    return text


def test_the_reference_is_the_catalogue() -> None:
    assert FILE.read_text() == expected()


def test_what_is_not_knowable_is_said_of_every_rule_about_commercial_mail() -> None:
    told = {code for code, rule in RULES.items() if rule.unknowable}
    assert told >= {code for code in RULES if code.startswith(("canspam.", "oneclick.", "list."))}


if __name__ == "__main__":
    print(expected(), end="")
