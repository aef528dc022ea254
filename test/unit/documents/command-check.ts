/** Whether a command that a document shows can be run: its program is there and takes these options. */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { loadConfig } from '../../../agent/config.js'
import { commandNames } from '../../../lava/cli/command-line.js'
import { createProgram } from '../../../lava/cli/program.js'
import { capture } from '../lava/capture.js'

type Check = (args: readonly string[]) => Promise<void>

function must(right: boolean, otherwise: string): void {
  if (!right) throw new Error(otherwise)
}

/** The parser of a command of `fauxboot`, which does nothing when it has parsed. */
export async function parserOf(name: string): Promise<Command> {
  must(commandNames().includes(name), `fauxboot has no command ${name}`)
  const { terminal } = capture()
  const command = createProgram('fauxboot', terminal).command(name)
  const { define } = await import(`../../../lava/cli/commands/${name}.js`)
  define(command, terminal)
  for (const parser of [command, ...command.commands]) parser.action(() => undefined)
  return command
}

async function fauxboot([name = '', ...args]: readonly string[]): Promise<void> {
  if (name === '--help') return
  const parser = await parserOf(name)
  await parser.parseAsync(args, { from: 'user' })
  const { board } = parser.opts()
  if (name === 'image')
    must(
      [undefined, 'NAME'].includes(board) || existsSync(`systemd/boards/${board}.json`),
      `there is no board ${board}`,
    )
}

const helps = new Map<string, string>()

/** What a program of this project prints for `--help`. */
function helpOf(file: string): string {
  let help = helps.get(file)
  if (help === undefined) {
    const { stdout, stderr, status } = spawnSync(process.execPath, [file, '--help'], { encoding: 'utf8' })
    must(status === 0, `${file} --help: ${stderr}`)
    help = stdout
    helps.set(file, help)
  }
  return help
}

function takes(file: string, args: readonly string[]): void {
  for (const option of args.filter(arg => /^--\w/.test(arg))) {
    must(new RegExp(`^ +.*${option}\\b`, 'm').test(helpOf(file)), `${file} has no ${option}`)
  }
}

const node: Check = async ([file = '', ...args]) => {
  if (file === '-e') return
  must(existsSync(file.replace(/^dist\//, '').replace(/\.js$/, '.ts')), `${file} has no source`)
  takes(file, args)
}

const SCRIPTS: Readonly<Record<string, string>> = JSON.parse(readFileSync('package.json', 'utf8')).scripts

const npm: Check = async ([verb = '', ...words]) => {
  if (verb === 'ci' || verb === 'test') return
  must(verb === 'run', `npm ${verb}`)
  const [name = '', ...rest] = words
  const script = SCRIPTS[name]
  if (script === undefined) throw new Error(`package.json has no script ${name}`)
  const args = rest.filter(arg => arg !== '--')
  const [, program] = /.*\bnode (dist\/\S+)/.exec(script) ?? []
  if (program !== undefined) return takes(program, args)
  const [, shell] = /\bsh (\S+)$/.exec(script) ?? []
  if (shell !== undefined) return sh([shell, ...args])
  for (const file of args) must(existsSync(file), `${file} is missing`)
}

/** A script of ours lists in its first lines what it takes. */
async function sh([file = '', ...args]: readonly string[]): Promise<void> {
  const [usage = ''] = readFileSync(file, 'utf8').split('\nset -')
  for (const arg of args) must(new RegExp(`^# {2,}${arg} `, 'm').test(usage), `${file} does not know ${arg}`)
}

/** The first operand is a file of this project; `lab` is the folder that `target.js` fills from the definitions. */
const cp: Check = async ([from = '']) => {
  must(existsSync(from.replace(/^lab\//, 'lava/definitions/')), `${from} is missing`)
}

const npx: Check = async ([name = '', ...args]) => {
  if (name === 'fauxboot') return fauxboot(args)
  must(existsSync(`node_modules/.bin/${name}`), `npm installs no ${name}`)
}

/** After Node's own options, the agent's. */
const agent: Check = async args => {
  const own = args.slice(args.indexOf('fauxboot-agent.cjs') + 1)
  loadConfig({}, own[0] === '--check-config' ? own.slice(1) : own)
}

const python: Check = async args => {
  if (args[1] !== 'pytest') return
  for (const file of args.filter(arg => /\.\w+$/.test(arg)))
    must(existsSync(`lava/labgrid/${file}`), `${file} is missing`)
}

const sudo: Check = async ([name = '', ...args]) => checkCommand(name, args)

/** Programs of this project, and those whose arguments name its files. */
const CHECKED: Readonly<Record<string, Check>> = {
  fauxboot,
  node,
  npm,
  npx,
  sh,
  cp,
  sudo,
  python3: python,
  'qemu-arm': agent,
  'fauxboot-agent': agent,
}

/** Programs of others: why nothing is checked here. */
const FOREIGN: Readonly<Record<string, string>> = {
  'lava-server': 'needs a LAVA server: test/lava/server has one, and is started by hand',
  lavacli: 'needs a LAVA server: test/lava/server has one, and is started by hand',
  QEMU: 'stands for the path that build-qemu.js prints; test/board starts that machine',
  apt: 'needs a board with Debian: test/slow/debian-package.test.ts types it there',
  systemctl: 'needs a board with Debian: test/slow/debian-package.test.ts types it there',
  base64: "Debian's",
  cat: "Debian's",
  curl: 'examples.test.ts runs it',
  dd: 'overwrites a disk',
  head: "Debian's",
  jq: "Debian's",
}

/** Programs that documents may show. */
export const PROGRAMS: readonly string[] = [...Object.keys(CHECKED), ...Object.keys(FOREIGN)]

/** @throws Error if the command cannot be run as it is shown */
export async function checkCommand(program: string, args: readonly string[]): Promise<void> {
  const check = CHECKED[program]
  if (check !== undefined) return check(args)
  must(program in FOREIGN, `nothing is known of ${program}: add it to CHECKED or FOREIGN`)
}
