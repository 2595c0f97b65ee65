"""What programs that make mail are told: the gate's own answer, without its keys, for any form of a message."""

import email.message
import io
import mailbox
import subprocess
import sys
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sealgate
from sealgate.profile.parse import parse_profile
from sealgate.screening import Screener, Screening, ScreeningError, screen
from sealgate.screening.explaining import explain, headline
from sealgate.screening.footer import shown
from sealgate.screening.mailfiles import _inside, items, listed
from sealgate.screening.preparing import prepared
from sealgate.wiring import SETTABLE_RULES
from tests.drivers.cases import all_cases, profile_text
from tests.drivers.core import run
from tests.lab.gate import ROOT

ADDRESS = "Example Inc., 12 Main Street, Springfield, IL 62701"
LAWFUL = f"""<!DOCTYPE html><html><head><title>Spring offers</title></head><body>
<p>Garden chairs are 20 % off until Sunday. <a href="https://www.example.test/chairs">See the chairs</a>.</p>
<p>{ADDRESS}</p>
<p>You get this because you asked for it. <a href="https://www.example.test/u/k3j9">Unsubscribe</a></p></body></html>
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The profile of the cases, on a machine where its keys are not."""
    path = tmp_path / "profile.yaml"
    path.write_text(profile_text("enforce").replace("{keys}", str(tmp_path / "not-here")))
    return path


def message(name: str) -> bytes:
    return next(case.message for case in all_cases() if case.name == name)


def codes(screening: Screening) -> list[str]:
    return [remark.code for remark in screening.findings if remark.stops]


def test_a_lawful_newsletter_would_leave_sealed_though_no_key_is_here(profile: Path) -> None:
    said = screen(message("lawful-newsletter"), profile, principal="svc/newsletter@EXAMPLE.TEST")
    assert (said.is_lawful, str(said.would), said.reply, said.fault) == (True, "accept", "", "")
    assert (said.seal.domain, said.seal.selectors) == ("example.test", ("rsa", "ed"))
    assert {"From", "List-Unsubscribe", "List-Unsubscribe-Post"} <= set(said.seal.names)
    assert "Reply-To" in said.seal.absent
    assert not {"seal.no-key"} & {remark.code for remark in said.findings}


def test_a_finding_names_rule_law_and_remedy(profile: Path) -> None:
    said = screen(message("newsletter-without-address"), profile, identity="newsletter")
    (remark,) = [one for one in said.findings if one.stops]
    assert (remark.code, remark.law) == ("canspam.no-postal-address", "15 USC 7704(a)(5)(A)(iii)")
    assert "street address" in remark.remedy
    assert remark.status == "550 5.7.1"
    assert said.reply.startswith("550 5.7.1 canspam.no-postal-address")
    assert "refusal" not in said.reply
    missing = next(element for element in said.elements if element.name == "postal-address")
    assert missing.is_missing


def test_the_answer_is_that_of_the_gate(profile: Path) -> None:
    """Every case of a login that the first driver runs: the same rules are met here."""
    runtime = prepared(profile).runtime
    differing = []
    for case in all_cases():
        if case.profile != "enforce" or not case.login or case.auth_name or case.listener != "submission":
            continue
        seen = run(case, runtime)
        if seen.stage == "mail":  # answered before the message came
            continue
        said = screen(case.message, profile, principal=case.login, sender=case.mail_from)
        assert said.fault == "", (case.name, said.fault)
        ours = [remark.code for remark in said.findings]
        if (list(seen.rules or ()), seen.would) != (ours, str(said.would)):
            differing.append((case.name, seen.rules, ours))
    assert differing == []


def test_the_sender_is_known_by_from_where_nobody_names_it(profile: Path) -> None:
    assert screen(message("lawful-newsletter"), profile).identity == "newsletter"
    with pytest.raises(ScreeningError, match=r"no identity may send as ceo@example\.org: name the one that sends"):
        screen(b"From: ceo@example.org\n\nHello\n", profile)


def test_a_name_that_is_not_there_is_answered_with_one_that_is(profile: Path) -> None:
    with pytest.raises(ScreeningError, match="do you mean newsletter"):
        screen(LAWFUL, profile, identity="newsleter")
    with pytest.raises(ScreeningError, match="principal alice: no realm"):
        screen(LAWFUL, profile, principal="alice")


