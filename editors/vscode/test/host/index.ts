import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

/** VS Code calls this inside its extension host; the report goes to the file that the environment names. */
export async function run(): Promise<void> {
  const output = process.env['CKIT_TEST_REPORT'];
  // Only what hangs takes as long, also on a busy machine.
  const mocha = new Mocha({ timeout: 240_000, reporter: 'json', reporterOptions: { output } });
  for (const name of readdirSync(__dirname)
    .filter((each) => each.endsWith('.test.js'))
    .sort()) {
    mocha.addFile(join(__dirname, name));
  }
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failures > 0) throw new Error(`${failures} tests failed.`);
}
