import { commands, EventEmitter, languages, TabInputText, Uri, window, workspace } from 'vscode';
import type { Disposable, TextDocument, TextDocumentContentProvider } from 'vscode';

/** Scheme of documents that hold what the daemon has said: prompts, specifications that are being written. */
export const TEXT_SCHEME = 'ckit-text';

/**
 * Texts that are shown in editors, and that nobody can change.
 *
 * A text is kept until it is closed or another one gets its name. The end of its document says nothing: VS Code ends one
 * that only a preview has shown for minutes, or that gets another language, and asks for the text again later.
 */
export class Texts implements TextDocumentContentProvider, Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changes = new EventEmitter<Uri>();
  private readonly disposables: Disposable[];

  readonly onDidChange = this.changes.event;

  constructor(private readonly scheme: string) {
    this.disposables = [
      workspace.registerTextDocumentContentProvider(scheme, this),
      this.changes,
    ];
  }

  /** Makes a document, or gives it another text; the query tells documents of the same name apart. */
  put(path: string, text: string, query = ''): Uri {
    const uri = Uri.from({ scheme: this.scheme, path: `/${path}`, query });
    this.texts.set(uri.toString(), text);
    this.changes.fire(uri);
    return uri;
  }

  /** Shows a text; later calls of {@link put} with the same name change what is shown. */
  async show(path: string, text: string, language: string): Promise<TextDocument> {
    const document = await workspace.openTextDocument(this.put(path, text));
    await languages.setTextDocumentLanguage(document, language);
    await window.showTextDocument(document, { preview: false });
    return document;
  }

  /** Shows a Markdown text as it is meant to be read. */
  async preview(path: string, markdown: string): Promise<void> {
    // A preview that is not locked turns to the next Markdown file that the person looks at.
    await commands.executeCommand('markdown.showPreview', this.put(path, markdown), undefined, { locked: true });
  }

  /** Closes the editors of a text. */
  async close(path: string): Promise<void> {
    const uri = Uri.from({ scheme: this.scheme, path: `/${path}` }).toString();
    const tabs = window.tabGroups.all.flatMap((group) => group.tabs);
    await window.tabGroups.close(
      tabs.filter(({ input }) => input instanceof TabInputText && input.uri.toString() === uri),
    );
    this.texts.delete(uri);
  }

  /** Forgets the texts of some documents. */
  forget(isOver: (uri: Uri) => boolean): void {
    for (const each of [...this.texts.keys()]) if (isOver(Uri.parse(each))) this.texts.delete(each);
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.texts.get(uri.toString()) ?? '';
  }

  dispose(): void {
    for (const each of this.disposables) each.dispose();
  }
}
