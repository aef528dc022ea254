/** What of a board fetches files, in a process of its own: the agent's clients, and no hardware. */

import { createUdpNetwork } from '../../../agent/native-udp.js'
import { fetchHttp } from '../../../agent/transfer/http/fetch.js'
import { fetchTftp } from '../../../agent/transfer/tftp/client/client.js'
import { timedHere } from '../timing.js'
import type { FetchOrder } from './many-boards.js'

const nowhere = { write: async (): Promise<void> => undefined, reset: async (): Promise<void> => undefined }

process.on('message', async ({ tftp, http }: FetchOrder) => {
  const took = await timedHere(async () => {
    if (tftp !== null) await fetchTftp({ ...tftp, network: createUdpNetwork(), retries: 20 }, () => undefined)
    if (http !== null)
      await fetchHttp(http, nowhere, { limit: Number.MAX_SAFE_INTEGER, signal: new AbortController().signal })
  })
  process.send?.(took)
})
process.send?.('ready')
