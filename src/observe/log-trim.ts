import { open, rename, rm, unlink, type FileHandle } from 'node:fs/promises';

const PORTION_BYTES = 256 * 1024;
const NEWLINE = 10;
/** A time is written in fewer. */
const TIME_BYTES = 24;
/** What is cut off is at least a day of lines: each cut writes the rest of the file anew. */
const LEAST_CUT_MS = 24 * 60 * 60_000;

/**
 * Takes the lines of before a time (milliseconds since the epoch) off a log, where they are a day's or no newer ones follow. Nothing may be written to it
 * meanwhile; whoever reads it goes on with what there was. Rejects with the system's error, and has changed nothing then.
 */
export async function trimLog(path: string, sinceMs: number): Promise<void> {
  const file = await openedIfThere(path);
  if (file === null) return;
  try {
    const { size } = await file.stat();
    const { expired, firstMs } = await expiredBytes(file, size, sinceMs);
    if (expired === 0) return;
    if (expired === size) await unlink(path);
    else if (firstMs < sinceMs - LEAST_CUT_MS) await keepFrom(file, expired, path);
  } finally {
    await file.close();
  }
}

async function openedIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * How many bytes come before the first line that is to be kept, and the time of the first that has one. Read from the beginning, not looked for by halves: a
 * clock that was wrong for a while leaves lines out of order, and none that is newer may go with them.
 */
async function expiredBytes(file: FileHandle, size: number, sinceMs: number): Promise<{ expired: number; firstMs: number }> {
  const portion = Buffer.allocUnsafe(PORTION_BYTES);
  let firstMs = Number.POSITIVE_INFINITY;
  let inLine = false; // a line longer than a portion
  for (let at = 0; at < size;) {
    const { bytesRead } = await file.read(portion, 0, portion.length, at);
    if (bytesRead === 0) break;
    const read = portion.subarray(0, bytesRead);
    let line: number = inLine ? read.indexOf(NEWLINE) + 1 : 0;
    if (!inLine || line > 0)
      for (let end = 0; line < bytesRead; line = end + 1) {
        const timeMs = Number.parseFloat(read.toString('latin1', line, line + TIME_BYTES));
        if (timeMs >= sinceMs) return { expired: at + line, firstMs };
        if (firstMs === Number.POSITIVE_INFINITY && !Number.isNaN(timeMs)) firstMs = timeMs;
        end = read.indexOf(NEWLINE, line);
        if (end < 0) break;
      }
    inLine = line === 0;
    at += inLine ? bytesRead : line;
  }
  return { expired: size, firstMs };
}

/** Puts a file of what comes after so many bytes in the place of another. */
async function keepFrom(file: FileHandle, from: number, path: string): Promise<void> {
  const next = `${path}.new`;
  const target = await open(next, 'w');
  try {
    const portion = Buffer.allocUnsafe(PORTION_BYTES);
    for (let at = from; ;) {
      const { bytesRead } = await file.read(portion, 0, portion.length, at);
      if (bytesRead === 0) break;
      await target.writeFile(portion.subarray(0, bytesRead));
      at += bytesRead;
    }
    await target.close();
    await rename(next, path);
  } catch (error) {
    await target.close().catch(() => {});
    await rm(next, { force: true });
    throw error;
  }
}
