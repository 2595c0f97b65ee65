"""`sealgate attack` against a small SMTP server of this file's own, which refuses, accepts, hangs up or sends away."""

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from click import Context, unstyle
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sealgate.attack.catalogue import SHAPES
from sealgate.cli.attack import command
from sealgate.cli.outcomes import Sent
from sealgate.cli.outcomes import row as row_of
from sealgate.cli.sending import Answer
from tests.lab.ports import free_ports

Policy = Callable[[bytes, bytes], str]  # MAIL argument and message -> reply
OK = "250 2.0.0 Ok"
NO = "550 5.7.1 no"


class Server(socketserver.ThreadingTCPServer):
    """Keeps what it was sent; `drop_after` messages it hangs up, `busy_after` it answers 421 to everything."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, policy: Policy, *, drop_after: int = 0, busy_after: int = -1) -> None:
        self.policy, self.drop_after, self.busy_after = policy, drop_after, busy_after
        self.kept: list[tuple[bytes, bytes, bytes]] = []  # MAIL argument, RCPT argument, message with its dots
        self.logins: list[bytes] = []
        self.connections = 0
        self.tls: ssl.SSLContext | None = None
        super().__init__(("127.0.0.1", 0), Session)

    @property
    def where(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Session(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        server = self.server
        server.connections += 1
        here, sender, rcpt = 0, b"", b""
        self.say("220 here")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"STAR" and server.tls is not None:
                self.say("220 go on")
                if not self.secure(server.tls):
                    return
            elif verb == b"EHLO":
                offer = ["250-STARTTLS"] if server.tls is not None else []
                self.say("250-relay.example.test", *offer, "250-8BITMIME", "250 AUTH PLAIN LOGIN")
            elif verb == b"AUTH":
                server.logins.append(line.split()[-1])
                self.say("235 2.7.0 in")
            elif len(server.kept) == server.busy_after:
                self.say("421 4.3.2 busy")
                return
            elif verb == b"MAIL":
                sender = line.rstrip(b"\r\n").partition(b":")[2]
                self.say(OK)
            elif verb == b"DATA":
                self.say("354 go on")
                octets = b""
                while not octets.endswith(b"\r\n.\r\n"):
                    octets += self.rfile.readline()
                server.kept.append((sender, rcpt, octets))
                here += 1
                if here == server.drop_after:
                    return
                self.say(server.policy(sender, octets))
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                rcpt = line if verb == b"RCPT" else rcpt
                self.say(OK)

    def secure(self, context: ssl.SSLContext) -> bool:
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except OSError:  # the client does not trust us
            return False
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        return True

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def server(policy: Policy, *, drop_after: int = 0, busy_after: int = -1) -> Iterator[Server]:
    with Server(policy, drop_after=drop_after, busy_after=busy_after) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()


def all_knowing(sender: bytes, message: bytes) -> str:
    """A gate without a fault: it reads the code in the Subject line of the text."""
    code = message.rpartition(b"sealgate attack ")[2].split()[0].decode()
    return next(NO if shape.is_hostile else OK for shape in SHAPES if shape.code == code)


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that no authority vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay.example.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "relay.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def attack(where: str, *options: str, stdin: str | None = None) -> Result:
    usual = ("--rcpt", "me@example.test", "--mechanism", "NONE", "--no-tls")
    return CliRunner().invoke(command, ["--submission", where, *usual, *options], input=stdin)


def test_a_gate_without_fault_passes_and_every_shape_was_sent_to_the_recipient_named() -> None:
    with server(all_knowing) as running:
        result = attack(running.where, "--yes", "--json")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.output.splitlines()]
    sent = [row for row in rows if row["code"]]
    assert len(sent) == len(running.kept) > 300
    assert {rcpt for _, rcpt, _ in running.kept} == {b"RCPT TO:<me@example.test>\r\n"}
    assert {row["needs"] for row in rows} == {"", "reply_to: off"}
    assert {row["reply"] for row in rows if not row["code"]} <= {"the relay does not offer SMTPUTF8"}
    assert rows[0]["shape"] == "ok-plain"
    tags = {row["subject"].split()[-1] for row in rows}
    assert len(tags) == 1
    for row, (_, _, message) in zip(sent, running.kept, strict=True):
        assert row["subject"].encode() in message, "the copy can be found"


def test_octets_arrive_as_the_shape_says() -> None:
    with server(all_knowing) as running:
        attack(running.where, "--yes", "--only", "from-bare-lf", "--only", "sep-nul", "--only", "ok-dots-body")
        attack(running.where, "--yes", "--only", "env-blanks", "--only", "ok-utf8-name")
    text = b"".join(sender + b"\n" + message for sender, _, message in running.kept)
    assert b"Subject: Invoice\nFrom: ceo@example.test\r\n" in text
    assert b"From: me@example.test\0,ceo@example.test\r\n" in text
    assert b"\r\n\r\n..\r\n...\r\n..x\r\nend\r\n" in text, "dots are doubled, RFC 5321 4.5.2"
    assert b"< ceo@example.test >\n" in text
    assert "Jürgen Müller".encode() in text
    assert b"<me@example.test> BODY=8BITMIME\n" in text


def test_accepted_hostile_mail_and_refused_honest_mail_are_failures() -> None:
    with server(lambda sender, message: OK) as running:
        result = attack(running.where, "--yes", "--only", "groups", "--only", "from-nul-name", "--only", "ok-plain")
    assert result.exit_code == 1
    assert "ACCEPTED  group-victim" in result.output
    assert "look      from-nul-name" in result.output
    assert "12 hostile: 0 refused, 11 accepted, 1 to be looked at; 1 honest: 1 accepted" in result.output
    assert "\x1b" not in result.output, "colour only on a terminal"
    with server(lambda sender, message: NO if b"Subject: Fwd" in message else OK) as running:
        result = attack(running.where, "--yes", "--only", "honest fields")
    assert result.exit_code == 1
    assert "REFUSED   ok-subject-address" in result.output


def test_shapes_that_may_have_been_mended_are_no_failure() -> None:
    with server(lambda sender, message: OK) as running:
        result = attack(running.where, "--yes", "--only", "trace fields")
    assert result.exit_code == 0
    assert "to be looked at" in result.output


def test_where_an_honest_letter_is_refused_nothing_else_is_sent() -> None:
    """Else a relay that refuses everything, such as one that does not know the recipient, would look safe."""
    with server(lambda sender, message: NO) as running:
        result = attack(running.where, "--yes", "--only", "groups")
    assert result.exit_code == 1
    assert len(running.kept) == 1
    assert "would prove nothing" in result.output


def test_a_dropped_connection_is_opened_again_and_the_message_sent_again() -> None:
    with server(all_knowing, drop_after=5) as running:
        result = attack(running.where, "--yes", "--only", "groups")
    assert result.exit_code == 0, result.output
    assert result.output.count("refused   group-") == 11
    assert running.connections == 3


def test_a_connection_is_left_before_postfix_would_slow_it_down() -> None:
    with server(all_knowing) as running:
        attack(running.where, "--yes", "--only", "groups", "--only", "brackets")
    assert running.connections == 3  # 25 refusals, 9 a connection


def test_a_relay_that_asks_to_be_left_alone_is() -> None:
    with server(all_knowing, busy_after=3) as running:
        result = attack(running.where, "--yes", "--only", "groups")
    assert result.exit_code == 69
    assert "421 4.3.2 busy" in result.output
    assert result.output.count("refused") >= 2, "what was heard is told"
    assert running.connections == 2


def test_no_relay_is_said_once_and_no_row_of_noughts_beside_it() -> None:
    (port,) = free_ports(1)
    result = attack(f"127.0.0.1:{port}", "--yes")
    assert result.exit_code == 69
    assert "0 hostile" not in result.output
    assert "Left out" not in result.output


def test_it_asks_naming_relay_and_recipient_and_a_no_sends_nothing() -> None:
    with server(all_knowing) as running:
        result = attack(running.where, stdin="n\n")
        assert f"through {running.where} as me@example.test to me@example.test?" in result.output
        result = attack(running.where, "--only", "ok-bare", "--only", "from-alone", stdin="n\n")
        assert "Send 3 messages (1 hostile)" in result.output, "the honest letter that goes first counts"
        assert result.exit_code == 1
        assert running.connections == 0
        assert attack(running.where, "--only", "ok-bare", stdin="y\n").exit_code == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--from", "me@other.test"),
        ("--rcpt", "nobody"),
        ("--victim", "ceo@elsewhere.test"),
        ("--victim", "me@example.test"),
        ("--only", "nonsense"),
        ("--submission", "mail.example.test"),
        ("--mechanism", "PLAIN", "--submission", "mail.example.test:587"),
    ],
)
def test_what_would_go_astray_is_a_usage_error(options: tuple[str, ...]) -> None:
    """A recipient outside the sender's domain; no address; a victim of another domain; a password in clear."""
    result = attack("127.0.0.1:1", "--yes", *options)
    assert result.exit_code == 64


