"""Keys against real name servers: BIND with and without DNSSEC, real nsupdate and named-checkzone, real verifiers."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sealgate.adapters.dns import Resolver
from sealgate.app.ports import PortError
from sealgate.seal.keys import SigningKey, generate, load, public_record, quoted_strings
from sealgate.seal.published import State, compare
from tests.lab.bind import Bind, Validator, free_port, program, why_unavailable, zone_text
from tests.lab.command import sealgate
from tests.unit.test_adapters_dns import silent

pytestmark = pytest.mark.daemon
HERE = "127.0.0.1"
WRONG_ANCHOR = '257 3 13 "oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA=="'


@pytest.fixture(scope="module")
def keys() -> dict[str, SigningKey]:
    return {
        "rsa": load(generate("rsa2048"), "example.test", "rsa"),
        "large": load(generate("rsa4096"), "example.test", "large"),
        "ed": load(generate("ed25519"), "example.test", "ed"),
        "signed": load(generate("ed25519"), "signed.test", "signed"),
    }


def txt(key: SigningKey, selector: str = "", record: str = "") -> str:
    return f"{selector or key.selector}._domainkey TXT {' '.join(quoted_strings(record or public_record(key)))}\n"


@pytest.fixture(scope="module")
def bind(keys: dict[str, SigningKey], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    if why := why_unavailable():
        pytest.skip(why)
    rsa, ed = keys["rsa"], keys["ed"]
    lines = (
        "".join(txt(key) for key in (rsa, keys["large"], ed))
        + txt(rsa, "revoked", "v=DKIM1; k=rsa; p=")
        + txt(rsa, "other", public_record(load(generate("rsa2048"), "example.test", "x")))
        + txt(rsa, "testing", f"t=y; {public_record(rsa).removeprefix('v=DKIM1; ')}")
        + txt(rsa, "two")
        + txt(rsa, "two", "v=DKIM1; p=")
        + txt(rsa, "doubled._domainkey.example.test").replace("._domainkey TXT", " TXT")
        + "alias._domainkey CNAME keys.hoster.test.\nloop._domainkey CNAME loop2\nloop2 CNAME loop._domainkey\n"
        + "dangling._domainkey CNAME nothing.hoster.test.\n"
    )
    hosted = "keys TXT " + " ".join(quoted_strings(public_record(rsa)))
    zones = {"example.test": lines, "hoster.test": hosted, "dynamic.test": "", "signed.test": txt(keys["signed"])}
    folder = tmp_path_factory.mktemp("bind")
    with Bind(folder, zones, signed=["signed.test"], broken=["broken.test"]) as running:
        yield running


@pytest.fixture(scope="module")
def validator(bind: Bind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validator]:
    with Validator(tmp_path_factory.mktemp("validator"), bind) as running:
        yield running


def found(bind: Bind, key: SigningKey, selector: str) -> State:
    asked = load_as(key, selector)
    return compare(Resolver((HERE,), bind.port).txt(asked.record_name).records, asked).state


def load_as(key: SigningKey, selector: str) -> SigningKey:
    return SigningKey(key.domain, selector, key.algorithm, key.private)


@pytest.mark.parametrize(
    ("selector", "state"),
    [
        ("rsa", State.OK),
        ("alias", State.OK),
        ("absent", State.MISSING),
        ("dangling", State.MISSING),
        ("revoked", State.REVOKED),
        ("other", State.OTHER_KEY),
        ("two", State.SEVERAL),
        ("testing", State.TESTING),
        ("ed", State.WRONG_TYPE),
    ],
)
def test_what_the_dns_says_of_a_key(bind: Bind, keys: dict[str, SigningKey], selector: str, state: State) -> None:
    assert found(bind, keys["rsa"], selector) is state
    assert found(bind, keys["ed"], "ed") is State.OK


def test_a_long_key_comes_over_tcp(bind: Bind, keys: dict[str, SigningKey]) -> None:
    """RSA with 4096 bits fits 1232 octets; two such records do not, so the answer is cut on UDP."""
    assert found(bind, keys["large"], "large") is State.OK
    many = "".join(
        f'update add big.dynamic.test. 60 TXT "{i}" {" ".join(quoted_strings("x" * 500))}\n' for i in range(4)
    )
    assert bind.update(f"server {HERE} {bind.port}\n{many}send\n").returncode == 0
    said = subprocess.run(
        [program("dig"), f"@{HERE}", "-p", str(bind.port), "+ignore", "+bufsize=1232", "big.dynamic.test", "TXT"],
        capture_output=True, text=True, check=True, timeout=20,
    ).stdout  # fmt: skip
    assert " tc" in next(line for line in said.splitlines() if "flags:" in line), "else this test shows nothing"
    assert sorted(len(r) for r in Resolver((HERE,), bind.port).txt("big.dynamic.test").records) == [501] * 4


@pytest.mark.parametrize(
    ("name", "says"),
    [("a.broken.test", "SERVFAIL"), ("a.elsewhere.test", "REFUSED"), ("loop._domainkey.example.test", "SERVFAIL")],
)
def test_what_cannot_be_answered_is_no_absence(bind: Bind, name: str, says: str) -> None:
    with pytest.raises(PortError, match=says):
        Resolver((HERE,), bind.port).txt(name)


def test_dnssec_is_told_of_and_an_unsigned_zone_is_not_secure(
    bind: Bind, validator: Validator, keys: dict[str, SigningKey]
) -> None:
    ask = Resolver((HERE,), validator.port).txt
    answer = ask(keys["signed"].record_name)
    assert answer.is_secure
    assert compare(answer.records, keys["signed"]).state is State.OK
    absent = ask("absent._domainkey.signed.test")
    assert (absent.records, absent.is_secure) == ((), True), "an absence can be proven too"
    assert not ask(keys["rsa"].record_name).is_secure
    assert not Resolver((HERE,), bind.port).txt(keys["signed"].record_name).is_secure, "no one has validated that"


def test_a_forged_answer_of_a_signed_zone_is_no_answer(bind: Bind, tmp_path: Path, keys: dict[str, SigningKey]) -> None:
    with (
        Validator(tmp_path, bind, trust={"signed.test": WRONG_ANCHOR}) as wrong,
        pytest.raises(PortError, match="SERVFAIL"),
    ):
        Resolver((HERE,), wrong.port).txt(keys["signed"].record_name)


# The verbs, as an operator runs them.


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A profile with an RSA and an Ed25519 key of dynamic.test, made by `keys new`."""
    (tmp_path / "sealgate.yaml").write_text(f"state: {tmp_path}\n")
    folder = tmp_path / "keys"
    made = run(
        "keys", "new", "dynamic.test", "-s", "k", "--type", "both", "-D", folder, profile=tmp_path / "sealgate.yaml"
    )
    assert made.returncode == 0, made.stderr
    rows = "\n".join(f"      - {{selector: {s}, file: {folder}/dynamic.test.{s}.pem}}" for s in ("k", "k-ed"))
    path = tmp_path / "profile.yaml"
    path.write_text(f"version: 1\nseal: on\ndomains:\n  dynamic.test:\n    sign: yes\n    keys:\n{rows}\n")
    return path


