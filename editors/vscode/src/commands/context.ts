import type { Approvals } from '../approvals';
import type { Generations } from '../generations';
import type { Proposals } from '../proposals';
import type { Repositories } from '../repositories';
import type { Session } from '../session';
import type { Texts } from '../texts';

/** What commands are made of. */
export interface Context {
  session: Session;
  repositories: Repositories;
  approvals: Approvals;
  proposals: Proposals;
  generations: Generations;
  texts: Texts;
}

/** Commands by the names that `package.json` gives them; what one throws is told to the person. */
export type Commands = Record<string, (...args: unknown[]) => unknown>;
