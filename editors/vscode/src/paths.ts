import { realpathSync } from 'node:fs';
import * as native from 'node:path';

/** Where entities lie in a repository, and the specifications among them: the folder says what type they have. */
const ENTITIES = /^contexts\/.*\.ya?ml$/i;
const SPECS = /^contexts\/specs?\/.*\.ya?ml$/i;

/** The name of a file or folder without symbolic links. */
export function resolved(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    // It is gone, or on a drive that is: it has no other name.
    return path;
  }
}

/**
 * The way from a folder to what lies in it, step by step; nothing where it lies elsewhere, and no step to itself.
 *
 * @param system rules for paths; on Windows, neither the case of the drive nor of a name tells two files apart.
 */
export function wayIn(folder: string, path: string, system: native.PlatformPath = native): string[] | undefined {
  const way = system.relative(folder, path);
  if (system.isAbsolute(way)) return undefined;
  const steps = way.split(system.sep).filter((step) => step !== '');
  return steps[0] === '..' ? undefined : steps;
}

/** What a file is by its path in a repository: an entity, and a specification if it is that. */
export function kindOf(path: string): { entity: boolean; spec: boolean } {
  return { entity: ENTITIES.test(path), spec: SPECS.test(path) };
}
