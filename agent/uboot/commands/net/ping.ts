/** Reaching hosts: `ping`, `dns`. */

import { leadingQuad } from '../../hardware/ipv4.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'
import { untilInterrupted } from '../../net/net-run.js'
import { netSettings, readyDevice } from '../../net/net-settings.js'
import { answersArp } from '../../net/tftp-load.js'

/** The longest name that the DNS knows (RFC 1035 section 2.3.4). */
const LONGEST_NAME = 255

async function ping(machine: Machine, call: Call): Promise<number> {
  const { out, network } = machine
  const [, typed = ''] = call.args
  const host = leadingQuad(typed)
  if (host === null) return USAGE
  const alive = await untilInterrupted(machine, call, false, async () => {
    const ready = await readyDevice(machine, call, netSettings(machine.env), false)
    if (ready === null) return false
    out.write(`Using ${ready.device.name} device\n`)
    return (await answersArp(machine, call, host)) && (await network.ping(host, call.signal))
  })
  out.write(alive ? `host ${typed} is alive\n` : `ping failed; host ${typed} is not alive\n`)
  return alive ? 0 : 1
}

async function lookUp(machine: Machine, call: Call, name: string, variable: string | undefined): Promise<boolean> {
  const { env, out, network } = machine
  const server = leadingQuad(env.get('dnsip'))
  if (server === null) {
    out.write('*** ERROR: DNS server address not given\n')
    return false
  }
  if ((await readyDevice(machine, call, netSettings(env), false)) === null) return false
  const address = await network.resolve(name, server, call.signal)
  if (address === null) return false
  out.write(`${address}\n`)
  if (variable !== undefined) for (const refusal of env.set(variable, address)) out.write(`${refusal}\n`)
  return true
}

async function dns(machine: Machine, call: Call): Promise<number> {
  const { out } = machine
  const [, name, variable] = call.args
  if (name === undefined) return USAGE
  if (name.length >= LONGEST_NAME) {
    out.write('dns error: hostname too long\n')
    return 1
  }
  if (await untilInterrupted(machine, call, false, () => lookUp(machine, call, name, variable))) return 0
  out.write(`dns lookup of ${name} failed, check setup\n`)
  return 1
}

export const pingCommands: readonly Command[] = [
  {
    name: 'dns',
    maxArgs: 3,
    repeatable: true,
    summary: 'lookup the IP of a hostname',
    usage: 'hostname [envvar]',
    run: dns,
  },
  {
    name: 'ping',
    maxArgs: 2,
    repeatable: true,
    summary: 'send ICMP ECHO_REQUEST to network host',
    usage: 'pingAddress',
    run: ping,
  },
]
