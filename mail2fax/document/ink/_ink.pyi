"""The types of the native module that is made from ink.h."""

class CData: ...

class _Ffi:
    NULL: CData
    def from_buffer(self, cdecl: str, data: bytes | bytearray | memoryview) -> CData: ...

class _Lib:
    def ink_scale(
        self,
        source: CData,
        source_size: int,
        width: int,
        height: int,
        target: CData,
        target_size: int,
        new_width: int,
        new_height: int,
        whole: int,
    ) -> int: ...
    def ink_find_dots(
        self,
        source: CData,
        source_size: int,
        width: int,
        height: int,
        new_width: int,
        new_height: int,
        marks: CData,
        marks_size: int,
    ) -> int: ...
    def ink_smooth(
        self,
        grey: CData,
        size: int,
        width: int,
        height: int,
        marks: CData,
        marks_size: int,
        target: CData,
        target_size: int,
    ) -> int: ...
    def ink_binarise(
        self,
        grey: CData,
        size: int,
        width: int,
        height: int,
        screen: int,
        rows: CData,
        rows_size: int,
        flat: CData,
        flat_size: int,
    ) -> int: ...
    def ink_binarise_dots(
        self,
        grey: CData,
        size: int,
        width: int,
        height: int,
        marks: CData,
        marks_size: int,
        below: int,
        screen: int,
        rows: CData,
        rows_size: int,
        flat: CData,
        flat_size: int,
    ) -> int: ...
    def ink_cut(
        self, grey: CData, size: int, width: int, height: int, below: int, rows: CData, rows_size: int
    ) -> int: ...
    def ink_clean(self, rows: CData, size: int, count: int) -> int: ...
    def ink_halve(self, rows: CData, size: int, count: int, target: CData, target_size: int) -> int: ...
    def ink_t6(self, rows: CData, size: int, count: int, target: CData, capacity: int) -> int: ...

ffi: _Ffi
lib: _Lib
