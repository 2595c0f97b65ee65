"""How many examples a property is tried with: few every day, many by night.

`make test` takes the profile `everyday`, `make nightly` passes `--hypothesis-profile=nightly`. No example has a
deadline of its own: on a busy machine that would fail by chance, and what must be quick has a test that says so.
Everything else is as hypothesis chooses by itself, such as the same examples each time where `CI` is set.
"""

from hypothesis import settings

settings.register_profile("everyday", settings(), max_examples=60, deadline=None)
settings.register_profile("nightly", settings(), max_examples=2_000, deadline=None, derandomize=False)
settings.load_profile("everyday")
