/** `test` and its other name `[`. */

import { parseAuto } from '../../lib/numbers.js'
import { compileSlre, SlreError } from '../../lib/slre.js'
import type { Call, Command, Machine } from '../../machine/machine.js'

type Check = (machine: Machine, operands: readonly string[]) => boolean | Promise<boolean>

/** An operator, its position, and the number of words including its operands. */
interface Operator {
  readonly name: string
  readonly at: 0 | 1
  readonly words: number
  /** without one it joins: `!`, `-o`, `-a` */
  readonly check?: Check
}

/** Signed, as C reads it. */
const number = (text: string): number => (text.startsWith('-') ? -parseAuto(text.slice(1)) : parseAuto(text) | 0)

const numbers =
  (holds: (left: number, right: number) => boolean): Check =>
  (_, [left = '', , right = '']) =>
    holds(number(left), number(right))

const texts =
  (holds: (left: string, right: string) => boolean): Check =>
  (_, [left = '', , right = '']) =>
    holds(left, right)

function matches({ out }: Machine, [text = '', , expression = '']: readonly string[]): boolean {
  try {
    return compileSlre(expression)(text) !== null
  } catch (thrown) {
    if (!(thrown instanceof SlreError)) throw thrown
    out.write(`Error compiling regex: ${thrown.message}\n`)
    return false
  }
}

/** `-e KIND DEVICE[:PARTITION] FILE` */
async function exists(
  { out, storage }: Machine,
  [, kind = '', where = '', path = '']: readonly string[],
): Promise<boolean> {
  const [unit = '', part] = where.split(':')
  const device = (await storage.devices(kind)).find(({ number }) => number === Number.parseInt(unit, 16))
  if (device === undefined) {
    out.write(`** Bad device specification ${kind} ${unit} **\nCouldn't find partition ${kind} ${where}\n`)
    return false
  }
  const partition = part === undefined ? (device.partitions[0]?.number ?? 0) : Number.parseInt(part, 16)
  return (
    (await storage.size(device, partition, path)) !== null || (await storage.list(device, partition, path)) !== null
  )
}

const OPERATORS: readonly Operator[] = [
  { name: '=', at: 1, words: 3, check: texts((left, right) => left === right) },
  { name: '!=', at: 1, words: 3, check: texts((left, right) => left !== right) },
  { name: '=~', at: 1, words: 3, check: matches },
  { name: '<', at: 1, words: 3, check: texts((left, right) => left < right) },
  { name: '>', at: 1, words: 3, check: texts((left, right) => left > right) },
  { name: '-eq', at: 1, words: 3, check: numbers((left, right) => left === right) },
  { name: '-ne', at: 1, words: 3, check: numbers((left, right) => left !== right) },
  { name: '-lt', at: 1, words: 3, check: numbers((left, right) => left < right) },
  { name: '-le', at: 1, words: 3, check: numbers((left, right) => left <= right) },
  { name: '-gt', at: 1, words: 3, check: numbers((left, right) => left > right) },
  { name: '-ge', at: 1, words: 3, check: numbers((left, right) => left >= right) },
  { name: '!', at: 0, words: 1 },
  { name: '-o', at: 0, words: 1 },
  { name: '-a', at: 0, words: 1 },
  { name: '-z', at: 0, words: 2, check: (_, [, text]) => text === '' },
  { name: '-n', at: 0, words: 2, check: (_, [, text]) => text !== '' },
  { name: '-e', at: 0, words: 4, check: exists },
]

/**
 * From left to right, without precedence: `-a` and `-o` combine the result so far with the next check. Anything but an
 * expression is true.
 */
async function evaluate(machine: Machine, words: readonly string[]): Promise<boolean> {
  let result = false
  let negated = false
  let join: '-o' | '-a' | null = null
  for (let at = 0; at < words.length; ) {
    const here = words.slice(at)
    const operator = OPERATORS.find(({ name, at: place }) => here[place] === name)
    if (operator === undefined || here.length < operator.words) return true
    at += operator.words
    if (operator.check === undefined) {
      if (operator.name === '!') negated = !negated
      else join = operator.name === '-o' ? '-o' : '-a'
      continue
    }
    const holds: boolean = (await operator.check(machine, here)) !== negated
    result = join === null ? holds : join === '-o' ? result || holds : result && holds
    negated = false
    join = null
  }
  return result
}

async function test(machine: Machine, { args: [name, ...words] }: Call): Promise<number> {
  if (name === '[' && words.pop() !== ']') {
    machine.out.write('[: missing terminating ]\n')
    return 1
  }
  if (words.length === 0) return 1
  // `test -n $gone`: the variable leaves no word, and scripts rely on the answer.
  if (words.length === 1) return words[0] === '' || words[0] === '-n' ? 1 : 0
  return (await evaluate(machine, words)) ? 0 : 1
}

export const testCommands: readonly Command[] = [
  {
    name: '[',
    maxArgs: 64,
    repeatable: true,
    summary: "alias for 'test'",
    usage: ' <test expression> ]',
    run: test,
  },
  {
    name: 'test',
    maxArgs: 64,
    repeatable: true,
    summary: 'minimal test like /bin/sh',
    usage: '[args..]',
    run: test,
  },
]
