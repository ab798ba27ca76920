"""Settings that are wrong."""

from icu.errors import IcuError, Kind


class ConfigurationError(IcuError):
    """A setting is wrong. The message names the file, the line, the key and what to write instead."""

    kind = Kind.CONFIGURATION
