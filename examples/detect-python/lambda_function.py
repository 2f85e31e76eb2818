import json
import os

from detector import Detector
from errors import PictureError
from picture import read_picture
from request import find_picture, is_url_event, read_request
from stopwatch import Stopwatch

# The init phase: once for the snapshot, and every instance has it.
detector = Detector(os.environ.get("MODEL", "models/centernet.onnx"))


def lambda_handler(event, context):
    """Says what can be seen in a picture. What it takes and answers: docs/guides/detectors.md."""
    watch = Stopwatch()
    try:
        request = read_request(event)
        with watch.time("fetchMs"):
            data = find_picture(request)
        with watch.time("decodeMs"):
            picture = read_picture(data, detector.input)
        with watch.time("inferenceMs"):
            output = detector.infer(picture)
        with watch.time("postprocessMs"):
            objects = detector.decode(output, picture, request.threshold)
    except PictureError as error:
        return respond(event, error.status_code, {"error": str(error)})
    body = {
        "objects_detected": len(objects),
        "top_class": objects[0]["class"] if objects else None,
        "objects": objects,
        "image": {"width": picture.width, "height": picture.height},
        "model": detector.name,
        "timings": watch.timings(),
    }
    return respond(event, 200, body)


def respond(event, status_code, body):
    """A function URL wants its body as text; who invokes the function directly gets an object."""
    return {
        "statusCode": status_code,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body) if is_url_event(event) else body,
    }
