import type { Memento } from 'vscode';

const WRITTEN = 'writtenGenerations';
/** How many are kept. */
const KEPT = 20;

/** Something generated that was written into a repository. */
export interface Written {
  /** Id of the generation. */
  id: string;
  /** Id of the repository. */
  repository: string;
  /** What it is, for people. */
  what: string;
}

/** Remembers what was generated here and written, so that it can be taken back later; over restarts of VS Code too. */
export class Generations {
  constructor(private readonly memory: Memento) {}

  /** The newest first. */
  get written(): Written[] {
    return this.memory.get<Written[]>(WRITTEN, []);
  }

  async add(written: Written): Promise<void> {
    await this.memory.update(WRITTEN, [written, ...this.without(written.id)].slice(0, KEPT));
  }

  async remove(id: string): Promise<void> {
    await this.memory.update(WRITTEN, this.without(id));
  }

  private without(id: string): Written[] {
    return this.written.filter((each) => each.id !== id);
  }
}
