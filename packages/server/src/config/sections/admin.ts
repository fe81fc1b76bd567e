import { z } from 'zod';
import { addresses, flag, integer, text } from '../values/units.ts';

/** The API for operators and programs, and the console. */
export const adminSection = z
  .strictObject({
    bind: addresses()
      .prefault('127.0.0.1:18083')
      .describe(
        'where the admin API and the console are served as soon as there is an API key: HOST:PORT, several of them, or none',
      )
      .meta({ restart: true }),
    keyFile: text(4096)
      .prefault('auto')
      .describe(
        'file of the API keys, made by promptmq admin key: a path, auto (admin-keys.json in storage.data-dir, where there is one) or none',
      )
      .meta({ restart: true }),
    console: flag().prefault(true).describe('whether the console is served beside the API'),
    readOnly: flag()
      .prefault(false)
      .describe('whether nothing can be changed by the API and the console, whoever asks'),
    auditEntries: integer(0, 1_000_000)
      .prefault(1000)
      .describe(
        'requests that could change something which are kept for GET /audit; all of them are in the log',
      ),
  })
  .prefault({});
