/** `itest`: compare numbers, memory and texts. */

import { type Command, type Machine, USAGE } from '../../machine/machine.js'
import { operandNumber, operandText, operandWidth, type Width } from '../../machine/operand.js'

/** Whether an operator holds for `left - right`. */
const OPERATORS: ReadonlyMap<string, (order: number) => boolean> = new Map(
  (
    [
      [['-lt', '<'], order => order < 0],
      [['-gt', '>'], order => order > 0],
      [['-eq', '=='], order => order === 0],
      [['-ne', '!=', '<>'], order => order !== 0],
      [['-ge', '>='], order => order >= 0],
      [['-le', '<='], order => order <= 0],
    ] satisfies readonly [readonly string[], (order: number) => boolean][]
  ).flatMap(([names, holds]) => names.map((name): [string, (order: number) => boolean] => [name, holds])),
)

/** Texts may come from a variable too: `${name}`, quoted so that the shell leaves it alone. */
function text({ memory, env }: Machine, operand: string): string {
  const variable = /^\$\{([^}]*)\}/.exec(operand)?.[1]
  return variable === undefined ? operandText(memory, operand) : (env.get(variable) ?? '')
}

/** Numbers are signed where they are 32 bits wide. */
function number({ memory }: Machine, operand: string, width: 1 | 2 | 4): number {
  const value = operandNumber(memory, operand, width)
  return width === 4 ? value | 0 : value % 2 ** (8 * width)
}

function order(machine: Machine, left: string, right: string, width: Width): number {
  if (width !== 's') return number(machine, left, width) - number(machine, right, width)
  const [first, second] = [text(machine, left), text(machine, right)]
  return first === second ? 0 : first < second ? -1 : 1
}

export const itestCommands: readonly Command[] = [
  {
    name: 'itest',
    maxArgs: 4,
    summary: 'return true/false on integer compare',
    usage: '[.b, .w, .l, .s] [*]value1 <op> [*]value2',
    run(machine, { args: [name = '', left, operator, right] }) {
      if (left === undefined || operator === undefined || right === undefined) return USAGE
      const width = operandWidth(name)
      if (width === null) {
        machine.out.write('Invalid data width specifier\n')
        return 1
      }
      const holds = OPERATORS.get(operator)
      if (holds === undefined) {
        machine.out.write(`Unknown operator '${operator}'\n`)
        return 1
      }
      return holds(order(machine, left, right, width)) ? 0 : 1
    },
  },
]
