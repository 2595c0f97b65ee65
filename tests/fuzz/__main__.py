"""Run targets, each for some time, and say what came of it.

    python -m tests.fuzz [TARGET...] [--seconds N] [--corpus FOLDER] [--blind] [--try FILE]

With atheris (`pip install atheris`) coverage leads the mutations; without it, or with `--blind`, chance does. What led
to something new is kept in FOLDER/TARGET and is where the next run begins. An input that fails is written to
FOLDER/failed, with the command that repeats it; then the exit status is 1. `packets` needs pymilter: a gate is started,
and what is said on its socket is changed.
"""

import argparse
import hashlib
import importlib.util
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.blind import mutated
from tests.fuzz.seeds import FOLDER, seeds_of
from tests.fuzz.target import Target, attempt
from tests.fuzz.targets import TARGETS

ROOT: Final = Path(__file__).resolve().parents[2]
PACKETS: Final = "packets"
_HUNG: Final = 60  # seconds of one input
_MEMORY_MB: Final = 2_048


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a target: executions, edges and pairs met, inputs that are kept, and the input that failed."""

    name: str
    executions: int
    seconds: float
    coverage: str
    kept: int
    failed: Path | None = None


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; return the exit status."""
    options = _options([*TARGETS, PACKETS]).parse_args(arguments)
    if options.input:
        return _repeat(options.targets, options.input)
    is_guided = not options.blind and importlib.util.find_spec("atheris") is not None
    print(f"{'guided by coverage' if is_guided else 'blind: atheris is not installed, or not wanted'}", flush=True)
    failed = 0
    for name in options.targets or [*TARGETS, PACKETS]:
        if name == PACKETS:
            from tests.fuzz import packets  # noqa: PLC0415 - it needs pymilter

            result = Result(name, *packets.run(options.seconds, options.corpus / "failed", say=_say))
        elif is_guided:
            result = _guided(TARGETS[name], options.seconds, options.corpus)
        else:
            result = _blind(TARGETS[name], options.seconds, options.corpus)
        print(_line(result), flush=True)
        failed += result.failed is not None
    return 1 if failed else 0


def _options(names: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the parsers and the socket.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", choices=[*names, []], help=", ".join(names))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default 60)")
    parser.add_argument("--corpus", type=Path, default=ROOT / "build" / "fuzz", help="folder of what is kept")
    parser.add_argument("--blind", action="store_true", help="without atheris")
    parser.add_argument("--try", dest="input", type=Path, metavar="FILE", help="run one TARGET on one input")
    return parser


def _line(result: Result) -> str:
    rate = result.executions / max(result.seconds, 0.001)
    said = (
        f"{result.name:12} {result.executions:9,} executions {rate:7,.0f}/s  {result.coverage:24} {result.kept:5} kept"
    )
    if result.failed is None:
        return said
    again = f"python -m tests.fuzz {result.name} --try {result.failed}"
    return f"{said}  FAILED\n    {again}"


def _say(text: str) -> None:
    """Progress: on a terminal a line that the next one overwrites."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:110]}", end="", file=sys.stderr, flush=True)


def _guided(target: Target, seconds: float, corpus: Path) -> Result:
    kept, failed = corpus / target.name, corpus / "failed"
    kept.mkdir(parents=True, exist_ok=True)
    failed.mkdir(parents=True, exist_ok=True)
    (FOLDER / target.name).mkdir(exist_ok=True)
    began = time.monotonic()
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as words:
        words.writelines('"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n' for word in target.words)
        words.flush()
        command = [sys.executable, "-m", "tests.fuzz.guided", target.name, str(kept), str(FOLDER / target.name)]
        command += [f"-max_total_time={max(1, int(seconds))}", f"-max_len={target.longest}", f"-timeout={_HUNG}"]
        command += [f"-rss_limit_mb={_MEMORY_MB}", f"-artifact_prefix={failed}/{target.name}-"]
        command += ["-print_final_stats=1", *([f"-dict={words.name}"] if target.words else [])]
        environment = os.environ | {"PYTHONPATH": f"{ROOT / 'milter'}:{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        )  # fmt: skip
        executions, coverage, crasher, tail = 0, "", None, list[str]()
        assert process.stdout is not None
        try:
            for line in process.stdout:
                tail = [*tail[-60:], line.rstrip()]
                if found := re.match(r"#(\d+)\s.*?cov: (\d+) ft: (\d+)", line):
                    executions, coverage = int(found[1]), f"{found[2]} edges, {found[3]} features"
                    _say(f"{target.name}: {executions:,} executions, {coverage}")
                elif found := re.search(r"Test unit written to (\S+)", line):
                    crasher = Path(found[1])
                elif found := re.match(r"stat::number_of_executed_units: (\d+)", line):
                    executions = int(found[1])
        finally:
            if sys.exc_info()[0] is not None:
                process.kill()
            status = process.wait()
    _say("")
    if status and crasher is None:
        raise SystemExit("\n".join(["the fuzzer itself failed:", *tail]))
    if crasher is not None:
        print(
            "\n".join(
                line
                for line in tail
                if not re.match(r"#\d|MS: |0x|artifact_prefix|Base64|INFO: |WARNING: |Dictionary: |stat::", line)
            ),
            flush=True,
        )
    return Result(target.name, executions, time.monotonic() - began, coverage, len(list(kept.iterdir())), crasher)


def _blind(target: Target, seconds: float, corpus: Path) -> Result:
    chance, known = random.Random(), seeds_of(target.name)
    began, executions = time.monotonic(), 0
    while (took := time.monotonic() - began) < seconds:
        data = known[executions] if executions < len(known) else mutated(known, target.words, target.longest, chance)
        executions += 1
        if executions % 500 == 0:
            _say(f"{target.name}: {executions:,} executions")
        try:
            attempt(target, data)
        except Exception:
            traceback.print_exc()
            path = corpus / "failed" / f"{target.name}-{hashlib.sha256(data).hexdigest()[:16]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return Result(target.name, executions, took, "", len(known), path)
    _say("")
    return Result(target.name, executions, seconds, "", len(known))


def _repeat(names: list[str], path: Path) -> int:
    if len(names) != 1:
        print("--try wants one target", file=sys.stderr)
        return 64
    if names == [PACKETS]:
        from tests.fuzz import packets  # noqa: PLC0415

        return packets.repeat(path)
    attempt(TARGETS[names[0]], path.read_bytes())
    print("nothing is wrong with it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
