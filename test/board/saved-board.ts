/** Boards at their countdown, saved once: a test that starts from there does not wait for the first stage to boot. */

import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached, contentKey } from '../../systemd/cache.js'
import { QemuBoard, type QemuBoardOptions, type SavedState } from '../../systemd/qemu/qemu.js'
import { qemuProgram } from '../../systemd/qemu/qemu-program.js'

const run = promisify(execFile)

/** How long a board under emulation may take to its countdown on a busy machine, milliseconds. */
const TIMEOUT_MS = 600_000

/** Times that a board is started because this process stopped it too late, after the countdown's first number. */
const ATTEMPTS = 3

const COUNTDOWN = /Hit any key to stop autoboot: +\d/

/** Text in a transcript only before the countdown has counted. */
const STILL_COUNTING = /Hit any key to stop autoboot: +\d[^\n=]*$/

/**
 * Switch a board on as if it had just reached its countdown. The first call for these options boots it and saves its state
 * in the cache.
 *
 * @param options all of them but for `tftpDir` belong to the state
 */
export async function startAtCountdown(options: Omit<QemuBoardOptions, 'state'>): Promise<QemuBoard> {
  return QemuBoard.start({ ...options, state: await stateAtCountdown(options) })
}

async function stateAtCountdown({ tftpDir: _, ...options }: Omit<QemuBoardOptions, 'state'>): Promise<SavedState> {
  const dir = await cached('state', await keyOf(options), folder => save(options, folder))
  return { file: join(dir, 'state'), transcript: await readFile(join(dir, 'transcript'), 'utf8') }
}

/** Digest of everything that the state depends on. */
async function keyOf(options: QemuBoardOptions): Promise<string> {
  const { board, image, sd, extraInitrd = [], ...settings } = options
  const program = await qemuProgram(board)
  const { stdout: version } = await run(program, ['--version'])
  const files = [image?.kernel, image?.initramfs, image?.dtb, sd].filter(file => typeof file === 'string')
  const texts = [program, version, JSON.stringify([board, image?.cmdline, settings, files.length])]
  return contentKey([...texts, ...(await Promise.all(files.map(file => readFile(file)))), ...extraInitrd])
}

async function save(options: QemuBoardOptions, folder: string): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const qemu = await QemuBoard.start(options)
    try {
      await qemu.console.waitFor(COUNTDOWN, { timeoutMs: TIMEOUT_MS })
      const { transcript } = await qemu.saveState(join(folder, 'state'))
      await writeFile(join(folder, 'transcript'), transcript)
      if (STILL_COUNTING.test(transcript)) return
    } finally {
      await qemu.stop()
    }
  }
  throw new Error(`${options.board.name}: stopped after its countdown, ${ATTEMPTS} times`)
}
