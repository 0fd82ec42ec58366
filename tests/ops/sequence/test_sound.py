"""Spectra and cepstra against SciPy, torch.stft, published tables and closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft, signal

from gradschool.ops import switch
from gradschool.ops.sequence import sound

LAYERS = ("plain", "fast")
# librosa's documentation lists these for 40 corners up to 11,025 Hz (Slaney's scale), to 3 digits.
SLANEY = [
    0, 85.317, 170.635, 255.952, 341.269, 426.586, 511.904, 597.221, 682.538, 767.855, 853.173, 938.49,
    1024.856, 1119.114, 1222.042, 1334.436, 1457.167, 1591.187, 1737.532, 1897.337, 2071.84, 2262.393,
    2470.47, 2697.686, 2945.799, 3216.731, 3512.582, 3835.643, 4188.417, 4573.636, 4994.285, 5453.621,
    5955.205, 6502.92, 7101.009, 7754.107, 8467.272, 9246.028, 10096.408, 11025,
]  # fmt: skip


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.fixture(params=LAYERS)
def layer(request):
    with switch.using(request.param):
        yield request.param


@pytest.mark.parametrize("size", [1, 2, 7, 256])
def test_the_window_is_scipys(layer, size):
    found = sound.hann_window(size, torch.float64).numpy()
    if size > 1:  # SciPy gives a window of one sample the value 1, the formula gives 0
        np.testing.assert_allclose(found, signal.get_window("hann", size), atol=1e-15)
    assert found.shape == (size,) and sound.hann_window(size).dtype == torch.float32


@settings(max_examples=40)
@given(n=st.integers(1, 60), size=st.integers(1, 60), hop=st.integers(1, 70), lead=st.integers(0, 2))
def test_frames_are_slices(n, size, hop, lead):
    x = noise(*[2] * lead, n)
    for layer in LAYERS:
        with switch.using(layer):
            if size > n:
                with pytest.raises(ValueError, match=f"{size} samples and x {n}"):
                    sound.frames(x, size, hop)
                continue
            found = sound.frames(x, size, hop)
        starts = range(0, n - size + 1, hop)
        assert torch.equal(found, torch.stack([x[..., s : s + size] for s in starts], dim=-2))


@settings(max_examples=25)
@given(size=st.integers(2, 64), hop=st.integers(1, 40), extra=st.integers(0, 200), seed=st.integers(0, 9))
def test_the_spectrogram_is_scipys_and_torchs(size, hop, extra, seed):
    x = noise(2, size + extra, seed=seed)
    window = signal.get_window("hann", size)
    # 1. SciPy's newer class; its slice p is centred on sample p * hop, ours begin there.
    transform = signal.ShortTimeFFT(window, 1, 1.0, fft_mode="onesided")
    count = 1 + extra // hop
    middle = transform.m_num_mid
    wide = transform.stft(x.numpy(), p0=middle, p1=middle + extra + 1, axis=-1)
    wanted = (abs(wide) ** 2)[..., ::hop].swapaxes(-1, -2)
    # 2. Its older function, which divides by the window's sum.
    for layer in LAYERS:
        with switch.using(layer):
            found = sound.spectrogram(x, torch.tensor(window), hop)
            small = sound.spectrogram(x.float(), torch.tensor(window).float(), hop)
        assert found.shape == (2, count, size // 2 + 1)
        np.testing.assert_allclose(found.numpy(), wanted, atol=1e-10)
        torch.testing.assert_close(small.double(), found, rtol=1e-4, atol=1e-4)  # float32, squares of sums
    if hop < size:
        _, _, old = signal.stft(x.numpy(), window=window, nperseg=size, noverlap=size - hop, boundary=None,
                                padded=False)  # fmt: skip
        np.testing.assert_allclose(abs(old.swapaxes(-1, -2) * window.sum()) ** 2, found.numpy(), atol=1e-10)


def test_gradients_of_both_forms_agree(layer):
    x = noise(40).requires_grad_()
    window = sound.hann_window(16, torch.float64)
    weight = noise(7, 9, seed=1)
    (found,) = torch.autograd.grad((sound.spectrogram(x, window, 4) * weight).sum(), x)
    frames = torch.stack([x[4 * i : 4 * i + 16] for i in range(7)]) * window
    (wanted,) = torch.autograd.grad((torch.fft.rfft(frames).abs() ** 2 * weight).sum(), x)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


def test_a_pure_tone_has_power_at_its_own_frequency_alone(layer):
    """A cosine of i whole turns in n samples has power (n / 2)^2 at entry i, by orthogonality."""
    n = 64
    for i in range(n // 2 + 1):
        found = sound.power_spectrum(torch.cos(2 * math.pi * i * torch.arange(n, dtype=torch.float64) / n))
        wanted = torch.zeros(n // 2 + 1, dtype=torch.float64)
        wanted[i] = n**2 if i in (0, n // 2) else (n / 2) ** 2
        torch.testing.assert_close(found, wanted, atol=1e-9, rtol=1e-9)


def test_mel_scales_are_the_published_ones():
    corners = torch.tensor([0.0, 11025.0], dtype=torch.float64)
    mels = torch.linspace(*sound.hz_to_mel(corners, "slaney").tolist(), 40, dtype=torch.float64)
    np.testing.assert_allclose(sound.mel_to_hz(mels, "slaney").numpy(), SLANEY, atol=5.1e-4)
    # HTK's formula in its other published form, 1127 ln(1 + f / 700); 1,000 Hz is 1,000 mel by definition.
    hz = torch.tensor([0.0, 440.0, 1000.0, 8000.0], dtype=torch.float64)
    np.testing.assert_allclose(sound.hz_to_mel(hz).numpy(), 1127 * np.log1p(hz.numpy() / 700), rtol=2e-5)
    assert sound.hz_to_mel(hz)[2].item() == pytest.approx(1000, abs=0.02)


@given(hz=st.floats(0, 24000), scale=st.sampled_from(["htk", "slaney"]))
def test_mel_and_back(hz, scale):
    x = torch.tensor([hz], dtype=torch.float64)
    torch.testing.assert_close(sound.mel_to_hz(sound.hz_to_mel(x, scale), scale), x, rtol=1e-10, atol=1e-9)


@settings(max_examples=30)
@given(
    bands=st.integers(1, 50), size=st.integers(8, 600), rate=st.sampled_from([8000, 16000, 44100]),
    low=st.floats(0, 1000), scale=st.sampled_from(["htk", "slaney"]), equal_area=st.booleans(),
)  # fmt: skip
def test_filters_are_interpolated_triangles(bands, size, rate, low, scale, equal_area):
    """NumPy's linear interpolation between three corners, which are found by bisection of the scale."""
    high = rate / 2 - 100
    found = sound.mel_filters(bands, size, rate, low, high, scale, equal_area)
    mel = lambda f: (  # noqa: E731
        1127.010480 * math.log1p(f / 700) if scale == "htk"
        else f * 3 / 200 if f < 1000 else 15 + 27 * math.log(f / 1000, 6.4)
    )  # fmt: skip

    def at(wanted):
        a, b = 0.0, 30000.0
        for _ in range(80):
            a, b = ((a + b) / 2, b) if mel((a + b) / 2) < wanted else (a, (a + b) / 2)
        return a

    corners = [at(mel(low) + i / (bands + 1) * (mel(high) - mel(low))) for i in range(bands + 2)]
    hz = np.linspace(0, rate / 2, size // 2 + 1) if size % 2 == 0 else np.fft.rfftfreq(size, 1 / rate)
    for row, (a, b, c) in zip(
        found.numpy(), zip(corners, corners[1:], corners[2:], strict=False), strict=True
    ):
        height = 2 / (c - a) if equal_area else 1
        np.testing.assert_allclose(row, height * np.interp(hz, [a, b, c], [0, 1, 0]), atol=1e-6 * height)


def test_inner_triangles_of_height_1_sum_to_1():
    filters = sound.mel_filters(20, 512, 16000)
    hz = torch.arange(257) * 16000 / 512
    corners = sound.mel_to_hz(torch.linspace(0, sound.hz_to_mel(torch.tensor(8000.0)).item(), 22))
    inside = (hz >= corners[1]) & (hz <= corners[-2])
    torch.testing.assert_close(filters.sum(0)[inside], torch.ones(int(inside.sum()), dtype=torch.float64),
                               rtol=1e-4, atol=1e-4)  # fmt: skip


@given(n=st.integers(1, 50), seed=st.integers(0, 20))
def test_the_cosine_transform_is_scipys_and_keeps_lengths(n, seed):
    x = noise(3, n, seed=seed)
    np.testing.assert_allclose(sound.dct(x).numpy(), fft.dct(x.numpy(), norm="ortho"), atol=1e-11)
    torch.testing.assert_close(sound.dct(x).norm(dim=1), x.norm(dim=1))


def test_cepstra_of_a_wave_are_those_of_scipy_and_numpy(layer):
    """The chain as a whole, on one second of noise, each step by another library."""
    x, size, hop, rate = noise(8000), 200, 80, 8000
    window = sound.hann_window(size, torch.float64)
    filters = sound.mel_filters(23, size, rate, scale="slaney", equal_area=True)
    found = sound.mfcc(sound.log_mel(sound.spectrogram(x, window, hop), filters), 13)
    pieces = np.lib.stride_tricks.sliding_window_view(x.numpy(), size)[::hop] * signal.get_window(
        "hann", size
    )
    bands = np.log(np.maximum(abs(fft.rfft(pieces)) ** 2 @ filters.numpy().T, 1e-10))
    np.testing.assert_allclose(found.numpy(), fft.dct(bands, norm="ortho")[:, :13], rtol=1e-9, atol=1e-9)


@given(n=st.integers(1, 12), more=st.integers(0, 4), reach=st.integers(1, 3), seed=st.integers(0, 9))
def test_slopes_are_those_of_scipys_line_of_least_squares(n, more, reach, seed):
    """Whatever stands behind the end of a recording changes nothing before it."""
    x = noise(2, n + more, 3, seed=seed)
    lengths = torch.tensor([n, n + more])
    found = sound.slopes(x, lengths, reach)
    for row, own, count in zip(found, x, lengths.tolist(), strict=True):
        wanted = signal.savgol_filter(own[:count], 2 * reach + 1, 1, deriv=1, axis=0, mode="nearest")
        np.testing.assert_allclose(row[:count], wanted, atol=1e-11)
    torch.testing.assert_close(sound.slopes(x, None, reach)[1], found[1])


def test_silence_stays_finite(layer):
    filters = sound.mel_filters(10, 64, 8000)
    found = sound.log_mel(sound.spectrogram(torch.zeros(100), sound.hann_window(64), 10), filters)
    assert torch.equal(found, torch.full((4, 10), 1e-10).log())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sound.hann_window(0), "size is 0, 1 or more samples"),
        (lambda: sound.frames(torch.zeros(9), 3, 0), "hop is 0, 1 or more"),
        (lambda: sound.power_spectrum(torch.zeros(2, 0)), "a frame has 0 samples"),
        (lambda: sound.spectrogram(torch.zeros(9), torch.zeros(10), 1), "10 samples and x 9"),
        (lambda: sound.mel_filters(0, 64, 8000), "0 bands"),
        (lambda: sound.mel_filters(5, 64, 8000, high=4001.0), r"0 <= low < high <= 4000 \(half the rate\)"),
        (lambda: sound.log_mel(torch.zeros(3, 5), torch.zeros(2, 6)), "power has 5 frequencies, 6 were"),
        (lambda: sound.mfcc(torch.zeros(3, 5), 6), "6 coefficients of 5 bands"),
        (lambda: sound.slopes(torch.zeros(1, 5, 2), reach=0), "reach is 0, 1 or more"),
        (lambda: sound.slopes(torch.zeros(1, 5, 2), torch.tensor([5, 5])), "2 lengths for 1 recordings"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(layer, call, words):
    with pytest.raises(ValueError, match=words):
        call()
