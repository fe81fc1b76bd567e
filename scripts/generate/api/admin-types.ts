/** TypeScript of an OpenAPI document. */
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';

const HEAD = '// Made of the operations of the server by `node scripts generate admin`.\n\n';

export async function apiTypes(document: object): Promise<string> {
  const nodes = await openapiTS(document as OpenAPI3, { alphabetize: true });
  return HEAD + astToString(nodes);
}
