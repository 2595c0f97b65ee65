"""Configurations of OpenDKIM, imported: the installed OpenDKIM and our plan sign the same mail with the same d= and s=.

Each case is a configuration with its tables and the authors whose mail is sent through both, after a login, from a
trusted host, by sendmail(1) on this host and from a stranger. `signed` says what both must answer to the login, so that
two empty answers are no proof. Run by itself (`python -m tests.drivers.test_opendkim_import 1000`) this compares that
many configurations made by chance.
"""

import contextlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sealgate.adapters.opendkim import Client, NotInstalledError, OpenDkim
from sealgate.app.ports import PortError
from sealgate.cli import Stop
from sealgate.cli.import_opendkim import LISTS, Disk, opendkim
from sealgate.mail.address import parse_address
from sealgate.mail.headers import Headers
from sealgate.profile.opendkim_profile import import_opendkim
from sealgate.profile.parse import parse_profile
from sealgate.seal.keys import generate, load
from sealgate.seal.plan import SealPlan, plan
from tests.lab.gate import ROOT
from tests.unit.test_doc_migration import blocks

pytestmark = pytest.mark.daemon

TABLES = "Mode s\nKeyTable file:{folder}/keys\nSigningTable {kind}:{folder}/table\n"
SINGLE = "Mode s\nKeyFile {folder}/rsa.pem\nSelector s1\n"
KEYS = """\
a    a.test:s1:{folder}/rsa.pem
b    a.test:s2:{folder}/rsa.pem
m    mailer.test:m1:{folder}/rsa.pem
same %:own:{folder}/%.pem
a.test a.test:s1:{folder}/rsa.pem
"""


@dataclass(frozen=True)
class Case:
    """A configuration and what it signs: signatures by author, after a login."""

    name: str
    conf: str
    signed: dict[str, set[str]]
    table: str = ""
    keys: str = KEYS
    more: dict[str, str] = field(default_factory=dict)  # other files


def wild(conf: str = "") -> str:
    return TABLES.replace("{kind}", "refile") + conf


def plain(conf: str = "") -> str:
    return TABLES.replace("{kind}", "file") + conf


