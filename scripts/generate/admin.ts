/** The types of the admin API, of the OpenAPI document that the server makes of its operations. */
import { openApiDocument } from '../../packages/server/dist/admin/api/openapi.js';
import { apiTypes } from './api/admin-types.ts';
import type { Generated } from './generated.ts';

const FILE = 'packages/admin/src/generated/api.ts';

export async function generate(): Promise<Generated> {
  return { files: { [FILE]: await apiTypes(openApiDocument()) } };
}
