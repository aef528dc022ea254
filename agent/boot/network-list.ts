/** Networks whose members may do what others may not. */

import { BlockList } from 'node:net'

export interface NetworkList {
  /** Whether a socket's address is in one of the networks. */
  has(address: string): boolean
}

/**
 * A list of networks, to which loopback always belongs.
 *
 * @param networks in CIDR notation, IPv4 or IPv6: checked by `agent/config.ts`
 */
export function networkList(networks: readonly string[]): NetworkList {
  // Made at the first look-up: the agent's snapshot cannot hold it.
  let list: BlockList | undefined
  return {
    has(address) {
      // A link-local address carries its link: `fe80::1%eth0`.
      const [plain = ''] = address.split('%')
      // BlockList finds `::ffff:127.0.0.1`, an IPv4 client of an IPv6 socket, by the rules for IPv4.
      list ??= blockList(['127.0.0.0/8', '::1/128', ...networks])
      return list.check(plain, family(plain))
    },
  }
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    list.addSubnet(address, Number(prefix), family(address))
  }
  return list
}

/** Of an address that is one: Node's own `isIPv6` compiles a large pattern at its first use, while the agent starts. */
const family = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4')