S1, S2, B1, M1 = "a.test/s1", "a.test/s2", "b.test/s1", "mailer.test/m1"
EVERY = "MultipleSignatures yes\n"
CASES = (
    Case("one key", f"{SINGLE}Domain a.test,b.test\n", {"u@a.test": {S1}, "U@B.Test": {B1}, "u@x.a.test": set()}),
    Case(
        "one key for the hosts below",
        f"{SINGLE}Domain a.test,x.a.test\nSubDomains yes\n",
        {"u@a.test": {S1}, "u@y.a.test": {S1}, "u@y.x.a.test": {"x.a.test/s1"}, "u@ba.test": set()},
    ),
    Case(
        "domains out of a file",
        f"{SINGLE}Domain {{folder}}/domains\n",
        {"u@a.test": {S1}, "u@c.test": {"c.test/s1"}},
        more={"domains": "a.test  # ours\n\nC.test\n"},
    ),
    Case("exempt", f"{SINGLE}Domain a.test,b.test\nExemptDomains b.test\n", {"u@a.test": {S1}, "u@b.test": set()}),
    Case(
        "included, and the last word counts",
        "Selector old\nInclude {folder}/more\n",
        {"u@a.test": {S1}},
        more={"more": f"{SINGLE}Domain a.test\n"},
    ),
    Case(
        "wildcards",
        wild(),
        {"u@a.test": {S1}, "u@x.a.test": set(), "u@mailer.test": {M1}, "u@b.test": set()},
        "*@a.test a\n*@mailer.test m\n",
    ),
    Case(
        "two signatures",
        wild(EVERY),
        {"u@a.test": {S1, S2}, "u@x.a.test": {S1, S2}},
        "*@a.test a\n*@a.test b\n*@*.a.test a\n*@*.a.test b\n",
    ),
    Case(
        "the first match alone",
        wild(),
        {"u@a.test": {S1}, "u@x.a.test": {S2}},
        "*@a.test a\n*@a.test b\n*@*.a.test b\n",
    ),
    Case(
        "an address before its domain",
        wild(),
        {"news@a.test": {M1}, "NEWS@a.test": {M1}, "u@a.test": {S1}},
        "News@a.test m\n*@A.TEST a\n",
    ),
    Case("an address behind its domain", wild(), {"news@a.test": {S1}}, "*@a.test a\nnews@a.test m\n"),
    Case(
        "an address and its domain",
        wild(EVERY),
        {"news@a.test": {M1, S1}, "u@a.test": {S1}},
        "news@a.test m\n*@a.test a\n",
    ),
    Case(
        "everybody by a mailer's key",
        wild(EVERY),
        {"u@a.test": {M1, S1}, "u@elsewhere.test": {M1}},
        "*@a.test a\n* m\n",
    ),
    Case(
        "everybody else by a mailer's key",
        wild(),
        {"u@a.test": {S1}, "u@elsewhere.test": {M1}, "u@mailer.test": {M1}},
        "*@a.test a\n* m\n",
    ),
    Case("a key that is only lent", wild(), {"u@shop.test": {M1}, "u@mailer.test": set()}, "*@shop.test m\n"),
    Case(
        "without wildcards",
        plain(),
        {"u@a.test": {S2}, "v@a.test": {S1}, "v@x.a.test": {S2}, "v@y.x.a.test": {M1}, "v@b.test": set()},
        "a.test a\n.a.test b\nu@a.test b\n.x.a.test m\n@b.test m\n",
    ),
    Case(
        "without wildcards, every match",
        plain(EVERY),
        {"v@x.a.test": {S2}, "v@y.x.a.test": {M1, S2}, "v@b.test": set()},
        ".a.test b\n.x.a.test m\n",
    ),
    Case(
        "the author's domain in d= and in the path",
        wild(),
        {"u@a.test": {"a.test/own"}, "u@b.test": {"b.test/own"}},
        "* same\n",
    ),
    Case(
        "the author's domain in d= of one domain",
        wild(),
        {"u@c.test": {"c.test/s"}},
        "*@c.test k\n",
        "k %:s:{folder}/rsa.pem\n",
    ),
    Case("a key named like the domain", wild(), {"u@a.test": {S1}}, "*@a.test %\n"),
    Case(
        "wildcards and an exempt domain",
        wild("ExemptDomains x.a.test\n"),
        {"u@x.a.test": set(), "u@y.a.test": {S1}},
        "*@*.a.test a\n",
    ),
    Case(
        "tables in the line",
        "Mode s\nKeyTable csl:a=a.test:s1:{folder}/rsa.pem\nSigningTable csl:a.test=a\n",
        {"u@a.test": {S1}, "u@b.test": set()},
    ),
    Case(
        "networks and one taken out",
        f"{SINGLE}Domain a.test\nInternalHosts 192.0.2.0/24, !192.0.2.0/26, [2001:db8::1]\n",
        {"u@a.test": {S1}},
    ),
    Case("a domain beyond ASCII", wild(), {"u@xn--bcher-kva.test": {S1}}, "*@xn--bcher-kva.test a\n"),
    Case(
        "relaxed, and it ends",
        f"{SINGLE}Domain a.test\nCanonicalization relaxed/relaxed\nSignatureTTL 3600\n",
        {"u@a.test": {S1}, '"Last, First" <u@a.test>': {S1}},
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key files."""
    made = tmp_path_factory.mktemp("opendkim")
    _keys(made)
    try:
        with OpenDkim("Mode v\nSyslog no\n"):
            pass
    except NotInstalledError as error:
        pytest.skip(str(error))
    return made


def _keys(folder: Path) -> None:
    pem = generate("rsa2048")
    for name in ("rsa", "a.test", "b.test"):
        path = folder / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_bytes(pem)


def letter(author: str, *, more: str = "") -> str:
    return f"From: {author}\nTo: x@else.test\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <1@q>\n{more}\nhi\n"


def lay(folder: Path, conf: str, keys: str, table: str, more: dict[str, str], authors: list[str]) -> Path:
    texts = {"conf": conf, "keys": keys, "table": table, **more}
    for name, text in texts.items():
        (folder / name).write_text(text.replace("{folder}", str(folder)))
    letters = folder / "letters"
    letters.mkdir(exist_ok=True)
    for old in letters.iterdir():
        old.unlink()
    for number, author in enumerate(authors):
        (letters / f"{number:02}.eml").write_text(letter(author))
    return letters


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*arguments: object) -> Done:
    """The command in this process, which is quicker; tests/unit runs it as one."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = opendkim.main([str(each) for each in arguments], "opendkim", standalone_mode=False)
        except Stop as stop:
            stop.show()
            status = stop.exit_code
    return Done(status or 0, out.getvalue(), err.getvalue())


def compare(folder: Path, letters: Path, *options: object) -> Done:
    return run(folder / "conf", "--compare", letters, *options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_sign_alike(case: Case, folder: Path) -> None:
    letters = lay(folder, case.conf, case.keys, case.table, case.more, list(case.signed))
    done = compare(folder, letters, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    by_login = {row["message"]: row for row in rows if row["sent_by"] == "login"}
    for number, (author, expected) in enumerate(case.signed.items()):
        row = by_login[str(letters / f"{number:02}.eml")]
        assert set(row["opendkim"]["signatures"]) == expected, author
        assert set(row["sealgate"]["signatures"]) == expected, author
    strangers = [row for row in rows if row["sent_by"] == "stranger"]
    assert len(strangers) == len(case.signed)
    assert not any(row["opendkim"]["signatures"] or row["sealgate"]["signatures"] for row in strangers)
    trusted = [row for row in rows if row["sent_by"] == "trusted host"]
    assert [row["sealgate"]["signatures"] for row in trusted] == [
        row["sealgate"]["signatures"] for row in by_login.values()
    ]


def test_the_form_of_the_signatures_is_the_same(folder: Path) -> None:
    """What `--compare` does not look at: c=, x= and i=, by the signatures themselves."""
    table = "*@a.test a\n*@*.a.test a:@%\nnews@shop.test m:list@mailer.test\n*@shop.test m:list@b.test\n"
    lay(folder, wild("Canonicalization relaxed/simple\nSignatureTTL 7200\n"), KEYS, table, {}, [])
    found = import_opendkim(str(folder / "conf"), Disk(), LISTS)
    profile, _ = parse_profile(found.text, "profile")
    assert profile is not None
    keys = {name: (load(generate("ed25519"), name, one.keys[0].selector),) for name, one in profile.domains.items()}
    wanted = {"u@a.test": "", "u@x.a.test": "@x.a.test", "news@shop.test": "list@mailer.test", "u@shop.test": ""}
    with OpenDkim(found.asking) as daemon:
        for author, identity in wanted.items():
            fields = [(b"From", b" " + author.encode()), (b"Date", b" Thu, 1 Jan 2026 00:00:00 +0000")]
            client = Client(macros={"auth_type": "PLAIN"})
            answer = daemon.ask(client, b"<u@a.test>", [b"<x@b.test>"], fields, b"hi\r\n")
            value = next(v for n, v in answer.added if n == b"DKIM-Signature").decode()
            theirs = dict(re.findall(r"([a-z]+)=([^;]*)", re.sub(r"\s", "", value)))
            assert theirs["c"] == "relaxed/simple"
            assert int(theirs["x"]) - int(theirs["t"]) == 7200
            assert theirs.get("i", "") == identity
            ours = plan(Headers(()), parse_address(author.encode()), profile, keys)
            assert isinstance(ours, SealPlan)
            (signer,) = ours.signers
            assert (signer.header_form, signer.body_form, signer.ttl) == ("relaxed", "simple", 7200)
            # Left out it means @ and d= (RFC 6376 3.5).
            assert (signer.auid or f"@{signer.key.domain}") == (identity or f"@{theirs['d']}"), author


def test_a_difference_is_shown_and_ends_with_1(folder: Path) -> None:
    letters = lay(folder, f"{SINGLE}Domain a.test,b.test\n", "", "", {}, ["u@a.test", "u@b.test"])
    other = folder / "other.yaml"
    done = run(folder / "conf", "-o", other)
    assert done.returncode == 0, done.stderr
    other.write_text(other.read_text().replace("  b.test:\n    sign: yes", "  b.test:\n    sign: no"))
    done = compare(folder, letters, "--profile", other)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["MESSAGE", "SENT", "BY", "OPENDKIM", "SEALGATE", "SAME"]
    assert re.search(r"01\.eml +login, trusted host, this host +b\.test/s1 +- +NO$", done.stdout, re.MULTILINE)
    assert re.search(
        r"00\.eml +login, trusted host, this host +a\.test/s1 +a\.test/s1 +yes$", done.stdout, re.MULTILINE
    )
    assert lines[-1] == "2 messages, 8 ways to send: 1 signed otherwise"


def test_what_is_forced_is_told_by_the_comparison(folder: Path) -> None:
    """OpenDKIM is asked with the option that we have not."""
    letters = lay(folder, f"{SINGLE}Domain a.test\nDontSignMailTo x@else.test\n", "", "", {}, ["u@a.test"])
    assert compare(folder, letters).returncode == 65
    done = compare(folder, letters, "--force")
    assert done.returncode == 1
    assert re.search(r"login, trusted host, this host +- +a\.test/s1 +NO", done.stdout)


def test_of_three_signatures_opendkim_makes_two_and_that_is_told(folder: Path) -> None:
    letters = lay(folder, wild(EVERY), KEYS, "*@a.test a\n*@a.test b\n*@a.test m\n", {}, ["u@a.test"])
    done = compare(folder, letters)
    assert done.returncode == 1, "this OpenDKIM makes all three: the note about 2.11 can go"
    assert "note: 3 rows sign for @a.test; OpenDKIM 2.11 signs by the first and the last alone" in done.stderr
    assert re.search(r"a\.test/s1, mailer\.test/m1 +a\.test/s1, a\.test/s2, mailer\.test/m1 +NO", done.stdout)


def test_the_table_of_the_document_is_what_is_printed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """doc/migration.md, with its own files; run `python -m tests.drivers.test_opendkim_import --doc` to see it."""
    monkeypatch.chdir(folder)
    assert blocks("output")["compare"] == documented(folder)


def documented(folder: Path) -> str:
    texts = {Path(name).name: text.replace("/etc/opendkim/", f"{folder}/") for name, text in blocks("file").items()}
    more = {name: re.sub(r"/etc/dkimkeys/\w+\.private", f"{folder}/rsa.pem", text) for name, text in texts.items()}
    letters = lay(folder, "", "", "", more, [])
    for name, author in DOCUMENTED.items():
        (letters / name).write_text(letter(author))
    done = run(folder / "opendkim.conf", "--compare", "letters/")
    return done.stdout


DOCUMENTED = {
    "alice.eml": "alice@example.test",
    "newsletter.eml": "news@shop.test",
    "order.eml": "orders@shop.test",
    "report.eml": "cron@db1.example.test",
    "visitor.eml": "guest@elsewhere.test",
}


def test_what_cannot_be_read_is_named(folder: Path) -> None:
    letters = lay(folder, f"{SINGLE}Domain a.test\n", "", "", {}, ["u@a.test"])
    (letters / "empty.eml").touch()
    done = compare(folder, letters)
    assert done.returncode == 65
    assert "empty.eml: it is empty" in done.stderr
    assert "all are signed alike" in done.stdout


def test_a_configuration_that_opendkim_refuses_is_told_in_its_words(folder: Path) -> None:
    lay(folder, "Domain a.test\nSelector s1\nKeyFile {folder}/gone.pem\nMode s\n", "", "", {}, [])
    with pytest.raises(PortError, match=r"gone\.pem: open\(\): No such file"), OpenDkim((folder / "conf").read_text()):
        pass


def test_the_process_ends_with_its_block(folder: Path) -> None:
    asked = OpenDkim(f"{SINGLE}Domain a.test\nSyslog no\nRequireSafeKeys no\n".replace("{folder}", str(folder)))
    with asked:
        process, made = asked._process, asked._folder
        assert process is not None
        assert made is not None
        assert process.poll() is None
    assert process.poll() is not None
    assert not Path(made.name).exists()


def test_a_signal_ends_both(folder: Path) -> None:
    letters = lay(folder, f"{SINGLE}Domain a.test\n", "", "", {}, [f"u{number}@a.test" for number in range(3000)])
    ours = folder / "temporary"
    ours.mkdir()
    command = [sys.executable, "-m", "sealgate", "import", "opendkim", str(folder / "conf"), "--compare", str(letters)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "milter"), "TMPDIR": str(ours)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 30
        while not list(ours.glob("*/socket")) and time.monotonic() < end:
            time.sleep(0.02)
        made = str(next(ours.glob("*/conf")))
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(ours.iterdir()) == []
    assert not any(made in _command(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _command(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


@pytest.mark.parametrize("seed", range(6))
def test_configurations_made_by_chance(seed: int, folder: Path) -> None:
    assert _by_chance(seed, folder) in ("alike", "stopped")


DOMAINS = ("a.test", "b.test", "x.a.test", "y.x.a.test", "m.test")
WILD = ("*@{d}", "*@{d}", "*@{d}", "{u}@{d}", "*@*.{d}", "*@*.{d}", "*.{d}", "*")
PLAIN = ("{d}", "{d}", "{d}", "{u}@{d}", ".{d}", ".{d}", "@{d}", "*")


def _by_chance(seed: int, folder: Path) -> str:
    """Compare one configuration; return what came of it, or fail with the configuration."""
    chance = random.Random(seed)
    names = [f"k{number}" for number in range(chance.randint(1, 4))]
    keys = "".join(f"{n} {chance.choice(DOMAINS)}:s{chance.randint(1, 3)}:{{folder}}/rsa.pem\n" for n in names)
    form = chance.choice((WILD, PLAIN))
    rows = [
        chance.choice(form).format(d=chance.choice(DOMAINS), u=chance.choice("uv")) + f" {chance.choice(names)}"
        for _ in range(chance.randint(1, 6))
    ]
    conf = (wild if form is WILD else plain)(f"MultipleSignatures {chance.choice(('yes', 'no'))}\n")
    if chance.random() < 0.25:
        conf = f"{SINGLE}Domain {','.join(chance.sample(DOMAINS, 3))}\nSubDomains {chance.choice(('yes', 'no'))}\n"
    conf += chance.choice(("", "", f"ExemptDomains {chance.choice(DOMAINS)}\n"))
    conf += chance.choice(("", "", "InternalHosts 192.0.2.0/24,!192.0.2.128/25\n", "InternalHosts 203.0.113.77\n"))
    authors = [f"{u}@{d}" for u in "uvw" for d in (*DOMAINS, "z.y.x.a.test", "q.b.test", "n.test")]
    done = compare(folder, lay(folder, conf, keys, "\n".join(rows) + "\n", {}, authors), "--json")
    if done.returncode == 65:
        return "stopped"
    told = "OpenDKIM 2.11 signs by the first and the last alone" in done.stderr
    for row in map(json.loads, done.stdout.splitlines()):
        theirs, ours = set(row["opendkim"]["signatures"]), set(row["sealgate"]["signatures"])
        assert row["same"] or (told and theirs < ours), (seed, row, conf, keys, rows)
    return "alike"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        _keys(Path(made))
        if sys.argv[1:] == ["--doc"]:
            os.chdir(made)
            sys.exit(documented(Path(made)))
        results = [_by_chance(seed, Path(made)) for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 100)]
    print({what: results.count(what) for what in sorted(set(results))})
