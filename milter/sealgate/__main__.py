"""`python -m sealgate`: the same as the command `sealgate`."""

from sealgate.cli import main

main()
