"""Records what PySpark's functions take, so that ours take the same: a line per function with its parameters.

    python tools/record_functions.py >tools/pyspark_functions.tsv        (with pyspark-client 4.2 installed)

A parameter is `name kind default`, parts by spaces, `-` for no default; `*` stands before the name of one that takes any number. The
kinds: `column` (a Column or a name), `value` (a Column or a plain value), `either` (a Column, a name or a number), `plain` (a plain
value), `options` (a dict), `schema` (a type), `function1` to `function3` (a function of so many Columns), `other`.
"""

import inspect
import re

import pyspark.sql.functions as functions


def kind(annotation: str) -> str:
    """The kind of a parameter with this annotation."""
    words = set(re.findall(r"[A-Za-z]\w*", annotation)) - {
        "typing",
        "Optional",
        "Union",
        "ForwardRef",
        "NoneType",
        "class",
        "pyspark",
        "sql",
    }
    words -= {"column", "types", "Sequence", "Tuple"}
    if "Callable" in annotation:
        return f"function{annotation.split(']')[0].count('Column')}" if words <= {"Callable", "Column"} else "other"
    if "Mapping" in words:
        return "options"
    if words & {"StructType", "ArrayType"}:
        return "schema"
    if "ColumnOrName" in words:
        return "either" if words & {"int", "float"} else "column"
    if "Column" in words or words == {"Any"}:
        return "value"
    return "plain" if words and words <= {"str", "int", "float", "bool"} else "other"


def main() -> None:
    """Prints the lines."""
    for name in sorted(functions.__all__):
        function = getattr(functions, name)
        if not inspect.isfunction(function):
            continue
        parts = []
        for parameter in inspect.signature(function).parameters.values():
            star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
            default = "-" if parameter.default is inspect.Parameter.empty else repr(parameter.default).replace(" ", "\N{NO-BREAK SPACE}")
            parts.append(f"{star}{parameter.name} {kind(str(parameter.annotation))} {default}")
        print("\t".join([name, *parts]))


main()
