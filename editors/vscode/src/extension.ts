import { commands, ExtensionMode, Uri, window, workspace } from 'vscode';
import type { ExtensionContext, Webview } from 'vscode';
import { Approvals } from './approvals';
import { answerCommands } from './commands/answer';
import type { Commands, Context } from './commands/context';
import { daemonCommands } from './commands/daemon';
import { editCommands } from './commands/edit';
import { lookCommands } from './commands/look';
import { makeCommands } from './commands/make';
import { modelCommands } from './commands/models';
import { originCommands } from './commands/origin';
import { pipelineCommands } from './commands/pipelines';
import { searchCommands } from './commands/search';
import { pageCommands } from './commands/talk';
import { EntityTree } from './entityTree';
import { Generations } from './generations';
import { hiding } from './hiding';
import { ImpactTree } from './impactTree';
import { Keys } from './keys';
import { failed } from './messages';
import { Place } from './place';
import { PROPOSAL_SCHEME, Proposals } from './proposals';
import { Repositories } from './repositories';
import { Session } from './session';
import { AT_START, settings } from './settings';
import { Status } from './status';
import { TEXT_SCHEME, Texts } from './texts';
import { explain } from './trouble';
import { GRAPH, GraphPanel } from './webviews/graphPanel';
import { Link } from './webviews/link';
import { SideView } from './webviews/sideView';

let running: Session | undefined;

/** What tests inside the extension host get hold of; nobody else does. */
export interface Insides extends Context {
  entityTree: EntityTree;
  impactTree: ImpactTree;
  extension: ExtensionContext;
  /** Makes the extension's side of a page. */
  link: (webview: Webview, asksPerson: boolean) => Link;
}

/** Builds everything, and starts the daemon. */
export function activate(extension: ExtensionContext): Insides | undefined {
  const { extensionUri, subscriptions } = extension;
  const { version } = extension.extension.packageJSON as { version: string };
  const log = window.createOutputChannel('ckit', { log: true });
  const approvals = new Approvals();
  const keys = new Keys(extension.secrets, extension.globalState);
  const session = new Session(
    hiding(log, (text) => keys.hide(text)),
    version,
    {
      'ckit/approval/request': ({ approval }, token) => approvals.ask(approval, token),
      'ckit/secret/request': (params, token) => keys.request(params, token),
    },
  );
  running = session;
  const repositories = new Repositories(session);
  const texts = new Texts(TEXT_SCHEME);
  const proposals = new Proposals(session);
  const status = new Status(session, approvals);
  const generations = new Generations(extension.workspaceState);
  const context: Context = { session, repositories, approvals, proposals, generations, texts };

  const chat = new SideView('chat', 'Chat', extensionUri, context);
  const ask = new SideView('ask', 'Ask', extensionUri, context);
  const graph = new GraphPanel(extensionUri, context);
  const entityTree = new EntityTree(session, repositories);
  const impactTree = new ImpactTree();
  const impactView = window.createTreeView('ckit.impact', { treeDataProvider: impactTree });

  subscriptions.push(
    log,
    approvals,
    texts,
    proposals,
    status,
    entityTree,
    impactTree,
    impactView,
    new Place(session, repositories),
    window.registerTreeDataProvider('ckit.entities', entityTree),
    ...[chat, ask].map((view) =>
      window.registerWebviewViewProvider(view.id, view, { webviewOptions: { retainContextWhenHidden: true } }),
    ),
    window.registerWebviewPanelSerializer(GRAPH, { deserializeWebviewPanel: async (panel) => graph.adopt(panel) }),
    session.onState((state) => {
      // What a daemon has asked that is gone, nobody waits for.
      if (state.name !== 'running') approvals.forget();
      if ('reason' in state) void explain(state);
    }),
    approvals.onAsk((approval) => {
      if (settings.openDiff()) proposals.show(approval).catch(failed);
      // The question itself is asked there.
      if (!chat.visible) chat.show(undefined, true).catch(failed);
    }),
    approvals.onAnswer(({ approval }) => void proposals.close(approval).catch(failed)),
    workspace.onDidGrantWorkspaceTrust(() => void session.restart()),
    workspace.onDidChangeConfiguration((event) => {
      if (AT_START.some((each) => event.affectsConfiguration(each))) void session.restart();
    }),
    ...registered({
      ...lookCommands(context, impactTree, impactView),
      ...makeCommands(context),
      ...pipelineCommands(context),
      ...pageCommands(context, { chat, ask, graph }),
      ...searchCommands(context),
      ...originCommands(context),
      ...editCommands(context),
      ...modelCommands(context),
      ...answerCommands(context),
      ...daemonCommands(context, keys, status, log),
      'ckit.refresh': () => entityTree.refresh(),
      'ckit.allow': (side) => decide('allowOnce', side),
      'ckit.deny': (side) => decide('deny', side),
    }),
  );

  function decide(decision: 'allowOnce' | 'deny', side: unknown): void {
    const id = proposals.idOf(
      side instanceof Uri && side.scheme === PROPOSAL_SCHEME ? side : undefined,
      approvals.pending,
    );
    if (id !== undefined) approvals.answer(id, { decision });
  }

  void session.restart();
  if (extension.extensionMode !== ExtensionMode.Test) return undefined;
  const link: Insides['link'] = (webview, asksPerson) => new Link(webview, context, asksPerson);
  return { ...context, entityTree, impactTree, extension, link };
}

/** Ends the daemon with the window. */
export async function deactivate(): Promise<void> {
  await running?.stop();
}

function registered(all: Commands): { dispose(): void }[] {
  return Object.entries(all).map(([name, run]) =>
    commands.registerCommand(name, async (...args: unknown[]) => {
      try {
        return await run(...args);
      } catch (error) {
        failed(error);
        return undefined;
      }
    }),
  );
}
