/** A DHCP lease from busybox's udhcpc: its command line and its output. */

import { leadingQuad } from './ipv4.js'
import type { Lease } from './network.js'

/**
 * Seconds from one request to the next, and how many there are. U-Boot tries for 28 s; a switch port with spanning tree
 * forwards only 30 s after its carrier (IEEE 802.1D: twice a forward delay of 15 s).
 */
const PAUSE_SECONDS = 2
const REQUESTS = 20

/** Prints the lease, and nothing when the interface is to be cleared: networkd may have an address on it. */
export const LEASE_SCRIPT = '#!/bin/sh\n[ "$1" != bound ] || exec env\n'

/**
 * Arguments of `busybox`.
 *
 * @param script path of a file with {@link LEASE_SCRIPT}
 */
export function leaseArguments(device: string, script: string): readonly string[] {
  const options = ['subnet', 'router', 'dns', 'hostname', 'domain', 'rootpath', 'tftp', 'bootfile']
  return [
    ...['udhcpc', '-f', '-n', '-q', '-i', device, '-s', script],
    ...['-t', String(REQUESTS), '-T', String(PAUSE_SECONDS)],
    ...options.flatMap(option => ['-O', option]),
  ]
}

/** A line of udhcpc about a request; older versions say `sending`. */
export const isBroadcast = (line: string): boolean => /\b(broadcasting|sending) discover\b/i.test(line)

/** The text, or null when it is empty or missing. */
const given = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text)

/**
 * The lease in udhcpc's variables.
 *
 * @returns null when there is no address
 */
export function leaseOf(variables: ReadonlyMap<string, string>): Lease | null {
  const address = leadingQuad(variables.get('ip'))
  if (address === null) return null
  return {
    address,
    netmask: leadingQuad(variables.get('subnet')),
    gateway: leadingQuad(variables.get('router')),
    // siaddr of RFC 2131, else option 66 where it is an address, else the server that answered.
    server:
      leadingQuad(variables.get('siaddr')) ??
      leadingQuad(variables.get('tftp')) ??
      leadingQuad(variables.get('serverid')),
    dns: (variables.get('dns') ?? '').split(/\s+/).filter(word => leadingQuad(word) !== null),
    hostname: given(variables.get('hostname')),
    domain: given(variables.get('domain')),
    rootPath: given(variables.get('rootpath')),
    bootFile: given(variables.get('boot_file')) ?? given(variables.get('bootfile')),
  }
}
