"""Every kind of image file becomes 8-bit pixels of one size, or a reason why not."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gradschool.data.vision.decode import Unreadable, decoded


def file_of(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    with io.BytesIO() as out:
        image.save(out, kind, **options)
        return out.getvalue()


def noise(height: int, width: int, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that claim to be a very large picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize("mode", ["RGB", "P", "L", "1", "RGBA", "LA"])
def test_every_mode_becomes_eight_bit(mode):
    pixels = decoded(file_of(noise(20, 16, mode)), 16)
    assert pixels.dtype == np.uint8 and pixels.shape == (16, 16, 1 if mode in ("L", "1") else 3)


def test_pixels_are_those_of_the_file():
    image = noise(7, 5)
    assert np.array_equal(decoded(file_of(image)), np.asarray(image))
    grey = noise(7, 5, "L")
    assert np.array_equal(decoded(file_of(grey))[..., 0], np.asarray(grey))
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    assert decoded(file_of(palette)).tolist() == [[[255, 0, 0], [0, 0, 255]]]


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_printers_inks_become_colours(kind):
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    seen = decoded(file_of(red, kind))[4, 4].astype(int)
    assert np.abs(seen - [255, 0, 0]).max() <= 4  # JPEG rounds


def test_of_sixteen_bits_the_upper_eight_count():
    deep = Image.fromarray((np.arange(256, dtype=np.uint16) * 257).reshape(16, 16))
    assert decoded(file_of(deep))[..., 0].ravel().tolist() == list(range(256))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(kind):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    content = file_of(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(decoded(content)[0, 0].astype(int) - [255, 0, 0]).max() <= 3  # WebP rounds


def test_clear_places_become_white():
    assert decoded(file_of(Image.new("RGBA", (4, 4), (0, 0, 0, 0)))).min() == 255
    half = decoded(file_of(Image.new("RGBA", (4, 4), (0, 0, 0, 128))))
    assert abs(int(half[0, 0, 0]) - 127) <= 1


def test_a_photograph_stands_as_its_camera_was_held():
    upright = Image.new("RGB", (6, 4))
    exif = upright.getexif()
    exif[0x0112] = 6  # turned by a quarter
    assert decoded(file_of(upright, "JPEG", exif=exif)).shape == (6, 4, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"hello", "not an image, or of an unknown kind"),
        (file_of(noise(200, 200), "JPEG")[:3000], "cut off after 3 KB"),
        (file_of(noise(200, 200))[:3000], "cut off after 3 KB"),
        (huge_png(11_000, 11_000), "11000 x 11000 pixels are too many"),
        (huge_png(60_000, 60_000), r"too many pixels \(a decompression bomb\?\)"),
        (huge_png(64, 64), "cut off after 0 KB|damaged"),
    ],
    ids=["empty", "text", "cut jpeg", "cut png", "large", "bomb", "hollow"],
)
def test_what_cannot_be_used_is_given_a_reason(content, reason):
    with warnings.catch_warnings(), pytest.raises(Unreadable, match=reason):
        warnings.simplefilter("error")  # nothing of it reaches a person's terminal either
        decoded(content, 32)


@settings(max_examples=25)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF"]), st.data())
def test_no_damage_raises_anything_else(kind, data):
    content = bytearray(file_of(noise(24, 24), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = decoded(bytes(content[: data.draw(st.integers(1, len(content)))]), 16)
    except Unreadable as reason:
        assert len(str(reason)) > 10
    else:
        assert pixels.shape[:2] == (16, 16) and pixels.dtype == np.uint8
