"""First lines of a ward's log on a terminal: addresses and commands to look at the ward."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from icu.config.databases import without_password
from icu.config.settings import MonitorChild, Settings


def where_to_look(settings: Settings, config: Path | None) -> Iterator[str]:
    """Yield a sentence each for the page and the API, if served, the command that shows the ward, and the database."""
    monitor = next((child for child in settings.child if isinstance(child, MonitorChild)), None)
    if monitor is not None:
        host = f"[{monitor.host}]" if ":" in monitor.host else monitor.host
        scheme = "https" if settings.api.tls_certificate else "http"
        address = f"{scheme}://{host}:{monitor.port}"
        yield f"the ward, in a browser: {address}/"
        yield f"the API: {address}{settings.api.prefix}/patients, described at {address}/schema"
    # Another terminal may be in another folder; the built-in ward is found from its own.
    file = f" --config {shlex.quote(str(config.absolute()))}" if config else ""
    yield f"how the ward is, from another terminal{'' if config else ' in this folder'}: python -m icu status{file}"
    yield f"the database: {without_password(settings.database.url)}"
