"""The exceptions: PySpark's classes, and which of them an error of the engine is."""

from __future__ import annotations

from enum import Enum


class QueryContextType(Enum):
    """What the text of a context is."""

    SQL = 0
    DataFrame = 1


class QueryContext:
    """The part of a statement that an error is about: `stop_index` is its last character's, counted from 0."""

    def __init__(self, statement: str, start: int, stop: int) -> None:
        self._statement, self._start, self._stop = statement, start, stop

    def contextType(self) -> QueryContextType:
        """Always SQL: the place stands in a text."""
        return QueryContextType.SQL

    def objectType(self) -> str:
        """The kind of object whose text it is: none."""
        return ""

    def objectName(self) -> str:
        """The object whose text it is: none."""
        return ""

    def startIndex(self) -> int:
        """The first character's place."""
        return self._start

    def stopIndex(self) -> int:
        """The last character's place."""
        return self._stop

    def fragment(self) -> str:
        """The part itself."""
        return self._statement[self._start : self._stop + 1]

    def callSite(self) -> str:
        """Where a program made the call: not known."""
        return ""

    def pysparkFragment(self) -> str | None:
        """The method of the program: not known."""
        return None

    def pysparkCallSite(self) -> str | None:
        """Where a program made the call: not known."""
        return None

    def summary(self) -> str:
        """The line with a mark under the place."""
        line_start = self._statement.rfind("\n", 0, self._start) + 1
        line_end = self._statement.find("\n", self._start)
        line = self._statement[line_start : line_end if line_end >= 0 else None]
        number = self._statement.count("\n", 0, self._start) + 1
        width = max(1, min(self._stop + 1, line_start + len(line)) - self._start)
        return (
            f"== SQL (line {number}, position {self._start - line_start + 1}) ==\n{line}\n{' ' * (self._start - line_start)}{'^' * width}"
        )


class PySparkException(Exception):
    """What all exceptions of this package are. `errorClass` is Spark's error condition."""

    def __init__(
        self,
        message: str | None = None,
        errorClass: str | None = None,
        messageParameters: dict[str, str] | None = None,
        contexts: list[QueryContext] | None = None,
        sqlState: str | None = None,
    ) -> None:
        self._condition = errorClass
        self._parameters = dict(messageParameters or {})
        self._sqlstate = sqlState
        self._contexts = contexts
        self._place: tuple[int, int] | None = None
        self._statement: str | None = None
        if message is None:
            said = ", ".join(f"{name} = {value}" for name, value in self._parameters.items())
            message = f"[{errorClass}] {said}"
        self._message = message
        super().__init__(message)

    def getCondition(self) -> str | None:
        """Spark's error condition, as `UNRESOLVED_COLUMN.WITH_SUGGESTION`."""
        return self._condition

    def getErrorClass(self) -> str | None:
        """The same as `getCondition`."""
        return self._condition

    def getMessageParameters(self) -> dict[str, str] | None:
        """The parameters of Spark's message, by name."""
        return self._parameters

    def getSqlState(self) -> str | None:
        """The SQLSTATE."""
        return self._sqlstate

    def getMessage(self) -> str:
        """What happened, and what to do."""
        return self._message

    def getQueryContext(self) -> list[QueryContext]:
        """The parts of the statement that it is about."""
        if self._contexts is not None:
            return self._contexts
        if self._place is None or self._statement is None:
            return []
        # The engine counts bytes.
        text = self._statement.encode()
        start, end = (len(text[:place].decode(errors="ignore")) for place in self._place)
        return [QueryContext(self._statement, start, max(start, end - 1))]

    def getBreakingChangeInfo(self) -> None:
        """What a release of Spark changed: nothing here."""

    def __str__(self) -> str:
        return "\n".join([self._message, *(context.summary() for context in self.getQueryContext())])


class AnalysisException(PySparkException):
    """A query that has no meaning: an unknown column, types that do not go together, a feature that is not there."""


class TempTableAlreadyExistsException(AnalysisException):
    """A temporary view of that name is there."""


class ParseException(AnalysisException):
    """A text that is no statement."""


class IllegalArgumentException(PySparkException):
    """An argument or an option that cannot be."""