def test_a_template_is_judged_by_its_text_alone(profile: Path) -> None:
    said = screen(LAWFUL, profile, identity="newsletter")
    assert said.is_lawful, said.explanation
    assert "header" in said.left_out
    assert not [one for one in said.findings if one.code.startswith(("oneclick.", "list.", "identity."))]
    bad = screen(LAWFUL.replace(ADDRESS, ""), profile, identity="newsletter")
    assert codes(bad) == ["canspam.no-postal-address"]


def test_a_template_needs_no_name_where_one_identity_is_commercial(profile: Path) -> None:
    assert screen(LAWFUL, profile).identity == "newsletter"


def test_messages_of_the_email_package_are_taken(profile: Path) -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Example News <news@example.test>", "reader@example.org", "Früh­ling"
    made["Date"], made["Message-ID"] = "Sat, 21 Nov 2026 09:00:00 +0000", "<spring@example.test>"
    made.set_content(f"Chairs.\n{ADDRESS}\nTo unsubscribe, open https://www.example.test/u/k3j9\n")
    made.add_alternative(LAWFUL, subtype="html")

    class Held:  # as mail libraries do
        def message(self) -> email.message.Message:
            return made

    for form in (made, Held(), made.as_bytes(), made.as_string(), email.message_from_bytes(made.as_bytes())):
        said = screen(form, profile)
        assert said.is_lawful, said.explanation
        assert [looked.kind for looked in said.looked] == ["text/plain", "text/html"]
    del made["Date"], made["Message-ID"]  # whoever sends it will add them
    assert screen(made, profile).is_lawful
    assert codes(screen(made.as_bytes(), profile)) == ["transit.no-date", "transit.no-message-id"]


def test_a_parsed_profile_is_taken(profile: Path) -> None:
    parsed, _ = parse_profile(profile.read_text(), "profile", known_rules=SETTABLE_RULES)
    assert parsed is not None
    assert screen(LAWFUL, parsed, identity="newsletter").is_lawful
    held = replace(parsed, enforce=False)  # report mode is for the relay, not for this question
    assert not screen(LAWFUL.replace(ADDRESS, ""), held, identity="newsletter").is_lawful


def test_a_profile_that_cannot_be_used_says_every_problem(tmp_path: Path) -> None:
    with pytest.raises(ScreeningError, match="cannot be read: No such file"):
        screen(LAWFUL, tmp_path / "none.yaml")
    path = tmp_path / "bad.yaml"
    path.write_text("version: 1\nmode: enforse\ncolour: red\n")
    with pytest.raises(ScreeningError, match=r"(?s)bad.yaml:2.*enforse.*bad.yaml:3.*colour"):
        screen(LAWFUL, path)


def test_a_profile_that_changed_is_read_again(profile: Path) -> None:
    assert screen(message("newsletter-without-address"), profile).would == "reject"
    profile.write_text(profile.read_text() + "rules:\n  canspam.no-postal-address: {mode: report}\n")
    assert screen(message("newsletter-without-address"), profile).is_lawful


def test_a_file_of_senders_that_is_not_here_is_no_fault_of_the_mail(profile: Path) -> None:
    text = profile.read_text().replace("senders: [bob@example.test]", "senders: {file: /nowhere/senders}")
    profile.write_text(text)
    said = screen(b"From: bob@example.test\n\nHello\n", profile, identity="bob")
    assert said.is_lawful, said.explanation
    assert "/nowhere/senders" in said.left_out


def test_hostile_html_is_a_finding_and_takes_no_memory_here(profile: Path) -> None:
    # Each <p> closes the one before and with it all <b>, which the next text opens again.
    html = "<p>" + "".join(f"<b {n}>" for n in range(3000)) + "<p>x" * 8000
    bomb = f"From: news@example.test\nContent-Type: text/html\n\n{html}{ADDRESS}"
    said = screen(bomb, profile)
    assert codes(said)[0] == "canspam.unread"
    assert said.looked[0].view is None
    assert "could not be read" in said.explanation


