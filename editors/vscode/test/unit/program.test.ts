import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { findProgram, MissingProgramError } from '../../src/program';
import type { Surroundings } from '../../src/program';

const windows = process.platform === 'win32';
const name = windows ? 'ckit-daemon.exe' : 'ckit-daemon';
const scripts = windows ? 'Scripts' : 'bin';
const root = mkdtempSync(join(tmpdir(), 'ckit-program-'));
after(() => rmSync(root, { recursive: true, force: true }));

function program(...path: string[]): string {
  const file = join(root, ...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  chmodSync(file, 0o755);
  return file;
}

const inEnvironment = program('workspace', '.venv', scripts, name);
const inPath = program('programs', name);
const elsewhere = program('elsewhere', 'my-daemon');

function surroundings(more: Partial<Surroundings> = {}): Surroundings {
  return {
    path: '',
    args: [],
    folders: [join(root, 'workspace')],
    trusted: true,
    env: { PATH: [join(root, 'nothing'), join(root, 'programs')].join(delimiter) },
    home: root,
    windows,
    ...more,
  };
}

test('the setting comes before everything else, with its arguments', () => {
  const found = findProgram(surroundings({ path: elsewhere, args: ['-m', 'ckit_daemon'] }));
  assert.deepEqual(found, { command: elsewhere, args: ['-m', 'ckit_daemon'], from: 'setting' });
});

test('the setting may begin with the home folder or the folder of the workspace', () => {
  assert.equal(findProgram(surroundings({ path: '~/elsewhere/my-daemon' })).command, `${root}/elsewhere/my-daemon`);
  const inside = '${workspaceFolder}/.venv/' + `${scripts}/${name}`;
  assert.equal(findProgram(surroundings({ path: inside })).command, `${root}/workspace/.venv/${scripts}/${name}`);
});

test('a setting that names nothing is an error, and no reason to take another program', () => {
  assert.throws(
    () => findProgram(surroundings({ path: join(root, 'gone') })),
    (error) => {
      assert.ok(error instanceof MissingProgramError);
      assert.match(error.message, /ckit\.path names .*gone/);
      return true;
    },
  );
});

test('a relative path in the setting is refused', () => {
  assert.throws(() => findProgram(surroundings({ path: 'bin/ckit-daemon' })), /must be absolute/);
});

test('the virtual environment of the workspace comes before PATH', () => {
  assert.deepEqual(findProgram(surroundings()), { command: inEnvironment, args: [], from: 'environment' });
});

test('a workspace that nobody trusts can not name the program', () => {
  assert.deepEqual(findProgram(surroundings({ trusted: false })), { command: inPath, args: [], from: 'path' });
});

test('in a workspace that nobody trusts no program of it is started, whoever names it', () => {
  const inside = dirname(inEnvironment);
  const env = { VIRTUAL_ENV: dirname(inside), PATH: [inside, dirname(inPath)].join(delimiter) };
  assert.equal(findProgram(surroundings({ trusted: false, env })).command, inPath);
  assert.equal(findProgram(surroundings({ folders: [], env })).command, inEnvironment);
  const path = '${workspaceFolder}/.venv/' + `${scripts}/${name}`;
  assert.throws(() => findProgram(surroundings({ trusted: false, path })), /once you trust the workspace/);
  const link = join(root, 'link');
  symlinkSync(inEnvironment, link);
  assert.throws(() => findProgram(surroundings({ trusted: false, path: link })), /lies in this workspace/);
  assert.equal(findProgram(surroundings({ trusted: true, path: link })).command, link);
});

test('a relative folder in PATH is no place to look', () => {
  const env = { PATH: ['.', 'programs'].join(delimiter) };
  assert.throws(() => findProgram(surroundings({ folders: [], env })), MissingProgramError);
});

test('where there is none, the message says how to get one', () => {
  assert.throws(() => findProgram(surroundings({ folders: [], env: {} })), /pip install ckit-daemon.*ckit\.path/);
});
