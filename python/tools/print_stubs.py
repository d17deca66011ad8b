"""Prints `tidemill/_tidemill.pyi`, the types of the compiled module, from its Rust sources.

    python tools/print_stubs.py           prints the file anew
    python tools/print_stubs.py --check   fails if it is not what would be printed

It needs neither a compiler nor the compiled module. A type, an attribute or a kind of method that it does not know is an error that names
the place: what a type is in Python stands in the tables below. That the stub is the module's is checked against the module itself, by
mypy's stubtest.
"""

import argparse
import keyword
import sys
from pathlib import Path

from rust_items import Item, Type, Unreadable, items

HERE = Path(__file__).parent
SOURCES = HERE.parent / "src"
PRINTED = HERE.parent / "tidemill/_tidemill.pyi"
WIDTH = 140

HEAD = """# The compiled module, printed from python/src by tools/print_stubs.py.

"""
INTEGERS = ("i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize")
# Types without arguments.
PLAIN = {
    **dict.fromkeys(INTEGERS, "int"),
    "bool": "bool",
    "f32": "float",
    "f64": "float",
    "str": "str",
    "String": "str",
    "PyAny": "Any",
    "PyBytes": "bytes",
    "PyCapsule": "CapsuleType",
    "PyDict": "dict[Any, Any]",
    "PyList": "list[Any]",
    "PyString": "str",
    "PyTuple": "tuple[Any, ...]",
    "PyType": "type[Any]",
    # Taken from a dict.
    "StreamWrite": "dict[str, Any]",
}
# What stands around a type and is nothing in Python.
AROUND = ("Arc", "Borrowed", "Bound", "Box", "Py", "PyRef", "PyRefMut", "PyResult", "Result")
IMPORTS = {
    "Any": "from typing import Any",
    "CapsuleType": "from typing_extensions import CapsuleType",
    "Mapping": "from collections.abc import Mapping",
    "Sequence": "from collections.abc import Sequence",
    "final": "from typing import final",
}
# Attributes that say nothing to Python, and those that are read here.
KNOWN = {"allow", "cfg_attr", "derive", "doc", "expect", "must_use"} | {
    "classattr",
    "classmethod",
    "getter",
    "new",
    "pyclass",
    "pyfunction",
    "pyo3",
    "staticmethod",
}
# What a #[pyclass] may say: nothing of it makes members.
CLASS_OPTIONS = {"from_py_object", "frozen", "module", "name", "skip_from_py_object", "subclass", "unsendable", "weakref"}


