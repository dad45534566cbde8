import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { workspace } from 'vscode';
import type { Insides } from '../../src/extension';
import { configure, insides } from './insides';

const KEY = 'sk-test-0123456789abcdef0123456789abcdef';
const REFERENCE = 'client:test-openai';
let parts: Insides;
let server: Server;
const given: (string | undefined)[] = [];

before(async () => {
  parts = await insides();
  server = createServer((request, response) => {
    given.push(request.headers.authorization);
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: 'no', type: 'invalid_request_error', code: 'invalid_api_key' } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

after(async () => {
  await configure(undefined);
  await parts.extension.secrets.delete(REFERENCE);
  server.close();
});

describe('keys', () => {
  it('come from where VS Code keeps secrets, and are in no setting', async () => {
    await parts.extension.secrets.store(REFERENCE, KEY);
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const test = { kind: 'openai', baseUrl, apiKey: REFERENCE };
    await configure({ models: { providers: { test } } });
    const client = await parts.session.client();
    const tried = await client.request('ckit/provider/test', { provider: 'test', model: 'some' });
    assert.equal(tried.ok, false);
    assert.ok(given.includes(`Bearer ${KEY}`), JSON.stringify({ given, tried }));
    assert.ok(!JSON.stringify(workspace.getConfiguration('ckit')).includes(KEY));
    const { settings } = await client.request('ckit/config/get', {});
    assert.ok(JSON.stringify(settings).includes(REFERENCE));
    assert.ok(!JSON.stringify(settings).includes(KEY));
    const started = execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' });
    assert.match(started, /ckit.daemon/);
    assert.ok(!started.includes(KEY));
  });
});
