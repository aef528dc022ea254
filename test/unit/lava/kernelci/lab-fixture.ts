/** A pull lab in a test: a server, a state directory, settings, and a board that is only pretended. */

import { join } from 'node:path'
import type { Test } from 'tap'
import { KernelciApi } from '../../../../lava/kernelci/kernelci-api.js'
import type { LabEntry } from '../../../../lava/kernelci/lab-log.js'
import { type PullConfig, parsePullConfig } from '../../../../lava/kernelci/pull-config.js'
import { type EndedJob, PullLab } from '../../../../lava/kernelci/pull-lab.js'
import type { OutboxOptions } from '../../../../lava/kernelci/result-outbox.js'
import type { RunSession } from '../../../../lava/kernelci/run-job.js'
import { StateDir } from '../../../../lava/kernelci/state-dir.js'
import { BOOTED, fakeSession } from '../monitor/fake-session.js'
import { CALLBACK_TOKEN, KernelciServer, STORAGE_TOKEN, TOKEN } from './kernelci-server.js'

export const NODE = '66c0ffee00112233445566aa'

/** Retries follow one another at once. */
const OUTBOX: OutboxOptions = { retryMs: 1, longestRetryMs: 1, lastAttemptMs: 2000 }

/** A second board. */
export const SECOND = `  - name: board-2
    platform: test-board
    agent: http://127.0.0.1:2
    console: tcp://127.0.0.1:2
    cmdline: console=ttyS0
`

/** A session in the middle of which the lab is stopped. */
export const stopping =
  (stop: AbortController): RunSession =>
  ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      stop.abort(new Error('stopped'))
    })

export interface LabFixture {
  readonly server: KernelciServer
  readonly config: PullConfig
  readonly configFile: string
  readonly api: KernelciApi
  readonly ended: EndedJob[]
  readonly lines: string[]
  /** Run the lab with a board; without `signal` it asks once. */
  run(options?: {
    readonly session?: RunSession
    readonly signal?: AbortSignal
    readonly once?: boolean
    /** changes the state directory before the lab uses it */
    readonly prepare?: (state: StateDir) => void
  }): Promise<void>
}

/** What differs from the usual settings. */
export interface LabSettings {
  /** more boards */
  readonly boards?: string
  /** more lines of `api` */
  readonly api?: string
  /** more lines of `shellTests` */
  readonly shellTests?: string
  /** URL of the board's agent */
  readonly agent?: string
}

/** Settings as an admin writes them. */
function configText(server: KernelciServer, { boards = '', api = '', shellTests = '', agent }: LabSettings): string {
  return `
api:
  url: ${server.api}
  tokenFile: api.token
  pollSeconds: 1
  requestSeconds: 1
${api}runtime: pull-lab-test
callbackTokenFile: callback.token
stateDir: state
storage:
  url: ${server.url}/storage
  tokenFile: storage.token
  path: fauxboot-lab
  publicUrl: https://files.kernelci.org
shellTests:
  smoke: ['test 1 = 1']
${shellTests}boards:
  - name: board-1
    platform: test-board
    agent: ${agent ?? 'http://127.0.0.1:1'}
    console: tcp://127.0.0.1:1
    cmdline: console=ttyS0,115200
${boards}`
}

export async function labFixture(t: Test, settings: LabSettings = {}): Promise<LabFixture> {
  const server = await KernelciServer.start(t)
  const text = configText(server, settings)
  const folder = t.testdir({
    'lab.yaml': text,
    'api.token': TOKEN,
    'callback.token': CALLBACK_TOKEN,
    'storage.token': `${STORAGE_TOKEN}\n`,
  })
  const configFile = join(folder, 'lab.yaml')
  const config = parsePullConfig(text, configFile)
  const api = new KernelciApi({ ...config.api, token: TOKEN })
  const ended: EndedJob[] = []
  const lines: string[] = []
  const run: LabFixture['run'] = async ({ session = fakeSession(BOOTED), signal, once = true, prepare } = {}) => {
    const state = await StateDir.open(config.stateDir)
    prepare?.(state)
    try {
      await new PullLab({
        ...{ config, api, state, once, runSession: session, outbox: OUTBOX },
        log: ({ message }: LabEntry) => void lines.push(message),
        onEnded: job => void ended.push(job),
        signal: signal ?? new AbortController().signal,
      }).run()
    } finally {
      await state.close()
    }
  }
  return { server, config, configFile, api, ended, lines, run }
}

/** The A80 job's shape, with files of the test's server. */
export function definition(server: KernelciServer, fields: object = {}): object {
  return {
    artifacts: {
      kernel: server.serve('zImage', 'a kernel'),
      modules: server.serve('modules.tar.xz', 'modules'),
      ramdisk: server.serve('rootfs.cpio.gz', 'a ramdisk'),
      dtb: server.serve('dtbs/board.dtb', 'a device tree'),
    },
    tests: [
      { id: 'boot-test-66c0ffee', type: 'boot', depends: [], timeout_s: 600, 'pre-commands': [], 'post-commands': [] },
    ],
    environment: { platform: 'test-board', arch: 'arm', console: { method: 'serial', baud: 115200 } },
    callback: { url: `https://staging.kernelci.org:9100/node/${NODE}`, token_name: 'kernelci-pull-labs-demo' },
    integrity: { sha256: { _comment: 'Checksums would be populated from metadata.json if available' } },
    ...fields,
  }
}
