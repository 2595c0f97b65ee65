"""One target under atheris, in a process of its own: libFuzzer mutates, counters in our bytecode say what is new.

    python -m tests.fuzz.guided TARGET [libFuzzer's options and folders]

Started by `tests.fuzz`; libFuzzer ends the process at the first failure and writes the input to a file.
"""

import sys

import atheris

from tests.fuzz.target import attempt
from tests.fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    target = TARGETS[arguments[1]]
    with atheris.instrument_imports(include=["sealgate"], enable_loader_override=False):
        attempt(target, b"")
    atheris.Setup([arguments[0], *arguments[2:]], lambda data: attempt(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
