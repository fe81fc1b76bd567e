import { cellOf } from '@promptmq/cluster';

/** @returns an identifier that begins with `name`, of a client of the cell, out of so many cells */
export function clientIdOf(cell: number, cells: number, name: string): string {
  for (let number = 0; ; number++) {
    const id = `${name}-${number}`;
    if (cellOf(id, cells) === cell) return id;
  }
}
