"""Lets bare `litestar run` serve the monitor: Litestar's command loads this group before it looks for an application.

Imports click alone: every `litestar` command imports this module, in other projects of the same environment too.
"""

import os

import click

APP = "icu.bootstrap.application:create_app"

# Names under which Litestar looks for an application in the current folder: another project's must win over ours.
_OTHERS = ("app.py", "application.py", "app", "application")

# Not Path.exists, which raises in an unreadable folder: that would break every command of Litestar's.
if not any(os.path.exists(name) for name in _OTHERS):  # noqa: PTH110 - pathlib raises there
    os.environ.setdefault("LITESTAR_APP", APP)


@click.command(name="icu")
def icu() -> None:
    """Say how the ICU monitor itself is started."""
    click.echo("litestar run serves the monitor; python -m icu supervise runs the whole ward")
