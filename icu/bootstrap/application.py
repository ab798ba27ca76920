"""Monitor application for other ASGI servers."""

from typing import TYPE_CHECKING

from icu.bootstrap.roles.monitor import app
from icu.bootstrap.shared import Shared
from icu.config.load import load
from icu.errors import IcuError
from icu.ops.logs import configure, say

if TYPE_CHECKING:
    from litestar import Litestar


def create_app() -> "Litestar":
    """Build the monitor's application for `litestar run` and other ASGI servers. Opens nothing yet.

    Raises:
        SystemExit: A setting is wrong; the mistake is printed in one line.
    """
    try:
        settings = load()
        configure(level=settings.log_level, form=settings.log.format)
        # The address on which that server listens is unknown here: each request brings its own.
        return app(Shared(settings), "localhost", foreign_server=True)[0]
    except IcuError as exc:
        # The server would show a traceback; this is the one line that the command line shows too.
        say(f"icu: {exc}")
        raise SystemExit(exc.exit_code) from exc
