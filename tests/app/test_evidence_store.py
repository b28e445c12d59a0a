"""Which store and which engine the settings name."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from app.evidence_store import engine_of, store_of
from app.settings import Settings, load_settings
from governance.errors import BadInput
from sla.engines.in_process import IN_PROCESS
from sla.engines.spark import Spark, missing_for_spark
from sla.evidence.ledger import open_ledger


def test_the_folder_is_the_data_folders_unless_named(tmp_path: Path) -> None:
    assert store_of(Settings(data_dir=tmp_path)).address == str(tmp_path / "evidence")
    named = Settings(data_dir=tmp_path, evidence_store=str(tmp_path / "shared"))
    assert store_of(named).address == str(tmp_path / "shared")
    bucket = Settings(data_dir=tmp_path, evidence_store="s3://bucket/prefix/")
    assert store_of(bucket).address == "s3://bucket/prefix"


def test_the_engine_by_setting_or_by_name() -> None:
    plain = Settings()
    assert engine_of(plain) is IN_PROCESS
    options = ["spark.executor.memory=4g", "spark.x=a=b"]
    spark = Settings(engine="spark", spark_master="yarn", spark_options=options)
    assert engine_of(spark, "duckdb") is IN_PROCESS
    wanted = Spark("yarn", {"spark.executor.memory": "4g", "spark.x": "a=b"})
    assert engine_of(spark) == engine_of(spark, "spark") == wanted


def test_options_must_have_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_SPARK_OPTIONS", "spark.executor.memory")
    with pytest.raises(BadInput, match="SPARK_OPTIONS: each must be name=value"):
        load_settings()


def test_what_spark_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "pyspark and sqlglot" in missing_for_spark()
    with (
        pytest.raises(BadInput, match=r"plumbline-governance\[spark\]"),
        open_ledger([], engine=Spark("local[1]")),
    ):
        pass
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert "Java 17" in missing_for_spark()
