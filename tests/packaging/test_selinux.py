"""The SELinux module compiles against the reference policy, and says of the gate's files what the units and code say.

No kernel here enforces it, so that it is enough for the gate, and no more than enough, is not shown.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.gate import ROOT

FOLDER = ROOT / "packaging/selinux"
DEVEL = Path("/usr/share/selinux/devel/Makefile")
TRANSLATORS = (Path("/usr/libexec/selinux/hll/pp"), Path("/usr/lib/selinux/hll/pp"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the module was compiled."""
    if not DEVEL.exists() or shutil.which("checkmodule") is None:
        pytest.skip("selinux-policy-dev and checkpolicy are not installed")
    folder = tmp_path_factory.mktemp("selinux")
    for path in FOLDER.iterdir():
        shutil.copy(path, folder)
    done = subprocess.run(
        ["make", "-f", DEVEL, "NAME=targeted", "sealgate.pp"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # A deprecated or missing interface is a warning only.
    assert "sealgate" not in "".join(line for line in done.stderr.splitlines() if "warning" in line.lower()), (
        done.stderr
    )
    return folder


@pytest.mark.packaging
def test_the_module_compiles(compiled: Path) -> None:
    assert (compiled / "sealgate.pp").stat().st_size > 10_000


@pytest.mark.packaging
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/usr/bin/sealgate", "sealgate_milter_exec_t"),
        ("/etc/sealgate/profile.yaml", "sealgate_etc_t"),
        ("/etc/sealgate/keys/example.test.rsa.pem", "sealgate_key_t"),
        ("/var/log/sealgate/audit.jsonl", "sealgate_log_t"),
        ("/var/log/sealgate-lists/audit.jsonl", "sealgate_log_t"),
        ("/var/lib/sealgate/mode.json", "sealgate_var_lib_t"),
        ("/var/lib/sealgate-lists/personal/2026q4", "sealgate_var_lib_t"),
        ("/run/sealgate/sealgate.sock", "sealgate_milter_data_t"),
        ("/run/sealgate-lists/writer.sock", "sealgate_milter_data_t"),
        ("/var/spool/postfix/sealgate/sealgate.sock", "sealgate_milter_data_t"),
        ("/usr/lib/systemd/system/sealgate@.service", "sealgate_unit_file_t"),
        ("/var/log/sealgates/x", None),
        ("/etc/sealgate.yaml", None),
    ],
)
def test_each_file_has_its_type(compiled: Path, path: str, kind: str | None) -> None:
    """The last row that fits is the most special one: policy sorts them so, and here they stand so."""
    found = None
    for line in (compiled / "sealgate.fc").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, context = line.split()[0], line.split()[-1]
            if re.fullmatch(pattern, path):
                found = context
    assert (found is None) if kind is None else f":{kind}," in str(found)


@pytest.mark.packaging
def test_the_gate_may_write_what_it_makes_and_not_what_rules_it(compiled: Path) -> None:
    """Asked of the compiled module, as CIL, which has all macros behind it."""
    translator = next((path for path in TRANSLATORS if path.exists()), None)
    if translator is None:
        pytest.skip("policycoreutils is not installed")
    text = subprocess.run([translator, compiled / "sealgate.pp"], capture_output=True, text=True, check=True).stdout
    rights: dict[tuple[str, str], set[str]] = {}
    for kind, cls, words in re.findall(r"\(allow sealgate_milter_t (\S+) \((\S+) \(([^)]*)\)", text):
        rights.setdefault((kind, cls), set()).update(words.split())
    for kind in ("sealgate_log_t", "sealgate_var_lib_t", "sealgate_milter_data_t"):
        assert {"create", "write", "rename", "unlink"} <= rights[kind, "file"]
    for kind in ("sealgate_etc_t", "sealgate_key_t"):
        assert "read" in rights[kind, "file"]
        assert not {"write", "append", "create", "unlink", "rename", "setattr"} & rights[kind, "file"]
    assert "execute_no_trans" in rights["sealgate_milter_exec_t", "file"], "SIGUSR2"
    assert "setrlimit" in rights["self", "process"], "the reader"
    assert not {"execmem", "execstack", "ptrace"} & rights["self", "process"]
    assert not [cls for _, cls in rights if cls.startswith("capability")]
    assert "(allow init_t sealgate_milter_t (process2 (nnp_transition nosuid_transition)))" in text
