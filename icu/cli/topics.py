"""`topics`: the topics of the Kafka brokers."""

from pathlib import Path

import rich_click as click

from icu.cli.options import Whole, config_option, help_without_command, prepare


@click.group(invoke_without_command=True)
@click.pass_context
def topics(context: click.Context) -> None:
    """Find, make and describe Kafka topics."""
    help_without_command(context)


@topics.command("list")
@config_option
def list_topics(config: Path | None) -> None:
    """All topics, each with its number of partitions."""
    settings = prepare(config, None, transport="kafka")
    from icu.bootstrap import topics as kafka_topics

    for name, partitions in sorted(kafka_topics.list_topics(settings).items()):
        click.echo(f"{name}\t{partitions} partitions")


@topics.command()
@click.argument("name", required=False)
@click.option("--partitions", type=Whole(1, 1_000), help="The configured number, 6, when not given.")
@click.option("--copies", type=Whole(1, 100), help="Replicas; 3, or all brokers where there are fewer.")
@config_option
def create(name: str | None, partitions: int | None, copies: int | None, config: Path | None) -> None:
    """Make the topic NAME, or those of readings and alarms. Finding one there already is no error."""
    settings = prepare(config, None, transport="kafka")
    from icu.bootstrap import topics as kafka_topics

    for result in kafka_topics.create_topics(settings, name, partitions=partitions, copies=copies):
        click.echo(result)


@topics.command()
@click.argument("name", required=False)
@config_option
def describe(name: str | None, config: Path | None) -> None:
    """The partitions of the topic NAME, or of that of the readings: leader, replicas and offsets."""
    settings = prepare(config, None, transport="kafka")
    from icu.bootstrap import topics as kafka_topics

    found = kafka_topics.describe_topic(settings, name)
    click.echo("partition\tleader\treplicas\tin sync\tbegin\tend\trecords")
    for each in found:
        copies = ",".join(map(str, each.replicas))
        in_sync = ",".join(map(str, each.in_sync))
        click.echo(
            f"{each.number}\t{each.leader}\t{copies}\t{in_sync}\t{each.begin}\t{each.end}\t{each.end - each.begin}"
        )
