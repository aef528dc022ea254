/** `fauxboot completion`: a script for a shell that completes commands, options and the choices of options. */

import { Argument, type Command, type Option } from 'commander'
import type { Terminal } from '../../terminal/terminal.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

export function define(command: Command, terminal: Terminal): void {
  command
    .addArgument(new Argument('<shell>', 'the shell that runs it').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  fauxboot completion bash > ~/.local/share/bash-completion/completions/fauxboot
  fauxboot completion zsh > ~/.zsh/completions/_fauxboot      # a folder of $fpath
  fauxboot completion fish > ~/.config/fish/completions/fauxboot.fish`,
    )
    .action((shell: Shell) => {
      const commands = command.parent?.commands ?? []
      terminal.print(SCRIPTS[shell](commands))
    })
}

/** A word in single quotes: in fish, only quotes and backslashes in it mean something; in the others, only quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
const quotedFish = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** Names as they are typed: `--board`, `-V`. */
const typed = ({ short, long }: Option): readonly string[] => [long, short].flatMap(name => (name ? [name] : []))

const HELP = ['--help', '-h']

const optionWords = ({ options }: Command): readonly string[] => [...options.flatMap(typed), ...HELP]

/** The words that may follow an option or a command. */
const choicesOf = (choices: readonly string[] | undefined): string => (choices ?? []).join(' ')

/** Each option with choices, as a row of a shell's `case`. */
function choiceRows(
  commands: readonly Command[],
  row: (command: string, option: string, words: string) => string,
): string {
  return commands
    .flatMap(command =>
      command.options.flatMap(option =>
        option.argChoices === undefined || option.long === undefined
          ? []
          : [row(command.name(), option.long, choicesOf(option.argChoices))],
      ),
    )
    .join('')
}

function bash(commands: readonly Command[]): string {
  const names = [...commands.map(command => command.name()), 'help'].join(' ')
  const rows = commands
    .map(command => `    ${command.name()}) words=${quoted(optionWords(command).join(' '))} ;;\n`)
    .join('')
  const values = choiceRows(
    commands,
    (command, option, words) => `    ${command}:${option}) words=${quoted(words)} ;;\n`,
  )
  return `# fauxboot in bash
_fauxboot() {
  local words='' current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} name=\${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(`${names} --help --version`)} -- "$current"))
    return
  fi
  case $name:$previous in
    help:help) words=${quoted(names)} ;;
    completion:completion) words=${quoted(SHELLS.join(' '))} ;;
${values}  esac
  [ -n "$words" ] || case $name in
${rows}  esac
  # Files complete by themselves: an operand, or the value of an option.
  case $current in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) case $words in -*) COMPREPLY=() ;; *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;; esac ;;
  esac
}
complete -o default -F _fauxboot fauxboot
`
}

function zsh(commands: readonly Command[]): string {
  const escaped = (text: string): string => text.replace(/[\\:[\]]/g, mark => `\\${mark}`)
  const names = commands
    .map(command => `    ${quoted(`${command.name()}:${escaped(command.description())}`)}\n`)
    .join('')
  const rows = commands
    .map(command => {
      const specs = command.options.flatMap(option =>
        typed(option).map(name => {
          const value = option.argChoices === undefined ? '_files' : `(${choicesOf(option.argChoices)})`
          const takes = option.required || option.optional ? `:value:${value}` : ''
          return `      ${quoted(`*${name}[${escaped(option.description)}]${takes}`)} \\\n`
        }),
      )
      const operand = command.name() === 'completion' ? `'1:shell:(${SHELLS.join(' ')})'` : `'*:file:_files'`
      return `    ${command.name()}) _arguments \\\n${specs.join('')}      ${operand} ;;\n`
    })
    .join('')
  return `#compdef fauxboot
# fauxboot in zsh
_fauxboot() {
  local -a names
  names=(
${names}  )
  if (( CURRENT == 2 )); then
    _describe command names
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
    help) _describe command names ;;
${rows}  esac
}
_fauxboot "$@"
`
}

function fish(commands: readonly Command[]): string {
  const rows = commands.flatMap(command => {
    const name = command.name()
    const inside = `complete -c fauxboot -n '__fish_seen_subcommand_from ${name}'`
    const options = command.options.flatMap(({ long, short, description, required, optional, argChoices }) => {
      const words = [
        ...(long ? [`-l ${long.slice(2)}`] : []),
        ...(short ? [`-s ${short.slice(1)}`] : []),
        ...(argChoices === undefined ? [] : [`-x -a ${quotedFish(choicesOf(argChoices))}`]),
        ...(argChoices === undefined && (required || optional) ? ['-r'] : []),
      ]
      return [`${inside} ${words.join(' ')} -d ${quotedFish(description)}`]
    })
    const head = `complete -c fauxboot -n __fish_use_subcommand -f -a ${name} -d ${quotedFish(command.description())}`
    return [head, ...options]
  })
  const shells = `complete -c fauxboot -n '__fish_seen_subcommand_from completion' -f -a ${quotedFish(SHELLS.join(' '))}`
  return `# fauxboot in fish\n${[...rows, shells].join('\n')}\n`
}

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = { bash, zsh, fish }
