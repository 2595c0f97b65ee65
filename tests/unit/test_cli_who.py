"""`sealgate who`, both ways, as a shell sees it."""

import json
from pathlib import Path

import pytest

from tests.drivers.cases import profile_text
from tests.lab.command import sealgate
from tests.lab.gate import make_keys


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("who")
    make_keys(folder / "keys")
    path = folder / "profile.yaml"
    path.write_text(profile_text("binding").replace("{keys}", str(folder / "keys")))
    return path


def line_of(path: Path, text: str) -> int:
    return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_a_principal_is_told_with_its_rights_and_their_lines(profile: Path) -> None:
    done = sealgate("who", "alice@EXAMPLE.TEST", "--profile", profile)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("alice@EXAMPLE.TEST is staff (person, personal)")
    line = line_of(profile, 'senders: ["{user}')
    assert f"alice@example.test   identity staff     {profile}:{line}" in done.stdout
    assert "with a Sender field of its own" in next(x for x in done.stdout.splitlines() if "office@" in x)


def test_what_an_identity_demands_is_told(profile: Path) -> None:
    assert "must use TLS with 512 bits or more" in sealgate("who", "svc/shop@EXAMPLE.TEST", "--profile", profile).stdout
    assert "must log in by SCRAM-SHA-256" in sealgate("who", "guest@EXAMPLE.TEST", "--profile", profile).stdout
    assert "must come from 203.0.113.0/24" in sealgate("who", "svc/portal@EXAMPLE.TEST", "--profile", profile).stdout


def test_an_address_is_told_with_everybody_who_may_use_it(profile: Path) -> None:
    done = sealgate("who", "Sales@Example.Test", "--profile", profile, "--json")
    answer = json.loads(done.stdout)
    assert {right["who"] for right in answer["rights"]} == {
        "sales@EXAMPLE.TEST", "alice@EXAMPLE.TEST", "bob@EXAMPLE.TEST",
    }  # fmt: skip
    assert {right["place"] for right in answer["rights"] if right["source"] == "delegation sales"} == {
        f"{profile}:{line_of(profile, '  sales:')}"
    }


@pytest.mark.parametrize(
    ("name", "says"),
    [("x@ELSEWHERE.TEST", "realm ELSEWHERE.TEST is not listed"), ("x@elsewhere.test", "is not one of the profile's"),
     ("svc/nobody@EXAMPLE.TEST", "stands in no identity")],
)  # fmt: skip
def test_nobody_is_status_1(profile: Path, name: str, says: str) -> None:
    done = sealgate("who", name, "--profile", profile)
    assert (done.returncode, says in done.stdout) == (1, True)


def test_what_is_neither_is_wrong_usage_and_nothing_drives_the_terminal(profile: Path) -> None:
    done = sealgate("who", "\x1b]0;x\x07", "--profile", profile)
    assert done.returncode == 64
    assert "\x1b" not in done.stdout + done.stderr


def test_a_principal_without_a_right_of_its_name_is_not_asked_about_as_an_address(profile: Path) -> None:
    assert "nobody may send as" not in sealgate("who", "svc/shop@EXAMPLE.TEST", "--profile", profile).stdout


def test_a_name_without_a_realm_is_asked_about(profile: Path) -> None:
    two = profile.with_name("two.yaml")
    two.write_text(profile.read_text().replace("realms:\n", "realms:\n  PARTNER.TEST: exact\n"))
    done = sealgate("who", "bob", "--profile", two)
    assert done.returncode == 64
    assert "did you mean bob@PARTNER.TEST or bob@EXAMPLE.TEST?" in done.stderr


def test_a_forwarder_may_pass_on_foreign_authors(profile: Path) -> None:
    done = sealgate("who", "svc/lists@EXAMPLE.TEST", "--profile", profile)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].strip() == "and foreign authors, unsealed"
    assert "foreign" not in sealgate("who", "alice@EXAMPLE.TEST", "--profile", profile).stdout
