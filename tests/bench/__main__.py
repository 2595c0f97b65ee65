"""`make bench`: the gate with its whole job (judge, bind, sign, record durably) beside OpenDKIM, which signs.

Both sign with one RSA-2048 key, so that the work that is compared is the same where it overlaps. `make bench
BENCH=sealing` measures the signing path alone, beside dkimpy too, and step by step (see `sealing`); `make bench
BENCH=stages` says where the time of one message goes (see `stages`).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import sealing, stages
from tests.bench.ratio import Served, main
from tests.drivers.cases import profile_text
from tests.lab.gate import Gate


@contextmanager
def gate(folder: Path) -> Iterator[Served]:
    """A gate with the enforcing profile of the case corpus, less its second key."""
    profile = "".join(line for line in profile_text("enforce").splitlines(keepends=True) if "selector: ed" not in line)
    with Gate(folder, profile) as running:
        yield Served(running.socket, running.pid)


if __name__ == "__main__":
    if sys.argv[1:2] == ["sealing"]:
        sys.exit(sealing.main(sys.argv[2:], gate))
    if sys.argv[1:2] == ["stages"]:
        sys.exit(stages.main(sys.argv[2:]))
    sys.exit(main(start_gate=gate))
