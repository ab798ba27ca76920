"""`alarms`, called as from a shell: the list, and answers to alarms."""

import json
import sys
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from icu.access.roles import Role
from tests.ports import free_port
from tests.stores import connected
from tests.unit.cli.clinical.conftest import PETROVA, Stage, Ward
from tests.unit.cli.conftest import Run


def test_the_most_urgent_first(icu: Run, ward: Ward) -> None:
    """A line an alarm, with priority, bed, patient, condition, value, limit, age and state; then the totals."""
    ward.alarm("Boris", "pulse.high", value=13_000, limit=12_000)
    ward.alarm("Anna Petrova", tier=1, value=7_850, limit=8_000)
    code, out, err = icu("alarms")
    assert (code, err) == (0, "")
    first, second, *others = out.splitlines()
    beds = {str(each) for each in "123"}
    assert [first.split()[:2], second.split()[:2]] == [["!!!", "high"], ["!!", "medium"]]
    assert first.split()[2] in beds
    assert first.endswith("Anna Petrova  spo2.low    78.5 %    80   1 min  sounds")
    assert second.endswith("Boris         pulse.high  130 /min  120  1 min  sounds")
    assert others[0] == "nobody watches this ward: no sink has ever run on its database"
    assert others[1].endswith("ward: 2 alarms: 1 high, 1 medium; 3 beds taken")


def test_one_patient(icu: Run, ward: Ward) -> None:
    """The alarms of one patient alone, as the API has them where JSON is asked for."""
    ward.alarm("Boris")
    mine = ward.alarm()
    code, out, _ = icu("alarms", "--patient", "petrova", "--json")
    [found] = json.loads(out)
    assert (code, found["id"], found["patient_uuid"]) == (0, str(mine.id), str(PETROVA))
    assert len(out.splitlines()) == 1
    assert "spo2.low" not in icu("alarms", "--patient", "Weiß")[1]


def test_no_alarms(icu: Run, ward: Ward) -> None:
    """A quiet ward says so, and that nobody watches it where there is no sink."""
    code, out, _ = icu("alarms")
    assert code == 0
    assert out.splitlines()[-1].endswith("ward: no alarms; 3 beds taken")
    assert "no sink has ever run" in out


@pytest.mark.parametrize("words", [("Anna Petrova",), (str(PETROVA),), ("petrova", "spo2.low"), ("Petrova", "spo2")])
def test_acknowledge(icu: Run, ward: Ward, words: tuple[str, ...]) -> None:
    """The alarm is shown, and acknowledged by a name that is said to be unverified."""
    ward.alarm(worst=8_800)
    code, out, err = icu("alarms", "ack", *words, "--by", "Nurse Okafor", "--why", "suction")
    assert (code, err) == (0, "")
    shown, done = out.splitlines()
    assert shown.startswith("!! medium: bed ")
    assert shown.endswith(", Anna Petrova: spo2.low: 89 %, limit 90, worst 88, for 1 min, sounds")
    assert done == "acknowledged by Nurse Okafor (unverified): silent, for 3 min if it stays present"
    assert ward.audit() == [("acknowledge", "Nurse Okafor", "done")]
    assert icu("alarms")[1].splitlines()[0].endswith("acknowledged by Nurse Okafor")


