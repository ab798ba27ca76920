"""Descriptions in OpenAPI of histories, which are answered in several forms."""

from dataclasses import dataclass
from typing import Any, Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import OpenAPIHeader, OpenAPIMediaType, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from icu.monitor.kept import DESCRIPTIONS
from icu.monitor.schemas import Bucket
from icu.store.history.buckets import STATISTICS
from icu.store.readings import Reading
from icu.vitals.catalogue import IN_DATA_SETS, SIGNS

_LINK: Final = OpenAPIHeader(
    schema=Schema(type=OpenAPIType.STRING),
    description='The next page (RFC 8288): `<?QUERY>; rel="next"`. Absent on the last page, and with whole spans.',
)
_FILE_NAME: Final = OpenAPIHeader(
    schema=Schema(type=OpenAPIType.STRING),
    description="Name of the file, with csv and parquet",
)

_TAG: Final = OpenAPIHeader(
    schema=Schema(type=OpenAPIType.STRING), description="Of a span whose end is given by `to`; weak (RFC 9110)"
)
_REVALIDATED: Final = OpenAPIHeader(
    schema=Schema(type=OpenAPIType.STRING), description="Beside an ETag: the client asks each time if it still holds"
)

_KEPT: Final = {
    name: OpenAPIHeader(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME), description=description)
    for name, description in DESCRIPTIONS.items()
}


class Metrics:
    """Marker type of the response."""


METRICS: Final = ResponseSpec(
    Metrics,
    generate_examples=False,
    description="Readings, or buckets with `every`: the media type and the form are those that `format` says. A longer "
    "answer comes in chunks, and one that cannot be made to its end is cut off",
)


class Ward:
    """Marker type of the response."""


WARD_HISTORY: Final = ResponseSpec(
    Ward, generate_examples=False, description="Columns of each patient. A longer answer comes in chunks"
)


class HistoryPlugin(OpenAPISchemaPlugin):
    """OpenAPI schemas of the marker types: what is answered as JSON."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:  # noqa: ANN401 - as Litestar has it
        """Check for the marker types."""
        return value in (Metrics, Ward)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:  # noqa: ANN401 - as Litestar has it
        """Describe the answers to `format=json` and `format=columns`, with and without `every`; and the ward's."""
        if field_definition.annotation is Ward:
            return _ward()
        readings = schema_creator.for_field_definition(FieldDefinition.from_annotation(list[Reading]))
        buckets = schema_creator.for_field_definition(FieldDefinition.from_annotation(list[Bucket]))
        return Schema(one_of=[readings, buckets, _columns(_NUMBERS), _columns(_STATISTICS)])


@dataclass
class MetricsOperation(Operation):
    """The route, with the other media types: Litestar knows one for each status."""

    def __post_init__(self) -> None:
        # Made from METRICS a moment ago, so its shape is known here, and not to the type checker.
        answer: Any = (self.responses or {})["200"]
        answer.headers = {
            "Link": _LINK,
            "Content-Disposition": _FILE_NAME,
            "ETag": _TAG,
            "Cache-Control": _REVALIDATED,
            **_KEPT,
        }
        [rows, buckets, *_] = answer.content["application/json"].schema.one_of
        answer.content |= {
            "application/x-ndjson": OpenAPIMediaType(
                Schema(
                    type=OpenAPIType.ARRAY,
                    items=Schema(one_of=[rows.items, buckets.items]),
                    description="A line for each element, without brackets and commas",
                )
            ),
            "text/csv; charset=utf-8": OpenAPIMediaType(
                Schema(type=OpenAPIType.STRING, description="The header is that of `python -m icu simulate`"),
                example=f"patient_uuid,timestamp,{','.join(each.data_set for each in IN_DATA_SETS)}\n",
            ),
            "application/vnd.apache.parquet": OpenAPIMediaType(Schema(description="A Parquet file")),
        }


@dataclass
class WardOperation(Operation):
    """The route, with the headers of its answer."""

    def __post_init__(self) -> None:
        # As above.
        answer: Any = (self.responses or {})["200"]
        answer.headers = _KEPT


_NUMBERS: Final = Schema(
    type=OpenAPIType.ARRAY, items=Schema(one_of=[Schema(type=OpenAPIType.INTEGER), Schema(type=OpenAPIType.NULL)])
)
_WORDS: Final = Schema(
    type=OpenAPIType.ARRAY, items=Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.NULL)])
)


_STATISTICS: Final = Schema(type=OpenAPIType.OBJECT, properties=dict.fromkeys(STATISTICS, _NUMBERS))


def _ward() -> Schema:
    """Schema of the ward's history."""
    patient = _columns(_STATISTICS)
    patient.required = ["uuid", "name", "bed", "scale", "columns"]
    patient.properties = {
        "uuid": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID, description="A uuid of `GET /patients`"),
        "name": Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.NULL)], description="As there"),
        "bed": Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.NULL)], description="As there"),
        **{name: each for name, each in (patient.properties or {}).items() if name != "quality"},
    }
    return Schema(
        type=OpenAPIType.OBJECT,
        required=["from", "to", "every", "patients"],
        properties={
            "from": Schema(type=OpenAPIType.INTEGER, description="Milliseconds since 1970 UTC, included"),
            "to": Schema(type=OpenAPIType.INTEGER, description="Milliseconds since 1970 UTC, excluded"),
            "every": Schema(type=OpenAPIType.INTEGER, description="Milliseconds of a bucket"),
            "patients": Schema(
                type=OpenAPIType.ARRAY, items=patient, description="All patients, by bed and then by name"
            ),
        },
    )


def _columns(of_a_sign: Schema) -> Schema:
    """Schema of columns."""
    time = Schema(type=OpenAPIType.INTEGER, description="Milliseconds since 1970 UTC")
    return Schema(
        type=OpenAPIType.OBJECT,
        required=["scale", "columns"],
        properties={
            "t0": Schema(type=OpenAPIType.INTEGER, description="Time of the first row, milliseconds since 1970 UTC"),
            "step": Schema(type=OpenAPIType.INTEGER, description="Milliseconds from one row to the next"),
            "times": Schema(type=OpenAPIType.ARRAY, items=time, description="In place of t0 and step: uneven times"),
            "scale": _by_sign(Schema(type=OpenAPIType.INTEGER, enum=[10, 100]), "What the values are multiplied by"),
            "columns": _by_sign(of_a_sign, "Values of each row, the oldest first; null where there is none"),
            "quality": _by_sign(_WORDS, "Words about the values of a sign, where there are any"),
        },
    )


def _by_sign(schema: Schema, description: str) -> Schema:
    return Schema(type=OpenAPIType.OBJECT, properties={each.name: schema for each in SIGNS}, description=description)
