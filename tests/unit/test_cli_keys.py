"""`sealgate keys` without a DNS; tests/drivers/test_dns.py runs its verbs against real name servers."""

import json
import os
import stat
from pathlib import Path

import dns.zone
import pytest

from sealgate.adapters.keyfile import Account
from sealgate.app.ports import PortError, Txt
from sealgate.cli import Stop
from sealgate.cli.keys_held import chosen, held
from sealgate.cli.keys_testing import BAD_FILE, NOT_VERIFIED, UNKNOWN, examine
from sealgate.cli.keys_testmsg import sealed
from sealgate.profile.model import Auid, AuthorPattern, Domain, KeySource, Profile, SignatureRow
from sealgate.seal.keys import generate, load, public_record
from sealgate.seal.published import State
from tests.lab.command import sealgate

FOLDER = Path(__file__).parent / "keys"
ME = Account.of_process()


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Two domains, three keys, one of whose files is not there."""
    (tmp_path / "sealgate.yaml").write_text(f"state: {tmp_path}\nprofile: {tmp_path}/profile.yaml\n")
    for name, source in (("a", "rsa2048"), ("b", "ed25519")):
        (tmp_path / f"{name}.pem").write_bytes((FOLDER / f"{source}.pem").read_bytes())
        (tmp_path / f"{name}.pem").chmod(0o600)
    path = tmp_path / "profile.yaml"
    path.write_text(
        f"""\
version: 1
seal: on
domains:
  example.test:
    sign: yes
    subdomains: yes
    keys:
      - {{selector: a, file: {tmp_path}/a.pem}}
      - {{selector: gone, file: {tmp_path}/gone.pem}}
  hoster.test:
    sign: no
    keys: [{{selector: b, file: {tmp_path}/b.pem}}]
signatures:
  - {{authors: "@example.test", keys: [own, hoster.test]}}
