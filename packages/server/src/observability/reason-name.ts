import { ReasonCode } from '@promptmq/codec';

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ReasonCode).map(([name, code]) => [code, toLabel(name)]),
);

/** A reason code as a label, such as `not-authorized`; the number where it has no name. */
export function reasonName(code: number): string {
  return NAMES.get(code) ?? `0x${code.toString(16).padStart(2, '0')}`;
}

/** `QoSNotSupported` to `qos-not-supported`, `taken over` to `taken-over`. */
export function toLabel(name: string): string {
  return name
    .replace('QoS', 'Qos')
    .replace(/(?<=.)[A-Z]/g, '-$&')
    .replaceAll(' ', '-')
    .toLowerCase();
}