class Printer:
    """The stub of a module, of the items of all its files."""

    def __init__(self, files: dict[Path, list[Item]]) -> None:
        self.files = files
        self.python_names = {
            item.name: self.named(path, item, "pyclass")
            for path, found in files.items()
            for item in found
            if item.attribute("pyclass") is not None
        }
        self.used: set[str] = set()

    @staticmethod
    def failed(path: Path, item: Item, message: str) -> Unreadable:
        return Unreadable(f"{path}:{item.line}: `{item.name}`: {message}")

    def named(self, path: Path, item: Item, attribute: str) -> str:
        """The name of an item in Python."""
        for each in (attribute, "pyo3"):
            for option in (item.attribute(each) or "").split(", "):
                name, _, value = option.partition("=")
                if name == "name":
                    return value.strip('"')
        return item.name

    def hint(self, path: Path, item: Item, wanted: Type, given: bool, owner: str = "") -> str:
        """A type in Python; of what is given to a function, or of what it gives."""
        inner = wanted.arguments

        def of(type_: Type) -> str:
            return self.hint(path, item, type_, given, owner)

        if wanted.name == "Self" and owner:
            return owner
        if wanted.name in self.python_names:
            return self.python_names[wanted.name]
        if wanted.name in PLAIN and not inner:
            return self.using(PLAIN[wanted.name])
        if wanted.name in AROUND and inner:
            return of(inner[0])
        if wanted.name == "Option" and len(inner) == 1:
            return f"{of(inner[0])} | None"
        if wanted.name == "()":
            return f"tuple[{', '.join(map(of, inner))}]" if inner else "None"
        if wanted.name in ("Vec", "[]") and len(inner) == 1:
            if inner[0].name == "u8":
                return "bytes"
            return f"{self.using('Sequence')}[{of(inner[0])}]" if given else f"list[{of(inner[0])}]"
        if wanted.name in ("BTreeMap", "HashMap") and len(inner) >= 2:
            # PyO3 takes a dict and no other mapping.
            return f"dict[{of(inner[0])}, {of(inner[1])}]"
        raise self.failed(path, item, f"what the type `{wanted.name}` is in Python is not known: say it in {Path(__file__).name}")

    def using(self, hint: str) -> str:
        """The hint, whose names are imported."""
        self.used |= {name for name in IMPORTS if name in hint}
        return hint

    def defaults(self, path: Path, item: Item) -> dict[str, str] | None:
        """The parameters of `#[pyo3(signature = (…))]` with their defaults, nothing for none; None without a signature."""
        option = item.attribute("pyo3") or ""
        if "signature=(" not in option:
            return None
        listed = option.partition("signature=(")[2].rpartition(")")[0]
        if "(" in listed or ")" in listed:
            raise self.failed(path, item, "a signature with parentheses inside is not known here")
        return {name: value for name, _, value in (part.partition("=") for part in listed.split(", ") if part)}

    def function(self, path: Path, item: Item, indent: str = "", owner: str = "") -> str:
        """A function or a method."""
        for text in item.attributes:
            if text.partition("(")[0].removeprefix("pyo3::") not in KNOWN:
                raise self.failed(path, item, f"the attribute `{text}` is not known here")
        parameters = [parameter for parameter in item.parameters if parameter.type.name != "Python"]
        first, head, name = "", "", self.named(path, item, "pyfunction")
        if owner and item.attribute("new") is not None:
            first, name = "cls", "__new__"
        elif owner and item.attribute("classmethod") is not None:
            head, first, parameters = "@classmethod", "cls", parameters[1:]
        elif owner and item.attribute("staticmethod") is not None:
            head = "@staticmethod"
        elif owner:
            if not item.receiver:
                if not parameters or parameters[0].type.name not in ("PyRef", "PyRefMut", "Bound", "Py"):
                    raise self.failed(path, item, "a method without `self` is a #[staticmethod]")
                parameters = parameters[1:]
            first = "self"
            if item.attribute("getter") is not None:
                head = "@property"
                name = item.attribute("getter") or name.removeprefix("get_")
        defaults = self.defaults(path, item)
        listed = [first] if first else []
        by_name = {parameter.name: parameter for parameter in parameters}
        if defaults is not None:
            order = list(defaults)
            if sorted(name.lstrip("*") for name in order if name not in ("*", "/")) != sorted(by_name):
                raise self.failed(path, item, "its signature has other parameters than the function")
        else:
            order = list(by_name)
        for each in order:
            if each in ("*", "/"):
                listed.append(each)
                continue
            parameter = by_name[each.lstrip("*")]
            if keyword.iskeyword(parameter.name):
                raise self.failed(path, item, f"`{parameter.name}` is a keyword in Python")
            hint = self.hint(path, item, parameter.type, True, owner)
            if each.startswith("**"):
                hint = self.using("Any")
            elif each.startswith("*"):
                # The type is that of all of them; a hint is of each.
                hint = self.hint(path, item, (parameter.type.arguments or [Type("PyAny")])[0], True, owner)
            default = (defaults or {}).get(each, "")
            default = {"true": "True", "false": "False"}.get(default, default)
            listed.append(f"{each}: {hint}{f' = {default}' if default else ''}")
        returns = self.hint(path, item, item.returns, False, owner)
        if owner and name == "__next__":
            # PyO3 ends the iteration for Rust's None.
            returns = returns.removesuffix(" | None")
        start, end = f"{indent}def {name}(", f") -> {returns}: ..."
        text = start + ", ".join(listed) + end
        if len(text) > WIDTH:
            inside = f"{indent}    {', '.join(listed)}"
            if len(inside) > WIDTH:
                inside = "\n".join(f"{indent}    {each}," for each in listed)
            text = f"{start}\n{inside}\n{indent}{end}"
        return f"{indent}{head}\n{text}" if head else text

    def members(self, rust_name: str) -> list[str]:
        """The constants and methods of a class."""
        owner = self.python_names[rust_name]
        constants, methods = [], []
        for path, found in self.files.items():
            for impl in found:
                if impl.kind != "impl" or impl.name != rust_name or impl.attribute("pymethods") is None:
                    continue
                for item in impl.items:
                    if item.kind == "fn":
                        methods.append(self.function(path, item, "    ", owner))
                    elif item.kind == "const" and item.type and item.attribute("classattr") is not None:
                        constants.append(f"    {item.name}: {self.hint(path, item, item.type, False, owner)}")
                    else:
                        raise self.failed(path, item, f"a `{item.kind}` among methods is not known here")
        return constants + methods

    def exported(self) -> list[str]:
        """The names in Rust of what the module exports."""
        modules = [item for found in self.files.values() for item in found if item.kind == "mod" and item.attribute("pymodule") is not None]
        if len(modules) != 1:
            raise Unreadable(f"{SOURCES}: there is to be one module with #[pymodule], and there are {len(modules)}")
        names = []
        for item in modules[0].items:
            # What runs when the module is made has no name in it.
            if item.attribute("pymodule_init") is not None:
                continue
            if item.attribute("pymodule_export") is None:
                raise Unreadable(f"{SOURCES}: `{item.name}` in the module is not known here: only #[pymodule_export] is")
            names += item.names
        return sorted(names)

    def text(self) -> str:
        """The stub."""
        by_name = {
            item.name: (path, item)
            for path, found in self.files.items()
            for item in found
            if item.attribute("pyclass") is not None or item.attribute("pyfunction") is not None
        }
        functions, classes = {}, {}
        for name in self.exported():
            if name not in by_name:
                raise Unreadable(f"{SOURCES}: `{name}` is exported, and no #[pyclass] or #[pyfunction] has this name")
            path, item = by_name[name]
            if item.kind == "fn":
                functions[self.named(path, item, "pyfunction")] = self.function(path, item)
            else:
                options = {option.partition("=")[0] for option in (item.attribute("pyclass") or "").split(", ")}
                if item.kind != "struct" or "pyo3" in item.body or options - CLASS_OPTIONS - {""}:
                    known = ", ".join(sorted(CLASS_OPTIONS))
                    raise self.failed(path, item, f"only a struct without Python's fields and with options of {known} is known here")
                final = "" if "subclass" in options else f"@{self.using('final')}\n"
                members = "\n".join(self.members(name))
                classes[self.python_names[name]] = f"{final}class {self.python_names[name]}:" + (f"\n{members}" if members else " ...")
        imports = sorted(IMPORTS[name] for name in self.used)
        parts = [merged(imports)] if imports else []
        parts += ["\n".join(functions[name] for name in sorted(functions))] if functions else []
        names = "".join(f'    "{name}",\n' for name in sorted([*functions, *classes]))
        parts.insert(1, f"__all__ = [\n{names}]")
        return HEAD + "\n\n".join(parts + [classes[name] for name in sorted(classes)]) + "\n"


def merged(imports: list[str]) -> str:
    """Imports, with one line for each module; those of other packages stand apart."""
    modules: dict[str, list[str]] = {}
    for line in imports:
        _, module, _, name = line.split(" ")
        modules.setdefault(module, []).append(name)
    lines = {module: f"from {module} import {', '.join(sorted(names))}" for module, names in modules.items()}
    ours = [line for module, line in sorted(lines.items()) if module != "typing_extensions"]
    others = [line for module, line in sorted(lines.items()) if module == "typing_extensions"]
    return "\n\n".join("\n".join(block) for block in (ours, others) if block)


def main() -> None:
    """Prints or checks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the file is not current")
    check = parser.parse_args().check
    try:
        text = Printer({path: items(path) for path in sorted(SOURCES.glob("**/*.rs"))}).text()
    except Unreadable as error:
        sys.exit(str(error))
    if not check:
        PRINTED.write_text(text)
    elif not PRINTED.exists() or PRINTED.read_text() != text:
        sys.exit(f"{PRINTED} is not what tools/print_stubs.py prints: print it anew")


if __name__ == "__main__":
    main()
