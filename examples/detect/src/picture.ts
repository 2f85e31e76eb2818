import sharp from 'sharp';
import { PictureError } from './errors.ts';
import { type Place, toPlanes } from './planes.ts';

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
    const { data, info } = await image
      .autoOrient()
      .toColourspace('srgb')
      .flatten({ background: '#fff' })
      // Smaller, where it is too large, and never larger: that costs libvips some milliseconds, and toPlanes next to nothing.
      .resize(Math.min(place.width, size.width), Math.min(place.height, size.height), { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new PictureError(400, 'the picture has no three colour channels');
    // Native code's Buffers are not of the kind that Buffer.alloc makes, and what V8 compiled for one is no good for the other.
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
    return {
      width: size.width,
      height: size.height,
      planes: toPlanes({ bytes: pixels, width: info.width, height: info.height }, place, input),
      scale: { x: place.width / size.width, y: place.height / size.height },
      offset: { x: place.left, y: place.top },
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
function placeWithin(size: { width: number; height: number }, input: ModelInput): Place {
  if (input.fit === 'stretch') return { left: 0, top: 0, width: input.width, height: input.height };
  const scale = Math.min(input.width / size.width, input.height / size.height);
  const width = Math.max(1, Math.round(size.width * scale));
  const height = Math.max(1, Math.round(size.height * scale));
  return { left: Math.floor((input.width - width) / 2), top: Math.floor((input.height - height) / 2), width, height };
}
