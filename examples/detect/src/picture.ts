import sharp from 'sharp';
import { PictureError } from './errors.ts';

/** What a model wants to see. */
export interface ModelInput {
  readonly width: number;
  readonly height: number;
  /** `stretch`: fill the input, whatever the proportions. `letterbox`: keep them, centred on grey. */
  readonly fit: 'stretch' | 'letterbox';
  /** Value of a full channel: 255, or 1 for models that want 0 to 1. */
  readonly full: 1 | 255;
}

/** A picture as a model's input, and the way back to its own pixels. */
export interface Picture {
  /** Of the picture as one looks at it (after its EXIF orientation), in pixels. */
  readonly width: number;
  readonly height: number;
  /** Red, green, blue planes of the model's size. */
  readonly planes: Float32Array;
  /** A point of the input is `offset + scale * pixel` of the picture. */
  readonly scale: { readonly x: number; readonly y: number };
  readonly offset: { readonly x: number; readonly y: number };
}

const MAX_PIXELS = 100e6;
const FORMATS = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif'];
const GREY = { r: 114, g: 114, b: 114 };

// libvips would start a thread for each CPU; an instance has one.
sharp.concurrency(1);
sharp.cache(false);

/** Decodes a picture and fits it to the model's input. */
export async function readPicture(bytes: Buffer, input: ModelInput): Promise<Picture> {
  if (bytes.length === 0) throw new PictureError(400, 'the picture is empty');
  try {
    // Models learned from pixels as they are stored: a colour profile is not applied.
    const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error', ignoreIcc: true });
    const { format, autoOrient: size } = await image.metadata();
    if (!FORMATS.includes(format)) throw new PictureError(400, `cannot read ${format}; ${FORMATS.join(', ')} are understood`);
    const place = placeWithin(size, input);
    const pixels = await image
      .autoOrient()
      .toColourspace('srgb')
      .flatten({ background: '#fff' })
      .resize(place.width, place.height, { fit: 'fill', kernel: 'linear' })
      .extend({ ...place.margins, background: GREY })
      .raw()
      .toBuffer();
    return {
      width: size.width,
      height: size.height,
      planes: toPlanes(pixels, input),
      scale: { x: place.width / size.width, y: place.height / size.height },
      offset: { x: place.margins.left, y: place.margins.top },
    };
  } catch (error) {
    if (error instanceof PictureError) throw error;
    const { message } = error as Error;
    if (message.includes('pixel limit'))
      throw new PictureError(413, `the picture has more than ${MAX_PIXELS / 1e6} million pixels`, { cause: error });
    throw new PictureError(400, `not a picture that can be read: ${message.split('\n')[0]}`, { cause: error });
  }
}

/** Where in the model's input the picture comes to lie. */
function placeWithin(size: { width: number; height: number }, input: ModelInput) {
  if (input.fit === 'stretch') return { width: input.width, height: input.height, margins: { left: 0, top: 0, right: 0, bottom: 0 } };
  const scale = Math.min(input.width / size.width, input.height / size.height);
  const width = Math.max(1, Math.round(size.width * scale));
  const height = Math.max(1, Math.round(size.height * scale));
  const left = Math.floor((input.width - width) / 2);
  const top = Math.floor((input.height - height) / 2);
  return { width, height, margins: { left, top, right: input.width - width - left, bottom: input.height - height - top } };
}

/** Interleaved bytes to one plane a channel. */
export function toPlanes(pixels: Buffer, input: ModelInput): Float32Array {
  const { width, height } = input;
  if (pixels.length !== 3 * width * height) throw new PictureError(400, 'the picture has no three colour channels');
  const planes = new Float32Array(pixels.length);
  // Native code's Buffers are not of the kind that Buffer.alloc makes, and what V8 compiled for one is no good for the other.
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length);
  for (let first = 0; first < width * height; first += width) spreadRow(first, bytes, planes, input);
  return planes;
}

/** Called often, so that V8 compiles it for good while the init phase rehearses. A single long loop it would compile anew in each instance. */
function spreadRow(first: number, pixels: Uint8Array, planes: Float32Array, { width, height, full }: ModelInput): void {
  const size = width * height;
  const factor = full / 255;
  for (let i = first, from = 3 * first; i < first + width; i++) {
    planes[i] = pixels[from++]! * factor;
    planes[size + i] = pixels[from++]! * factor;
    planes[2 * size + i] = pixels[from++]! * factor;
  }
}
