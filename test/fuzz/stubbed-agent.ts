/** The agent's own bundle as a process of this machine, on the board and the kernel of `stubbed-machine.ts`. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import type { JobView } from '../../agent/boot/jobs/job.js'
import { bundleAgent } from '../../agent/bundle/bundle.js'
import { DTB, IOMEM } from '../unit/agent/boot/board-fixture.js'
import { temporaryDirectory } from '../unit/agent/boot/fixture.js'

/** The agent's bundle in a process of its own. */
export interface Agent {
  readonly child: ChildProcess
  /** exit code; null if a signal ended it */
  readonly ended: Promise<number | null>
  /** resolves when the stub holds it */
  readonly held: Promise<unknown>
  readonly json: <T>(path: string, init?: RequestInit) => Promise<T>
  readonly submit: (fields: object) => Promise<string>
  /** resolves when its U-Boot shows the prompt */
  readonly prompt: () => Promise<void>
}

const AGENT = await bundleAgent(join(await temporaryDirectory(t), 'board'))
/** Its content is never read: the stub stands for it. */
const ADDON = join(AGENT, '../prebuilds', `${process.platform}-${process.arch}`)
mkdirSync(ADDON, { recursive: true })
writeFileSync(join(ADDON, 'stub.node'), '')
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}

/** Make the folder that the stub has in place of `/proc` and `/sys`; the agent's own directories come beside them. */
export function makeRoot(root: string): void {
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'proc/iomem': IOMEM,
    'proc/meminfo': 'MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n',
    'proc/self/status': 'CapEff:\t000001ffffffffff\n',
    'proc/sys/kernel/kexec_load_disabled': '0\n',
    'proc/sys/kernel/random/boot_id': 'the first boot\n',
    'sys/class/net/stub0/flags': '0x1003\n',
    'sys/class/net/stub0/address': '52:54:00:12:34:56\n',
    'sys/devices/system/cpu/possible': '0\n',
    'sys/devices/system/cpu/online': '0\n',
    'sys/firmware/fdt': DTB,
    'sys/kernel/kexec_loaded': '0',
    'agent.json': '{}',
    calls: '',
  }
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), content)
  }
}

/**
 * Start the agent and wait until it is ready.
 *
 * @param root of {@link makeRoot}
 * @param hold where the stub holds it
 */
export async function start(t: Test, root: string, hold = ''): Promise<Agent> {
  const telnet = await freePort()
  const env = {
    ...process.env,
    STUB_ROOT: root,
    STUB_HOLD: hold,
    NOTIFY_SOCKET: undefined,
    FAUXBOOT_CONFIG: join(root, 'agent.json'),
    FAUXBOOT_HOST: '127.0.0.1',
    FAUXBOOT_PORT: '0',
    FAUXBOOT_ARTIFACT_DIR: join(root, 'artifacts'),
    FAUXBOOT_STATE_DIR: join(root, 'state'),
    FAUXBOOT_UBOOT_DIR: join(root, 'uboot'),
    FAUXBOOT_UBOOT_TELNET_PORT: String(telnet),
    FAUXBOOT_JUMP_NOTICE_MS: '1',
  }
  const stub = pathToFileURL(join(import.meta.dirname, 'stubbed-machine.js')).href
  const child = spawn(process.execPath, ['--import', stub, AGENT], {
    env,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let url = ''
  const ready = new Promise<void>(resolve => {
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', line => {
      const { msg } = JSON.parse(line) as { msg: string }
      url = /http:\S+/.exec(msg)?.[0] ?? url
      if (msg === 'ready') resolve()
    })
  })
  await Promise.race([ready, ended.then(code => Promise.reject(new Error(`ended with ${code}`)))])
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => (await fetch(url + path, init)).json() as T
  return {
    child,
    ended,
    held: hold === '' ? Promise.resolve() : once(child, 'message'),
    json,
    async submit(fields) {
      const body = JSON.stringify({ cmdline: 'console=ttyAMA0', ...fields })
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
      const job = await json<JobView>('/v1/jobs', init)
      if (job.id === undefined) throw new Error(JSON.stringify(job))
      return job.id
    },
    async prompt() {
      const socket = connect(telnet, '127.0.0.1')
      t.teardown(() => socket.destroy())
      await once(socket, 'connect')
      socket.write(' ')
      let text = ''
      for await (const chunk of socket) {
        text += String(chunk)
        if (text.includes('=> ')) return
      }
      throw new Error(`no prompt: ${text}`)
    },
  }
}
