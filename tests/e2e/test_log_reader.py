"""A stalled reader of the log delays neither the ward nor its stop."""

import os
import signal
import sys
import time
from pathlib import Path

import httpx

from tests import web
from tests.conftest import Spawn
from tests.e2e.conftest import TIMEOUT
from tests.ports import free_port


def filled() -> tuple[int, int]:
    """Make a full pipe: its reader and its writer."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b".")
    except BlockingIOError:
        os.set_blocking(writer, True)
    return reader, writer


def test_a_stalled_reader_of_the_log(spawn: Spawn, tmp_path: Path) -> None:
    """With a full pipe for its log, the ward starts, serves and stops on request."""
    reader, writer = filled()
    port = free_port()
    ward = spawn(
        [sys.executable, "-m", "icu", "supervise", "--port", str(port)],
        cwd=tmp_path,
        stderr=writer,
        env={**os.environ, "METRICS_INTERVAL": "0.2", "ICU_LOG_LEVEL": "DEBUG"},
    )
    os.close(writer)
    try:
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                assert web.get(f"http://127.0.0.1:{port}/health/live", timeout=TIMEOUT).status_code == 200
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        time.sleep(1)
        assert web.get(f"http://127.0.0.1:{port}/patients", timeout=TIMEOUT).json()
        ward.send_signal(signal.SIGTERM)
        assert ward.wait(15) == 0
    finally:
        os.close(reader)
