import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { EXAMPLES } from './examples-folder.ts';

const draw = await import(join(EXAMPLES, 'demo', 'draw.mjs'));
const size = { width: 600, height: 400 };
const cup = { class: 'cup', score: 0.51, box: [165.8, 21.8, 411.3, 258.7] };
const table = { class: 'diningtable', score: 0.41, box: [150.2, 12.9, 425.6, 355.6] };

/** The plates that labels stand on: the filled rectangles. */
function plates(svg: string) {
  const found = svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" fill="rgb/g);
  return [...found].map(([, x, y, width, height]) => ({ x: Number(x), y: Number(y), width: Number(width), height: Number(height) }));
}

describe('drawing detections', () => {
  it('draws a frame and a label an object, no label over another or beyond the edge', () => {
    const found = plates(draw.boxes([cup, table], size));
    assert.equal(found.length, 2);
    for (const { x, y, width, height } of found) assert.ok(x >= 0 && y >= 0 && x + width <= size.width && y + height <= size.height);
    const [a, b] = found as [(typeof found)[0], (typeof found)[0]];
    assert.ok(a.y + a.height <= b.y || b.y + b.height <= a.y || a.x + a.width <= b.x || b.x + b.width <= a.x, 'the labels overlap');
  });

  it('keeps a label in the picture where its box touches every edge', () => {
    const [plate] = plates(draw.boxes([{ ...cup, box: [0, 0, 600, 400] }], size));
    assert.ok(plate && plate.x === 0 && plate.y >= 0);
  });

  it('gives every class one colour', () => {
    const colour = draw.coloursFor([cup, table]);
    assert.deepEqual(colour(cup), colour({ ...cup, score: 0.9 }));
    assert.notDeepEqual(colour(cup), colour(table));
  });

  it('writes an SVG with the picture inside where there is nothing to paint with', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hearth-draw-'));
    try {
      const picture = readFileSync(join(EXAMPLES, 'pictures', 'coffee.png'));
      const path = await draw.drawToFile({
        sharp: null,
        picture,
        answer: { objects: [cup], image: size },
        path: join(folder, 'drawn.png'),
      });
      const svg = readFileSync(path, 'utf8');
      assert.match(path, /\.svg$/);
      assert.ok(svg.includes(picture.toString('base64')));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
