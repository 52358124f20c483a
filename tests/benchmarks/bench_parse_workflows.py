"""How long workflow files take to become DAGs, beyond importing Airflow: `bench_parse_workflows.py [FILES]`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = int(sys.argv[1]) if len(sys.argv) > 1 else 200
MESSAGES = (1, 20, FILES)


def lay_out(folder: Path, messages: int) -> None:
    """Write the workflows, which share so many messages."""
    shutil.copytree(ROOT / "include", folder)
    sample = folder / "workflows" / "welcome_push.yaml"
    workflow, message = sample.read_text(), (folder / "messages" / "promo_push.yaml").read_text()
    sample.unlink()
    for number in range(messages):
        (folder / "messages" / f"m{number}.yaml").write_text(message)
    for number in range(FILES):
        text = workflow.replace("message: promo_push", f"message: m{number % messages}")
        (folder / "workflows" / f"w{number}.yaml").write_text(text.replace("schedule: none", "schedule: 0 9 * * 1"))


def parse(include: Path) -> tuple[float, float]:
    """Fill a bag as Airflow does; return wall and processor seconds."""
    from airflow.dag_processing.dagbag import DagBag

    os.environ["AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER"] = str(include)
    wall, cpu = time.perf_counter(), time.process_time()
    bag = DagBag(str(ROOT / "dags" / "workflows.py"))
    assert (len(bag.dags), bag.import_errors) == (FILES, {})
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        }
        began = time.perf_counter()
        import airflow.dag_processing.dagbag
        import airflow.sdk  # noqa: F401  (what is measured is what comes on top)

        print(f"importing Airflow  {time.perf_counter() - began:.2f} s")  # noqa: T201  (its output)
        for messages in MESSAGES:
            include = Path(home) / f"include-{messages}"
            lay_out(include, messages)
            wall, cpu = parse(include)
            print(f"{FILES} workflows, {messages:>3} messages  {wall:.2f} s, {cpu:.2f} s of processor")  # noqa: T201


if __name__ == "__main__":
    main()
