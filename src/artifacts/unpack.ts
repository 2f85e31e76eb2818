import { createWriteStream } from 'node:fs';
import { chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import { fromBufferPromise, type Entry, type ZipFile } from 'yauzl';
import { HearthError } from '../errors.ts';
import { together } from '../lib/together.ts';

/** What Lambda says of anything that is not a sound zip. */
const NOT_A_ZIP = 'Could not unzip uploaded file. Please check your file, then try to upload again.';
/** More than any real package has; each costs an inode however small it is. */
const MOST_ENTRIES = 200_000;
/** As much, of folders: each costs a block of the disk, and a path names hundreds at two bytes each. */
const MOST_FOLDERS = 50_000;
/** More than any real package has. Whatever the package is renamed to, the system takes its paths (4,096 bytes on Linux), so it can be removed. */
const LONGEST_PATH_BYTES = 1024;
/** Every folder that a path leads through is looked up again for each below it. */
const DEEPEST = 100;
const LONGEST_LINK_BYTES = 4096;
/** What is inflated in one go: a thousandth of a second, in which nothing else is served. */
const SMALL_BYTES = 256 * 1024;
/** zlib takes no smaller piece. */
const LEAST_ROOM_BYTES = 64;
/** Entries that are unpacked at once: each waits for the disk a few times. */
const AT_ONCE = 16;

export interface UnpackLimits {
  /** Most bytes all files may have together when unpacked. */
  readonly unpackedBytes: number;
}

interface Link {
  readonly path: string;
  readonly target: string;
}

/**
 * Unpacks a zip into an empty folder: files 0644 or, if executable, 0755; folders 0755. Refuses names and symbolic links that lead
 * out of the folder, and more than the limit. Nothing need be on the disk yet when it resolves.
 */
export async function unpack(zip: Buffer, folder: string, limits: UnpackLimits): Promise<void> {
  if (zip.length === 0) throw new HearthError('InvalidZipFileException', 'Uploaded file must be a non-empty zip');
  const file = await fromBufferPromise(zip, { lazyEntries: true, strictFileNames: true }).catch((error: unknown) => {
    throw broken(error);
  });
  try {
    const links = await unpackFiles({ file, zip }, folder, limits);
    // Last of all, so that no file is ever written through a link.
    for (const link of links) await makeLink(link, folder);
    for (const link of links) await checkLink(link, folder);
  } finally {
    file.close();
  }
}

async function unpackFiles({ file, zip }: Opened, folder: string, limits: UnpackLimits): Promise<Link[]> {
  const links: Link[] = [];
  try {
    const { entries, folders } = await checkedEntries(file, limits);
    for (const path of folders) await makeFolder(join(folder, path));
    await together(entries, AT_ONCE, async (entry) => {
      const link = await unpackEntry({ file, zip }, entry, folder);
      if (link !== null) links.push(link);
    });
  } catch (error) {
    throw error instanceof HearthError || isOurs(error) ? error : broken(error);
  }
  return links;
}

/** All that the zip has, and the folders that it leads through, outer ones first. Throws when it is nothing, or more than there may be: before anything is on the disk. */
async function checkedEntries(file: ZipFile, limits: UnpackLimits): Promise<{ entries: Entry[]; folders: Set<string> }> {
  const entries: Entry[] = [];
  const folders = new Set<string>();
  let bytes = 0;
  for await (const entry of file.eachEntry()) {
    entries.push(entry);
    // The declared size is checked against what really comes out (validateEntrySizes), so it can be trusted here.
    bytes += entry.uncompressedSize;
    if (bytes >= limits.unpackedBytes) throw tooMuch(`Unzipped size must be smaller than ${limits.unpackedBytes} bytes`);
    addFolders(entry.fileName, folders);
    if (entries.length > MOST_ENTRIES || folders.size > MOST_FOLDERS)
      throw tooMuch(`A package may have at most ${MOST_ENTRIES} files and ${MOST_FOLDERS} folders`);
  }
  if (entries.length === 0) throw new HearthError('InvalidZipFileException', 'Uploaded file must be a non-empty zip');
  return { entries, folders };
}

/** Adds the folders that a path leads through, also those that have no entry of their own. Throws when there may be no such path. */
function addFolders(name: string, folders: Set<string>): void {
  if (name.includes('\0')) throw broken(`a name with a NUL byte`);
  const path = posix.normalize(name);
  if (Buffer.byteLength(name) > LONGEST_PATH_BYTES || path.split('/').length - 1 > DEEPEST) {
    const most = `at most ${LONGEST_PATH_BYTES} bytes and ${DEEPEST} folders`;
    throw tooMuch(`A path in a package may have ${most}, unlike the one that begins with ${name.slice(0, 80)}`);
  }
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) folders.add(path.slice(0, at));
}

