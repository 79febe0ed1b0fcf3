"""Something like speech, and how much of it was heard at the other end."""

import io
import wave

import numpy as np
from numpy.typing import NDArray

RATE = 8000

Samples = NDArray[np.float64]


def speech(seconds: float, rate: int = RATE) -> bytes:
    """A WAV: tones of 300 to 900 Hz that come and go, no two moments alike, and quiet."""
    time = np.arange(int(seconds * rate)) / rate
    pitch = np.cumsum(300 + 250 * (1 + np.sin(2 * np.pi * 0.7 * time)) + 60 * np.floor(3 * time) % 90) / rate
    wave_form = 0.02 * np.sin(2 * np.pi * pitch) * (0.55 + 0.45 * np.sin(2 * np.pi * 3.1 * time))
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((wave_form * 32_767).astype("<i2").tobytes())
    return made.getvalue()


def linear(voice: bytes) -> Samples:
    """A-law as samples from -1 to 1, by the tables of G.711."""
    octets = np.frombuffer(voice, dtype=np.uint8) ^ 0x55
    segment, place = (octets >> 4 & 7).astype(np.int32), (octets & 15).astype(np.int32)
    value = np.where(segment == 0, (place << 4) + 8, ((place << 4) + 0x108) << np.maximum(segment - 1, 0))
    told: Samples = np.where(octets & 0x80, value, -value) / 32_768
    return told


def correlation(said_wav: bytes, heard_alaw: bytes) -> float:
    """How alike what was said and what was heard are, at the best of all delays: 1 is the same but for its level."""
    with wave.open(io.BytesIO(said_wav)) as file:
        said = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)
    heard = linear(heard_alaw)
    size = len(said) + len(heard)
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    at = int(np.argmax(product[: max(len(heard) - len(said) // 2, 1)]))
    part = heard[at : at + len(said)]
    return float(np.dot(part, said[: len(part)]) / (np.linalg.norm(part) * np.linalg.norm(said) + 1e-12))
