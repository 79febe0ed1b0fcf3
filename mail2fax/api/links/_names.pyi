"""The types of the native module that is made from names.h."""

class CData: ...

class _Ffi:
    def from_buffer(self, cdecl: str, data: bytes | bytearray | memoryview) -> CData: ...
    def new(self, cdecl: str, init: int) -> CData: ...
    def unpack(self, cdata: CData, length: int) -> list[int]: ...

class _Lib:
    def names_count(self, text: CData, size: int) -> int: ...
    def names_blocks(self, text: CData, size: int, blocks: CData, room: int) -> int: ...
    def names_write(
        self,
        text: CData,
        size: int,
        outgoing: CData,
        outgoing_size: int,
        incoming: CData,
        incoming_size: int,
        proofs: CData,
        proofs_size: int,
        target: CData,
        target_size: int,
    ) -> int: ...

ffi: _Ffi
lib: _Lib
