/**
 * How long the agent's event loop on a board is blocked, by each part of a job. The agent is watched from within, so it starts
 * without its snapshot, which takes no other code; the rows that measure its times leave it alone.
 */

import { createHash } from 'node:crypto'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { BoardClient } from '../../lava/client/board-client.js'
import { uploadTarget } from '../../lava/client/boot-job.js'
import { agentSettings } from '../../systemd/image/agent-settings.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { filesOverlay, runOnBoard, SHELL_PROMPT, shellOverlay } from '../../systemd/target/test-overlay.js'
import { AGENT_PID } from './board-agent.js'
import { type Figure, LONGEST_BLOCK_MS } from './figure.js'
import { startLabServer } from './lab-server.js'
import { PATIENCE } from './timing.js'
import { UNWATCHED } from './unwatched.js'

const SIZE_MIB = 50
const HOST = '10.0.2.2'
const TOKEN = 'bench'
const ANSWER = '/run/fauxboot/blocked'

/** Writes the longest block since the last signal, in milliseconds. */
const PROBE = `import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
const delay = monitorEventLoopDelay({ resolution: 2 })
delay.enable()
process.on('SIGUSR2', () => {
  writeFileSync('${ANSWER}', String(delay.max / 1e6))
  delay.reset()
})
`

const UNIT = `[Service]
ExecStart=
ExecStart=/usr/bin/node --import /usr/lib/fauxboot/probe.mjs /usr/lib/fauxboot/fauxboot-agent.cjs
`

/** Done twice, and watched the second time: the first time compiles its code. */
interface Part {
  readonly what: string
  run(): Promise<unknown>
}

export async function measureEventLoopOnBoard(image: BoardImage, dtb: string): Promise<Figure[]> {
  const bytes = Buffer.alloc(SIZE_MIB << 20, 'fauxboot')
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const web = await startLabServer(name => (name === 'ramdisk' ? bytes : Buffer.from('no kernel')))
  const watched = filesOverlay({
    'usr/lib/fauxboot/probe.mjs': PROBE,
    'etc/systemd/system/fauxboot-agent.service.d/probe.conf': UNIT,
  })
  const settings = packCpio(agentSettings(image.board, { token: TOKEN }).entries())
  const extraInitrd = [settings, await shellOverlay(), watched]
  const qemu = await QemuBoard.start({ board: image.board, image, extraInitrd })
  try {
    await qemu.console.waitFor(SHELL_PROMPT, PATIENCE)
    await qemu.waitForAgent(PATIENCE)
    const client = new BoardClient(new URL(qemu.url), { token: TOKEN })
    const blockedMs = async (): Promise<number> => {
      const read = `rm -f ${ANSWER}; kill -USR2 ${AGENT_PID}; until [ -s ${ANSWER} ]; do sleep 0.1; done; cat ${ANSWER}`
      return Number((await runOnBoard(qemu.console, read, PATIENCE)).output)
    }
    const finish = async (job: object): Promise<void> => {
      const { id } = await client.submit({ content: JSON.stringify(job), type: 'application/json' })
      for await (const _ of client.events(id));
    }
    const url = (name: string): string => `http://${HOST}:${web.port}/${name}`
    const options = { dryRun: true }
    const fetched = { kernel: { url: url('kernel') }, ramdisk: { url: url('ramdisk'), sha256 }, cmdline: '', options }
    const ramdisk = await targetRamdisk({ sizeMiB: SIZE_MIB })
    const target = { kernel: image.kernel, ramdisk, dtb, cmdline: 'console=ttyAMA0', options }
    let planned: object = {}
    const upload = async (): Promise<void> => {
      const { body } = await uploadTarget(client, target, UNWATCHED)
      planned = JSON.parse(String(body.content))
    }
    const parts: readonly Part[] = [
      { what: 'a view of the board', run: () => client.board() },
      { what: `an upload of ${SIZE_MIB} MiB`, run: upload },
      { what: 'a plan of what was uploaded', run: () => finish(planned) },
      { what: `an HTTP fetch of ${SIZE_MIB} MiB`, run: () => finish(fetched) },
    ]
    const figures: Figure[] = []
    for (const { what, run } of parts) {
      await run()
      await blockedMs()
      await run()
      figures.push({
        what: `longest block of the event loop, ${what}, ${image.board.name}`,
        peer: 'the limit we set',
        unit: 'ms',
        ours: [await blockedMs()],
        theirs: [LONGEST_BLOCK_MS],
        target: 1,
        reason: 'an emulated core takes 20 to 40 times as long as this machine for the same JavaScript',
      })
    }
    return figures
  } finally {
    await qemu.stop()
    web.stop()
  }
}
