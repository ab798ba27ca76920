"""What the beds of one process tell about themselves."""

from prometheus_client import CollectorRegistry, Counter


class Telemetry:
    """The patients' figures on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.produced = Counter("icu_patient_produced", "Observations made", registry=registry)
        self.delivered = Counter("icu_patient_delivered", "Observations that the transport holds", registry=registry)
        self.missed = Counter(
            "icu_patient_missed", "Observations left out because the emulator was late", registry=registry
        )
        self.empty = Counter("icu_patient_empty_rows", "Rows of recordings without any sign", registry=registry)
