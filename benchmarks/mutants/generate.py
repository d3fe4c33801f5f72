"""The mutants of a file: mutmut's operators and a few of our own, less what changes no number.

mutmut's own runner mutates undecorated functions only, which leaves out properties, tables and
constants, and cannot draw a sample; so its operators are used without it. What is left out by
rule is listed in ``rooms.toml`` and done here.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from mutmut.mutation.mutators import mutation_operators, operator_string

__all__ = ["Mutant", "mutants_of"]


@dataclass(frozen=True)
class Mutant:
    """One change: where, the lines before and after, and the whole file with it.

    ``file`` is seen from the folder of the package; the lines say which mutant it is, so that
    code moved elsewhere in its function keeps its explanation.
    """

    file: str
    function: str
    line: int
    before: str
    after: str
    original: str
    text: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from others, whatever its line number."""
        return self.file, self.function, self.before, self.after

    @property
    def changes_code(self) -> bool:
        """Whether it is valid Python that says something else than the original."""
        try:
            return ast.dump(ast.parse(self.text)) != ast.dump(ast.parse(self.original))
        except SyntaxError:
            return False

    def rank(self, seed: int) -> str:
        """A place in a random order that depends on nothing but the seed and the change."""
        return hashlib.sha256("\x00".join((str(seed), *self.key)).encode()).hexdigest()

    def __str__(self) -> str:
        old, new = (" ".join(x.split()) for x in (self.before, self.after))
        return f"{self.file}:{self.line} {self.function}\n    - {old}\n    + {new}"


def mutants_of(package: Path, file: str) -> list[Mutant]:
    """Every mutant of ``file`` in file order, each text once."""
    source = (package / file).read_text(encoding="utf-8")
    wrapper = cst.MetadataWrapper(cst.parse_module(source))
    finder = _Finder()
    wrapper.visit(finder)
    spans = wrapper.resolve(cst.metadata.ByteSpanPositionProvider)
    code, seen, found = source.encode(), {source}, []
    for node, new, function, line in finder.sites:
        span = spans[node]
        end = span.start + span.length
        if code[span.start : end].decode() == _code(wrapper.module, node):
            text = (code[: span.start] + _code(wrapper.module, new).encode() + code[end:]).decode()
        else:  # the span leaves out some of its blanks
            changed = wrapper.module.deep_replace(node, new)  # pyright: ignore[reportArgumentType]
            text = changed.code  # pyright: ignore[reportAttributeAccessIssue]
        if text not in seen:
            seen.add(text)
            before, after = _changed_lines(source, text)
            found.append(Mutant(file, function, line, before, after, source, text))
    return found


def _code(module: cst.Module, node: cst.CSTNode) -> str:
    """The text of a node; its span does not hold its own brackets."""
    if getattr(node, "lpar", ()):
        node = node.with_changes(lpar=[], rpar=[])
    return module.code_for_node(node)


def _changed_lines(old: str, new: str) -> tuple[str, str]:
    a, b = old.splitlines(), new.splitlines()
    first, last = 0, 0
    while first < min(len(a), len(b)) and a[first] == b[first]:
        first += 1
    while last < min(len(a), len(b)) - first and a[-1 - last] == b[-1 - last]:
        last += 1
    kept = (x[first : len(x) - last] for x in (a, b))
    before, after = ("\n".join(line.strip() for line in lines) for lines in kept)
    return before, after


class _Finder(cst.CSTVisitor):
    """Every (node, replacement) outside what is left out by rule."""

    METADATA_DEPENDENCIES = (cst.metadata.PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.sites: list[tuple[cst.CSTNode, cst.CSTNode, str, int]] = []
        self.scope: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _left_out(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.scope.append(node.name.value)
        sites = [*((node, new) for new in _replacements(node)), *_negated(node)]
        for old, new in sites:
            where = self.get_metadata(cst.metadata.PositionProvider, old)
            self.sites.append((old, new, ".".join(self.scope) or "(module)", where.start.line))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef) and not _left_out(
            original_node
        ):
            self.scope.pop()


def _left_out(node: cst.CSTNode) -> bool:
    match node:
        case cst.Annotation() | cst.Raise() | cst.Assert() | cst.Decorator():
            return True  # types, texts of errors, hints to the type checker
        case cst.Import() | cst.ImportFrom() | cst.FormattedString():
            return True
        case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()):
            return True  # docstrings
        case cst.SimpleString() if len(node.raw_value.split()) > 3:
            return True  # sentences for people
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value="__all__"))]):
            return True
        case cst.FunctionDef(name=cst.Name(value="__repr__")):
            return True
        case cst.If(test=cst.Name(value="TYPE_CHECKING")):
            return True
        case cst.Arg(keyword=cst.Name(value="strict")):
            return True  # a guard of zip's
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="errstate"))):
            return True  # silences warnings
        case cst.Call(
            func=cst.Attribute(value=cst.Name(value="notes"), attr=cst.Name(value="append"))
        ):
            return True  # sentences for people
    return False


def _replacements(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.SimpleString):
        # a name in another case is as wrong as a name with more letters: one of them is enough
        yield from list(operator_string(node))[:1]
        return
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from (new for new in operator(node) if not _only_drops_strict(node, new))
    for own in (_extreme, _one_side, _shorter):
        yield from own(node)


def _only_drops_strict(node: cst.CSTNode, new: cst.CSTNode) -> bool:
    if not (isinstance(node, cst.Call) and isinstance(new, cst.Call)):
        return False
    lost = [a for a in node.args if a not in new.args]
    return any(a.keyword is not None and a.keyword.value == "strict" for a in lost)


_EXTREMES = {"min": "max", "minimum": "maximum", "fmin": "fmax", "argmin": "argmax",
             "any": "all", "floor": "ceil"}  # fmt: skip
_EXTREMES |= {new: old for old, new in _EXTREMES.items()}


def _extreme(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    """The largest for the smallest, any for all, and back."""
    match node:
        case cst.Call(func=cst.Name(value=name)) if name in _EXTREMES:
            yield node.with_changes(func=cst.Name(_EXTREMES[name]))
        case cst.Call(func=cst.Attribute(attr=cst.Name(value=name)) as func) if name in _EXTREMES:
            yield node.with_changes(func=func.with_changes(attr=cst.Name(_EXTREMES[name])))
        case cst.Call(func=cst.Name(value="reversed"), args=[only]):
            yield only.value


def _one_side(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    """A factor, a term or a condition dropped."""
    if isinstance(node, cst.BinaryOperation) and isinstance(
        node.operator, cst.Multiply | cst.Divide | cst.Add | cst.Subtract | cst.BitAnd | cst.BitOr
    ):
        yield node.left
        if isinstance(node.operator, cst.Multiply | cst.Add | cst.BitAnd | cst.BitOr):
            yield node.right
    if isinstance(node, cst.BooleanOperation):
        yield node.left
        yield node.right


def _shorter(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    """A list or set without one of its elements: what a cache key is made of."""
    if isinstance(node, cst.List | cst.Set) and len(node.elements) > 1:
        for i in range(len(node.elements)):
            yield node.with_changes(elements=[*node.elements[:i], *node.elements[i + 1 :]])


def _negated(node: cst.CSTNode) -> Iterable[tuple[cst.CSTNode, cst.CSTNode]]:
    """A condition turned round."""
    if isinstance(node, cst.If | cst.CompIf):
        test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        space = cst.SimpleWhitespace(" ")
        yield node.test, cst.UnaryOperation(cst.Not(whitespace_after=space), test)
