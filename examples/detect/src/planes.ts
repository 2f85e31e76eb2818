import type { ModelInput } from './picture.ts';

/** Red, green and blue bytes of a picture, pixel after pixel. */
export interface Pixels {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Where in a model's input a picture comes to lie; no smaller than the picture. */
export interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What YOLO's trainers put around a picture. */
const GREY = 114;

/** One plane a channel: the picture in its place, grey around it. One that is smaller than its place is enlarged (bilinear). */
export function toPlanes(pixels: Pixels, place: Place, input: ModelInput): Float32Array {
  const size = input.width * input.height;
  const factor = input.full / 255;
  const planes = new Float32Array(3 * size);
  if (place.width < input.width || place.height < input.height) planes.fill(GREY * factor);
  const rows = between(pixels.height, place.height);
  const columns = pixels.width === place.width ? null : between(pixels.width, place.width);
  const narrow = new Float32Array(columns === null ? 0 : 3 * pixels.width);
  for (let y = 0; y < place.height; y++) {
    const row = { first: rows.first[y]!, second: rows.second[y]!, share: rows.share[y]!, factor };
    const to = planes.subarray((place.top + y) * input.width + place.left);
    if (columns === null) blend(pixels, row, to, size);
    else {
      blend(pixels, row, narrow, pixels.width);
      for (let channel = 0; channel < 3; channel++) widen(narrow.subarray(channel * pixels.width), columns, to.subarray(channel * size));
    }
  }
  return planes;
}

/** For each of `count` places along a side the two of so many pixels that it lies between, and the share of the second. */
function between(pixels: number, count: number) {
  const [first, second, share] = [new Uint16Array(count), new Uint16Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    const at = Math.min(Math.max(0, ((i + 0.5) * pixels) / count - 0.5), pixels - 1);
    first[i] = at;
    second[i] = Math.min(first[i]! + 1, pixels - 1);
    share[i] = at - first[i]!;
  }
  return { first, second, share };
}

interface Row {
  readonly first: number;
  readonly second: number;
  /** Of the second. */
  readonly share: number;
  /** A full channel's value, by 255. */
  readonly factor: number;
}

// Called often, so that V8 compiles them for good while the init phase rehearses. A single long loop it would compile anew in each instance.

/** What lies between two rows of a picture, each channel `size` behind the one before. */
function blend({ bytes, width }: Pixels, { first, second, share, factor }: Row, planes: Float32Array, size: number): void {
  const after = share * factor;
  const before = factor - after;
  for (let to = 0, a = 3 * width * first, b = 3 * width * second; to < width; to++) {
    planes[to] = bytes[a++]! * before + bytes[b++]! * after;
    planes[size + to] = bytes[a++]! * before + bytes[b++]! * after;
    planes[2 * size + to] = bytes[a++]! * before + bytes[b++]! * after;
  }
}

/** A row of one channel as wide as its place. */
function widen(row: Float32Array, { first, second, share }: ReturnType<typeof between>, wide: Float32Array): void {
  for (let x = 0; x < first.length; x++) {
    const value = row[first[x]!]!;
    wide[x] = value + (row[second[x]!]! - value) * share[x]!;
  }
}
