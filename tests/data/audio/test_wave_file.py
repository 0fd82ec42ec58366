"""WAV files of every kind: against SciPy's reader, and each of the many ways to be wrong."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile
from tones import in_floats, wav

from gradschool.data.audio.wave_file import Sound, Unreadable, decoded, resampled, sixteen_bits

FULL = {1: 128, 2: 2**15, 3: 2**31, 4: 2**31}  # SciPy gives 24 bits as the upper three bytes of 32


@settings(max_examples=60)
@given(
    width=st.integers(1, 4), channels=st.integers(1, 3), n=st.integers(1, 50), seed=st.integers(0, 99),
    rate=st.sampled_from([8000, 11025, 16000, 44100, 48000]),
)  # fmt: skip
def test_any_pcm_is_read_as_scipy_reads_it(width, channels, n, seed, rate):
    x = np.random.default_rng(seed).uniform(-1, 1, (n, channels))
    content = wav(x, rate, width, channels)
    peer_rate, peer = wavfile.read(io.BytesIO(content))
    peer = peer.reshape(n, channels).astype(np.float64) - (128 if width == 1 else 0)
    found = decoded(content)
    assert found.rate == peer_rate == rate
    np.testing.assert_allclose(found.samples, peer.mean(1) / FULL[width], atol=1e-12)
    assert found.changes == ((f"mixed down from {channels} channels",) if channels > 1 else ())


@settings(max_examples=60)
@given(size=st.sampled_from([4, 8]), channels=st.integers(1, 3), n=st.integers(1, 50),
       extensible=st.booleans(), seed=st.integers(0, 99))  # fmt: skip
def test_floating_point_is_read_as_scipy_reads_it(size, channels, n, extensible, seed):
    x = np.random.default_rng(seed).uniform(-1, 1, (n, channels))
    content = in_floats(x, 16000, size, extensible)
    rate, peer = wavfile.read(io.BytesIO(content))
    found = decoded(content)
    assert (found.rate, found.clipped) == (rate, 0)
    np.testing.assert_allclose(
        found.samples, peer.reshape(n, channels).astype(np.float64).mean(1), atol=1e-12
    )


def test_what_is_louder_than_full_scale_is_clipped_and_counted():
    found = decoded(in_floats([0.5, 1.0, -1.0, 1.25, -7.0, 0.0]))
    assert found.samples.tolist() == [0.5, 1, -1, 1, -1, 0] and found.clipped == 2
    assert found.changes == ("clipped: 2 samples louder than full scale",)
    assert sixteen_bits(found.samples).tolist() == [16384, 32767, -32768, 32767, -32768, 0]
    assert resampled(found, 4000).clipped == 2
    for value in (np.nan, np.inf):
        with pytest.raises(Unreadable, match="1 sample of 3 is no number"):
            decoded(in_floats([0, value, 0]))


def test_whole_numbers_may_be_said_further_on_in_the_header():
    plain = wav(np.linspace(-0.5, 0.5, 20), 16000)
    head = struct.pack("<HHIIHH", 0xFFFE, 1, 16000, 32000, 2, 16) + struct.pack("<HHIH", 22, 16, 0, 1)
    head += bytes.fromhex("000000001000800000aa00389b71")
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + plain[36:]
    found = decoded(b"RIFF" + struct.pack("<I", len(body)) + body)
    np.testing.assert_array_equal(found.samples, decoded(plain).samples)


@settings(max_examples=150)
@given(data=st.data())
def test_no_damage_raises_anything_but_unreadable(data):
    samples, width = np.linspace(-0.5, 0.5, 20), data.draw(st.integers(1, 5))
    content = bytearray(in_floats(samples) if width == 5 else wav(samples, width=width))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        found = decoded(content)
    except Unreadable as reason:
        assert str(reason)
    else:
        assert found.samples.ndim == 1 and len(found.samples) and abs(found.samples).max() <= 1


def with_format(number):
    """A file whose header states another format."""
    content = bytearray(wav(np.zeros(4)))
    content[20:22] = struct.pack("<H", number)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"fLaC\0\0", "it is FLAC; save it as 16-bit PCM WAV"),
        (b"ID3\4", "it is MP3; save"),
        (b"OggS", "it is Ogg; save"),
        (b"hello", "it is no WAV file; save"),
        (b"RIFF", "its header is damaged"),
        (b"RIFF\4\0\0\0WAVE", "its header is damaged"),
        (wav(np.zeros(0)), "it holds no samples"),
        (wav(np.zeros(9))[:44], "it holds no samples"),
        (with_format(3), "its header says 16 bits and 8000 samples a second; save it as 16-bit PCM WAV"),
        (with_format(7), "its samples are mu-law"),
        (with_format(999), "its samples are of format 999"),
    ],
)
def test_what_is_no_pcm_says_what_to_do(content, words):
    with pytest.raises(Unreadable, match=words):
        decoded(content)


def test_a_file_that_was_cut_short_gives_what_is_there():
    whole = wav(np.linspace(-0.5, 0.5, 100))
    found = decoded(whole[: 44 + 61])
    assert found.changes == ("cut short: 30 of 100 samples are there",)
    np.testing.assert_array_equal(found.samples, decoded(whole).samples[:30])


@pytest.mark.parametrize(("old", "new"), [(16000, 8000), (44100, 8000), (8000, 16000), (11025, 8000)])
def test_resampling_keeps_a_tone(old, new):
    t = np.arange(old // 2) / old
    found = resampled(Sound(np.sin(2 * np.pi * 440 * t), old), new)
    assert found.changes == (f"resampled from {old:,} to {new:,} Hz",) and found.rate == new
    wanted = np.sin(2 * np.pi * 440 * np.arange(len(found.samples)) / new)
    np.testing.assert_allclose(found.samples[200:-200], wanted[200:-200], atol=5e-3)  # the filter's ripple
    assert resampled(found, new) is found


def test_frequencies_above_half_the_new_rate_are_taken_out():
    t = np.arange(16000) / 16000
    found = resampled(Sound(np.sin(2 * np.pi * 5000 * t), 16000), 8000)
    assert abs(found.samples[200:-200]).max() < 0.05


def test_what_is_too_loud_is_clipped():
    assert sixteen_bits(np.array([-2.0, -1.0, 0.0, 0.5, 1.0])).tolist() == [-32768, -32768, 0, 16384, 32767]
