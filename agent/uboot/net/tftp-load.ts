/** A file from a TFTP server into memory, with all that U-Boot prints on the way. */

import { FauxbootError } from '../../errors.js'
import { quadHex } from '../hardware/ipv4.js'
import type { TftpOptions } from '../hardware/network.js'
import { bareHex } from '../lib/numbers.js'
import { rateText } from '../lib/size-text.js'
import { isRefusal, LoadTarget, refusalNote } from '../machine/load-target.js'
import type { Call, Machine } from '../machine/machine.js'
import { type Attempt, transferredText, untilInterrupted, withRetries } from './net-run.js'
import {
  decimalVariable,
  type LoadArguments,
  type NetSettings,
  netSettings,
  type ReadySettings,
  readyForTransfer,
  routeText,
  splitHost,
} from './net-settings.js'
import { TftpMarks } from './tftp-marks.js'

/** U-Boot's own block size: one frame of Ethernet. */
const USUAL_BLOCK_SIZE = 1468

/** RFC 2348 and RFC 7440. */
const BLOCK_SIZES = [8, 65_464] as const
const WINDOW_SIZES = [1, 65_535] as const

const USUAL_TIMEOUT_MS = 5000
const LEAST_TIMEOUT_MS = 1000
const USUAL_RETRIES = 10

/** Bytes of the blocks for which marks are drawn. */
function markedBlockSize(machine: Machine): number {
  const asked = decimalVariable(machine.env, 'tftpblocksize', ...BLOCK_SIZES)
  if (asked !== null) machine.state.tftpBlockSize = asked
  return machine.state.tftpBlockSize ?? USUAL_BLOCK_SIZE
}

/** Timeout and attempts from the variables; invalid values are corrected with a message. */
function patience(machine: Machine): { timeoutMs: number; retries: number } {
  const { env, out } = machine
  const asked = decimalVariable(env, 'tftptimeout', 0, 0xffff_ffff) ?? USUAL_TIMEOUT_MS
  if (asked < LEAST_TIMEOUT_MS) {
    out.write(`TFTP timeout (${asked} ms) too low, set min = ${LEAST_TIMEOUT_MS} ms\n`)
  }
  const retries = decimalVariable(env, 'tftptimeoutcountmax', 0, 0xffff) ?? USUAL_RETRIES
  return { timeoutMs: Math.max(LEAST_TIMEOUT_MS, asked), retries }
}

/** What a transfer needs besides its file. `progress` draws the marks. */
export function transferOptions(
  machine: Machine,
  call: Call,
  marks: TftpMarks,
  blocks: TftpOptions['progress']['blocks'],
  size: (bytes: number | null) => void,
): Omit<TftpOptions, 'server' | 'file'> {
  const { env, out } = machine
  return {
    blockSize: decimalVariable(env, 'tftpblocksize', ...BLOCK_SIZES),
    windowSize: decimalVariable(env, 'tftpwindowsize', ...WINDOW_SIZES),
    ...patience(machine),
    port: decimalVariable(env, 'tftpdstp', 1, 0xffff) ?? 69,
    localPort: decimalVariable(env, 'tftpsrcp', 1, 0xffff),
    signal: call.signal,
    progress: {
      started(blockSize, bytes) {
        marks.agreed(blockSize)
        size(bytes)
      },
      blocks,
      timeout: () => out.write('T '),
    },
  }
}

/** Marks for a transfer of this machine. @param drawn as for {@link TftpMarks} */
export const marksFor = (machine: Machine, drawn = 0): TftpMarks =>
  new TftpMarks(text => machine.out.write(text), markedBlockSize(machine), drawn)

/** ERROR codes after which another attempt would end in the same way (RFC 1350): file not found, access violation. */
const FINAL_ERRORS: readonly unknown[] = [1, 2]

/**
 * RFC 1350's words for error 1. LAVA waits for them, but servers may send others: that of Debian testing sends `No such file or
 * directory`, and a job that waits for the kernel would run into its time limit.
 */
const [NOT_FOUND, RFC_WORDS] = [1, 'File not found']

/**
 * Print U-Boot's message for a failed transfer.
 *
 * @throws errors that U-Boot has no message for
 */
