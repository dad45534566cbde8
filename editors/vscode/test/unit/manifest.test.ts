import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface Item {
  command: string;
  when?: string;
}

const manifest = JSON.parse(readFileSync(join(__dirname, '..', '..', '..', 'package.json'), 'utf8')) as {
  contributes: { menus: Record<string, Item[]> };
};
const { menus } = manifest.contributes;

function whenOf(menu: string, command: string): string | undefined {
  return menus[menu]?.find((each) => each.command === command)?.when;
}

test('the menu of an editor has all that a row of the tree has, but for what an editor is no place for', () => {
  const row = new Set(menus['view/item/context']?.map(({ command }) => command));
  const editor = new Set(menus['ckit.entity']?.map(({ command }) => command));
  // New entities are made of a type, and the last generation is taken back from the palette.
  for (const command of ['ckit.newEntity', 'ckit.undoGeneration']) row.delete(command);
  assert.deepEqual([...editor].sort(), [...row].sort());
});

test('what is made of specifications alone is offered for specifications alone', () => {
  for (const command of ['ckit.promptify', 'ckit.generateCode']) {
    assert.match(whenOf('ckit.entity', command) ?? '', /ckit\.specHere && ckit\.feature\.generation/);
    assert.match(whenOf('view/item/context', command) ?? '', /viewItem == entity\.spec && ckit\.feature\.generation/);
  }
});
