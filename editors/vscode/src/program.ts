import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { resolved, wayIn } from './paths';

/** What the search for the daemon may look at. */
export interface Surroundings {
  /** The setting `ckit.path`; empty where the person has set none. */
  path: string;
  /** The setting `ckit.arguments`. */
  args: readonly string[];
  /** Folders of the workspace, absolute. */
  folders: readonly string[];
  /** Whether the person trusts what is in these folders. */
  trusted: boolean;
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  windows: boolean;
}

/** The daemon's command line, and who named it. */
export interface Program {
  command: string;
  args: string[];
  from: 'setting' | 'environment' | 'path';
}

/** There is no daemon to start; the message says what to do. */
export class MissingProgramError extends Error {}

const ENVIRONMENTS = ['.venv', 'venv', 'env'];

/**
 * Finds the daemon: by the setting, in a virtual environment of the workspace, in PATH.
 *
 * No program that lies in a workspace which nobody trusts is ever taken, whoever names it, since it is anybody's.
 *
 * @throws MissingProgramError where there is none.
 */
export function findProgram(where: Surroundings): Program {
  if (where.path !== '') return bySetting(where);
  for (const candidate of candidates(where)) {
    if (isProgram(candidate.command) && isTrusted(candidate.command, where)) return candidate;
  }
  throw new MissingProgramError(
    'The program ckit-daemon is neither in a virtual environment of this workspace nor in PATH. ' +
      'Install it with `pip install ckit-daemon`, or name its path in the setting ckit.path.',
  );
}

function bySetting(where: Surroundings): Program {
  const { args, folders, home, path } = where;
  const command = path.replace(/^~(?=[\\/])/, () => home).replace('${workspaceFolder}', () => folders[0] ?? '');
  if (!isAbsolute(command)) throw new MissingProgramError(`The setting ckit.path must be absolute: ${path}`);
  if (!isProgram(command)) {
    throw new MissingProgramError(`The setting ckit.path names ${command}, which is no program that can be run.`);
  }
  if (!isTrusted(command, where)) {
    throw new MissingProgramError(
      `The setting ckit.path names ${command}, which lies in this workspace. It is started once you trust the workspace.`,
    );
  }
  return { command, args: [...args], from: 'setting' };
}

function isTrusted(command: string, { folders, trusted }: Surroundings): boolean {
  if (trusted) return true;
  const real = resolved(command);
  return !folders.some((folder) => wayIn(resolved(folder), real) !== undefined);
}

function* candidates({ folders, trusted, env, windows }: Surroundings): Iterable<Program> {
  const name = windows ? 'ckit-daemon.exe' : 'ckit-daemon';
  const inside = windows ? 'Scripts' : 'bin';
  const environments = trusted ? folders.flatMap((folder) => ENVIRONMENTS.map((each) => join(folder, each))) : [];
  if (env['VIRTUAL_ENV'] !== undefined) environments.push(env['VIRTUAL_ENV']);
  for (const each of environments) yield { command: join(each, inside, name), args: [], from: 'environment' };
  const path = env['PATH'] ?? env['Path'] ?? '';
  // A relative folder in PATH would mean another program in each workspace.
  for (const folder of path.split(delimiter).filter((each) => isAbsolute(each))) {
    yield { command: join(folder, name), args: [], from: 'path' };
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    // A folder can be entered, which is the same right.
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
