import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { otherProgram } from '../../../packages/server/test/support/other-programs.ts';

/** Where the browser is, or why there is none: then tests of pages are skipped. */
export const program = otherProgram('chromium');

const WAIT_MS = 15_000;
const SCREENSHOTS = join(import.meta.dirname, '../../../docs/console');

/** A real browser, and what its pages complained of. */
export class ConsoleBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  /** What went wrong in pages: exceptions, refusals by the Content-Security-Policy, windows that a script opened. */
  readonly complaints: string[];

  private constructor(browser: Browser) {
    this.#browser = browser;
    this.complaints = [];
  }

  static async open(): Promise<ConsoleBrowser> {
    const [executablePath = ''] = program.command;
    // As root, and in containers, it has no sandbox of its own; it sees only our own pages.
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--force-prefers-reduced-motion'];
    return new ConsoleBrowser(await chromium.launch({ executablePath, args }));
  }

  /** A page of somebody who has been here never before. */
  async page(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme: 'light',
      ...options,
    });
    context.setDefaultTimeout(WAIT_MS);
    const page = await context.newPage();
    page.on('pageerror', (error) => this.complaints.push(`exception: ${error.message}`));
    page.on('dialog', (dialog) => {
      this.complaints.push(`a window was opened: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on('console', (message) => {
      // That an answer was an error is said by the tests themselves.
      const isAnswer = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isAnswer) this.complaints.push(message.text());
    });
    return page;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#browser.close();
  }
}

export async function logIn(page: Page, url: string, key: string, secret: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('API key').fill(key);
  await page.getByLabel('Secret').fill(secret);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Log out' }).waitFor();
}

/** With UPDATE_SCREENSHOTS=1, keeps what a page looks like, after some time, in docs/console. */
export async function keepScreenshot(page: Page, name: string, afterMs = 0): Promise<void> {
  if (process.env['UPDATE_SCREENSHOTS'] !== '1') return;
  await page.waitForTimeout(afterMs);
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
