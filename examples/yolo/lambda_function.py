import base64
import io
import json
import os
from urllib.request import urlopen

MOST_BYTES = 20_000_000
MODEL = os.environ.get("MODEL", "yolo26n.pt")
if not os.path.exists(MODEL):
    # ultralytics would download it into a folder that nobody may write to, and say so in its own way.
    raise FileNotFoundError(f"no {MODEL} in the function's folder: put the weights there and deploy again (docs/guides/yolo.md)")

import numpy as np  # noqa: E402
from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: E402

open_image = Image.open  # ultralytics puts one in its place that installs packages when it does not know a format
from ultralytics import YOLO  # noqa: E402

# The init phase: imports and the model, once for the snapshot. Every instance has them.
model = YOLO(MODEL)

# The first call of a PyTorch model makes much of what every later call needs: do it here, and no instance does it again.
if MODEL.endswith(".pt"):
    model(np.zeros((640, 640, 3), np.uint8), verbose=False)


def lambda_handler(event, context):
    """{"url": "https://…"}, {"image": "BASE64"}, or either or the picture itself as the body of a request to the URL → what YOLO sees."""
    try:
        picture = picture_of(event)
    except (ValueError, TypeError, OSError) as error:
        return {"statusCode": 400, "body": {"error": str(error)}}

    result = model(picture, verbose=False)[0]
    objects = [
        {"class": result.names[int(box.cls)], "score": round(float(box.conf), 3), "box": [round(v, 1) for v in box.xyxy[0].tolist()]}
        for box in result.boxes
    ]
    objects.sort(key=lambda found: -found["score"])
    return {
        "statusCode": 200,
        "body": {
            "objects_detected": len(objects),
            "top_class": objects[0]["class"] if objects else None,
            "objects": objects,
        },
    }


def picture_of(event):
    if "body" in event:
        body = base64.b64decode(event["body"]) if event.get("isBase64Encoded") else event["body"].encode()
        if not body.startswith(b"{"):
            return opened(body)
        event = json.loads(body)
    if event.get("image"):
        return opened(base64.b64decode(event["image"]))
    url = event.get("url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise ValueError('send {"url": "https://…"}, {"image": "BASE64"} or the bytes of a picture')
    # Not model(url): ultralytics downloads into the function's folder, where it may not write, and takes what has the same name there.
    with urlopen(url, timeout=10) as answer:
        return opened(answer.read(MOST_BYTES))


def opened(data):
    """A photograph that lies on its side by its EXIF is turned upright."""
    try:
        return ImageOps.exif_transpose(open_image(io.BytesIO(data)))
    except UnidentifiedImageError:
        raise ValueError("that is no picture") from None
