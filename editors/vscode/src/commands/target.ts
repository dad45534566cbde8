import type { EntitySummary, RepositoryInfo } from '@ckit/client';
import type { Repositories } from '../repositories';

/** An entity in its repository. */
export interface Target {
  repository: RepositoryInfo;
  id: string;
}

/**
 * Finds what a command is about: what it was called with, the entity of the active editor, or what the person chooses.
 *
 * Language servers, trees and menus call commands with an id, or with an object that holds one.
 */
export async function targetOf(
  repositories: Repositories,
  argument: unknown,
  title: string,
  types?: string[],
): Promise<Target | undefined> {
  const named = idIn(argument);
  const repository = await repositoryOf(repositories, argument);
  if (named !== undefined) return { repository, id: named };
  const found: EntitySummary | undefined =
    (await repositories.here(repository, types)) ?? (await repositories.pick(repository, title, types));
  return found && { repository, id: found.id };
}

/** The repository that a command was called for, or that the person works in. */
export async function repositoryOf(repositories: Repositories, argument: unknown): Promise<RepositoryInfo> {
  const named = field(argument, 'repository');
  const id = typeof named === 'string' ? named : field(named, 'id');
  const found = (await repositories.list()).find((each) => each.id === id);
  return found ?? repositories.current();
}

function idIn(argument: unknown): string | undefined {
  if (typeof argument === 'string' && argument !== '') return argument;
  const id = field(argument, 'id');
  return typeof id === 'string' ? id : undefined;
}

/** What a command was called with says under a name. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
