"""Texts of the page about emulated patients, compared with what the project ships."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import icu.monitor.web
from icu.config.load import packaged
from icu.patient.body.care import TREATMENTS
from icu.patient.scenarios import load_scenarios
from tests.extras import node

TEXTS = Path(icu.monitor.web.__file__).parent / "app" / "text"
SHIPPED = load_scenarios(packaged("config", "scenarios"))


def catalogue(language: str) -> dict[str, str]:
    """Return the texts of a language that are about emulated patients."""
    script = f"import('{(TEXTS / f'{language}.js').as_uri()}').then((found) => console.log(JSON.stringify(found)))"
    done = subprocess.run([node("node"), "-e", script], check=True, capture_output=True, text=True)
    texts: dict[str, Any] = json.loads(done.stdout)[language]
    return {key: text for key, text in texts.items() if key.startswith(("course.", "phase.", "care."))}


def words() -> Iterator[str]:
    """Yield the key of each text about a scenario or a treatment that the server says in English."""
    for name, scenario in SHIPPED.items():
        yield f"course.{name}"
        yield from [f"course.{name}.note"] if scenario.note else []
        yield from (f"phase.{phase.name}" for phase in scenario.phase)
    yield from (f"care.{treatment.name}" for treatment in TREATMENTS)


def test_each_scenario_has_its_own_title_in_english() -> None:
    """The page says what the scenario's file says, beside a patient too, of whom the server tells its name alone."""
    assert catalogue("en") == {f"course.{name}": scenario.title for name, scenario in SHIPPED.items()}


def test_all_words_about_scenarios_are_there_in_russian() -> None:
    """Titles, notes, phases and treatments that the project ships, and no text of one that is gone."""
    texts = catalogue("ru")
    assert texts.keys() == set(words())
    assert all(any("а" <= letter <= "я" for letter in text.lower()) for text in texts.values())