export function tellFailure(machine: Machine, thrown: unknown): Attempt {
  const { out } = machine
  if (isRefusal(thrown)) {
    out.write(`\nTFTP error: trying to overwrite reserved memory...\n${refusalNote(thrown)}`)
    return 'failed'
  }
  if (!(thrown instanceof FauxbootError)) throw thrown
  const { code, details } = thrown
  if (code === 'TFTP_REFUSED') {
    const final = FINAL_ERRORS.includes(Number(details.number))
    out.write(
      `\nTFTP error: '${details.text}' (${details.number})\n${final ? 'Not retrying...\n' : 'Starting again\n\n'}`,
    )
    if (details.number === NOT_FOUND && details.text !== RFC_WORDS) out.write(`## fauxboot: ${RFC_WORDS}\n`)
    return final ? 'failed' : 'again'
  }
  if (code === 'TFTP_TIMEOUT') {
    out.write('\nRetry count exceeded; starting again\n')
    return 'again'
  }
  if (code !== 'TFTP_PROTOCOL') throw thrown
  out.write(`\nTFTP server died; starting again\n## fauxboot: ${thrown.message}\n`)
  return 'again'
}

/** Behind the marks: the rate, if there was time to measure one, and that it is done. */
export function doneText(size: number, milliseconds: number): string {
  const rate = rateText(size, milliseconds)
  return `${rate === '' ? '' : `\n\t ${rate}`}\ndone\n`
}

/** Whether the server answers on the link; if not, that is printed. */
export async function answersArp(machine: Machine, call: Call, host: string): Promise<boolean> {
  if (await machine.network.reachable(host, call.signal)) return true
  call.signal.throwIfAborted()
  machine.out.write('\nARP Retry count exceeded; starting again\n')
  return false
}

/** Where a file is; without a name, U-Boot makes one up. */
function fileToLoad(machine: Machine, ip: string, file: string): string {
  if (file !== '') return file
  const name = `${quadHex(ip)}.img`
  machine.out.write(`*** Warning: no boot file name; using '${name}'\n`)
  return name
}

/** Receive a file into memory and finish the load. */
export async function receive(
  machine: Machine,
  call: Call,
  target: LoadTarget,
  transfer: (options: Omit<TftpOptions, 'server' | 'file'>, sink: (chunk: Uint8Array) => void) => Promise<number>,
): Promise<Attempt> {
  const { out } = machine
  const marks = marksFor(machine)
  const started = machine.ticks()
  const noBlocks = (): void => {}
  const options = transferOptions(machine, call, marks, noBlocks, size => {
    target.expected = size
  })
  try {
    await transfer(options, chunk => {
      marks.first()
      target.write(chunk)
      marks.passed(target.received)
    })
  } catch (thrown) {
    if (call.signal.aborted) throw thrown
    return tellFailure(machine, thrown)
  }
  marks.ended(target.received)
  out.write(doneText(target.received, machine.ticks() - started))
  return 'done'
}

async function attempt(machine: Machine, call: Call, ready: ReadySettings, file: string, address: number) {
  const name = fileToLoad(machine, ready.ip, file)
  machine.out.write(
    `Using ${ready.device.name} device\n${routeText('TFTP from', ready)}` +
      `Filename '${name}'.\nLoad address: 0x${bareHex(address)}\nLoading: *\b`,
  )
  if (!(await answersArp(machine, call, ready.server))) return 'failed'
  const target = new LoadTarget(machine, address, name)
  const outcome = await receive(machine, call, target, (options, sink) =>
    machine.network.tftpGet({ ...options, server: ready.server, file: name }, sink),
  )
  if (outcome === 'done' && target.received > 0) {
    machine.out.write(transferredText(target.received))
    target.done()
  }
  return outcome
}

/**
 * Load a file over TFTP.
 *
 * @param settings where the board is; default: the variables
 * @returns whether it is in memory
 */
export function loadOverTftp(
  machine: Machine,
  call: Call,
  { file, address }: Pick<LoadArguments, 'file' | 'address'>,
  settings: NetSettings = netSettings(machine.env),
): Promise<boolean> {
  return untilInterrupted(machine, call, false, async () => {
    const { host, path } = splitHost(file)
    const ready = await readyForTransfer(machine, call, settings, host)
    return ready !== null && withRetries(machine, call, () => attempt(machine, call, ready, path, address))
  })
}
