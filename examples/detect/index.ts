import { answer, failure } from './src/answer.ts';
import { loadDetector } from './src/detector.ts';
import { PictureError } from './src/errors.ts';
import { readPicture } from './src/picture.ts';
import { findPicture, readRequest } from './src/request.ts';
import { Stopwatch } from './src/stopwatch.ts';

// The init phase: once for the snapshot, and every instance has it.
const detector = await loadDetector(process.env.MODEL ?? 'models/centernet.onnx');

/** Says what can be seen in a picture. What it takes and answers: docs/guides/detectors.md. */
export async function handler(event: unknown) {
  const watch = new Stopwatch();
  try {
    const request = readRequest(event);
    const bytes = await watch.time('fetchMs', () => findPicture(request));
    const picture = await watch.time('decodeMs', () => readPicture(bytes, detector.input));
    const output = await watch.time('inferenceMs', () => detector.infer(picture));
    const objects = await watch.time('postprocessMs', () => detector.decode(output, picture, request.threshold));
    return answer(event, {
      objects_detected: objects.length,
      top_class: objects[0]?.class ?? null,
      objects,
      image: { width: picture.width, height: picture.height },
      model: detector.name,
      timings: watch.timings(),
    });
  } catch (error) {
    if (error instanceof PictureError) return failure(event, error);
    throw error;
  }
}
