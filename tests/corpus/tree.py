"""Mails as trees: leaves and multiparts, to be written down as bytes; a part can be planted anywhere in them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Union

Tree = Union["Leaf", "Multi", "Forwarded"]
Place = tuple[int, ...]
"""The way to a child: the first step within the outermost multipart, and so on."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part: its header lines, and its body as it stands in the mail."""

    fields: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Multi:
    """A multipart; `more` is what stands behind its boundary in the type."""

    subtype: str
    children: tuple[Tree, ...]
    more: bytes = b""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A mail within the mail."""

    inner: Tree
    fields: bytes = b"Content-Type: message/rfc822\nContent-Disposition: attachment"


def written(tree: Tree, head: bytes) -> bytes:
    """The whole mail: `head` are the header lines in front of those that the tree brings."""
    return (head + _part(tree, count(1))).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _part(tree: Tree, numbers: Iterator[int]) -> bytes:
    if isinstance(tree, Leaf):
        return tree.fields + b"\n\n" + tree.body
    if isinstance(tree, Forwarded):
        return tree.fields + b"\n\nFrom: boris@example.org\nSubject: +375172001500\n" + _part(tree.inner, numbers)
    boundary = b"----=_Part_%d_x" % next(numbers)
    start = b'Content-Type: multipart/%s; boundary="%s"%s\n\nA preamble.\n' % (
        tree.subtype.encode(),
        boundary,
        tree.more,
    )
    parts = [b"--" + boundary + b"\n" + _part(child, numbers) + b"\n" for child in tree.children]
    return start + b"".join(parts) + b"--" + boundary + b"--\nAn epilogue.\n"


def places(tree: Tree, way: Place = ()) -> Iterator[Place]:
    """Every place where one more part can stand: in front of, between and behind the children of each multipart."""
    if isinstance(tree, Forwarded):
        yield from places(tree.inner, (*way, 0))
    if not isinstance(tree, Multi):
        return
    yield from ((*way, at) for at in range(len(tree.children) + 1))
    for at, child in enumerate(tree.children):
        yield from places(child, (*way, at))


def planted(tree: Tree, place: Place, part: Tree) -> Tree:
    """The tree with `part` at `place`."""
    at, *rest = place
    if isinstance(tree, Forwarded):
        return replace(tree, inner=planted(tree.inner, tuple(rest), part))
    assert isinstance(tree, Multi)
    before, behind = tree.children[:at], tree.children[at:]
    if not rest:
        return replace(tree, children=(*before, part, *behind))
    return replace(tree, children=(*before, planted(behind[0], tuple(rest), part), *behind[1:]))


def is_forwarded(tree: Tree, place: Place) -> bool:
    """Whether `place` lies in a mail within the mail."""
    for at in place:
        if isinstance(tree, Forwarded):
            return True
        if not isinstance(tree, Multi) or at >= len(tree.children):
            return False
        tree = tree.children[at]
    return False