def test_heavy_html_is_read_elsewhere_and_answered_alike(profile: Path) -> None:
    heavy = LAWFUL.replace("<body>", "<body>" + "<p>Chairs and tables.</p>" * 1200)
    with Screener(profile) as screener:
        assert screener.screen(heavy).is_lawful
        assert screener.screen(heavy.replace(ADDRESS, "")).would == "reject"


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda b: b"From: news@example.test\n" + b))
def test_nothing_raises_for_what_a_message_holds(octets: bytes) -> None:
    parsed, _ = parse_profile(profile_text("enforce").replace("{keys}", "/k"), "profile", known_rules=SETTABLE_RULES)
    assert parsed is not None
    said = screen(octets, parsed, identity="newsletter")
    assert said.fault == ""
    for width in (40, 100):
        text = explain(said, width=width, show=True)
        assert all(c.isprintable() or c == "\n" for c in text)


def test_nothing_of_a_message_drives_a_terminal(profile: Path) -> None:
    evil = LAWFUL.replace("Unsubscribe", "Unsubscribe\x1b[31m\u202e\u200fnow")
    text = explain(screen(evil, profile), show=True)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert shown("Grüße\u00a0\x1b\u202e!") == "Grüße ??!"


def test_the_footer_shows_what_was_found_and_names_what_is_unseen(profile: Path) -> None:
    text = explain(screen(LAWFUL, profile), show=True, width=80)
    assert "The end of part 1 (text/html) as a reader sees it:" in text
    assert "  | " in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_headline_is_short(profile: Path) -> None:
    said = screen(LAWFUL.replace(ADDRESS, ""), profile)
    assert headline(said).startswith("would be refused: canspam.no-postal-address")


# -- files -------------------------------------------------------------------------------------------------------------
def test_a_mailbox_gives_each_message_and_takes_the_quoting_off(tmp_path: Path) -> None:
    path = tmp_path / "post.mbox"
    path.write_bytes(
        b"From a@b Thu Jan  1 00:00:00 2026\nFrom: a@example.test\n\nOne\n>From here\n>>From there\n\n"
        b"From c@d Thu Jan  1 00:00:00 2026\r\nFrom: c@example.test\r\n\r\nTwo\r\nFrom no empty line\r\n"
    )
    one, two = items(path, sys.stdin.buffer)
    assert one.octets == b"From: a@example.test\n\nOne\nFrom here\n>From there\n"
    assert (one.name, two.name) == (f"{path}:1", f"{path}:2")
    assert two.octets == b"From: c@example.test\r\n\r\nTwo\r\nFrom no empty line\r\n"
    assert two.read == path.stat().st_size


def test_what_the_standard_library_writes_is_read_back(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    bodies = ["Hello\n", "From now on\n\nFrom here\n", "\n\nlate\n"]
    for body in bodies:
        box.add(f"From: a@example.test\nSubject: x\n\n{body}")
    box.close()
    found = [item.octets.decode() for item in items(tmp_path / "box", sys.stdin.buffer)]
    assert [text.partition("\n\n")[2] for text in found] == bodies


def test_folders_are_gone_through_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.eml", "a.html", "b/c.MBOX", "b/notes.txt", "ignored"):
        (tmp_path / name).write_text("x")
    assert [path.name for path in listed([tmp_path])] == ["a.html", "c.MBOX", "z.eml"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.eml", b"", "empty"),
        ("a.mbox", b"junk\n", "no mailbox"),
        ("a.html", b" \n", "empty"),
        ("b.mbox", b"", "empty"),
    ],
)
def test_what_is_no_mail_is_told(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    (item,) = items(tmp_path / name, sys.stdin.buffer)
    assert why in item.fault


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    (item,) = items(tmp_path / "none.eml", sys.stdin.buffer)
    assert item.fault == "No such file or directory"


@given(st.binary(max_size=300).map(lambda b: b"From x\n" + b))
def test_no_mailbox_loses_octets_beside_its_separators(content: bytes) -> None:
    found = list(_inside("x", io.BytesIO(content), ".mbox"))
    assert found
    assert found[-1].read == len(content)
    assert sum(len(item.octets) for item in found) <= len(content)


# -- the package -------------------------------------------------------------------------------------------------------
def test_importing_the_package_is_cheap() -> None:
    code = (
        "import sys, sealgate; before = len([m for m in sys.modules if m.startswith('sealgate.')]); "
        "from sealgate import screen; print(before, callable(screen), 'click' in sys.modules, 'milter' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "milter")},
    )
    assert done.stdout.split() == ["0", "True", "False", "False"]


def test_the_package_has_no_other_name() -> None:
    assert sealgate.screen is screen
    with pytest.raises(AttributeError, match="no attribute 'scream'"):
        _ = sealgate.scream  # type: ignore[attr-defined]
