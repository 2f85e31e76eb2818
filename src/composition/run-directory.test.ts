import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runDirectory } from './run-directory.ts';

const login = { XDG_RUNTIME_DIR: '/run/user/1000' };
const ordinary = (path: string): boolean => path !== '/run';

test('the sockets of an ordinary user’s server outlast his login', () => {
  assert.equal(runDirectory('/home/ada/.hearth', login, ordinary), '/home/ada/.hearth/run');
  assert.equal(runDirectory('/home/ada/.hearth', {}, ordinary), '/home/ada/.hearth/run');
});

test('a home that sockets can not lie in has them in the runtime directory, if there is one', () => {
  for (const home of [`/home/ada/${'d'.repeat(80)}`, '/tmp/hearth']) {
    assert.match(runDirectory(home, login, ordinary), /^\/run\/user\/1000\/hearth-[0-9a-f]{10}$/);
    assert.equal(
      runDirectory(home, login, () => false),
      `${home}/run`,
    );
    assert.match(
      runDirectory(home, login, () => true),
      /^\/run\/hearth-[0-9a-f]{10}$/,
    );
  }
});
