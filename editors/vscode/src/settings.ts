import { homedir } from 'node:os';
import { workspace } from 'vscode';
import type { JsonValue } from '@ckit/client';
import type { Surroundings } from './program';

/** Settings that a running daemon has got at its start. */
export const AT_START = ['ckit.path', 'ckit.arguments', 'ckit.logLevel', 'ckit.config'];

function get<T>(name: string, otherwise: T): T {
  return workspace.getConfiguration('ckit').get<T>(name) ?? otherwise;
}

export const settings = {
  surroundings: (): Surroundings => ({
    path: get('path', '').trim(),
    args: get<string[]>('arguments', []),
    folders: (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
    trusted: workspace.isTrusted,
    env: process.env,
    home: homedir(),
    windows: process.platform === 'win32',
  }),
  logLevel: (): string => get('logLevel', 'warning'),
  config: (): Record<string, JsonValue> => get<Record<string, JsonValue>>('config', {}),
  openDiff: (): boolean => get('approvals.openDiff', true),
};
