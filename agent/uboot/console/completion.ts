/** TAB: names of commands, and what a command offers for its arguments. */

import { findCommand, matchingCommands } from '../machine/command-table.js'
import type { Machine } from '../machine/machine.js'
import type { Completion } from './line-editor.js'

/** words to show; more become an ellipsis */
const SHOWN = 18
/** columns of the list */
const WIDTH = 78
const INDENT = '  '

function candidates(machine: Machine, words: readonly string[]): readonly string[] {
  const [first = ''] = words
  if (words.length > 1) return findCommand(machine.commands, first)?.complete?.(machine, words) ?? []
  const names = matchingCommands(machine.commands, first).map(({ name }) => name)
  // Signs (`?`, `[`) come last, as in U-Boot's table.
  return [...names.filter(name => /^\w/.test(name)), ...names.filter(name => !/^\w/.test(name))]
}

function commonPrefix(words: readonly string[]): string {
  const [first = ''] = words
  let length = first.length
  for (const word of words) while (!word.startsWith(first.slice(0, length))) length -= 1
  return first.slice(0, length)
}

/** Words in lines of at most 78 columns. */
function columns(words: readonly string[]): string {
  let text = ''
  let column = WIDTH
  for (const word of words) {
    if (column + word.length + 1 >= WIDTH) {
      text += `\n${INDENT}`
      column = INDENT.length - 1
    } else text += ' '
    text += word
    column += word.length + 1
  }
  return `${text}\n`
}

/**
 * What TAB does at the end of a line.
 *
 * @param limit most characters of a line
 * @returns null: nothing at all
 */
export function complete(machine: Machine, line: string, limit: number): Completion | null {
  const words = line.split(/[ \t]+/)
  if (words[0] === '' && words.length > 1) words.shift()
  const typed = words.at(-1) ?? ''
  const found = candidates(machine, words)
  if (found.length === 0) return words.length > 1 ? null : { insert: '', list: '', bell: true }
  const shown = found.length > SHOWN ? [...found.slice(0, SHOWN), '...'] : found
  const unique = found.length === 1
  const insert = commonPrefix(shown).slice(typed.length) + (unique ? ' ' : '')
  if (insert === '') return { insert, list: columns(shown), bell: false }
  if (line.length + insert.length >= limit - 2) return { insert: '', list: '', bell: true }
  return { insert, list: '', bell: !unique }
}
