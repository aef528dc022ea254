/** Options of the commands of the environment: letters behind a `-`, several words of them, before everything else. */

export interface Options {
  readonly letters: ReadonlySet<string>
  /** what follows them */
  readonly rest: readonly string[]
}

/**
 * Take the options from the front of a command's words.
 *
 * @param words without the command
 * @param known letters
 * @returns null when there is another letter
 */
export function takeOptions(words: readonly string[], known: string): Options | null {
  const first = words.findIndex(word => !word.startsWith('-'))
  const count = first === -1 ? words.length : first
  const letters = words.slice(0, count).flatMap(word => [...word.slice(1)])
  if (letters.some(letter => !known.includes(letter))) return null
  return { letters: new Set(letters), rest: words.slice(count) }
}
