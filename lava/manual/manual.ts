/** The manual: a page for each command of `fauxboot`, and one for the agent. */

import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { commandNames, packageVersion, run } from '../cli/command-line.js'
import { agentPage } from './agent-page.js'
import { pageOfHelp } from './help-page.js'

/** Wide enough that `--help` breaks no line. */
const COLUMNS = 1000

/** The pages by the names of their files, such as `fauxboot-plan.1`. */
export async function manualPages(): Promise<Map<string, string>> {
  const version = packageVersion()
  const pages = new Map([['fauxboot-agent.8', agentPage(version)]])
  for (const command of [[], ...commandNames().map(name => [name])]) {
    const name = ['fauxboot', ...command].join('-')
    pages.set(`${name}.1`, pageOfHelp({ name, section: 1, version }, await helpOf(command)))
  }
  return pages
}

async function helpOf(command: readonly string[]): Promise<string> {
  const stdout = Object.assign(new PassThrough(), { columns: COLUMNS })
  const stderr = new PassThrough().resume()
  const io = { stdin: new PassThrough(), stdout, stderr, env: {}, signal: new AbortController().signal }
  const [help] = await Promise.all([text(stdout), run([...command, '--help'], io).finally(() => stdout.end())])
  return help
}
