import type { Usage } from '@ckit/protocol';

const count = new Intl.NumberFormat('en');
const dollars = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD', maximumSignificantDigits: 2 });

/** What model calls took, in a few words: tokens, and the price where it is known; nothing where there was no call. */
export function usageText({ inputTokens, outputTokens, cost, estimated, cached }: Usage): string {
  if (inputTokens + outputTokens === 0) return '';
  const about = estimated ? '≈ ' : '';
  const parts = [`${about}${count.format(inputTokens)} tokens in, ${count.format(outputTokens)} out`];
  if (cost !== undefined) parts.push(dollars.format(cost));
  if (cached) parts.push('kept answer');
  return parts.join(' · ');
}
