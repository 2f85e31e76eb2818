import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { build } from 'esbuild';
import { EXAMPLES } from './examples-folder.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}
type Place = Size & { readonly left: number; readonly top: number };
type ToPlanes = (pixels: Size & { bytes: Uint8Array }, place: Place, input: Size & { fit: string; full: 1 | 255 }) => Float32Array;

/** A grey picture of these rows. */
function grey(rows: readonly (readonly number[])[]) {
  return { bytes: Uint8Array.from(rows.flat().flatMap((value) => [value, value, value])), width: rows[0]!.length, height: rows.length };
}

describe('a picture as the planes that examples/detect makes of it', () => {
  let toPlanes: ToPlanes;
  before(async () => {
    const { outputFiles } = await build({ entryPoints: [join(EXAMPLES, 'detect/src/planes.ts')], format: 'esm', write: false });
    ({ toPlanes } = (await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`)) as { toPlanes: ToPlanes });
  });

  const all = (width: number, height: number) => ({ left: 0, top: 0, width, height });
  const stretched = (width: number, height: number) => ({ width, height, fit: 'stretch', full: 255 }) as const;
  /** The rows of one plane; all three are the same. */
  const rowsOf = (planes: Float32Array, { width, height }: Size) => {
    const size = width * height;
    assert.equal(planes.length, 3 * size);
    for (const channel of [1, 2]) assert.deepEqual(planes.subarray(channel * size, (channel + 1) * size), planes.subarray(0, size));
    return Array.from({ length: height }, (_, y) => [...planes.subarray(y * width, (y + 1) * width)]);
  };

  it('is what it was where it has the size', () => {
    const picture = { bytes: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1 };
    assert.deepEqual([...toPlanes(picture, all(2, 1), stretched(2, 1))], [1, 4, 2, 5, 3, 6]);
  });

  it('is enlarged between the middles of its pixels, and ends with the outermost', () => {
    const rows = rowsOf(toPlanes(grey([[0], [20], [40], [60]]), all(1, 8), stretched(1, 8)), { width: 1, height: 8 });
    assert.deepEqual(rows.flat(), [0, 5, 15, 25, 35, 45, 55, 60]);
    const both = toPlanes(
      grey([
        [0, 40],
        [80, 120],
      ]),
      all(4, 4),
      stretched(4, 4),
    );
    assert.deepEqual(rowsOf(both, { width: 4, height: 4 }), [
      [0, 10, 30, 40],
      [20, 30, 50, 60],
      [60, 70, 90, 100],
      [80, 90, 110, 120],
    ]);
  });

  it('may be a single pixel', () => {
    assert.deepEqual(rowsOf(toPlanes(grey([[7]]), all(3, 2), stretched(3, 2)), { width: 3, height: 2 }), [
      [7, 7, 7],
      [7, 7, 7],
    ]);
  });

  it('lies in grey where it keeps its proportions', () => {
    const input = { width: 4, height: 3, fit: 'letterbox', full: 1 } as const;
    const planes = toPlanes(grey([[255]]), { left: 1, top: 1, width: 2, height: 1 }, input);
    const g = Math.fround(114 / 255);
    assert.deepEqual(rowsOf(planes, input), [
      [g, g, g, g],
      [g, 1, 1, g],
      [g, g, g, g],
    ]);
  });
});
