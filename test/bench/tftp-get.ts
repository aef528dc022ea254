/**
 * fauxboot's TFTP client alone, for the board: `node tftp-get.cjs addon|dgram SERVER PORT FILE [BLKSIZE WINDOWSIZE]`. Gets
 * the file twice, and prints what the second time took: the agent runs when it is asked for a file, and a job has several.
 */

import { createUdpNetwork } from '../../agent/native-udp.js'
import { fetchTftp } from '../../agent/transfer/tftp/client/client.js'
import { udpNetwork } from '../../agent/transfer/tftp/udp.js'
import { timedHere } from './timing.js'

const [core, server = '', port, file = '', ...sizes] = process.argv.slice(2)
const [blockSize = null, windowSize = null] = sizes.map(Number)
const network = core === 'addon' ? createUdpNetwork() : udpNetwork
const get = () => fetchTftp({ server, port: Number(port), file, network, blockSize, windowSize }, () => undefined)
get()
  .then(() => timedHere(get))
  .then(
    took => {
      console.log(`took ${JSON.stringify(took)}`)
      process.exit()
    },
    (error: unknown) => {
      console.error(String(error))
      process.exitCode = 1
    },
  )
