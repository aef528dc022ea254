/** `bootmenu`: a full-screen menu of the variables `bootmenu_0`, `bootmenu_1` ... */

import { KeyDecoder } from '../../console/keys.js'
import type { Call, Command, Input, Machine, Output } from '../../machine/machine.js'

interface Entry {
  readonly title: string
  readonly commands: string
}

interface Menu {
  /** the last one leaves the menu */
  readonly entries: readonly Entry[]
  active: number
}

/** Entries that variables may give; one more is the exit. */
const MOST_ENTRIES = 98
const EXIT: Entry = { title: 'Exit', commands: '' }
/** Seconds if no variable is set. */
const USUAL_DELAY = 10
/** Milliseconds after which a lone ESC counts as the key, not as the start of a sequence. */
const ESCAPE_MS = 100
/** Milliseconds that a menu without countdown waits for a key: a day. */
const UNTOUCHED_MS = 86_400_000
const SECOND_MS = 1000

/** ECMA-48, and DEC's for the cursor. Lines and columns count from 1. */
const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const CLEAR_SCREEN = '\x1b[2J'
const CLEAR_LINE = '\x1b[2K'
const CLEAR_TO_END = '\x1b[0K'
const REVERSE = '\x1b[7m'
const PLAIN = '\x1b[0m'
const at = (line: number, column: number): string => `\x1b[${line};${column}H`

/** Above the entries: an empty line, the title, an empty line. */
const FIRST_ENTRY = 4

const HEAD = `${at(1, 1)}${CLEAR_LINE}${at(2, 3)}*** U-Boot Boot Menu ***${CLEAR_TO_END}${at(3, 1)}${CLEAR_LINE}`

/** Below the entries: one line for the countdown, one that explains the keys. */
const footLine = ({ entries }: Menu): number => entries.length + FIRST_ENTRY + 1

function draw(out: Output, menu: Menu): void {
  const foot = footLine(menu)
  const lines = menu.entries.map(({ title }, index) => {
    const text = index === menu.active ? `${REVERSE}${title}${PLAIN}` : title
    return `${at(index + FIRST_ENTRY, 7)}${text}`
  })
  out.write(
    `${HEAD}${at(foot, 1)}${CLEAR_LINE}${at(foot + 1, 3)}Press UP/DOWN to move, ENTER to select, ESC to quit` +
      `${CLEAR_TO_END}${at(foot + 2, 1)}${CLEAR_LINE}${lines.join('')}`,
  )
}

/** The entries of the variables, as far as they follow each other. */
function entriesOf({ env, out }: Machine): readonly Entry[] {
  const entries: Entry[] = []
  while (entries.length < MOST_ENTRIES) {
    const text = env.get(`bootmenu_${entries.length}`)
    if (text === undefined) break
    const equals = text.indexOf('=')
    if (equals === -1) {
      out.write(`Invalid bootmenu entry: ${text}\n`)
      break
    }
    entries.push({ title: text.slice(0, equals), commands: text.slice(equals + 1) })
  }
  return [...entries, EXIT]
}

/** The number at the start of a text, as C reads it; 0 without one. */
const integer = (text: string): number => Number(/^-?\d+/.exec(text)?.[0] ?? 0)

function menuOf(machine: Machine): Menu {
  const entries = entriesOf(machine)
  const active = integer(machine.env.get('bootmenu_default') ?? '0')
  if (entries[active] !== undefined) return { entries, active }
  machine.out.write(`active menuitem (${active}) is outside menu (0..${entries.length - 1})\n`)
  return { entries, active: 0 }
}

/** Keys as {@link KeyDecoder} reports them: the arrows are ^P and ^N. */
const QUIT = ['\x03', '\x1b']
const SELECT = ['\r', '\n']
const STEPS: Readonly<Record<string, number>> = { '\x10': -1, '+': -1, '\x0e': 1, '-': 1 }

