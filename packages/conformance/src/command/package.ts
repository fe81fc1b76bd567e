/** This package, as it calls itself. */
export interface Package {
  readonly name: string;
  readonly version: string;
}
