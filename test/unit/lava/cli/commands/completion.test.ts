import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fauxboot } from '../../capture.js'

const skip = existsSync('/bin/bash') ? false : 'bash not installed'

t.test('bash completes commands, options, and the choices of an option', { skip }, async t => {
  const file = join(t.testdir({}), 'completion.bash')
  await writeFile(file, (await fauxboot(['completion', 'bash'])).stdout)
  /** What bash offers for the last of the words. */
  const offered = (...words: string[]): string[] => {
    const script = `. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fauxboot; printf '%s\\n' "\${COMPREPLY[@]}"`
    const out = execFileSync('/bin/bash', ['-c', script, 'bash', file, ...words], { encoding: 'utf8' })
    return out.split('\n').filter(line => line !== '')
  }
  t.same(offered('fauxboot', 'bo'), ['boot', 'board'])
  t.same(offered('fauxboot', 'help', 'boo'), ['boot'])
  t.same(offered('fauxboot', 'plan', '--ke'), ['--kernel'])
  t.same(offered('fauxboot', 'plan', '--kernel', 'z'), [], 'a file')
  t.same(offered('fauxboot', 'doctor', '--for', 'i'), ['image'])
  t.same(offered('fauxboot', 'completion', ''), ['bash', 'zsh', 'fish'])
  t.same(offered('fauxboot', 'nosuch', '--x'), [])
})

t.test('zsh and fish get every command with its summary, and every option', async t => {
  const zsh = (await fauxboot(['completion', 'zsh'])).stdout
  t.match(zsh, /^#compdef fauxboot\n/)
  t.match(zsh, "'plan:show where a kernel would be placed")
  t.match(zsh, /'\*--board\[.*\]:value:_files'/)
  t.match(zsh, "'*--for[only what this needs]:value:(console lab image demo)'")
  const fish = (await fauxboot(['completion', 'fish'])).stdout
  t.match(fish, 'complete -c fauxboot -n __fish_use_subcommand -f -a plan -d ')
  t.match(fish, "complete -c fauxboot -n '__fish_seen_subcommand_from doctor' -l for -x -a 'console lab image demo'")
})

t.test('another shell is refused, with those that are known', async t => {
  const { code, stderr } = await fauxboot(['completion', 'tcsh'])
  t.equal(code, 1)
  t.match(stderr, /Allowed choices are bash, zsh, fish; see /)
})
