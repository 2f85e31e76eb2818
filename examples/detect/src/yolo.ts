import type { Candidate } from './objects.ts';

const ROW = 6;

/** An end-to-end export ([1, 300, 6]): rows of left, top, right, bottom, score, class. Doubles are gone already. */
export function decodeYolo(rows: Float32Array, threshold: number): Candidate[] {
  const candidates: Candidate[] = [];
  for (let at = 0; at + ROW <= rows.length; at += ROW) {
    const [x1, y1, x2, y2, score, classIndex] = rows.subarray(at, at + ROW) as unknown as [number, number, number, number, number, number];
    if (score >= threshold && score > 0) candidates.push({ classIndex, score, box: [x1, y1, x2, y2] });
  }
  return candidates;
}
