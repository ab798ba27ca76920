"""Description of the stream's events in OpenAPI.

OpenAPI 3.1 has no keyword for the items of a stream. As in 3.2, the stream is described as an array of its events.
"""

from typing import Any, Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from icu.monitor.beats import Beat
from icu.monitor.schemas import PatientName
from icu.store.alarms.served import Alarm
from icu.store.readings import PatientReading


class Events:
    """Marker type of the stream's response."""


class EventsPlugin(OpenAPISchemaPlugin):
    """OpenAPI schema of the marker type."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:  # noqa: ANN401 - as Litestar has it
        """Check for the marker type."""
        return value is Events

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:  # noqa: ANN401, ARG002 - as Litestar has it
        """Describe the stream as an array of events. The data of each is a string that holds JSON."""
        readings, names, alarms, beat = (
            schema_creator.for_field_definition(FieldDefinition.from_annotation(kind))
            for kind in (list[PatientReading], list[PatientName], list[Alarm], Beat)
        )
        nothing = Schema(type=OpenAPIType.OBJECT, max_properties=0)
        return Schema(
            type=OpenAPIType.ARRAY,
            items=Schema(
                one_of=[
                    _event("readings", "The readings that one transaction stored", readings, required=["id"]),
                    _event(
                        "patients",
                        "Patients who are new or have another name, before their first readings under it. Has no id "
                        "where the sink is of an older version: the readings behind it have",
                        names,
                        required=[],
                    ),
                    _event(
                        "alarms",
                        "Alarms that have changed, as `GET /alarms` has them, in the order in which they did; one that "
                        "has ended too. Alarms of the ward are everybody's",
                        alarms,
                        required=["id"],
                    ),
                    _event("beat", "Each second, whatever else is sent or not", beat, required=[]),
                    _event("reset", "Events were missed: read `/patients` and `/alarms` anew", nothing, required=[]),
                ]
            ),
        )


def _event(name: str, description: str, data: Schema, *, required: list[str]) -> Schema:
    return Schema(
        title=name,
        description=description,
        type=OpenAPIType.OBJECT,
        required=["event", "data", *required],
        properties={
            "event": Schema(type=OpenAPIType.STRING, const=name),
            "id": Schema(
                type=OpenAPIType.STRING,
                pattern="^[0-9]+$",
                description="Where to go on from: browsers send it as Last-Event-ID when they come back",
                examples=["1769860800005"],
            ),
            "data": Schema(type=OpenAPIType.STRING, content_media_type="application/json", content_schema=data),
        },
    )


STREAM: Final = ResponseSpec(
    Events,
    generate_examples=False,
    media_type="text/event-stream",
    description="Server-sent events, until somebody ends it. `retry` says after how many milliseconds to come back.",
)
