/** Files over HTTP: `wget`. Besides U-Boot's `[ip:]path` it takes URLs, https among them. */

import { FauxbootError } from '../../../errors.js'
import { isRefusal, LoadTarget, refusalNote } from '../../machine/load-target.js'
import type { Call, Command, Machine } from '../../machine/machine.js'
import { afterLoad, transferredText, untilInterrupted } from '../../net/net-run.js'
import { decimalVariable, loadArguments, netSettings, readyForTransfer, splitHost } from '../../net/net-settings.js'

/** Progress marks of a complete file. */
const MARKS = 50
/** Packets that U-Boot counts besides those with data, and bytes of data in one. */
const OTHER_PACKETS = 4
const PACKET = 1460

/** What to get: a URL stays one, `[ip:]path` becomes one. */
function urlOf(file: string, server: string, port: number): string {
  if (/^https?:\/\//i.test(file)) return file
  const { path } = splitHost(file)
  const name = path.startsWith('/') ? path : `/${path}`
  return new URL(`http://${server}:${port}${name}`).href
}

/** The server of a URL, as far as it is a number; of others only the resolver knows the address. */
const hostOf = (file: string): string | null => splitHost(file.replace(/^https?:\/\//i, '').replace('/', ':')).host

/** U-Boot's words for a server that does not answer or refuses. */
function failureText(thrown: unknown): string {
  if (isRefusal(thrown)) return `\nwget error: trying to overwrite reserved memory...\n${refusalNote(thrown)}`
  if (!(thrown instanceof FauxbootError) || !thrown.code.startsWith('FETCH_')) throw thrown
  if (thrown.code === 'FETCH_STATUS') return '\nwget: Transfer Fail, TCP status - 0\n'
  return '\nTCP: rx inactivity timeout exceeded\n\nwget: Transfer Fail, TCP status - 1\n'
}

async function load(machine: Machine, call: Call): Promise<boolean> {
  const { out, env, network } = machine
  const { address, file } = loadArguments(machine, call.args.slice(1))
  const isUrl = /^https?:\/\//i.test(file)
  const settings = netSettings(env)
  // A URL names its server, so `serverip` is not needed.
  const ready = await readyForTransfer(
    machine,
    call,
    settings,
    isUrl ? (hostOf(file) ?? settings.ip) : splitHost(file).host,
  )
  if (ready === null) return false
  const url = urlOf(file, ready.server, decimalVariable(env, 'httpdstp', 1, 0xffff) ?? 80)
  const target = new LoadTarget(machine, address, file)
  let drawn = 0
  const drawUpTo = (marks: number): void => {
    out.write('#'.repeat(Math.max(0, marks - drawn)))
    drawn = Math.max(drawn, marks)
  }
  try {
    const sink = (chunk: Uint8Array): void => target.write(chunk)
    await network.httpGet(url, sink, call.signal, (received, size) => {
      target.expected = size
      if (size !== null && size > 0) drawUpTo(Math.floor((received / size) * MARKS))
    })
  } catch (thrown) {
    if (call.signal.aborted) throw thrown
    out.write(failureText(thrown))
    return false
  }
  drawUpTo(MARKS)
  out.write(`\nPackets received ${OTHER_PACKETS + Math.ceil(target.received / PACKET)}, Transfer Successful\n`)
  if (target.received > 0) {
    out.write(transferredText(target.received))
    target.done()
  }
  return true
}

async function wget(machine: Machine, call: Call): Promise<number> {
  return (await untilInterrupted(machine, call, false, () => load(machine, call))) ? afterLoad(machine, call) : 1
}

export const wgetCommands: readonly Command[] = [
  {
    name: 'wget',
    maxArgs: 3,
    repeatable: true,
    summary: 'boot image via network using HTTP protocol',
    usage: '[loadAddress] [[hostIPaddr:]path and image name]',
    run: wget,
  },
]
