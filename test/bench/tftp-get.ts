/**
 * fauxboot's TFTP client alone, for the board: `node tftp-get.cjs addon|dgram SERVER PORT FILE [BLKSIZE WINDOWSIZE]`. Prints
 * the milliseconds that the transfer took, and those of the CPU, without Node's own start: the agent runs already when
 * it is asked for a file.
 */

import { createUdpNetwork } from '../../agent/native-udp.js'
import { fetchTftp } from '../../agent/transfer/tftp/client/client.js'
import { udpNetwork } from '../../agent/transfer/tftp/udp.js'
import { timed } from './timing.js'

const [core, server = '', port, file = '', ...sizes] = process.argv.slice(2)
const [blockSize = null, windowSize = null] = sizes.map(Number)
const network = core === 'addon' ? createUdpNetwork() : udpNetwork
const before = process.cpuUsage()
timed(() => fetchTftp({ server, port: Number(port), file, network, blockSize, windowSize }, () => undefined)).then(
  milliseconds => {
    const { user, system } = process.cpuUsage(before)
    console.log(`took ${milliseconds.toFixed(0)} ms, cpu ${((user + system) / 1000).toFixed(0)} ms`)
    process.exit()
  },
  (error: unknown) => {
    console.error(String(error))
    process.exitCode = 1
  },
)
