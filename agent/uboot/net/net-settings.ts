/** The variables of the network commands, and the preconditions of a transfer. */

import type { Environment } from '../env/environment.js'
import { leadingQuad, sameNetwork } from '../hardware/ipv4.js'
import type { EthernetDevice, Lease } from '../hardware/network.js'
import { parseAuto, parseDecimal, parseHex, wholeHex } from '../lib/numbers.js'
import { buildAddress, type Call, type Machine } from '../machine/machine.js'
import { connectedDevice } from './connect.js'

export interface NetSettings {
  readonly ip: string | null
  readonly netmask: string | null
  readonly gateway: string | null
  readonly server: string | null
  /** of `ethaddr` */
  readonly mac: string | null
}

export function netSettings(env: Environment): NetSettings {
  return {
    ip: leadingQuad(env.get('ipaddr')),
    netmask: leadingQuad(env.get('netmask')),
    gateway: leadingQuad(env.get('gatewayip')),
    server: leadingQuad(env.get('serverip')),
    mac: env.get('ethaddr') ?? null,
  }
}

/** Apply a lease; settings that it lacks stay unchanged. */
export function leasedSettings(lease: Lease, before: NetSettings): NetSettings {
  return {
    ip: lease.address,
    netmask: lease.netmask ?? before.netmask,
    gateway: lease.gateway ?? before.gateway,
    server: lease.server ?? before.server,
    mac: before.mac,
  }
}

/** Variables that a lease sets when the command that asked for it succeeds. */
export function leaseVariables(lease: Lease): readonly (readonly [name: string, value: string])[] {
  const [dns, dns2] = lease.dns
  const values: readonly (readonly [string, string | null | undefined])[] = [
    ['ipaddr', lease.address],
    ['netmask', lease.netmask],
    ['gatewayip', lease.gateway],
    ['serverip', lease.server],
    ['dnsip', dns],
    ['dnsip2', dns2],
    ['hostname', lease.hostname],
    ['domain', lease.domain],
    ['rootpath', lease.rootPath],
  ]
  return values.flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [[name, value]],
  )
}

/** Settings that the device has. */
export interface ReadyDevice extends NetSettings {
  readonly ip: string
  readonly device: EthernetDevice
}

/** Settings with which a transfer can start. */
export interface ReadySettings extends ReadyDevice {
  readonly server: string
}

/**
 * Prepare a device: it has a carrier, the variables suffice, and it has their addresses. Anything missing is printed.
 *
 * @param needsServer the command has no use without `serverip`
 */
export async function readyDevice(
  machine: Machine,
  call: Call,
  settings: NetSettings,
  needsServer: boolean,
): Promise<ReadyDevice | null> {
  const device = await connectedDevice(machine, call)
  if (device === null) return null
  const refuse = (name: string): null => {
    machine.out.write(`*** ERROR: \`${name}' not set\n`)
    return null
  }
  const { ip, netmask, gateway } = settings
  if (needsServer && settings.server === null) return refuse('serverip')
  if (ip === null) return refuse('ipaddr')
  await machine.network.configure({ ip, netmask, gateway })
  return { ...settings, ip, device }
}

/**
 * Prepare a transfer. Anything missing is printed.
 *
 * @param server from the command line; null: `serverip`
 */
export async function readyForTransfer(
  machine: Machine,
  call: Call,
  settings: NetSettings,
  server: string | null,
): Promise<ReadySettings | null> {
  const host = server ?? settings.server
  const ready = await readyDevice(machine, call, { ...settings, server: host }, true)
  return ready === null || host === null ? null : { ...ready, server: host }
}

/** `TFTP from server S; our IP address is A`, and the gateway if the way leads over one. */
export function routeText(what: string, { ip, netmask, gateway, server }: ReadySettings): string {
  const over = gateway !== null && netmask !== null && !sameNetwork(ip, server, netmask)
  return `${what} server ${server}; our IP address is ${ip}${over ? `; sending through gateway ${gateway}` : ''}\n`
}

/** `[loadAddress] [[hostIPaddr:]bootfilename]`, completed from the variables. */
export interface LoadArguments {
  readonly address: number
  /** as typed, or `bootfile`; empty when neither is there */
  readonly file: string
  /** the file's name was typed */
  readonly explicit: boolean
}

/** `loadaddr`, or the default of the board. */
export function defaultAddress(machine: Machine): number {
  const text = machine.env.get('loadaddr')
  return text === undefined ? buildAddress(machine) : parseHex(text)
}

/**
 * Read the arguments of a load. Its address becomes the default of image commands, even if the load fails.
 *
 * @param words after the command, at most two
 */
export function loadArguments(machine: Machine, words: readonly string[]): LoadArguments {
  const read = readArguments(machine, words)
  machine.state.loadAddress = read.address
  return read
}

function readArguments(machine: Machine, [first, second]: readonly string[]): LoadArguments {
  const bootFile = { file: machine.env.get('bootfile') ?? '', explicit: false }
  if (first === undefined) return { address: defaultAddress(machine), ...bootFile }
  if (second !== undefined) return { address: parseHex(first), file: second, explicit: true }
  const address = wholeHex(first)
  if (address !== null) return { address, ...bootFile }
  return { address: defaultAddress(machine), file: first, explicit: true }
}

/** The parts of `[hostIPaddr:]file`; anything before the colon is dropped, even if it is not an address. */
export function splitHost(file: string): {
  readonly host: string | null
  readonly path: string
  readonly typed: boolean
} {
  const colon = file.indexOf(':')
  return colon === -1
    ? { host: null, path: file, typed: false }
    : { host: leadingQuad(file), path: file.slice(colon + 1), typed: true }
}

/** Further attempts after one that failed, by `netretry`. */
export function netRetries(env: Environment): number {
  const text = env.get('netretry') ?? 'no'
  const word = { yes: Number.POSITIVE_INFINITY, no: 0, once: 1 }[text]
  return word ?? parseAuto(text)
}

/** The answer that a variable gives to yes or no; null when it is not set. */
export function yesOrNo(env: Environment, name: string): boolean | null {
  const text = env.get(name)
  return text === undefined ? null : /^[1yYtT]/.test(text)
}

/** A decimal variable within bounds; null when it is not set. */
export function decimalVariable(env: Environment, name: string, least: number, most: number): number | null {
  const text = env.get(name)
  return text === undefined ? null : Math.min(most, Math.max(least, parseDecimal(text)))
}
