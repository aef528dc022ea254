/** What is typed at the console, what scripts and menus hold, and what a telnet client sends. */

import { parseIomem, parseRamOption } from '../../../agent/kexec/layout/memory-map.js'
import { pxeMenu, pxeStatements } from '../../../agent/uboot/boot/pxe-config.js'
import { KeyDecoder } from '../../../agent/uboot/console/keys.js'
import { TelnetFilter } from '../../../agent/uboot/console/telnet.js'
import { parseEnvironmentConfig } from '../../../agent/uboot/env/environment-file.js'
import { importText } from '../../../agent/uboot/env/environment-text.js'
import { HushParser } from '../../../agent/uboot/hush/parser.js'
import { formatValues } from '../../../agent/uboot/lib/setexpr-format.js'
import { compileSlre, SlreError } from '../../../agent/uboot/lib/slre.js'
import { TelnetClient } from '../../../lava/console/telnet-client.js'
import { drain, type FuzzTargets, textOf, textSeeds } from '../target.js'

/** An expression and the text it is searched in, on two lines. */
function search(input: Uint8Array): unknown {
  const [expression = '', ...text] = textOf(input).split('\n')
  try {
    return compileSlre(expression)(text.join('\n'))
  } catch (thrown) {
    if (thrown instanceof SlreError) return thrown.message
    throw thrown
  }
}

function parseList(input: Uint8Array): unknown {
  const text = textOf(input)
  for (let next = 0; next < text.length; ) {
    const parser = new HushParser('text')
    const parsed = parser.parse(text, next)
    if (parsed.state === 'more') return parser.end()
    if (parsed.next <= next) throw new Error('the parser stays where it is')
    next = parsed.next
  }
  return null
}

const TELNET = ['\xff', '\xff\xfb\x01', '\xff\xfd\x03', '\xff\xfa', '\xff\xf0', '\r', '\0', 'x', '\xff\xfd\x2c']

export const CONSOLE_TARGETS: FuzzTargets = {
  hush: {
    seeds: textSeeds('if test -n "$a"; then echo ${b}; else run c; fi\nfor i in 1 2 3; do echo $i; done\n'),
    words: [
      'if ',
      'then ',
      'fi;',
      'while ',
      'do ',
      'done;',
      '(',
      ')',
      '"',
      "'",
      '$',
      '${',
      '}',
      '\\',
      ';',
      '&&',
      '||',
      '\n',
    ],
    run: parseList,
  },
  regexp: {
    seeds: textSeeds('(.*)a(b+)c?$\nxxabbc', '^[a-z]+(\\d)*\nabc123'),
    words: ['(', ')', '(.*)', '*', '+', '?', '+?', '[', ']', '[^a]', '\\d', '\\', '^', '$', '|', 'x', '\n'],
    run: search,
  },
  'setexpr-format': {
    seeds: textSeeds('%d %08x %s'),
    words: ['%', '%d', '%08x', '%-99999d', '%*d', '%s', '%ll', '\\', '.'],
    run: input => formatValues(textOf(input), ['12', '0x34', 'five']),
  },
  'pxe-menu': {
    seeds: textSeeds('menu title Boot\ntimeout 50\ndefault a\nlabel a\n  kernel /zImage\n  append console=ttyS0\n'),
    words: ['label ', 'menu ', 'kernel ', 'append ', 'include ', 'ontimeout ', ' ', '\t', '\n', '#'],
    run: input => pxeMenu(pxeStatements(textOf(input))),
  },
  'environment-text': {
    seeds: textSeeds('a=1\nb=two words\n# no\nc\\=3=x\n'),
    words: ['=', '\n', '\0', '\\', '#', ' ', '\t', 'name='],
    run: input => drain(importText(textOf(input), '\n', true)),
  },
  'fw-env-config': {
    seeds: textSeeds('/dev/mmcblk0 0x88000 0x20000\n/dev/mmcblk0 0xa8000 0x20000\n', '/boot/uboot.env 0x0000 0x10000'),
    words: ['/dev/mtd0 ', '0x', '-0x1 ', '\n', '\t', '#', ' ', '99999999999999999999 '],
    run: input => parseEnvironmentConfig(textOf(input), 'fw_env.config'),
  },
  iomem: {
    seeds: textSeeds('40000000-7fffffff : System RAM\n  40008000-40ffffff : Kernel code\n'),
    words: ['00000000-', 'ffffffff', ' : ', 'System RAM\n', '  ', '\n', '-'],
    run: input => parseIomem(textOf(input)),
  },
  'ram-option': {
    seeds: textSeeds('512M@0x40000000', '0x40000000-0x7fffffff'),
    words: ['@', '-', '0x', 'K', 'G', '9', ' '],
    run: input => parseRamOption(textOf(input)),
  },
  'telnet-server': {
    seeds: textSeeds('\xff\xfd\x01help\r\0'),
    words: TELNET,
    run(input) {
      const filter = new TelnetFilter(() => {})
      const keys = new KeyDecoder()
      for (const key of filter.receive(textOf(input))) keys.decode(key)
    },
  },
  'telnet-client': {
    seeds: [Uint8Array.from([0xff, 0xfb, 0x2c, 0xff, 0xfa, 0x2c, 0x65, 0, 1, 0xc2, 0, 0xff, 0xf0, 0x55])],
    words: TELNET,
    run: input => new TelnetClient({ offered: [44], reply: () => {}, subnegotiated: () => {} }).receive(input),
  },
}
