/** TFTP GET on the board, over its emulated network: fauxboot's client against curl with the same options, and others. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { AGENT_PREBUILDS } from '../../systemd/paths.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { filesOverlay, runOnBoard, SHELL_PROMPT, shellOverlay } from '../../systemd/target/test-overlay.js'
import { startPeerServers } from '../interop/tftp-peers.js'
import type { Figure } from './figure.js'
import { alternate, asFigure, PATIENCE, type Took, tookOnBoard } from './timing.js'

const SERVER = 'tftpd-hpa'
/** This machine, as the board behind QEMU's user network sees it. */
const HOST = '10.0.2.2'
/** A client that takes longer is ended, seconds. */
const LONGEST = 120

interface Case {
  readonly what: string
  readonly mebibytes: number
  /** for ours: block and window size */
  readonly sizes: string
  readonly peer: string
  /** the peer's command, with the port and the file */
  readonly command: (port: number, file: string) => string
  readonly target: number
}

const curl = (port: number, file: string, options = ''): string =>
  `curl --silent --fail --output /dev/null ${options} tftp://${HOST}:${port}/${file}`

/** Small blocks take a while on an emulated network, so they get small files. */
const CASES: readonly Case[] = [
  {
    what: 'default options',
    mebibytes: 16,
    sizes: '',
    peer: 'busybox',
    command: (port, file) => `busybox tftp -g -r ${file} -l /dev/null ${HOST} ${port}`,
    target: 1,
  },
  ...(
    [
      [65_464, 16],
      [1468, 2],
      [512, 1],
    ] as const
  ).map(([blockSize, mebibytes]) => ({
    what: `blksize ${blockSize}, window 1`,
    mebibytes,
    sizes: `${blockSize} 1`,
    peer: 'curl',
    command: (port: number, file: string) => curl(port, file, `--tftp-blksize ${blockSize}`),
    target: 0.9,
  })),
]

/** The client as one file, for a board that has no other of fauxboot's, with the addon where it looks for it. */
async function clientFiles(): Promise<Record<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: [resolve('dist/test/bench/tftp-get.js')],
    define: { 'import.meta.dirname': '__dirname' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
  })
  const [bundle] = outputFiles
  if (bundle === undefined) throw new Error('esbuild made nothing of tftp-get.js')
  const addon = await readFile(join(AGENT_PREBUILDS, 'fauxboot.node'))
  return { 'root/tftp-get.cjs': bundle.contents, 'root/prebuilds/linux-arm/fauxboot.node': addon }
}

export async function measureTftpOnBoard(image: BoardImage, runs: number): Promise<Figure[]> {
  const directory = await mkdtemp('/dev/shm/fauxboot-tftp-')
  for (const { mebibytes } of CASES) {
    await writeFile(join(directory, `file-${mebibytes}`), Buffer.alloc(mebibytes << 20, 'fauxboot'))
  }
  const servers = await startPeerServers(directory, name => name === SERVER)
  const extraInitrd = [await shellOverlay({ agent: false }), filesOverlay(await clientFiles())]
  const qemu = await QemuBoard.start({ board: image.board, image, extraInitrd })
  try {
    const port = servers[0]?.port ?? 0
    await qemu.console.waitFor(SHELL_PROMPT, PATIENCE)
    const shell = (command: string) => runOnBoard(qemu.console, command, PATIENCE)
    await shell('/usr/lib/systemd/systemd-networkd-wait-online --any --timeout=60')
    const get = async (core: 'addon' | 'dgram', { mebibytes, sizes }: Case): Promise<Took> => {
      const { output } = await shell(`node /root/tftp-get.cjs ${core} ${HOST} ${port} file-${mebibytes} ${sizes}`)
      const [, took] = /took (\{.*\})/.exec(output) ?? []
      if (took === undefined) throw new Error(`the board got no file-${mebibytes}: ${output}`)
      return JSON.parse(took)
    }
    const figures: Figure[] = []
    for (const tried of CASES) {
      const { what, mebibytes, peer, command, target } = tried
      const name = `TFTP GET of ${mebibytes} MiB from ${SERVER}, ${what}, ${image.board.name}`
      const theirs = async (): Promise<Took> => {
        const { output, status } = await shell(`time timeout ${LONGEST} ${command(port, `file-${mebibytes}`)}`)
        return status === 0 ? tookOnBoard(output) : { ms: LONGEST * 1000, cpuMs: Number.NaN }
      }
      const ours = () => get('addon', tried)
      const reason =
        'on an emulated core, a transfer of ours takes more instructions than one of a client in C that checks less'
      const all = await alternate(runs, ours, theirs)
      figures.push({ ...asFigure(all, mebibytes), what: name, peer, target, reason })
      const cores = await alternate(runs, ours, () => get('dgram', tried))
      figures.push({
        ...asFigure(cores, mebibytes),
        what: `${name}: addon`,
        peer: "the same without the addon, over Node's dgram",
        target: 1,
        reason,
      })
    }
    return figures
  } finally {
    await qemu.stop()
    await Promise.all(servers.map(server => server.stop()))
    await rm(directory, { recursive: true, force: true })
  }
}
