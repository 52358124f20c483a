"""Reads the workflows of an include folder, and checks that what they name is there."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.definitions.definitions import read_audience, read_bound_sources, read_message, read_webhook
from promo_campaigns.definitions.names.check import Texts, name_faults, require_names
from promo_campaigns.definitions.names.declared import FILE, read_declared
from promo_campaigns.definitions.settings.setting_errors import nearest
from promo_campaigns.definitions.workflow import IDENTITY, Workflow
from promo_campaigns.definitions.yaml_file import YamlFile
from promo_campaigns.delivery.transports.registry import OWN, transport_names
from promo_campaigns.model.errors import DefinitionError, SettingError
from promo_campaigns.model.run_spec import Audience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import TypeVar

    from promo_campaigns.model.audience.columns import AudienceColumn
    from promo_campaigns.model.run_spec import DataSource

    Built = TypeVar("Built")

_FOLDERS = {"audiences": (".sql", ".csv"), "messages": (".yaml",)}
_ENDINGS = {**_FOLDERS, "workflows": (".yaml",), "data_sources": (".yaml", ".answer.json")}
_FIRST_LINE = 200
_OTHERS = ("conversions", "samples")
_MEANT = frozenset({".yaml", ".yml", ".sql", ".csv", ".xlsx", ".xls"})


class IncludeFolder:
    """The files of campaign authors, each read once.

    :param path: the folder; a missing one holds nothing
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._trees: dict[str, YamlFile] = {}
        self._bound: dict[str, tuple[DataSource, ...] | DefinitionError] = {}
        self._audiences: dict[str, Audience | DefinitionError] = {}

    @cached_property
    def workflow_ids(self) -> list[str]:
        """The names of the files in ``workflows``."""
        return sorted(file.stem for file in (self.path / "workflows").glob("*.yaml"))

    @cached_property
    def messages(self) -> list[str]:
        """The names of the files in ``messages``, without the variants in other languages."""
        return [name for name in self._names("messages") if "." not in name]

    @cached_property
    def audiences(self) -> list[str]:
        """The names of the files in ``audiences``."""
        return self._names("audiences")

    @cached_property
    def audience_connections(self) -> dict[str, str]:
        """The connections of the audiences that are SELECTs of other databases."""
        found = {}
        for name in self.audiences:
            with suppress(OSError), (self.path / "audiences" / f"{name}.sql").open(encoding="utf-8") as file:
                found[name] = Audience(name=name, sql=file.readline(_FIRST_LINE)).connection
        return {name: connection for name, connection in found.items() if connection}

    @cached_property
    def code_types(self) -> list[str]:
        """The types that the workflows here take codes from; a workflow that cannot be read names none."""
        found = set()
        for workflow_id in self.workflow_ids:
            with suppress(DefinitionError):
                code = self.workflow(workflow_id).value.get("promo_code")
                further = code.get("next_pools") if isinstance(code, dict) else None
                pools = [code, *(further if isinstance(further, list) else ())]
                found |= {pool.get("type") for pool in pools if isinstance(pool, dict)}
        return sorted(name for name in found if isinstance(name, str))

    def workflow(self, workflow_id: str) -> YamlFile:
        """Return the settings of ``workflows/<workflow_id>.yaml``.

        :raises DefinitionError: the file is missing, or is no mapping in YAML
        """
        if workflow_id not in self._trees:
            path = self.path / "workflows" / f"{workflow_id}.yaml"
            self._trees[workflow_id] = YamlFile(path, shown_as=f"workflows/{workflow_id}.yaml")
        return self._trees[workflow_id]

    def messages_like(self, message: str) -> list[str]:
        """Return the messages with the same data sources at the same places; a broken one is like none."""
        return self._messages_by_sources.get(_calls(self.bound_sources(message)), [])

    def bound_sources(self, message: str) -> tuple[DataSource, ...]:
        """Return the data sources of a message, in the order it binds or reads them.

        :raises DefinitionError: the message, or a data source of it, is missing or wrong
        """
        if message not in self._bound:
            try:
                self._bound[message] = read_bound_sources(self.path, read_message(self.path, message))
            except DefinitionError as error:
                self._bound[message] = error
        bound = self._bound[message]
        if isinstance(bound, DefinitionError):
            raise bound
        return bound

    def require_audience(self, name: str) -> None:
        """Check an audience.

        :raises DefinitionError: its file is missing or wrong
        """
        read = self._audience(name)
        if isinstance(read, DefinitionError):
            raise read

    def audience_columns(self, name: str) -> tuple[AudienceColumn, ...] | None:
        """Return the columns of an audience; None if its file is missing or wrong."""
        read = self._audience(name)
        return None if isinstance(read, DefinitionError) else read.columns

    def _audience(self, name: str) -> Audience | DefinitionError:
        if name not in self._audiences:
            try:
                self._audiences[name] = replace(read_audience(self.path, name), listed=None)
            except DefinitionError as error:
                self._audiences[name] = error
        return self._audiences[name]

    @cached_property
    def _messages_by_sources(self) -> Mapping[frozenset[tuple[str, bool]], list[str]]:
        alike: dict[frozenset[tuple[str, bool]], list[str]] = {}
        for name in self.messages:
            with suppress(DefinitionError):
                alike.setdefault(_calls(self.bound_sources(name)), []).append(name)
        return alike

    def _names(self, folder: str) -> list[str]:
        files = (self.path / folder).glob("*")
        return sorted({file.stem for file in files if file.suffix in _FOLDERS[folder]})


