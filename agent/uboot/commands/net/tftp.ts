/** Files over TFTP: `tftpboot`, `tftpput`, `tftpsrv`. */

import { quadHex } from '../../hardware/ipv4.js'
import { bareHex, parseHex, wholeHex } from '../../lib/numbers.js'
import { isRefusal, LoadTarget } from '../../machine/load-target.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'
import { type Attempt, afterLoad, transferredText, untilInterrupted, withRetries } from '../../net/net-run.js'
import {
  defaultAddress,
  loadArguments,
  netSettings,
  type ReadySettings,
  readyDevice,
  readyForTransfer,
  routeText,
  splitHost,
} from '../../net/net-settings.js'
import {
  answersArp,
  doneText,
  loadOverTftp,
  marksFor,
  receive,
  tellFailure,
  transferOptions,
} from '../../net/tftp-load.js'

async function tftpboot(machine: Machine, call: Call): Promise<number> {
  const loaded = await loadOverTftp(machine, call, loadArguments(machine, call.args.slice(1)))
  return loaded ? afterLoad(machine, call) : 1
}

interface Save {
  readonly address: number
  readonly size: number
  readonly file: string
}

/** `Address Size [[hostIPaddr:]filename]`; null for other words. */
function saveArguments(machine: Machine, args: readonly string[]): Save | null {
  const [, address = '', size = '', file = machine.env.get('bootfile') ?? ''] = args
  const numbers = [wholeHex(address), wholeHex(size)]
  const [start, length] = numbers
  if (args.length < 3) return null
  if (start === null || start === undefined || length === null || length === undefined) {
    machine.out.write('Invalid address/size\n')
    return null
  }
  return { address: start, size: length, file }
}

async function put(machine: Machine, call: Call, ready: ReadySettings, save: Save): Promise<Attempt> {
  const { out } = machine
  out.write(
    `Using ${ready.device.name} device\n${routeText('TFTP to', ready)}Filename '${save.file}'.\n` +
      `Save address: 0x${bareHex(save.address)}\nSave size:    0x${bareHex(save.size)}\nSaving: *\b`,
  )
  if (!(await answersArp(machine, call, ready.server))) return 'failed'
  const marks = marksFor(machine, 1)
  const began = machine.ticks()
  let blockSize = 0
  const options = transferOptions(
    machine,
    call,
    marks,
    (_, last) => marks.taken(last * blockSize, save.size),
    () => {},
  )
  const { progress } = options
  const started = (size: number, bytes: number | null): void => {
    blockSize = size
    progress.started(size, bytes)
  }
  try {
    await machine.network.tftpPut(
      { ...options, progress: { ...progress, started }, server: ready.server, file: save.file },
      machine.memory.chunks(save.address, save.size),
      save.size,
    )
  } catch (thrown) {
    // This error means unreadable memory, not a refused load address.
    if (call.signal.aborted || isRefusal(thrown)) throw thrown
    return tellFailure(machine, thrown)
  }
  out.write(doneText(save.size, machine.ticks() - began))
  return 'done'
}

async function tftpput(machine: Machine, call: Call): Promise<number> {
  const save = saveArguments(machine, call.args)
  if (save === null) return USAGE
  const sent = await untilInterrupted(machine, call, false, async () => {
    const { host, path } = splitHost(save.file)
    const ready = await readyForTransfer(machine, call, netSettings(machine.env), host)
    if (ready === null) return false
    const file = path === '' ? `${quadHex(ready.ip)}.img` : path
    return withRetries(machine, call, () => put(machine, call, ready, { ...save, file }))
  })
  if (!sent) return 1
  if (save.size > 0) machine.out.write(transferredText(save.size))
  machine.env.set('filesize', bareHex(save.size), { origin: 'program' })
  machine.env.set('fileaddr', bareHex(save.address), { origin: 'program' })
  return 0
}

/** RFC 1350 */
const TFTP_PORT = 69

async function serve(machine: Machine, call: Call, address: number): Promise<boolean> {
  const { out } = machine
  const ready = await readyDevice(machine, call, netSettings(machine.env), false)
  if (ready === null) return false
  out.write(
    `Using ${ready.device.name} device\nListening for TFTP transfer on ${ready.ip}\n` +
      `Load address: 0x${bareHex(address)}\nLoading: *\b`,
  )
  const target = new LoadTarget(machine, address, 'tftpsrv')
  const outcome = await receive(machine, call, target, (options, sink) =>
    // `tftpdstp` is a server's port; as a server, U-Boot has no other than this.
    machine.network.tftpServe({ ...options, port: TFTP_PORT }, sink),
  )
  if (outcome !== 'done') return false
  if (target.received > 0) out.write(transferredText(target.received))
  target.done()
  return true
}

async function tftpsrv(machine: Machine, call: Call): Promise<number> {
  const [, word] = call.args
  const address = word === undefined ? defaultAddress(machine) : parseHex(word)
  machine.state.loadAddress = address
  const received = await untilInterrupted(machine, call, false, () => serve(machine, call, address))
  return received ? afterLoad(machine, call) : 1
}

const loadCommand = (name: string): Command => ({
  name,
  maxArgs: 3,
  repeatable: true,
  summary: 'load file via network using TFTP protocol',
  usage: '[loadAddress] [[hostIPaddr:]bootfilename]',
  run: tftpboot,
})

export const tftpCommands: readonly Command[] = [
  // Beside tftpput and tftpsrv `tftp` would be ambiguous, but it is what labs type.
  loadCommand('tftp'),
  loadCommand('tftpboot'),
  {
    name: 'tftpput',
    maxArgs: 4,
    repeatable: true,
    summary: 'TFTP put command, for uploading files to a server',
    usage: 'Address Size [[hostIPaddr:]filename]',
    run: tftpput,
  },
  {
    name: 'tftpsrv',
    maxArgs: 2,
    repeatable: true,
    summary: 'act as a TFTP server and receive the first file',
    usage:
      '[loadAddress]\nListen for an incoming TFTP transfer, receive a file and boot it.\n' +
      'The transfer is aborted if a transfer has not been started after\nabout 50 seconds or if Ctrl-C is pressed.',
    run: tftpsrv,
  },
]
