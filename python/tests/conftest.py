"""A session for the tests, with a catalog of its own."""

import pytest

from tidemill.sql import SparkSession


@pytest.fixture
def spark(tmp_path):
    """A session whose tables are in a folder of its own."""
    session = SparkSession.builder.config("spark.sql.warehouse.dir", str(tmp_path / "warehouse")).create()
    yield session
    session.stop()