class ArithmeticException(PySparkException):
    """A number beyond its type, or a division by zero."""


class UnsupportedOperationException(PySparkException):
    """What is not there yet; the message says what to do instead."""


class ArrayIndexOutOfBoundsException(PySparkException):
    """An element that an array does not have."""


class DateTimeException(PySparkException):
    """A time that cannot be, or a text that is none."""


class NumberFormatException(IllegalArgumentException):
    """A text that is no number."""


class SparkRuntimeException(PySparkException):
    """A query that failed while it ran."""


class SparkNoSuchElementException(PySparkException):
    """A setting that has no value."""


class QueryExecutionException(PySparkException):
    """A query that could not be run: storage, limits, another writer."""


class StreamingQueryException(PySparkException):
    """A streaming query that has failed."""


class UnknownException(PySparkException):
    """A bug in Tidemill."""


class PySparkValueError(PySparkException, ValueError):
    """A value that cannot be, seen in Python."""


class PySparkTypeError(PySparkException, TypeError):
    """A value of a wrong type, seen in Python."""


class PySparkIndexError(PySparkException, IndexError):
    """A place that is not there."""


class PySparkAttributeError(PySparkException, AttributeError):
    """An attribute that is not there."""


class PySparkRuntimeError(PySparkException, RuntimeError):
    """What cannot be done now."""


class PySparkAssertionError(PySparkException, AssertionError):
    """Rows or schemas that are not as expected."""


class PySparkNotImplementedError(PySparkException, NotImplementedError):
    """What PySpark has and this package has not; the message says what to do instead."""


class PySparkImportError(PySparkException, ImportError):
    """A package that has to be installed."""


class PySparkKeyError(PySparkException, KeyError):
    """A key that is not there."""

    __str__ = PySparkException.__str__


_BY_CONDITION: dict[str, type[PySparkException]] = {
    "ARITHMETIC_OVERFLOW": ArithmeticException,
    "BINARY_ARITHMETIC_OVERFLOW": ArithmeticException,
    "DIVIDE_BY_ZERO": ArithmeticException,
    "INTERVAL_ARITHMETIC_OVERFLOW": ArithmeticException,
    "INTERVAL_DIVIDED_BY_ZERO": ArithmeticException,
    "NUMERIC_VALUE_OUT_OF_RANGE": ArithmeticException,
    "REMAINDER_BY_ZERO": ArithmeticException,
    "DATETIME_OVERFLOW": ArithmeticException,
    "CAST_OVERFLOW": ArithmeticException,
    "INVALID_ARRAY_INDEX": ArrayIndexOutOfBoundsException,
    "INVALID_ARRAY_INDEX_IN_ELEMENT_AT": ArrayIndexOutOfBoundsException,
    "CANNOT_PARSE_TIMESTAMP": DateTimeException,
    "DATETIME_FIELD_OUT_OF_BOUNDS": DateTimeException,
    "INVALID_DATETIME_PATTERN": IllegalArgumentException,
    "CAST_INVALID_INPUT": NumberFormatException,
    "INVALID_CONF_VALUE": IllegalArgumentException,
    "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS": TempTableAlreadyExistsException,
}

_BY_KIND: dict[str, type[PySparkException]] = {
    "analysis": AnalysisException,
    "unsupported": UnsupportedOperationException,
    "data": SparkRuntimeException,
    "not_found": AnalysisException,
    "internal": UnknownException,
}


def of_engine(
    kind: str,
    message: str,
    condition: str | None,
    sqlstate: str | None,
    parameters: dict[str, str],
    place: tuple[int, int] | None,
) -> PySparkException:
    """The exception for an error of the engine: of the class that PySpark has for its condition, else for its kind."""
    main = (condition or "").split(".")[0]
    if main.startswith("PARSE_"):
        found: type[PySparkException] = ParseException
    elif condition and condition.startswith("CAST_INVALID_INPUT") and any(word in message for word in ("DATE", "TIME")):
        found = DateTimeException
    else:
        found = _BY_CONDITION.get(main) or _BY_KIND.get(kind, QueryExecutionException)
    error = found(message, errorClass=condition, messageParameters=parameters, sqlState=sqlstate)
    error._place = place
    return error
