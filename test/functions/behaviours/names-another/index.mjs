import fs from 'node:fs';

// Says of each child that is forked from it that it is the process VICTIM.
const HEADER_BYTES = 9;
const FORKED = 69;
const { writeSync } = fs;

fs.writeSync = (fd, bytes, ...rest) => {
  if (!Buffer.isBuffer(bytes) || bytes[4] !== FORKED || bytes.length < HEADER_BYTES) return writeSync(fd, bytes, ...rest);
  const said = Buffer.from(JSON.stringify({ pid: Number(process.env.VICTIM) }));
  const frame = Buffer.concat([bytes.subarray(0, HEADER_BYTES), said]);
  frame.writeUInt32BE(frame.length - 4, 0);
  writeSync(fd, frame, 0, frame.length);
  return bytes.length;
};

export const handler = async (event) => event;
