/** `setexpr`: calculate, replace, format, into a variable. */

import { bareHex } from '../../lib/numbers.js'
import { formatValues } from '../../lib/setexpr-format.js'
import { type Captures, compileSlre, SlreBudget, SlreError } from '../../lib/slre.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'
import { operandNumber, operandText, operandWidth } from '../../machine/operand.js'

/** longest text that a replacement may make */
const LONGEST = 16 * 1024

/** On 32 bits; null: division by zero. */
const OPERATORS: Readonly<Record<string, (left: number, right: number) => number | null>> = {
  '|': (left, right) => left | right,
  '&': (left, right) => left & right,
  '^': (left, right) => left ^ right,
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': Math.imul,
  '/': (left, right) => (right === 0 ? null : Math.floor(left / right)),
  '%': (left, right) => (right === 0 ? null : left % right),
}

function refuse({ out }: Machine, reason: string): number {
  out.write(`${reason}\n`)
  return 1
}

function assign({ env, out }: Machine, name: string, value: string): number {
  const refusal = env.set(name, value, { origin: 'program' })
  for (const line of refusal) out.write(`${line}\n`)
  return refusal.length === 0 ? 0 : 1
}

/**
 * The replacement with `\0` to `\9` put in, one after the other, up to the first group that matched nothing.
 *
 * @returns null: the result is too long
 */
function replacement(template: string, text: string, captures: Captures): string | null {
  let result = template
  for (let number = 0; number <= 9 && result.length <= LONGEST; number += 1) {
    const [start, end] = captures[number] ?? [0, 0]
    if (start === end) break
    const pieces = result.split(`\\${number}`)
    // What was put in may hold further references: the size is known before it is put together.
    if (result.length + (pieces.length - 1) * (end - start - 2) > LONGEST) return null
    result = pieces.join(text.slice(start, end))
  }
  return result.length > LONGEST ? null : result
}

/** Replace the first match, or all. @returns null: the result is too long. @throws SlreError */
function substitute(text: string, expression: string, template: string, all: boolean): string | null {
  const search = compileSlre(expression)
  const budget = new SlreBudget()
  let done = ''
  let rest = text
  while (rest !== '') {
    const captures = search(rest, budget)
    const [start, end] = captures?.[0] ?? [0, 0]
    if (captures === null) break
    const put = replacement(template, rest, captures)
    if (put === null) return null
    done += rest.slice(0, start) + put
    // An empty match must not be found again.
    if (start === end) done += rest.charAt(end)
    rest = rest.slice(start === end ? end + 1 : end)
    if (done.length + rest.length > LONGEST) return null
    if (!all) break
  }
  return done + rest
}

function regex(machine: Machine, args: readonly string[]): number {
  const [, name = '', action, expression = '', template = '', given] = args
  const text = given ?? machine.env.get(name)
  if (text === undefined) return refuse(machine, `## Error: variable "${name}" not defined`)
  try {
    const result = substitute(text, expression, template, action === 'gsub')
    if (result === null) return refuse(machine, '## error: substitution buffer overflow')
    return assign(machine, name, result)
  } catch (thrown) {
    if (!(thrown instanceof SlreError)) throw thrown
    return refuse(machine, `Error compiling regex: ${thrown.message}`)
  }
}

function format(machine: Machine, [, name = '', , template = '', ...values]: readonly string[]): number {
  const result = formatValues(template, values)
  return 'error' in result ? refuse(machine, result.error) : assign(machine, name, result.text)
}

function calculate(
  machine: Machine,
  { args: [command = '', name = '', left = '', operator, right = ''] }: Call,
): number {
  const { memory } = machine
  const width = operandWidth(command)
  if (width === null) return refuse(machine, 'Invalid data width specifier')
  if (width === 's') {
    if (operator !== undefined && operator !== '+') return refuse(machine, 'invalid op')
    const more = operator === undefined ? '' : operandText(memory, right)
    return assign(machine, name, operandText(memory, left) + more)
  }
  const value = operandNumber(memory, left, width)
  if (operator === undefined) return assign(machine, name, bareHex(value))
  if (operator.length !== 1) return USAGE
  const result = OPERATORS[operator]?.(value, operandNumber(memory, right, width))
  if (result === undefined) return refuse(machine, 'invalid op')
  if (result === null) return refuse(machine, 'division by zero')
  return assign(machine, name, bareHex(result >>> 0))
}

export const setexprCommands: readonly Command[] = [
  {
    name: 'setexpr',
    maxArgs: 8,
    summary: 'set environment variable as the result of eval expression',
    usage:
      '[.b, .w, .l, .s] name [*]value1 <op> [*]value2\n' +
      "    - set environment variable 'name' to the result of the evaluated\n" +
      '      expression specified by <op>.  <op> can be &, |, ^, +, -, *, /, %\n' +
      '      (for strings only + is supported)\n' +
      '      size argument is only meaningful if value1 and/or value2 are\n' +
      '      memory addresses (*)\n' +
      'setexpr[.b, .w, .l] name [*]value\n' +
      '    - load a value into a variable\n' +
      'setexpr name fmt <format> [value1] [value2] [value3] [value4]\n' +
      "    - set environment variable 'name' to the result of the bash like\n" +
      '      format string evaluation of value.\n' +
      'setexpr name gsub r s [t]\n' +
      '    - For each substring matching the regular expression <r> in the\n' +
      '      string <t>, substitute the string <s>.  The result is\n' +
      '      assigned to <name>.  If <t> is not supplied, use the old\n' +
      '      value of <name>. If no substring matching <r> is found in <t>,\n' +
      '      assign <t> to <name>.\n' +
      'setexpr name sub r s [t]\n' +
      '    - Just like gsub(), but replace only the first matching substring',
    run(machine, call) {
      const count = call.args.length
      const action = call.args[2]
      if (action === 'fmt' && count >= 4) return format(machine, call.args)
      if ((action === 'sub' || action === 'gsub') && (count === 5 || count === 6)) return regex(machine, call.args)
      return count === 3 || count === 5 ? calculate(machine, call) : USAGE
    },
  },
]
