"""What a test puts into a booted system: sealgate as a package would install it, with settings, a profile and keys."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.drivers.cases import profile_text
from tests.lab.gate import ROOT, make_keys

PYTHON: Final = Path("/usr/bin/python3")
SYSTEMD: Final = ROOT / "systemd"
_LIBRARIES: Final = "milter, click, cryptography, dkim, dns, structlog, yaml, idna"
_PROGRAM: Final = "#!/usr/bin/python3 -sP\nfrom sealgate.cli import main\nmain()\n"
SETTINGS: Final = "workers: 2\ndns_servers: [127.0.0.1:9]\n"


def why_not() -> str:
    """Say why the gate cannot run by the system's own Python, or return an empty string."""
    if not PYTHON.exists():
        return "there is no /usr/bin/python3"
    tried = subprocess.run([PYTHON, "-c", f"import {_LIBRARIES}"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"the system's own Python lacks a library: {tried.stderr.strip().splitlines()[-1]}"
    version = subprocess.run(
        [PYTHON, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=True
    )
    if version.stdout.split() != [str(part) for part in sys.version_info[:2]]:
        return "this Python's selectolax cannot be lent to the system's, which is of another version"
    return ""


def install(stage: Path) -> None:
    """Put the program, its units and its account where a package would."""
    packages = stage / "usr/lib/python3/dist-packages"
    shutil.copytree(ROOT / "milter/sealgate", packages / "sealgate", ignore=shutil.ignore_patterns("__pycache__"))
    found = importlib.util.find_spec("selectolax")
    if found is None or found.origin is None:
        raise LookupError("selectolax is not installed")
    shutil.copytree(Path(found.origin).parent, packages / "selectolax")
    program = stage / "usr/bin/sealgate"
    program.parent.mkdir(parents=True)
    program.write_text(_PROGRAM)
    program.chmod(0o755)
    units = stage / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    for unit in (*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.timer")):
        shutil.copy(unit, units)
    accounts = stage / "usr/lib/sysusers.d"
    accounts.mkdir(parents=True)
    shutil.copy(SYSTEMD / "sealgate.sysusers", accounts / "sealgate.conf")


def configure(stage: Path) -> None:
    """Write settings and profiles: of the gate, and of `two`, with credentials for keys and a socket in the queue."""
    folder = stage / "etc/sealgate"
    folder.mkdir(parents=True)
    make_keys(folder / "keys")
    (folder / "sealgate.yaml").write_text(SETTINGS)
    (folder / "profile.yaml").write_text(profile_text("enforce").replace("{keys}", "/etc/sealgate/keys"))
    (folder / "two.yaml").write_text(
        f"{SETTINGS}profile: /etc/sealgate/two-profile.yaml\nsocket: unix:/var/spool/postfix/sealgate/two.sock\n"
        "state: /var/lib/sealgate-two\nruntime: /run/sealgate-two\naudit_log: /var/log/sealgate-two/audit.jsonl\n"
    )
    credentials = "/run/credentials/sealgate@two.service/keys_"
    (folder / "two-profile.yaml").write_text(profile_text("enforce").replace("{keys}/", credentials))
    shutil.copytree(folder / "keys", stage / "etc/sealgate/root-keys")
    drop_in = stage / "etc/systemd/system/sealgate@two.service.d"
    drop_in.mkdir(parents=True)
    shipped = (SYSTEMD / "sealgate-credentials.conf").read_text()
    (drop_in / "credentials.conf").write_text(shipped.replace(":/etc/sealgate/keys", ":/etc/sealgate/root-keys"))
    # Here whoever asks for a forbidden call dies of it: what is not killed has asked for none.
    (drop_in / "strict.conf").write_text("[Service]\nSystemCallErrorNumber=kill\n")
