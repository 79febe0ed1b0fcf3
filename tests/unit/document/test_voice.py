"""Voice messages: read in a process of their own, at the level of a telephone, or refused with a reason."""

import io
import math
import subprocess
import wave
from array import array
from pathlib import Path

import numpy as np
import pytest

from mail2fax.document.voice import VoiceRefused, Voices
from mail2fax.document.voicing import RATE, NotAudio, decode, encode, level, rehearsal
from tests.harness.peers import need
from tests.harness.voices import correlation, linear, speech


def wav(seconds: float, loudness: float = 0.1, rate: int = 44_100, channels: int = 2, hertz: float = 440.0) -> bytes:
    """A tone that is there half of the time."""
    samples = array("h")
    for number in range(int(seconds * rate)):
        on = number // (rate // 4) % 2
        samples.extend([round(on * loudness * 32_767 * math.sin(2 * math.pi * hertz * number / rate))] * channels)
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return made.getvalue()


@pytest.mark.parametrize("loudness", [0.003, 0.1, 1.0])
def test_however_loud_it_was_recorded_it_is_played_at_the_level_of_speech(loudness: float) -> None:
    samples = linear(encode(level(decode(wav(2.0, loudness), 60))))
    active = samples[np.abs(samples) > 0.002]
    assert -29 < 20 * math.log10(float(np.sqrt(np.mean(active**2)))) < -24
    assert abs(len(samples) / RATE - 2.0) < 0.02


def test_a_single_click_does_not_clip() -> None:
    samples = np.zeros(RATE)
    samples[::100] = 0.01
    samples[4000] = 1.0
    assert float(np.abs(level(samples)).max()) <= 10 ** (-3 / 20) + 1e-9


def test_a_law_says_each_sample_within_its_step() -> None:
    samples = np.concatenate([np.linspace(-1, 1, 20_001), np.linspace(-0.02, 0.02, 2_001)])
    said = linear(encode(samples))
    assert float(np.max(np.abs(said - samples) - np.maximum(np.abs(samples) / 16, 16 / 32_768))) <= 1e-9


@pytest.mark.parametrize("data", [b"", b"no music", b"RIFF" + bytes(100), b"OggS" + bytes(60), b"ID3" + bytes(50)])
def test_what_is_no_audio_is_refused(data: bytes) -> None:
    with pytest.raises(NotAudio, match=r"read|heard"):
        decode(data, 10)


def test_silence_and_length_are_refused_for_what_they_are() -> None:
    with pytest.raises(NotAudio, match="nothing to be heard"):
        decode(wav(1.0, 0.0), 10)
    with pytest.raises(NotAudio, match="longer than 1 s"):
        decode(wav(3.0), 1.0)


async def test_a_message_is_kept_under_the_name_of_what_it_says(tmp_path: Path) -> None:
    voices = Voices(tmp_path / "voices", 5.0)
    names = []
    for data in (wav(1.0), wav(1.0), wav(1.5), rehearsal()):
        (tmp_path / "upload").write_bytes(data)
        with (tmp_path / "upload").open("rb") as source:
            names.append(await voices.keep(source))
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert {path.name for path in (tmp_path / "voices").iterdir()} == set(names)
    assert (tmp_path / "voices" / names[2]).stat().st_size == pytest.approx(12_000, abs=100)
    (tmp_path / "upload").write_bytes(b"no music")
    with (tmp_path / "upload").open("rb") as source, pytest.raises(VoiceRefused, match="that can be read"):
        await voices.keep(source)
    (tmp_path / "upload").write_bytes(wav(6.0, rate=8000, channels=1))
    with (tmp_path / "upload").open("rb") as source, pytest.raises(VoiceRefused, match="longer than 5 s"):
        await voices.keep(source)


@pytest.mark.parametrize(
    "command",
    [
        ("lame", "--quiet", "-b", "64", "said.wav", "made"),
        ("oggenc", "--quiet", "-o", "made", "said.wav"),
    ],
)
def test_what_others_make_mp3_and_ogg_of_is_heard_as_it_was(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = speech(2.0)
    (tmp_path / "said.wav").write_bytes(said)
    subprocess.run((need(command[0]), *command[1:]), check=True, cwd=tmp_path)  # noqa: S603 - our own words
    heard = encode(level(decode((tmp_path / "made").read_bytes(), 10)))
    assert correlation(said, heard) > 0.95
