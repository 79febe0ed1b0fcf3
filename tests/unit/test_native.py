"""The native modules are made from their headers as they stand."""

from importlib import import_module

from mail2fax import native
from mail2fax.engine.embedded.spandsp._spandsp import lib

SPANDSP, *OTHERS = native.MODULES


def test_the_headers_are_the_only_declaration() -> None:
    recipe = native.make_ffi(SPANDSP, native.MODULES[SPANDSP])
    assert recipe.typeof("terminal_task_t").fields
    assert recipe.typeof("terminal_event_t").fields
    assert recipe.typeof("lane_t").fields


def test_every_native_module_has_been_built() -> None:
    for module in OTHERS:
        assert native.make_ffi(module, native.MODULES[module]) is not None
        assert import_module(module).ffi.NULL is not None
    assert all((native.folder_of(module) / name).exists() for module, names in native.MODULES.items() for name in names)


def test_the_library_is_one_we_know() -> None:
    assert lib.helper_spandsp_release() >= 20110122
