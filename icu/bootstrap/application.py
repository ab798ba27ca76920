"""The monitor's application, for servers that are not ours."""

from typing import TYPE_CHECKING

from icu.bootstrap.roles.monitor import app
from icu.bootstrap.shared import Shared
from icu.config.load import load
from icu.errors import IcuError
from icu.ops.logs import configure, say

if TYPE_CHECKING:
    from litestar import Litestar


def create_app() -> "Litestar":
    """The monitor's application, for `litestar run` and any other ASGI server. Opens nothing yet."""
    try:
        settings = load()
        configure(level=settings.log_level, form=settings.log.format)
        # Where that server listens is not known here: each request says over which address it came.
        return app(Shared(settings), "localhost", foreign_server=True)[0]
    except IcuError as exc:
        # The server would show a traceback; this is the one line that the command line shows too.
        say(f"icu: {exc}")
        raise SystemExit(exc.exit_code) from exc
