"""Becoming the program that is on disk now, in the same process: listeners and workers are inherited over exec.

`why_not` tries beforehand whether the new program would come up. `become` does not come back unless exec failed; then
nothing is lost, and the supervisor goes on.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from sealgate.app.ports import PortError
from sealgate.daemon.handover import Handover, withdraw
from sealgate.wiring import read_override


def why_not(state: Path, settings_path: Path) -> str:
    """Say what a new program would stumble over, or return an empty string."""
    try:
        read_override(state, time.time())
        tried = subprocess.run(
            [sys.executable, "-m", "sealgate", "check", "--no-mta", "--settings", str(settings_path)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    except (PortError, OSError, subprocess.SubprocessError) as error:
        return str(error)
    return (tried.stdout + tried.stderr)[-2000:] or "check failed" if tried.returncode != 0 else ""


def become(handover: Handover, settings_path: Path) -> str:
    """Replace this program; where that failed, say why.

    Args:
        handover: what the new program takes over; it must have been left (`handover.leave`).
        settings_path: the service settings.
    """
    try:
        os.execv(sys.executable, [sys.executable, "-m", "sealgate", "serve", "--settings", str(settings_path)])
    except OSError as error:
        withdraw(handover)
        return str(error)
