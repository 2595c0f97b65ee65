"""Service settings: defaults, both dialects of socket names, and every problem at once."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sealgate.profile.settings import Settings, Socket, parse_settings, parse_socket


@pytest.mark.parametrize("text", ["", "# nothing said\n", "{}\n"])
def test_an_empty_file_means_the_defaults(text: str) -> None:
    assert parse_settings(text, "s.yaml") == (Settings(), ())


@pytest.mark.parametrize(
    ("text", "socket"),
    [
        ("inet:8894@127.0.0.1", Socket("inet", host="127.0.0.1", port=8894)),
        ("inet:127.0.0.1:8894", Socket("inet", host="127.0.0.1", port=8894)),
        ("inet:8894@localhost", Socket("inet", host="localhost", port=8894)),
        ("inet6:8894@[::1]", Socket("inet6", host="::1", port=8894)),
        ("inet:[::1]:8894", Socket("inet6", host="::1", port=8894)),
        ("inet6:localhost:8894", Socket("inet6", host="localhost", port=8894)),
        ("unix:/run/s/s.sock", Socket("unix", "/run/s/s.sock")),
        ("local:/run/s/s.sock", Socket("unix", "/run/s/s.sock")),
        ("/run/s/s.sock", Socket("unix", "/run/s/s.sock")),
    ],
)
def test_both_dialects_are_understood(text: str, socket: Socket) -> None:
    assert parse_socket(text) == socket


@pytest.mark.parametrize(
    "socket",
    [
        Socket("inet", host="127.0.0.1", port=8894),
        Socket("inet6", host="::1", port=1),
        Socket("unix", "/run/s/s.sock"),
        Socket("inet", host="mail.example.test", port=65535),
    ],
)
def test_what_is_printed_in_either_dialect_is_read_back_the_same(socket: Socket) -> None:
    assert parse_socket(socket.for_sendmail) == socket
    assert parse_socket(socket.for_postfix) == socket
    assert parse_socket(str(socket)) == socket


def test_a_socket_in_postfix_queue_directory_is_printed_relative_to_it_for_chrooted_daemons() -> None:
    socket = parse_socket("unix:/var/spool/postfix/sealgate/sealgate.sock")
    assert socket.for_postfix == "unix:sealgate/sealgate.sock"
    assert socket.for_sendmail == "unix:/var/spool/postfix/sealgate/sealgate.sock"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("inet:8894", "host must be said"),
        ("inet:8894@", "host must be said"),
        ("inet:0@127.0.0.1", "port"),
        ("inet:65536@127.0.0.1", "port"),
        ("inet:::1:8894", "brackets"),
        ("inet:8894@[127.0.0.1]", "IPv6"),
        ("inet6:8894@127.0.0.1", "IPv6"),
        ("inet:8894@300.1.1.1", "300.1.1.1"),
        ("unix:run/s.sock", "absolute"),
        ("unix:/run/sealgate/", "folder"),
        ("unix:/" + "x" * 100, "longer"),
        ("tcp:1@h", "family"),
        ("sealgate.sock", "family"),
        ("fd:3", "family"),
    ],
)
def test_what_is_no_socket_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_socket(text)


@example("inet6:a:1")
@given(st.text(max_size=60) | st.from_regex(r"(inet|inet6|unix|local):[0-9@:.\[\]a-f/]{0,30}", fullmatch=True))
def test_no_text_makes_the_socket_parser_raise_anything_but_its_answer(text: str) -> None:
    try:
        socket = parse_socket(text)
    except ValueError:
        return
    assert parse_socket(socket.for_sendmail) == socket


def test_every_problem_is_named_at_once_with_its_place() -> None:
    settings, problems = parse_settings(
        "socket: nowhere\n"
        "socket_mode: 0999\n"
        "workers: 1e3\n"
        "deadline_seconds: 25\n"
        "durability: sometimes\n"
        "audit_log: audit.jsonl\n"
        "log_level: loud\n"
        "worker: 3\n",
        "s.yaml",
    )
    assert settings is None
    assert [(p.line, p.column) for p in problems] == [
        (1, 9), (2, 14), (3, 10), (4, 19), (5, 13), (6, 12), (7, 12), (8, 1),
    ]  # fmt: skip
    assert all(p.is_error and p.file == "s.yaml" for p in problems)
    assert "did you mean `workers`?" in problems[-1].suggestion


@pytest.mark.parametrize(("text", "mode"), [("0660", 0o660), ("660", 0o660), ("0600", 0o600), ('"0640"', 0o640)])
def test_socket_mode_is_octal_however_it_is_written(text: str, mode: int) -> None:
    settings, _ = parse_settings(f"socket_mode: {text}\n", "s.yaml")
    assert settings is not None
    assert settings.socket_mode == mode


def test_numbers_are_decimal_even_with_a_leading_zero() -> None:
    settings, problems = parse_settings("workers: 010\n", "s.yaml")
    assert settings is not None
    assert settings.workers == 10
    assert not problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("socket: inet:8894@127.0.0.1", ["any local account could claim a login"]),
        ("socket: inet6:8894@[::1]", ["any local account could claim a login"]),
        ("socket: inet:8894@0.0.0.0", ["any local account could claim a login", "not loopback"]),
        ("socket: inet:8894@mail.example.test", ["any local account could claim a login", "not loopback"]),
        ("socket_mode: 0666", ["any local account could claim a login"]),
        ("socket_mode: 0060", ["shuts out"]),
        ("audit_log: /run/sealgate/audit.jsonl", ["lost when the host restarts"]),
        ("state: /tmp", ["lost when the host restarts"]),
    ],
)
def test_what_is_allowed_and_dangerous_is_a_warning(text: str, words: list[str]) -> None:
    settings, problems = parse_settings(text, "s.yaml")
    assert settings is not None
    assert len(problems) == len(words)
    for problem, word in zip(problems, words, strict=True):
        assert not problem.is_error
        assert problem.line == 1
        assert word in problem.message


@given(st.text(max_size=200))
def test_no_text_makes_the_settings_parser_raise(text: str) -> None:
    settings, problems = parse_settings(text, "s.yaml")
    assert (settings is None) == any(p.is_error for p in problems)


@pytest.mark.parametrize(
    ("text", "socket"),
    [
        ("http: inet:8895@127.0.0.1", Socket("inet", host="127.0.0.1", port=8895)),
        ("http: inet:127.0.0.1:8895", Socket("inet", host="127.0.0.1", port=8895)),
        ("http: unix:/run/s/http.sock", Socket("unix", "/run/s/http.sock")),
        ("http: off", None),
        ("http:", None),
        ("http: ''", None),
        ("", None),
    ],
)
def test_pages_are_served_only_where_the_settings_say(text: str, socket: Socket | None) -> None:
    settings, problems = parse_settings(text, "s.yaml")
    assert settings is not None
    assert (settings.http, problems) == (socket, ())


def test_pages_beyond_this_host_are_warned_of_and_never_on_the_socket_of_the_mta() -> None:
    settings, problems = parse_settings("http: inet:8895@0.0.0.0", "s.yaml")
    assert settings is not None
    assert "not loopback" in problems[0].message
    settings, problems = parse_settings("socket: inet:8894@127.0.0.1\nhttp: inet:127.0.0.1:8894", "s.yaml")
    assert settings is None
    assert any("MTA's own socket" in p.message for p in problems if p.is_error)


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("192.0.2.53", (("192.0.2.53", 53),)),
        ("127.0.0.1:5353", (("127.0.0.1", 5353),)),
        ("['127.0.0.1:5353', '[::1]:5353']", (("127.0.0.1", 5353), ("::1", 5353))),
        ("['2001:db8::53']", (("2001:db8::53", 53),)),
        ("[]", ()),
    ],
)
def test_dns_servers_are_addresses_with_or_without_a_port(text: str, servers: tuple[tuple[str, int], ...]) -> None:
    settings, problems = parse_settings(f"dns_servers: {text}", "s.yaml")
    assert settings is not None
    assert (settings.dns_servers, problems) == (servers, ())


@pytest.mark.parametrize("text", ["ns.example", "1.2.3.4:0", "1.2.3.4:65536", "['::1', '[::1]:5353']", "[[::1]]", "{}"])
def test_what_is_no_dns_server_is_refused(text: str) -> None:
    assert parse_settings(f"dns_servers: {text}", "s.yaml")[0] is None
