"""Builds the native modules when the package is built: cffi in API mode around C files of ours, run by setuptools.

pyproject.toml names the extensions and `BuildExt`; there is no setup.py. The declarations that Python sees are the
parts of the headers between their two "cdef" marks.
"""

from collections.abc import Sequence
from pathlib import Path

from cffi import FFI
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
MODULES = {
    "mail2fax.engine.embedded.spandsp._spandsp": ("helper.h", "udptl.h", "lane.h", "tones.h"),
    "mail2fax.document.ink._ink": ("ink.h",),
    "mail2fax.api.links._names": ("names.h",),
}
"""Each native module, and the headers beside it that declare what it has."""


def folder_of(module: str) -> Path:
    """Where the module's C files are."""
    return ROOT.joinpath(*module.split(".")[1:-1])


def make_ffi(module: str, headers: Sequence[str]) -> FFI:
    """The description of the module: what the headers declare, compiled against the headers themselves."""
    ffi = FFI()
    for name in headers:
        header = (folder_of(module) / name).read_text(encoding="utf-8")
        ffi.cdef(header.partition("/* cdef begins */")[2].partition("/* cdef ends */")[0])
    ffi.set_source(module, "".join(f'#include "{name}"\n' for name in headers))
    return ffi


class BuildExt(build_ext):
    """setuptools' build_ext, which first has cffi write the glue of each module beside its C files."""

    def run(self) -> None:
        for module, headers in MODULES.items():
            make_ffi(module, headers).emit_c_code(str(folder_of(module) / f"{module.rpartition('.')[2]}.c"))
        super().run()
