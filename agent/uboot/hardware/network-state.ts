/** The network as Linux's text files describe it. Pure functions over those texts. */

import { quadText } from './ipv4.js'

/** A row of `/proc/net/route`, addresses as numbers in network order. */
export interface Route {
  readonly device: string
  readonly destination: string
  readonly gateway: string
  readonly mask: string
}

/** The kernel prints addresses as words in its own byte order: little-endian wherever fauxboot runs. */
function littleEndianQuad(text: string): string {
  const value = Number.parseInt(text, 16)
  return quadText([0, 8, 16, 24].reduce((sum, shift) => sum * 256 + ((value >>> shift) & 255), 0))
}

/** Rows of `/proc/net/route`; others than IPv4 routes are not in it. */
export function parseRoutes(text: string): readonly Route[] {
  return text.split('\n').flatMap(line => {
    const [device, destination, gateway, , , , , mask] = line.split('\t').map(field => field.trim())
    const words = [destination, gateway, mask]
    if (device === undefined || !words.every(word => /^[0-9A-F]{8}$/.test(word ?? ''))) return []
    const [to = '', over = '', under = ''] = words.map(word => littleEndianQuad(word ?? ''))
    return [{ device, destination: to, gateway: over, mask: under }]
  })
}

/** Gateway of a device, or null. */
export function defaultGateway(routes: readonly Route[], device: string): string | null {
  const found = routes.find(
    route => route.device === device && route.destination === '0.0.0.0' && route.mask === '0.0.0.0',
  )
  return found?.gateway ?? null
}

/** Whether a row of `/proc/net/arp` shows a host that has answered (`ATF_COM`, linux/if_arp.h). */
export function arpAnswered(text: string, host: string): boolean {
  return text.split('\n').some(line => {
    const [address, , flags = '0'] = line.split(/\s+/)
    return address === host && (Number.parseInt(flags, 16) & 2) !== 0
  })
}

/** The variables that udhcpc gives to its script, as `env` prints them. */
export function parseVariables(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap(line => {
      const equals = line.indexOf('=')
      return equals <= 0 ? [] : [[line.slice(0, equals), line.slice(equals + 1)] as const]
    }),
  )
}
