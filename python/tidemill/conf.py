"""Settings collected before there is a session, by PySpark's names: `SparkConf`. Those of a session are `spark.conf`."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["SparkConf"]


class SparkConf:
    """Settings by their names, for `SparkSession.builder.config(conf=…)`."""

    def __init__(self, loadDefaults: bool = True) -> None:
        # There is no file of defaults that could be loaded.
        self._settings: dict[str, str] = {}

    def set(self, key: str, value: object) -> SparkConf:
        """Gives a setting a value."""
        self._settings[key] = str(value).lower() if isinstance(value, bool) else str(value)
        return self

    def setIfMissing(self, key: str, value: object) -> SparkConf:
        """Gives a setting a value if it has none."""
        return self if key in self._settings else self.set(key, value)

    def setAll(self, pairs: Iterable[tuple[str, object]]) -> SparkConf:
        """Gives several settings their values."""
        for key, value in pairs:
            self.set(key, value)
        return self

    def setAppName(self, value: str) -> SparkConf:
        """A name for the program."""
        return self.set("spark.app.name", value)

    def setMaster(self, value: str) -> SparkConf:
        """Where the engine runs: as for `SparkSession.builder.master`."""
        return self.set("spark.master", value)

    def get(self, key: str, defaultValue: str | None = None) -> str | None:
        """A setting's value, or the default."""
        return self._settings.get(key, defaultValue)

    def getAll(self) -> list[tuple[str, str]]:
        """All settings with their values."""
        return list(self._settings.items())

    def contains(self, key: str) -> bool:
        """Whether a setting has a value."""
        return key in self._settings

    def toDebugString(self) -> str:
        """A line per setting, in order."""
        return "\n".join(f"{key}={value}" for key, value in sorted(self._settings.items()))
