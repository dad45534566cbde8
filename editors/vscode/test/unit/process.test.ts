import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DaemonProcess } from '../../src/process';

const ends = (script: string): Promise<DaemonProcess> => DaemonProcess.start(process.execPath, ['-e', script]);

test('the end of a process is told with its code and its last words', async () => {
  const started = await ends('console.error("Traceback\\nModuleNotFoundError: no lsprotocol"); process.exit(3)');
  assert.equal(await started.ended, 'code 3: ModuleNotFoundError: no lsprotocol');
});

test('the end of a silent process is told by its code alone', async () => {
  const started = await ends('process.exit(0)');
  assert.equal(await started.ended, 'code 0');
});

test('a program that the system can not start is an error that names it', async () => {
  await assert.rejects(DaemonProcess.start('/nowhere/ckit-daemon', []), /^Error: \/nowhere\/ckit-daemon could not be/);
});

test('the workspace is no place to run in', async () => {
  const started = await ends('console.error(process.cwd(), process.env.PYTHONSAFEPATH)');
  const { homedir } = await import('node:os');
  assert.equal(await started.ended, `code 0: ${homedir()} 1`);
});
