"""Java for a broker, and the artifacts that .ci/kafka has downloaded."""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
OLDEST = 17

# A broker for tests: small, and quick to start rather than quick to run.
FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")


def available() -> str | None:
    """Return the folder with the broker's artifacts; None without them or without a Java that runs them."""
    found = re.search(r'version "(\d+)', _version())
    fits = found is not None and int(found[1]) >= OLDEST
    return str(_libs()) if fits and _libs().is_dir() else None


def command(*options: str) -> list[str]:
    """Return the command line that starts Java with the broker's classes."""
    # Sorted, because a class-data archive fits the very same class path only.
    jars = sorted(str(jar) for jar in _libs().glob("*.jar"))
    return ["java", *FLAGS, *options, "-cp", os.pathsep.join(jars)]


def class_data(new: Path) -> str:
    """Return the option that uses the kept class data or, without any, writes it to `new` at a regular exit."""
    kept = _class_data()
    return f"-XX:SharedArchiveFile={kept}" if kept.exists() else f"-XX:ArchiveClassesAtExit={new}"


def keep_class_data(new: Path) -> None:
    """Keep the class data that a broker has written, if any; the next brokers start in half the time."""
    if new.exists():
        with tempfile.NamedTemporaryFile(dir=_libs(), delete=False) as part:
            shutil.copyfile(new, part.name)
        Path(part.name).replace(_class_data())
        new.unlink()


def _libs() -> Path:
    """Return the folder that .ci/kafka makes."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    [version] = re.findall("<kafka.version>(.*)</kafka.version>", POM.read_text())
    return cache / "icu-tests" / f"kafka-{version}"


def _class_data() -> Path:
    """Return the path of the class data for this version of Java."""
    return _libs() / f"{hashlib.sha256(_version().encode()).hexdigest()[:12]}.jsa"


@functools.cache
def _version() -> str:
    """Return the version text of Java; empty without Java."""
    try:
        return subprocess.run(["java", "-version"], check=False, capture_output=True, text=True).stderr
    except FileNotFoundError:
        return ""