def test_the_login_name(icu: Run, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --by the author is the login name."""
    monkeypatch.setenv("LOGNAME", "okafor")
    alarm = ward.alarm()
    assert icu("alarms", "ack", str(alarm.id))[0] == 0
    assert ward.audit() == [("acknowledge", "okafor", "done")]


def test_acknowledged_already(icu: Run, ward: Ward) -> None:
    """The second person learns the first one's name, which stays."""
    ward.alarm()
    icu("alarms", "ack", "Petrova", "--by", "Ann")
    code, out, _ = icu("alarms", "ack", "Petrova", "--by", "Ben")
    assert (code, out.splitlines()[1]) == (0, "acknowledged already, by Ann: that name stays")


def test_a_latched_alarm_ends(icu: Run, ward: Ward) -> None:
    """An acknowledgement of an alarm that is over ends it."""
    ward.alarm(tier=1, presence="absent", signal="latched", onsets=(None, None))
    code, out, _ = icu("alarms", "ack", "Petrova", "--by", "Ann")
    assert code == 0
    shown, done = out.splitlines()
    assert shown.endswith("over, not acknowledged, sounds")
    assert done == "acknowledged by Ann (unverified): it was over, and has ended"


def test_an_alarm_that_sounds_again_meanwhile(icu: Run, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm that became worse between the look and the answer is not acknowledged: 64, with the state that holds."""
    ward.alarm()
    worse = "UPDATE alarms SET seen = 2, tier = 1, priority = 'high'"
    monkeypatch.setattr(sys, "stdout", Stage(lambda: ward.execute(worse)))
    code, _, err = icu("alarms", "ack", "Petrova", "--by", "Ann")
    assert code == 64
    assert err == (
        "icu: this alarm has sounded again since you saw it, or never had this `seen`: look at it, and send its new "
        "`seen`; now: spo2.low, high, sounds\n"
    )
    assert ward.audit() == [("acknowledge", "Ann", "seen before")]


def test_who_is_meant(icu: Run, ward: Ward) -> None:
    """A word that names several patients or alarms is answered with these, one that names none with what there is."""
    ward.alarm()
    ward.alarm(condition="pulse.high")
    for words, code, text in (
        (("Anna",), 64, "'Anna' names 2 patients: bed "),
        (("9",), 4, "no bed or patient is called 9: "),
        (("Petrova",), 64, "Anna Petrova has 2 alarms, say which: "),
        (("Petrova", "map"), 4, "Anna Petrova has no alarm map now: there are "),
        (("Petrova", "spo"), 4, "Anna Petrova has no alarm spo now: there are "),
        (("Boris",), 4, "Boris has no alarm now\n"),
        (("a", "b", "c"), 64, "say which bed or patient, and which condition"),
    ):
        found, out, err = icu("alarms", "ack", *words, "--by", "Ann")
        assert (found, out) == (code, "")
        assert text in err
        assert len(err.splitlines()) == 1
    assert ward.audit() == []


def test_shelve(icu: Run, ward: Ward) -> None:
    """An alarm is silent for a time that is shown; for over an hour, or without a reason, is refused in words."""
    ward.alarm()
    words = ("alarms", "shelve", "Petrova", "--by", "Ann")
    assert icu(*words) == (64, "", "icu: --why is missing (see python -m icu alarms shelve --help)\n")
    code, _, err = icu(*words, "--why", "known", "--for", "2h")
    assert code == 64
    assert "write minutes above 0, up to 60" in err
    code, out, _ = icu(*words, "--why", "known")
    assert code == 0
    assert out.splitlines()[1].endswith(" by Ann (unverified): shown, but silent")
    assert icu("alarms")[1].splitlines()[0].endswith(" by Ann: known")
    ward.alarm("Boris", tier=1)
    code, _, err = icu("alarms", "shelve", "Boris", "--why", "known")
    assert code == 64
    assert err.endswith("acknowledge it, or pause the bed; now: spo2.low, high, sounds\n")


def test_pause_and_silence(icu: Run, ward: Ward) -> None:
    """A pause names the bed and its end, which the list shows too; silence pauses what sounds."""
    ward.alarm()
    code, out, _ = icu("alarms", "silence", "--by", "Ann", "--for", "60s")
    assert code == 0
    assert ", Anna Petrova: silent until " in out
    assert icu("alarms", "silence", "--by", "Ben")[1] == "no bed sounds: nothing was silenced\n"
    code, out, _ = icu("alarms", "pause", "Boris", "--by", "Ben")
    assert (code, out.endswith(" by Ben (unverified)\n")) == (0, True)
    lines = icu("alarms")[1].splitlines()
    assert lines[0].endswith("  paused")
    assert [each.split(": ")[0].split(", ")[1] for each in lines if " paused until " in each] == [
        "Anna Petrova",
        "Boris",
    ]
    code, _, err = icu("alarms", "pause", "Boris", "--for", "5min")
    assert (code, "120" in err) == (64, True)


def test_no_monitor(icu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """75 where nothing answers, with what to do, by ICU_URL, --url or the settings; 64 for what is no address."""
    port = free_port()
    text = f"icu: no monitor answers at http://127.0.0.1:{port}: Connection refused; start the ward"
    code, out, err = icu("alarms", "--url", f"http://127.0.0.1:{port}")
    assert (code, out, err.startswith(text)) == (75, "", True)
    monkeypatch.setenv("ICU_URL", f"http://127.0.0.1:{port}")
    assert icu("alarms", "pause", "7")[2].startswith(text)
    assert icu("limits", "show", "--url", "ftp://x")[0] == 64


def test_the_address_in_the_settings(icu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host, port and prefix of the monitor are those of the settings; 64 where they have none."""
    with open("supervisor.toml", "w") as file:  # noqa: PTH123 - in the current folder
        file.write('[api]\nprefix = "/v1"\n[[child]]\nrole = "monitor"\nhost = "::"\nport = 39999\n')
    code, _, err = icu("alarms")
    assert (code, "at http://[::1]:39999/v1: " in err) == (75, True)
    with open("supervisor.toml", "w") as file:  # noqa: PTH123 - in the current folder
        file.write('[[child]]\nrole = "sink"\n')
    code, _, err = icu("alarms")
    assert (code, "the settings have no monitor" in err) == (64, True)


def test_a_monitor_that_asks_for_a_key(icu: Run, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of ICU_KEY is sent along: without it, or with too small a role, 70 with what to do. It is the author."""
    ward.alarm()
    keys = ward.close()
    code, _, err = icu("alarms")
    assert (code, "write the key into the variable ICU_KEY" in err) == (70, True)
    monkeypatch.setenv("ICU_KEY", keys[Role.VIEWER])
    assert icu("alarms")[0] == 0
    code, _, err = icu("alarms", "ack", "Petrova", "--by", "Ann")
    assert (code, "the role nurse; key:viewer has the role viewer" in err) == (70, True)
    monkeypatch.setenv("ICU_KEY", keys[Role.NURSE])
    assert icu("alarms", "ack", "Petrova", "--by", "Ann")[0] == 0
    assert ("acknowledge", "key:nurse", "done") in ward.audit()
    monkeypatch.setenv("ICU_KEY", "Bearer\n")
    code, _, err = icu("alarms")
    assert (code, "ICU_KEY holds no key" in err) == (64, True)


def test_a_database_that_cannot_be_written(icu: Run, ward: Ward) -> None:
    """75 with the reason and what to do, and nothing is done."""
    ward.alarm()
    with closing(connected(ward.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, out, err = icu("alarms", "ack", "Petrova", "--by", "Ann")
        other.execute("ROLLBACK")
    assert (code, len(out.splitlines())) == (75, 1)
    assert err.startswith("icu: the monitor cannot do this now: ")
    assert err.endswith("database is locked; try again\n")
    assert ward.audit() == []


class Greeter(BaseHTTPRequestHandler):
    """Another program, which greets each guest."""

    def do_GET(self) -> None:
        """Greet."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *words: object) -> None:
        """Log nothing."""


def test_another_program(icu: Run) -> None:
    """An answer that is no monitor's is named, and not shown: 64."""
    with HTTPServer(("127.0.0.1", 0), Greeter) as server:
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for words in ((), ("--json",), ("--watch",)):
            code, out, err = icu("alarms", "--url", url, *words)
            assert (code, out) == (64, "")
            assert err.startswith(f"icu: no monitor of this version is at {url}: ")
        server.shutdown()


def test_without_the_prefix(icu: Run, ward: Ward) -> None:
    """A wrong address is quoted beside the answer that comes from there."""
    url = ward.url.removesuffix("/api")
    code, out, err = icu("alarms", "--url", f"{url}/")
    assert (code, out) == (70, "")
    assert err.startswith(f"icu: {url}/ward: nothing is served at this path")


def test_options_before_a_command(icu: Run) -> None:
    """An option that would take no part in a command is refused."""
    code, _, err = icu("alarms", "--json", "ack", "7")
    assert (code, err) == (64, "icu: --json stands before ack: write it behind, if ack has it\n")
