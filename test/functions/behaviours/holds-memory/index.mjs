// Holds 64 MB from its init phase on; its handler takes as much again, each page of it written.
const BYTES = 64 * 1024 * 1024;
const state = Buffer.alloc(BYTES, 0xa5);
const taken = [];

export const handler = async () => {
  taken.push(Buffer.alloc(BYTES, 0x5a));
  return state.length + taken.length;
};
