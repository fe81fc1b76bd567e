import { openApiDocument } from '../api/openapi.ts';

interface Schema {
  readonly [name: string]: unknown;
}

interface Content {
  readonly [type: string]: { readonly schema: Schema };
}

interface DocumentedOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Content }>
  >;
}

interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
}

/** The OpenAPI document as JSON. */
export function docsJson(): string {
  return `${JSON.stringify(openApiDocument(), null, 2)}\n`;
}

/** The same as a page for people: it needs no script, and nothing from elsewhere. */
export function docsPage(): string {
  const { info, servers, paths } = openApiDocument() as unknown as Document;
  const base = servers[0]?.url ?? '';
  const chapters = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, one] of Object.entries(methods)) {
      const tag = one.tags[0] ?? '';
      const chapter = chapters.get(tag) ?? [];
      chapters.set(tag, chapter);
      chapter.push(operationHtml(method, base + path, one));
    }
  }
  const links = [...chapters.keys()].map((tag) => `<a href="#${idOf(tag)}">${escaped(tag)}</a>`);
  const body = [...chapters].map(
    ([tag, items]) => `<h2 id="${idOf(tag)}">${escaped(tag)}</h2>\n${items.join('\n')}`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API of ${escaped(info.title)}</title>
<link rel="stylesheet" href="/api-docs/style.css">
</head>
<body>
<header><h1>API of ${escaped(info.title)} <small>${escaped(info.version)}</small></h1>
<p>${escaped(info.description)} As <a href="/api-docs/openapi.json">OpenAPI 3.1</a>.</p>
<pre>curl -u KEY:SECRET http://127.0.0.1:18083${base}/status</pre>
<nav>${links.join(' ')}</nav></header>
<main>
${body.join('\n')}
</main>
</body>
</html>
`;
}

function operationHtml(method: string, path: string, one: DocumentedOperation): string {
  const parameters = one.parameters.map(
    (parameter) =>
      `<tr><td><code>${escaped(parameter.name)}</code></td><td>${parameter.in}${
        parameter.required ? ', needed' : ''
      }</td><td>${escaped(parameter.description ?? '')} ${schemaHtml(parameter.schema)}</td></tr>`,
  );
  const answers = Object.entries(one.responses).map(
    ([status, { description, content }]) =>
      `<tr><td>${status}</td><td>${escaped(description)}</td><td>${contentHtml(content)}</td></tr>`,
  );
  return `<details id="${escaped(one.operationId)}">
<summary><b class="${method}">${method.toUpperCase()}</b> <code>${escaped(path)}</code> ${escaped(one.summary)}</summary>
<p>${escaped(one.description)}</p>
${parameters.length === 0 ? '' : `<h3>Parameters</h3><table>${parameters.join('')}</table>`}
${one.requestBody === undefined ? '' : `<h3>Body</h3>${contentHtml(one.requestBody.content)}`}
<h3>Answers</h3><table>${answers.join('')}</table>
</details>`;
}

function contentHtml(content: Content | undefined): string {
  return Object.entries(content ?? {})
    .map(([type, { schema }]) =>
      '$ref' in schema
        ? '<code>{ code, message }</code>'
        : `<details><summary>${escaped(type)}</summary>${schemaHtml(schema)}</details>`,
    )
    .join('');
}

function schemaHtml(schema: Schema): string {
  const text = JSON.stringify(schema, null, 2);
  return text.length < 60 ? `<code>${escaped(text)}</code>` : `<pre>${escaped(text)}</pre>`;
}

function idOf(tag: string): string {
  return `tag-${tag.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

export const DOCS_STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
nav a { margin-right: .7rem; white-space: nowrap; }
pre { background: #8881; overflow: auto; padding: .5rem; }
code, pre { font: 13px/1.4 ui-monospace, monospace; }
details { border-bottom: 1px solid #8884; padding: .3rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid #8883; padding: .3rem; vertical-align: top; }
h3 { font-size: 1rem; margin: .7rem 0 .2rem; }
b { display: inline-block; min-width: 4.5rem; }
.get { color: #1769c2; } .post { color: #197a3e; } .put { color: #a15c00; } .delete { color: #c22929; }
@media (prefers-color-scheme: dark) {
  .get { color: #7db7ff; } .post { color: #6fd492; } .put { color: #f0b25e; } .delete { color: #ff8f8f; }
}
`;
