"""How long workflow files take to become DAGs, beyond importing Airflow.

PYTHONPATH=plugins:tests python tests/benchmarks/bench_parse_workflows.py --files 200
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, keep

ROOT = Path(__file__).parents[2]


def lay_out(folder: Path, files: int, messages: int) -> None:
    """Write so many workflows, which share so many messages."""
    shutil.copytree(ROOT / "include", folder)
    samples = folder / "workflows"
    workflow = (samples / "welcome_push.yaml").read_text()
    message = (folder / "messages" / "promo_push.yaml").read_text()
    for sample in samples.glob("*.yaml"):
        sample.unlink()
    for number in range(messages):
        (folder / "messages" / f"m{number}.yaml").write_text(message)
    for number in range(files):
        text = workflow.replace("message: promo_push", f"message: m{number % messages}")
        (folder / "workflows" / f"w{number}.yaml").write_text(text.replace("schedule: none", "schedule: 0 9 * * 1"))


def parse(include: Path, files: int) -> tuple[float, float]:
    """Fill a bag as Airflow does; return wall and processor seconds."""
    from airflow.dag_processing.dagbag import DagBag

    os.environ["AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER"] = str(include)
    wall, cpu = time.perf_counter(), time.process_time()
    bag = DagBag(str(ROOT / "dags" / "workflows.py"))
    assert (len(bag.dags), bag.import_errors) == (files, {})
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(files: int) -> list[Figure]:
    """Parse so many workflows, which share one message, twenty, or none."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        }
        began, cpu_began = time.perf_counter(), time.process_time()
        import airflow.dag_processing.dagbag
        import airflow.sdk  # noqa: F401  (what is measured is what comes on top)

        importing_s, importing_cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        figures = [Figure(name="importing_airflow", value=round(importing_s, 2), unit="s")]
        for messages in sorted({1, min(20, files), files}):
            include = Path(home) / f"include-{messages}"
            lay_out(include, files, messages)
            wall, cpu = parse(include, files)
            name, unit, peer = f"messages_{messages}", "s of processor", "importing Airflow"
            figures += [
                Figure(name=name, value=round(wall, 2), unit="s"),
                Figure(name=f"{name}_cpu", value=round(cpu, 2), unit=unit, peer=peer, ratio=importing_cpu_s / cpu),
            ]
    return figures


def main() -> int:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=200)
    options = parser.parse_args()
    return keep("parse_workflows", measure(options.files), options)


if __name__ == "__main__":
    sys.exit(main())