def run(*arguments: object, profile: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    more = () if profile.name == "sealgate.yaml" else ("--profile", profile)
    return sealgate(*arguments, *more, "--settings", profile.with_name("sealgate.yaml"), stdin=stdin)


def outcome(profile: Path, port: int, *names: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = run("keys", "test", *names, "--server", f"{HERE}:{port}", "--json", profile=profile)
    return done.returncode, {(row := json.loads(line))["selector"]: row for line in done.stdout.splitlines()}


def withdrawn(bind: Bind) -> None:
    lines = "".join(f"update delete {selector}._domainkey.dynamic.test. TXT\n" for selector in ("k", "k-ed"))
    assert bind.update(f"server {HERE} {bind.port}\n{lines}send\n").returncode == 0


def test_from_a_new_key_to_signed_mail(bind: Bind, profile: Path) -> None:
    """Made, found missing, published by nsupdate, found in order; a second update is refused, `--replace` is not."""
    server = f"{HERE}:{bind.port}"
    status, rows = outcome(profile, bind.port)
    assert (status, {row["state"] for row in rows.values()}) == (1, {"missing"})
    commands = run("keys", "zone", "--nsupdate", "--server", server, profile=profile).stdout
    assert bind.update(commands).returncode == 0
    status, rows = outcome(profile, bind.port)
    assert (status, [row["state"] for row in rows.values()]) == (0, ["ok", "ok"]), rows
    assert all(row["dnssec"] is False and row["in_order"] for row in rows.values())
    again = bind.update(commands)
    assert again.returncode != 0
    assert "YXRRSET" in again.stderr
    new = run(
        "keys",
        "zone",
        "--nsupdate",
        "--server",
        server,
        "--replace",
        "--ttl",
        77,
        "--zone",
        "dynamic.test",
        profile=profile,
    )
    assert bind.update(new.stdout).returncode == 0
    assert outcome(profile, bind.port)[0] == 0
    assert Resolver((HERE,), bind.port).txt("k._domainkey.dynamic.test").seconds == 77
    bind.update(f"server {HERE} {bind.port}\nupdate delete k-ed._domainkey.dynamic.test. TXT\nsend\n")
    assert outcome(profile, bind.port, "dynamic.test/k")[0] == 0
    assert outcome(profile, bind.port)[0] == 1
    withdrawn(bind)


def test_no_word_of_dnssec_can_be_taken_for_a_files_mode(bind: Bind, profile: Path) -> None:
    """opendkim-testkey's "key not secure" sent its users to chmod (wader/postfix-relay#83)."""
    done = run("keys", "test", "--server", f"{HERE}:{bind.port}", profile=profile)
    text = done.stdout + done.stderr
    assert "no DNSSEC" in text
    assert "says nothing against a key, nor against the mode of its file" in text
    assert "secure" not in text
    assert "permission" not in text


def test_a_record_below_its_own_domain_is_found(bind: Bind, keys: dict[str, SigningKey], tmp_path: Path) -> None:
    (tmp_path / "sealgate.yaml").write_text(f"state: {tmp_path}\n")
    folder = tmp_path / "keys"
    run("keys", "new", "example.test", "-s", "doubled", "-D", folder, profile=tmp_path / "sealgate.yaml")
    done = run(
        "keys", "test", "example.test/doubled", "--key", folder / "example.test.doubled.pem",
        "--server", f"{HERE}:{bind.port}", profile=tmp_path / "sealgate.yaml",
    )  # fmt: skip
    assert done.returncode == 1
    assert "it stands at doubled._domainkey.example.test.example.test" in done.stdout


def test_no_answer_is_unknown_and_75(profile: Path, bind: Bind) -> None:
    status, rows = outcome(profile, free_port())
    assert (status, {row["state"] for row in rows.values()}) == (75, {"unknown"})
    assert {row["dnssec"] for row in rows.values()} == {None}
    with silent() as port:
        begun = time.monotonic()
        status, rows = outcome(profile, port)
        assert (status, {row["state"] for row in rows.values()}) == (75, {"unknown"})
        assert "no answer in time" in rows["k"]["says"]
        assert time.monotonic() - begun < 8, "all keys at once, three seconds each"


def test_something_wrong_outweighs_what_is_unknown(bind: Bind, profile: Path) -> None:
    (profile.parent / "keys" / "dynamic.test.k.pem").chmod(0o644)
    status, rows = outcome(profile, free_port())
    assert status == 1
    assert (rows["k"]["state"], rows["k-ed"]["state"]) == ("bad-file", "unknown")
    assert "chmod" in rows["k"]["says"]


def test_zone_files_pass_named_checkzone(profile: Path, tmp_path: Path) -> None:
    for more in ((), ("--ttl", 300)):
        lines = run("keys", "zone", *more, profile=profile).stdout
        file = tmp_path / "zone"
        file.write_text(zone_text("dynamic.test", lines))
        done = subprocess.run(
            [program("named-checkzone"), "-D", "-o", "-", "dynamic.test", str(file)],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        records = [line for line in done.stdout.splitlines() if "_domainkey" in line]
        assert len(records) == 2
        assert all(str(300 if more else 60) in line.split() for line in records)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_testmsg_signs_what_others_verify(bind: Bind, profile: Path, end: bytes) -> None:
    letter = end.join(
        (b"From: Alice <alice@dynamic.test>", b"Subject: caf\xc3\xa9", b" folded", b"", b"One.", b"", b"Two.", b"")
    )
    done = run("keys", "testmsg", "dynamic.test", profile=profile, stdin=letter)
    assert done.returncode == 0, done.stderr
    signed = done.stdout.encode()
    assert signed.endswith(letter)
    assert signed.count(b"DKIM-Signature:") == 2
    assert (b"\r\n" in signed) == (end == b"\r\n")
    assert signed.count(b"\n") == signed.count(end)
    commands = run("keys", "zone", "--nsupdate", "--server", f"{HERE}:{bind.port}", "--replace", profile=profile).stdout
    assert bind.update(commands).returncode == 0
    verified = sealgate(
        "verify", "-", "--server", f"{HERE}:{bind.port}", "--json", "--no-log",
        "--settings", profile.with_name("sealgate.yaml"), stdin=signed,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stdout + verified.stderr
    dkimpy = subprocess.run(
        [sys.executable, "-c", _DKIMPY, str(bind.port)], input=signed.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert dkimpy.stdout.split() == [b"True", b"True"], dkimpy.stderr
    withdrawn(bind)


_DKIMPY = f"""
import sys, dkim, dns.resolver
r = dns.resolver.Resolver(configure=False); r.nameservers = ["{HERE}"]; r.port = int(sys.argv[1])
def txt(name, timeout=5): return b"".join(r.resolve(name.decode(), "TXT")[0].strings)
m = sys.stdin.buffer.read()
print(*(dkim.DKIM(m).verify(i, dnsfunc=txt) for i in range(2)))
"""
