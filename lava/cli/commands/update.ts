/** `fauxboot update`: a new first stage for a board in a rack, over the network, onto its SD card. */

import { type Command, InvalidArgumentError } from 'commander'
import type { WrittenUpdate } from '../../../agent/boot/card/first-stage.js'
import { fault } from '../../../agent/errors.js'
import { type BoardClient, isOutage } from '../../client/board-client.js'
import { type CardImage, measureCardImage, streamCardImage } from '../../client/card-image.js'
import { createProgress } from '../../terminal/progress.js'
import { formatBytes } from '../../terminal/quantities.js'
import type { Terminal } from '../../terminal/terminal.js'
import { addBoardOptions, type BoardOptions, boardClient } from './board-options.js'

interface UpdateOptions extends BoardOptions {
  readonly image?: string
  readonly restart: boolean
  readonly confirm?: boolean
  readonly wait: number
}

/** What `--json` prints. */
interface UpdateResult extends WrittenUpdate {
  /** the board runs it, and will from now on */
  readonly confirmed: boolean
}

export function define(command: Command, terminal: Terminal): void {
  addBoardOptions(command, terminal)
    .option('--image <file>', 'the sd.img that fauxboot image has made for this board')
    .option('--no-restart', 'only write it: the board tries it when it next starts, and then needs --confirm')
    .option('--confirm', 'keep the first stage that the board is trying, and write nothing')
    .option('--wait <seconds>', 'how long the board may take to come back', seconds, 300)
    .addHelpText(
      'after',
      `
Writes a new first stage to the slot of the SD card that the board does not run from, compares it, restarts the board,
waits until the new first stage answers, and confirms it with the token. A first stage that is not confirmed is tried
once: the next start, by the lab's power switch or by itself after 15 minutes, brings the old one back. A power cut at
any moment leaves a board that starts. A board with a job is left alone.

Ends with 0 when the new first stage is confirmed (with --no-restart: written), with 1 when it is refused, and with 2
when the board does not answer, or runs its old first stage again.

Examples:
  fauxboot image --board cubieboard4 --token-file token
  fauxboot update --board http://a80:8080 --token-file token --image fauxboot-cubieboard4/sd.img
  fauxboot update --board http://a80:8080 --token-file token --image sd.img --no-restart
  fauxboot update --board http://a80:8080 --token-file token --confirm`,
    )
    .action(async (options: UpdateOptions) => {
      const client = await boardClient(options, 'update')
      if (options.confirm) return confirm(client, options, terminal)
      return update(client, options, terminal)
    })
}

/** @throws InvalidArgumentError, which commander turns into a usage error */
function seconds(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a number of seconds, 1 to 99999')
}

async function confirm(client: BoardClient, { json }: UpdateOptions, terminal: Terminal): Promise<void> {
  const view = await client.confirmFirstStage(terminal.io.signal)
  if (json) terminal.printJson(view)
  else terminal.print(`confirmed: the board starts from slot ${view.slot} from now on`)
}

async function update(client: BoardClient, options: UpdateOptions, terminal: Terminal): Promise<void> {
  const { image: path, restart, wait, json } = options
  const { signal } = terminal.io
  if (path === undefined) {
    const reason = 'no image given: use --image FILE, with the sd.img of `fauxboot image`'
    throw fault('CLI_USAGE', { reason, command: 'fauxboot update' })
  }
  const image = await measureCardImage(path, signal)
  const written = await persist(client, wait, terminal, () => send(client, image, terminal))
  terminal.note(`slot ${written.slot}: written and compared, ${formatBytes(written.size)}`)
  if (restart) {
    const since = performance.now()
    await client.restart(signal)
    terminal.note(`the board restarts; switch its power if it does not come back (within ${wait} s)`)
    await client.waitUntilReady(wait, signal, since)
    await persist(client, wait, terminal, () => confirmTrial(client, written, signal))
  }
  const result: UpdateResult = { ...written, confirmed: restart }
  if (json) terminal.printJson(result)
  else if (restart) terminal.print(`updated: the board runs the new first stage from slot ${written.slot}`)
  else
    terminal.print(
      `written: the board tries slot ${written.slot} at its next start; then run fauxboot update --confirm`,
    )
}

/** The link of a board that has just come up loses connections. */
const ATTEMPTS = 3

/** Do something again when its connection was lost. */
async function persist<T>(client: BoardClient, wait: number, terminal: Terminal, act: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await act()
    } catch (thrown) {
      if (!isOutage(thrown) || failures === ATTEMPTS) throw thrown
      terminal.note(`${thrown.message}; once more`)
      await client.waitUntilReady(wait, terminal.io.signal)
    }
  }
}

async function send(client: BoardClient, image: CardImage, terminal: Terminal): Promise<WrittenUpdate> {
  const { signal, stderr } = terminal.io
  const progress = createProgress(stderr)
  const body = streamCardImage(image, sent => progress.update('send image', sent, image.size))
  try {
    return await client.putFirstStage({ body, size: image.size, sha256: image.sha256 }, signal)
  } finally {
    body.destroy()
    progress.stop()
  }
}

async function confirmTrial(
  client: BoardClient,
  { slot: expected }: WrittenUpdate,
  signal: AbortSignal,
): Promise<void> {
  const { slot, trial } = await client.firstStage(signal)
  if (slot !== expected) {
    const reason = `the one in slot ${expected} did not come up, or the power was switched twice`
    throw fault('UPDATE_REVERTED', { reason })
  }
  // Of a confirmation whose answer was lost, the trial is over.
  if (trial) await client.confirmFirstStage(signal)
}
