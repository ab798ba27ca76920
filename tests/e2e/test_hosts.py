"""Host names that the servers of a ward accept, by their settings."""

from pathlib import Path

from tests import web
from tests.e2e.conftest import Start
from tests.ports import free_port

EVIL = {"Host": "evil.example"}


def test_on_loopback_each_server_answers_to_known_names(start: Start, tmp_path: Path) -> None:
    """Monitor, sink and bed on loopback refuse unknown names; a bed on another address accepts any, for its health."""
    sink, bed, open_bed = free_port(), free_port(), free_port()
    (tmp_path / "supervisor.toml").write_text(
        f'[api]\nhosts = ["ward.example"]\n[[child]]\nrole = "sink"\nport = {sink}\n[[child]]\nrole = "monitor"\n'
        f'[[child]]\nrole = "patient"\nname = "Anna"\nport = {bed}\n'
        f'[[child]]\nrole = "patient"\nname = "Boris"\nport = {open_bed}\nhost = "0.0.0.0"\n'
    )
    ward = start("supervise").ready()
    for port in (ward.port, sink, bed):
        for path in ("/health/live", "/metrics"):
            url = f"http://127.0.0.1:{port}{path}"
            assert web.get(url, headers=EVIL).status_code == 400
            assert web.get(url, headers={"Host": "ward.example"}).status_code == 200
            assert web.get(url.replace("127.0.0.1", "localhost")).status_code == 200
    statuses = {
        path: web.get(f"http://127.0.0.1:{open_bed}{path}", headers=EVIL).status_code for path in ("/", "/metrics")
    }
    assert statuses == {"/": 403, "/metrics": 200}
    assert ward.stop() == 0
