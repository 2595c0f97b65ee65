"""Files to a Runtime: files of senders travel with the profile, count in its digest, and are judged before they do."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from sealgate.adapters import keyfile
from sealgate.adapters.keyfile import Account
from sealgate.app.runtime import Override
from sealgate.checks.finding import Action
from sealgate.checks.rules import RULES
from sealgate.mail.address import parse_address
from sealgate.profile.model import Principal, Problem, SenderFile, SenderFormat
from sealgate.profile.settings import Settings
from sealgate.seal.keys import generate
from sealgate.wiring import Ingredients, SenderRows, account_of, build, read_profile, unpack
from tests.lab.relay import reachable_folder

ALICE = Principal("alice", "EXAMPLE.TEST")
PROFILE = """\
version: 1
mode: enforce
listeners: {submission: judge}
logins:
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
domains:
  example.test: {sign: no}
identities:
  staff:
    principals: [alice@EXAMPLE.TEST, bob@EXAMPLE.TEST]
    senders:
      file: FOLDER/senders
  others:
    principals: [carol@EXAMPLE.TEST]
    senders:
      file: FOLDER/map
      format: texthash
      realm: EXAMPLE.TEST
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    (tmp_path / "senders").write_text("alice@EXAMPLE.TEST alice@example.test\n")
    (tmp_path / "map").write_text("carol@example.test carol\n")
    path = tmp_path / "profile.yaml"
    path.write_text(PROFILE.replace("FOLDER", str(tmp_path)))
    return path


def good(path: Path) -> Ingredients:
    ingredients, problems = read_profile(path)
    assert ingredients is not None, [str(p) for p in problems]
    return ingredients


def errors(path: Path) -> list[Problem]:
    ingredients, problems = read_profile(path)
    assert ingredients is None
    return [p for p in problems if p.is_error]


def test_the_runtime_holds_the_tables_of_the_profile(profile: Path) -> None:
    runtime = build(unpack(good(profile).pack()))
    sources = {i.name: i.sender_file for i in runtime.profile.identities}
    staff, others = sources["staff"], sources["others"]
    assert staff is not None
    assert others is not None
    table = runtime.profile.sender_tables[staff]
    address = parse_address(b"alice@example.test")
    assert table.line_for(ALICE, address, exact_case=False, delimiter="") == 1
    assert runtime.profile.sender_tables[others].of(Principal("carol", "EXAMPLE.TEST")) == (("carol@example.test", 1),)