/** A key, or null after the timeout. An escape sequence counts as one key. */
async function readKey(input: Input, timeoutMs: number): Promise<string | null> {
  const decoder = new KeyDecoder()
  let key = ''
  for (let wait = timeoutMs; key === ''; wait = ESCAPE_MS) {
    const character = await input.readKey(wait)
    if (character === null) return wait === timeoutMs ? null : '\x1b'
    key = decoder.decode(character)
  }
  return key
}

/** What a key does to the menu. @returns the entry that it chose */
function press(out: Output, menu: Menu, key: string): Entry | null {
  const { entries, active } = menu
  if (QUIT.includes(key)) return EXIT
  if (SELECT.includes(key)) return entries[active] ?? EXIT
  // Not U-Boot's, but what vendors add to it: the number of an entry chooses it.
  if (/^[1-9]$/.test(key)) return entries[Number(key) - 1] ?? null
  menu.active = Math.max(0, Math.min(entries.length - 1, active + (STEPS[key] ?? 0)))
  if (menu.active !== active) draw(out, menu)
  return null
}

/** Count down. @returns the key that stopped it, or null */
async function countdown({ input, out }: Machine, menu: Menu, seconds: number): Promise<string | null> {
  const line = footLine(menu)
  let key: string | null = null
  for (let left = seconds; left > 0 && key === null; left--) {
    out.write(`${at(line, 3)}Hit any key to stop autoboot: ${left} `)
    key = await readKey(input, SECOND_MS)
  }
  out.write(`${at(line, 1)}${CLEAR_LINE}`)
  return key
}

async function choose(machine: Machine, { signal }: Call, menu: Menu, delay: number): Promise<Entry> {
  const { input, out } = machine
  const next = async (): Promise<string> => (await readKey(input, UNTOUCHED_MS)) ?? '\x1b'
  draw(out, menu)
  let key = delay > 0 ? ((await countdown(machine, menu, delay)) ?? '\r') : await next()
  for (;;) {
    signal.throwIfAborted()
    const entry = press(out, menu, key)
    if (entry !== null) return entry
    key = await next()
  }
}

/** Without a delay there is no menu: the first entry runs at once. */
function firstEntry({ env, out }: Machine): Entry {
  const text = env.get('bootmenu_0')
  if (text === undefined) out.write('bootmenu option 0 was not found\n')
  else if (!text.includes('=')) out.write('bootmenu option 0 is invalid\n')
  return { title: '', commands: text?.includes('=') ? text.slice(text.indexOf('=') + 1) : '' }
}

async function chooseOnScreen(machine: Machine, call: Call, delay: number): Promise<Entry> {
  const { out } = machine
  const menu = menuOf(machine)
  out.write(`${HIDE_CURSOR}${CLEAR_SCREEN}${at(1, 1)}`)
  try {
    return await choose(machine, call, menu, delay)
  } finally {
    out.write(`${SHOW_CURSOR}${CLEAR_SCREEN}${at(1, 1)}`)
  }
}

async function bootmenu(machine: Machine, call: Call): Promise<number> {
  const { env, shell } = machine
  // -e adds what UEFI would boot, and there is no UEFI here.
  const [word] = call.args.slice(call.args[1] === '-e' ? 2 : 1)
  const text = word ?? env.get('bootmenu_delay') ?? env.get('bootdelay')
  const delay = text === undefined ? USUAL_DELAY : integer(text)
  const { commands } = delay === 0 ? firstEntry(machine) : await chooseOnScreen(machine, call, delay)
  if (commands !== '') await shell.run(commands, call.signal)
  return 0
}

export const bootmenuCommands: readonly Command[] = [
  {
    name: 'bootmenu',
    maxArgs: 3,
    repeatable: true,
    summary: 'ANSI terminal bootmenu',
    usage: '[-e] [delay]\n-e    - show UEFI entries\ndelay - show ANSI terminal bootmenu with autoboot delay',
    run: bootmenu,
  },
]
