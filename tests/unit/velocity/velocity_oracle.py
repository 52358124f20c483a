"""A running Apache Velocity to compare with, where Java and its jar are installed."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
DEBIAN_JARS = [
    Path("/usr/share/java") / name for name in ("velocity.jar", "commons-collections3.jar", "commons-lang.jar")
]
MAVEN = Path.home() / ".m2" / "repository"
MODERN_JARS = (
    "org/apache/velocity/velocity-engine-core/2.4.1/*.jar",
    "org/apache/commons/commons-lang3/3.17.0/*.jar",
    "org/slf4j/slf4j-api/2.0.*/*.jar",
    "org/slf4j/slf4j-nop/2.0.*/*.jar",
)
INT_BITS = 31


def modern_jars() -> list[Path]:
    """Return the class path of Velocity 2.4.1: what `VELOCITY_2_CLASSPATH` names, or what Maven has; else nothing."""
    named = [Path(part) for part in os.environ.get("VELOCITY_2_CLASSPATH", "").split(":") if part]
    found = [sorted(MAVEN.glob(pattern)) for pattern in MODERN_JARS]
    return named or ([jars[-1] for jars in found] if all(found) else [])


def encoded(value: object) -> bytes:
    """Encode a context value for the oracle's standard input."""
    if value is None or value is True or value is False:
        return {None: b"N", True: b"T", False: b"F"}[value]
    if isinstance(value, int):
        return b"I" + struct.pack(">i", value) if abs(value) >> INT_BITS == 0 else b"J" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"D" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"S" + text(value)
    if isinstance(value, list):
        return b"L" + struct.pack(">i", len(value)) + b"".join(map(encoded, value))
    if isinstance(value, dict):
        return b"M" + struct.pack(">i", len(value)) + b"".join(text(k) + encoded(v) for k, v in value.items())
    raise TypeError(value)


def text(value: str) -> bytes:
    """Encode a text for the oracle's standard input."""
    data = value.encode()
    return struct.pack(">i", len(data)) + data


class JavaMissingError(Exception):
    """No Java compiler is installed."""


class Oracle:
    """A Java process that renders templates one after the other.

    :param jars: the class path of one Velocity version
    :param folder: where the compiled driver goes
    """

    def __init__(self, jars: list[Path], folder: Path) -> None:
        path = ":".join(map(str, jars))
        java, compiler = shutil.which("java"), shutil.which("javac")
        if not java or not compiler:
            raise JavaMissingError
        subprocess.run(
            [compiler, "-cp", path, "-d", str(folder), str(HERE / "VelocityOracle.java")],
            check=True,
            capture_output=True,
        )
        self._process = subprocess.Popen(
            [java, "-Xmx256m", "-Xss4m", "-cp", f"{path}:{folder}", "VelocityOracle"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def render(self, template: str, context: dict[str, object]) -> str | None:
        """Return what Velocity makes of a template, or nothing if it has an error."""
        ok, answer = self.answer(template, context)
        return answer if ok else None

    def answer(self, template: str, context: dict[str, object]) -> tuple[bool, str]:
        """Return whether Velocity could render a template, and the result or its message."""
        wire_in, wire_out = self._process.stdin, self._process.stdout
        assert wire_in is not None
        assert wire_out is not None
        wire_in.write(text(template) + encoded(context))
        wire_in.flush()
        ok, size = struct.unpack(">bi", wire_out.read(5))
        return bool(ok), wire_out.read(size).decode()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
