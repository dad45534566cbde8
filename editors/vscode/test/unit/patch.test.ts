import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedFiles } from '../../src/patch';

function reader(texts: Record<string, string>): (path: string) => Promise<string> {
  return async (path) => {
    const text = texts[path];
    if (text === undefined) throw new Error(`There is no ${path}.`);
    return text;
  };
}

const CHANGE = `diff --git a/contexts/tasks/T-001.yaml b/contexts/tasks/T-001.yaml
--- a/contexts/tasks/T-001.yaml
+++ b/contexts/tasks/T-001.yaml
@@ -1,3 +1,3 @@
 id: T-001
-status: todo
+status: done
 title: Größe
`;

test('a change has a text before and after', async () => {
  const before = 'id: T-001\nstatus: todo\ntitle: Größe\n';
  const files = await changedFiles(CHANGE, reader({ 'contexts/tasks/T-001.yaml': before }));
  assert.deepEqual(files, [
    {
      before: { path: 'contexts/tasks/T-001.yaml', text: before },
      after: { path: 'contexts/tasks/T-001.yaml', text: 'id: T-001\nstatus: done\ntitle: Größe\n' },
    },
  ]);
});

test('a new file has no text before, and one that goes has none after', async () => {
  const patch = `diff --git a/new.md b/new.md
new file mode 100644
--- /dev/null
+++ b/new.md
@@ -0,0 +1,2 @@
+one
+two
diff --git a/old.md b/old.md
deleted file mode 100644
--- a/old.md
+++ /dev/null
@@ -1 +0,0 @@
-gone
`;
  assert.deepEqual(await changedFiles(patch, reader({ 'old.md': 'gone\n' })), [
    { before: undefined, after: { path: 'new.md', text: 'one\ntwo\n' } },
    { before: { path: 'old.md', text: 'gone\n' }, after: undefined },
  ]);
});

test('a file with Windows line ends keeps them', async () => {
  const before = 'id: T-001\r\nstatus: todo\r\ntitle: Größe\r\n';
  const [file] = await changedFiles(CHANGE, reader({ 'contexts/tasks/T-001.yaml': before }));
  assert.equal(file?.after?.text, 'id: T-001\r\nstatus: done\r\ntitle: Größe\r\n');
});

test('a file that is given another name is found under both', async () => {
  const patch = `diff --git a/a.yaml b/b.yaml
rename from a.yaml
rename to b.yaml
--- a/a.yaml
+++ b/b.yaml
@@ -1 +1 @@
-id: A
+id: B
`;
  assert.deepEqual(await changedFiles(patch, reader({ 'a.yaml': 'id: A\n' })), [
    { before: { path: 'a.yaml', text: 'id: A\n' }, after: { path: 'b.yaml', text: 'id: B\n' } },
  ]);
});

test('a patch that does not fit the text is an error, and never half a text', async () => {
  const read = reader({ 'contexts/tasks/T-001.yaml': 'id: T-001\nstatus: doing\n' });
  await assert.rejects(changedFiles(CHANGE, read), /does not fit/);
});
