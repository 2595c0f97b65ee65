"""For test suites of programs that make mail: `assert_lawful` fails with the rule, the law and the remedy.

    def test_the_spring_newsletter(assert_lawful):              # the profile is named once, in pytest's settings
        assert_lawful(render("spring.html"))

    from sealgate.pytest_plugin import assert_lawful            # or by hand
    assert_lawful(message, "profile.yaml", identity="newsletter")

Settings (`[tool.pytest.ini_options]` or pytest.ini): `sealgate_profile`, a path from the folder of that file, and
`sealgate_identity`. The plug-in changes nothing for tests that do not ask for it, and loads the core only then.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sealgate

if TYPE_CHECKING:
    from sealgate.profile.model import Profile
    from sealgate.screening import Screening
    from sealgate.screening.letters import Letter


def pytest_addoption(parser: pytest.Parser) -> None:
    """Name the settings."""
    parser.addini("sealgate_profile", "the profile that the fixture assert_lawful judges by", default="")
    parser.addini("sealgate_identity", "the identity of that profile that sends, unless From tells", default="")


def assert_lawful(
    message: "Letter",
    profile: "str | Path | Profile",
    *,
    principal: str = "",
    identity: str = "",
    sender: str | None = None,
    strict: bool = False,
) -> "Screening":
    """Fail unless the gate would let this message leave.

    Args:
        message: octets or text of a message or of a rendered HTML template, a message of the `email` package, or what
            has a method `message()` that gives one, such as Django's EmailMessage.
        profile: the path of the gate's profile, or one that was parsed. Its keys are not needed.
        principal: who would log in, `user[/instance]@REALM`.
        identity: or the identity that sends; without both, the From address decides.
        sender: the envelope sender; `None`: the From address.
        strict: whether rules that are only reported fail too.

    Returns:
        What was found, for further assertions.

    Raises:
        AssertionError: it would be refused, deferred or held; the text says why and how to mend it.
        ValueError: the profile cannot be used, or does not say who sends.
    """
    __tracebackhide__ = True
    screening = sealgate.screen(message, profile, principal=principal, identity=identity, sender=sender)
    if not screening.is_lawful:
        raise AssertionError(f"this message would not leave\n{screening.explanation}")
    if strict and screening.findings:
        raise AssertionError(f"this message would leave, and rules were met\n{screening.explanation}")
    return screening


@pytest.fixture(name="assert_lawful")
def _assert_lawful(request: pytest.FixtureRequest) -> "Callable[..., Screening]":
    """`assert_lawful(message)` by the profile and identity of pytest's settings; arguments outrank them."""
    config = request.config
    named, identity = str(config.getini("sealgate_profile")), str(config.getini("sealgate_identity"))
    folder = config.inipath.parent if config.inipath else config.rootpath

    def judge(message: "Letter", profile: "str | Path | Profile | None" = None, **said: Any) -> "Screening":
        __tracebackhide__ = True
        if profile is None and not named:
            pytest.fail("name the profile: sealgate_profile = profile.yaml in pytest's settings", pytrace=False)
        if not said.get("principal"):
            said.setdefault("identity", identity)
        return assert_lawful(message, folder / named if profile is None else profile, **said)

    return judge
