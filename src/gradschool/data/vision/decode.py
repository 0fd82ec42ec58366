"""From the bytes of an image file to uint8 pixels of one size, or a reason why not."""

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

LARGEST = 100_000_000  # pixels; more than any camera's photograph, less than a decompression bomb
ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")  # Pillow's modes of more than eight bits a pixel
CLEAR = ("LA", "PA", "RGBA", "La", "RGBa")  # its modes with transparency


class Unreadable(Exception):
    """An image file that cannot be used; its text is the reason."""


def decoded(content: bytes, size: int | None = None) -> NDArray[np.uint8]:
    """Decode an image to 8-bit RGB, or one grey channel where the file is grey; see `decoded_and_told`."""
    return decoded_and_told(content, size)[0]


def decoded_and_told(content: bytes, size: int | None = None) -> tuple[NDArray[np.uint8], str]:
    """Decode an image to 8-bit RGB, or one grey channel where the file is grey, and say what that changed.

    Args:
        content: the whole file.
        size: scale the shorter side to this and cut out the centre square; None keeps the image as it is.

    Returns:
        uint8, (height, width, channels), channels 3 or 1; and what was changed, see `change`.

    Raises:
        Unreadable: with the reason.
    """
    from PIL import Image, ImageOps

    image, told = opened(content, size)
    plain = eight_bit(image)
    if size is not None:
        plain = ImageOps.fit(plain, (size, size), Image.Resampling.BICUBIC)
    pixels = np.asarray(plain, dtype=np.uint8)
    return (pixels[:, :, None] if pixels.ndim == 2 else pixels), told


def opened(content: bytes, size: int | None) -> tuple["Image.Image", str]:
    """The image upright, with the pixels of its file, and what `change` says of it.

    Raises:
        Unreadable: with the reason.
    """
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise Unreadable("the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as file:
                if file.width * file.height > LARGEST:
                    raise Unreadable(
                        f"{file.width} x {file.height} pixels are too many (a decompression bomb?)"
                    )
                told = change(file)
                # A JPEG can be decoded at half or a quarter of its size: much faster, and large enough.
                if size is not None:
                    file.draft(None, (2 * size, 2 * size))
                file.load()
                return upright(file, told)
    except Unreadable:
        raise
    except UnidentifiedImageError:
        raise Unreadable("not an image, or of an unknown kind") from None
    except Image.DecompressionBombError:
        raise Unreadable("too many pixels (a decompression bomb?)") from None
    except (
        Exception
    ) as error:  # a decoder that meets damage raises whatever comes: struct.error, KeyError ...
        if "truncated" in str(error).lower():
            raise Unreadable(f"cut off after {len(content) / 1024:.0f} KB") from None
        raise Unreadable(f"damaged ({error})") from None


def upright(image: "Image.Image", told: str) -> tuple["Image.Image", str]:
    """The image as its camera was held, and what is told of it; one whose EXIF data are broken as it lies."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image), told
    except Exception:  # phones and editors write all sorts of EXIF; the pixels are whole none the less
        return image.copy(), f"{told}, and " * bool(told) + "used as stored, because of broken EXIF data"


def change(image: "Image.Image") -> str:
    """What decoding does to an image of a rare kind, to end a sentence with; "" where it changes nothing."""
    if getattr(image, "is_animated", False):
        return "animated, of which the first frame is used"
    if image.mode in DEEP:
        return scale_of(np.asarray(image))[1]
    if image.mode in CLEAR or "transparency" in image.info:
        return "transparent in places, which are made white"
    kinds = {"P": "of a palette", "CMYK": "in CMYK", "YCbCr": "in YCbCr", "LAB": "in LAB", "HSV": "in HSV"}
    return f"{kinds[image.mode]}, made RGB" if image.mode in kinds else ""


def scale_of(values: NDArray[np.generic]) -> tuple[float, str]:
    """What numbers of more than eight bits are multiplied with to become 0 to 255, and that in words.

    Raises:
        Unreadable: a number is below 0, infinite, or none.
    """
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high < np.inf:  # also where there is no number
        raise Unreadable(f"its numbers are {low:g} to {high:g}: make them 0 to 1, 0 to 255 or 0 to 65,535")
    if values.dtype.kind == "f" and high <= 1:
        return 255.0, "of fractions from 0 to 1, brought to 0 to 255"
    if high <= 255:
        return 1.0, "of 16 bits or more that stay within 255, brought to eight as they are"
    if high <= 65535:
        return 1 / 257, "of 16 bits or more, brought to eight (12 bits come out dark: stretch them)"
    return 255 / high, "of numbers beyond 16 bits, each stretched by its own largest"


def eight_bit(image: "Image.Image") -> "Image.Image":
    """An image of any mode as 8-bit grey ("L") or colour ("RGB"); transparency becomes white.

    Raises:
        Unreadable: see `scale_of`.
    """
    from PIL import Image

    if image.mode in DEEP:
        values = np.asarray(image)
        scaled = values.astype(np.float64) * scale_of(values)[0]
        return Image.fromarray((scaled + 1e-9).clip(0, 255).astype(np.uint8), "L")
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode in CLEAR or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")
