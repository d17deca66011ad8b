"""The tools that print and check: what they do not know they refuse, and what is worse they see."""

import ast
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import print_stubs
import ratchet
import rust_items
import signatures

LIB = "#[pyo3::pymodule]\nmod _m {\n    #[pymodule_export]\n    use super::{ONE};\n}\n"


def stub(tmp_path, source, exported):
    """The stub of a module of one file."""
    file = tmp_path / "lib.rs"
    file.write_text(source + LIB.replace("ONE", exported))
    return print_stubs.Printer({file: rust_items.items(file)}).text()


def test_a_stub_has_what_python_sees(tmp_path):
    source = """
        /// Not seen: no attribute. "{"
        pub(crate) fn plain<'a>(f: impl Fn(&'a str) -> [u8; 2]) -> Box<dyn Fn()> { let _ = '{'; todo!() }
        static TABLE: [&str; 1] = [r#"}"#];
        #[pyclass(frozen, name = "Thing", subclass)]
        struct PyThing { _a: Vec<u8> }
        impl PyThing { fn hidden(&self) -> impl Iterator<Item = u8> { [].into_iter() } }
        #[pymethods]
        impl PyThing {
            #[new]
            fn new(py: Python<'_>, parts: Vec<(String, Option<f64>)>) -> PyResult<Self> { todo!() }
            #[getter]
            fn size(&self) -> usize { 1 }
            #[staticmethod]
            #[pyo3(signature = (*names, sorted = false))]
            fn of(names: Vec<String>, sorted: bool) -> Vec<Self> { vec![] }
            fn call<'py>(slf: PyRef<'py, Self>, f: &Bound<'py, PyAny>) -> PyResult<BTreeMap<String, Py<PyAny>>> { todo!() }
        }
    """
    assert stub(tmp_path, source, "PyThing").partition("]\n\n")[2] == (
        "class Thing:\n"
        "    def __new__(cls, parts: Sequence[tuple[str, float | None]]) -> Thing: ...\n"
        "    @property\n"
        "    def size(self) -> int: ...\n"
        "    @staticmethod\n"
        "    def of(*names: str, sorted: bool = False) -> list[Thing]: ...\n"
        "    def call(self, f: Any) -> dict[str, Any]: ...\n"
    )


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("#[pyfunction]\nfn f(a: Mutex<u8>) {}", "lib.rs:2: `f`: what the type `Mutex` is in Python is not known"),
        ("#[pyfunction]\nfn f(a: impl Fn()) {}", "begins with `impl`"),
        ("#[pyfunction]\n#[pyo3(signature = (b))]\nfn f(a: u8) {}", "other parameters than the function"),
        ("#[pyfunction]\n#[instrument]\nfn f() {}", "the attribute `instrument` is not known"),
        ("#[pyfunction]\nfn f(global: bool) {}", "is a keyword in Python"),
        ("fn f() {}", "`f` is exported, and no"),
        ("#[pyclass]\nstruct f {\n    #[pyo3(get)]\n    a: u8,\n}", "only a struct without Python's fields"),
        ("#[pyclass(eq)]\nstruct f(u8);", "only a struct without Python's fields"),
    ],
)
def test_a_stub_of_what_is_not_known_is_refused(tmp_path, function, said):
    with pytest.raises(rust_items.Unreadable) as raised:
        stub(tmp_path, function + "\n", "f")
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("theirs", "ours", "takes_all"),
    [
        ("(a, b=None)", "(a, b=None)", True),
        ("(a, b=None)", "(a, b=None, c=1)", True),
        ("(a, b=None)", "(a, b=None, *more)", True),
        ("(a, b=None)", "(a, b)", False),
        ("(a, b=None)", "(a, b=1)", False),
        ("(a, b=None)", "(a, c=None)", False),
        ("(a, b=None)", "(a, *, b=None)", False),
        ("(a, b=None)", "(a, b=None, *, c)", False),
        ("(a, *, b)", "(a, b)", True),
        ("(*cols)", "(*names)", True),
        ("(*cols)", "(first, *names)", False),
        ("(*cols, **more)", "(*cols)", False),
        ("(a=marker)", "(a=None)", True),
    ],
)
def test_a_signature_takes_all_calls_of_another(theirs, ours, takes_all):
    one, other = (signatures.function(ast.parse(f"def f{each}: return 1").body[0], False) for each in (ours, theirs))
    assert signatures.takes_all_of(one, other) is takes_all


def test_members_are_found_where_they_are_defined(tmp_path):
    package = tmp_path / "p"
    package.mkdir()
    (package / "__init__.py").write_text("from p.thing import *\n")
    (package / "base.py").write_text(
        "def made(name):\n    def method(self, other): return name\n    return method\n"
        "class Base:\n    def inherited(self, a): return a\n    def refused(self):\n        'Not there.'\n        raise TypeError\n"
    )
    (package / "thing.py").write_text(
        "from .base import Base, made\n"
        "class Thing(Base):\n    plus = made('+')\n    add = plus\n    @property\n    def size(self): return 1\n"
        "    def __init__(self): self.kept, self._hidden = 1, 2\n"
    )
    source, node = signatures.Package(package).find("thing", "Thing")
    members = {name: str(member) for name, member in source.members(node).items()}
    assert members == {
        "__init__": "()",
        "add": "(other)",
        "inherited": "(a)",
        "kept": "an attribute",
        "plus": "(other)",
        "refused": "()",
        "size": "an attribute",
    }
    assert source.members(node)["refused"].raises and not source.members(node)["inherited"].raises


def test_a_count_that_falls_is_seen():
    recorded = {"column": (36, 33), "window": (5, 5)}
    assert ratchet.faults(recorded, {"column": (36, 34), "window": (5, 5)}) == []
    assert "column: 32 docstrings pass, and 33 did" in ratchet.faults(recorded, {"column": (36, 32), "window": (5, 5)})[0]
    assert "window has 6 docstrings, and 5" in ratchet.faults(recorded, {"column": (36, 33), "window": (6, 6)})[0]
    assert "window has 0 docstrings" in ratchet.faults(recorded, {"column": (36, 33)})[0]
    assert "types is not in the record" in ratchet.faults({}, {"types": (1, 1)})[0]
