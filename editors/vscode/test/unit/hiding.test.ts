import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hiding } from '../../src/hiding';

test('what must not be read is in no line of a log, and everything else is', () => {
  const lines: unknown[][] = [];
  class Log {
    readonly name = 'ckit';
    trace(...args: unknown[]): number {
      return lines.push([this.name, ...args]);
    }
  }
  const log = hiding(new Log(), (text) => text.replaceAll('sk-1', '…'));
  assert.equal(log.trace('Result: {"value":"sk-1"}', 5, 'sk-1 sk-2'), 1);
  assert.deepEqual(lines, [['ckit', 'Result: {"value":"…"}', 5, '… sk-2']]);
  assert.equal(log.name, 'ckit');
});
