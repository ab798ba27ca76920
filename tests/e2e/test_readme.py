"""What the README shows works as it stands there."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from icu.config.load import load
from icu.config.settings import Settings
from tests.e2e.conftest import PATIENCE, Start

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced code of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_curl_examples(start: Start) -> None:
    """Each is typed as it stands, against a ward."""
    ward = start("supervise").ready()
    patients = ward.until("/patients", lambda response: len(response.json()) == 8).json()
    environ = {"PATH": "/usr/bin:/bin", "PATIENT": patients[0]["uuid"]}
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("curl")]
    assert len(commands) >= 6
    for command in commands:
        here = command.replace("http://127.0.0.1:8000", ward.url).replace("curl ", "curl -sS --fail -m 1 ")
        done = subprocess.run(
            ["sh", "-c", here], capture_output=True, text=True, env=environ, check=False, timeout=PATIENCE
        )
        # 28: the stream goes on, of course, until curl's patience ends.
        assert done.returncode == (28 if "/stream" in command else 0), done.stderr
        assert done.stdout or "from=" in command
    assert ward.stop() == 0


def test_the_settings_are_the_defaults(tmp_path: Path) -> None:
    """The example is a whole file that can be loaded, and says what holds when nothing is written."""
    [text] = blocks("toml")
    path = tmp_path / "supervisor.toml"
    path.write_text(text, encoding="utf-8")
    load(path, {})
    written: dict[str, Any] = tomllib.loads(text)
    children = written.pop("child")
    assert [child["role"] for child in children] == ["sink", "monitor", "patient"]
    defaults = msgspec.json.decode(msgspec.json.encode(Settings()))
    for section, value in written.items():
        if isinstance(value, dict):
            assert {name: defaults[section][name] for name in value} == value, section
        else:
            assert defaults[section] == value, section


def test_every_command_of_the_table_exists() -> None:
    """`python -m icu ...` in the table of ways to run is known to the command line."""
    commands = re.findall(r"^\| `python -m (icu [^`]+)`", README, re.MULTILINE)
    assert len(commands) >= 4
    for command in commands:
        words = [word for word in shlex.split(command) if word.islower() and not word.startswith("-")][1:]
        done = subprocess.run(
            [sys.executable, "-m", "icu", *words[:2], "--help"], capture_output=True, check=False, timeout=PATIENCE
        )
        assert done.returncode == 0, command
