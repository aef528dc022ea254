/**
 * The clients, in a process of their own: ending it cuts every connection at once. Sends its parent a tally of each kind
 * every second.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from './client.js'
import { consoles } from './clients/consoles.js'
import { httpReaders } from './clients/http-readers.js'
import { jobs } from './clients/jobs.js'
import { slowRequests } from './clients/slow-requests.js'
import { tftpClients } from './clients/tftp.js'
import { uploads } from './clients/uploads.js'

/** What one kind of client has done so far. */
export interface Tally {
  readonly name: string
  /** how many of them there are */
  readonly count: number
  acts: number
  /** wrong answers */
  wrong: number
  /** the first wrong answer */
  first: string | null
}

const CLIENTS: readonly Client[] = [...httpReaders, ...slowRequests, ...uploads, ...jobs, ...consoles, ...tftpClients]

const LONGEST_REASON = 500

const tallies = new Map<Client, Tally>(
  CLIENTS.map(client => [client, { name: client.name, count: client.count, acts: 0, wrong: 0, first: null }]),
)

async function run(client: Client, index: number): Promise<never> {
  const tally = tallies.get(client)
  for (;;) {
    // The first acts come spread over a rest, too, or all connect in the same moment.
    await pause(Math.random() * client.rest * 1000)
    const wrong = await client.act(index).catch((thrown: unknown) => `no answer: ${thrown}`)
    if (tally === undefined) continue
    tally.acts++
    if (wrong === null) continue
    tally.wrong++
    tally.first ??= wrong.slice(0, LONGEST_REASON)
  }
}

process.once('disconnect', () => process.exit())
for (const client of CLIENTS) for (let index = 0; index < client.count; index++) void run(client, index)
setInterval(() => process.send?.([...tallies.values()]), 1000)
