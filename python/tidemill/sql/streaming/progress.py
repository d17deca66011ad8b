"""What a streaming query says of its epochs: the engine's JSON as dicts that have PySpark's attributes."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["SinkProgress", "SourceProgress", "StateOperatorProgress", "StreamingQueryProgress"]


class _Progress(dict[str, Any]):
    """A JSON object whose fields are attributes, too."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    @property
    def json(self) -> str:
        """It as JSON in a line."""
        return json.dumps(self)

    @property
    def prettyJson(self) -> str:
        """It as JSON for people."""
        return json.dumps(self, indent=2)


class StateOperatorProgress(_Progress):
    """What an operator that keeps state did in an epoch."""


class SourceProgress(_Progress):
    """What a source gave in an epoch."""


class SinkProgress(_Progress):
    """What a sink took in an epoch."""


class StreamingQueryProgress(_Progress):
    """What a query did in an epoch: Spark's fields, and those of the engine under `tidemill`."""

    @classmethod
    def of(cls, text: str) -> StreamingQueryProgress:
        """The progress that the engine gives as JSON."""
        made = cls(json.loads(text))
        made["stateOperators"] = [StateOperatorProgress(each) for each in made["stateOperators"]]
        made["sources"] = [SourceProgress(each) for each in made["sources"]]
        made["sink"] = SinkProgress(made["sink"])
        made["sinks"] = [SinkProgress(each) for each in made["sinks"]]
        return made
