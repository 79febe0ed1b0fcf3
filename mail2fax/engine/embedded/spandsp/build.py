"""Builds the native module `_spandsp`: cffi in API mode around helper.c, run by setuptools.

pyproject.toml names the extension and `BuildExt`; there is no setup.py. The declarations that Python sees are the
parts of HEADERS between their two "cdef" marks.
"""

from pathlib import Path

from cffi import FFI
from setuptools.command.build_ext import build_ext

MODULE = "mail2fax.engine.embedded.spandsp._spandsp"
FOLDER = Path(__file__).parent
HEADERS = ("helper.h", "udptl.h", "lane.h")
GENERATED = FOLDER / "_spandsp.c"


def make_ffi() -> FFI:
    """The description of the module: what the headers declare, compiled against the headers themselves."""
    ffi = FFI()
    for name in HEADERS:
        header = (FOLDER / name).read_text(encoding="utf-8")
        ffi.cdef(header.partition("/* cdef begins */")[2].partition("/* cdef ends */")[0])
    ffi.set_source(MODULE, "".join(f'#include "{name}"\n' for name in HEADERS))
    return ffi


class BuildExt(build_ext):
    """setuptools' build_ext, which first has cffi write the glue `_spandsp.c` beside helper.c."""

    def run(self) -> None:
        make_ffi().emit_c_code(str(GENERATED))
        super().run()
