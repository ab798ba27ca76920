"""Optional libraries (extras), imported when they are needed; the error for a missing one says what to install."""

from importlib import import_module
from types import ModuleType

from icu.config.errors import ConfigurationError


def extra(module: str, purpose: str) -> ModuleType:
    """Import a module of an optional library.

    Args:
        module: Dotted name.
        purpose: Beginning of the message where it is missing, such as "Parquet".

    Raises:
        ConfigurationError: The library is not installed.
    """
    try:
        return import_module(module)
    except ImportError as exc:
        library = module.partition(".")[0]
        raise ConfigurationError(f"{purpose} needs {library}, which is not installed: pip install {library}") from exc
