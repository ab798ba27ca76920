"""A real nginx in front of a ward, with the lines of docs/proxy.md, or with the fewest possible."""

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.conftest import Spawn
from tests.extras import program
from tests.ports import free_port
from tests.processes import TIMEOUT

PAGE: Final = (Path(__file__).parents[1] / "docs" / "proxy.md").read_text("utf-8")
[DOCUMENTED] = re.findall(r"^```nginx\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
[SETTINGS] = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
BARE: Final = "location /icu/ { proxy_pass http://127.0.0.1:8000/; }"

CONFIG = """
daemon off;
{user}
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    gzip on;
    gzip_types *;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{listen};
        {lines}
    }}
}}
"""

HOSPITAL: Final = Path(__file__).parents[1] / "config" / "nginx.conf"

Nginx = Callable[..., int]


def start_for_monitors(folder: Path, spawn: Spawn, monitors: Sequence[str], *, listen: str) -> None:
    """Start nginx with compose.yaml's own settings, in front of two monitors.

    Args:
        folder: Folder for its files.
        spawn: Function that starts a program.
        monitors: Address and port of each monitor.
        listen: Address and port of nginx.
    """
    text = HOSPITAL.read_text("utf-8").replace("listen 8080;", f"listen {listen};").replace("/tmp/", f"{folder}/")  # noqa: S108 - in a container
    for number, each in enumerate(monitors, start=1):
        text = text.replace(f"monitor-{number}:8000", each)
    path = folder / "hospital.conf"
    path.write_text(f"{_user()}{text}")
    words = [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(path), "-g", "daemon off;"]
    _until_it_listens(spawn, words, folder)


def nginx_of(folder: Path, spawn: Spawn) -> Nginx:
    """Return a function that starts nginx with these lines in its server, and returns the port."""
    words = [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]

    def run(lines: str, *, tls: Path | None = None) -> int:
        port = free_port()
        listen = f"{port} ssl; ssl_certificate {tls}; ssl_certificate_key {tls}" if tls else str(port)
        (folder / "nginx.conf").write_text(CONFIG.format(user=_user(), listen=listen, lines=lines))
        _until_it_listens(spawn, words, folder)
        return port

    return run


def _user() -> str:
    """Return the line without which root's workers would not be let into the test's folder."""
    return "user root;" if os.getuid() == 0 else ""


def _until_it_listens(spawn: Spawn, words: list[str], folder: Path) -> None:
    with (folder / "nginx.log").open("w") as log:
        process = spawn(words, stderr=log)
    deadline = time.monotonic() + TIMEOUT
    while not (folder / "nginx.pid").exists():  # written once it listens
        assert process.poll() is None, (folder / "nginx.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
