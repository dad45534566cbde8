import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTemplate } from '../../src/template';

test('a template says what it makes, and what has to be filled in, the title first', () => {
  const text = `_template:
  name: User story
  description: One wish of one person
  entityType: userstory
id: "{{id}}"
feature: "{{feature}}"
title: "{{ title }}"
again: "{{feature}} and {{role}}"
`;
  assert.deepEqual(readTemplate('userstory-standard.yaml', text), {
    name: 'userstory-standard.yaml',
    title: 'User story',
    description: 'One wish of one person',
    type: 'userstory',
    placeholders: ['title', 'feature', 'role'],
  });
});

test('a template with bare placeholders, or without a word about itself, is read as far as it goes', () => {
  const bare = readTemplate('a.yaml', '_template:\n  entityType: task\nid: {{id}}\ntitle: {{title}}\n');
  assert.deepEqual([bare.type, bare.placeholders], ['task', ['title']]);
  for (const text of ['', '- 1', 'title: "{{title}}"\n  : [', '_template: 5']) {
    const { description, name, title, type } = readTemplate('b.yaml', text);
    assert.deepEqual(
      { description, name, title, type },
      { description: '', name: 'b.yaml', title: 'b.yaml', type: undefined },
    );
  }
});
