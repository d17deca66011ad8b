"""Reads of a Rust source just what the stubs need: structs, impls and functions with their attributes, parameters and types. Bodies are
skipped, and nothing is resolved: `print_stubs.py` says what a type is in Python."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TOKEN = re.compile(
    r"""
      (?P<blank>\s+|//[^\n]*)
    | (?P<comment>/\*)
    | (?P<raw>b?r(?P<hashes>\#*)".*?"(?P=hashes))
    | (?P<text>[bc]?"(?:\\.|[^"\\])*")
    | (?P<char>b?'(?:\\.[^']*|[^'\\])')
    | (?P<lifetime>'\w+)
    | (?P<word>\w+)
    | (?P<mark>->|=>|::|.)
    """,
    re.VERBOSE | re.DOTALL,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}


class Unreadable(Exception):
    """A source that this does not know how to read; the message says where."""


@dataclass
class Type:
    """A type: its last name and its arguments. `()` is a tuple, `[]` a slice; of a function's or trait's kind only the name is kept."""

    name: str
    arguments: list["Type"] = field(default_factory=list)


@dataclass
class Parameter:
    """A parameter of a function, `self` left out."""

    name: str
    type: Type


@dataclass
class Item:
    """A struct, an impl, a function, a constant or a module, with its attributes as texts."""

    kind: str
    name: str
    line: int
    attributes: list[str]
    # Of a function.
    parameters: list[Parameter] = field(default_factory=list)
    returns: Type = field(default_factory=lambda: Type("()"))
    receiver: bool = False
    # Of an impl and a module: what is in it. Of a constant: its type. Of a `use`: the names.
    items: list["Item"] = field(default_factory=list)
    type: Type | None = None
    # Of a struct: the tokens of its fields.
    body: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def attribute(self, name: str) -> str | None:
        """What stands in the parentheses of an attribute: nothing if it has none; None if it is not there."""
        for text in self.attributes:
            head, _, rest = text.partition("(")
            if head.removeprefix("pyo3::") == name:
                return rest.removesuffix(")")
        return None


def tokens(text: str) -> Iterator[tuple[str, int]]:
    """The tokens of a source with their lines; comments are left out."""
    at, line = 0, 1
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found is not None
        if found.lastgroup == "comment":
            depth, end = 1, found.end()
            while depth and end < len(text):
                depth += {"/*": 1, "*/": -1}.get(text[end : end + 2], 0)
                end += 2 if text[end : end + 2] in ("/*", "*/") else 1
        else:
            end = found.end()
            if found["blank"] is None:
                yield found.group(), line
        line += text.count("\n", at, end)
        at = end


class Reader:
    """A place in the tokens of a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tokens = list(tokens(path.read_text()))
        self.at = 0

    def failed(self, message: str) -> Unreadable:
        """The error that something here is unknown."""
        line = self.tokens[min(self.at, len(self.tokens) - 1)][1] if self.tokens else 0
        return Unreadable(f"{self.path}:{line}: {message}")

    def peek(self, ahead: int = 0) -> str:
        """The next token; nothing at the end."""
        place = self.at + ahead
        return self.tokens[place][0] if place < len(self.tokens) else ""

    def next(self) -> str:
        """The next token, which is passed."""
        token = self.peek()
        self.at += 1
        return token

    def take(self, token: str) -> bool:
        """Whether the next token is this one, which then is passed."""
        if self.peek() != token:
            return False
        self.at += 1
        return True

    def need(self, token: str) -> None:
        """Passes this token."""
        if not self.take(token):
            raise self.failed(f"`{token}` is expected here, and not `{self.peek()}`")

    def group(self) -> list[str]:
        """Passes what stands in parentheses, brackets or braces, and gives it without them."""
        start = self.at + 1
        stack = [CLOSING[self.next()]]
        while stack:
            token = self.next()
            if not token:
                raise self.failed("a bracket is not closed")
            if token in CLOSING:
                stack.append(CLOSING[token])
            elif token == stack[-1]:
                stack.pop()
        return [token for token, _ in self.tokens[start : self.at - 1]]

    def skip(self, has_body: bool = True) -> list[str]:
        """Passes the rest of an item, over its body or to its `;`, and gives what stood in its last brackets."""
        inside: list[str] = []
        while self.peek():
            if self.peek() in CLOSING:
                is_body = self.peek() == "{" and has_body
                inside = self.group()
                if is_body:
                    break
            elif self.next() == ";":
                break
        return inside

    def generics(self) -> None:
        """Passes `<…>` behind a name, if it is there."""
        if not self.take("<"):
            return
        depth = 1
        while depth:
            token = self.next()
            if not token:
                raise self.failed("`<` is not closed")
            depth += {"<": 1, ">": -1}.get(token, 0)

    def type(self) -> Type:
        """A type."""
        while self.peek() in ("&", "mut") or self.peek().startswith("'"):
            self.next()
        if self.take("("):
            arguments = []
            while not self.take(")"):
                arguments.append(self.type())
                self.take(",")
            return Type("()", arguments)
        if self.take("["):
            inner = self.type()
            if self.take(";"):
                self.next()
            self.need("]")
            return Type("[]", [inner])
        if self.peek() in ("impl", "dyn", "fn", "<", "*", "!"):
            raise self.failed(f"a type that begins with `{self.peek()}` has no place in a Python signature")
        name = self.next()
        while self.take("::"):
            name = self.next()
        arguments = []
        if self.take("<"):
            while not self.take(">"):
                if self.peek().startswith("'"):
                    self.next()
                else:
                    arguments.append(self.type())
                self.take(",")
        return Type(name, arguments)

    def function(self, item: Item) -> None:
        """The signature of a function, whose body is passed."""
        self.generics()
        self.need("(")
        while not self.take(")"):
            if self.peek() == "#":
                raise self.failed("attributes of parameters are not known here")
            start = self.at
            while self.peek() in ("&", "mut") or self.peek().startswith("'"):
                self.next()
            if self.peek() == "self" and self.peek(1) in (",", ")"):
                self.next()
                item.receiver = True
            else:
                self.at = start
                self.take("mut")
                name = self.next()
                self.need(":")
                item.parameters.append(Parameter(name, self.type()))
            self.take(",")
        if self.take("->"):
            item.returns = self.type()
        self.skip()

    def used(self) -> list[str]:
        """The last names of a `use`."""
        names = []
        while not self.take(";"):
            token = self.next()
            if not token:
                raise self.failed("a `use` has no end")
            if token in ("as", "*"):
                raise self.failed(f"`{token}` in a `use` of what is exported is not known here")
            if re.fullmatch(r"\w+", token) and self.peek() != "::":
                names.append(token)
        return names

    def items(self, end: str = "", of_python: bool = False) -> list[Item]:
        """The items up to the end, or to a closing brace. Signatures are read of what Python sees."""
        found = []
        while self.peek() != end:
            if not self.peek():
                raise self.failed("an item has no end")
            attributes = []
            while self.peek() == "#":
                self.next()
                self.take("!")
                attributes.append("".join(token if token != "," else ", " for token in self.group()))
            if self.peek() == end:
                break
            if self.take("pub") and self.peek() == "(":
                self.group()
            while self.peek() in ("async", "unsafe") or (self.peek() == "const" and self.peek(1) == "fn"):
                attributes.append(self.next())
            line = self.tokens[self.at][1]
            kind = self.next()
            item = Item(kind, self.peek(), line, attributes)
            if kind == "fn" and (of_python or item.attribute("pyfunction") is not None):
                self.next()
                self.function(item)
            elif kind == "const" and of_python:
                self.next()
                self.need(":")
                item.type = self.type()
                self.skip(has_body=False)
            elif kind == "impl":
                self.generics()
                item.name = self.type().name
                if self.peek() == "{":
                    self.next()
                    item.items = self.items("}", item.attribute("pymethods") is not None)
                    self.need("}")
                else:
                    # Of a trait: nothing that Python sees.
                    item.kind = "trait"
                    self.skip()
            elif kind == "mod" and self.peek(1) == "{":
                self.at += 2
                item.items = self.items("}")
                self.need("}")
            elif kind == "use" and item.attribute("pymodule_export") is not None:
                item.names = self.used()
            else:
                item.body = self.skip(has_body=kind not in ("const", "static", "type", "use"))
            found.append(item)
        return found


def items(path: Path) -> list[Item]:
    """The items of a file."""
    return Reader(path).items()
