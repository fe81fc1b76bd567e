import { z } from 'zod';

const SHAPE = { io: 'output', unrepresentable: 'any' } as const;

/**
 * What is wrong with a value that a schema has refused: which field, what was given, and what it takes.
 *
 * @param where - what the value is, such as `query`, where it is wrong as a whole
 */
export function fieldProblem(schema: z.ZodType, value: unknown, error: z.ZodError, where: string) {
  const [issue] = error.issues;
  if (issue === undefined) return `${where}: not valid`;
  const path = issue.path.map(String);
  const shape = () => fieldOf(z.toJSONSchema(schema, SHAPE), path);
  const field = path.length === 0 ? where : path.join('.');
  if (issue.code === 'custom') return `${field}: ${issue.message}`;
  if (issue.code === 'unrecognized_keys') {
    const there = Object.keys(shape().properties ?? {}).sort();
    const unknown = [...path, issue.keys[0]].join('.');
    return there.length === 0
      ? `${unknown} is no field of it: it has none`
      : `${unknown} is no field of it; there are ${there.join(', ')}`;
  }
  const taken = takes(shape());
  const given = valueAt(value, path);
  if (taken === null) return `${field}: ${issue.message}`;
  if (given === undefined) return `${field} is missing: it takes ${taken}`;
  return `${field} takes ${taken}, not ${shown(given)}`;
}

/** Of a JSON Schema, what is read here. */
interface Shape {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

function fieldOf(shape: object, path: readonly string[]): Shape {
  let field = shape as Shape;
  for (const name of path) {
    const others = typeof field.additionalProperties === 'object' ? field.additionalProperties : {};
    field = field.properties?.[name] ?? field.items ?? others;
  }
  return field;
}

function takes(shape: Shape): string | null {
  if (shape.enum !== undefined) return `one of ${shape.enum.map(String).join(', ')}`;
  if (shape.const !== undefined) return String(shape.const);
  if (shape.anyOf !== undefined) {
    const parts = shape.anyOf.map(takes);
    return parts.includes(null) ? null : [...new Set(parts)].join(' or ');
  }
  switch (shape.type) {
    case 'integer':
      return `a whole number${range(bound(shape.minimum), bound(shape.maximum))}`;
    case 'number':
      return `a number${range(shape.minimum, shape.maximum)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return `a text${range(shape.minLength, shape.maxLength, ' of', ' characters')}`;
    case 'array':
      return `a list${range(shape.minItems, shape.maxItems, ' of', ' items')}`;
    case 'object': {
      const names = Object.keys(shape.properties ?? {});
      return names.length === 0 ? 'an object' : `an object with ${names.join(', ')}`;
    }
    case 'null':
      return 'null';
    default:
      return null;
  }
}

/** Integers have bounds that say no more than that they are whole. */
function bound(limit: number | undefined): number | undefined {
  return limit !== undefined &&
    Number.isSafeInteger(limit) &&
    Math.abs(limit) < Number.MAX_SAFE_INTEGER
    ? limit
    : undefined;
}

function range(min: number | undefined, max: number | undefined, word = '', unit = ''): string {
  if (min !== undefined && max !== undefined)
    return `${word} ${word === '' ? 'from ' : ''}${min} to ${max}${unit}`;
  if (min !== undefined) return word === '' ? ` from ${min} on` : `${word} at least ${min}${unit}`;
  return max === undefined ? '' : `${word === '' ? ' of' : word} at most ${max}${unit}`;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** As JSON, not long: it may be anything. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
