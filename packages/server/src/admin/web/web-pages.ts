import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../../config/index.ts';
import { ApiError } from '../api/operation.ts';
import { DOCS_STYLE, docsJson, docsPage } from './api-docs.ts';
import { type ConsoleFiles, readConsole } from './console-files.ts';
import { answerStatic, type StaticFile, staticFile } from './static-answer.ts';
import type { Pages } from './web-front.ts';

const HTML = 'text/html; charset=utf-8';

/** The documentation of the API, and the console. Both are made when somebody asks for them first. */
export class WebPages implements Pages {
  readonly #config: Config['admin'];
  readonly #consoleFolder: string | undefined;
  #docs: Promise<ConsoleFiles> | null;
  #console: Promise<ConsoleFiles> | null;

  /**
   * @param config - live
   * @param consoleFolder - in the place of what the package of the console has, for tests
   */
  constructor(config: Config['admin'], consoleFolder?: string) {
    this.#config = config;
    this.#consoleFolder = consoleFolder;
    this.#docs = null;
    this.#console = null;
  }

  /** @throws {ApiError} 404 */
  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = await this.#find(path);
    if (file !== undefined) {
      answerStatic(request, response, file);
    } else if (path === '/') {
      answerStatic(request, response, await noConsole(this.#config.console), 404);
    } else {
      throw new ApiError(404, 'NOT_FOUND', `there is nothing at ${path}; see /api-docs`);
    }
  }

  async #find(path: string): Promise<StaticFile | undefined> {
    if (path === '/api-docs' || path.startsWith('/api-docs/')) {
      this.#docs ??= makeDocs();
      return (await this.#docs).get(path);
    }
    if (!this.#config.console) return undefined;
    this.#console ??= readConsole(this.#consoleFolder);
    return (await this.#console).get(path === '/index.html' ? '/' : path);
  }
}

async function makeDocs(): Promise<ConsoleFiles> {
  const page = await staticFile(HTML, Buffer.from(docsPage()));
  const json = await staticFile('application/json', Buffer.from(docsJson()));
  const style = await staticFile('text/css; charset=utf-8', Buffer.from(DOCS_STYLE));
  return new Map([
    ['/api-docs', page],
    ['/api-docs/', page],
    ['/api-docs/openapi.json', json],
    // Where scripts made for EMQX look for it.
    ['/api-docs/swagger.json', json],
    ['/api-docs/style.css', style],
  ]);
}

function noConsole(isOn: boolean): Promise<StaticFile> {
  const why = isOn
    ? 'The console is not in this installation: the package @promptmq/console is missing, or was not built.'
    : 'The console is switched off: admin.console is false.';
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>PromptMQ</title><p>${why} The API is there: <a href="/api-docs">its documentation</a>.</p></html>\n`;
  return staticFile(HTML, Buffer.from(page));
}
