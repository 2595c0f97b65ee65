"""`sealgate verify`, as a postmaster reads it and a script minds it."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest
from click.testing import CliRunner, Result

from sealgate.adapters import verifier
from sealgate.cli.verify import command
from sealgate.mail.filed import read_filed
from sealgate.seal.canonical import RelaxedBody
from sealgate.seal.sign import field_digests, selections
from tests.lab.command import started
from tests.unit.signed_mail import HEADER, NAME, RECORD, SIGNED, signed
from tests.unit.test_adapters_verifier import ED25519_RECORD, RFC8463, RSA_RECORD

KEY = f"{NAME}={RECORD.decode()}"


def verify(*arguments: object, stdin: bytes = b"", key: str | None = KEY, log: bool = False) -> Result:
    options = [*(("--key", key) if key else ()), *(() if log else ("--no-log",))]
    return CliRunner().invoke(command, [*map(str, arguments), *options], input=stdin)


def of_stdin(message: bytes, *arguments: object, key: str | None = KEY) -> Result:
    return verify("-", *arguments, stdin=message, key=key)


def test_a_good_message_is_told_in_a_block() -> None:
    done = of_stdin(signed())
    assert done.exit_code == 0, done.output
    head, verdict, *block, last = done.output.strip("\n").split("\n")
    assert head == "standard input: mail of example.test, 1 signature"
    assert verdict == "PASS       d=example.test s=r1 rsa-sha256"
    assert last.startswith("OK  ")
    for said in (
        "author: d= is the domain in From", "does not expire; c=relaxed/relaxed; i=@example.test",
        "key: rsa, 2048 bits; it was given, no DNS was asked", "signed: 8 fields, by 12 names",
        "not oversigned: To, Date, Message-ID, MIME-Version, Content-Type: another one could be put in",
    ):  # fmt: skip
        assert any(said in line for line in block), said
    assert not any("not signed" in line or "do:" in line for line in block)


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        (lambda m: m, 0, "PASS"),
        (lambda m: m.replace(b"\r\n", b"\n"), 0, "PASS"),
        (lambda m: b"From x Thu Jan  1\n" + m.replace(b"\r\n", b"\n").replace(b"\nFrom f", b"\n>From f"), 0, "PASS"),
        (lambda m: m + b"-- \r\nAn ad\r\n", 1, 'FAIL .*the body is not.*text was appended.*"An ad".*do: find the host'),
        (lambda m: m.replace(b"Subject: ", b"Subject: [x] "), 1, r'FAIL .*proven: Subject got "\[x\]" in front'),
        (lambda m: m.replace(b"Tea at", b"Coffee"), 1, r"cannot be proven .* audit line"),
        (lambda m: m.replace(b"s=r1", b"s=r2"), 75, r"TEMPORARY .*no record of r2.*was given.*\nNOT KNOWN"),
        (lambda m: m.replace(b"v=1;", b"v=7;"), 1, r"PERMANENT .*v= is not 1.*do: mend the signer"),
        (lambda m: m.partition(b"From: Al")[2].join((b"From: Al", b"")), 65, "NONE .* no DKIM-Signature"),
        (lambda m: b"From: MAILER-DAEMON\r\n\r\nYour mail:\r\n" + m, 65, "NONE .* save that one as a file"),
        (lambda m: b"", 65, "it is empty"),
        (lambda m: b"nonsense", 65, "no message"),
    ],
)  # fmt: skip
def test_each_outcome_has_its_words_and_its_status(change: Callable[[bytes], bytes], status: int, says: str) -> None:
    done = of_stdin(change(signed()))
    assert done.exit_code == status, done.output
    assert re.search(says, done.output, re.DOTALL), done.output


def test_a_folder_is_no_message(tmp_path: Path) -> None:
    done = verify(tmp_path)
    assert done.exit_code == 65
    assert "name the messages in it" in done.output


def test_one_good_signature_is_enough_unless_all_are_wanted() -> None:
    message = b"DKIM-Signature: v=1; a=rsa-sha1; d=example.test; s=old\r\n" + signed()
    assert of_stdin(message).exit_code == 0
    assert of_stdin(message, "--all").exit_code == 1
    waiting = signed().partition(b"From: Al")[0].replace(b"s=r1", b"s=r2") + signed()
    assert of_stdin(waiting).exit_code == 0
    assert of_stdin(waiting, "--all").exit_code == 75
    assert of_stdin(signed(), "--all").exit_code == 0


def test_a_pass_of_another_domain_is_not_enough() -> None:
    done = of_stdin(signed(HEADER.replace(b"alice@example.test", b"alice@elsewhere.test")))
    assert done.exit_code == 1
    assert "PASS" in done.output
    assert "d= is not elsewhere.test of From" in done.output
    assert "do: have the mail signed with the author's domain too" in done.output


def test_sibling_hosts_depend_on_the_organisation() -> None:
    message = RFC8463.replace(b"d=football.example.com", b"d=mail.example.com").replace(b"@football", b"@mail", 1)
    done = of_stdin(message, key=f"brisbane._domainkey.mail.example.com={ED25519_RECORD.decode()}")
    assert "are both under example.com" in done.output
    assert "--organisation" in done.output


def test_the_example_of_rfc_8463(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(
        f"brisbane._domainkey.football.example.com {ED25519_RECORD.decode()}\n"
        f"test._domainkey.football.example.com {RSA_RECORD.decode()}\n"
    )
    done = of_stdin(RFC8463, "--all", key=str(keys))
    assert done.exit_code == 0, done.output
    assert "PASS       1 of 2: d=football.example.com s=brisbane ed25519-sha256" in done.output
    assert "PASS       2 of 2: d=football.example.com s=test rsa-sha256" in done.output
    assert "rsa, 1024 bits, which is short" in done.output
    assert "ed25519, 256 bits" in done.output


def test_without_pynacl_ed25519_is_verified_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "HAS_NACL", False)
    done = of_stdin(RFC8463, key=f"brisbane._domainkey.football.example.com={ED25519_RECORD.decode()}")
    assert done.exit_code == 0
    assert done.output.count("verified by sealgate itself, which is no second opinion") == 1


def test_l_testing_and_one_click_are_told() -> None:
    header = (
        HEADER + b"List-Unsubscribe: <https://example.test/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    )
    done = of_stdin(signed(header, length=True), key=KEY.replace("k=rsa", "k=rsa; t=y"))
    assert "only so many octets of the body are signed; whoever" in done.output
    assert "do: sign without l=" in done.output
    assert "t=y, testing" in done.output
    assert "NOT both signed" in done.output
    assert "not signed: List-Unsubscribe, List-Unsubscribe-Post" in done.output
    covered = signed(header, names=(*SIGNED, b"list-unsubscribe", b"list-unsubscribe-post"))
    assert "are both signed (RFC 8058 4)" in of_stdin(covered).output


def test_several_files_have_the_worst_status(tmp_path: Path) -> None:
    good, bad, none = tmp_path / "good.eml", tmp_path / "bad.eml", tmp_path / "none.eml"
    good.write_bytes(signed())
    bad.write_bytes(signed() + b"x")
    none.write_bytes(b"From: a@example.test\n\nHi\n")
    assert verify(good).exit_code == 0
    assert verify(good, none).exit_code == 65
    assert verify(none, bad, good).exit_code == 1
    assert verify(good, tmp_path / "missing.eml").exit_code == 65


def test_json_tells_programs_the_same() -> None:
    done = of_stdin(signed() + b"an ad\r\n", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    (judged,) = told["judged"]
    assert (told["is_in_order"], told["signatures"], told["authors"], told["record"]) == (
        False,
        1,
        ["example.test"],
        None,
    )
    assert (judged["result"], judged["d"], judged["s"], judged["c"]) == (
        "fail",
        "example.test",
        "r1",
        "relaxed/relaxed",
    )
    assert (judged["body_fits"], judged["header_fits"], judged["alignment"]) == (False, True, "strict")
    assert judged["body_cause"].startswith("text was appended")
    assert judged["key"] == {"kind": "rsa", "bits": 2048, "is_secure": False, "is_testing": False, "records": 1}
    assert json.loads(of_stdin(b"nonsense", "--json").stdout.splitlines()[0])["fault"].startswith("it does not begin")


# --- hostile mail and a terminal


def test_colour_is_for_terminals() -> None:
    arguments = ["-", "--no-log", "--key", KEY]
    assert "\x1b[32m" in CliRunner().invoke(command, arguments, input=signed(), color=True).output
    assert "\x1b" not in CliRunner().invoke(command, arguments, input=signed()).output


HOSTILE = [
    b"DKIM-Signature: v=1; d=\x1b]0;owned\x07.test; s=\x9b31m; a=\x1b[2J\r\n",
    b"DKIM-Signature: " + b"a=b;" * 10_000 + b"\r\n",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=y; h=From; bh=; b=" + b"A" * 1_000_000 + b"\r\n",
    b"DKIM-Signature: v=1; x=1; t=2; d=x.test\r\n",
    "DKIM-Signature: v=1; d=\u202etset.x; s=\u2066\r\n".encode(),
]


@pytest.mark.parametrize("field", HOSTILE, ids=["escapes", "tags", "b", "times", "directions"])
def test_no_signature_drives_a_terminal(field: bytes) -> None:
    subject = b"Subject: [\x1b[31m\xe2\x80\xae] Tea\r\n"
    message = field + signed().replace(b"Subject: Tea", subject[:-6] + b" Tea") + b"\x1b[2Jfooter\r\n"
    done = of_stdin(message)
    assert done.exit_code == 1
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "PERMANENT" in done.output
    assert all(line.isprintable() and line.isascii() for line in done.output.split("\n"))
    assert json.loads(of_stdin(message, "--json").stdout)["signatures"] == 2


def test_five_hundred_signatures_are_capped_and_it_is_said() -> None:
    done = of_stdin(signed().partition(b"From: Al")[0] * 499 + signed())
    assert done.exit_code == 0
    assert "only the first 10 signatures are verified" in done.output
    assert "450 more signatures were not looked at" in done.output


# --- the audit line


def recorded(message: bytes, **over: object) -> bytes:
    """The line that the gate would have written of this message."""
    filed = read_filed(message)
    assert filed is not None
    body = RelaxedBody()
    body.feed(filed.body)
    names = [name.title() for name in (*SIGNED, b"list-id")]
    digests = field_digests(names, selections(names, filed.headers))
    event = {
        "kind": "decision", "t": "2026-11-21T10:00:00.000000Z", "id": "A1B2", "seq": 7, "queue_id": "4Xyz",
        "header": {"message_id": "<1@example.test>"}, "message": {"body_sha256": body.digest().hex()},
        "seal": {"signed": ["d=example.test s=r1"], "fields": list(digests)},
    }  # fmt: skip
    return json.dumps(event | over).encode() + b"\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"kind":"start"}\nbroken\n' + recorded(signed()))
    return path


def test_the_audit_line_names_every_changed_field(log: Path) -> None:
    message = signed().replace(b"Tea at", b"Coffee").replace(b"MIME-Version: 1.0\r\n", b"List-Id: <x>\r\n")
    done = verify("-", "--log", log, stdin=message + b"An ad\r\n", log=True)
    assert done.exit_code == 1
    for said in (
        "record     line 7 of 2026-11-21T10:00:00.000000Z, id A1B2", "the body was changed since it was sealed",
        "field Subject was changed since it was sealed", "field Mime-Version was removed since it was sealed",
        "field List-Id was added since it was sealed",
    ):  # fmt: skip
        assert said in done.output, done.output
    assert "cannot be proven" not in done.output
    told = json.loads(verify("-", "--log", log, "--json", stdin=message, log=True).stdout)["record"]
    assert (told["id"], told["seq"], told["has_body"]) == ("A1B2", 7, True)
    assert [change["kind"] for change in told["changes"]] == ["changed", "removed", "added"]


def test_an_untouched_message_is_as_it_was_sealed(log: Path) -> None:
    done = verify("-", "--log", log, stdin=signed(), log=True)
    assert done.exit_code == 0
    assert "the body is as it was sealed" in done.output
    assert "all signed fields are as they were sealed" in done.output


def test_no_line_is_no_fault_and_a_missing_file_is_told(log: Path, tmp_path: Path) -> None:
    other = signed(HEADER.replace(b"<1@", b"<2@"), b"another body\r\n")
    assert "record" not in verify("-", "--log", log, stdin=other, log=True).output
    missing = verify("-", "--log", tmp_path / "none", stdin=other, log=True)
    assert missing.exit_code == 64
    log.write_bytes(recorded(signed(), id="\x1b[2J", t={"a": 1}, seq=[], seal={"signed": ["x"], "fields": 5}))
    told = verify("-", "--log", log, stdin=signed(), log=True)
    assert told.output.replace("\n", "").isprintable()
    assert "it holds no digests" in told.output


def test_the_settings_name_the_log(log: Path, tmp_path: Path) -> None:
    settings = tmp_path / "sealgate.yaml"
    settings.write_text(f"audit_log: {log}\n")
    done = verify("-", "--settings", settings, stdin=signed(), log=True)
    assert "record     line 7" in done.output
    assert "record" not in verify("-", "--settings", settings, stdin=signed()).output


# --- the DNS


@contextmanager
def name_server(*, vouches: bool = False) -> Iterator[int]:
    """A server of one record on loopback; gives its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def serve() -> None:
            while True:
                try:
                    wire, peer = server.recvfrom(4096)
                except OSError:
                    return
                if wire == b"end":
                    return
                answer = dns.message.make_response(dns.message.from_wire(wire))
                if vouches:
                    answer.flags |= dns.flags.AD
                text = RECORD.decode()
                answer.answer.append(dns.rrset.from_text(f"{NAME}.", 60, "IN", "TXT", f'"{text[:200]}" "{text[200:]}"'))
                server.sendto(answer.to_wire(), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        try:
            yield port
        finally:
            server.sendto(b"end", ("127.0.0.1", port))
            thread.join()


@pytest.mark.parametrize("vouches", [False, True])
def test_a_key_is_looked_up_in_the_dns(vouches: bool) -> None:
    with name_server(vouches=vouches) as port:
        done = of_stdin(signed(), "--server", f"127.0.0.1:{port}", key=None)
    assert done.exit_code == 0, done.output
    assert f"the answer of the DNS is {'' if vouches else 'not '}vouched for by DNSSEC" in done.output


def test_a_silent_dns_is_to_be_asked_again() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        done = of_stdin(signed(), "--server", f"127.0.0.1:{silent.getsockname()[1]}", key=None)
    assert done.exit_code == 75
    assert "TEMPORARY" in done.output
    assert "do: ask again" in done.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--server", "ns.example.test"), "an IP address"), (("--key", "nonsense"), "nonsense"),
        (("--key", "a=b"), "is no key record"), (("--organisation", "a b"), "--organisation"),
    ],
)  # fmt: skip
def test_wrong_options_are_usage(options: tuple[str, ...], says: str) -> None:
    done = of_stdin(signed(), *options, key=None)
    assert done.exit_code == 64
    assert says in done.output


def test_a_shell_sees_the_same(tmp_path: Path) -> None:
    file = tmp_path / "letter.eml"
    file.write_bytes(signed() + b"x")
    done = started("verify", file, "--key", KEY, "--no-log")
    assert (done.returncode, done.stderr) == (1, "")
    assert "\x1b" not in done.stdout
    assert "--key" in started("verify", "--help").stdout
