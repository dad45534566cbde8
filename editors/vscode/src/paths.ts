import { realpathSync } from 'node:fs';

/** The name of a file or folder without symbolic links. */
export function resolved(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    // It is gone, or on a drive that is: it has no other name.
    return path;
  }
}
