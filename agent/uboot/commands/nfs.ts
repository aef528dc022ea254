/** A file over NFS: `nfs`. */

import { FauxbootError } from '../../errors.js'
import { quadHex } from '../hardware/ipv4.js'
import { bareHex } from '../lib/numbers.js'
import { isRefusal, LoadTarget, refusalNote } from '../machine/load-target.js'
import type { Call, Command, Machine } from '../machine/machine.js'
import { type Attempt, afterLoad, transferredText, untilInterrupted, withRetries } from '../net/net-run.js'
import {
  loadArguments,
  netSettings,
  type ReadySettings,
  readyForTransfer,
  routeText,
  splitHost,
} from '../net/net-settings.js'
import { answersArp } from '../net/tftp-load.js'

/** RFC 1833: where a portmapper is. */
const PORTMAPPER = 111
/** Milliseconds and timeouts in a row that U-Boot gives a server. */
const TIMEOUT_MS = 2000
const RETRIES = 30
/** Bytes from one mark to the next: U-Boot counts half blocks of 1 KiB, and draws one for ten. */
const BYTES_PER_MARK = 10 * 512
const MARKS_PER_LINE = 65

/** U-Boot's marks: one for every 5 KiB that were begun, and a line end behind 65 of them. */
class NfsMarks {
  #drawn = 0

  constructor(private readonly machine: Machine) {}

  /** The byte at this offset was asked for, and a reply came, even if it was that the file ends there. */
  reached(offset: number): void {
    let text = ''
    for (; this.#drawn * BYTES_PER_MARK <= offset; this.#drawn++) {
      text += `${this.#drawn > 0 && this.#drawn % MARKS_PER_LINE === 0 ? '\n\t ' : ''}#`
    }
    if (text !== '') this.machine.out.write(text)
  }
}

/** What U-Boot prints when it has unmounted, which it does whether the file came or not. */
const UNMOUNTED = '\ndone\n'

/** How U-Boot says that a step failed, by the error. */
const WORDS: Readonly<Record<string, (text: string) => string>> = {
  NFS_MOUNT: text => `${text}\n`,
  NFS_LOOKUP: text => `${text}\n${UNMOUNTED}`,
  NFS_LINK: text => `${text}\n${UNMOUNTED}`,
  NFS_READ: () => UNMOUNTED,
  NFS_PROTOCOL: () => UNMOUNTED,
}

/**
 * Say why a file did not come.
 *
 * @throws what has no words there
 */
function tellFailure({ out }: Machine, thrown: unknown): Attempt {
  if (isRefusal(thrown)) {
    out.write(`\nNFS error: trying to overwrite reserved memory...\n${refusalNote(thrown)}`)
    return 'failed'
  }
  if (!(thrown instanceof FauxbootError)) throw thrown
  if (thrown.code === 'NFS_TIMEOUT') {
    out.write(`\n${thrown.ubootText}\n`)
    return 'again'
  }
  const words = WORDS[thrown.code]
  if (words === undefined) throw thrown
  out.write(`${words(thrown.ubootText)}## fauxboot: ${thrown.message}\n`)
  return 'failed'
}

/** Where the file is, with the name that U-Boot makes up when none is given. */
function fileToLoad(machine: Machine, ip: string, path: string): string {
  if (path !== '') return path
  const name = `/nfsroot/${quadHex(ip)}.img`
  machine.out.write(`*** Warning: no boot file name; using '${name}'\n`)
  return name
}

async function attempt(machine: Machine, call: Call, ready: ReadySettings, file: string, address: number) {
  const { out, network } = machine
  const path = fileToLoad(machine, ready.ip, file)
  out.write(
    `Using ${ready.device.name} device\n${routeText('File transfer via NFS from', ready)}Filename '${path}'.\n` +
      `Load address: 0x${bareHex(address)}\nLoading: *\b`,
  )
  if (!(await answersArp(machine, call, ready.server))) return 'failed'
  const marks = new NfsMarks(machine)
  const target = new LoadTarget(machine, address, path)
  const progress = {
    started: (size: number): void => {
      target.expected = size
    },
    timeout: () => out.write('T '),
  }
  const patience = { port: PORTMAPPER, timeoutMs: TIMEOUT_MS, retries: RETRIES }
  try {
    await network.nfsGet({ server: ready.server, path, ...patience, signal: call.signal, progress }, chunk => {
      target.write(chunk)
      marks.reached(target.received - 1)
    })
  } catch (thrown) {
    if (call.signal.aborted) throw thrown
    return tellFailure(machine, thrown)
  }
  marks.reached(target.received)
  out.write(UNMOUNTED)
  if (target.received > 0) {
    out.write(transferredText(target.received))
    target.done()
  }
  return 'done'
}

async function nfs(machine: Machine, call: Call): Promise<number> {
  const { address, file } = loadArguments(machine, call.args.slice(1))
  const loaded = await untilInterrupted(machine, call, false, async () => {
    const { host, path } = splitHost(file)
    const ready = await readyForTransfer(machine, netSettings(machine.env), host)
    return ready !== null && withRetries(machine, call, () => attempt(machine, call, ready, path, address))
  })
  return loaded ? afterLoad(machine, call) : 1
}

export const nfsCommands: readonly Command[] = [
  {
    name: 'nfs',
    maxArgs: 3,
    repeatable: true,
    summary: 'boot image via network using NFS protocol',
    usage: '[loadAddress] [[hostIPaddr:]bootfilename]',
    run: nfs,
  },
]
