"""Names that monitors and their formats give to signs, as `normalised_name` writes them; the preferred source first.

A pressure belongs together: its parts are never taken from two sources.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Name(NamedTuple):
    """A source of signs by the names that monitors give it."""

    # Sign to name.
    signs: Mapping[str, str]
    # True where it comes from the electrodes on the chest.
    electrodes: bool = False
    # True where it measures every few minutes, so that its 0 is no fault.
    cuff: bool = False


# As PhysioNet's MIMIC databases have them.
WFDB: Final = (
    Name({"pulse": "hr"}, electrodes=True),
    Name({"pulse": "pulse"}),
    Name({"resp_rate": "resp"}, electrodes=True),
    Name({"resp_rate": "rr"}, electrodes=True),
    Name({"resp_rate": "awrr"}),
    Name({"systolic": "abpsys", "diastolic": "abpdias", "map": "abpmean"}),
    Name({"systolic": "artsys", "diastolic": "artdias", "map": "artmean"}),
    Name({"systolic": "aosys", "diastolic": "aodias", "map": "aomean"}),
    Name({"systolic": "nbpsys", "diastolic": "nbpdias", "map": "nbpmean"}, cuff=True),
    Name({"systolic": "nibpsys", "diastolic": "nibpdias", "map": "nibpmean"}, cuff=True),
    Name({"spo2": "spo2"}),
    Name({"spo2": "sao2"}),
    Name({"temperature": "temp"}),
    Name({"temperature": "tblood"}),
    Name({"temperature": "tcore"}),
)

# Of Solar8000, Bx50, Primus; and behind them of Intellivue.
VITAL: Final = (
    Name({"pulse": "hr"}, electrodes=True),
    Name({"pulse": "ecghr"}, electrodes=True),
    Name({"pulse": "plethhr"}),
    Name({"pulse": "pulse"}),
    Name({"resp_rate": "rr"}, electrodes=True),
    Name({"resp_rate": "rrco2"}),
    Name({"resp_rate": "co2rr"}),
    Name({"resp_rate": "ventrr"}),
    Name({"systolic": "artsbp", "diastolic": "artdbp", "map": "artmbp"}),
    Name({"systolic": "abpsys", "diastolic": "abpdia", "map": "abpmean"}),
    Name({"systolic": "artsys", "diastolic": "artdia", "map": "artmean"}),
    Name({"systolic": "femsbp", "diastolic": "femdbp", "map": "femmbp"}),
    Name({"systolic": "nibpsbp", "diastolic": "nibpdbp", "map": "nibpmbp"}, cuff=True),
    Name({"systolic": "nibpsys", "diastolic": "nibpdia", "map": "nibpmean"}, cuff=True),
    Name({"spo2": "plethspo2"}),
    Name({"spo2": "plethsato2"}),
    Name({"spo2": "spo2"}),
    Name({"temperature": "bt"}),
    Name({"temperature": "temp"}),
)
