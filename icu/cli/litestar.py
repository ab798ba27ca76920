"""Makes bare `litestar run` serve the monitor: Litestar's command loads this group before it looks for an application.

Imports click alone, for every `litestar` command imports it, those of other projects in the same environment too.
"""

import os

import click

APP = "icu.bootstrap.application:create_app"

# Where Litestar itself looks in the current folder: another project's application is not ours to replace.
_OTHERS = ("app.py", "application.py", "app", "application")

# Path.exists would raise where the folder may not be looked into, for every command of Litestar's.
if not any(os.path.exists(name) for name in _OTHERS):  # noqa: PTH110 - pathlib raises there
    os.environ.setdefault("LITESTAR_APP", APP)


@click.command(name="icu")
def icu() -> None:
    """Say how the ICU monitor itself is started."""
    click.echo("litestar run serves the monitor; python -m icu supervise runs the whole ward")
