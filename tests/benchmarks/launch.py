"""Time from launch to the first reading in the API, beside that of the imports alone."""

import subprocess
import sys
import tempfile
import time
from statistics import median

from tests.benchmarks.wards import free_port, running, until

ROUNDS = 5


def main() -> None:
    """Print both in seconds, and their ratio."""
    imports: list[float] = []
    launches: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import litestar, sqlalchemy.ext.asyncio, aiokafka"], check=True)
        imports.append(time.perf_counter() - began)
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            with running(["supervise", "--port", str(port)], folder):
                until(f"http://127.0.0.1:{port}/patients", b'"pulse"')
                launches.append(time.perf_counter() - began)
    print(f"imports alone              {median(imports):5.2f} s")
    ratio = median(launches) / median(imports)
    print(f"launch to first reading    {median(launches):5.2f} s  {ratio:.2f} x the imports")
    print(f"slowest of {ROUNDS}               {max(launches):5.2f} s")
