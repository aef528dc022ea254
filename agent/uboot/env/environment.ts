/** The environment: variables by name, and the rules that hold for them. */

/** Where a change comes from: U-Boot's rules differ for a person at the console and for the programs of U-Boot itself. */
export type Origin = 'user' | 'program'

/** Variables by name, in order. */
export type Variables = ReadonlyMap<string, string>

/** Where `saveenv` puts the environment. */
export interface EnvironmentStore {
  /** as U-Boot prints it: `Saving Environment to FAT...` */
  readonly name: string
  /** @throws UBOOT_ENVIRONMENT when it cannot be written */
  save(variables: Variables): Promise<void>
  /**
   * @returns null if no intact copy exists
   * @throws UBOOT_ENVIRONMENT when there is one that cannot be read
   */
  load(): Promise<Variables | null>
}

/** The result of importing variables. */
export interface Import {
  /** false: it ended at an entry without a name */
  readonly complete: boolean
  /** lines that U-Boot prints, without line ends */
  readonly lines: readonly string[]
}

export interface ImportOptions {
  /** first delete the present variables (all, or only those in `only`) */
  readonly clear?: boolean
  /** take in these and no others; empty: all */
  readonly only?: readonly string[]
  /** past write protection */
  readonly force?: boolean
}

export interface Environment {
  get(name: string): string | undefined
  /** names in the order of `printenv`: by byte value */
  names(): readonly string[]
  /**
   * Set or delete a variable.
   *
   * @param value null deletes; so does the empty text of a program
   * @param options `force` as in `env set -f`; `origin` default `user`: programs may set what is read-only
   * @returns lines that U-Boot prints when it refuses, without line ends; empty: it is done
   */
  set(
    name: string,
    value: string | null,
    options?: { readonly force?: boolean; readonly origin?: Origin },
  ): readonly string[]
  /** Tell of each value that a variable gets, but not of its deletion. One listener a variable. */
  observe(name: string, changed: (value: string) => void): void
  /** Import many variables, as `env import` does; a null value deletes one. */
  import(entries: Iterable<readonly [name: string, value: string | null]>, options?: ImportOptions): Import
  /** Reset all variables to their defaults; delete the others. */
  reset(options?: { readonly force?: boolean }): Import
  /** Replace all variables with the saved ones. */
  restore(saved: Variables): Import
  /** the default environment */
  readonly defaults: Readonly<Record<string, string>>
  /** it is the default environment that was taken last, not a saved one */
  readonly isDefault: boolean
  /** bytes that the saved list of variables may take, its end included */
  readonly capacity: number
  /** null: it cannot be saved */
  readonly store: EnvironmentStore | null
}
