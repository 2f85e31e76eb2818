import io
import os
from pathlib import Path

# An instance has one CPU, and it is forked from the process that loads this: threads would not come along.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Since 1.29 onnxruntime reports its use to its makers from a thread of its own, unless told otherwise before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from PIL import Image  # noqa: E402

from families import family_of  # noqa: E402
from objects import to_objects  # noqa: E402
from picture import ModelInput, Picture, read_picture  # noqa: E402
from request import TASK_ROOT  # noqa: E402


class Detector:
    """A loaded model that finds objects."""

    def __init__(self, model: str):
        """Loads an .onnx file (a path in the function's folder, or absolute). What kind of model it is, its outputs tell."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # What one inference needs is given back: an idle instance holds a model, not the intermediate results of its last picture.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        self._session = onnxruntime.InferenceSession(TASK_ROOT / model, options, providers=["CPUExecutionProvider"])
        self._family = family_of(self._session, model)
        self._input_name = self._session.get_inputs()[0].name
        # Exports with dynamic axes are given YOLO's usual 640.
        height, width = (side if isinstance(side, int) else 640 for side in self._session.get_inputs()[0].shape[2:])
        self.name = Path(model).name
        self.input = ModelInput(width, height, self._family.fit, self._family.full)
        self._rehearse()

    def infer(self, picture: Picture) -> list[np.ndarray]:
        return self._session.run(None, {self._input_name: picture.planes})

    def decode(self, output: list[np.ndarray], picture: Picture, threshold: float) -> list[dict]:
        """What the output says: best first, in the picture's pixels."""
        return to_objects(self._family.candidates(output, threshold, self.input.width), picture)

    def _rehearse(self) -> None:
        """Looks at nothing once: the buffers this allocates are shared by every instance, not made again in each."""
        file = io.BytesIO()
        Image.new("RGB", (self.input.width, self.input.height)).save(file, "PNG")
        nothing = read_picture(file.getvalue(), self.input)
        self.decode(self.infer(nothing), nothing, 0.5)
