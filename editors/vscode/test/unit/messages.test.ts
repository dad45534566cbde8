import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromPage } from '../../src/webviews/messages';

const range = { start: { line: 1, character: 2 }, end: { line: 1, character: 5 } };

test('every message that a page has is known', () => {
  const messages = [
    { kind: 'ready' },
    { kind: 'request', id: 1, method: 'ckit/repo/graph', params: {} },
    { kind: 'cancel', id: 1 },
    { kind: 'open', path: 'contexts/tasks/T-001.yaml', range },
    { kind: 'choose', entity: 'T-001' },
    { kind: 'editor', id: 2 },
    { kind: 'save', id: 3, text: '' },
  ];
  for (const message of messages) assert.equal(fromPage(message), message);
});

test('what is none of them is nothing, whatever it is', () => {
  const others: unknown[] = [
    undefined,
    null,
    'ready',
    [],
    { kind: 'toString' },
    { kind: 1 },
    { kind: 'request', id: '1', method: 'ckit/repo/graph', params: {} },
    { kind: 'request', id: 1, method: 'ckit/repo/graph', params: [] },
    { kind: 'request', id: 1, method: 'ckit/repo/graph', params: null },
    { kind: 'open', path: 'a.yaml', range: { start: { line: 1 }, end: range.end } },
    { kind: 'open', path: 'a.yaml' },
    { kind: 'open', path: 7, range },
    { kind: 'choose', entity: { toString: 'T-001' } },
    { kind: 'save', id: 1, text: { length: 3 } },
    { kind: 'cancel' },
  ];
  for (const message of others) assert.equal(fromPage(message), undefined, JSON.stringify(message));
});
