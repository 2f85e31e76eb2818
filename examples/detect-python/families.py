"""The kinds of model: how each wants its picture, how its output is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from objects import Candidate, without_doubles

MAX_OVERLAP = 0.5
MAX_OBJECTS = 100


@dataclass(frozen=True)
class Family:
    fit: Literal["stretch", "letterbox"]
    full: float
    candidates: Callable[[list[np.ndarray], float, int], list[Candidate]]


def family_of(session, model: str) -> Family:
    shapes = [output.shape for output in session.get_outputs()]
    if len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][2] == 6:
        return Family("letterbox", 1.0, _decode_yolo)
    if len(shapes) == 2 and all(len(shape) == 4 for shape in shapes) and shapes[1][1] == 4:
        return Family("stretch", 255.0, _decode_centernet)
    raise ValueError(
        f"{model} has outputs {shapes}; this function reads end-to-end YOLO exports ([1, 300, 6]) and CenterNet. "
        "Export YOLO with its NMS: yolo export model=yolo11n.pt format=onnx nms=True"
    )


def _decode_yolo(output: list[np.ndarray], threshold: float, input_width: int) -> list[Candidate]:
    """Rows of left, top, right, bottom, score, class. Doubles are gone already."""
    rows = output[0][0]
    rows = rows[(rows[:, 4] >= threshold) & (rows[:, 4] > 0)]
    return [Candidate(int(row[5]), float(row[4]), tuple(map(float, row[:4]))) for row in rows]


def _decode_centernet(output: list[np.ndarray], threshold: float, input_width: int) -> list[Candidate]:
    """Every cell that is no less sure than its eight neighbours is an object; the second output is how far its edges are."""
    heat, edges = output[0][0], output[1][0]
    _, height, width = heat.shape
    stride = input_width / width
    candidates = []
    # np.argwhere would take twenty times as long to find them.
    for class_index, y, x in np.transpose(np.unravel_index(np.flatnonzero(heat >= threshold), heat.shape)).tolist():
        around = heat[class_index, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        if around.max() > heat[class_index, y, x]:
            continue
        left, top, right, bottom = map(float, edges[:, y, x])
        box = (x * stride - left, y * stride - top, x * stride + right, y * stride + bottom)
        candidates.append(Candidate(class_index, float(heat[class_index, y, x]), box))
    best = sorted(candidates, key=lambda c: -c.score)[:MAX_OBJECTS]
    return without_doubles(best, MAX_OVERLAP)
