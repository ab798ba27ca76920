"""`compose.yaml`: its services fit each other, their commands are ours, and it holds no secret."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml

from icu.cli.main import cli
from icu.config.environment import unknown_variables
from icu.config.load import from_environment

ROOT: Final = Path(__file__).parents[2]
FILE: Final = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: Final[Mapping[str, Any]] = FILE["services"]
NGINX: Final = (ROOT / "config" / "nginx.conf").read_text("utf-8")

# Services of our own image, and those that keep data or pass it on.
OURS: Final = sorted(name for name, each in SERVICES.items() if "build" in each)
HOSPITAL: Final = sorted(name for name, each in SERVICES.items() if "hospital" in each.get("profiles", ["hospital"]))

each_service = pytest.mark.parametrize("name", sorted(SERVICES))
each_of_ours = pytest.mark.parametrize("name", OURS)


def parameters(name: str) -> dict[str, Any]:
    """Parse the command of a service with our command line; return the values of its options."""
    group, rest = cli, SERVICES[name]["command"]
    context = click.Context(cli, **cli.context_settings)
    while isinstance(group.commands[rest[0]], click.Group):
        group, rest = group.commands[rest[0]], rest[1:]
    return dict(group.commands[rest[0]].make_context("icu", list(rest[1:]), parent=context).params)


def environment(name: str) -> dict[str, str]:
    """Return the environment of a service, with the defaults of what the user may set."""
    found = SERVICES[name].get("environment", {})
    return {key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for key, value in found.items()}


def addresses(name: str) -> list[str]:
    """Return the fixed addresses of a service."""
    networks = SERVICES[name].get("networks", {})
    return [each["ipv4_address"] for each in networks.values() if "ipv4_address" in each]


def published() -> Iterator[str]:
    """Yield each published port with its address."""
    for each in SERVICES.values():
        yield from each.get("ports", [])


def of_role(role: str) -> list[str]:
    """Return the services of the profile `hospital` that run a role."""
    return [name for name in HOSPITAL if SERVICES[name].get("command", [])[:2] == ["run", role]]


def test_the_hospital_is_whole() -> None:
    """Three sinks, two monitors behind a proxy, the upkeep, PostgreSQL and Kafka; not the ward of one file."""
    assert (len(of_role("sink")), len(of_role("monitor")), len(of_role("upkeep"))) == (3, 2, 1)
    assert {"kafka", "postgres", "proxy"} <= set(HOSPITAL)
    assert not {"sink", "monitor"} & set(HOSPITAL)


@each_of_ours
def test_commands_are_ours(name: str) -> None:
    """Each command exists with its options, and its variables are settings with right values."""
    assert parameters(name)["port"]
    assert unknown_variables(environment(name)) == []
    from_environment(environment(name))


@each_of_ours
def test_health_is_asked_where_it_is_served(name: str) -> None:
    """The check of a service asks the port of its command."""
    asked = re.findall(r"http://127\.0\.0\.1:(\d+)/health/live", " ".join(SERVICES[name]["healthcheck"]["test"]))
    assert asked == [str(parameters(name)["port"])]


@each_service
def test_each_is_checked_and_hardened(name: str) -> None:
    """Every service has a health check, no more rights than it needs, and comes back after a fault."""
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert (service["cap_drop"], service["restart"]) == (["ALL"], "unless-stopped")
    assert service["security_opt"] == ["no-new-privileges:true"]


@each_service
def test_what_it_needs_starts_with_it(name: str) -> None:
    """A service depends on services of each of its own profiles, and on their health only where they have a check."""
    service = SERVICES[name]
    for needed in service.get("depends_on", []):
        other = SERVICES[needed]
        assert set(service.get("profiles", [])) <= set(other.get("profiles", service.get("profiles", []))), needed


@each_of_ours
def test_addresses_lead_to_services(name: str) -> None:
    """Kafka and PostgreSQL are reached at names and ports of this file, and are waited for."""
    environ = environment(name)
    needed = set(SERVICES[name]["depends_on"])
    if broker := environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        assert broker in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].partition("INTERNAL://")[2]
        # A monitor reads the database alone.
        assert "kafka" in needed or SERVICES[name]["command"][1] == "monitor"
    if database := re.fullmatch(r"postgresql://(\w+)@(\w+):5432/(\w+)", environ.get("DATABASE_URL", "")):
        made = SERVICES["postgres"]["environment"]
        assert (database[1], database[2], database[3]) == (made["POSTGRES_USER"], "postgres", made["POSTGRES_DB"])
        assert environ["PGPASSWORD"] == environment("postgres")["POSTGRES_PASSWORD"]
        assert "postgres" in needed


def test_ports_are_on_loopback() -> None:
    """Each published port is on loopback, and no two services want the same one."""
    places = [each.rpartition(":")[0] for each in published()]
    assert all(each.startswith("127.0.0.1:") for each in places)
    assert max(Counter(places).values()) == 1


def test_it_holds_no_secret() -> None:
    """Passwords come from the user's environment, and have no default; no URL holds one."""
    for name in SERVICES:
        for key, value in SERVICES[name].get("environment", {}).items():
            if "PASSWORD" in key:
                assert re.fullmatch(r"\$\{ICU_\w+:-\}", value), (name, key)
            assert not re.search(r"://[^/@]*:[^/@]*@", value), (name, key)
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_sinks_have_names_of_their_own() -> None:
    """The broker knows each sink by a name that no other one has, and that a new container keeps."""
    members = [parameters(name)["member"] for name in of_role("sink")]
    assert members == of_role("sink")


def test_the_proxy_knows_the_monitors() -> None:
    """nginx passes requests to each monitor at its port; each monitor believes nginx, which is at that address."""
    monitors = of_role("monitor")
    wanted = [f"{name}:{parameters(name)['port']}" for name in monitors]
    assert re.findall(r"^ +server ([\w.:-]+) ", NGINX, re.MULTILINE) == wanted
    [proxy] = addresses("proxy")
    assert {environment(name)["ICU_API_TRUSTED_PROXIES"] for name in monitors} == {proxy}
    [listen] = re.findall(r"^ +listen (\d+);", NGINX, re.MULTILINE)
    assert [each.rpartition(":")[2] for each in SERVICES["proxy"]["ports"]] == [listen]
    assert f"127.0.0.1:{listen}/health/live" in " ".join(SERVICES["proxy"]["healthcheck"]["test"])


def test_fixed_addresses_are_of_the_subnet() -> None:
    """Each fixed address is another one of the subnet that the file declares."""
    [config] = FILE["networks"]["faces"]["ipam"]["config"]
    found = [ip_address(each) for name in SERVICES for each in addresses(name)]
    hosts = list(ip_network(config["subnet"]).hosts())
    # The first is Docker's own, on the host.
    assert set(found) <= set(hosts[1:])
    assert len(set(found)) == len(found) == 3


def test_volumes_are_declared() -> None:
    """Each named volume is declared, and each file of the host is one that this repository has or tells to make."""
    named = {each.partition(":")[0] for service in SERVICES.values() for each in service.get("volumes", [])}
    files = {each for each in named if each.startswith("./")}
    assert named - files == set(FILE["volumes"])
    assert files == {"./keys.txt", "./config/nginx.conf"}
