"""The buffer between the patients and the sink: one Protocol, one file for each implementation.

The Protocol and its errors stand here. Implementations do not: `icu.transports.memory` and `icu.transports.kafka` are
for `icu.bootstrap` alone to choose from, and aiokafka takes long to load.
"""

from icu.transports.base import Assignment, Batch, Consumer, Transport
from icu.transports.errors import (
    NamesakeError,
    ReadingsLostError,
    ReassignedError,
    TransportClosedError,
    TransportError,
)

__all__ = [
    "Assignment",
    "Batch",
    "Consumer",
    "NamesakeError",
    "ReadingsLostError",
    "ReassignedError",
    "Transport",
    "TransportClosedError",
    "TransportError",
]
