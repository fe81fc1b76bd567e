import { z } from 'zod';
import { version } from '../../version.ts';
import { OPERATIONS } from '../routes/index.ts';
import { API_PATH } from './admin-api.ts';
import { errorSchema, type Operation } from './operation.ts';

const COMMON_ERRORS: Readonly<Record<number, string>> = {
  400: 'Something in the request is not valid',
  401: 'It is not known who asks',
  403: 'Who asks may not do this',
  429: 'Asked too often',
};

/** The OpenAPI 3.1 document, as an object for JSON. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) {
    const { path, method } = operation;
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'PromptMQ',
      version,
      description: 'What operators and programs ask of a running broker.',
    },
    servers: [{ url: API_PATH }],
    security: [{ basic: [] }, { bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic', description: 'API key and its secret' },
        bearer: { type: 'http', scheme: 'bearer', description: 'KEY:SECRET' },
      },
      schemas: { Error: schemaObject(errorSchema, 'output') },
    },
  };
}

function operationObject(operation: Operation): object {
  const { id, tag, summary, scope, params, query, body, answers, errors } = operation;
  const responses: Record<string, object> = {};
  for (const [status, { description, schema, type = 'application/json' }] of Object.entries(
    answers,
  )) {
    const content =
      schema === null ? {} : { content: { [type]: { schema: schemaObject(schema, 'output') } } };
    responses[status] = { description, ...content };
  }
  for (const [status, description] of Object.entries({ ...COMMON_ERRORS, ...errors })) {
    const schema = { $ref: '#/components/schemas/Error' };
    responses[status] = { description, content: { 'application/json': { schema } } };
  }
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: `Scope: ${scope}.`,
    parameters: [...parametersOf(params, 'path'), ...parametersOf(query, 'query')],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !body.safeParse(undefined).success,
            content: { 'application/json': { schema: schemaObject(body, 'input') } },
          },
        }),
    responses,
  };
}

function parametersOf(fields: z.ZodObject | undefined, where: 'path' | 'query'): object[] {
  return Object.entries(fields?.shape ?? {}).map(([name, type]) => {
    const { description, ...schema } = schemaObject(type as z.ZodType, 'input');
    const isRequired = where === 'path' || !(type as z.ZodType).safeParse(undefined).success;
    return {
      name,
      in: where,
      required: isRequired,
      ...(description === undefined ? {} : { description }),
      schema,
    };
  });
}

function schemaObject(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...object } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return object;
}
