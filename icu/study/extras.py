"""Libraries that only some people need: imported when they are asked for, with word of what to install."""

from importlib import import_module
from types import ModuleType

from icu.errors import ConfigurationError


def extra(name: str, module: str, purpose: str) -> ModuleType:
    """The module of an extra. ConfigurationError says what to install where it is missing."""
    try:
        return import_module(module)
    except ImportError as exc:
        raise ConfigurationError(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed: pip install 'icu[{name}]', "
            f"or in a checkout pip install -e '.[{name}]'"
        ) from exc
