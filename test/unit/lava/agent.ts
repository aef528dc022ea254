/** The real agent on this machine, with a kernel that only pretends to jump. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import { createBoardHost } from '../../../agent/boot/board/linux-host.js'
import { Boot } from '../../../agent/boot/boot.js'
import type { FirstStage } from '../../../agent/boot/card/first-stage.js'
import { loadConfig } from '../../../agent/config.js'
import { createServer } from '../../../agent/http/server.js'
import { createSimulatedKexec } from '../../../agent/kexec/syscall/simulated-kexec.js'
import { treeFile } from '../agent/kexec/trees.js'

/** What the agent reads of the board that it runs on. */
const BOARD: Readonly<Record<string, string | Uint8Array>> = {
  'proc/iomem': '40000000-7fffffff : System RAM\n',
  'proc/meminfo': 'MemTotal: 1048576 kB\nMemAvailable: 900000 kB\n',
  'proc/device-tree/model': 'Test board\0',
  'sys/firmware/fdt': treeFile({ memory: [[0x4000_0000, 0x4000_0000]] }),
}

/**
 * Start an agent that ends with the test.
 *
 * @param files of the board, in place of the usual ones
 * @param flags of the agent's command line
 * @param started what the board has started from; without it, the API has no updates
 */
export async function startAgent(
  t: Test,
  files: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
  started?: (boot: Boot) => FirstStage,
) {
  const root = await mkdtemp(join(tmpdir(), 'fauxboot-board-'))
  for (const [name, content] of Object.entries({ ...BOARD, ...files })) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), content)
  }
  const directories = ['--artifact-dir', join(root, 'artifacts'), '--state-dir', join(root, 'state')]
  const config = loadConfig({}, [...directories, '--jump-notice-ms', '0', '--fetch-retries', '0', ...flags])
  const kexec = createSimulatedKexec()
  const log = pino({ level: 'silent' })
  const boot = await Boot.open({
    kexec,
    config: config.boot,
    host: createBoardHost(root),
    mapFile: path => readFile(path),
    startTimes: () => ({ systemd: 3.5, process: 5.91, agent: 7, countdown: 7.52, ready: 8.3 }),
    log,
  })
  const server = createServer(boot, config.http, { log, version: '0.0.0', firstStage: started?.(boot) })
  const board = await server.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(async () => {
    await boot.close()
    await server.close()
    await rm(root, { recursive: true, force: true })
  })
  return { board, boot, kexec }
}