def test_a_recipient_elsewhere_must_be_said() -> None:
    with server(all_knowing) as running:
        options = ("--yes", "--from", "me@example.org", "--rcpt-elsewhere", "--only", "ok-bare")
        assert attack(running.where, *options).exit_code == 0
    assert b"From: me@example.org\r\n" in running.kept[-1][2]


def test_a_password_comes_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\nnot this\n")
    with server(all_knowing) as running:
        options = ("--mechanism", "PLAIN", "--user", "me", "--password-file", str(secret), "--only", "ok-bare")
        assert attack(running.where, "--yes", *options).exit_code == 0
    assert base64.b64decode(running.logins[0]) == b"\0me\0open sesame"
    missing = attack(running.where, "--yes", "--mechanism", "PLAIN", "--password-file", str(tmp_path / "none"))
    assert missing.exit_code == 65


def test_shapes_that_need_a_setting_are_sent_where_it_is_said_to_be_there() -> None:
    with server(all_knowing) as running:
        options = ("--victim-name", "Dora Boss", "--brand", "Acme", "--reply-to", "owned", "--delimiter", "-")
        result = attack(running.where, "--yes", *options)
    text = b"".join(message for _, _, message in running.kept)
    assert b"From: Dora Boss <me@example.test>" in text
    assert b"From: Acme <me@example.test>" in text
    assert b"<me-orders@example.test>" in text
    assert b"Authentication-Results: relay.example.test;" in text, "the relay's own name, as in its EHLO"
    assert "reply_to: off (2)" in result.output
    assert "address in an IDN (3)" in result.output


