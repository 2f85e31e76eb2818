import { spawn } from 'node:child_process';

const forever = () => new Promise(() => setInterval(() => {}, 1000));
const held = [];

const deeds = {
  throw() {
    throw new RangeError('out of range');
  },
  reject: async () => {
    throw new TypeError('rejected');
  },
  rejectText: () => Promise.reject('just text'),
  hang: forever,
  spin() {
    for (;;);
  },
  exit: ({ code }) => process.exit(code),
  kill({ signal }) {
    process.kill(process.pid, signal);
    return forever();
  },
  async allocate() {
    for (;;) {
      held.push(Buffer.alloc(4 << 20, 1));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  },
  /** In a process that it started. */
  allocateInChild() {
    const child = spawn(process.execPath, ['-e', 'const held = []; setInterval(() => held.push(Buffer.alloc(4 << 20, 1)), 2)']);
    return new Promise((resolve) => child.on('exit', resolve));
  },
  flood({ lines, length }) {
    const line = `${'x'.repeat(length)}\n`;
    for (let i = 0; i < lines; i++) process.stdout.write(line);
  },
  notJson: () => 1n,
  circular() {
    const ring = {};
    ring.ring = ring;
    return ring;
  },
  large: ({ bytes }) => 'x'.repeat(bytes),
  /** A grandchild that has left its session and its parents. */
  async desert({ marker, ...event }) {
    const child = spawn('/bin/sh', ['-c', `setsid sh -c "sleep ${marker} & echo there"`], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    return deeds[event.finally](event);
  },
  sleep: ({ ms }) => new Promise((resolve) => setTimeout(() => resolve('slept'), ms)),
  nothing: () => 'nothing',
};

/** Does what the event says, well or badly. */
export const handler = async (event) => {
  await null;
  return deeds[event.do](event);
};

/** Not async: throws where it is called. */
export const plain = (event) => deeds[event.do](event);
