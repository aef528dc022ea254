/** The agent as it runs on the board: its bundle, started as a process. */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { bundleAgent } from '../../../agent/bundle/bundle.js'
import { temporaryDirectory } from './boot/fixture.js'

type Line = Readonly<Record<string, unknown>>

interface Running {
  readonly child: ChildProcess
  readonly url: string
  /** what it has logged so far */
  readonly lines: Line[]
  /** exit code; resolves when it has ended */
  readonly ended: Promise<number | null>
}

interface StartOptions {
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** flags of Node */
  readonly node?: readonly string[]
}

export interface BundledAgent {
  /** what starts it */
  readonly file: string
  /** a file with none of the settings of the machine this runs on */
  readonly noSettings: string
  /** Run the agent to its end. */
  run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<{ code: number; stdout: string; stderr: string }>
  /** Start the agent and wait until it is ready; it ends with the test. */
  start(t: Test, options?: StartOptions): Promise<Running>
}

/** Bundle the agent into a folder that goes with the test. */
export async function bundledAgent(t: Test): Promise<BundledAgent> {
  const file = await bundleAgent(join(await temporaryDirectory(t), 'board'))
  const noSettings = join(await temporaryDirectory(t), 'agent.json')
  writeFileSync(noSettings, '{}')
  return {
    file,
    noSettings,
    async run(args, env = {}) {
      try {
        const output = await promisify(execFile)(process.execPath, [file, ...args], { env: { ...process.env, ...env } })
        return { code: 0, ...output }
      } catch (thrown) {
        return thrown as { code: number; stdout: string; stderr: string }
      }
    },
    start: (test, options) => startAgent(test, file, noSettings, options),
  }
}

async function startAgent(
  t: Test,
  file: string,
  noSettings: string,
  { args = [], env = {}, node = [] }: StartOptions = {},
): Promise<Running> {
  const own = await temporaryDirectory(t)
  const directories = ['--artifact-dir', join(own, 'a'), '--state-dir', join(own, 's')]
  const settings = ['--host', '127.0.0.1', '--port', '0', ...directories]
  const child = spawn(process.execPath, [...node, file, ...settings, ...args], {
    env: { ...process.env, NOTIFY_SOCKET: undefined, FAUXBOOT_CONFIG: noSettings, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const lines: Line[] = []
  const output = createInterface({ input: child.stdout })
  const ready = new Promise<void>(resolve => {
    output.on('line', line => {
      lines.push(JSON.parse(line))
      if (lines.at(-1)?.msg === 'ready') resolve()
    })
  })
  await Promise.race([ready, ended.then(code => Promise.reject(new Error(`ended with ${code}`)))])
  const [, url = ''] = /(http:\S+)/.exec(String(lines.find(({ msg }) => /listening/.test(String(msg)))?.msg)) ?? []
  return { child, url, lines, ended }
}
