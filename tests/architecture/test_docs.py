"""README, CONTRIBUTING and docs/ are true: links have targets, and the names of code, commands and settings exist."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
import rich_click as click

from icu.cli.main import cli
from icu.config.environment import BRIEF, OTHER_VARIABLES
from icu.config.load import load
from icu.config.settings import AnyChild, Settings
from icu.errors import EXIT_CODES
from icu.store.readings import Reading

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page: page.read_text("utf-8") for page in PAGES}
CHILDREN = {str(child.__struct_config__.tag): child for child in get_args(AnyChild)}
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text_of(name: str) -> str:
    """Return the page of docs/ with this name."""
    return TEXTS[ROOT / "docs" / f"{name}.md"]


def blocks(text: str, language: str) -> list[str]:
    """Find the fenced code of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def prose(text: str) -> str:
    """Return the page without its fenced code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def links(page: Path) -> list[str]:
    """Find the links of a page, except for addresses of the Internet."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(TEXTS[page]))
    return [each for each in found if not each.startswith(("http:", "https:"))]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(TEXTS[page]), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[list[str]]:
    """Find the words behind each `python -m icu` of a page, in blocks and in sentences."""
    lines = [line for block in blocks(text, "sh") for line in re.split(r"\n|&&|&$", block, flags=re.MULTILINE)]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", prose(text))]:
        match = re.search(r"\bpython -m icu\b(.*)", line)
        if match:
            yield shlex.split(match[1], comments=True)


def table(text: str, heading: str) -> dict[str, str]:
    """Return the first two columns of the table with this heading."""
    rows = text[text.index(f"| {heading} |") :].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return {row.split(" | ")[0].removeprefix("| "): row.split(" | ")[1] for row in rows}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """Each link names a file of the project and, behind a `#`, a heading of it."""
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_every_page() -> None:
    """The README links to every page: a page without a link is not read."""
    linked = {(ROOT / link).resolve() for link in links(ROOT / "README.md")}
    assert set(PAGES) <= linked | {ROOT / "README.md"}


@each_page
def test_commands_exist(page: Path) -> None:
    """Each command can be typed as it is printed: command, options and arguments exist."""
    for words in commands(TEXTS[page]):
        command: click.Command = cli
        context = click.Context(cli, info_name="icu", **cli.context_settings)
        rest = words
        # A group may have options of its own, and no command behind them.
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            found = command.get_command(context, rest[0])
            assert found is not None, words
            command, rest = found, rest[1:]
        if rest:  # a command may be named without its words
            command.make_context("icu", rest, parent=context)


def test_commands_are_looked_at() -> None:
    """The test above finds the commands of the README's table, and those in blocks."""
    assert len(list(commands(TEXTS[ROOT / "README.md"]))) >= 15
    assert ["status"] in list(commands(text_of("operating")))


def test_the_readme_names_every_command() -> None:
    """The README names every command, except for those that are for supervisors."""
    named = {word for words in commands(TEXTS[ROOT / "README.md"]) for word in words}
    named |= set(re.findall(r"`(\w+)[ `]", TEXTS[ROOT / "README.md"]))
    listed = {name for name, command in cli.commands.items() if not command.hidden}
    assert listed - named == set()


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    """Scripts and settings that a page names exist."""
    for name in re.findall(r"`((?:scripts|config|\.ci|docs)/[\w./-]*)", TEXTS[page]):
        assert (ROOT / name).exists(), name


def test_the_settings_are_the_defaults(tmp_path: Path) -> None:
    """The example of settings is a whole file that can be loaded, and its values are the defaults."""
    [text] = blocks(text_of("settings"), "toml")
    path = tmp_path / "supervisor.toml"
    path.write_text(text, encoding="utf-8")
    load(path, {})
    written: dict[str, Any] = tomllib.loads(text)
    children = written.pop("child")
    assert [child["role"] for child in children] == list(CHILDREN)
    defaults = msgspec.json.decode(msgspec.json.encode(Settings()))
    for section, value in written.items():
        if isinstance(value, dict):
            assert {name: defaults[section][name] for name in value} == value, section
        else:
            assert defaults[section] == value, section


