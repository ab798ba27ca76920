"""Damages recordings of monitors and reads them, in a process with bounded memory and time.

`python -m tests.unit.patient.recordings.monitors.fuzz FILE SEED ROUNDS`: FILE, and what lies beside it, is damaged at
random. Prints what was neither read nor refused with a RecordingError.
"""

import gzip
import random
import resource
import sys
import tempfile
import warnings
from pathlib import Path
from time import process_time

from icu.patient.errors import RecordingError
from icu.patient.recordings import read_recordings

# Bytes beside what the libraries themselves take.
MEMORY = 2_000_000_000
# Of the processor, for one file.
SECONDS = 20.0


def damaged(content: bytes, dice: random.Random) -> bytes:
    """Return the bytes with some bits flipped, some bytes replaced, or the end cut off."""
    if not content:
        return content
    changed = bytearray(content)
    for _ in range(dice.choice([1, 1, 2, 5])):
        at = dice.randrange(len(changed))
        match dice.randrange(4):
            case 0:
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                changed[at] = dice.randrange(256)
            case 2:
                changed[at : at + 1] = dice.choice(
                    [b"9999999999999", b"-5", b"0", b" ", b"\xff\xff\xff\xff", b"x", b"/", b"e9"]
                )
            case _:
                del changed[at : at + dice.choice([1, 2, len(changed)])]
                changed = changed or bytearray(b"\0")
    return bytes(changed)


def damaged_inside(content: bytes, dice: random.Random) -> bytes:
    """Damage the content below a valid checksum."""
    if content[:2] == b"\x1f\x8b" and dice.random() < 0.8:
        return gzip.compress(damaged(gzip.decompress(content), dice))
    return damaged(content, dice)


def main(path: Path, seed: int, rounds: int) -> None:
    """Damage and read the file, and print every error that is no RecordingError."""
    files = [each for each in path.parent.iterdir() if each.is_file()]
    read_recordings(path, step=1)  # whose libraries are loaded now
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024
    resource.setrlimit(resource.RLIMIT_DATA, (before + MEMORY, before + MEMORY))
    warnings.simplefilter("ignore")
    for number in range(seed, seed + rounds):
        dice = random.Random(number)
        with tempfile.TemporaryDirectory() as folder:
            for each in files:
                (Path(folder) / each.name).write_bytes(each.read_bytes())
            victim = Path(folder) / dice.choice(files).name
            victim.write_bytes(damaged_inside(victim.read_bytes(), dice))
            begun = process_time()
            try:
                read_recordings(Path(folder) / path.name, step=1)
            except RecordingError as exc:
                if len(str(exc)) > 600 or "\n" in str(exc):
                    print(number, "long", exc)
            except BaseException as exc:  # noqa: BLE001 - that is what is looked for
                print(number, type(exc).__name__, exc)
            if process_time() - begun > SECONDS:
                print(number, "slow", process_time() - begun)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 - before
    if more > MEMORY // 2:
        print("memory", more)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
