import type { DynamicState, Texts } from '../state.ts';
import { CommandError } from './command-error.ts';
import { type JsonObject, optionalText, textOf } from './fields.ts';

/** Names and descriptions: nothing reads them but people. */
const TEXT_MAX = 65_535;

/** What commands need beside the state. */
export interface CommandTools {
  /** Users, groups and roles that there may be together. */
  readonly objectsMax: number;
  /** The hash of a password that the commands give; it was made before they are carried out. */
  hashOf(password: string): string;
  /**
   * From where clients of a user are connected.
   *
   * @param clientId - only this one; null for all
   */
  addressesOf(userName: string, clientId: string | null): readonly string[];
}

/**
 * Carries out one command.
 *
 * @returns what `data` of the answer is; nothing where it has none
 * @throws {CommandError} before anything is changed
 */
export type CommandHandler = (
  state: DynamicState,
  command: JsonObject,
  tools: CommandTools,
) => JsonObject | undefined;

/** @throws {CommandError} when there are as many objects as there may be */
export function checkRoom(state: DynamicState, { objectsMax }: CommandTools): void {
  if (state.objectCount >= objectsMax) {
    throw new CommandError(`There are ${objectsMax} clients, groups and roles already`);
  }
}

/** `textname` and `textdescription` of a new object. */
export function newTexts(command: JsonObject): Texts {
  return {
    textName: short(optionalText(command, 'textname', 'Invalid/missing textname')),
    textDescription: short(
      optionalText(command, 'textdescription', 'Invalid/missing textdescription'),
    ),
  };
}

/** `textname` and `textdescription` where they are to change. */
export function changedTexts(command: JsonObject, { textName, textDescription }: Texts): Texts {
  return {
    textName: short(textOf(command, 'textname') ?? textName),
    textDescription: short(textOf(command, 'textdescription') ?? textDescription),
  };
}

function short(text: string | null): string | null {
  if (text !== null && text.length > TEXT_MAX) throw new CommandError('Text too long');
  return text;
}
