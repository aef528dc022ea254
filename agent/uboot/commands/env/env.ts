/** The table of the commands of the environment: `env` with its subcommands, and the older names of some. */

import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'
import { exportTo, importFrom, info, load, restoreDefaults, save, select } from './env-storage.js'
import { ask, edit, exists, grep, indirect, listCallbacks, listFlags, print, remove, set } from './env-variables.js'

/** most words of a line */
const MAX_ARGS = 64

/** `env run` is `run`. */
function run(machine: Machine, call: Call): Promise<number> | number {
  return machine.commands.find(({ name }) => name === 'run')?.run(machine, call) ?? USAGE
}

const SUBCOMMANDS: Readonly<Record<string, Command['run']>> = {
  ask,
  callbacks: listCallbacks,
  default: restoreDefaults,
  delete: remove,
  edit,
  exists,
  export: exportTo,
  flags: listFlags,
  grep,
  import: importFrom,
  indirect,
  info,
  load,
  print,
  run,
  save,
  select,
  set,
}

/** The subcommand of a name, or of the start of one name. */
function subcommand(typed: string): Command['run'] | undefined {
  const names = Object.keys(SUBCOMMANDS)
  const [only, ...more] = names.includes(typed) ? [typed] : names.filter(name => name.startsWith(typed))
  return only === undefined || more.length > 0 ? undefined : SUBCOMMANDS[only]
}

/** Names of variables that start with the word at `position`, which is the last one. */
const completeName = (position: number) => (machine: Machine, words: readonly string[]) =>
  words.length === position + 1 ? machine.env.names().filter(name => name.startsWith(words[position] ?? '')) : []

export const envCommands: readonly Command[] = [
  {
    name: 'askenv',
    maxArgs: MAX_ARGS,
    repeatable: true,
    summary: 'get environment variables from stdin',
    usage: `name [message] [size]
    - get environment variable 'name' from stdin (max 'size' chars)`,
    run: ask,
  },
  {
    name: 'editenv',
    maxArgs: 2,
    summary: 'edit environment variable',
    usage: `name
    - edit environment variable 'name'`,
    run: edit,
    complete: completeName(1),
  },
  {
    name: 'env',
    maxArgs: MAX_ARGS,
    repeatable: true,
    summary: 'environment handling commands',
    usage: `ask name [message] [size] - ask for environment variable
env callbacks - print callbacks and their associated variables
env default [-k] [-f] -a - [forcibly] reset default environment
env default [-k] [-f] var [...] - [forcibly] reset variable(s) to their default values
      "-k": keep variables not defined in default environment
env delete [-f] var [...] - [forcibly] delete variable(s)
env edit name - edit environment variable
env exists name - tests for existence of variable
env export [-t | -b | -c] [-s size] addr [var ...] - export environment
env flags - print variables that have non-default flags
env grep [-e] [-n | -v | -b] string [...] - search environment
env import [-d] [-t [-r] | -b | -c] addr [size] [var ...] - import environment
env indirect <to> <from> [default] - sets <to> to the value of <from>, using [default] when unset
env info - display environment information
env info [-d] [-p] [-q] - evaluate environment information
      "-d": default environment is used
      "-p": environment can be persisted
      "-q": quiet output
env print [-a | name ...] - print environment
env print -e [-guid guid] [-n] [name ...] - print UEFI environment
env run var [...] - run commands in an environment variable
env save - save environment
env load - load environment
env select [target] - select environment target
env set -e [-nv][-bs][-rt][-at][-a][-i addr:size][-v] name [arg ...]
    - set UEFI variable; unset if '-i' or 'arg' not specified
env set [-f] name [arg ...]
`,
    run(machine, call) {
      const args = call.args.slice(1)
      return args[0] === undefined ? USAGE : (subcommand(args[0])?.(machine, { ...call, args }) ?? USAGE)
    },
    complete(machine, words) {
      const [, typed = ''] = words
      if (words.length > 2) return completeName(2)(machine, words)
      return Object.keys(SUBCOMMANDS).filter(name => name.startsWith(typed))
    },
  },
  {
    name: 'grepenv',
    maxArgs: MAX_ARGS,
    summary: 'search environment variables',
    usage: `[-e] [-n | -v | -b] string ...
    - list environment name=value pairs matching 'string'
      "-e": enable regular expressions;
      "-n": search variable names; "-v": search values;
      "-b": search both names and values (default)`,
    run: grep,
    complete: completeName(1),
  },
  {
    name: 'printenv',
    maxArgs: MAX_ARGS,
    repeatable: true,
    summary: 'print environment variables',
    usage: `[-a]
    - print [all] values of all environment variables
printenv -e [-guid guid][-n] [name ...]
    - print UEFI variable 'name' or all the variables
      "-guid": GUID xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx
      "-n": suppress dumping variable's value
printenv name ...
    - print value of environment variable 'name'`,
    run: print,
    complete: completeName(1),
  },
  {
    name: 'saveenv',
    maxArgs: 1,
    summary: 'save environment variables to persistent storage',
    usage: '',
    run: save,
  },
  {
    name: 'setenv',
    maxArgs: MAX_ARGS,
    summary: 'set environment variables',
    usage: `-e [-guid guid][-nv][-bs][-rt][-at][-a][-v]
        [-i addr:size name], or [name [value ...]]
    - set UEFI variable 'name' to 'value' ...'
      "-guid": GUID xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx
      "-nv": set non-volatile attribute
      "-bs": set boot-service attribute
      "-rt": set runtime attribute
      "-at": set time-based authentication attribute
      "-a": append-write
      "-i addr:size": use <addr,size> as variable's value
      "-v": verbose message
    - delete UEFI variable 'name' if 'value' not specified
setenv [-f] name value ...
    - [forcibly] set environment variable 'name' to 'value ...'
setenv [-f] name
    - [forcibly] delete environment variable 'name'`,
    run: set,
    complete: completeName(1),
  },
]
