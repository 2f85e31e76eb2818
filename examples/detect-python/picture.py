import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from errors import PictureError

MAX_PIXELS = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF")
GREY = 114

Image.MAX_IMAGE_PIXELS = None  # the limit is checked below, before anything is decoded
Image.preinit()  # the decoders, before the fork


@dataclass(frozen=True)
class ModelInput:
    """What a model wants to see. `stretch` fills its input, `letterbox` keeps proportions; `full` is the value of a full channel."""

    width: int
    height: int
    fit: Literal["stretch", "letterbox"]
    full: float


@dataclass(frozen=True)
class Picture:
    """A picture as a model's input, and the way back: a point of the input is offset + scale * pixel of the picture."""

    width: int
    height: int
    planes: np.ndarray
    scale: tuple[float, float]
    offset: tuple[int, int]


def read_picture(data: bytes, model: ModelInput) -> Picture:
    """Decodes a picture and fits it to the model's input. Its size is that after its EXIF orientation."""
    if not data:
        raise PictureError(400, "the picture is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureError(413, f"the picture has more than {MAX_PIXELS // 1_000_000} million pixels")
        if image.getexif().get(0x0112, 1) >= 5:  # lies on its side
            width, height = height, width
        image.draft("RGB", (2 * model.width, 2 * model.height))  # decode a large JPEG no larger than needed
        ImageOps.exif_transpose(image, in_place=True)
        return _fit(_on_white(image), width, height, model)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(400, f"not a picture that can be read; {', '.join(FORMATS)} are understood") from error
    # Decoders meet garbage in many ways; what they say is for the caller.
    except Exception as error:
        raise PictureError(400, f"not a picture that can be read: {error}") from error


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _fit(image: Image.Image, width: int, height: int, model: ModelInput) -> Picture:
    if model.fit == "stretch":
        size, left, top = (model.width, model.height), 0, 0
    else:
        scale = min(model.width / width, model.height / height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        left, top = (model.width - size[0]) // 2, (model.height - size[1]) // 2
    pixels = np.asarray(image.resize(size, Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    factor = np.float32(model.full / 255)
    # Straight to where they are to be: for each copy an instance would have to be given memory first.
    planes = np.empty((1, 3, model.height, model.width), np.float32)
    if size != (model.width, model.height):
        planes[...] = GREY * factor
    np.multiply(pixels, factor, out=planes[0, :, top : top + size[1], left : left + size[0]])
    return Picture(width, height, planes, (size[0] / width, size[1] / height), (left, top))
