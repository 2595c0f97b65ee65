"""How the tests are run: which process takes which, and with how many examples a property is tried.

With `-n N` (pytest-xdist, as `make test` does) a file stays in one process, for its fixtures are made once; tests of
the files in `APART` share nothing and take seconds each, so every one of them goes to whichever process is free. They
come in the order of collection: those that wait for daemons begin, and many short ones end, so that no process is left
with a long one.

A property is tried with few examples every day, with many by night: `make test` takes the profile `everyday`,
`make nightly` says `--hypothesis-profile=nightly`. No example has a deadline of its own, which on a busy machine would
be missed by chance; what must be quick has a test that says so. All else is as hypothesis chooses, such as the same
examples each time where `CI` is set.
"""

from typing import Any

import pytest
from hypothesis import settings

APART = frozenset(
    f"tests/drivers/test_{name}.py"
    for name in (
        "audit_disk", "audit_faults", "audit_retention", "audit_shipping", "audit_verbs", "daemon", "health", "heavy",
        "reader", "restarts", "senders_reload", "writer",
    )
)  # fmt: skip

settings.register_profile("everyday", settings(), max_examples=60, deadline=None)
settings.register_profile("nightly", settings(), max_examples=2_000, deadline=None, derandomize=False)
settings.load_profile("everyday")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file to a process, but for `APART`."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - there where this is called

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return nodeid if file in APART else file

    config.option.loadscopereorder = False  # xdist 3.6 and newer: largest files first, which are our shortest tests
    return Scheduling(config, log)
