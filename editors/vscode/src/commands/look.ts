import { commands, Location, Position, Range, Uri, window } from 'vscode';
import type { TreeView } from 'vscode';
import type { Range as PlaceRange, RepoImpactParams, RepositoryInfo } from '@ckit/client';
import { counted } from '../entityTree';
import type { ImpactTree } from '../impactTree';
import { watched } from '../messages';
import type { Commands, Context } from './context';
import { targetOf } from './target';

/** Commands that look at the repository and change nothing. */
export function lookCommands(context: Context, tree: ImpactTree, view: TreeView<unknown>): Commands {
  const { repositories, session } = context;

  async function validate(): Promise<void> {
    const client = await session.client();
    const repository = await repositories.current();
    const { counts, entities } = await watched(client, 'Validating', 'ckit/repo/validate', {
      repository: repository.id,
      limit: 1,
    });
    const found = (['error', 'warning', 'information', 'hint'] as const)
      .filter((severity) => counts[severity])
      .map((severity) =>
        severity === 'information' ? `${counts[severity]} notes` : counted(counts[severity] ?? 0, severity),
      );
    if (found.length === 0) {
      void window.showInformationMessage(`Nothing is wrong with the ${entities} entities.`);
      return;
    }
    const show = 'Show Problems';
    const choice = await window.showWarningMessage(`ckit found ${found.join(', ')}.`, show);
    if (choice === show) await commands.executeCommand('workbench.actions.view.problems');
  }

  async function impact(repository: RepositoryInfo, params: RepoImpactParams, title: string): Promise<void> {
    const client = await session.client();
    const found = await client.request('ckit/repo/impact', { ...params, repository: repository.id });
    tree.show(repository, found);
    await commands.executeCommand('setContext', 'ckit.impact', true);
    view.title = title;
    // An empty message is none.
    view.message = found.changed.length === 0 ? 'Nothing has changed in meaning.' : '';
    await commands.executeCommand('ckit.impact.focus', { preserveFocus: true });
  }

  return {
    'ckit.validate': validate,
    'ckit.impactOf': async (argument) => {
      const target = await targetOf(repositories, argument, 'Impact of a Change');
      if (target) await impact(target.repository, { ids: [target.id] }, `Impact of ${target.id}`);
    },
    'ckit.impactUnsaved': async () =>
      impact(await repositories.current(), { between: 'unsaved' }, 'Impact of Unsaved Changes'),
    'ckit.impactWorkingTree': async () =>
      impact(await repositories.current(), { between: 'workingTree' }, 'Impact since the Last Commit'),
    'ckit.openEntity': async (argument) => {
      const repository = await repositories.current();
      const target =
        argument === undefined
          ? await repositories.pick(repository, 'Open an Entity').then((found) => found && { repository, id: found.id })
          : await targetOf(repositories, argument, 'Open an Entity');
      if (target) await repositories.openEntity(target.repository, target.id);
    },
    'ckit.openPlace': async (id, path, range) => {
      const repository = (await repositories.list()).find((each) => each.id === id);
      if (repository) await repositories.open(repository, String(path), range as PlaceRange | undefined);
    },
    // The language server's code lenses name these two, and speak LSP.
    'ckit.showImpact': async () =>
      impact(await repositories.current(), { between: 'unsaved' }, 'Impact of Unsaved Changes'),
    'ckit.showReferences': (uri, position, places) =>
      commands.executeCommand(
        'editor.action.showReferences',
        Uri.parse(String(uri)),
        positionOf(position as PlaceRange['start']),
        (places as { uri: string; range: PlaceRange }[]).map(
          (place) =>
            new Location(Uri.parse(place.uri), new Range(positionOf(place.range.start), positionOf(place.range.end))),
        ),
      ),
  };
}

function positionOf({ line, character }: PlaceRange['start']): Position {
  return new Position(line, character);
}
