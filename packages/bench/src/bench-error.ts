/** Why a measurement could not be made, in one line for the user. */
export class BenchError extends Error {
  override name = 'BenchError';
}
