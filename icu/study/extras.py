"""Libraries that only some people need: imported when they are asked for, with word of what to install."""

from importlib import import_module
from types import ModuleType

from icu.config.errors import ConfigurationError


def extra(module: str, purpose: str) -> ModuleType:
    """The module of an optional library. ConfigurationError says what to install where it is missing."""
    try:
        return import_module(module)
    except ImportError as exc:
        library = module.partition(".")[0]
        raise ConfigurationError(f"{purpose} needs {library}, which is not installed: pip install {library}") from exc
