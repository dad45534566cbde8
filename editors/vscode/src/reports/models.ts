import type { Model, Provider } from '@ckit/client';
import { dollars } from './markdown';

/** What a provider is, in one line. */
export function providerLine({ baseUrl, keySource, kind, reason, status }: Provider): string {
  const key = keySource === undefined ? '' : `key from ${keySource}`;
  return [status === 'ready' ? '' : `${status}${reason ? `: ${reason}` : ''}`, kind, baseUrl, key]
    .filter(Boolean)
    .join(' · ');
}

/** What a model may do, in one line. */
export function modelLine({ contextTokens, inputPrice, outputPrice, toolMode }: Model): string {
  const tools = { native: 'uses tools', schema: 'uses tools by constrained JSON', none: 'uses no tools' }[toolMode];
  const price =
    inputPrice === undefined || outputPrice === undefined
      ? ''
      : `${dollars(inputPrice)} in, ${dollars(outputPrice)} out per million tokens`;
  return [contextTokens && `${contextTokens.toLocaleString('en')} tokens`, tools, price].filter(Boolean).join(' · ');
}
