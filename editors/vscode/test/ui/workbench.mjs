// What tests do in VS Code's window, as a person would.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Only what hangs takes as long, also on a busy machine. */
const DEADLINE_MS = 180_000;
/** After so long, a list that something else may have taken away is opened once more. */
const ATTEMPT_MS = 15_000;

/** Opens a folder in a browser. */
export async function open({ url, folder, tools, chromium, shots, payload = [], dark = true }) {
  const require = createRequire(join(tools, 'package.json'));
  const browser = await require('playwright-core').chromium.launch({
    executablePath: chromium,
    args: ['--no-sandbox'],
    timeout: DEADLINE_MS,
  });
  const context = await browser.newContext({
    viewport: { width: 1360, height: 850 },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
  return new Workbench(browser, page, `${url}/?${query}`, shots);
}

export class Workbench {
  /** What pages of the extension complained about, and what a strict policy has refused them. */
  problems = [];

  constructor(browser, page, address, shots) {
    Object.assign(this, { browser, page, address, shots });
    page.on('console', (message) => {
      const text = message.text();
      if (message.type() === 'error' && /Content Security Policy|data-page|vscode-resource.*ckit/.test(text))
        this.problems.push(text);
    });
    page.on('pageerror', (error) => {
      if (/dist\/page/.test(error.stack ?? '')) this.problems.push(String(error.stack));
    });
  }

  async load() {
    await this.page.goto(this.address);
    await this.page.locator('.monaco-workbench').waitFor();
  }

  /** The item of the extension in the status bar. */
  get status() {
    return this.page.locator('[id$="ckit.status"]');
  }

  /** Waits for a sign and the text of that item; signs are names of icons. */
  async ready(icon) {
    await this.status.locator(`.codicon-${icon}`).waitFor();
  }

  /** Waits until something holds, and returns it. */
  async until(holds, what) {
    for (const late = Date.now() + DEADLINE_MS; ; await this.page.waitForTimeout(50)) {
      const found = await holds();
      if (found) return found;
      if (Date.now() > late) throw new Error(`It never came about: ${what}.`);
    }
  }

  /** Waits until nothing says any more that something is under way. */
  async idle() {
    const spinning = this.page.locator('.codicon-loading:visible, .monaco-progress-container.active:visible');
    await this.until(async () => (await spinning.count()) === 0, 'the end of all progress');
  }

  /** Takes the steps of a story one after the other, prints what was seen as JSON, and closes the window. */
  async tell(seen, steps) {
    try {
      for (const step of steps) {
        const began = Date.now();
        seen.step = step.name;
        await step();
        console.error(step.name, Date.now() - began, 'ms');
      }
      seen.step = 'end';
    } catch (error) {
      console.error(error);
      console.error('status:', await this.status.getAttribute('aria-label'));
      await this.shot('failure');
    } finally {
      seen.problems = this.problems;
      console.log(JSON.stringify(seen));
      await this.close();
    }
  }

  /** Runs a command of the palette. */
  command(title) {
    return this.choose('F1', `>${title}`, title);
  }

  /** Answers the box that asks for a text. */
  async answer(text) {
    const input = this.page.locator('.quick-input-widget:visible .quick-input-box input');
    await input.fill(text);
    await input.press('Enter');
  }

  /** Chooses an entry of the list that is shown; by keyboard, since rows may move while a list fills. */
  async pick(text) {
    const rows = this.page.locator('.quick-input-list .monaco-list-row', { hasText: text });
    await rows.first().waitFor();
    await this.page.locator('.quick-input-widget:visible .quick-input-box input').fill(text);
    await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text }).waitFor();
    await this.page.keyboard.press('Enter');
  }

  /** Opens a file by its name, and waits until its editor has the focus. */
  async file(name) {
    await this.choose('Control+P', name, name);
    await this.active(name);
  }

  /** Waits until the active editor is that of a file, and has the focus, since it would take it from a list. */
  async active(name) {
    await this.page.locator('.tabs-container .tab.active', { hasText: name }).waitFor();
    await this.page.locator('.editor-instance .monaco-editor.focused').waitFor();
  }

  /** Chooses from the list that a key opens; once more where something else has taken the list away. */
  async choose(key, text, row) {
    const input = this.page.locator('.quick-input-widget .quick-input-box input');
    for (const late = Date.now() + DEADLINE_MS; ; ) {
      await this.page.keyboard.press(key);
      const found = this.page.locator('.quick-input-list .monaco-list-row', { hasText: row }).first();
      try {
        // An editor that is about to get the focus closes the list.
        await input.fill(text, { timeout: ATTEMPT_MS });
        return await found.click({ timeout: ATTEMPT_MS });
      } catch (error) {
        if (Date.now() > late) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
  }

  /** Waits for a notification; where tests drive the window, VS Code keeps them in their list. */
  async told(text) {
    const list = this.page.locator('.notifications-center');
    if (!(await list.isVisible())) await this.page.locator('.statusbar-item[id="status.notifications"]').click();
    await list.locator('.notification-list-item-message', { hasText: text }).waitFor();
    await this.page.keyboard.press('Escape');
    await list.waitFor({ state: 'hidden' });
  }

  /** An editor's tab. */
  tab(name) {
    return this.page.locator('.tabs-container .tab', { hasText: name });
  }

  /** The inside of one of the extension's pages. */
  async inside(name) {
    const until = Date.now() + DEADLINE_MS;
    while (Date.now() < until) {
      for (const frame of this.page.frames()) {
        if (
          (await frame
            .locator(`body[data-page="${name}"]`)
            .count()
            .catch(() => 0)) > 0
        )
          return frame;
      }
      await this.page.waitForTimeout(100);
    }
    throw new Error(`The page ${name} never came.`);
  }

  async shot(name) {
    mkdirSync(this.shots, { recursive: true });
    await this.page.screenshot({ path: join(this.shots, `${name}.png`) });
  }

  /** Closes the window as a person does: VS Code gets to know of it, as it would not from a browser that just ends. */
  async close() {
    await this.page.goto('about:blank');
    await this.browser.close();
  }
}