"""
    )
    return path


def run(profile: Path, *arguments: object, stdin: bytes = b""):
    return sealgate("keys", *arguments, "--settings", profile.with_name("sealgate.yaml"), stdin=stdin)


# new


def test_new_makes_both_kinds_for_their_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "sealgate.yaml").write_text(f"state: {tmp_path}\n")
    folder = tmp_path / "keys"
    before = os.umask(0)
    try:
        done = run(tmp_path / "profile.yaml", "new", "Bücher.Test", "-s", "k", "--type", "both", "-D", folder)
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(p.name for p in folder.iterdir()) == ["xn--bcher-kva.test.k-ed.pem", "xn--bcher-kva.test.k.pem"]
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}
    assert "k=rsa" in done.stdout
    assert "k=ed25519" in done.stdout
    for step in (
        "1. Publish",
        "2. Wait",
        "3. Add",
        f"keys test xn--bcher-kva.test/k --key {folder}/",
        "selector: k-ed",
    ):
        assert step in done.stderr, step
    assert "PRIVATE" not in done.stdout + done.stderr


def test_new_overwrites_nothing_and_writes_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "sealgate.yaml").write_text(f"state: {tmp_path}\n")
    other = tmp_path / "example.test.k-ed.pem"
    for make in (lambda: other.write_text("precious"), lambda: other.symlink_to("/nonexistent/key")):
        make()
        done = run(tmp_path / "profile.yaml", "new", "example.test", "-s", "k", "--type", "both", "-D", tmp_path)
        assert done.returncode == 73
        assert "never overwritten" in done.stderr
        assert done.stdout == ""
        assert not (tmp_path / "example.test.k.pem").exists()
        assert other.is_symlink() or other.read_text() == "precious"
        other.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_new_gives_the_key_to_the_account_of_the_gate(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 12345, 12346)
    (tmp_path / "sealgate.yaml").write_text(f"state: {state}\n")
    done = run(tmp_path / "profile.yaml", "new", "example.test", "-s", "k", "-D", tmp_path / "keys")
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "keys", tmp_path / "keys" / "example.test.k.pem"):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("exa mple",), 64, "'exa mple' is no domain"),
        (("example.test", "-s", "a b"), 64, "'a b' is no selector"),
        (("example.test", "-s", "x" * 64), 64, "selector"),
        (("example.test", "--type", "rsa1024"), 64, "rsa1024"),
        (("example.test", "-D", "/nonexistent/folder/keys"), 73, "No such file"),
    ],
)
def test_new_refuses_what_cannot_be(tmp_path: Path, arguments: tuple[str, ...], status: int, says: str) -> None:
    (tmp_path / "sealgate.yaml").write_text(f"state: {tmp_path}\n")
    done = run(tmp_path / "profile.yaml", "new", "-D", tmp_path, *arguments)
    assert done.returncode == status, done.stderr
    assert says in done.stderr
    assert done.stdout == ""


def test_new_prints_one_string_for_web_forms(tmp_path: Path) -> None:
    (tmp_path / "sealgate.yaml").write_text(f"state: {tmp_path}\n")
    done = run(tmp_path / "p", "new", "example.test", "-s", "k", "--type", "rsa4096", "-D", tmp_path, "--one-string")
    fields = dict(line.split(":", 1) for line in done.stdout.splitlines() if line)
    key = load((tmp_path / "example.test.k.pem").read_bytes(), "example.test", "k")
    assert key.bits == 4096
    assert fields["value"].strip() == public_record(key)
    assert fields["name"].split()[0] == "k._domainkey"
    assert '"' not in done.stdout


# list


def test_list_shows_whose_mail_each_key_signs(profile: Path) -> None:
    done = run(profile, "list")
    assert done.returncode == 1, "a file is missing"
    head, a, gone, why, b = done.stdout.splitlines()
    assert head.split() == ["DOMAIN", "SELECTOR", "KEY", "FILE", "STATE", "SIGNS", "FOR"]
    assert "rsa 2048" in a
    assert " ok " in a
    assert a.endswith("example.test, hosts below example.test")
    assert "BAD" in gone
    assert "keys new example.test -s gone" in why
    assert "ed25519 256" in b
    assert b.endswith("row profile.yaml:14")
    rows = [json.loads(line) for line in run(profile, "list", "--json").stdout.splitlines()]
    assert [(r["domain"], r["selector"], r["usable"], r["bits"]) for r in rows] == [
        ("example.test", "a", True, 2048),
        ("example.test", "gone", False, 0),
        ("hoster.test", "b", True, 256),
    ]


def test_a_bad_profile_is_78_with_its_problems(profile: Path) -> None:
    profile.write_text(profile.read_text().replace("sign: no", "sign: perhaps"))
    for verb in ("list", "zone", "test"):
        done = run(profile, verb)
        assert done.returncode == 78
        assert f"{profile}:" in done.stderr
    profile.unlink()
    assert "--profile FILE" in run(profile, "list").stderr


# zone


def test_zone_prints_all_or_nothing(profile: Path) -> None:
    done = run(profile, "zone")
    assert (done.returncode, done.stdout) == (78, "")
    assert "example.test/gone" in done.stderr
    done = run(profile, "zone", "example.test/a", "hoster.test", "--ttl", 60)
    assert done.returncode == 0, done.stderr
    text = f"$ORIGIN test.\n@ 60 IN SOA a. b. 1 2 3 4 5\n@ 60 IN NS a.\n{done.stdout}"
    found = dns.zone.from_text(text, origin="test.", relativize=False)
    strings = {str(name): b"".join(data.strings) for name, _, data in found.iterate_rdatas("TXT")}
    assert strings["a._domainkey.example.test."].decode() == public_record(
        load((FOLDER / "rsa2048.pem").read_bytes(), "x.test", "a")
    )
    assert set(strings) == {"a._domainkey.example.test.", "b._domainkey.hoster.test."}


def test_zone_for_nsupdate_never_makes_two_records(profile: Path) -> None:
    done = run(profile, "zone", "hoster.test", "--nsupdate", "--server", "[::1]:5353", "--zone", "Hoster.test")
    server, zone, prerequisite, add, send = done.stdout.splitlines()
    assert (server, zone, send) == ("server ::1 5353", "zone hoster.test", "send")
    assert prerequisite == "prereq nxrrset b._domainkey.hoster.test. TXT"
    assert add.startswith('update add b._domainkey.hoster.test. 3600 TXT "v=DKIM1; k=ed25519; p=')
    replacing = run(profile, "zone", "hoster.test", "--nsupdate", "--replace").stdout
    assert replacing.startswith("update delete b._domainkey.hoster.test. TXT\nupdate add ")


@pytest.mark.parametrize(
    "more",
    [("--server", "192.0.2.1"), ("--replace",), ("--nsupdate", "--one-string"), ("--nsupdate", "--server", "ns.test")],
)
def test_options_that_do_not_go_together_are_usage_errors(profile: Path, more: tuple[str, ...]) -> None:
    assert run(profile, "zone", "hoster.test", *more).returncode == 64


def test_a_name_that_no_key_has_is_answered_with_a_near_one(profile: Path) -> None:
    done = run(profile, "zone", "hostre.test")
    assert done.returncode == 64
    assert "hoster.test" in done.stderr


# test


class Fake:
    """A DNS of a test's own."""

    def __init__(self, **records: str) -> None:
        self.records = records

    def txt(self, name: str) -> Txt:
        selector = name.partition(".")[0]
        if selector == "silent":
            raise PortError("nobody there")
        text = self.records.get(selector) if name.count("example.test") == 1 else None
        return Txt((text.encode(),), True, 60) if text is not None else Txt((), False, 30)


