"""Patients by the words that people type."""

from uuid import uuid4

import pytest

from icu.cli.clinical.choosing import Patient, choose_patient
from icu.control.errors import UnknownBedError
from icu.errors import UsageError

PATIENTS = [Patient(uuid4(), f"Anna {number}", str(number)) for number in (10, 2, 11, 1)]


def test_beds_in_the_order_of_their_numbers() -> None:
    """Messages name beds as people count, not in the order of the database."""
    with pytest.raises(UnknownBedError, match=r"there are 1, 2, 10, 11$"):
        choose_patient(PATIENTS, "theatre")
    with pytest.raises(UsageError, match=r"bed 1, Anna 1; bed 2, Anna 2; bed 10, Anna 10; bed 11, Anna 11$"):
        choose_patient(PATIENTS, "anna")
