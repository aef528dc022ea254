/**
 * fauxboot's TFTP client alone, for the board: `node tftp-get.cjs SERVER PORT FILE`. Prints the milliseconds that the
 * transfer took, without Node's own start: the agent runs already when it is asked for a file.
 */

import { fetchTftp } from '../../agent/transfer/tftp/client/client.js'
import { timed } from './timing.js'

const [server = '', port = '', file = ''] = process.argv.slice(2)
timed(() => fetchTftp({ server, port: Number(port), file }, () => undefined)).then(
  milliseconds => console.log(`took ${milliseconds.toFixed(0)} ms`),
  (error: unknown) => {
    console.error(String(error))
    process.exitCode = 1
  },
)
