import { z } from 'zod';
import { ConfigError, shownOptions } from '../../config/index.ts';
import type { ApiBase } from '../api/api-host.ts';
import type { Configuration } from '../api/configuration.ts';
import { ApiError, baseOperation, type errorSchema, json } from '../api/operation.ts';

const optionSchema = z.object({
  key: z.string().describe('such as mqtt.max-qos'),
  value: z.string().describe('as in a file, in YAML; secrets are hidden'),
  default: z.string(),
  is_default: z.boolean().describe('whether nobody has set it'),
  origin: z.enum(['default', 'file', 'environment', 'flag']),
  source: z.string().describe('the flag, the variable, or the file with line and column'),
  needs_restart: z.boolean(),
  description: z.string(),
});

const problemSchema = z.object({
  key: z.string(),
  source: z.string().describe('the file with line and column, the variable or the flag'),
  message: z.string(),
});

const ERRORS = { 404: 'The program in which the broker is embedded has its own configuration' };

export const configOperations = [
  baseOperation({
    id: 'getConfigs',
    method: 'GET',
    path: '/configs',
    scope: 'config',
    tag: 'Configuration',
    summary: 'Every option with its value, where that comes from, and whether it needs a restart',
    answers: {
      200: {
        description: 'All of them',
        schema: z.object({ file: z.string().nullable(), data: z.array(optionSchema) }),
      },
    },
    errors: ERRORS,
    handle: ({ host }) => {
      const { loaded } = configurationOf(host);
      return json({
        file: loaded.file,
        data: shownOptions(loaded).map(({ needsRestart, ...option }) => ({
          ...option,
          is_default: option.origin === 'default',
          needs_restart: needsRestart,
        })),
      });
    },
  }),
  baseOperation({
    id: 'reloadConfigs',
    method: 'POST',
    path: '/configs/reload',
    scope: 'config',
    tag: 'Configuration',
    summary: 'Read the configuration and its files again, and put them in force',
    answers: {
      200: {
        description: 'It is in force, but for what needs a restart',
        schema: z.object({ changed: z.array(z.string()), need_restart: z.array(z.string()) }),
      },
    },
    errors: {
      ...ERRORS,
      400: 'Something is wrong with it, and nothing was changed; problems says what, and where',
    },
    handle: async ({ host }) => {
      const configuration = configurationOf(host);
      try {
        const { changed, needRestart } = await configuration.reload();
        return json({ changed, need_restart: needRestart });
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return json(refusal(error), 400);
      }
    },
  }),
];

/** `{ code, message }` with all problems. */
function refusal({ problems }: ConfigError): z.output<typeof errorSchema> & { problems: object } {
  const message = problems
    .map(({ key, source, message: why }) => `${key} (${source}): ${why}`)
    .join('; ');
  const shown: z.output<typeof problemSchema>[] = problems.map(({ key, source, message: why }) => ({
    key,
    source,
    message: why,
  }));
  return { code: 'BAD_CONFIG', message, problems: shown };
}

/** @throws {ApiError} 404 */
function configurationOf({ configuration }: ApiBase): Configuration {
  if (configuration !== null) return configuration;
  const why = 'the configuration is that of the program in which the broker is embedded';
  throw new ApiError(404, 'NOT_AVAILABLE', why);
}
