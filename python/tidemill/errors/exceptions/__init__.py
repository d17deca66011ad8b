"""Where PySpark keeps its exceptions: see `base`."""
