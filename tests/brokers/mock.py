"""librdkafka's mock broker: it needs only a pip package, and forgets everything when it stops."""

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_int16, c_int32, c_size_t, c_void_p
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PRODUCER = 0
EVERY_BROKER = -1
# A request's number in the protocol, as librdkafka's error codes are the protocol's own.
PRODUCE = 0

# The arguments and the result of each function that is called; ctypes would cut pointers without them.
FUNCTIONS: dict[str, tuple[list[Any], Any]] = {
    "conf_new": ([], c_void_p),
    "conf_set": ([c_void_p, c_char_p, c_char_p, c_char_p, c_size_t], c_int),
    "new": ([c_int, c_void_p, c_char_p, c_size_t], c_void_p),
    "destroy": ([c_void_p], None),
    "mock_cluster_new": ([c_void_p, c_int], c_void_p),
    "mock_cluster_destroy": ([c_void_p], None),
    "mock_cluster_bootstraps": ([c_void_p], c_char_p),
    "mock_topic_create": ([c_void_p, c_char_p, c_int, c_int], c_int),
    "mock_broker_set_down": ([c_void_p, c_int32], c_int),
    "mock_broker_set_up": ([c_void_p, c_int32], c_int),
    "mock_partition_set_leader": ([c_void_p, c_char_p, c_int32, c_int32], c_int),
    "mock_push_request_errors_array": ([c_void_p, c_int16, c_size_t, POINTER(c_int)], None),
}


class MockKafka:
    """A broker of one node inside this process, in threads of its own."""

    real = False

    def __init__(self, brokers: int = 1) -> None:
        self._brokers = brokers
        self._library = _library()
        self._client: int | None = None
        self._cluster: int | None = None

    @property
    def bootstrap(self) -> str:
        """Address of the broker, another one after each start."""
        found: bytes = self._call("mock_cluster_bootstraps", self._cluster)
        return found.decode()

    def start(self) -> None:
        """Start an empty broker."""
        reason = ctypes.create_string_buffer(512)
        config = self._call("conf_new")
        # The client that carries the cluster would say that it knows no broker.
        self._call("conf_set", config, b"log_level", b"0", reason, len(reason))
        self._client = self._call("new", PRODUCER, config, reason, len(reason))
        if self._client is None:
            raise RuntimeError(f"librdkafka does not start: {reason.value.decode()}")
        self._cluster = self._call("mock_cluster_new", self._client, self._brokers)

    def stop(self) -> None:
        """Stop the broker, and forget all."""
        self._call("mock_cluster_destroy", self._cluster)
        self._call("destroy", self._client)
        self._cluster = self._client = None

    def create_topic(self, name: str, partitions: int = 6) -> None:
        """Make a topic."""
        code = self._call("mock_topic_create", self._cluster, name.encode(), partitions, 1)
        if code:
            raise RuntimeError(f"librdkafka does not make the topic {name}: error {code}")

    def down(self, broker: int = EVERY_BROKER) -> None:
        """Close the connections of a broker, or of all, and refuse new ones. It keeps its partitions."""
        self._call("mock_broker_set_down", self._cluster, broker)

    def up(self, broker: int = EVERY_BROKER) -> None:
        """Accept connections again, with all records as they were."""
        self._call("mock_broker_set_up", self._cluster, broker)

    def lead(self, topic: str, partition: int, broker: int) -> None:
        """Make a broker the leader of a partition."""
        self._call("mock_partition_set_leader", self._cluster, topic.encode(), partition, broker)

    def refuse_next_produce(self, code: int) -> None:
        """Answer the next batches with this error."""
        self._call("mock_push_request_errors_array", self._cluster, PRODUCE, 1, (c_int * 1)(code))

    def _call(self, name: str, *words: Any) -> Any:
        function = self._library[f"rd_kafka_{name}"]
        function.argtypes, function.restype = FUNCTIONS[name]
        return function(*words)


def _library() -> ctypes.CDLL:
    """Find the library inside the wheel of confluent-kafka."""
    spec = find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        raise RuntimeError("the mock broker needs confluent-kafka: pip install confluent-kafka")
    package = Path(spec.origin).parent
    linux, macos = package.with_name("confluent_kafka.libs"), package / ".dylibs"
    found = [*linux.glob("librdkafka[-.]*"), *macos.glob("librdkafka[-.]*")]
    if not found:
        raise RuntimeError(f"no librdkafka in {linux} or {macos}")
    return ctypes.CDLL(str(found[0]))
