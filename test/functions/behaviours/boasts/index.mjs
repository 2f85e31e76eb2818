import fs from 'node:fs';

// Whatever it says of how long something took or how much memory it needed is FIGURE. Its init phase ends as INIT says: well, or not.
const HEADER_BYTES = 9;
const RETURNED = 75;
const SAYING = { initDone: 65, initError: 66, answerEnd: 68, returned: RETURNED };
const { writeSync } = fs;

fs.writeSync = (fd, bytes, ...rest) => {
  const at = Buffer.isBuffer(bytes) ? sayingIn(bytes) : -1;
  if (at >= 0 && bytes[at + 4] === RETURNED)
    for (const figureAt of [1, 9]) bytes.writeDoubleBE(Number(process.env.FIGURE), at + HEADER_BYTES + figureAt);
  if (at < 0 || bytes[at + 4] === RETURNED) return writeSync(fd, bytes, ...rest);
  const said = Buffer.from(bytes.toString('utf8', at + HEADER_BYTES).replace(/("\w+(?:Ms|Bytes)":)[\d.e-]+/g, `$1${process.env.FIGURE}`));
  const all = Buffer.concat([bytes.subarray(0, at + HEADER_BYTES), said]);
  all.writeUInt32BE(said.length + HEADER_BYTES - 4, at);
  writeSync(fd, all, 0, all.length);
  return bytes.length;
};

/** Where the frame begins that has figures in it; there may be one before it. */
function sayingIn(bytes) {
  for (let at = 0; at + HEADER_BYTES <= bytes.length; at += 4 + bytes.readUInt32BE(at))
    if (Object.values(SAYING).includes(bytes[at + 4])) return at;
  return -1;
}

if (process.env.INIT === 'fails') throw new Error('on purpose');

export const handler = async (event) => event;
