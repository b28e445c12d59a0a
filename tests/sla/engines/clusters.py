"""A Spark cluster on this machine for tests: two executors, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sla.engines.spark import Spark

MASTER = "local-cluster[2,1,1024]"


@contextmanager
def spark_cluster(folder: Path) -> Iterator[Spark]:
    """Start it, and end every process of it."""
    from pyspark import SparkContext  # noqa: PLC0415 (an optional dependency)

    spark = Spark(MASTER, _options(folder))
    session = spark.session()
    context = session.sparkContext
    context.setLogLevel("OFF")
    gateway = SparkContext._gateway
    assert gateway is not None
    try:
        yield spark
    finally:
        session.stop()
        gateway.shutdown()
        process = gateway.proc
        process.stdin.close()
        process.wait(60)
        SparkContext._gateway = SparkContext._jvm = None


def _options(folder: Path) -> dict[str, str]:
    """Small: little data goes through many queries, so that planning is what takes the time."""
    return {
        "spark.driver.memory": "1g",
        # Few queries are run often enough to be worth the second compiler.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.executor.memory": "512m",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        # A task would wait seconds for the executor that holds its rows, in place of fetching them.
        "spark.locality.wait": "0s",
        "spark.local.dir": str(folder / "local"),
        "spark.log.level": "OFF",
    }


def executors_of(spark: Spark) -> int:
    """How many processes besides the driver have joined."""
    context = spark.session().sparkContext
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1
