"""The samples in conf/ are free of problems and hold every field there is: a field cannot be added undocumented."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sealgate.checks.packs import PACKS
from sealgate.checks.rules import RULES
from sealgate.profile.form import CHOICES, KNOWN_KEYS
from sealgate.profile.lint import check_profile, lint
from sealgate.profile.model import Handling, KeySource, MailClass, OneClick
from sealgate.profile.parse import parse_profile
from sealgate.profile.settings import SETTINGS_CHOICES, SETTINGS_KEYS, Settings, parse_settings

# Sections whose keys the operator names.
OPEN_ENDED = ("delegations", "domains", "groups", "identities", "listeners", "postal_addresses", "protected", "realms",
              "rules", "rules.*.listeners")  # fmt: skip
CONF = Path(__file__).resolve().parents[2] / "conf"
KNOWN_RULES = frozenset(RULES)


def _text(name: str) -> str:
    return (CONF / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["profile.yaml", "profile-fresh.yaml"])
def test_the_sample_profiles_have_no_problem(name: str) -> None:
    profile, problems = parse_profile(_text(name), name, known_rules=KNOWN_RULES)
    assert problems == ()
    assert profile is not None
    assert lint(profile, name) == ()


def test_the_fresh_profile_refuses_nothing_and_signs_nothing() -> None:
    profile, _ = parse_profile(_text("profile-fresh.yaml"), "f", known_rules=KNOWN_RULES)
    assert profile is not None
    assert not profile.enforce
    assert not profile.seal
    assert Handling.JUDGE in profile.listeners.values()


def test_the_keys_that_the_fresh_profile_shows_commented_out_can_be_switched_on() -> None:
    text = (
        _text("profile-fresh.yaml")
        .replace("    # keys:\n    #   - ", "    keys:\n      - ")
        .replace("seal: off", "seal: on")
    )
    profile, problems = check_profile(text, "f", known_rules=KNOWN_RULES)
    assert problems == ()
    assert profile is not None
    assert profile.domains["example.test"].keys == (
        KeySource("s2026", "/etc/sealgate/keys/example.test.s2026.pem", profile.domains["example.test"].keys[0].place),
    )


def test_the_newsletter_that_the_fresh_profile_shows_commented_out_can_be_switched_on() -> None:
    kept, marked, rest = _text("profile-fresh.yaml").partition("  # newsletter:")
    text = kept + "\n".join(line.replace("# ", "", 1) for line in (marked + rest).splitlines())
    profile, problems = check_profile(text, "f", known_rules=KNOWN_RULES)
    assert problems == ()
    assert profile is not None
    newsletter = profile.identities[-1]
    assert newsletter.mail_class is MailClass.COMMERCIAL
    assert [address.name for address in newsletter.postal_addresses] == ["head-office"]


def test_the_sample_holds_what_commercial_mail_can_be_held_to() -> None:
    profile, _ = parse_profile(_text("profile.yaml"), "p", known_rules=KNOWN_RULES)
    assert profile is not None
    assert (profile.law, profile.tracking_hosts) == ("us", ("clicks.example.net", ".mailer.example"))
    newsletter = next(identity for identity in profile.identities if identity.name == "newsletter")
    assert (newsletter.consent, newsletter.one_click, newsletter.is_sexually_explicit) == (
        True, OneClick.REQUIRED, False,
    )  # fmt: skip
    assert newsletter.opt_out_hosts == ("preferences.example.net", ".lists.example.org")
    assert any(identity.is_sexually_explicit for identity in profile.identities)


def test_the_laws_that_a_profile_may_name_are_those_there_is_a_pack_of() -> None:
    assert set(CHOICES["law"]) == set(PACKS)


def _sections(node: yaml.Node, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Walk the sample: (section, field, value), with names of the operator as `*` and list entries as `[]`."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield path, key.value, value.value if isinstance(value, yaml.ScalarNode) else ""
            below = f"{path}.{key.value}".lstrip(".")
            open_ended = path in OPEN_ENDED
            yield from _sections(value, f"{path}.*" if open_ended else below)
    elif isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from _sections(entry, f"{path}[]")


def test_every_field_of_the_profile_is_in_the_sample() -> None:
    root = yaml.compose(_text("profile.yaml"), Loader=yaml.SafeLoader)
    seen = {(section, name) for section, name, _ in _sections(root)}
    missing = {(section, name) for section, names in KNOWN_KEYS.items() for name in names} - seen
    assert not missing


@pytest.mark.parametrize("field", sorted(CHOICES))
def test_every_word_that_a_field_may_hold_is_in_the_sample(field: str) -> None:
    words = set(_text("profile.yaml").replace("|", " ").replace(":", " ").replace(",", " ").replace("}", " ").split())
    words |= {word.strip(".()") for word in words}
    assert set(CHOICES[field]) <= words


def test_the_sample_settings_are_the_defaults_and_hold_every_field() -> None:
    text = _text("sealgate.yaml")
    assert parse_settings(text, "s") == (Settings(), ())
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    assert {key.value for key, _ in root.value} == set(SETTINGS_KEYS) == set(Settings.__dataclass_fields__)


@pytest.mark.parametrize("field", sorted(SETTINGS_CHOICES))
def test_every_word_that_a_setting_may_hold_is_in_the_sample(field: str) -> None:
    assert all(word in _text("sealgate.yaml") for word in SETTINGS_CHOICES[field])
