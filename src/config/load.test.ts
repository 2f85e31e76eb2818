import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DEFAULTS } from './defaults.ts';
import { loadConfig } from './load.ts';

describe('loadConfig', () => {
  let home = '';
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'hearth-config-'))));
  afterEach(() => rmSync(home, { recursive: true }));

  it('is the defaults when nothing is said', () => {
    const { home: _, ...rest } = loadConfig({ HEARTH_HOME: home });
    assert.deepEqual(rest, DEFAULTS);
  });

  it('takes the file over defaults, the environment over the file, overrides over all', () => {
    writeFileSync(join(home, 'config.yaml'), 'port: 9000\nlimits:\n  queueMs: 5\n');
    const file = loadConfig({ HEARTH_HOME: home });
    assert.equal(file.port, 9000);
    assert.equal(file.limits.queueMs, 5);
    assert.equal(file.limits.queueLength, DEFAULTS.limits.queueLength);
    assert.equal(loadConfig({ HEARTH_HOME: home, HEARTH_PORT: '9001' }).port, 9001);
    assert.equal(loadConfig({ HEARTH_HOME: home, HEARTH_PORT: '9001' }, { port: 9002 }).port, 9002);
  });

  it('names a key it does not know, and a value that is none', () => {
    writeFileSync(join(home, 'config.yaml'), 'limits:\n  queueSeconds: 5\n');
    assert.throws(() => loadConfig({ HEARTH_HOME: home }), /limits.*queueSeconds/);
    rmSync(join(home, 'config.yaml'));
    assert.throws(() => loadConfig({ HEARTH_HOME: home, HEARTH_PORT: 'http' }), /HEARTH_PORT/);
  });

  it('says of each fault of the file what was likely meant, and how it is written', () => {
    const saying = (text: string): string => {
      writeFileSync(join(home, 'config.yaml'), text);
      try {
        loadConfig({ HEARTH_HOME: home });
      } catch (error) {
        return (error as Error).message.replaceAll(`${join(home, 'config.yaml')}: `, '');
      }
      return '';
    };
    assert.equal(
      saying('porrt: 9000\nlimits: { drianMs: 3 }\n'),
      'limits.drianMs: unknown key; did you mean drainMs?\n       porrt: unknown key; did you mean port?',
    );
    assert.equal(saying('metering: { pricePerGbSecond: 0.1 }\n'), 'metering.pricePerGbSecond: must be text, not 0.1; put it in quotes');
    assert.equal(saying('auth: { required: yes }\n'), 'auth.required: must be true or false, not "yes"');
    assert.equal(saying('events: { inFlight: 0 }\n'), 'events.inFlight: must be more than 0, not 0');
    assert.equal(saying('limits: { drainMs: -1 }\n'), 'limits.drainMs: must be at least 0, not -1');
    assert.equal(saying('- port\n'), 'must have keys below it, not a list');
  });

  it('asks for keys unless anonymous mode was asked for, in the file or on the command line', () => {
    assert.deepEqual(loadConfig({ HEARTH_HOME: home }).auth, { required: true, anonymous: null });
    assert.deepEqual(loadConfig({ HEARTH_HOME: home }, { anonymous: true }).auth, { required: false, anonymous: true });
    writeFileSync(join(home, 'config.yaml'), 'auth: { required: false }\n');
    assert.deepEqual(loadConfig({ HEARTH_HOME: home }).auth, { required: false, anonymous: null });
    writeFileSync(join(home, 'config.yaml'), 'auth: { required: null }\n');
    assert.throws(() => loadConfig({ HEARTH_HOME: home }), /auth\.required/);
  });

  it('takes an empty variable as one that is not set, and says which file is no YAML', () => {
    const { host, databaseUrl } = loadConfig({ HEARTH_HOME: home, HEARTH_HOST: '', HEARTH_PORT: '', DATABASE_URL: '' });
    assert.deepEqual({ host, databaseUrl }, { host: DEFAULTS.host, databaseUrl: DEFAULTS.databaseUrl });
    assert.equal(loadConfig({ HEARTH_HOME: '' }).home, join(homedir(), '.hearth'));
    writeFileSync(join(home, 'config.yaml'), 'port: [\n');
    assert.throws(() => loadConfig({ HEARTH_HOME: home }), { name: 'ValidationException', message: /config\.yaml: not valid YAML: / });
  });

  it('keeps the file’s hosts when the variable names none, and takes no empty one', () => {
    writeFileSync(join(home, 'config.yaml'), 'allowedHosts: [a.example]\n');
    const hosts = (HEARTH_ALLOWED_HOSTS: string) => loadConfig({ HEARTH_HOME: home, HEARTH_ALLOWED_HOSTS }).allowedHosts;
    for (const none of ['', ' ', ',', ' , ']) assert.deepEqual(hosts(none), ['a.example'], `'${none}'`);
    assert.deepEqual(hosts('b.example, ,c.example,'), ['b.example', 'c.example']);
  });

  it('is frozen all the way down', () => {
    const config = loadConfig({ HEARTH_HOME: home });
    assert.throws(() => Object.assign(config.limits, { queueMs: 1 }), TypeError);
  });
});
