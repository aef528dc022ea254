/** Looking commands up in the table, and their usage. */

import type { Command } from './machine.js'

/** Letters that count: `md.b` is looked up as `md`. */
function stem(word: string): string {
  const dot = word.indexOf('.')
  return dot === -1 ? word : word.slice(0, dot)
}

/** All commands that begin so. */
export function matchingCommands(commands: readonly Command[], word: string): readonly Command[] {
  const letters = stem(word)
  return commands.filter(({ name }) => name.startsWith(letters))
}

/** The command of this name, or the only one that begins so. Null: unknown or ambiguous. */
export function findCommand(commands: readonly Command[], word: string): Command | null {
  const letters = stem(word)
  if (letters === '') return null
  const exact = commands.find(({ name }) => name === letters)
  if (exact !== undefined) return exact
  const [first = null, ...others] = matchingCommands(commands, word)
  return others.length === 0 ? first : null
}

/** What `help NAME` prints, and what a wrong call gets. */
export function usageText({ name, summary, usage }: Command): string {
  return `${name} - ${summary}\n\nUsage:\n${name} ${usage}\n`
}
