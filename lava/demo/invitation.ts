/** What a person can do with a board that waits for a job: its page, the files to boot, the command that sends them. */

import type { Target } from '../client/boot-job.js'
import { renderPairs } from '../terminal/table.js'

/**
 * Text for a terminal.
 *
 * @param url of the board's agent
 * @param target its sources are files
 */
export function invitation(url: string, token: string, target: Target): string {
  const { kernel, ramdisk, dtb, modules, cmdline } = target
  const files = Object.entries({ kernel, ramdisk, dtb, modules }).filter(([, path]) => path !== undefined)
  const send = [
    // A token in the arguments of a program would be in the list of processes.
    `echo ${quoted(token)} | npx fauxboot boot --board ${quoted(url)} --token-file /dev/stdin`,
    ...files.map(([role, path = '']) => `--${role} ${quoted(path)}`),
    `--append ${quoted(cmdline)}`,
  ]
  return `
${renderPairs([
  ['the page', `${url}/`],
  ['its token', token],
])}

Drop these files on the page's view Boot, and enter the command line there:

${indented(renderPairs([...files.map(([role, path = '']): [string, string] => [role, path]), ['command line', cmdline]]))}

Or send them from another terminal, in this folder:

${indented(send.join(' \\\n  '))}
`
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ')
}

/** A word for the shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
