'use strict';
// The steps of confinement (ConfineStep in src/runtimes/protocol.ts), taken in a forked child before user code runs.
const fs = require('node:fs');
const native = require('./native.cjs');
const { mask } = require('./mask.cjs');
const { show } = require('./show.cjs');

const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_CAPBSET_DROP = 24;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const RLIMIT_CORE = 4;
const RLIMIT_NPROC = 6;
const SIGKILL = 9;
const LAST_CAPABILITY = 63;
const CAPABILITY_VERSION_3 = 0x20080522;
const MS_REC_PRIVATE = 0x4000 | 0x40000;
const MASK_BYTES = 128; // 1024 CPUs, glibc's cpu_set_t
const NAMESPACES = { mount: 0x00020000, uts: 0x04000000, ipc: 0x08000000, user: 0x10000000 };
const INFINITY = 0xffffffffffffffffn;

const prctl = (name, option, value) => native.check(name, native.prctl(option, value, 0, 0, 0));

const steps = {
  setsid: () => native.check('setsid', native.setsid()),
  subreaper: () => prctl('subreaper', PR_SET_CHILD_SUBREAPER, 1),
  deathSignal: () => prctl('deathSignal', PR_SET_PDEATHSIG, SIGKILL),
  noNewPrivs: () => prctl('noNewPrivs', PR_SET_NO_NEW_PRIVS, 1),
  dropCapabilities,
  unshare,
  mask,
  show,
  hostname: ({ name }) => native.check('sethostname', native.sethostname(name, Buffer.byteLength(name))),
  rlimit,
  core,
  ids,
  umask: ({ mask: bits }) => process.umask(bits),
  affinity({ cpus }) {
    const bits = Buffer.alloc(MASK_BYTES, cpus.length === 0 ? 0xff : 0);
    for (const cpu of cpus) bits[cpu >> 3] |= 1 << (cpu & 7);
    native.check('sched_setaffinity', native.sched_setaffinity(0, MASK_BYTES, bits));
  },
  cgroup: ({ path }) => fs.writeFileSync(path, '0'),
  environment: ({ name, value }) => void (process.env[name] = value),
};

function rlimit({ resource, soft, hard }) {
  const limits = new BigUint64Array([soft, hard].map((limit) => (limit === -1 ? INFINITY : BigInt(limit))));
  native.check('setrlimit', native.setrlimit(resource, limits));
}

/** First the filter: a core file must never be written with what it would hold otherwise. */
function core({ bytes }) {
  try {
    fs.writeFileSync('/proc/self/coredump_filter', '0');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error; // a kernel that writes no core files
  }
  rlimit({ resource: RLIMIT_CORE, soft: bytes, hard: bytes });
}

/** From the bounding set where that is allowed, from the ambient set, then all that the process itself has. */
function dropCapabilities() {
  for (let capability = 0; capability <= LAST_CAPABILITY; capability++) {
    if (native.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) break; // not ours to drop, or the kernel's last one
  }
  native.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  const header = new Uint32Array([CAPABILITY_VERSION_3, 0]);
  native.check('capset', native.capset(header, new Uint32Array(6)));
}

/** A user namespace comes with all capabilities inside it, whoever the process is outside; its ids stay what they are. */
function unshare({ namespaces, processes }) {
  const [uid, gid] = [process.geteuid(), process.getegid()];
  let flags = 0;
  for (const name of namespaces) {
    if (NAMESPACES[name] === undefined) throw new Error(`no namespace is called ${name}`);
    flags |= NAMESPACES[name];
  }
  native.check('unshare', native.unshare(flags));
  if (flags & NAMESPACES.user) {
    fs.writeFileSync('/proc/self/setgroups', 'deny');
    fs.writeFileSync('/proc/self/uid_map', `${uid} ${uid} 1`);
    fs.writeFileSync('/proc/self/gid_map', `${gid} ${gid} 1`);
    if (processes !== undefined) rlimit({ resource: RLIMIT_NPROC, soft: processes, hard: processes });
  }
  if (flags & NAMESPACES.mount) native.check('mount private', native.mount(null, '/', null, MS_REC_PRIVATE, null));
}

/** A change of ids makes the process undumpable and its /proc root's: undone, so that the host can read what memory it uses. */
function ids({ uid, gid }) {
  native.check('setgroups', native.setgroups(0, null));
  native.check('setresgid', native.setresgid(gid, gid, gid));
  native.check('setresuid', native.setresuid(uid, uid, uid));
  prctl('dumpable', PR_SET_DUMPABLE, 1);
}

/** Takes the steps in order. Returns `op: reason` of the optional ones that failed; throws at any other that does. */
function confine(order) {
  const unconfined = [];
  for (const step of order) {
    try {
      if (!Object.hasOwn(steps, step.op)) throw new Error('unknown step');
      steps[step.op](step);
    } catch (error) {
      if (!step.optional) throw new Error(`confinement step ${step.op} failed: ${error.message}`, { cause: error });
      unconfined.push(`${step.op}: ${error.message}`);
    }
  }
  return unconfined;
}

module.exports = { confine };