def test_the_digest_is_of_the_profile_alone_where_there_are_no_files(profile: Path, tmp_path: Path) -> None:
    text = "version: 1\nlisteners: {submission: pass}\n"
    profile.write_text(text)
    assert build(good(profile)).digest == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_changes_with_each_file_and_is_the_one_of_the_manual(profile: Path, tmp_path: Path) -> None:
    before = build(good(profile)).digest
    told = hashlib.sha256(profile.read_bytes())
    for name in ("senders", "map"):
        path = tmp_path / name
        told.update(f"\0{path}\0{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    assert before == told.hexdigest()
    seen = {before}
    for name in ("senders", "map"):
        with (tmp_path / name).open("a") as file:
            file.write("# changed\n")
        seen.add(build(good(profile)).digest)
    assert len(seen) == 3


def test_what_is_wrong_in_a_file_is_named_there_and_forbids_the_profile(profile: Path, tmp_path: Path) -> None:
    (tmp_path / "senders").write_text("alice@EXAMPLE.TEST alice@example.test\nbob bob\n")
    (tmp_path / "map").unlink()
    found = [str(p) for p in errors(profile)]
    assert any(f.startswith(f"{tmp_path}/senders:2:") for f in found)
    assert any(f.startswith(f"{profile}:") and "No such file" in f for f in found)


def test_a_file_that_everybody_can_write_is_refused(profile: Path, tmp_path: Path) -> None:
    (tmp_path / "map").chmod(0o666)
    assert any("chmod o-w" in p.message for p in errors(profile))


def test_names_of_a_realm_that_folds_are_folded_in_its_files(profile: Path, tmp_path: Path) -> None:
    profile.write_text(profile.read_text() + "realms: {EXAMPLE.TEST: fold}\n")
    (tmp_path / "senders").write_text("ALICE@EXAMPLE.TEST alice@example.test\n")
    runtime = build(unpack(good(profile).pack()))
    table = next(t for s, t in runtime.profile.sender_tables.items() if s.format is SenderFormat.LOGINS)
    assert table.of(ALICE) == (("alice@example.test", 1),)


@pytest.mark.parametrize("over", [None, Override(True, 12.5, "me", "why\u00e9")])
def test_ingredients_survive_the_channel(over: Override | None) -> None:
    tables = (
        SenderRows("/a", "logins", "", "0" * 64, b"\x00\xff\n"),
        SenderRows("/b\u00e9", "regexp", "R", "1" * 64, b""),
        SenderRows("/c", "texthash", "R", "2" * 64, bytes(range(256)) * 10),
    )
    made = Ingredients("/p", "text \u00e9\0", (("d", "s", b"\xff\x00pem"),), over, tables, ("s._domainkey.d: \u00e9",))
    assert unpack(made.pack()) == made
    assert unpack(replace(made, kept=()).pack()) == replace(made, kept=())
    assert unpack(replace(made, tables=()).pack()) == replace(made, tables=())
    assert tables[1].source == SenderFile("/b\u00e9", SenderFormat.REGEXP, "R")


def test_remove_is_for_rules_whose_findings_name_fields(profile: Path) -> None:
    text = profile.read_text()
    able = next((code for code, rule in RULES.items() if rule.action is Action.REMOVE and not rule.always), "")
    profile.write_text(text + "rules:\n  identity.header-from: {action: remove}\n")
    found = errors(profile)
    assert [p.line for p in found] == [len(text.splitlines()) + 2]
    assert "cannot remove" in found[0].message
    if able:
        profile.write_text(f"{text}rules:\n  {able}: {{action: remove}}\n")
        good(profile)


def test_a_missing_key_is_told_at_its_own_line_with_the_command_that_makes_one(profile: Path) -> None:
    keys = "\n    keys:\n      - selector: s1\n        file: /nowhere/key.pem\n"
    text = profile.read_text().replace("example.test: {sign: no}\n", "example.test:\n    sign: yes" + keys)
    profile.write_text(text)
    (problem,) = errors(profile)
    assert problem.line == next(n for n, line in enumerate(text.splitlines(), 1) if "key.pem" in line)
    assert "sealgate keys new example.test --selector s1" in problem.suggestion


def test_an_octet_that_is_no_utf_8_is_told_with_its_place(profile: Path, tmp_path: Path) -> None:
    profile.write_bytes("version: 1\n# ä\nb: ü".encode() + b"\xe4\n")
    (problem,) = errors(profile)
    assert (problem.line, problem.column) == (3, 5)
    assert "0xE4" in problem.message
    profile.write_text(PROFILE.replace("FOLDER", str(tmp_path)))
    (tmp_path / "map").write_bytes(b"carol@example.test car\xf6l\n")
    (problem,) = errors(profile)
    assert (problem.file, problem.line, problem.column) == (str(tmp_path / "map"), 1, 23)


# -- keys ------------------------------------------------------------------------------------------------------------

OLD, NEW = generate("ed25519"), generate("ed25519")
NAME = "one._domainkey.example.test"


def key_profile(folder: Path, *selectors: str) -> Path:
    """A profile whose keys lie in `folder`, one file a selector."""
    path = folder / "profile.yaml"
    keys = "".join(f"      - {{selector: {s}, file: {folder}/{s}.pem}}\n" for s in selectors)
    path.write_text(f"version: 1\nseal: on\ndomains:\n  example.test:\n    sign: yes\n    keys:\n{keys}")
    return path


def put(path: Path, pem: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(pem)


def in_force(folder: Path) -> Ingredients:
    for selector in ("one", "two"):
        put(folder / f"{selector}.pem", OLD)
    return good(key_profile(folder, "one", "two"))


def about_keys(problems: Iterable[Problem]) -> list[Problem]:
    return [p for p in problems if ".pem" in p.message]


def pems(ingredients: Ingredients) -> dict[str, bytes]:
    return {selector: pem for _, selector, pem in ingredients.keys}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("gone", "{}: No such file or directory"),
        ("open", "{} can be read by others than its owner (mode 0644): chmod 0600 {}"),
        ("damaged", "{}: no PEM text"),
        ("empty", "{}: the key file is empty"),
        ("folder", "{} is a directory, not a regular file"),
    ],
)
def test_a_key_that_turns_bad_stays_in_force_and_the_rest_of_the_reload_goes_on(
    tmp_path: Path, fault: str, why: str
) -> None:
    before = in_force(tmp_path)
    assert before.kept == ()
    file = tmp_path / "one.pem"
    if fault == "open":
        file.chmod(0o644)
    elif fault in ("gone", "folder"):
        file.unlink()
    else:
        file.write_bytes(b"nothing of the kind" if fault == "damaged" else b"")
    if fault == "folder":
        file.mkdir()
    put(tmp_path / "two.pem", NEW)
    path = tmp_path / "profile.yaml"
    path.write_text(path.read_text() + "mode: enforce\n")

    after, problems = read_profile(path, previous=before)
    assert after is not None
    assert pems(after) == {"one": OLD, "two": NEW}
    assert build(unpack(after.pack())).profile.enforce
    told = why.replace("{}", str(file))
    (kept,) = after.kept
    assert kept.startswith(f"{NAME}: {told}")
    (problem,) = about_keys(problems)
    assert not problem.is_error
    assert problem.line == 7
    assert problem.message.startswith(
        f"{NAME}: the key loaded before stays in force; its file cannot be used now: {told}"
    )

    assert problem.suggestion.startswith("put the file back" if fault == "gone" else "")
    assert errors(path)  # at a start there is nothing to keep
    again, _ = read_profile(path, previous=after)
    assert again is not None
    assert (pems(again), again.kept) == (pems(after), after.kept)


