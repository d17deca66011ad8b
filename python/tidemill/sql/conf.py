"""The settings of a session, by PySpark's names: `spark.conf`."""

from __future__ import annotations

from typing import Any

from tidemill import _tidemill
from tidemill.errors import PySparkTypeError, SparkNoSuchElementException
from tidemill.refused import Refusing

__all__ = ["RuntimeConfig"]

_UNSET: Any = object()


def as_text(value: Any) -> str:
    """A setting's value as text: `true` for True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class RuntimeConfig(Refusing):
    """The settings of a session."""

    def __init__(self, session: _tidemill.Session) -> None:
        self._session = session

    def set(self, key: str, value: str | int | bool) -> None:
        """Gives a setting a value from here on."""
        self._session.set(key, as_text(value))

    def get(self, key: str, default: Any = _UNSET) -> str | None:
        """A setting's value. One that was not given a value has its own; or `default`, if that is given; else it is an error."""
        if not isinstance(key, str):
            raise PySparkTypeError(f"the name of a setting is a str, not {key!r}", errorClass="NOT_STR")
        if default is not _UNSET:
            found: str | None = self.getAll.get(key, default)
            return found
        found = self._session.setting(key)
        if found is None:
            raise SparkNoSuchElementException(
                f"[SQL_CONF_NOT_FOUND] the setting {key!r} has no value: set it, or give a default", errorClass="SQL_CONF_NOT_FOUND"
            )
        return found

    @property
    def getAll(self) -> dict[str, str]:
        """The settings that were given a value."""
        return dict(self._session.sql("SET", None).collect())

    def unset(self, key: str) -> None:
        """Takes a setting back to what it was at the start."""
        self._session.unset(key)
