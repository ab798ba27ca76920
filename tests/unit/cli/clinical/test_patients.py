"""`patients`, called as from a shell: admission, standby, discharge, and the inputs of NEWS2."""

from tests.stores import rows
from tests.unit.cli.clinical.conftest import Ward
from tests.unit.cli.conftest import Run


def test_to_another_bed_and_back_to_watching(icu: Run, ward: Ward) -> None:
    """An admission gives the bed that is named, and ends a standby."""
    code, out, _ = icu("patients", "standby", "Boris", "--by", "Ann")
    assert (code, ", Boris: not watched until " in out, "by Ann (unverified)" in out) == (0, True, True)
    assert "by Ann (unverified)" in icu("patients", "standby", "Boris", "--by", "Ben")[1]
    assert icu("patients", "admit", "Boris", "--bed", "A 7", "--by", "Ben")[:2] == (0, "bed A 7, Boris: watched\n")
    assert rows(ward.database, "SELECT bed, standby_until FROM bed_states WHERE bed = 'A 7'") == [("A 7", None)]
    assert ward.audit() == [("standby", "Ann", "done"), ("standby", "Ben", "unchanged"), ("admit", "Ben", "done")]


def test_a_bed_that_is_taken(icu: Run, ward: Ward) -> None:
    """The line names who has it; a label that is none is refused with the monitor's own sentence: 64."""
    assert icu("patients", "admit", "Petrova", "--bed", "9")[0] == 0
    code, out, err = icu("patients", "admit", "Boris", "--bed", "9")
    assert (code, out, err.endswith("name another one; now: bed 9, Anna Petrova\n")) == (64, "", True)
    code, _, err = icu("patients", "admit", "Boris", "--bed", "")
    assert (code, err) == (64, "icu: bed: a label has 1 to 16 characters\n")


def test_gone_and_back(icu: Run, ward: Ward) -> None:
    """A discharge frees the bed; the patient is found by name afterwards, and gets the lowest free number again."""
    [(bed,)] = rows(ward.database, "SELECT bed FROM bed_states JOIN patients ON id = patient_id WHERE name = 'Boris'")
    code, out, _ = icu("patients", "discharge", bed, "--by", "Ann")
    assert (code, out) == (0, f"bed {bed}, Boris: discharged; a newer reading brings the patient back\n")
    assert icu("patients", "discharge", bed)[0] == 4
    assert icu("patients", "discharge", "boris")[1].startswith("Boris: discharged already; ")
    assert icu("patients", "standby", "boris")[0] == 64
    assert icu("patients", "admit", "boris")[1] == f"bed {bed}, Boris: watched\n"


def test_inputs_of_news2(icu: Run, ward: Ward) -> None:
    """Inputs without a change stay: assumed at first, then as they were entered. The score follows."""
    score, inputs = icu("patients", "news2", "Boris")[1].splitlines()
    assert (score.split(": ", 1)[1], inputs) == ("NEWS2 0, zero", "  air, alert, scale 1: assumed")
    for words, shown, points in (
        (("--oxygen",), "oxygen, alert, scale 1", "2, low"),
        (("--consciousness", "voice"), "oxygen, voice, scale 1", "5, medium"),
        (("--air", "--scale", "2"), "air, voice, scale 2", "3, low-medium"),
    ):
        code, out, _ = icu("patients", "news2", "Boris", *words, "--by", "Ann")
        assert code == 0
        assert out.splitlines()[0].endswith(f"Boris: NEWS2 {points}")
        assert out.splitlines()[1] == f"  {shown}: entered by Ann (unverified)"
    assert ward.audit() == [("news2", "Ann", "done")] * 3
    assert icu("patients", "news2", "Boris", "--consciousness", "asleep")[0] == 64


def test_a_partial_sum(icu: Run, ward: Ward) -> None:
    """Without a value of each sign there is no score, and the line says which are missing."""
    ward.execute("UPDATE patient_metrics SET temperature = NULL")
    out = icu("patients", "news2", "Boris")[1]
    assert "Boris: no NEWS2: 0 points without temperature\n" in out
