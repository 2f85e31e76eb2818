from dataclasses import dataclass

from coco import COCO_CLASSES
from picture import Picture

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Candidate:
    """Something a model saw; the box (left, top, right, bottom) in the coordinates of its input."""

    class_index: int
    score: float
    box: Box


def to_objects(candidates: list[Candidate], picture: Picture) -> list[dict]:
    """Best first, in the picture's own pixels; what the picture's edge cuts is cut."""
    edges = (picture.width, picture.height)

    def back(value: float, axis: int) -> float:
        pixel = (value - picture.offset[axis]) / picture.scale[axis]
        return round(min(max(pixel, 0.0), edges[axis]), 1)

    return [
        {
            "class": COCO_CLASSES[c.class_index] if c.class_index < len(COCO_CLASSES) else f"class {c.class_index}",
            "score": round(c.score, 3),
            "box": [back(value, i % 2) for i, value in enumerate(c.box)],
        }
        for c in sorted(candidates, key=lambda c: -c.score)
    ]


def without_doubles(candidates: list[Candidate], max_overlap: float) -> list[Candidate]:
    """Keeps the best of candidates of one class that cover each other (non-maximum suppression)."""
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: -c.score):
        same = (k for k in kept if k.class_index == candidate.class_index)
        if all(_overlap(k.box, candidate.box) <= max_overlap for k in same):
            kept.append(candidate)
    return kept


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    area_a, area_b = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (area_a + area_b - width * height)