def settings() -> Iterator[str]:
    """List every key that supervisor.toml may have."""
    for name, kind in get_type_hints(Settings).items():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from get_type_hints(kind)
        elif name != "child":
            yield name
    for child in CHILDREN.values():
        yield from get_type_hints(child)


def test_the_settings_are_all_there_are() -> None:
    """The example has each setting with its default, or behind a `#`, or after the role; and no unknown ones."""
    [text] = blocks(text_of("settings"), "toml")
    written = {*re.findall(r"(\w+) = ", text)} - {"role"}
    also = {word for words in re.findall(r"# also: ([\w, ]+)", text) for word in re.findall(r"\w+", words)}
    assert written <= set(settings())
    assert set(settings()) - written - also == {"sasl_password"}  # it never stands in a file
    assert "ICU_KAFKA_SASL_PASSWORD" in text_of("settings")


def test_the_fields_of_a_reading_are_all_there_are() -> None:
    """Each that the API serves is in an example, with a value."""
    missing = [name for name in Reading.__struct_encode_fields__ if f'"{name}": ' not in text_of("api")]
    assert not missing, "describe them in docs/api.md, A reading"


def test_the_rooms_are_all_there_are() -> None:
    """Each room and file of icu/ is named to those who look for their way."""
    text = TEXTS[ROOT / "CONTRIBUTING.md"]
    found = {path.parent.name for path in (ROOT / "icu").glob("*/__init__.py")}
    found |= {path.name for path in (ROOT / "icu").glob("[!_]*.py")}
    missing = [name for name in found if not re.search(rf"`(icu/)?{re.escape(name)}[`/]", text)]
    assert not missing, "name them in CONTRIBUTING.md, Where to read first"


def test_the_variables_are_all_there_are() -> None:
    """The table of variables has all that have names of their own; the others are made of section and key."""
    named = {name.strip("`") for name in table(text_of("settings"), "variable")} - {"ICU_SECTION_KEY"}
    assert named == {*BRIEF, *OTHER_VARIABLES, "PATIENT_UUID"}


def test_the_exit_codes_are_all_there_are() -> None:
    """The table of exit codes has those of all errors, and those of no error: done, a low scorecard, Ctrl-C."""
    assert {int(code) for code in table(text_of("operating"), "code")} == {*EXIT_CODES.values(), 0, 1, 130}


def test_the_figures_are_all_there_are() -> None:
    """The table of metrics has all of them, by their names in Prometheus."""
    source = "".join(path.read_text("utf-8") for path in (ROOT / "icu").rglob("*.py"))
    kinds = {"Counter": "_total", "Info": "_info"}
    made = re.findall(r'\b(Counter|Gauge|Histogram|Info)(?:MetricFamily)?\(\s*"(icu_\w+)"', source)
    documented = re.findall(r"`(icu_\w+)", "".join(table(text_of("operating"), "figure")))
    assert sorted(documented) == sorted(f"{name}{kinds.get(kind, '')}" for kind, name in made)


@each_page
def test_figures_that_are_named_exist(page: Path) -> None:
    """Metrics that sentences or examples of alerts name exist."""
    known = re.findall(r"`(icu_\w+)", "".join(table(text_of("operating"), "figure")))
    named = re.findall(r"\b(icu_(?:sink|patient|child|http|transport|ready)\w*?)(?:_bucket)?\b", TEXTS[page])
    assert set(named) <= set(known)


def test_the_scenarios_are_all_there_are() -> None:
    """The table of scenarios has all of them, by the names of their files."""
    named = re.findall(r"`([\w-]+)`", "".join(table(text_of("patients"), "scenario")))
    assert sorted(named) == sorted(path.stem for path in (ROOT / "config" / "scenarios").glob("*.toml"))
