/** MAC addresses in the environment: `ethaddr` is that of the alias `ethernet0`, `eth1addr` that of `ethernet1`. */

import type { Environment } from './environment.js'

const NAME = /^eth(\d*)addr$/
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i

/**
 * @param include whether to read this variable; by default, all are read
 * @returns addresses in lower case, by alias: `ethernet0`. Values of another form are left out
 */
export function macAddressesOf(
  env: Environment,
  include: (name: string, value: string) => boolean = () => true,
): Readonly<Record<string, string>> {
  const found = env.names().flatMap(name => {
    const number = NAME.exec(name)?.[1]
    const value = env.get(name) ?? ''
    if (number === undefined || !MAC.test(value) || !include(name, value)) return []
    return [[`ethernet${number === '' ? '0' : number}`, value.toLowerCase()] as const]
  })
  return Object.fromEntries(found)
}

/** The addresses that differ from the default environment, which has that of the first link, whatever its alias is. */
export function changedMacAddresses(env: Environment): Readonly<Record<string, string>> {
  return macAddressesOf(env, (name, value) => env.defaults[name] !== value)
}
