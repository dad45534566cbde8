import { h } from './dom';

/** Shows a unified diff, line by line. */
export function renderDiff(diff: string): HTMLElement {
  const lines = diff.replace(/\n$/, '').split('\n');
  return h('pre', { class: 'diff', tabindex: '0' }, ...lines.map((line) => h('div', { class: kindOf(line) }, line || ' ')));
}

function kindOf(line: string): string {
  if (/^(---|\+\+\+|diff |index )/.test(line)) return 'file';
  if (line.startsWith('@@')) return 'hunk';
  if (line.startsWith('+')) return 'added';
  return line.startsWith('-') ? 'removed' : 'same';
}
