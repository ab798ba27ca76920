"""Requests in docs/api.md work as they are printed."""

import re
import subprocess
from pathlib import Path

from tests.e2e.conftest import TIMEOUT, Start

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")


def test_the_curl_examples(start: Start, tmp_path: Path) -> None:
    """Each curl example works against a ward."""
    ward = start("supervise").ready()
    patients = ward.until("/patients", lambda response: response.is_success and len(response.json()) == 8).json()
    environ = {"PATH": "/usr/bin:/bin", "PATIENT": patients[0]["uuid"]}
    commands = re.findall(r"^curl .*$", PAGE, re.MULTILINE)
    assert len(commands) >= 6
    for number, command in enumerate(commands):
        folder = tmp_path / str(number)  # -O saves the answer in a file
        folder.mkdir()
        # Only the stream has no end. The first answer in Parquet waits until its library is loaded.
        curl = f"curl -sS --fail -m {1 if '/stream' in command else TIMEOUT:g} "
        here = command.replace("http://127.0.0.1:8000", ward.url).replace("curl ", curl)
        done = subprocess.run(
            ["sh", "-c", here], capture_output=True, text=True, env=environ, cwd=folder, check=False, timeout=TIMEOUT
        )
        # 28: the stream goes on, of course, until curl's patience ends.
        assert done.returncode == (28 if "/stream" in command else 0), done.stderr
        saved = [each.stat().st_size for each in folder.iterdir()]
        assert done.stdout or "from=" in command or (saved and all(saved))
    assert ward.stop() == 0
