import { type Candidate, withoutDoubles } from './objects.ts';

const MAX_OVERLAP = 0.5;
const MAX_OBJECTS = 100;

/** One plane a class: how sure it is that something of that class has its centre here; and how far its edges are from there. */
export interface CenterNetOutput {
  readonly heat: Float32Array;
  readonly edges: Float32Array;
  readonly width: number;
  readonly height: number;
  /** Pixels of the input to a cell of the output. */
  readonly stride: number;
}

/** Every cell that is no less sure than its eight neighbours is an object. */
export function decodeCenterNet(output: CenterNetOutput, threshold: number): Candidate[] {
  const { heat, edges, width, height, stride } = output;
  const cells = width * height;
  const candidates: Candidate[] = [];
  for (let first = 0; first < heat.length; first += cells) {
    for (const cell of atLeast(heat.subarray(first, first + cells), threshold)) {
      if (!isPeak(output, first + cell)) continue;
      const [x, y] = [(cell % width) * stride, Math.floor(cell / width) * stride];
      const edge = (side: number) => edges[side * cells + cell]!;
      const box: Candidate['box'] = [x - edge(0), y - edge(1), x + edge(2), y + edge(3)];
      candidates.push({ classIndex: first / cells, score: heat[first + cell]!, box });
    }
  }
  const best = candidates.toSorted((a, b) => b.score - a.score).slice(0, MAX_OBJECTS);
  return withoutDoubles(best, MAX_OVERLAP);
}

/** Where the values are not below the threshold. One plane: called often, V8 compiles it for good while the init phase rehearses. */
function atLeast(values: Float32Array, threshold: number): number[] {
  const found: number[] = [];
  for (let at = 0; at < values.length; at++) if (values[at]! >= threshold) found.push(at);
  return found;
}

function isPeak({ heat, width, height }: CenterNetOutput, at: number): boolean {
  const cell = at % (width * height);
  const [x, y] = [cell % width, Math.floor(cell / width)];
  for (let dy = y > 0 ? -1 : 0; dy <= (y < height - 1 ? 1 : 0); dy++) {
    for (let dx = x > 0 ? -1 : 0; dx <= (x < width - 1 ? 1 : 0); dx++) {
      if (heat[at + dy * width + dx]! > heat[at]!) return false;
    }
  }
  return true;
}
