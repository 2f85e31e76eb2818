/** Draws detections on their picture: as a file, and in a terminal. `node draw.mjs PICTURE ANSWER.json FILE.png` */
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HEIGHT, textPath, widthOf } from './font.mjs';

const COLOURS = [[255, 122, 0], [0, 168, 255], [124, 77, 255], [0, 200, 130], [255, 64, 129], [255, 200, 0]]; // prettier-ignore

/** One colour a class, by the order in which they appear. */
export function coloursFor(objects) {
  const classes = [...new Set(objects.map((object) => object.class))];
  return (object) => COLOURS[classes.indexOf(object.class) % COLOURS.length];
}

const label = ({ class: name, score }) => `${name} ${Math.round(score * 100)}%`;

/** Boxes and labels as the elements of an SVG of the picture's size. */
export function boxes(objects, size) {
  const dot = Math.max(1, Math.round(Math.max(size.width, size.height) / 300));
  const colour = coloursFor(objects);
  const taken = [];
  const frames = objects.map((object) => {
    const [x1, y1, x2, y2] = object.box;
    return `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" stroke="rgb(${colour(object)})" stroke-width="${2 * dot}"/>`;
  });
  const plates = objects.map((object) => {
    const plate = placeFor(object, size, dot, taken);
    taken.push(plate);
    return `<rect x="${plate.x}" y="${plate.y}" width="${plate.width}" height="${plate.height}" fill="rgb(${colour(object)})"/>
      <path d="${textPath(label(object), plate.x + 3 * dot, plate.y + 3 * dot, dot)}" fill="#fff"/>`;
  });
  return [...frames, ...plates].join('\n');
}

/** Where a label goes: above its box, else inside it on top or at the bottom, wherever no other label is. */
function placeFor(object, size, dot, taken) {
  const [x1, y1, , y2] = object.box;
  const [width, height] = [(widthOf(label(object)) + 6) * dot, (HEIGHT + 5) * dot];
  const x = Math.max(0, Math.min(x1 - dot, size.width - width));
  const places = [y1 - height, y1, y2 - height].filter((y) => y >= 0 && y + height <= size.height).map((y) => ({ x, y, width, height }));
  return places.find((place) => !taken.some((other) => overlap(place, other))) ?? places.at(-1) ?? { x, y: 0, width, height };
}

const overlap = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

const svg = ({ width, height }, content) => `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${content}</svg>`;

/** The sharp that examples/detect was installed with: in its folder, or where a server keeps it; null when there is none. */
export function findSharp(home) {
  const folders = [fileURLToPath(new URL('../detect', import.meta.url)), ...(home ? dependencyFolders(home) : [])];
  for (const folder of folders) {
    try {
      return createRequire(join(folder, 'package.json'))('sharp');
    } catch (error) {
      if (!['MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'].includes(error.code)) throw error;
    }
  }
  return null;
}

function dependencyFolders(home) {
  try {
    const root = join(home, 'artifacts', 'dependencies');
    return readdirSync(root).map((name) => join(root, name));
  } catch {
    return [];
  }
}

/** Writes the picture with its detections: a PNG, or an SVG where there is no sharp to paint with. Returns the path. */
export async function drawToFile({ sharp, picture, answer, path }) {
  const drawn = boxes(answer.objects, answer.image);
  if (sharp) {
    await sharp(picture)
      .autoOrient()
      .composite([{ input: Buffer.from(svg(answer.image, drawn)) }])
      .png()
      .toFile(path);
    return path;
  }
  const embedded = `<image href="data:image/png;base64,${picture.toString('base64')}" width="100%" height="100%"/>`;
  const vector = path.replace(/\.png$/, '.svg');
  writeFileSync(vector, svg(answer.image, embedded + drawn));
  return vector;
}

/** The picture in half blocks, two pixels a character, for terminals with true colours. */
export async function drawToText(sharp, path, columns) {
  const { data, info } = await sharp(path).removeAlpha().resize({ width: columns }).raw().toBuffer({ resolveWithObject: true });
  const pixel = (x, y) => data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3).join(';');
  const lines = [];
  for (let y = 0; y + 1 < info.height; y += 2) {
    const line = Array.from({ length: info.width }, (_, x) => `\x1b[38;2;${pixel(x, y)};48;2;${pixel(x, y + 1)}m▀`);
    lines.push(`${line.join('')}\x1b[0m`);
  }
  return lines.join('\n');
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [picture, answerFile, path] = process.argv.slice(2);
  if (!path) throw new Error('node draw.mjs PICTURE ANSWER.json FILE.png');
  const answer = JSON.parse(readFileSync(answerFile, 'utf8'));
  console.log(await drawToFile({ sharp: findSharp(), picture: readFileSync(picture), answer: answer.body ?? answer, path }));
}