def _calls(sources: tuple[DataSource, ...]) -> frozenset[tuple[str, bool]]:
    return frozenset((source.name, source.before) for source in sources)


def read_workflow(files: IncludeFolder, workflow_id: str, build: Callable[[Workflow], Built]) -> Built:
    """Read ``workflows/<workflow_id>.yaml`` and all it names, and build something from it.

    :param build: what it finds wrong with a setting is told with that setting's line, too
    :raises DefinitionError: the file, or one that it names, is missing or wrong
    """
    with _by_line(files, workflow_id):
        workflow = _read_settings(files, workflow_id)
        require_files(files, workflow)
        return build(workflow)


def find_faults(
    files: IncludeFolder, workflow_id: str, look_at: Callable[[Workflow], object]
) -> Iterator[DefinitionError]:
    """Yield every fault of a workflow; ``check_workflow`` raises the first of them.

    :param look_at: a further look at the workflow, which may find fault as well
    """
    try:
        with _by_line(files, workflow_id):
            workflow = _read_settings(files, workflow_id)
    except DefinitionError as error:
        yield error
        cause = error.__cause__
        for other in cause.others if isinstance(cause, SettingError) else ():
            yield from _faults_of(files, workflow_id, partial(_tell, other))
        return
    found = [fault for check in _NAMED for fault in _faults_of(files, workflow_id, partial(check, files, workflow))]
    yield from found
    if not list(_faults_of(files, workflow_id, partial(_require_message, files, workflow))):
        for further in (_require_sources, _carried):
            yield from _faults_of(files, workflow_id, partial(further, files, workflow))
        yield from _faults_of(files, workflow_id, partial(look_at, workflow))
        try:
            texts = campaign_texts(files, workflow)
        except DefinitionError:
            return  # which _require_sources has told
        yield from name_faults(files.path, texts)


def _faults_of(files: IncludeFolder, workflow_id: str, check: Callable[[], object]) -> Iterator[DefinitionError]:
    try:
        with _by_line(files, workflow_id):
            check()
    except DefinitionError as error:
        yield error


def _tell(error: SettingError) -> NoReturn:
    raise error


def _read_settings(files: IncludeFolder, workflow_id: str) -> Workflow:
    file = files.workflow(workflow_id)
    if IDENTITY in file.value:
        file.fail(f"there is no setting {IDENTITY!r}", setting=(IDENTITY,), hint="The file's name identifies it")
    return Workflow.model_validate({IDENTITY: workflow_id, **file.value})


@contextmanager
def _by_line(files: IncludeFolder, workflow_id: str) -> Iterator[None]:
    """Tell what is wrong with a setting by its line in the workflow's file."""
    try:
        yield
    except SettingError as error:
        files.workflow(workflow_id).fail(error.problem, setting=error.setting, hint=error.hint, cause=error)


def check_workflow(files: IncludeFolder, workflow_id: str) -> Workflow:
    """Read a workflow, and check its transport and the names that its texts read.

    :raises DefinitionError: as ``read_workflow``, a text reads a name that nothing can have, or the transport cannot
        carry the message
    """
    workflow = read_workflow(files, workflow_id, partial(_carried, files))
    require_names(files.path, campaign_texts(files, workflow))
    return workflow


