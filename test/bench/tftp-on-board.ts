/** TFTP GET of a large file on the board, over its emulated network: fauxboot's client against Debian's. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { filesOverlay, runOnBoard, SHELL_PROMPT, shellOverlay } from '../../systemd/target/test-overlay.js'
import { startPeerServers } from '../interop/tftp-peers.js'
import type { Figure } from './figure.js'
import { elapsedOnBoard, PATIENCE } from './timing.js'

/** Small blocks take a while on an emulated network. */
const SIZE_MIB = 16
const FILE = 'file'
const SERVER = 'tftpd-hpa'
/** This machine, as the board behind QEMU's user network sees it. */
const HOST = '10.0.2.2'
/** A client that takes longer is ended, seconds. */
const LONGEST = 120
/** Of busybox `timeout`, which sends SIGTERM. */
const TIMED_OUT = 143

/** Each with the options it has by default. */
const CLIENTS: readonly (readonly [name: string, command: (port: number) => string])[] = [
  ['curl', port => `curl --silent --fail --output /dev/null tftp://${HOST}:${port}/${FILE}`],
  ['atftp', port => `atftp --get -r ${FILE} -l /dev/null ${HOST} ${port}`],
  ['tftp-hpa', port => `tftp -m binary ${HOST} ${port} -c get ${FILE} /dev/null`],
  ['busybox', port => `busybox tftp -g -r ${FILE} -l /dev/null ${HOST} ${port}`],
]

/** The client as one file, for a board that has no other of fauxboot's. */
async function clientBundle(): Promise<Uint8Array> {
  const entryPoints = [resolve('dist/test/bench/tftp-get.js')]
  const { outputFiles } = await build({ entryPoints, bundle: true, write: false, platform: 'node', format: 'cjs' })
  const [bundle] = outputFiles
  if (bundle === undefined) throw new Error('esbuild made nothing of tftp-get.js')
  return bundle.contents
}

/** The fastest of Debian's clients, in the same boot of the board. */
export async function measureTftpOnBoard(image: BoardImage, runs: number): Promise<Figure> {
  const directory = await mkdtemp('/dev/shm/fauxboot-tftp-')
  await writeFile(join(directory, FILE), Buffer.alloc(SIZE_MIB << 20, 'fauxboot'))
  const servers = await startPeerServers(directory)
  const extraInitrd = [
    await shellOverlay({ agent: false }),
    filesOverlay({ 'root/tftp-get.cjs': await clientBundle() }),
  ]
  const qemu = await QemuBoard.start({ board: image.board, image, extraInitrd })
  try {
    const port = servers.find(({ name }) => name === SERVER)?.port ?? 0
    await qemu.console.waitFor(SHELL_PROMPT, PATIENCE)
    const shell = (command: string) => runOnBoard(qemu.console, command, PATIENCE)
    await shell('/usr/lib/systemd/systemd-networkd-wait-online --any --timeout=60')
    const ours: number[] = []
    while (ours.length < runs) {
      const { output } = await shell(`node /root/tftp-get.cjs ${HOST} ${port} ${FILE}`)
      ours.push(Number(/took (\d+) ms/.exec(output)?.[1]))
    }
    const theirs: { readonly name: string; readonly samples: number[] }[] = []
    const failures: string[] = []
    for (const [name, command] of CLIENTS) {
      const samples: number[] = []
      while (samples.length < runs) {
        const { output, status } = await shell(`time timeout ${LONGEST} ${command(port)}`)
        // tftp-hpa ends with 0 after an error.
        if (status !== 0 || /error|timed out/i.test(output)) {
          failures.push(`${name}: ${status === TIMED_OUT ? `not done in ${LONGEST} s` : output.trim().split('\n')[0]}`)
          break
        }
        samples.push(elapsedOnBoard(output))
      }
      if (samples.length === runs) theirs.push({ name, samples })
    }
    const [best] = theirs.sort((a, b) => Math.min(...a.samples) - Math.min(...b.samples))
    return {
      what: `TFTP GET of ${SIZE_MIB} MiB from ${SERVER}, default options, ${image.board.name}`,
      peer: [best?.name ?? 'none of them', ...failures].join('; '),
      unit: 'ms',
      ours,
      theirs: best?.samples ?? [LONGEST * 1000],
      target: 1,
      reason: 'not known: it was met whenever it was measured',
    }
  } finally {
    await qemu.stop()
    await Promise.all(servers.map(server => server.stop()))
    await rm(directory, { recursive: true, force: true })
  }
}
