/** Runs on a terminal: sends, as hex, each byte that comes over its line, until a q comes. */

import { readlinkSync } from 'node:fs'
import { openTty } from '../../../../../agent/uboot/console/tty-line.js'
import { drainTty, rawTty } from '../../../../../native/index.js'

const line = openTty(readlinkSync('/proc/self/fd/0'), { rawTty, drainTty })
line.receive(bytes => {
  line.send(Buffer.from(bytes, 'latin1').toString('hex'))
  if (bytes.endsWith('q')) void line.drained().then(() => process.exit())
  return true
})
line.send('raw\n')
