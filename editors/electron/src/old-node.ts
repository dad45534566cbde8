import { AbortController as Substitute } from 'abort-controller';

/** Bundled for an Electron whose Node has none of its own. */
globalThis.AbortController ??= Substitute as unknown as typeof AbortController;
