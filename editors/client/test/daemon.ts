import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SpawnOptions } from '../src';

const ROOT = resolve(__dirname, '..', '..', '..', '..');
const PYTHON = process.platform === 'win32' ? '.venv/Scripts/python.exe' : '.venv/bin/python';

/** A copy of the example repository, and a daemon's options with folders of its own. */
export interface Workplace {
  repository: string;
  options: SpawnOptions;
  remove(): void;
}

export function workplace(more: SpawnOptions = {}): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'ckit-client-'));
  const repository = join(folder, 'lantern');
  cpSync(join(ROOT, 'ckit_daemon', 'example'), repository, { recursive: true });
  const python = process.env['CKIT_TEST_PYTHON'] ?? join(ROOT, PYTHON);
  if (!existsSync(python)) throw new Error(`There is no ${python}; run \`make install\` first.`);
  const env = {
    ...process.env,
    CKIT_PATHS_CACHE_DIR: join(folder, 'cache'),
    CKIT_PATHS_STATE_DIR: join(folder, 'state'),
    CKIT_CONFIG_FILE: join(folder, 'none.toml'),
    PYTHONDONTWRITEBYTECODE: '',
  };
  return {
    repository,
    options: {
      command: [python, '-m', 'ckit_daemon', '--log-level', 'warning'],
      cwd: ROOT,
      env,
      folders: [{ uri: pathToFileURL(repository).href, name: 'lantern' }],
      ...more,
    },
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
