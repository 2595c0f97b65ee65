"""`sealgate audit tail`, `explain`, `find` and `match` on records that the gate's own functions have written."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from sealgate.adapters import epochs, personal
from sealgate.app.recording import LINE_RECIPIENTS
from sealgate.cli import cli
from sealgate.cli.audit_hidden import HiddenRecipients
from sealgate.profile.model import Showing
from tests.lab.recorder import NEWSLETTER, PERSONAL, Recorder

MANY = [f"r{n}@many.test" for n in range(2 * LINE_RECIPIENTS + 1)]


class Written:
    """A record over three files, one of them packed, and what stands in it."""

    def __init__(self, folder: Path, recipients: Showing) -> None:
        self.path, self.state = folder / "audit.jsonl", folder / "state"
        self.ids: dict[str, str] = {}
        with Recorder(folder, recipients=recipients) as record:
            self.copy = self._sent(record, "first", at="2026-05-02T09:00:00Z", queue_id="4REUSED")
            record.rotate(".2")
            self._sent(record, "many", rcpt=MANY, at="2026-11-20T09:00:00Z", queue_id="4MANY")
            record.rotate(".1")
            forged = PERSONAL.replace(b"alice@", b"bob@")
            self._sent(
                record, "forged", forged, ["jane@example.net"], login="alice", sender="alice@example.test",
                at="2026-11-21T09:00:00Z", queue_id="4REUSED",
            )  # fmt: skip
            self._sent(record, "last", rcpt=["Reader@Example.ORG"], at="2026-11-21T10:00:00Z", queue_id="4LAST")
            record.write("correction", id=self.ids["last"], verdict="tempfail", why="the MTA went away")
            record.write("fault", id="06FAULT000000000", step="eom", verdict="tempfail", why="RuntimeError()")
        shutil.copy(self.path, self.path.with_name("copy"))

    def _sent(self, record: Recorder, name: str, *arguments: Any, **more: Any) -> bytes:
        copy = record.send(*arguments, **more)
        self.ids[name] = record.reference
        return copy

    def run(self, *arguments: str) -> Result:
        where = ("--log", str(self.path), "--state", str(self.state), "--settings", "/nowhere")
        return CliRunner().invoke(cli, ["audit", *arguments, *where], catch_exceptions=False)

    def found(self, *arguments: str) -> list[str]:
        """The names of what `find` finds."""
        done = self.run("find", "--json", *arguments)
        names = {reference: name for name, reference in self.ids.items()}
        events = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
        assert done.exit_code == (0 if events else 1), done.output
        return [names[event["id"]] for event in events if event["kind"] == "decision"]


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("clear"), Showing.CLEAR)


@pytest.fixture(scope="module")
def hashed(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("hashed"), Showing.HASHED)


@pytest.fixture(params=["clear", "hashed"])
def either(request: pytest.FixtureRequest) -> Written:
    found: Written = request.getfixturevalue(request.param)
    return found


# -- find --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "names"), [
    (["--rcpt", "reader@example.org"], ["first", "last"]),
    (["--rcpt", "<READER@example.org>", "--since", "2026-11-01"], ["last"]),
    (["--rcpt", "jane@example.net"], ["forged"]),
    (["--rcpt", "jane@example.net", "--rcpt", MANY[0]], ["many", "forged"]),
    (["--rcpt", MANY[-1]], ["many"]),
    (["--rcpt", "r201@many.test"], []),
    (["--rcpt", "reader@example.org", "--verdict", "reject"], []),
    (["--message-id", "<tea@example.test>"], ["forged"]),
    (["--principal", "alice"], ["forged"]),
    (["--principal", "svc/newsletter@EXAMPLE.TEST", "--until", "2026-11-20"], ["first", "many"]),
    (["--from", "news@example.test", "--since", "2026-11-20T09:00Z", "--until", "2026-11-20T09:01Z"], ["many"]),
    (["--domain", "many.test"], ["many"]),
    (["--class", "other"], ["forged"]),
    (["--queue-id", "4REUSED"], ["first", "forged"]),
    (["--rule", "identity"], ["forged"]),
    (["--since", "2026-11-21T10:00Z", "--until", "2026-11-22", "--verdict", "accept"], ["last"]),
])  # fmt: skip
def test_find_finds_the_same_whether_recipients_are_hashed_or_not(
    either: Written, arguments: list[str], names: list[str]
) -> None:
    assert either.found(*arguments) == names


def test_find_gives_all_lines_of_a_decision_as_they_are(clear: Written) -> None:
    lines = clear.run("find", "--rcpt", MANY[-1], "--json").output.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["decision", "recipients", "recipients"]
    assert set(lines) <= set(clear.path.with_name("audit.jsonl.1").read_text().splitlines())


def test_find_wants_to_know_what_to_look_for(clear: Written) -> None:
    assert (done := clear.run("find")).exit_code == 64, done.output
    assert clear.run("find", "--since", "soon").exit_code == 64
    assert clear.run("find", "--since", "2026-11-21").exit_code == 0


def test_find_says_where_there_is_no_record(tmp_path: Path) -> None:
    arguments = ["audit", "find", "--rcpt", "a@b.test", "--log", str(tmp_path / "audit.jsonl")]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 65
    assert "there is no audit file" in done.output


@pytest.fixture
def erasable(tmp_path: Path) -> Written:
    return Written(tmp_path, Showing.HASHED)


def test_find_says_where_values_were_erased(erasable: Written) -> None:
    personal.file_of(erasable.state, "2026q2").unlink()
    done = erasable.run("find", "--rcpt", "reader@example.org")
    assert done.exit_code == 0
    assert "of 1 message to example.org (the last of them in 2026q2) the hashed recipients were erased" in done.output
    gone = erasable.run("find", "--rcpt", "somebody@example.org", "--until", "2026-10-01")
    assert gone.exit_code == 1
    assert "cannot be found any more" in gone.output
    assert "erased" not in erasable.run("find", "--rcpt", "jane@example.net").output


def test_find_notices_that_one_recipient_of_several_was_erased(erasable: Written) -> None:
    path = personal.file_of(erasable.state, "2026q4")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["rcpt"] = [pair for pair in line["rcpt"] if pair[1] != MANY[3]]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "cannot be found any more" in erasable.run("find", "--rcpt", MANY[3]).output
    assert erasable.found("--rcpt", MANY[4]) == ["many"]


def test_find_does_not_say_no_where_it_may_not_look(erasable: Written) -> None:
    shutil.rmtree(erasable.state / "personal")
    (erasable.state / "personal").write_text("not a folder")
    done = erasable.run("find", "--rcpt", "reader@example.org")
    assert done.exit_code == 65
    assert "2 messages to example.org with hashed recipients could not be looked at" in done.output
    assert "as root or as the gate's own account" in done.output


def test_ids_are_kept_in_little_room_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealgate.cli.audit_hidden._CHUNK", 1_000)
    (tmp_path / "personal").mkdir()
    with personal.file_of(tmp_path, "2026q4").open("w") as file:
        for number in range(2_500):
            file.write(f'{{"epoch":"2026q4","id":"ID{number}","rcpt":[["00","r{number % 2}@example.org"]]}}\n')
    hidden = HiddenRecipients(tmp_path, ["r1@example.org"])
    rcpt = [{"d": "example.org", "h": "0" * 32, "k": "2026q4"}]
    answers = [hidden({"id": f"ID{number}", "envelope": {"rcpt": rcpt}}) for number in range(0, 2_500, 123)]
    assert answers == [number % 2 == 1 for number in range(0, 2_500, 123)]
    assert hidden.erased == 0


# -- explain -----------------------------------------------------------------------------------------------------------


def test_explain_tells_all_messages_of_a_queue_id_the_newest_last(either: Written) -> None:
    done = either.run("explain", "4REUSED")
    assert done.exit_code == 0
    assert done.output.startswith("2 messages had this queue id")
    titles = re.findall(r"^(\w{16})  (\S+) \S+ UTC  (\w+)$", done.output, re.MULTILINE)
    assert titles == [
        (either.ids["first"], "2026-05-02", "ACCEPT"), (either.ids["forged"], "2026-11-21", "REJECT"),
    ]  # fmt: skip


def test_explain_tells_the_whole_story(clear: Written) -> None:
    story = clear.run("explain", clear.ids["first"]).output
    for part in (
        "svc/newsletter@EXAMPLE.TEST, identity newsletter, by login GSSAPI", "through submission from 192.0.2.7",
        "<reader@example.org>", "Message-ID: <lawful@example.test>", "Subject: Spring offers (from the erasable file)",
        "opt-out: live -> https://www.example.test/...", "one-click: sound", "d=example.test s=rsa", "list version 1",
        "not kept", "audit.jsonl.2:1",
    ):  # fmt: skip
        assert part in story, part
    refused = clear.run("explain", clear.ids["forged"]).output
    assert "identity.header-from (15 USC 7704(a)(1)), enforce -> reject" in refused
    assert "answered reject 550 5.7.1" in refused


def test_explain_tells_what_came_of_it_later(clear: Written) -> None:
    for reference in (clear.ids["last"], "4LAST"):
        story = clear.run("explain", reference).output
        assert "CORRECTED" in story
        assert "the MTA went away" in story
        assert "TEMPFAIL" in story.splitlines()[0], "what the sender was told in the end"
    assert "FAULT" in clear.run("explain", "06FAULT000000000").output


def test_explain_shows_hidden_values_marked_as_such_and_only_what_the_hash_proves(erasable: Written) -> None:
    reference = erasable.ids["first"]
    assert "reader@example.org (from the erasable file)" in erasable.run("explain", reference).output
    path = personal.file_of(erasable.state, "2026q2")
    path.write_text(path.read_text().replace("reader@", "falsely@"))
    forged = erasable.run("explain", reference).output
    assert "falsely@" not in forged
    assert "...@example.org (hash " in forged
    (erasable.state / epochs.FOLDER / "2026q2.key").unlink()
    assert "not proven: the key is not readable" in erasable.run("explain", reference).output
    path.unlink()
    assert "the values of 2026q2 were erased" in erasable.run("explain", reference).output


def test_explain_names_recipients_of_all_lines(clear: Written) -> None:
    assert f"{len(MANY)} recipients" in clear.run("explain", "4MANY").output
    lines = clear.run("explain", "4MANY", "--json").output.splitlines()
    assert [
        one for line in lines for one in (json.loads(line).get("rcpt") or json.loads(line)["envelope"]["rcpt"])
    ] == [f"<{one}>" for one in MANY]


def test_explain_says_what_to_do_where_there_is_no_line(clear: Written) -> None:
    done = clear.run("explain", "NOTHING")
    assert (done.exit_code, "no line of NOTHING" in done.output) == (1, True)
    assert "audit find --message-id" in clear.run("explain", "<a@b.test>").output


def test_explain_finds_the_count_that_a_refusal_without_a_login_is_in(tmp_path: Path) -> None:
    first, between, last = "06H0000000000000", "06H0000000000005", "06H0000000000009"
    with Recorder(tmp_path) as record:
        record.write(
            "refusals", first=first, last=last, count=7, network="192.0.2.0/24", verdict="reject",
            rule="identity.no-login",
        )  # fmt: skip
    arguments = ["audit", "explain", between, "--log", str(record.path), "--settings", "/nowhere"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 1
    assert "only counted" in done.output
    assert "7 times identity.no-login, without a login, from 192.0.2.0/24" in done.output


# -- match -------------------------------------------------------------------------------------------------------------


def matched(record: Written, copy: bytes, *arguments: str) -> Result:
    path = record.path.with_name("copy.eml")
    path.write_bytes(copy)
    return record.run("match", str(path), *arguments)


def test_match_tells_what_was_changed_header_by_header(either: Written) -> None:
    done = matched(either, b"Delivered-To: reader@example.org\r\n" + either.copy)
    assert done.exit_code == 0
    assert done.output.startswith(f"{either.ids['first']}: UNCHANGED")
    assert "reader@example.org: among the recipients" in done.output
    changed = matched(either, either.copy.replace(b"Subject: ", b"Subject: [EXT] "))
    assert changed.output.startswith(f"{either.ids['first']}: CHANGED")
    assert 'Subject was changed; recorded: "Spring offers"; now: "[EXT] Spring offers"' in changed.output
    assert f"audit explain {either.ids['first']}" in changed.output


def test_match_is_readable_for_programs(clear: Written) -> None:
    found = json.loads(matched(clear, clear.copy + b"-- \r\nfooter\r\n", "--json").output)
    best = found["candidates"][0]
    assert (best["id"], best["sealed"], best["has_body"], best["line"]) == (clear.ids["first"], True, False, 1)
    assert found["differences"]["body"] == "changed"
    assert not found["differences"]["is_same"]
    assert found["not_known"]


def test_match_looks_into_a_complaint(clear: Written) -> None:
    report = (
        b'From: fbl@provider.test\r\nContent-Type: multipart/report; boundary="r"\r\n\r\n--r\r\n'
        b"Content-Type: text/plain\r\n\r\nspam!\r\n--r\r\nContent-Type: message/rfc822\r\n\r\n%b\r\n--r--\r\n"
    )
    done = matched(clear, report % clear.copy)
    assert done.output.startswith(f"{clear.ids['first']}: UNCHANGED"), done.output
    assert "attached to the one in the file" in done.output
    forwarded = matched(clear, report.replace(b"report", b"mixed") % clear.copy)
    assert forwarded.output.startswith(clear.ids["first"])


def test_match_says_that_there_is_none_and_why_a_file_cannot_be_used(clear: Written, tmp_path: Path) -> None:
    done = matched(clear, b"From: x@other.test\r\nMessage-ID: <y@other.test>\r\n\r\nhello\r\n")
    assert (done.exit_code, "NOT IN THE RECORD" in done.output) == (1, True)
    for octets in (b"", b"no message\r\n", b"From a\n\nx\n\nFrom b\nFrom: c@d.test\n\nz\n"):
        assert matched(clear, octets).exit_code == 65, octets
    assert clear.run("match", str(tmp_path / "nothing.eml")).exit_code == 65


# -- tail --------------------------------------------------------------------------------------------------------------


def test_tail_filters_the_last_lines_over_older_files(clear: Written) -> None:
    rows = clear.run("tail", "--no-follow", "--verdict", "accept").output.splitlines()
    assert [row.rpartition("  ")[2] for row in rows] == [clear.ids[name] for name in ("first", "many", "last")]
    assert f"+{len(MANY) - 1}" in rows[1]
    rows = clear.run("tail", "--no-follow", "--verdict", "accept", "--verdict", "reject", "-n", "2").output.splitlines()
    assert [row.rpartition("  ")[2] for row in rows] == [clear.ids[name] for name in ("forged", "last")]
    assert clear.run("tail", "--no-follow", "--principal", "alice", "--verdict", "accept").output == ""
    assert (
        len(clear.run("tail", "--no-follow", "--domain", MANY[-1].partition("@")[2], "--json").output.splitlines()) == 3
    )


def test_tail_hides_what_the_file_says_of_itself_unless_asked(clear: Written) -> None:
    assert "recipients" not in clear.run("tail", "--no-follow", "-n", "50").output
    whole = clear.run("tail", "--no-follow", "-n", "50", "--json").output.splitlines()
    files = [clear.path.with_name(f"audit.jsonl{suffix}") for suffix in (".2", ".1", "")]
    assert whole == [line for path in files for line in path.read_text().splitlines()]


def test_tail_says_why_it_cannot_follow_a_packed_or_missing_file(clear: Written) -> None:
    done = CliRunner().invoke(cli, ["audit", "tail", "--log", "/nowhere/audit.jsonl"])
    assert (done.exit_code, "no audit file at /nowhere/audit.jsonl; name another one with --log" in done.output) == (
        65,
        True,
    )


def test_rows_are_coloured_on_a_terminal_only_and_fit_into_it(clear: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in clear.run("tail", "--no-follow").output
    monkeypatch.setattr("sealgate.cli.audit.columns", lambda: 80)
    rows = click.unstyle(clear.run("tail", "--no-follow").output).splitlines()
    assert max(map(len, rows)) <= 80
    assert any(clear.ids["forged"] in row for row in rows)


# -- what a line can do to a terminal ----------------------------------------------------------------------------------


def test_nothing_in_a_message_drives_a_terminal(tmp_path: Path) -> None:
    escape = "\x1b]0;owned\x07\x9b31m\u202e"
    hostile = NEWSLETTER.replace(b"Subject: Spring", f"Subject: {escape}Spring".encode()).replace(
        b"Example News", f'"{escape}"'.encode()
    )
    with Recorder(tmp_path, subject=Showing.CLEAR) as record:
        copy = record.send(hostile, [f"x{escape}@example.org"], queue_id="4EVIL")
    (tmp_path / "copy.eml").write_bytes((copy or hostile).replace(b"offers", b"\x1b[2J"))
    for arguments in (
        ["tail", "--no-follow"], ["tail", "--no-follow", "--json"], ["explain", "4EVIL"],
        ["find", "--queue-id", "4EVIL"],
        ["match", str(tmp_path / "copy.eml")], ["match", str(tmp_path / "copy.eml"), "--json"],
        ["explain", f"no{escape}"],
    ):  # fmt: skip
        output = CliRunner().invoke(cli, ["audit", *arguments, "--log", str(record.path)]).output
        assert all(" " <= c <= "~" or c == "\n" for c in output), (arguments, output)
        assert output