def held_key(tmp_path: Path, selector: str, domain: Domain | None = None, profile: Profile | None = None):
    path = tmp_path / f"{selector}.pem"
    path.write_bytes((FOLDER / "ed25519.pem").read_bytes())
    path.chmod(0o600)
    return held(domain or Domain("example.test", sign=True), KeySource(selector, str(path)), ME, profile)


def record(**tags: str) -> str:
    good = public_record(load((FOLDER / "ed25519.pem").read_bytes(), "example.test", "s"))
    return "".join(f"{tag}={value}; " for tag, value in tags.items()) + good.removeprefix("v=DKIM1; ")


def test_each_key_has_a_state_of_its_own(tmp_path: Path) -> None:
    names = ("good", "trial", "bare", "silent", "gone")
    keys = [held_key(tmp_path, name) for name in names[:-1]]
    keys.append(held(Domain("example.test", sign=True), KeySource("gone", str(tmp_path / "gone.pem")), ME))
    results = examine(keys, Fake(good=record(), trial=record(t="y")), 1_700_000_000)
    assert [r.state for r in results] == [State.OK, State.TESTING, State.MISSING, UNKNOWN, BAD_FILE]
    assert [r.is_in_order for r in results] == [True, True, False, False, False]
    assert results[0].says.endswith("a signed message verifies with it")
    assert "30 s" in results[2].remedy
    assert "neither good nor bad" in results[3].says


def test_a_private_key_that_does_not_belong_to_its_public_half_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a verifier says is what counts, not that two numbers are equal."""
    key = held_key(tmp_path, "good")
    other = load(generate("ed25519"), "example.test", "good")
    monkeypatch.setattr(
        "sealgate.cli.keys_testing.sealed", lambda filed, domain, keys, now: _by(other, filed, domain, now)
    )
    (result,) = examine([key], Fake(good=record()), 1_700_000_000)
    assert result.state == NOT_VERIFIED


def _by(key, filed, domain, now):
    return sealed(filed, domain, (key,), now)


def test_t_s_is_held_against_the_auid_of_the_profile(tmp_path: Path) -> None:
    dns_ = Fake(s=record(t="s"))
    row = SignatureRow((("example.test", "s"),), authors=(AuthorPattern("", "*"),), place="profile.yaml:9")
    for domain, rows, state in (
        (Domain("example.test", sign=True), (), State.OK),
        (Domain("example.test", sign=True, auid=Auid.AUTHOR), (), State.OK),
        (Domain("example.test", sign=True, auid=Auid.AUTHOR, subdomains=True), (), State.FLAGS),
        (Domain("example.test", sign=True, subdomains=True), (), State.OK),
        (Domain("example.test", sign=True, auid=Auid.DOMAIN), (row,), State.FLAGS),
    ):
        key = held_key(tmp_path, "s", domain, Profile(signatures=rows))
        assert examine([key], dns_, 0)[0].state is state, (domain, rows)


def test_arguments_choose_keys(tmp_path: Path) -> None:
    keys = [held_key(tmp_path, "a"), held_key(tmp_path, "b")]
    assert [k.name for k in chosen(keys, ["Example.TEST/b", "example.test"])] == ["example.test/b", "example.test/a"]
    with pytest.raises(Stop, match=r"`example\.test/a`"):
        chosen(keys, ["example.test/aa"])


@pytest.mark.parametrize("more", [("--server", "ns.test"), ("--key", "/x.pem"), ("example.test", "--key", "/x.pem")])
def test_test_wants_addresses_and_whole_names(profile: Path, more: tuple[str, ...]) -> None:
    assert run(profile, "test", *more).returncode == 64


# testmsg


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"no header\n", "no message"),
        (b"", "no message"),
        (b"Subject: x\n\nx\n", "no author"),
        (b"From: <\n\nx\n", "no author"),
    ],
)
def test_testmsg_says_what_it_cannot_sign(profile: Path, message: bytes, says: str) -> None:
    done = run(profile, "testmsg", "example.test", "a", stdin=message)
    assert (done.returncode, done.stdout) == (65, "")
    assert says in done.stderr


def test_testmsg_folds_as_the_gate_folds(profile: Path) -> None:
    """A line that an MTA would cut is folded before it is signed, so what comes out is what would leave."""
    long = b"From: a@example.test\nSubject: " + b"word " * 300 + b"\n\nHi\n"
    done = run(profile, "testmsg", "example.test", "a", stdin=long)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 998
    assert run(profile, "testmsg", "example.test", stdin=long).returncode == 78, "one of its keys is missing"


@pytest.mark.parametrize("verb", ["new", "list", "test", "testmsg", "zone"])
def test_help_shows_examples(verb: str) -> None:
    done = sealgate("keys", verb, "--help")
    assert done.returncode == 0
    assert f"sealgate keys {verb} " in done.stdout.partition("\n")[2]
