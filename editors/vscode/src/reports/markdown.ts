import type { JsonValue } from '@ckit/client';

/** Parts of a document, one below the other. */
export function sections(...parts: string[]): string {
  return `${parts.join('\n\n')}\n`;
}

/** Names with their values; those without a value are left out. */
export function list(entries: [string, string | undefined][]): string {
  return entries.flatMap(([name, value]) => (value === undefined ? [] : [`- **${name}**: ${value}`])).join('\n');
}

/** A table, or a word where it would be empty. */
export function table(head: string[], rows: string[][]): string {
  if (rows.length === 0) return 'Nothing.';
  const line = (cells: string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}

/** A name as it is typed. */
export function code(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}

/** A value as JSON. */
export function fence(value: JsonValue): string {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
}

/** A time in the unit that reads best. */
export function seconds(value: number): string {
  if (value >= 120) return `${Math.round(value / 60)} min`;
  return value >= 1 ? `${value.toFixed(1)} s` : `${(value * 1000).toFixed(1)} ms`;
}

/** A size in the unit that reads best. */
export function bytes(value: number): string {
  return value >= 1024 * 1024 ? `${(value / 1024 / 1024).toFixed(1)} MiB` : `${(value / 1024).toFixed(1)} KiB`;
}

/** An amount of US dollars. */
export function dollars(value: number): string {
  return `$${value.toFixed(value > 0 && value < 0.01 ? 4 : 2)}`;
}
