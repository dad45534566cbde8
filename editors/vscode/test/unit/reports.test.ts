import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Generation, MetricsResult, Setting } from '@ckit/client';
import { metricsReport } from '../../src/reports/metrics';
import { modelLine, providerLine } from '../../src/reports/models';
import { originReport } from '../../src/reports/origin';
import { settingsReport } from '../../src/reports/settings';

const GENERATION: Generation = {
  id: 'g-1',
  kind: 'spec',
  outcome: 'succeeded',
  repository: 'lantern',
  entity: 'SPEC-008',
  createdAt: '2026-01-05T09:00:00.000Z',
  durationMs: 1250,
  requestId: '1',
  parameters: { requirement: 'Pause | notices' },
  provider: 'work',
  model: 'big',
  cached: false,
  usage: { inputTokens: 1200, outputTokens: 96, cost: 0.004, estimated: true },
  repairs: 1,
  template: { name: 'default', sha256: 'a', state: 'fresh' },
  inputs: [
    { kind: 'entity', id: 'FEAT-004', path: 'a.yaml', sha256: 'b', state: 'changed', reason: 'asked for' },
    { kind: 'file', path: 'odd|name.yml', sha256: 'c', state: 'gone' },
  ],
  files: [{ path: 'contexts/specs/SPEC-008.yaml', sha256: 'd', state: 'written' }],
};

test('the origin of a specification says what it was made from and what has changed since', () => {
  const text = originReport({ generation: GENERATION, fresh: false });
  assert.match(text, /^# Where SPEC-008 was made\n\n\*\*Something that it was made from has changed since/);
  assert.match(text, /\n- \*\*Model\*\*: work\/big, mended 1 times\n/);
  assert.match(text, /\n- \*\*Usage\*\*: 1200 tokens in, 96 out \(estimated\), \$0\.0040\n/);
  assert.match(text, /\n- \*\*Template\*\*: default \(as it was\)\n/);
  assert.match(text, /\n\| FEAT-004 \| \*\*changed since\*\* \| asked for \|\n/);
  assert.match(text, /\n\| `odd\\\|name\.yml` \| \*\*gone\*\* \|  \|\n/);
  assert.match(text, /\n\| `contexts\/specs\/SPEC-008\.yaml` \| as it was written \|\n/);
});

test('the origin says so where no model was asked and nothing has changed', () => {
  const { model: _, ...rest } = GENERATION;
  const text = originReport({ generation: { ...rest, inputs: [], files: [] }, fresh: true });
  assert.match(text, /Everything that it was made from is still as it was\./);
  assert.match(text, /\*\*Model\*\*: none was asked/);
  assert.match(text, /## What it was made from\n\nNothing\./);
});

test('metrics are told in units that people read', () => {
  const metrics: MetricsResult = {
    uptimeSeconds: 7200,
    inFlight: 1,
    queued: 0,
    requests: [{ method: 'ckit/health', outcome: 'ok', count: 4, totalSeconds: 0.02, maxSeconds: 1.5 }],
    errors: {},
    bytesReceived: 2048,
    bytesSent: 3 * 1024 * 1024,
    memoryBytes: 50 * 1024 * 1024,
    models: [],
    answers: { cacheHits: 1, cacheMisses: 3, staleHits: 0, shared: 0, retries: 2 },
    modelsQueued: 0,
    tools: [{ tool: 'entity.edit', status: 'ok', count: 2, totalSeconds: 3 }],
    searches: [],
    passagesEmbedded: 346,
    prometheus: '',
  };
  const text = metricsReport(metrics);
  assert.match(text, /- \*\*Runs for\*\*: 120 min\n- \*\*Memory\*\*: 50\.0 MiB\n/);
  assert.match(text, /- \*\*Received and sent\*\*: 2\.0 KiB and 3\.0 MiB\n/);
  assert.match(text, /- \*\*Answers from the cache\*\*: 1 of 4\n/);
  assert.match(text, /\| `ckit\/health` \| ok \| 4 \| 5\.0 ms \| 1\.5 s \|\n/);
  assert.match(text, /\| `entity\.edit` \| ok \| 2 \| 1\.5 s \|\n/);
  assert.match(text, /## Models\n\nNothing\.\n/);
});

test('settings that somebody has set come before the others, and what was ignored before both', () => {
  const settings: Setting[] = [
    { key: 'a.one', value: 1, source: 'default', description: 'One.' },
    { key: 'a.none', source: 'default', description: 'None.' } as unknown as Setting,
    { key: 'models.chat', value: 'work/big', source: 'client', description: 'Model.' },
  ];
  const text = settingsReport(settings, [{ key: 'b', source: 'userFile', message: 'There is no such setting.' }]);
  const order = [
    '`b` from userFile: There is',
    '| `models.chat` | `"work/big"` | client | Model. |',
    '| `a.one` | `1` |',
    '| `a.none` | `null` |',
  ];
  const places = order.map((each) => text.indexOf(each));
  assert.ok(
    places.every((place) => place > 0),
    text,
  );
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});

test('providers and models are told in one line', () => {
  const provider = { circuit: 'closed', toolMode: 'native', purposes: [] } as const;
  assert.equal(
    providerLine({ ...provider, purposes: [], name: 'w', kind: 'openai', status: 'unconfigured', reason: 'No key.' }),
    'unconfigured: No key. · openai',
  );
  assert.equal(
    modelLine({ name: 'big', toolMode: 'schema', contextTokens: 200_000, inputPrice: 1.25, outputPrice: 10 }),
    '200,000 tokens · uses tools by constrained JSON · $1.25 in, $10.00 out per million tokens',
  );
});
