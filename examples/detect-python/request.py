import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from download import download
from errors import PictureError

TASK_ROOT = Path(os.environ.get("LAMBDA_TASK_ROOT", ".")).resolve()
DEFAULT_THRESHOLD = os.environ.get("THRESHOLD", "0.3")


@dataclass(frozen=True)
class DetectRequest:
    """Where the picture is (an address or its bytes), and how sure the detector has to be."""

    url: str | None
    data: bytes | None
    threshold: float


def is_url_event(event) -> bool:
    """Is this a request to the function's URL (payload format 2.0), not an event of its own?"""
    return isinstance(event, dict) and isinstance(event.get("requestContext"), dict) and "http" in event["requestContext"]


def read_request(event) -> DetectRequest:
    """Takes {url}, {image: BASE64} or a request to the function's URL: a picture or one of these as its body, or ?url=."""
    if not is_url_event(event):
        return _from_fields(event if isinstance(event, dict) else {})
    query = event.get("queryStringParameters") or {}
    body = event.get("body")
    if not body:
        return _from_fields(query)
    data = _from_base64(body) if event.get("isBase64Encoded") else body.encode()
    if not data.startswith(b"{"):
        return DetectRequest(None, data, _threshold(query.get("threshold")))
    try:
        return _from_fields({**query, **json.loads(data)})
    except ValueError as error:
        raise PictureError(400, "the body looks like JSON and is not") from error


def find_picture(request: DetectRequest) -> bytes:
    """The bytes of the picture a request speaks of."""
    if request.data is not None:
        return request.data
    if request.url.startswith("data:"):
        return _from_data_url(request.url)
    if request.url.lower().startswith(("http:", "https:")):
        return download(request.url)
    return _own_file(request.url)


def _from_fields(fields: dict) -> DetectRequest:
    threshold = _threshold(fields.get("threshold"))
    url, image = fields.get("url"), fields.get("image")
    if isinstance(url, str):
        return DetectRequest(url, None, threshold)
    if not isinstance(image, str):
        raise PictureError(400, 'send {"url": "https://…"}, {"image": "BASE64"} or the bytes of a picture')
    if image.startswith("data:"):
        return DetectRequest(image, None, threshold)
    return DetectRequest(None, _from_base64(image), threshold)


def _threshold(given) -> float:
    try:
        threshold = float(DEFAULT_THRESHOLD if given is None else given)
    except (TypeError, ValueError):
        threshold = -1.0
    if not 0 <= threshold <= 1:
        raise PictureError(400, f"threshold is a number from 0 to 1, not {given}")
    return threshold


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError as error:
        raise PictureError(400, "the picture is not base64") from error


def _from_data_url(url: str) -> bytes:
    head, comma, data = url.partition(",")
    if not comma:
        raise PictureError(400, "a data: URL has a comma before its data")
    return _from_base64(data) if head.endswith(";base64") else unquote_to_bytes(data)


def _own_file(url: str) -> bytes:
    """Reads a file that was deployed with the function. Nothing outside its folder, by whatever path."""
    scheme, colon, _ = url.partition(":")
    if colon and scheme.isalpha() and scheme.lower() != "file":
        raise PictureError(400, f"cannot read {scheme}: URLs; http, https, data and file are understood")
    relative = url[5:].removeprefix("//") if colon and scheme.lower() == "file" else url
    try:
        path = (TASK_ROOT / unquote(relative)).resolve(strict=True)
        if not path.is_relative_to(TASK_ROOT):
            raise FileNotFoundError(path)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise PictureError(400, f"no file {url} in the function's folder") from error
