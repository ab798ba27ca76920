"""The tables, each named once: copied in chunks, copied at the end, or left out."""

from collections.abc import Mapping
from typing import Final

# Tables that may be long, in the order in which they are copied: patients first, for others refer to them.
IN_CHUNKS: Final = (
    "patients",
    "patient_metrics",
    "minute_rollups",
    "hour_rollups",
    "late_hours",
    "dead_letters",
    "alarms",
    "alarm_counts",
    # Whoever reads the partition takes the patient over, as after the death of a sink.
    "alarm_owners",
    "bed_states",
    "limits",
    "news2_inputs",
    "outbox",
    "audit",
    "api_keys",
    "users",
    # Streams go on behind the last entry that they have seen: patients keep their keys, which entries name.
    "journal",
)

# Tables of one row, which a new database has too: the source's takes its place.
STATES: Final = ("journal_end", "command_count", "upkeep_state", "access_state")

# Tables that are copied in the last transaction, all rows at once. Sessions and failed log-ins are, for monitors of the
# source write them while the copy is interrupted.
AT_END: Final = (*STATES, "sessions", "login_attempts", "heartbeats", "consumer_offsets")

# Tables that are not copied, and why.
LEFT_OUT: Final[Mapping[str, str]] = {
    "readers": "the migrations of the target have written it",
    "copies": "it is about the target itself",
    "copy_progress": "it is about the target itself",
}

# Tables whose rows the database numbers, and goes on numbering behind those that were copied.
NUMBERED: Final = ("patients", "outbox", "audit")
