import type { Generation, GenerationExplainResult } from '@ckit/client';
import { code, dollars, fence, list, seconds, sections, table } from './markdown';

const STATES = { fresh: 'as it was', changed: '**changed since**', gone: '**gone**' } as const;
const FILES = {
  written: 'as it was written',
  changed: '**edited since**',
  gone: '**gone**',
  pending: 'not written',
  undone: 'taken back',
} as const;

/** Where something generated came from, and what became of that since. */
export function originReport({ fresh, generation }: GenerationExplainResult): string {
  const { entity, failure, files, id, inputs, kind, outcome, template } = generation;
  return sections(
    `# Where ${entity ?? `this ${kind}`} was made`,
    fresh
      ? 'Everything that it was made from is still as it was.'
      : '**Something that it was made from has changed since; make it anew where that matters.**',
    list([
      ['What', `${kind}, ${outcome}${failure ? `: ${failure.message}` : ''}`],
      ['When', `${generation.createdAt}, in ${seconds(generation.durationMs / 1000)}`],
      ['Model', modelOf(generation)],
      ['Usage', usageOf(generation)],
      ['Template', template && `${template.path ?? template.name} (${STATES[template.state]})`],
      ['Generation', code(id)],
    ]),
    '## What was asked for',
    fence(generation.parameters),
    '## What it was made from',
    table(
      ['Input', 'Since then', 'Why'],
      inputs.map((input) => [input.id ?? code(input.path), STATES[input.state], input.reason ?? '']),
    ),
    '## What it has written',
    table(
      ['File', 'Since then'],
      files.map(({ path, state }) => [code(path), FILES[state]]),
    ),
  );
}

function modelOf({ cached, model, provider, repairs }: Generation): string {
  if (model === undefined) return 'none was asked';
  const mended = repairs > 0 ? `, mended ${repairs} times` : '';
  return `${provider ?? ''}/${model}${cached ? ', from the cache of answers' : ''}${mended}`;
}

function usageOf({ usage }: Generation): string {
  const counts = `${usage.inputTokens} tokens in, ${usage.outputTokens} out`;
  const cost = usage.cost === undefined ? '' : `, ${dollars(usage.cost)}`;
  return `${counts}${usage.estimated ? ' (estimated)' : ''}${cost}`;
}
