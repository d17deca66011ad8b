"""Reads from the sources of a package, without importing it, which public names its modules and classes have, and what their functions
take. Names that only raise are not counted: who calls them gets an error."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# A default that is no plain value.
COMPUTED = "…"


@dataclass(frozen=True)
class Parameter:
    """A parameter; `kind` is `place`, `any`, `name` or `names`: by place or name, `*x`, by name alone, `**x`."""

    name: str
    kind: str
    default: str | None

    def __str__(self) -> str:
        return {"any": "*", "names": "**"}.get(self.kind, "") + self.name + ("" if self.default is None else f"={self.default}")


@dataclass(frozen=True)
class Member:
    """What stands under a name: a function with its parameters, or a value. `raises` is one that does nothing else."""

    parameters: tuple[Parameter, ...] | None
    raises: bool = False

    def __str__(self) -> str:
        if self.parameters is None:
            return "an attribute"
        listed, starred = [], False
        for parameter in self.parameters:
            if parameter.kind == "name" and not starred:
                listed.append("*")
            starred = starred or parameter.kind in ("any", "name")
            listed.append(str(parameter))
        return f"({', '.join(listed)})"


VALUE = Member(None)


class Module:
    """The names at the top of a source file."""

    def __init__(self, package: "Package", path: Path, name: str) -> None:
        self.package, self.name = package, name
        self.is_package = path.name == "__init__.py"
        self.names: dict[str, ast.stmt | ast.expr | tuple[str, str]] = {}
        self.stars: list[str] = []
        for node in statements(ast.parse(path.read_text()).body):
            if isinstance(node, ast.ImportFrom):
                source = self.source(node)
                for alias in node.names:
                    if alias.name == "*":
                        self.stars.append(source)
                    else:
                        self.names[alias.asname or alias.name] = (source, alias.name)
            else:
                for defined, value in definitions(node):
                    self.names[defined] = value

    def source(self, node: ast.ImportFrom) -> str:
        """The module that an import is from."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        parts = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def find(self, name: str) -> "tuple[Module, ast.stmt | ast.expr] | None":
        """Where a name is defined, and how; imports are followed within the package."""
        found = self.names.get(name)
        if isinstance(found, tuple):
            module = self.package.module(found[0])
            return module.find(found[1]) if module else None
        if isinstance(found, ast.Name) and found.id != name:
            return self.find(found.id)
        if found is not None:
            return self, found
        for star in reversed(self.stars):
            module = self.package.module(star)
            if module and (there := module.find(name)):
                return there
        return None

    def exported(self) -> list[str]:
        """The texts of `__all__`."""
        listed = self.names.get("__all__")
        return [node.value for node in ast.walk(listed) if isinstance(node, ast.Constant)] if isinstance(listed, ast.AST) else []

    def members(self, node: ast.ClassDef, inherited: bool = True) -> dict[str, Member]:
        """The public members of a class, and its constructor."""
        found: dict[str, Member] = {}
        for base in reversed(node.bases) if inherited else []:
            there = self.find(base.id) if isinstance(base, ast.Name) else None
            if there and isinstance(there[1], ast.ClassDef):
                found |= there[0].members(there[1])
        inside: dict[str, ast.stmt | ast.expr] = {}
        for statement in statements(node.body):
            for name, value in definitions(statement):
                inside[name] = value
                if name == "__init__":
                    # What the constructor sets is an attribute.
                    assigned = [part for part in ast.walk(value) if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)]
                    owned = [part.attr for part in assigned if isinstance(part.value, ast.Name) and part.value.id == "self"]
                    found |= {attribute: VALUE for attribute in owned if not attribute.startswith("_")}
        for name, value in inside.items():
            if (not name.startswith("_") or name == "__init__") and not isinstance(value, ast.ClassDef):
                found[name] = self.member(value, inside, name)
        return found

    def member(self, node: ast.stmt | ast.expr, inside: dict[str, ast.stmt | ast.expr] | None = None, name: str = "") -> Member:
        """What a definition is; `inside` are the others of its class."""
        if isinstance(node, ast.FunctionDef):
            return function(node, inside is not None)
        if isinstance(node, ast.Name):
            if inside and node.id in inside and node.id != name:
                return self.member(inside[node.id], inside, node.id)
            there = self.find(node.id)
            return there[0].member(there[1], inside) if there else VALUE
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            # A function that makes methods: what it gives is defined in it.
            there = self.find(node.func.id)
            if there and isinstance(there[1], ast.FunctionDef):
                returned = [part.value.id for part in there[1].body if isinstance(part, ast.Return) and isinstance(part.value, ast.Name)]
                made = [part for part in there[1].body if isinstance(part, ast.FunctionDef) and part.name in returned]
                if made:
                    return function(made[0], inside is not None)
        return VALUE