def test_a_key_that_was_mended_takes_the_place_of_the_one_that_was_kept(tmp_path: Path) -> None:
    before = in_force(tmp_path)
    (tmp_path / "one.pem").unlink()
    kept, _ = read_profile(tmp_path / "profile.yaml", previous=before)
    put(tmp_path / "one.pem", NEW)
    after, problems = read_profile(tmp_path / "profile.yaml", previous=kept)
    assert after is not None
    assert (pems(after), after.kept, about_keys(problems)) == ({"one": NEW, "two": OLD}, (), [])


def test_a_key_that_the_profile_names_no_longer_goes(tmp_path: Path) -> None:
    before = in_force(tmp_path)
    (tmp_path / "one.pem").unlink()
    after, problems = read_profile(key_profile(tmp_path, "two"), previous=before)
    assert after is not None
    assert (pems(after), after.kept, about_keys(problems)) == ({"two": OLD}, (), [])


def test_a_key_that_was_never_in_force_must_be_good(tmp_path: Path) -> None:
    before = in_force(tmp_path)
    (tmp_path / "one.pem").unlink()
    after, problems = read_profile(key_profile(tmp_path, "one", "two", "three"), previous=before)
    assert after is None
    warning, error = about_keys(problems)
    assert (warning.is_error, error.is_error) == (False, True)
    assert "keys new example.test --selector three" in error.suggestion


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other accounts, which only root can")
def test_root_judges_keys_for_the_account_that_owns_the_state(tmp_path: Path) -> None:
    state = tmp_path / "state"
    settings = replace(Settings(), state=str(state))
    assert account_of(settings) == account_of(None) == Account.of_process()
    state.mkdir()
    os.chown(state, 64_001, 64_001)
    assert account_of(settings).uid == 64_001


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other accounts, which only root can")
def test_keys_are_judged_for_the_account_that_is_given() -> None:
    with reachable_folder() as reachable:
        in_force(reachable)
        path, daemon = reachable / "profile.yaml", Account(64_001, 64_001, frozenset((64_001,)))
        ingredients, problems = read_profile(path, account=daemon)
        assert ingredients is None
        assert ["cannot be read by uid 64001" in p.message for p in about_keys(problems)] == [True, True]
        for selector in ("one", "two"):
            os.chown(reachable / f"{selector}.pem", 64_001, 64_001)
        assert read_profile(path, account=daemon)[0] is not None
        assert all("belongs to uid 64001" in p.message for p in errors(path))


def test_others_who_can_read_a_key_are_a_warning_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_force(tmp_path)
    file = tmp_path / "one.pem"
    file.chmod(0o640)
    names = ("postfix", "eve", "mallory", "trudy")
    monkeypatch.setattr(keyfile.keys, "other_readers", lambda path, _: names if path == file else ())
    ingredients, problems = read_profile(tmp_path / "profile.yaml")
    assert ingredients is not None
    (problem,) = about_keys(problems)
    assert str(problem).startswith(f"{tmp_path}/profile.yaml:7:1: warning: {file} can also be read by postfix, eve, ")
    assert "mallory and 1 more, being in its group" in problem.message
    assert problem.suggestion.endswith(f" {file} && chmod 0600 {file}")
