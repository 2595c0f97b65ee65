"""doc/metrics.md is the catalogue; `python -m tests.unit.test_doc_metrics` writes it anew.

Dashboard and alerts are held to the catalogue too: a metric that was renamed would leave an alert that never fires.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealgate.app.metrics import EXPOSED, METRICS, Metric, MetricKind, Source

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "doc" / "metrics.md"
RULES = ROOT / "conf" / "prometheus" / "sealgate.rules.yml"
DASHBOARD = ROOT / "conf" / "grafana" / "sealgate.json"
HEAD = """\
# The metrics

What `/metrics` shows, in the text format of Prometheus, where `http` of `sealgate.yaml` says where to serve it.
`operations.md` says what to alert on; rules, a scrape sample and a dashboard are in `conf/prometheus/` and
`conf/grafana/`.

- Label values come from closed lists: enums, the catalogue of rules, domains and keys of the profile. No word of a
  sender becomes one, so that nobody can add series.
- Counters begin with the start of the gate. They outlive a worker that dies, and a replacement of the program (SIGUSR2)
  by one of the same version. A worker that is killed loses the times of its last second, and no count.
- A histogram `x` is shown as `x_bucket`, `x_sum` and `x_count`.
- Where nothing has happened yet, a counter with labels may be absent.

The share of unsigned mail since the start is `sealgate_unsigned_ratio`; in the last hour it is

    sum(rate(sealgate_accepted_messages_total{seal!="signed"}[1h])) / sum(rate(sealgate_accepted_messages_total[1h]))

and by reason, of what was not meant:

    sum by (seal) (rate(sealgate_accepted_messages_total{seal!~"signed|domain-says-no|seal-off"}[1h]))
"""
TITLES = {
    Source.WORKERS: "Counted by the workers",
    Source.WRITER: "Counted by the audit writer",
    Source.HEALTH: "Seen by the health process",
}


def row(metric: Metric) -> str:
    labels = "<br>".join(f"`{name}`: {meaning}" for name, meaning in metric.labels) or "none"
    kind = f"{metric.kind}" + (f", {metric.unit}" if metric.unit else "")
    if metric.kind is MetricKind.HISTOGRAM:
        kind += f", up to {metric.buckets[0]:g} … {metric.buckets[-1]:g}"
    return f"| `{metric.name}` | {kind} | {metric.help} | {labels} |\n"


def expected() -> str:
    text = HEAD
    for source, title in TITLES.items():
        text += f"\n## {title}\n\n| metric | kind | what it tells | labels |\n|---|---|---|---|\n"
        text += "".join(row(metric) for metric in METRICS if metric.source is source)
    return text


def names_in(expression: str) -> set[str]:
    """Metrics in an expression; what rules of ours record has a colon."""
    return set(re.findall(r"(?<![:\w])sealgate_\w+", expression))


def expressions(value: Any) -> Iterator[str]:
    """Every query in a document of Grafana's or Prometheus'."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("expr", "definition") and isinstance(inner, str):
                yield inner
            else:
                yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


def test_the_reference_is_the_catalogue() -> None:
    assert FILE.read_text() == expected()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_and_units_are_as_prometheus_wants_them(metric: Metric) -> None:
    assert re.fullmatch(r"sealgate_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") is (metric.kind is MetricKind.COUNTER)
    if metric.unit.startswith("seconds"):
        assert "_seconds" in metric.name
    assert ("_bytes" in metric.name) is (metric.unit == "bytes")
    assert (metric.kind is MetricKind.HISTOGRAM) is bool(metric.buckets)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert "\n" not in metric.help
    assert not {"le", "pid", "job", "instance"} & set(metric.label_names)


def test_no_metric_is_described_twice() -> None:
    assert len({metric.name for metric in METRICS}) == len({metric.family for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize("path", [RULES, DASHBOARD], ids=["alerts", "dashboard"])
def test_every_metric_that_is_asked_for_exists(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    found = set().union(*map(names_in, expressions(document)))
    assert len(found) > 15
    assert found - EXPOSED == set()


def test_what_the_reference_asks_for_exists() -> None:
    assert names_in(HEAD) <= EXPOSED


def test_what_alerts_ask_of_records_is_recorded() -> None:
    text = RULES.read_text()
    recorded = set(re.findall(r"- record: (\S+)", text))
    assert set(re.findall(r"sealgate:[\w:]+", text)) == recorded


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    board = json.loads(DASHBOARD.read_text())
    panels = board["panels"]
    assert board["title"] == board["uid"] == "sealgate"
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert all(target["expr"] and target["refId"] for target in panel["targets"])


def test_every_alert_is_explained() -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    manual = (ROOT / "doc" / "operations.md").read_text()
    for alert in alerts:
        assert alert["labels"]["severity"] in ("critical", "warning", "info")
        assert alert["annotations"]["summary"]
        assert f"`{alert['alert']}`" in manual
    tested = (ROOT / "tests" / "unit" / "alerts.yml").read_text()
    assert {alert["alert"] for alert in alerts} == set(re.findall(r'alertname="(\w+)"', tested))


PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", str(RULES)), ("check", "config", str(RULES.parent / "prometheus.yml")),
     ("test", "rules", str(ROOT / "tests" / "unit" / "alerts.yml"))],
    ids=["rules", "scrape sample", "alerts"],
)  # fmt: skip
def test_prometheus_takes_it(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([str(PROMTOOL), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    FILE.write_text(expected())
