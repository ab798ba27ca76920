"""True states of emulated patients, and scenarios for them: the same at a bedside, on the control socket, in the API.

Docstrings and descriptions of the struct are the texts of the OpenAPI documents.
"""

from datetime import datetime
from typing import Annotated, Literal, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from msgspec import Meta, Struct

# Reasons for an admission.
Admission: TypeAlias = Literal["surgery", "cardiac", "sepsis", "respiratory", "neurological", "trauma"]


class State(Struct, frozen=True):
    """True state of a simulated patient, which no monitor shows. Texts are empty where there is nothing to say."""

    patient_uuid: Annotated[UUID, Meta(description="Whose it is")]
    timestamp: Annotated[
        datetime | None, Meta(description="Of the reading that it stands beside; null before the first")
    ]
    scenario: Annotated[str, Meta(description="Present scenario; empty without one", examples=["sepsis"])]
    phase: Annotated[str, Meta(description="How far it has come; empty without a scenario")]
    event: Annotated[str, Meta(description="What staff did and still shows; empty where it was nothing")]
    age: Annotated[int, Meta(description="Years", examples=[67])]
    sex: Annotated[Literal["female", "male"], Meta(description="As it is on the chart")]
    condition: Annotated[Admission, Meta(description="What the patient came for")]


# Litestar checks the types of dependencies.
@runtime_checkable
class Emulation(Protocol):
    """Emulated patients, wherever they run."""

    async def truth(self, patient: UUID) -> State:
        """Return the true state of a patient.

        Raises:
            IcuError: Of kind CONFLICT for a patient who is recorded, or whom no running child emulates here; of kind
                UNAVAILABLE where the child or its supervisor does not answer.
        """

    async def change_scenario(self, patient: UUID, scenario: str) -> tuple[State, State]:
        """Begin a scenario for a patient now, in place of the current one.

        Returns:
            The true states before and after.

        Raises:
            IcuError: As for `truth`; of kind UNKNOWN where there is no such scenario.
        """
