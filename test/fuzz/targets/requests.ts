/** What labs send: jobs in all their forms, bundles, boot scripts, TFTP. */

import { readFileSync } from 'node:fs'
import { parseBootScript } from '../../../agent/boot/requests/boot-script.js'
import { parseJobJson } from '../../../agent/boot/requests/json.js'
import { parseJobKernelci } from '../../../agent/boot/requests/kernelci.js'
import { parseJobLava } from '../../../agent/boot/requests/lava.js'
import { readZip } from '../../../agent/boot/requests/zip/zip-stream.js'
import { parseTftpPacket, requestPacket } from '../../../agent/transfer/tftp/packets.js'
import { makeZip } from '../../unit/agent/boot/requests/zip/zip-fixture.js'
import { drain, type FuzzTargets, textOf, textSeeds } from '../target.js'

const BOARD = { console: 'ttyS0,115200n8', kernelArgs: '' }
const read = (file: string): Uint8Array => readFileSync(`test/unit/agent/boot/requests/${file}`)

/** A parser of parsed JSON; what is not JSON at all is Node's to refuse. */
function fromJson(parse: (value: unknown) => unknown) {
  return (input: Uint8Array): unknown => {
    let value: unknown
    try {
      value = JSON.parse(textOf(input))
    } catch (thrown) {
      if (thrown instanceof SyntaxError) return undefined
      throw thrown
    }
    return parse(value)
  }
}

const JSON_WORDS = [
  '{',
  '}',
  '[',
  ']',
  '[]',
  ',',
  ':',
  '""',
  '"a":',
  'null',
  'true',
  '-1',
  '1e400',
  '\\u0000',
  '\x1b[2J',
]
const YAML_WORDS = [
  '[',
  ']',
  '{',
  '}',
  '- ',
  '? ',
  ': ',
  '\n',
  '  ',
  '\t',
  '&a ',
  '*a ',
  '<<: ',
  '!!map ',
  '| ',
  '>-\n',
]

export const REQUEST_TARGETS: FuzzTargets = {
  'job-json': {
    seeds: textSeeds('{"kernel":{"url":"http://h/zImage"},"cmdline":"console=ttyS0","options":{"watchdog":10}}'),
    words: [...JSON_WORDS, '"kernel":', '"artifact":', '"sha256":', '"overlays":', '"options":', '"watchdog":'],
    run: fromJson(value => parseJobJson(value)),
  },
  'kernelci-job': {
    seeds: [read('pull-labs-a80.json')],
    words: [...JSON_WORDS, '"artifacts":', '"environment":', '"console":', '"baud":', '"boot_method":'],
    run: fromJson(value => parseJobKernelci(value, BOARD)),
  },
  'lava-job': {
    seeds: [read('lava-a80.yaml')],
    words: [...YAML_WORDS, 'actions:', 'deploy:', 'kernel:', 'url: ', 'to: tftp'],
    run: input => parseJobLava(textOf(input), BOARD),
  },
  zip: {
    seeds: [
      makeZip([
        { name: 'job.json', data: Buffer.from('{}') },
        { name: 'zImage', data: Buffer.alloc(600, 'kernel') },
      ]),
    ],
    run: input => readZip(one(input), (_, data) => drain(data)),
  },
  'boot-script': {
    seeds: textSeeds(
      'setenv bootargs console=ttyS0\nbootz 0x42000000 - 0x43000000\n',
      '# ramdisk: a\nbootz 42000000\n',
    ),
    words: ['setenv ', 'bootz ', '\n', '\t', ' ', ';', '"', "'", '\\\n', '#', '${a}', '0x42000000 '],
    run: input => parseBootScript(input),
  },
  'tftp-packet': {
    seeds: [requestPacket('read', 'zImage', new Map([['blksize', '1468']]))],
    run: input => parseTftpPacket(input),
  },
}

async function* one(input: Uint8Array): AsyncGenerator<Uint8Array> {
  yield input
}
