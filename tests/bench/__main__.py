"""`make bench`: the gate with its whole job (judge, bind, sign, record durably) beside OpenDKIM and dkimpy-milter.

All sign with RSA-2048 keys, so that the work that is compared is the same where it overlaps (see `breadth`). `make
bench BENCH=sealing` measures the signing path alone, beside dkimpy too, and step by step (see `sealing`); `make bench
BENCH=stages` says where the time of one message goes (see `stages`).
"""

import sys

from tests.bench import breadth, sealing, stages
from tests.bench.contenders import gate

if __name__ == "__main__":
    if sys.argv[1:2] == ["sealing"]:
        sys.exit(sealing.main(sys.argv[2:], gate))
    if sys.argv[1:2] == ["stages"]:
        sys.exit(stages.main(sys.argv[2:]))
    sys.exit(breadth.main(sys.argv[1:]))