class Package:
    """A package by the folder of its sources."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        self.module = cache(self.read)

    def read(self, name: str) -> Module | None:
        """A module by its whole name; None for one that is not the package's."""
        if name.partition(".")[0] != self.name:
            return None
        path = self.folder.parent / name.replace(".", "/")
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.exists():
                return Module(self, file, name)
        return None

    def find(self, module: str, name: str) -> "tuple[Module, ast.stmt | ast.expr] | None":
        """Where a name of a module is defined, dots for classes inside others."""
        outer, *inner = name.split(".")
        source = self.module(f"{self.name}.{module}")
        found = source.find(outer) if source else None
        for each in inner:
            if found is None or not isinstance(found[1], ast.ClassDef):
                return None
            nested = [node for node in found[1].body if isinstance(node, ast.ClassDef) and node.name == each]
            found = (found[0], nested[0]) if nested else None
        return found


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, those under `if` and `try` too, but for what only type checkers see."""
    for node in body:
        if isinstance(node, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(node.test):
                yield from statements(node.body)
            yield from statements(node.orelse)
        elif isinstance(node, ast.Try):
            yield from statements(node.body)
        else:
            yield node


def definitions(node: ast.stmt) -> Iterator[tuple[str, ast.stmt | ast.expr]]:
    """The names that a statement defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name, node
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            yield from ((name.id, node.value) for name in names if isinstance(name, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, node.value or node


def function(node: ast.FunctionDef, is_method: bool) -> Member:
    """A function's parameters, without `self`; a property is a value."""
    raises = only_raises(node)
    decorators = {ast.unparse(each).rpartition(".")[2] for each in node.decorator_list}
    if any(each.lower().endswith("property") or each == "setter" for each in decorators):
        return Member(None, raises)
    takes = node.args
    placed = [*takes.posonlyargs, *takes.args]
    defaults = [None] * (len(placed) - len(takes.defaults)) + list(takes.defaults)
    parameters = [Parameter(each.arg, "place", plain(default)) for each, default in zip(placed, defaults)]
    if is_method and "staticmethod" not in decorators:
        parameters = parameters[1:]
    if takes.vararg:
        parameters.append(Parameter(takes.vararg.arg, "any", None))
    parameters += [Parameter(each.arg, "name", plain(default)) for each, default in zip(takes.kwonlyargs, takes.kw_defaults)]
    if takes.kwarg:
        parameters.append(Parameter(takes.kwarg.arg, "names", None))
    return Member(tuple(parameters), raises)


def plain(default: ast.expr | None) -> str | None:
    """A default as text, if it is a plain value."""
    if default is None:
        return None
    try:
        value = ast.literal_eval(default)
    except ValueError:
        return COMPUTED
    return COMPUTED if value is ... else repr(value)


def only_raises(node: ast.FunctionDef) -> bool:
    """Whether a function does nothing but raise, itself or by `absent`."""
    body = [each for each in node.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    if len(body) > 1:
        # A message may be put together first.
        *before, last = body
        return isinstance(last, ast.Raise) and all(isinstance(each, ast.Assign) for each in before)
    if isinstance(body[0] if body else None, ast.Return) and isinstance(body[0].value, ast.Call):
        return ast.unparse(body[0].value.func) == "absent"
    return bool(body) and isinstance(body[0], ast.Raise)


def takes_all_of(ours: Member, theirs: Member) -> bool:
    """Whether ours takes every call that theirs takes. What ours takes besides does not matter."""
    if ours.parameters is None or theirs.parameters is None:
        return ours.parameters is theirs.parameters
    places = [each for each in ours.parameters if each.kind == "place"]
    kinds = {each.kind for each in ours.parameters}
    needed = [each for each in theirs.parameters if each.kind == "place"]
    named = {each.name: each for each in ours.parameters if each.kind in ("place", "name")}

    def agree(one: Parameter, other: Parameter) -> bool:
        if one.name != other.name or (other.default is not None and one.default is None):
            return False
        return COMPUTED in (one.default, other.default) or other.default is None or one.default == other.default

    if len(places) < len(needed) or not all(map(agree, places, needed)):
        return False
    extra = places[len(needed) :] + [each for each in ours.parameters if each.kind == "name"]
    wanted = {each.name for each in theirs.parameters if each.kind == "name"}
    if any(each.default is None and each.name not in wanted for each in extra):
        return False
    for each in theirs.parameters:
        if each.kind == "any" and ("any" not in kinds or len(places) != len(needed)):
            return False
        if each.kind == "name" and not (each.name in named and agree(named[each.name], each)):
            return False
        if each.kind == "names" and "names" not in kinds:
            return False
    return True
