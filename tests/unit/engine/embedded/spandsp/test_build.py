"""The native module is made from helper.h and lane.h as they stand."""

from mail2fax.engine.embedded.spandsp import build
from mail2fax.engine.embedded.spandsp._spandsp import lib


def test_the_headers_are_the_only_declaration() -> None:
    recipe = build.make_ffi()
    assert recipe.typeof("terminal_task_t").fields
    assert recipe.typeof("terminal_event_t").fields
    assert recipe.typeof("lane_t").fields


def test_the_library_is_one_we_know() -> None:
    assert lib.helper_spandsp_release() >= 20110122
