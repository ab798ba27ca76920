"""Errors of settings."""

from icu.errors import IcuError, Kind


class ConfigurationError(IcuError):
    """Wrong setting. The message names the file, the line and the key, and says what to write."""

    kind = Kind.CONFIGURATION
