"""Spark's programming model over a lakehouse, in this process: `from tidemill.sql import SparkSession`. What a query means and how it
runs is the Rust library's business (`tidemill._tidemill`)."""

from typing import TYPE_CHECKING, Any

from tidemill.conf import SparkConf
from tidemill.storagelevel import StorageLevel

__all__ = ["SparkConf", "StorageLevel"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from tidemill.refused import of_module

        return of_module(__name__, name)
