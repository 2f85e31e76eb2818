import { HearthError } from '../../errors.ts';

/** Bytes of an object, both ends included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The one range that a header asks for; null for none, several, or what is no range: then the whole is answered. Throws InvalidRange. */
export function parseRange(text: string | undefined, size: number): ByteRange | null {
  const m = /^bytes=(\d*)-(\d*)$/.exec(text?.trim() ?? '');
  if (m === null || (m[1] === '' && m[2] === '')) return null;
  if (m[1] === '') {
    const last = Number(m[2]);
    if (last === 0 || size === 0) throw unsatisfiable(text ?? '', size);
    return { start: Math.max(size - last, 0), end: size - 1 };
  }
  const start = Number(m[1]);
  const end = m[2] === '' ? size - 1 : Math.min(Number(m[2]), size - 1);
  if (m[2] !== '' && Number(m[2]) < start) return null;
  if (start >= size) throw unsatisfiable(text ?? '', size);
  return { start, end };
}

function unsatisfiable(range: string, size: number): HearthError {
  return new HearthError('InvalidRange', 'The requested range is not satisfiable', {
    details: { RangeRequested: range, ActualObjectSize: size },
  });
}
