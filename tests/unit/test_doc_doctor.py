"""doc/doctor.md is the catalogue of the doctor's rules; `python -m tests.unit.test_doc_doctor` writes it anew.

The guides beside it name only rules that exist, and each rule of Postfix has its parameters in documents that exist.
"""

import re
from pathlib import Path

import pytest

from sealgate.doctor.catalogue import RULES
from sealgate.profile.parse import draft_profile

DOC = Path(__file__).resolve().parents[2] / "doc"
FILE = DOC / "doctor.md"
HEAD = """\
# What the doctor looks at

`sealgate doctor` reads main.cf and master.cf through postconf (or sendmail.cf), goes the way of the MTA's daemons to
the gate's socket, connects and negotiates as they would, and asks `sealgate check`, `status` and `keys test`. It
changes nothing. Each finding says what is, why it matters, the documentation, and what to paste; `--fix` prints the
commands alone, for a shell, and lines that begin with `#` where a person has to do something.

- `wrong`: mail leaves unjudged or unsigned, is refused or waits, or may be forged.
- `warning`: it works, and will one day not, or not as meant.
- `unknown`: it could not be found out; the finding says how it can.
- `fine`: as it should be; `--quiet` leaves these out.

Exit status: 78 if anything is wrong; else 1 if there are warnings; else 75 if something is not known; else 0. 69: the
MTA that `--mta` names is not on this host. `--json` prints one object a finding: `level`, `rule`, `place`, `what`,
`why`, `cites`, `paste` (a list of lines).

As root it tries the socket as the MTA's account and from its chroot; as another account it tries as itself and says
so.
Guides: [postfix.md](postfix.md), [sasl.md](sasl.md), [sendmail.md](sendmail.md); *op* is Sendmail's Installation and
Operation Guide.
"""
TITLES = {
    "socket": "The way to the gate",
    "postfix": "Postfix",
    "sendmail": "Sendmail",
    "gate": "The gate itself",
}
COLUMNS = "| rule | what is looked at | why | documentation |\n|---|---|---|---|\n"


def expected() -> str:
    text, shown = HEAD, ""
    for rule in RULES:
        title = TITLES[rule.code.partition(".")[0]]
        if title != shown:
            text += f"\n## {title}\n\n{COLUMNS}"
            shown = title
        text += f"| `{rule.code}` | {rule.looks_at} | {rule.why} | {rule.cites} |\n"
    return text


def test_the_reference_is_the_catalogue() -> None:
    assert FILE.read_text() == expected()


def test_the_rules_of_one_kind_stand_together() -> None:
    kinds = [rule.code.partition(".")[0] for rule in RULES]
    assert list(dict.fromkeys(kinds)) == [kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind]


@pytest.mark.parametrize("guide", ["postfix.md", "sasl.md"])
def test_every_rule_a_guide_names_exists(guide: str) -> None:
    named = set(re.findall(r"`((?:postfix|socket|gate|sendmail)\.[a-z-]+)`", (DOC / guide).read_text()))
    assert named <= {rule.code for rule in RULES}
    codes = set(re.findall(r"`((?:postfix|socket|gate|sendmail)\.[a-z-]+)`", FILE.read_text()))
    assert codes == {rule.code for rule in RULES}


@pytest.mark.parametrize("guide", ["postfix.md", "sasl.md", "doctor.md"])
def test_every_link_of_a_guide_leads_somewhere(guide: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (DOC / guide).read_text()):
        assert (DOC / target).exists(), target


def test_the_row_of_logins_in_the_guide_is_read() -> None:
    (row,) = re.findall(r"```yaml\n(.*?)```", (DOC / "sasl.md").read_text(), re.DOTALL)
    frame = "version: 1\nlisteners: {submission: judge}\ndomains: {example.test: {sign: no}}\n"
    found, problems = draft_profile(frame + row, "profile.yaml")
    assert found is not None
    assert [each.spelled for each in found.logins] == ["{user}@EXAMPLE.TEST"]
    assert [each for each in problems if "logins" in each.message] == []


if __name__ == "__main__":
    FILE.write_text(expected())
