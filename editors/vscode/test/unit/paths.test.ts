import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, parse, posix, win32 } from 'node:path';
import { test } from 'node:test';
import { kindOf, wayIn } from '../../src/paths';
import { findProgram, MissingProgramError } from '../../src/program';

test('the way from a folder to what lies in it has a step for each folder between them', () => {
  assert.deepEqual(wayIn('/home/mira/lantern', '/home/mira/lantern/contexts/tasks/T-1.yaml', posix), [
    'contexts',
    'tasks',
    'T-1.yaml',
  ]);
  assert.deepEqual(wayIn('/home/mira', '/home/mira', posix), []);
  assert.deepEqual(wayIn('/', '/opt/daemon', posix), ['opt', 'daemon']);
  assert.deepEqual(wayIn('/home/mira', '/home/mira/..odd', posix), ['..odd']);
  for (const elsewhere of ['/home/mirabel', '/home', '/', '/home/mira/../others']) {
    assert.equal(wayIn('/home/mira', elsewhere, posix), undefined, elsewhere);
  }
});

test('on Windows the letter of a drive means the same in both cases', () => {
  assert.deepEqual(wayIn('C:\\Users\\Mira', 'c:\\users\\mira\\lantern\\contexts', win32), ['lantern', 'contexts']);
  assert.deepEqual(wayIn('c:\\', 'C:\\tools', win32), ['tools']);
  assert.deepEqual(wayIn('C:\\lantern', 'c:\\lantern', win32), []);
  assert.equal(wayIn('C:\\lantern', 'D:\\lantern', win32), undefined);
});

test('the folder says whether a file is a specification', () => {
  assert.deepEqual(kindOf('contexts/specs/SPEC-001-loans.yaml'), { entity: true, spec: true });
  assert.deepEqual(kindOf('contexts/tasks/T-001.yml'), { entity: true, spec: false });
  for (const path of ['docs/specs/a.yaml', 'contexts/specs/notes.md', 'my/contexts/specs/a.yaml']) {
    assert.deepEqual(kindOf(path), { entity: false, spec: false }, path);
  }
});

test('a folder of the name of the daemon is no program, and all lies in a workspace that is a whole drive', () => {
  const root = mkdtempSync(join(tmpdir(), 'ckit-folders-'));
  const folder = join(root, process.platform === 'win32' ? 'ckit-daemon.exe' : 'ckit-daemon');
  mkdirSync(folder);
  const where = { path: '', args: [], trusted: true, folders: [root], home: root, windows: process.platform === 'win32' };
  try {
    assert.throws(() => findProgram({ ...where, env: { PATH: root } }), MissingProgramError);
    assert.throws(() => findProgram({ ...where, path: folder, env: {} }), /is no program that can be run/);
    const drive = { ...where, folders: [parse(root).root], trusted: false, path: process.execPath, env: {} };
    assert.throws(() => findProgram(drive), /once you trust the workspace/);
  } finally {
    rmSync(root, { recursive: true });
  }
});
