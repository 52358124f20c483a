"""docker-compose.yaml, as far as it can be checked without a container engine."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.cli.cli_config import core_commands
from airflow.configuration import retrieve_configuration_description

from command_line import parse
from promo_campaigns.connections.parsing import parse_connection
from promo_campaigns.connections.store_dsn import store_dsn
from promo_campaigns.delivery.transports.mail_server import read_mail_server
from promo_campaigns.http.endpoint import parse_endpoint
from reference_pages import configuration_page

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
TEXT = COMPOSE.read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]

# The celery provider is in the image and not among this project's dependencies.
AIRFLOW_COMMANDS = {command.name for command in core_commands} | {"celery"}
CELERY_SETTINGS = {("celery", "broker_url"), ("celery", "result_backend")}
FOREIGN_COMMANDS = {"redis-server"}


def test_the_file_is_a_compose_file() -> None:
    command = [
        str(Path(sys.executable).with_name("check-jsonschema")),
        "--builtin-schema",
        "vendor.compose-spec",
        str(COMPOSE),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_services_wait_for_services_that_are_there_and_in_the_right_way() -> None:
    for name, service in SERVICES.items():
        for other, wait in service.get("depends_on", {}).items():
            assert other in SERVICES, f"{name} waits for {other}"
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for the health of {other}"
            if wait["condition"] == "service_completed_successfully":
                assert SERVICES[other]["restart"] == "no", f"{name} waits for the end of {other}"


def test_named_volumes_and_configs_are_declared_and_mounted_folders_exist() -> None:
    declared = yaml.safe_load(TEXT)
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).is_dir() if source.startswith("./") else source in declared["volumes"]
        for config in service.get("configs", []):
            assert config["source"] in declared["configs"]


def test_every_variable_is_required_and_stands_in_the_example_and_no_other_does() -> None:
    asked = dict(re.findall(r"(?<!\$)\$\{(\w+)(.*?)\}", TEXT))
    offered = re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(asked) == {name for name, _ in offered}
    assert all(rest.startswith(":?") for rest in asked.values())
    assert not any(value for _, value in offered), "an example of a secret would be used as one"
    assert not re.search(r"(?<!\$)\$\w", TEXT), "an unbraced variable is not checked"


def test_no_secret_stands_in_the_file() -> None:
    for line in TEXT.splitlines():
        if re.search(r"(PASSWORD|SECRET|_KEY)\w*:", line):
            assert "${" in line or "_FILE:" in line, line


def test_images_are_pinned() -> None:
    images = {service["image"] for service in SERVICES.values()} | set(
        re.findall(r"^\s*FROM (\S+)", TEXT, re.MULTILINE)
    )
    for image in images:
        assert re.fullmatch(r"[a-z0-9/-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?", image), image


def test_the_image_is_built_from_the_airflow_the_constraints_name() -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    (version,) = re.findall(r"^apache-airflow==(\S+)$", constraints, re.MULTILINE)
    assert set(re.findall(r"apache/airflow:(\d+\.\d+\.\d+)", TEXT)) == {version}
    assert set(re.findall(r"apache-airflow\[celery\]==(\S+?)\"", TEXT)) == {version}


def test_the_image_is_built_from_every_file_that_the_project_table_names() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r"^(?:readme|license-files) = \[?\"(\S+?)\"", project, re.MULTILINE)
    (copied,) = re.findall(r"COPY \S+ (pyproject\.toml .*) /opt", TEXT)
    assert len(named) == 2
    assert set(named) <= set(copied.split())


def _commands() -> list[list[str]]:
    found = []
    for service in SERVICES.values():
        command = service.get("command", [])
        lines = command[2].splitlines() if command[:2] == ["bash", "-ec"] else [shlex.join(command)] if command else []
        found += [shlex.split(line.split(" > ")[0]) for line in lines]
    return found


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_every_command_exists(command: list[str]) -> None:
    if command[0] == "promo":
        parse(command[1:])
    elif command[0] == "airflow":
        assert command[1] in AIRFLOW_COMMANDS
    else:
        assert command[0] in {"python", "umask", *FOREIGN_COMMANDS}


def test_the_components_of_airflow_are_all_there() -> None:
    started = {command[1] for command in _commands() if command[0] == "airflow"}
    assert started == {"db", "api-server", "scheduler", "dag-processor", "triggerer", "celery"}


def test_nothing_listens_beyond_this_machine() -> None:
    assert [
        port for service in SERVICES.values() for port in service.get("ports", []) if "127.0.0.1:" not in port
    ] == []


def test_the_profile_api_knows_nothing_of_airflow() -> None:
    assert set(SERVICES["profile-api"]["environment"]) == {"AIRFLOW_CONN_PROMO_DB", "PROMO_PROFILE_API_KEY"}


def test_a_service_that_stays_says_whether_it_is_well() -> None:
    stay = {name for name, service in SERVICES.items() if service["restart"] == "unless-stopped"}
    assert stay == {*SERVICES} - {"init"}
    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == stay


def test_every_setting_is_one_that_airflow_or_the_product_reads() -> None:
    sections = retrieve_configuration_description(include_providers=False)
    known = {(section, option) for section, told in sections.items() for option in told["options"]}
    ours = configuration_page()
    for name in {name for service in SERVICES.values() for name in service.get("environment", {})}:
        if name.startswith("AIRFLOW__"):
            section, option = name.removeprefix("AIRFLOW__").lower().split("__")
            assert (section, option) in known | CELERY_SETTINGS, name
        elif name.startswith(("AIRFLOW_VAR_", "AIRFLOW_CONN_PROMO_")) and name != "AIRFLOW_CONN_PROMO_MAIL":
            assert f"`{name.removeprefix('AIRFLOW_VAR_').removeprefix('AIRFLOW_CONN_').lower()}`" in ours, name


def test_the_connections_are_ones_that_the_product_can_use() -> None:
    environment = SERVICES["worker"]["environment"]
    stated = {
        name: parse_connection(name.lower(), re.sub(r"\$\{\w+:\?[^}]*\}", "a-password", text))
        for name, text in environment.items()
        if name.startswith("AIRFLOW_CONN_PROMO_")
    }
    assert store_dsn(stated["AIRFLOW_CONN_PROMO_DB"]).startswith("postgresql://promo:a-password@postgres:5432/promo")
    assert parse_endpoint(stated["AIRFLOW_CONN_PROMO_PROFILE_API"]).base_url == "http://profile-api:8090"
    assert read_mail_server(stated["AIRFLOW_CONN_PROMO_MAIL"]).port == 1025
