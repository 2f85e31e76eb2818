import base64
import io
import os

import numpy as np
from PIL import Image
from ultralytics import YOLO

# The init phase: imports and the model, once for the snapshot. Every instance has them.
MODEL = os.environ.get("MODEL", "yolo26n.pt")
model = YOLO(MODEL)

# The first call of a PyTorch model makes much of what every later call needs: do it here, and no instance does it again.
if MODEL.endswith(".pt"):
    model(np.zeros((640, 640, 3), np.uint8), verbose=False)


def lambda_handler(event, context):
    """{"url": "https://…"} or {"image": "BASE64"} → what YOLO sees."""
    if "image" in event:
        image_source = Image.open(io.BytesIO(base64.b64decode(event["image"])))
    else:
        image_source = event["url"]

    result = model(image_source, verbose=False)[0]
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
