/** A packet in a form that `toEqual` compares by content: buffers as text, no prototypes. */
export function plain(packet: unknown): unknown {
  return JSON.parse(
    JSON.stringify(packet, (_key, value) => {
      if (value?.type === 'Buffer') return Buffer.from(value.data).toString('latin1');
      return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
    }),
  );
}