function tooMuch(message: string): HearthError {
  return new HearthError('InvalidParameterValueException', message);
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  await chmod(path, 0o755); // whatever the umask
}

interface Opened {
  readonly file: ZipFile;
  readonly zip: Buffer;
}

/** Makes a file, in a folder that is there; a link is given back. */
async function unpackEntry(from: Opened, entry: Entry, folder: string): Promise<Link | null> {
  const mode = entry.externalFileAttributes >>> 16;
  const type = mode & 0o170000;
  const path = join(folder, entry.fileName);
  if (entry.fileName.endsWith('/')) return null;
  if (type !== 0 && type !== 0o100000 && type !== 0o120000) throw broken(`${entry.fileName} is neither a file, a folder nor a link`);
  if (type === 0o120000) return { path: entry.fileName, target: await linkTarget(from, entry) };
  const permissions = (mode & 0o111) !== 0 ? 0o755 : 0o644;
  if (isSmall(entry)) {
    await writeFile(path, await smallContent(from, entry), { flag: 'wx', mode: permissions });
  } else {
    const content = await from.file.openReadStreamPromise(entry);
    await pipeline(content, checksummed(entry), createWriteStream(path, { flags: 'wx', mode: permissions }));
  }
  await chmod(path, permissions); // whatever the umask
  return null;
}

/** Whether an entry is unpacked in one piece. By streams each costs ten times as much, which is most of the time that a folder of small files takes. */
function isSmall(entry: Entry): boolean {
  return entry.canDecodeFileData() && entry.uncompressedSize <= SMALL_BYTES && entry.compressedSize <= SMALL_BYTES;
}

/** A small entry's content. Throws when it is not what its sizes and checksum say. */
async function smallContent({ file, zip }: Opened, entry: Entry): Promise<Buffer> {
  const { fileDataStart } = await file.readLocalFileHeaderPromise(entry, { minimal: true }); // checks that it ends within the zip
  const stored = zip.subarray(fileDataStart, fileDataStart + entry.compressedSize);
  const room = Math.max(entry.uncompressedSize, LEAST_ROOM_BYTES);
  const content = entry.compressionMethod === 0 ? stored : inflateRawSync(stored, { chunkSize: room, maxOutputLength: room });
  if (content.length !== entry.uncompressedSize) throw broken(`${entry.fileName}: has another size than it says`);
  if (crc32(content) !== entry.crc32) throw badChecksum(entry);
  return content;
}

/** Passes an entry's bytes on, and fails at their end when their checksum is not the entry's: yauzl compares sizes only. */
function checksummed(entry: Entry): Transform {
  let sum = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
    flush(done) {
      done(sum === entry.crc32 ? null : badChecksum(entry));
    },
  });
}

function badChecksum({ fileName }: Entry): HearthError {
  return broken(`${fileName}: bad CRC`);
}

async function linkTarget(from: Opened, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > LONGEST_LINK_BYTES) throw broken(`the target of link ${entry.fileName} is too long`);
  if (!isSmall(entry)) throw broken(`the target of link ${entry.fileName} can't be read`);
  return (await smallContent(from, entry)).toString('utf8');
}

async function makeLink(link: Link, folder: string): Promise<void> {
  const resolved = posix.normalize(posix.join(posix.dirname(link.path), link.target));
  if (link.target === '' || posix.isAbsolute(link.target) || resolved === '..' || resolved.startsWith('../')) throw leadsOut(link);
  await symlink(link.target, join(folder, link.path)).catch((error: unknown) => {
    throw isOurs(error) ? error : broken(error);
  });
}

/** Names alone don't tell: a link through another link may still lead out. So ask the file system, once all are there. */
async function checkLink(link: Link, folder: string): Promise<void> {
  const root = await realpath(folder);
  const target = await realpath(join(folder, link.path)).catch(() => null);
  if (target === null || (target !== root && !target.startsWith(root + sep))) throw leadsOut(link);
}

function leadsOut(link: Link): HearthError {
  return broken(`symbolic link ${link.path} leads out of the package or nowhere: ${link.target}`);
}

function broken(why: unknown): HearthError {
  const reason = why instanceof Error ? why.message : String(why);
  return new HearthError('InvalidZipFileException', NOT_A_ZIP, { cause: why, details: { detail: reason } });
}

/** Whether an error is the machine's doing (disk full, too many files open), not the zip's. */
function isOurs(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO', 'EROFS', 'EACCES', 'EPERM'].includes(code);
}
