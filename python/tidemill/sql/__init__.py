"""Sessions, DataFrames, columns and rows, by PySpark's names."""

from typing import TYPE_CHECKING, Any

from tidemill.sql.catalog import Catalog
from tidemill.sql.column import Column
from tidemill.sql.conf import RuntimeConfig
from tidemill.sql.dataframe import DataFrame, DataFrameNaFunctions, DataFrameStatFunctions
from tidemill.sql.group import GroupedData
from tidemill.sql.readwriter import DataFrameReader, DataFrameWriter
from tidemill.sql.session import SparkSession
from tidemill.sql.types import Row
from tidemill.sql.udf import UDFRegistration
from tidemill.sql.window import Window, WindowSpec

__all__ = [
    "Catalog",
    "Column",
    "DataFrame",
    "DataFrameNaFunctions",
    "DataFrameReader",
    "DataFrameStatFunctions",
    "DataFrameWriter",
    "GroupedData",
    "Row",
    "RuntimeConfig",
    "SparkSession",
    "UDFRegistration",
    "Window",
    "WindowSpec",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from tidemill.refused import of_module

        return of_module(__name__, name)
