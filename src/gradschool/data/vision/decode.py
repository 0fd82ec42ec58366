"""From the bytes of an image file to uint8 pixels of one size, or a reason why not."""

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

LARGEST = 100_000_000  # pixels; more than any camera's photograph, less than a decompression bomb
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
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
    from PIL import Image, ImageOps, UnidentifiedImageError

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
                return ImageOps.exif_transpose(file), told
    except Unreadable:
        raise
    except UnidentifiedImageError:
        raise Unreadable("not an image, or of an unknown kind") from None
    except Image.DecompressionBombError:
        raise Unreadable("too many pixels (a decompression bomb?)") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, MemoryError) as error:
        if "truncated" in str(error).lower():
            raise Unreadable(f"cut off after {len(content) / 1024:.0f} KB") from None
        raise Unreadable(f"damaged ({error})") from None


def change(image: "Image.Image") -> str:
    """What decoding does to an image of a rare kind, to end a sentence with; "" where it changes nothing."""
    if getattr(image, "is_animated", False):
        return "animated, of which the first frame is used"
    if image.mode in DEEP:
        return "of 16 bits or more, brought to eight (12 bits come out dark: stretch them)"
    if image.mode in CLEAR or "transparency" in image.info:
        return "transparent in places, which are made white"
    kinds = {"P": "of a palette", "CMYK": "in CMYK", "YCbCr": "in YCbCr", "LAB": "in LAB", "HSV": "in HSV"}
    return f"{kinds[image.mode]}, made RGB" if image.mode in kinds else ""


def eight_bit(image: "Image.Image") -> "Image.Image":
    """An image of any mode as 8-bit grey ("L") or colour ("RGB"); transparency becomes white."""
    from PIL import Image

    if image.mode in DEEP:
        # 16 bits and more: the top eight count. Values that stay within 8 bits are taken as they are.
        values = np.asarray(image, dtype=np.float64)
        top = values.max(initial=0)
        scaled = values if top <= 255 else values / (257 if top <= 65535 else top / 255)
        return Image.fromarray(scaled.clip(0, 255).astype(np.uint8), "L")
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode in CLEAR or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")
