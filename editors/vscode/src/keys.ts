import { window } from 'vscode';
import type { CancellationToken, Memento, SecretStorage } from 'vscode';
import type { SecretRequestParams, SecretRequestResult } from '@ckit/client';

const NAMES = 'keyNames';
const PREFIX = 'client:';

/** Keys to providers of models. They are in the storage that VS Code keeps for secrets, and nowhere else. */
export class Keys {
  private readonly asking = new Map<string, Promise<string | undefined>>();
  /** References whose keys the daemon has, until it ends. */
  private readonly given = new Set<string>();
  /** The keys that it has got. */
  private readonly told = new Set<string>();

  constructor(
    private readonly secrets: SecretStorage,
    private readonly memory: Memento,
  ) {}

  /** References of the keys that are stored. */
  get names(): string[] {
    return this.memory.get<string[]>(NAMES, []);
  }

  /** A text without the keys that the daemon has got, as they are or as they stand in JSON. */
  hide(text: string): string {
    let hidden = text;
    for (const key of this.told) {
      for (const each of [key, JSON.stringify(key).slice(1, -1)]) hidden = hidden.replaceAll(each, '(a key)');
    }
    return hidden;
  }

  /** Answers the daemon: with the key that is stored, or that the person gives now. */
  async request(params: SecretRequestParams, token: CancellationToken): Promise<SecretRequestResult> {
    const { reference } = params;
    const stored = await this.secrets.get(reference);
    // Several requests for the same key are one question to the person.
    const asked = stored ?? (await (this.asking.get(reference) ?? this.ask(params, token)));
    if (asked !== undefined) {
      this.given.add(reference);
      this.told.add(asked);
    }
    return { value: asked ?? null };
  }

  /** Lets the person store a key; true where the daemon has another one already. */
  async set(references: readonly string[]): Promise<boolean> {
    const reference = await this.choose('Set a Key', [...new Set([...references, ...this.names])], true);
    if (reference === undefined) return false;
    const value = await prompt(`Key for ${reference}`);
    if (value === undefined) return false;
    await this.store(reference, value);
    void window.showInformationMessage(`The key for ${reference} is stored.`);
    return this.given.delete(reference);
  }

  /** Lets the person delete a key; true where the daemon still has it. */
  async clear(): Promise<boolean> {
    if (this.names.length === 0) {
      void window.showInformationMessage('ckit stores no key.');
      return false;
    }
    const reference = await this.choose('Delete a Key', this.names, false);
    if (reference === undefined) return false;
    await this.secrets.delete(reference);
    await this.memory.update(
      NAMES,
      this.names.filter((each) => each !== reference),
    );
    void window.showInformationMessage(`The key for ${reference} is deleted.`);
    return this.given.delete(reference);
  }

  private ask({ reference, reason }: SecretRequestParams, token: CancellationToken): Promise<string | undefined> {
    const asked = prompt(`Key for ${reference}`, reason, token)
      .then(async (value) => {
        if (value !== undefined) await this.store(reference, value);
        return value;
      })
      .finally(() => this.asking.delete(reference));
    this.asking.set(reference, asked);
    return asked;
  }

  private async store(reference: string, value: string): Promise<void> {
    await this.secrets.store(reference, value);
    await this.memory.update(NAMES, [...new Set([...this.names, reference])].sort());
  }

  private async choose(title: string, references: readonly string[], another: boolean): Promise<string | undefined> {
    const other = '$(add) Another one…';
    const items = another ? [...references, other] : [...references];
    // Where there is none yet, there is nothing to choose from.
    const chosen = items[0] === other ? other : await window.showQuickPick(items, { title });
    if (chosen !== other) return chosen;
    const name = await window.showInputBox({
      title,
      prompt: 'As it stands in the settings, for instance client:work-openai',
      value: PREFIX,
      validateInput: (value) => (/^client:\S+$/.test(value) ? undefined : 'It begins with client: and has no space.'),
    });
    return name;
  }
}

async function prompt(title: string, reason?: string, token?: CancellationToken): Promise<string | undefined> {
  const value = await window.showInputBox(
    {
      title,
      prompt: reason ?? 'It is kept where VS Code keeps secrets.',
      password: true,
      ignoreFocusOut: true,
    },
    token,
  );
  return value?.trim() || undefined;
}
