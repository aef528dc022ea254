/** Telnet clients who ask for much and take nothing, and some who send what no terminal sends. */

import { randomBytes } from 'node:crypto'
import { PORTS } from '../addresses.js'
import type { Client } from '../client.js'
import { connectTo, held } from '../connection.js'

/** IAC DO, with an option that the console refuses each time: RFC 855. */
const DEMANDS = '\xff\xfd\x63'.repeat(100_000)
/** Commands that print without an end, or much. */
const LINES = [
  'while true; do echo 0123456789abcdef0123456789abcdef; done\r',
  'while true; do printenv; bdinfo; done\r',
  'md 0 100000\r',
  'help\r'.repeat(2000),
] as const

/** Control characters and the upper half of the code page: nothing that makes a command. */
function noise(bytes: number): Uint8Array {
  return randomBytes(bytes).map(byte => (byte < 128 ? byte & 31 : byte))
}

export const consoles: readonly Client[] = [
  {
    name: 'consoles, never read',
    count: 8,
    rest: 3,
    async act(index) {
      const socket = await connectTo(PORTS.telnet, index)
      if (socket === null) return null
      socket.write(LINES[Math.floor(Math.random() * LINES.length)] ?? '')
      await held(socket, 15)
      return null
    },
  },
  {
    name: 'telnet storms',
    count: 40,
    rest: 5,
    async act(index) {
      const socket = await connectTo(PORTS.telnet, index)
      if (socket === null) return null
      if (index % 2 === 0) socket.write(DEMANDS, 'latin1')
      else socket.write(noise(64 * 1024))
      if (index % 4 === 0) socket.resume()
      await held(socket, 3)
      return null
    },
  },
]
