"""Uses one library during init, the way functions do, and again in the handler. LIBRARY says which, MODE how."""

import base64
import os

MODE = os.environ.get("MODE")
# y = -x, of four numbers.
NEGATES = base64.b64decode("CAg6MgoLCgF4EgF5IgNOZWcSAWdaDwoBeBIKCggIARIECgIIBGIPCgF5EgoKCAgBEgQKAggEQgQKABAN")


def numpy():
    import numpy

    square = numpy.ones((300, 300))

    def run():
        return float((square @ square).sum())

    run()
    return run


def onnxruntime():
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if MODE == "threads":
        options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(NEGATES, options)

    def run():
        return session.run(None, {"x": numpy.array([1, 2, 3, 4], dtype="float32")})[0].tolist()

    run()
    return run


def cv2():
    import cv2
    import numpy

    if MODE == "threads":
        cv2.setNumThreads(2)
    picture = numpy.ones((800, 800, 3), dtype="uint8")

    def run():
        return list(cv2.GaussianBlur(cv2.resize(picture, (400, 400)), (9, 9), 0).shape)

    run()
    return run


def PIL():
    from PIL import Image

    def run():
        return list(Image.new("RGB", (64, 64)).resize((8, 8)).size)

    run()
    return run


def pykdtree():
    """Searches with OpenMP: enough points for it to want a team."""
    import numpy
    from pykdtree.kdtree import KDTree

    points = numpy.arange(60_000, dtype="float64").reshape(20_000, 3)
    tree = KDTree(points)

    def run():
        distances, nearest = tree.query(points, k=1)
        return [float(distances.sum()), int((nearest == numpy.arange(20_000)).sum())]

    run()
    return run


def torch():
    import torch

    if MODE == "threads":
        torch.set_num_threads(2)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8 * 30 * 30, 10))
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.5)
    square = torch.ones((300, 300))
    initialising = True

    def run():
        if MODE == "raised" and not initialising:
            torch.set_num_threads(2)
        with torch.no_grad():
            return [float((square @ square).sum()), model(torch.ones(1, 3, 32, 32))[0].tolist()[-1]]

    run()
    initialising = False
    return run


run = globals()[os.environ["LIBRARY"]]()


def lambda_handler(event, context):
    return {
        "result": run(),
        "cpus": len(os.sched_getaffinity(0)),
        "threads": len(os.listdir("/proc/self/task")),
        "variable": os.environ.get("OMP_NUM_THREADS"),
    }
