import { basename, resolve } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeCenterNet } from './centernet.ts';
import { type Candidate, type DetectedObject, toObjects } from './objects.ts';
import { TASK_ROOT } from './own-file.ts';
import type { ModelInput, Picture } from './picture.ts';
import { toPlanes } from './planes.ts';
import { decodeYolo } from './yolo.ts';

type Output = InferenceSession.OnnxValueMapType;

/** A loaded model that finds objects. */
export interface Detector {
  /** The model's file name. */
  readonly name: string;
  readonly input: ModelInput;
  infer(picture: Picture): Promise<Output>;
  /** What the output says: best first, in the picture's pixels. */
  decode(output: Output, picture: Picture, threshold: number): DetectedObject[];
}

/** A kind of model: how it wants its picture, how its output is read. */
interface Family {
  readonly fit: ModelInput['fit'];
  readonly full: ModelInput['full'];
  candidates(output: Output, threshold: number, inputWidth: number): Candidate[];
}

/** Loads an .onnx file (a path in the function's folder, or absolute). What kind of model it is, its outputs tell. */
export async function loadDetector(model: string): Promise<Detector> {
  // Since 1.29 onnxruntime reports its use to its makers from a thread of its own, unless told otherwise before the first session.
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const session = await InferenceSession.create(resolve(TASK_ROOT, model), {
    // An instance has one CPU. And it is forked from the process that runs this: threads would not come along.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // What one inference needs is given back: an idle instance holds a model, not the intermediate results of its last picture.
    enableCpuMemArena: false,
    enableMemPattern: false,
  });
  const family = familyOf(session, model);
  const [width, height] = inputSize(session);
  const [inputName] = session.inputNames as [string];
  const detector: Detector = {
    name: basename(model),
    input: { width, height, fit: family.fit, full: family.full },
    infer: ({ planes }) => session.run({ [inputName]: new Tensor('float32', planes, [1, 3, height, width]) }),
    decode: (output, picture, threshold) => toObjects(family.candidates(output, threshold, width), picture),
  };
  await rehearse(detector);
  return detector;
}

/** From nothing found to something: as often as V8 wants to see a loop before it compiles it for good, and all of its branches. */
const THRESHOLDS = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01];

/** Looks at nothing: buffers this allocates and code this compiles are shared by every instance, not made again in each. */
async function rehearse(detector: Detector): Promise<void> {
  const { input } = detector;
  const { width, height } = input;
  const place = { left: 0, top: 0, width, height };
  // Smaller than its place, so that the way of a picture that is enlarged is compiled.
  const half = { bytes: new Uint8Array(3 * width * height), width, height: Math.ceil(height / 2) };
  const nothing = (): Picture => ({ ...input, planes: toPlanes(half, place, input), scale: { x: 1, y: 1 }, offset: { x: 0, y: 0 } });
  const output = await detector.infer(nothing());
  for (const threshold of THRESHOLDS) detector.decode(output, nothing(), threshold);
}

/** Height and width of a [1, 3, height, width] input; exports with dynamic axes are given YOLO's usual 640. */
function inputSize(session: InferenceSession): [number, number] {
  const [, , height, width] = shapeOf(session.inputMetadata[0]);
  return [typeof width === 'number' ? width : 640, typeof height === 'number' ? height : 640];
}

function shapeOf(value: InferenceSession.ValueMetadata | undefined): readonly (number | string)[] {
  return value?.isTensor ? value.shape : [];
}

function familyOf(session: InferenceSession, model: string): Family {
  const shapes = session.outputMetadata.map(shapeOf);
  const [first, second] = session.outputNames as [string, string];
  if (shapes.length === 1 && shapes[0]!.length === 3 && shapes[0]![2] === 6) return yolo(first);
  if (shapes.length === 2 && shapes.every((shape) => shape.length === 4) && shapes[1]![1] === 4) return centerNet(first, second);
  throw new Error(
    `${model} has outputs ${JSON.stringify(shapes)}; this function reads end-to-end YOLO exports ([1, 300, 6]) and CenterNet. ` +
      `Export YOLO with its NMS: yolo export model=yolo11n.pt format=onnx nms=True`,
  );
}

const yolo = (output: string): Family => ({
  fit: 'letterbox',
  full: 1,
  candidates: (outputs, threshold) => decodeYolo(floats(outputs[output]), threshold),
});

const centerNet = (heat: string, edges: string): Family => ({
  fit: 'stretch',
  full: 255,
  candidates: (outputs, threshold, inputWidth) => {
    const [, , height, width] = (outputs[heat] as Tensor).dims as [number, number, number, number];
    const stride = inputWidth / width;
    return decodeCenterNet({ heat: floats(outputs[heat]), edges: floats(outputs[edges]), width, height, stride }, threshold);
  },
});

const floats = (value: Output[string] | undefined) => (value as Tensor).data as Float32Array;
