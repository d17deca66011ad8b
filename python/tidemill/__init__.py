"""Spark's programming model over a lakehouse, in this process: `from tidemill.sql import SparkSession`. What a query means and how it
runs is the Rust library's business (`tidemill._tidemill`)."""
