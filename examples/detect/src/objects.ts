import { COCO_CLASSES } from './coco.ts';
import type { Picture } from './picture.ts';

/** Left, top, right, bottom. */
export type Box = readonly [number, number, number, number];

/** Something a model saw, in the coordinates of its input. */
export interface Candidate {
  readonly classIndex: number;
  readonly score: number;
  readonly box: Box;
}

/** Something seen in a picture; the box in pixels of that picture. */
export interface DetectedObject {
  readonly class: string;
  readonly score: number;
  readonly box: Box;
}

/** Best first, in the picture's own pixels; what the picture's edge cuts is cut. */
export function toObjects(candidates: readonly Candidate[], picture: Picture): DetectedObject[] {
  const back = (value: number, axis: 'x' | 'y') => {
    const pixel = (value - picture.offset[axis]) / picture.scale[axis];
    return round(Math.min(Math.max(pixel, 0), axis === 'x' ? picture.width : picture.height), 1);
  };
  return candidates
    .toSorted((a, b) => b.score - a.score)
    .map(({ classIndex, score, box: [x1, y1, x2, y2] }) => ({
      class: COCO_CLASSES[classIndex] ?? `class ${classIndex}`,
      score: round(score, 3),
      box: [back(x1, 'x'), back(y1, 'y'), back(x2, 'x'), back(y2, 'y')],
    }));
}

/** Keeps the best of candidates of one class that cover each other (non-maximum suppression). */
export function withoutDoubles(candidates: readonly Candidate[], maxOverlap: number): Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    if (!kept.some((k) => k.classIndex === candidate.classIndex && overlap(k.box, candidate.box) > maxOverlap)) kept.push(candidate);
  }
  return kept;
}

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

const round = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;
