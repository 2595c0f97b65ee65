"""The command `sealgate` for tests, in this process or in one of its own.

`sealgate` runs the command where the test runs, with arguments, environment and streams of its own: a process would
spend half a second of processor time on imports. It promises what a shell would see: exit status, standard output,
standard error. An exception that a shell would see as a traceback comes through to the test. `started` is the same in
a process of its own, for what only that shows: that the command starts with nothing imported before, that nothing is
written behind Python's back.
"""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from unittest import mock

from sealgate.cli import main
from tests.lab.gate import ROOT


def sealgate(
    *arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What `sealgate ARGUMENTS` prints and exits with; `env` is added to the environment."""
    words = ["sealgate", *map(str, arguments)]
    status: object = None
    with contextlib.ExitStack() as held:
        files = [held.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        files[0].write(stdin)
        files[0].seek(0)
        given, out, err = map(io.TextIOWrapper, files)
        held.enter_context(mock.patch.multiple(sys, argv=words, stdin=given, stdout=out, stderr=err))
        held.enter_context(mock.patch.dict(os.environ, env or {}))
        try:
            main()
        except SystemExit as end:
            status = end.code
        assert isinstance(status, int), status
        for stream, file in ((out, files[1]), (err, files[2])):
            stream.flush()
            file.seek(0)
        return subprocess.CompletedProcess(words, status, files[1].read().decode(), files[2].read().decode())


def started(
    *arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "sealgate", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "milter")} | dict(env or {}),
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
