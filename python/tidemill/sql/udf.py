"""Functions of the program over columns, by PySpark's names: `udf` over values, `pandas_udf`, `arrow_udf` and `polars_udf` over columns at
once. They run on the engine's threads, in this process."""

from __future__ import annotations

import collections.abc
import functools
import inspect
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tidemill import _tidemill
from tidemill.errors import PySparkNotImplementedError, PySparkTypeError, PySparkValueError
from tidemill.sql.column import Column, named
from tidemill.sql.native import Kind, array_of, needed, series_of, value_of
from tidemill.sql.types import DataType, StringType, StructField, StructType, of_ddl

if TYPE_CHECKING:
    from tidemill.sql.session import SparkSession

__all__ = ["UDFRegistration", "UserDefinedFunction", "arrow_udf", "pandas_udf", "polars_udf", "udf"]


def type_of(data_type: Any) -> DataType:
    """A type, or the one that DDL names."""
    if isinstance(data_type, DataType):
        return data_type
    if isinstance(data_type, str):
        return of_ddl(data_type)
    message = f"a type is a DataType or DDL, not {data_type!r}"
    raise PySparkTypeError(message, errorClass="NOT_DATATYPE_OR_STR", messageParameters={"arg_type": type(data_type).__name__})


def name_of(function: Any) -> str:
    """The name under which a function is shown."""
    return getattr(function, "__name__", type(function).__name__)


class UserDefinedFunction:
    """A function of the program that is called with columns."""

    def __init__(
        self,
        func: Callable[..., Any],
        returnType: DataType,
        call: Callable[[str, list[str]], Callable[[list[Any], int], Any]],
        *,
        arrow: bool = False,
        aggregate: bool = False,
        name: str | None = None,
        deterministic: bool = True,
    ) -> None:
        if not callable(func):
            raise PySparkTypeError(f"a function is called, and {func!r} cannot be", errorClass="NOT_CALLABLE")
        self.func, self.returnType, self.deterministic = func, returnType, deterministic
        self._call, self._arrow, self._aggregate = call, arrow, aggregate
        self._name = name or name_of(func)
        functools.update_wrapper(self, func, updated=())

    def _held(self, keywords: list[str]) -> _tidemill.UserFunction:
        result = StructType([StructField(self._name, self.returnType)]).json()
        call = self._call(self._name, keywords)
        return _tidemill.UserFunction(self._name, call, result, self._arrow, self.deterministic, self._aggregate)

    def __call__(self, *args: Any, **kwargs: Any) -> Column:
        """A call over columns or the columns of names."""
        columns = [named(argument) for argument in (*args, *kwargs.values())]
        return Column(self._held(list(kwargs)).call(columns))

    def asNondeterministic(self) -> UserDefinedFunction:
        """The same, called once for each row that is asked for: it may give another value each time."""
        return self._as(self._name, False)

    def _as(self, name: str, deterministic: bool) -> UserDefinedFunction:
        return UserDefinedFunction(
            self.func,
            self.returnType,
            self._call,
            arrow=self._arrow,
            aggregate=self._aggregate,
            name=name,
            deterministic=deterministic,
        )