def _carried(files: IncludeFolder, workflow: Workflow) -> Workflow:
    # Airflow reads this module with every DAG, which shall not pay for transports.
    from promo_campaigns.definitions.receiver_checks import require_transport  # noqa: PLC0415

    require_transport(files.path, workflow)
    return workflow


def misnamed_files(include: Path) -> list[DefinitionError]:
    """Return the files and folders of an include folder whose names nothing reads."""
    found = []
    for folder in sorted(path for path in include.iterdir() if path.is_dir()):
        endings = _ENDINGS.get(folder.name)
        if endings is None:
            hint = nearest(folder.name, [*_ENDINGS, *_OTHERS])
            if folder.name not in _OTHERS and hint.startswith("Did"):
                found.append(DefinitionError("nothing reads a folder of this name", file=f"{folder.name}/", hint=hint))
            continue
        for file in sorted(folder.iterdir()):
            is_meant = {suffix.lower() for suffix in file.suffixes} & _MEANT
            if is_meant and not file.name.endswith(endings) and not file.name.startswith("."):
                hint = f"Let its name end in {' or '.join(endings)}"
                problem = "nothing reads a file of this name"
                found.append(DefinitionError(problem, file=f"{folder.name}/{file.name}", hint=hint))
    return found


def campaign_texts(files: IncludeFolder, workflow: Workflow) -> Texts:
    """Return the texts of a workflow, and which names they can read.

    :raises DefinitionError: its message, or a data source of it, is missing or wrong
    """
    message = read_message(files.path, workflow.message)
    return Texts(
        message=message,
        sources=files.bound_sources(workflow.message),
        webhook=read_webhook(files.path, message),
        event=workflow.event,
        shows_code=workflow.shows_code,
        columns=files.audience_columns(workflow.audience) if isinstance(workflow.audience, str) else (),
        pictures_url=workflow.pictures_url,
        unsubscribe_url=workflow.unsubscribe_url,
    )


def require_files(files: IncludeFolder, workflow: Workflow) -> None:
    """Check what a workflow names, however it is written: files of the include folder, and its transport.

    :raises SettingError: a setting names what is not there
    :raises DefinitionError: a file that it names is wrong
    """
    for check in (*_NAMED, _require_sources):
        check(files, workflow)


def _require_audience(files: IncludeFolder, workflow: Workflow) -> None:
    if isinstance(workflow.audience, str):
        _require_name("audience", workflow.audience, files.audiences)
        files.require_audience(workflow.audience)


def _require_message(files: IncludeFolder, workflow: Workflow) -> None:
    _require_name("message", workflow.message, files.messages)


def _require_transport(_: IncludeFolder, workflow: Workflow) -> None:
    if workflow.transport not in OWN and workflow.transport not in transport_names():
        problem = f"there is no transport {workflow.transport!r} installed"
        raise SettingError(problem, setting=("transport",), hint=nearest(workflow.transport, transport_names()))


def _require_event(files: IncludeFolder, workflow: Workflow) -> None:
    """Refuse a type of event that is nearly a declared one: nobody would ever be sent anything."""
    declared: list[str] = []
    with suppress(DefinitionError):  # which is told where names are checked
        declared = sorted(read_declared(files.path).events)
    event = workflow.event
    if event and event not in declared and (hint := nearest(event, declared)).startswith("Did"):
        problem = f"there is no event {event!r} in include/{FILE}"
        raise SettingError(problem, setting=("audience", "event"), hint=hint)


_NAMED = (_require_audience, _require_message, _require_transport, _require_event)
"""Checks of what a workflow names, each by itself."""


def _require_sources(files: IncludeFolder, workflow: Workflow) -> None:
    bound = [source.name for source in files.bound_sources(workflow.message)]
    if "data_sources" in workflow.model_fields_set and set(workflow.data_sources) != set(bound):
        problem = f"the message {workflow.message!r} binds {', '.join(bound) or 'no data source'}"
        raise SettingError(problem, setting=("data_sources",), hint="Name all it binds and no other, or leave it out")


def _require_name(setting: str, name: str, names: list[str]) -> None:
    if name not in names:
        problem = f"there is no {setting} {name!r} in the include folder"
        raise SettingError(problem, setting=(setting,), hint=nearest(name, names))
