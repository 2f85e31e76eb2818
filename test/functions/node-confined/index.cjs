'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const attempt = (act) => {
  try {
    return act();
  } catch (error) {
    return error.code;
  }
};

/** What a confined process sees. */
exports.handler = async ({ directory, kept }) => {
  const written = path.join(directory, 'written');
  fs.writeFileSync(written, 'private');
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const field = (name) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)[1];
  return {
    ids: [process.getuid(), process.getgid()],
    hostname: os.hostname(),
    files: fs.readdirSync(directory).sort(),
    kept: fs.readFileSync(kept, 'utf8'),
    overwritten: attempt(() => fs.writeFileSync(kept, 'other')),
    mode: fs.statSync(written).mode & 0o777,
    given: process.env.GIVEN,
    limit: /^Max open files\s+(\d+)\s+(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8')).slice(1),
    cpus: field('Cpus_allowed_list'),
    capabilities: ['CapPrm', 'CapEff', 'CapBnd'].map(field),
    noNewPrivs: field('NoNewPrivs'),
  };
};
