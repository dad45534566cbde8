import { applyPatch, parsePatch } from 'diff';

/** A file as a patch finds it, and as it leaves it; no path where it is not there. */
export interface ChangedFile {
  before: { path: string; text: string } | undefined;
  after: { path: string; text: string } | undefined;
}

/**
 * Carries a patch in Git's format out on texts.
 *
 * @param patch what would change.
 * @param read returns the present text of a path.
 * @throws Error where the patch doesn't fit the texts.
 */
export async function changedFiles(patch: string, read: (path: string) => Promise<string>): Promise<ChangedFile[]> {
  const files: ChangedFile[] = [];
  for (const each of parsePatch(patch)) {
    const from = pathOf(each.oldFileName);
    const to = pathOf(each.newFileName);
    if (from === undefined && to === undefined) continue;
    const before = from === undefined ? undefined : { path: from, text: await read(from) };
    if (to === undefined) {
      files.push({ before, after: undefined });
      continue;
    }
    const text = applyPatch(before?.text ?? '', each, { autoConvertLineEndings: true });
    if (text === false) throw new Error(`The patch does not fit the present text of ${to}.`);
    files.push({ before, after: { path: to, text } });
  }
  return files;
}

function pathOf(name: string | undefined): string | undefined {
  if (name === undefined || name === '/dev/null') return undefined;
  return name.replace(/^[ab]\//, '');
}
