import type { ConfigWarning, Setting } from '@ckit/client';
import { code, sections, table } from './markdown';

/** Every setting with its value, and who has said so; those that somebody has set come first. */
export function settingsReport(settings: readonly Setting[], warnings: readonly ConfigWarning[]): string {
  const row = ({ description, key, source, value }: Setting): string[] => [
    code(key),
    // A value that is none is left out of the answer.
    code(JSON.stringify(value ?? null)),
    source,
    description,
  ];
  const head = ['Setting', 'Value', 'From', 'What it does'];
  const given = settings.filter(({ source }) => source !== 'default');
  return sections(
    '# Settings in use',
    'Keys appear by their names alone. What stands in `ckit.config` comes from the client.',
    ...(warnings.length > 0
      ? [
          '## Ignored',
          warnings.map(({ key, message, source }) => `- ${code(key)} from ${source}: ${message}`).join('\n'),
        ]
      : []),
    '## Set by somebody',
    table(head, given.map(row)),
    '## As they are by themselves',
    table(head, settings.filter(({ source }) => source === 'default').map(row)),
  );
}
