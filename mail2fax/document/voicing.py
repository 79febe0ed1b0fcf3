"""The process that reads a voice message: `python -m mail2fax.document.voicing` forks one for each.

MP3, WAV, Ogg Vorbis and FLAC become A-law at 8000 samples a second, at the level of a telephone. A decoder of
strangers' files has bugs, and ten kilobytes can be hours: so it is done here, within limits, a piece at a time.
"""

import struct

import miniaudio
import numpy as np
from numpy.typing import NDArray

from mail2fax.document.confinement import confine, limit_page
from mail2fax.document.inside import OUR_DISK, Answer, Order, say, serve, write_all

RATE = 8000
PIECE_FRAMES = 80_000

ACTIVE_LEVEL_DBOV = -26.0
"""The level of speech while somebody speaks (ITU-T P.56, P.830): what telephones are made for."""
PEAK_DBOV = -3.0
"""The loudest sample: beyond it a line begins to distort."""
FRAME = 160
_ACTIVE_UNDER_PEAK = 10 ** (-30 / 20)
"""Frames of 20 ms that are quieter than this, measured by the loudest one, are pauses."""
_SILENT = 1e-4
_SEGMENTS = 7

Samples = NDArray[np.float64]


class NotAudio(Exception):
    """The file is none that can be played; the words say why."""


def main() -> None:
    encode(level(decode(rehearsal(), 1.0)))  # everything that is loaded on first use is there now
    serve(_work)


def _work(order: Order) -> None:
    confine(order.limits)
    limit_page(order.limits.page_seconds)
    say(_read(order))


def _read(order: Order) -> Answer:
    try:
        samples = decode(order.read(), order.limits.voice_seconds)
        write_all(order.targets[0], encode(level(samples)))
    except NotAudio as error:
        return {"outcome": "refused", "detail": str(error)}
    except OSError as error:
        return {"outcome": "fault" if error.errno in OUR_DISK else "refused", "detail": repr(error)}
    except Exception as error:  # noqa: BLE001 - whatever a file does, its sender gets an answer
        return {"outcome": "refused", "detail": repr(error)}
    return {"outcome": "voice", "seconds": len(samples) / RATE}


def decode(data: bytes, longest_s: float) -> Samples:
    """The samples of a file, from -1 to 1, in mono at 8000 a second; raises `NotAudio`."""
    most, count = int(longest_s * RATE), 0
    pieces: list[NDArray[np.int16]] = []
    try:
        stream = miniaudio.stream_memory(
            data,
            output_format=miniaudio.SampleFormat.SIGNED16,
            nchannels=1,
            sample_rate=RATE,
            frames_to_read=PIECE_FRAMES,
        )
        for piece in stream:
            count += len(piece)
            if count > most:
                raise NotAudio(f"it is longer than {longest_s:.0f} s")
            pieces.append(np.frombuffer(piece, dtype=np.int16).copy())
    except miniaudio.MiniaudioError as error:
        raise NotAudio("it is no MP3, WAV, Ogg Vorbis or FLAC that can be read") from error
    samples = np.concatenate(pieces).astype(np.float64) / 32_768 if pieces else np.zeros(0)
    if not len(samples) or np.abs(samples).max() < _SILENT:
        raise NotAudio("there is nothing to be heard in it")
    return samples


def level(samples: Samples) -> Samples:
    """The same at the level of speech on a telephone, however loud it was recorded, and never clipped."""
    padded = np.pad(samples, (0, -len(samples) % FRAME))
    loudness = np.sqrt(np.mean(padded.reshape(-1, FRAME) ** 2, axis=1))
    active = loudness[loudness >= loudness.max() * _ACTIVE_UNDER_PEAK]
    gain = 10 ** (ACTIVE_LEVEL_DBOV / 20) / float(np.sqrt(np.mean(active**2)))
    louder: Samples = samples * min(gain, 10 ** (PEAK_DBOV / 20) / float(np.abs(samples).max()))
    return louder


def encode(samples: Samples) -> bytes:
    """A-law (G.711 Table 1): the sign, the segment, and four bits of the place in it, every other bit inverted."""
    linear = np.clip(np.round(samples * 32_768), -32_768, 32_767).astype(np.int32)
    value = np.where(linear >= 0, linear, -linear - 1) >> 4
    segment = np.clip(np.frexp(value.astype(np.float64))[1] - 4, 0, _SEGMENTS)
    place = value >> np.maximum(segment - 1, 0) & 0x0F
    octets = np.where(linear >= 0, 0x80, 0) | segment << 4 | place
    return bytes((octets ^ 0x55).astype(np.uint8))


def rehearsal() -> bytes:
    """A tenth of a second of a tone, as a WAV at 44100."""
    tone = b"".join(struct.pack("<h", 8000 if number // 50 % 2 else -8000) for number in range(4410))
    form = struct.pack("<IHHIIHH", 16, 1, 1, 44_100, 88_200, 2, 16)
    return b"".join(
        (b"RIFF", struct.pack("<I", 36 + len(tone)), b"WAVEfmt ", form, b"data", struct.pack("<I", len(tone)), tone)
    )


if __name__ == "__main__":
    main()