def _split(values: list[Any], keywords: list[str]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments by place, and those by name, which stand behind them."""
    places = len(values) - len(keywords)
    return values[:places], dict(zip(keywords, values[places:]))


def _over_values(func: Callable[..., Any], data_type: DataType) -> Callable[[str, list[str]], Callable[[list[Any], int], Any]]:
    """A function that is called once per row."""
    from tidemill.sql import inference

    def prepared(name: str, keywords: list[str]) -> Callable[[list[Any], int], Any]:
        check = inference.verifier(data_type, name=name)
        internal = data_type.toInternal if data_type.needConversion() else None

        def call(columns: list[list[Any]], rows: int) -> list[Any]:
            places, by_name = _split(columns, keywords)
            made = []
            for row in range(rows):
                value = func(*[column[row] for column in places], **{key: column[row] for key, column in by_name.items()})
                if isinstance(data_type, StringType) and value is not None and not isinstance(value, str):
                    value = str(value)
                check(value)
                made.append(value if internal is None or value is None else internal(value))
            return made

        return call

    return prepared


def udf(f: Any = None, returnType: Any = None, *, useArrow: bool | None = None) -> Any:
    """A function over values, called once per row: `udf(lambda x: x + 1, "int")`, or a decorator, `@udf("int")`. Without a type it gives
    text. `useArrow` changes nothing: values are handed over in this process."""
    if f is None or isinstance(f, (str, DataType)):
        given = f if returnType is None else returnType
        return functools.partial(udf, returnType=StringType() if given is None else given)
    data_type = type_of(StringType() if returnType is None else returnType)
    return UserDefinedFunction(f, data_type, _over_values(f, data_type))


_SCALAR, _ITERATOR, _AGGREGATE = "scalar", "iterator", "aggregate"
_BY_NUMBER = {200: _SCALAR, 204: _ITERATOR, 202: _AGGREGATE, 250: _SCALAR, 251: _ITERATOR, 252: _AGGREGATE}


def _is_column(hint: Any, kind: Kind) -> bool:
    """Whether a type hint names a column of a kind."""
    if typing.get_origin(hint) is typing.Union or type(hint).__name__ == "UnionType":
        return all(_is_column(each, kind) for each in typing.get_args(hint))
    names = {"pandas": (".Series", ".DataFrame"), "arrow": (".Array",), "polars": (".Series",)}[kind]
    if isinstance(hint, str):
        # What could not be looked up, as a name of the function around.
        return hint.endswith(names)
    shown = f"{getattr(hint, '__module__', '')}.{getattr(hint, '__name__', hint)}"
    package = "pyarrow" if kind == "arrow" else kind
    return shown.startswith(package) and shown.endswith(names)


def _shape_of(func: Callable[..., Any], kind: Kind, given: Any) -> str:
    """Whether a function maps columns, maps an iterator of them, or makes a value of a group: its type hints say so."""
    if given is not None:
        shape = given if given in (_SCALAR, _ITERATOR, _AGGREGATE) else _BY_NUMBER.get(given)
        if shape is None:
            raise PySparkValueError(
                f"a function's type is SCALAR, SCALAR_ITER or GROUPED_AGG, not {given!r}", errorClass="INVALID_PANDAS_UDF_TYPE"
            )
        return shape
    try:
        hints = typing.get_type_hints(func)
    except (NameError, TypeError):
        hints = dict(getattr(func, "__annotations__", {}))
    result = hints.get("return")
    if result is None:
        return _SCALAR
    named = result.split("[")[0].split(".")[-1] if isinstance(result, str) else ""
    if named in ("Iterator", "Iterable") or typing.get_origin(result) in (collections.abc.Iterator, collections.abc.Iterable):
        return _ITERATOR
    return _SCALAR if _is_column(result, kind) else _AGGREGATE


def _over_columns(
    func: Callable[..., Any], data_type: DataType, kind: Kind, shape: str
) -> Callable[[str, list[str]], Callable[[list[Any], int], Any]]:
    """A function that is called with columns at once."""

    def prepared(name: str, keywords: list[str]) -> Callable[[list[Any], int], Any]:
        def call(arrays: list[Any], rows: int) -> Any:
            places, by_name = _split([series_of(kind, array) for array in arrays], keywords)
            if shape == _AGGREGATE:
                return value_of(kind, func(*places, **by_name), name, data_type)
            if shape == _SCALAR:
                return array_of(kind, func(*places, **by_name), rows, name, data_type)
            batch = places[0] if len(places) == 1 else tuple(places)
            given = list(func(iter([batch])))
            if len(given) != 1:
                message = f"`{name}` was given an iterator of one batch and gave {len(given)}: a batch for each is needed"
                raise PySparkValueError(message, errorClass="STOP_ITERATION_OCCURRED_FROM_SCALAR_ITER_PANDAS_UDF")
            return array_of(kind, given[0], rows, name, data_type)

        return call

    return prepared


def _columnar(kind: Kind, f: Any, returnType: Any, functionType: Any) -> Any:
    if f is None or isinstance(f, (str, DataType)):
        given = f if returnType is None else returnType
        shape = functionType
        if isinstance(f, (str, DataType)) and returnType is not None and functionType is None:
            given, shape = f, returnType
        if given is None:
            raise PySparkTypeError("the type of what the function gives has to be said", errorClass="CANNOT_BE_NONE")
        return lambda func: _columnar(kind, func, given, shape)
    if returnType is None:
        raise PySparkTypeError("the type of what the function gives has to be said", errorClass="CANNOT_BE_NONE")
    if not callable(f):
        raise PySparkTypeError(f"a function is called, and {f!r} cannot be", errorClass="NOT_CALLABLE")
    needed("pyarrow")
    needed({"arrow": "pyarrow"}.get(kind, kind))
    data_type = type_of(returnType)
    shape = _shape_of(f, kind, functionType)
    if shape != _ITERATOR and not inspect.signature(f).parameters:
        raise PySparkValueError(
            f"`{name_of(f)}` takes no column, and would not know how many rows to give", errorClass="INVALID_PANDAS_UDF"
        )
    return UserDefinedFunction(f, data_type, _over_columns(f, data_type, kind, shape), arrow=True, aggregate=shape == _AGGREGATE)


def pandas_udf(f: Any = None, returnType: Any = None, functionType: Any = None) -> Any:
    """A function over Series of pandas. Its type hints say what it does: Series to Series, Iterator[Series] to Iterator[Series] (called
    for each batch), or Series to a value, which makes it an aggregate."""
    return _columnar("pandas", f, returnType, functionType)


def arrow_udf(f: Any = None, returnType: Any = None, functionType: Any = None) -> Any:
    """The same over arrays of pyarrow."""
    return _columnar("arrow", f, returnType, functionType)


def polars_udf(f: Any = None, returnType: Any = None, functionType: Any = None) -> Any:
    """The same over Series of Polars, which PySpark does not have."""
    return _columnar("polars", f, returnType, functionType)


class UDFRegistration:
    """Functions of the program for SQL: `spark.udf`."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def register(self, name: str, f: Any, returnType: Any = None) -> UserDefinedFunction:
        """Lets SQL call a function by a name; a plain one gives text unless a type is said."""
        if isinstance(f, UserDefinedFunction):
            if returnType is not None:
                message = "the type is the function's own: register it without one"
                raise PySparkTypeError(message, errorClass="CANNOT_SPECIFY_RETURN_TYPE_FOR_UDF")
            made = f._as(name, f.deterministic)
        else:
            plain: UserDefinedFunction = udf(f, StringType() if returnType is None else returnType)
            made = plain._as(name, True)
        self._spark._engine.register_function(name, made._held([]))
        return made

    def registerJavaFunction(self, name: str, javaClassName: str, returnType: Any = None) -> None:
        """Refused: there is no JVM."""
        raise PySparkNotImplementedError(
            f"{javaClassName} is a class of the JVM's: register a Python function", errorClass="NOT_IMPLEMENTED"
        )

    registerJavaUDAF = registerJavaFunction
