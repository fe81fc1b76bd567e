import { configOptions } from './options.ts';
import { leavesOf, type SchemaLeaf, type SchemaPart } from './values/parts.ts';
import { allowedText, type ValueKind } from './values/units.ts';
import { wholeSections } from './whole-sections.ts';

/** A part of a JSON Schema (draft 2020-12). */
type JsonSchema = { [key: string]: unknown };

const DURATION = '^\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)?$';
const SIZE = '^\\d+(\\.\\d+)?\\s*([bB]|[kKmMgG]i?[bB])?$';
const COUNT_RATE = '^\\d+\\s*/\\s*(\\d+(\\.\\d+)?\\s*)?(ms|s|m|h|d)$';
const BYTE_RATE =
  '^\\d+(\\.\\d+)?\\s*([bB]|[kKmMgG]i?[bB])?\\s*/\\s*(\\d+(\\.\\d+)?\\s*)?(ms|s|m|h|d)$';
const ADDRESS = '^(unix:.+|/.+|((\\[[^\\]]+\\]|[^:\\[\\]]*):)?\\d{1,5})$';

const ADDRESS_LIST = '^[^,]*\\d[^,]*(,[^,]+)+$|^unix:';

/** The JSON Schema of configuration files, for editors that complete and check them. */
export function configJsonSchema(): JsonSchema {
  const root: JsonSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'PromptMQ configuration',
    type: 'object',
    additionalProperties: false,
    properties: {},
  };
  for (const option of configOptions) addLeaf(root, option);
  for (const key of wholeSections) orWord(root, key.split('.'));
  return root;
}

function addLeaf(root: JsonSchema, leaf: SchemaLeaf): void {
  let section = root;
  const names = leaf.key.split('.');
  for (const name of names.slice(0, -1)) {
    const properties = section['properties'] as Record<string, JsonSchema>;
    // A section whose lines are all commented out is null.
    properties[name] ??= {
      type: ['object', 'null'],
      additionalProperties: false,
      properties: {},
    };
    section = properties[name];
  }
  (section['properties'] as Record<string, JsonSchema>)[names.at(-1) as string] = schemaOf(leaf);
}

/** One of a list of sections. */
function itemSchema(part: SchemaPart): JsonSchema {
  const item: JsonSchema = { type: 'object', additionalProperties: false, properties: {} };
  for (const leaf of leavesOf(part)) addLeaf(item, leaf);
  return item;
}

/** What may be written as a word alone. */
function orWords(item: JsonSchema, words: readonly string[]): JsonSchema {
  if (words.length === 0) return item;
  return { anyOf: [item, { enum: words }] };
}

/** Has a section be true or false as a whole, too. */
function orWord(section: JsonSchema, [name, ...rest]: readonly string[]): void {
  const properties = section['properties'] as Record<string, JsonSchema>;
  const inner = properties[name as string] as JsonSchema;
  if (rest.length > 0) orWord(inner, rest);
  else properties[name as string] = { anyOf: [inner, { type: 'boolean' }] };
}

function schemaOf({ kind, description, defaultText, key }: SchemaLeaf): JsonSchema {
  return {
    description: `${description}\n\nDefault: ${defaultText || 'none'}`,
    ...(key.startsWith('cluster.') ? { deprecated: true } : {}),
    ...typeOf(kind),
  };
}

function typeOf(kind: ValueKind): JsonSchema {
  switch (kind.kind) {
    case 'integer': {
      const whole = { type: 'integer', minimum: kind.minimum, maximum: kind.maximum };
      return kind.orAuto ? { anyOf: [whole, { const: 'auto' }] } : whole;
    }
    case 'duration':
      return measured(kind, DURATION, kind.orNone);
    case 'size':
      return measured(kind, SIZE, kind.orNone);
    case 'rate': {
      const pattern = kind.of === 'bytes' ? BYTE_RATE : COUNT_RATE;
      return {
        anyOf: [
          { type: 'string', pattern, description: allowedText(kind) },
          { enum: ['none', null, false] },
        ],
      };
    }
    case 'boolean':
      return kind.orAuto
        ? { anyOf: [{ type: 'boolean' }, { const: 'auto' }] }
        : { type: 'boolean' };
    case 'choice':
      return { enum: kind.choices };
    case 'addresses':
      return {
        anyOf: [
          ...addressItems(),
          { type: 'string', pattern: ADDRESS_LIST },
          { type: 'array', maxItems: 64, items: { anyOf: addressItems() } },
          { enum: ['none', null, false] },
        ],
      };
    case 'path':
      return kind.orNone
        ? { anyOf: [{ type: ['string', 'null'] }, { const: false }] }
        : { type: 'string' };
    case 'text':
      return { type: 'string', maxLength: kind.lengthMax };
    case 'list':
      return {
        anyOf: [
          { type: 'array', maxItems: kind.lengthMax, items: { type: 'string' } },
          { type: 'string' },
        ],
      };
    case 'map':
      return {
        type: 'object',
        maxProperties: kind.sizeMax,
        additionalProperties: { type: 'string' },
      };
    case 'objects':
      return {
        anyOf: [
          {
            type: 'array',
            maxItems: kind.lengthMax,
            items: orWords(itemSchema(kind.part as SchemaPart), Object.keys(kind.words)),
          },
          { enum: ['none', null, false] },
        ],
      };
  }
}

function addressItems(): JsonSchema[] {
  return [
    { type: 'string', pattern: ADDRESS },
    { type: 'integer', minimum: 0, maximum: 65_535 },
  ];
}

function measured(kind: ValueKind, pattern: string, orNone: boolean): JsonSchema {
  return {
    anyOf: [
      { type: 'string', pattern, description: allowedText(kind) },
      { type: 'number', minimum: 0 },
      ...(orNone ? [{ enum: ['none', null, false] }] : []),
    ],
  };
}
