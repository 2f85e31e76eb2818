'use strict';
// V8 hands a task to Node.js's platform threads at each full collection, even under --single-threaded, and does the work itself when
// nobody else has. In a forked process those threads are gone but for the condition variable they waited on: as many signals as
// there were threads are lost on it, the next blocks for ever, in the middle of a collection. So the platform of a process that forks takes no tasks:
// the entry of its virtual table that would queue one leads to a C function without effect.
const koffi = require(process.env.HEARTH_KOFFI || 'koffi');

const TABLE = '_ZTVN4node12NodePlatformE';
/** What queues a task, by the names it has had: Node.js 20; 22 and later. */
const QUEUES = [
  '_ZN4node12NodePlatform18CallOnWorkerThreadESt10unique_ptrIN2v84TaskESt14default_deleteIS3_EE',
  '_ZN4node12NodePlatform27PostTaskOnWorkerThreadImplEN2v812TaskPriorityESt10unique_ptrINS1_4TaskESt14default_deleteIS4_EERKNS1_14SourceLocationE',
];
const NO_EFFECT = 'getppid'; // takes nothing, changes nothing; what it returns is not looked at
const SLOTS = 40;
const PAGE = 4096n;
const PROT_READ = 1;
const PROT_WRITE = 2;

const self = koffi.load(null);
const dlsym = self.func('uintptr_t dlsym(uintptr_t, const char *)');
const readMemory = self.func('memcpy', 'uintptr_t', ['void *', 'uintptr_t', 'size_t']);
const writeMemory = self.func('memcpy', 'uintptr_t', ['uintptr_t', 'void *', 'size_t']);
const mprotect = self.func('int mprotect(uintptr_t, size_t, int)');
const symbol = (name) => BigInt(dlsym(0, name));

/** Where the table's entry for queueing a task lies; null when this node binary doesn't say. */
function findEntry() {
  const table = symbol(TABLE);
  const queues = QUEUES.map(symbol).filter((address) => address !== 0n);
  if (table === 0n || queues.length === 0) return null;
  const slots = new BigUint64Array(SLOTS);
  readMemory(slots, table, slots.byteLength);
  const index = slots.findIndex((address) => queues.includes(address));
  return index < 0 ? null : table + BigInt(index * 8);
}

/** Lets the platform's threads have no work from now on. False when that can't be done: then the process must not be forked. */
function takeNoTasks() {
  const entry = findEntry();
  const nothing = symbol(NO_EFFECT);
  if (entry === null || nothing === 0n) return false;
  const page = entry - (entry % PAGE);
  if (mprotect(page, Number(PAGE), PROT_READ | PROT_WRITE) !== 0) return false;
  writeMemory(entry, new BigUint64Array([nothing]), 8);
  mprotect(page, Number(PAGE), PROT_READ);
  return true;
}

module.exports = { takeNoTasks };
