/** The environment: variables by name, and the rules that hold for them. */

/** Where a change comes from: U-Boot's rules differ for a person at the console and for the programs of U-Boot itself. */
export type Origin = 'user' | 'program'

export interface Environment {
  get(name: string): string | undefined
  /** names in the order of `printenv`: by byte value */
  names(): readonly string[]
  /**
   * Set or delete a variable.
   *
   * @param value null deletes
   * @param options `force` as in `env set -f`; `origin` default `user`: programs may set what is read-only
   * @returns lines that U-Boot prints when it refuses, without line ends; empty: it is done
   */
  set(
    name: string,
    value: string | null,
    options?: { readonly force?: boolean; readonly origin?: Origin },
  ): readonly string[]
}