def test_the_list_has_every_shape_and_needs_no_relay() -> None:
    result = CliRunner().invoke(command, ["--list", "--json"])
    assert [json.loads(line)["shape"] for line in result.output.splitlines()] == [shape.code for shape in SHAPES]
    only = CliRunner().invoke(command, ["--list", "--only", "groups"])
    assert len(only.output.splitlines()) == 11


@pytest.mark.parametrize(("code", "hostile", "honest"), [(550, "refused", "REFUSED"), (451, "deferred", "deferred")])
def test_words(code: int, hostile: str, honest: str) -> None:
    """A deferred honest message did not leave, and counts."""
    bad = next(shape for shape in SHAPES if shape.is_hostile)
    good = next(shape for shape in SHAPES if not shape.is_hostile)
    assert Sent(bad, Answer(code, "")).word == hostile
    assert not Sent(bad, Answer(code, "")).is_failure
    assert Sent(good, Answer(code, "")).word == honest
    assert Sent(good, Answer(code, "")).is_failure


def test_shapes_that_no_option_asks_for_are_not_sent_alone() -> None:
    result = attack("127.0.0.1:1", "--yes", "--only", "name-elsewhere")
    assert result.exit_code == 64
    assert "identity.display-foreign: enforce (2)" in result.output
    with server(all_knowing) as running:
        assert attack(running.where, "--yes", "--only", "name-elsewhere", "--foreign-names").exit_code == 0
    assert len(running.kept) == 2


def test_a_row_is_as_wide_as_the_terminal_and_whole_where_there_is_none() -> None:
    bad = next(shape for shape in SHAPES if shape.is_hostile)
    sent = Sent(bad, Answer(550, "5.7.1 " + "x" * 300))
    assert len(unstyle(row_of(sent, 80))) == 80
    assert unstyle(row_of(sent, 80)).endswith("...")
    assert len(unstyle(row_of(sent, 120))) == 120
    assert "x" * 300 in row_of(sent)


def test_the_option_completes_families_and_codes() -> None:
    option = next(each for each in command.params if each.name == "only")
    found = option.shell_complete(Context(command), "prot")
    assert [item.value for item in found][:2] == ["protected-names", "prot-plain"]


def test_a_certificate_that_is_not_trusted_leads_to_ca(tmp_path: Path) -> None:
    pem = self_signed(tmp_path)
    with server(all_knowing) as running:
        running.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        running.tls.load_cert_chain(pem)
        usual = ["--submission", running.where, "--rcpt", "me@example.test", "--mechanism", "NONE", "--yes"]
        result = CliRunner().invoke(command, [*usual, "--only", "ok-bare"])
        assert result.exit_code == 69
        assert "--ca FILE names the authority" in result.output
        assert CliRunner().invoke(command, [*usual, "--only", "ok-bare", "--ca", str(pem)]).exit_code == 0


def test_without_a_ticket_kinit_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("gssapi")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/none")
    monkeypatch.setenv("KRB5_CONFIG", f"{tmp_path}/none")
    with server(all_knowing) as running:
        result = attack(running.where, "--yes", "--mechanism", "GSSAPI")
    assert result.exit_code == 69
    assert "run kinit" in result.output
