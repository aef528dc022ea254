/** `date` and `time`: the clock, and how long a command takes. */

import { runCommand } from '../../hush/run-command.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

const WEEKDAYS = ['Sun', 'Mon', 'Tues', 'Wednes', 'Thurs', 'Fri', 'Satur'] as const

/** MMDDhhmm[[CC]YY][.ss] */
const FORMAT = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)??(\d\d)?(?:\.(\d\d))?$/

/** Read a date; missing parts come from `now`. @returns null if the text is not a date */
function parseDate(text: string, now: Date): Date | null {
  const match = FORMAT.exec(text)
  if (match === null) return null
  const [, month, day, hour, minute, century, year, second = 0] = match
  const thisYear = now.getUTCFullYear()
  const full = year === undefined ? thisYear : Number(century ?? Math.floor(thisYear / 100)) * 100 + Number(year)
  const days = Number(month) === 2 ? 29 : 31
  if (Number(month) > 12 || Number(day) > days || Number(hour) > 23 || Number(minute) > 59) return null
  const date = new Date(0)
  date.setUTCFullYear(full, Number(month) - 1, Number(day))
  date.setUTCHours(Number(hour), Number(minute), Number(second))
  return date
}

const two = (value: number) => String(value).padStart(2, '0')

function date(machine: Machine, { args }: Call): number {
  const { out, state } = machine
  const [, wanted] = args
  const clock = () => new Date(machine.now().getTime() + state.clockOffset)
  if (wanted !== undefined) {
    const set = wanted === 'reset' ? new Date(Date.UTC(2000, 0, 1)) : parseDate(wanted, clock())
    if (wanted === 'reset') out.write('Reset RTC...\n')
    if (set === null) {
      out.write('## Bad date format\n')
      return 0
    }
    state.clockOffset = set.getTime() - machine.now().getTime()
  }
  const now = clock()
  const day = `${now.getUTCFullYear()}-${two(now.getUTCMonth() + 1)}-${two(now.getUTCDate())}`
  const time = `${String(now.getUTCHours()).padStart(2)}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())}`
  out.write(`Date: ${day.padStart(10)} (${WEEKDAYS[now.getUTCDay()]}day)    Time: ${time}\n`)
  return 0
}

async function time(machine: Machine, { args, signal }: Call): Promise<number> {
  if (args.length < 2) return USAGE
  const start = performance.now()
  const { status } = await runCommand(machine, { args: args.slice(1), repeated: false, signal })
  const total = Math.round(performance.now() - start)
  const minutes = Math.floor(total / 60_000)
  const seconds = `${Math.floor(total / 1000) % 60}.${String(total % 1000).padStart(3, '0')}`
  machine.out.write(`\ntime:${minutes > 0 ? ` ${minutes} minutes,` : ''} ${seconds} seconds\n`)
  return status
}

export const dateCommands: readonly Command[] = [
  {
    name: 'date',
    maxArgs: 2,
    repeatable: true,
    summary: 'get/set/reset date & time',
    usage: `[MMDDhhmm[[CC]YY][.ss]]
date reset
  - without arguments: print date & time
  - with numeric argument: set the system date & time
  - with 'reset' argument: reset the RTC`,
    run: date,
  },
  {
    name: 'timer',
    maxArgs: 2,
    repeatable: true,
    summary: 'access the system timer',
    usage: "start - Reset the timer reference.\ntimer get   - Print the time since 'start'.",
    run({ out, state }, { args: [, verb] }) {
      if (verb === undefined) return USAGE
      if (verb === 'start') state.timerStart = performance.now()
      if (verb === 'get') out.write(`${((performance.now() - state.timerStart) / 1000).toFixed(3)}\n`)
      return 0
    },
  },
  {
    name: 'time',
    maxArgs: 64,
    summary: 'run commands and summarize execution time',
    usage: 'command [args...]\n',
    run: time,
  },
]
