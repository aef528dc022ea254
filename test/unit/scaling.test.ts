/**
 * What each grammar costs when one of its constructs comes very often, or nests very deep. The work must grow like the text:
 * the agent runs on one thread, and a watchdog ends what blocks it.
 *
 * A text of eight times the length may take 24 times as much of the CPU, in the best of five tries: a square would take 64
 * times. What is done within a quarter of a second counts as fast, so that noise on a busy machine fails nothing.
 */

import t from 'tap'
import { parseBootScript } from '../../agent/boot/requests/boot-script.js'
import { parseJobJson } from '../../agent/boot/requests/json.js'
import { FauxbootError } from '../../agent/errors.js'
import { earlyconArgument, hasEarlycon } from '../../agent/kexec/checks/earlycon.js'
import { cutByShell } from '../../agent/kexec/checks/target.js'
import { parseIomem, parseRamOption } from '../../agent/kexec/layout/memory-map.js'
import { pxeMenu, pxeStatements } from '../../agent/uboot/boot/pxe-config.js'
import { importText } from '../../agent/uboot/env/environment-text.js'
import { parseValue, showValue, stringsOf } from '../../agent/uboot/fdt/value.js'
import { HushParser } from '../../agent/uboot/hush/parser.js'
import { formatValues } from '../../agent/uboot/lib/setexpr-format.js'
import { compileSlre, SlreError } from '../../agent/uboot/lib/slre.js'
import { parseYaml } from '../../agent/yaml.js'

/** A text that a grammar refuses; any other error is a defect. */
class Refused extends Error {}

interface Grammar {
  readonly name: string
  read(text: string): unknown
  /** constructs, repeated; an array begins and ends the text with its other parts */
  readonly pieces: readonly (string | readonly [before: string, piece: string])[]
}

const BLANKS = [' ', '\t', '\n', '\r\n', '\r'] as const
const BRACKETS = ['[', ']', '{', '}', '(', ')', '<', '"', "'", '\\', '${', '$(', '`', '|', '&', '*'] as const

const hush = (mode: 'text' | 'words') => (text: string) => {
  const parser = new HushParser(mode)
  parser.parse(`${text}\n`)
  return parser.end()
}

const GRAMMARS: readonly Grammar[] = [
  {
    name: 'YAML',
    read: text => parseYaml(text, { pieces: 16_384, aliases: 16 }, ({ reason }) => new Refused(reason)),
    pieces: [
      ...[
        '- ',
        '? ',
        ': ',
        'a: ',
        '- a\n',
        'k: 1\n',
        '? a\n: b\n',
        '#\n',
        '---\n',
        '%a\n',
        '!a ',
        '&a ',
        '*a ',
        '- &a b\n',
      ],
      ...['|\n', 'a: |\n\n', '- "a"\n', "'a' ", '[],', '{a: b},', '- - a\n', ' a\n', '- !!int 1\n', '- |2\n', '\ufeff'],
      ...(['[', '{', '"', "'"] as const).flatMap(before => [[before, 'a,'] as const, [before, '\n'] as const]),
      ['a: |\n', ' x\n'],
      ['a: >\n', ' x\n\n'],
      ['a: b\n', '#\n'],
      ['a: &a [1]\nb:\n', '- *a\n'],
    ],
  },
  {
    name: 'hush',
    read: hush('text'),
    pieces: [
      'a ',
      ';',
      'a;',
      'a=b ',
      '$a',
      '${a} ',
      '""',
      "'a' ",
      '\\a',
      '#',
      '#\n',
      'a&&',
      'if a;then b;fi;',
      ['"', '$a'],
      ['${', 'a:-'],
    ],
  },
  { name: 'a hush command with its variables put in', read: hush('words'), pieces: ['a ', '$a', '"a" ', "'", '\\\\'] },
  {
    name: 'pxe',
    read: text => pxeMenu(pxeStatements(text)),
    pieces: [
      ...[
        'a ',
        'menu ',
        'label a\n',
        'menu label a\n',
        'append initrd=a\n',
        'fdtoverlays a b\n',
        '#a\n',
        'default a\n',
        'x\n',
      ],
      ...BLANKS.flatMap(blank => [
        ['menu', blank] as const,
        ['append a', blank] as const,
        ['fdtoverlays a\nx \r', blank] as const,
      ]),
      ['append ', 'initrd='],
    ],
  },
  {
    name: 'boot.scr',
    read: text => parseBootScript(Buffer.from(text)),
    pieces: [
      'a ',
      ';',
      '#a\n',
      'setenv a b\n',
      ['setenv a ', '"" '],
      ['setenv a ', '\\a'],
      ['setenv b c\nsetenv a "', '$b'],
      ['setenv a ', '${'],
    ],
  },
  {
    name: 'environment text',
    read: text => [...importText(text, '\n')],
    pieces: ['a=b\n', 'a=', '#\n', '=', 'a\\\n', '\\', '\\\\\n', '\0', ['a', ' '], ['a=', '\\\n']],
  },
  {
    name: 'iomem',
    read: text => parseIomem(text),
    pieces: ['00-ff : System RAM\n', '  00-ff : a\n', '0', ['00-ff : ', ' '], ['00-ff : a', '\t']],
  },
  { name: 'a range of RAM', read: parseRamOption, pieces: ['0', '0x', '-', '+', 'K', ['0x0+', '0']] },
  {
    name: 'the command line',
    read: text => [hasEarlycon(text), cutByShell(text), earlyconArgument(null, text, true)],
    pieces: [
      'a ',
      'console=ttyS0 ',
      'console=',
      'earlycon',
      ' earlycon=',
      '"a b" ',
      ';',
      ['console=tty', 'a'],
      ['console=ttyS', '0'],
    ],
  },
  {
    name: 'values of a device tree',
    read: text => [
      parseValue([text], Buffer.from(text)),
      showValue(Buffer.from(text), 0, 2 ** 20),
      stringsOf(Buffer.from(text)),
    ],
    pieces: ['a ', 'a\0', '\0', ['<', '1 '], ['<', '? '], ['<', '0x1 '], ['[', '00 '], ['[', '0'], ['<', ' ']],
  },
  {
    name: 'a format of setexpr',
    read: text => formatValues(text, [text]),
    pieces: ['%', '%%', '%d', '\\n', '\\0', '%b', '%-', '%1', '%.'],
  },
  {
    name: 'a regular expression',
    read: text => compileSlre(text)('a'.repeat(1000)),
    pieces: [
      'a',
      'a*',
      '(a)*',
      'a|',
      '(|a)+',
      '[a-z]',
      '[^a]',
      '.*',
      '.*?',
      '\\d',
      '^',
      '$',
      '?',
      '+',
      ['[', 'a-'],
      ['(', 'a|'],
    ],
  },
  {
    name: 'JSON',
    read: text => parseJobJson(JSON.parse(text)),
    pieces: ['[', '{"a":', ['[', '1,'], ['"', '\\\\'], ['{', '"a":1,']],
  },
]

const refusal = (thrown: unknown): boolean =>
  thrown instanceof Refused ||
  thrown instanceof FauxbootError ||
  thrown instanceof SlreError ||
  thrown instanceof SyntaxError

/** Read a text, which may be refused. */
function read(grammar: Grammar, text: string): void {
  try {
    grammar.read(text)
  } catch (thrown) {
    if (!refusal(thrown)) throw thrown
  }
}

const textOf = (construct: string | readonly [string, string], length: number): string => {
  const [before, piece] = typeof construct === 'string' ? ['', construct] : construct
  return before + piece.repeat(Math.ceil(length / piece.length))
}

/** CPU time, microseconds. */
function cost(grammar: Grammar, text: string): number {
  const before = process.cpuUsage()
  read(grammar, text)
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** characters */
const SHORT = 6 * 1024
const FACTOR = 8
/** microseconds */
const FAST = 250_000

function growsLikeTheText(grammar: Grammar, construct: string | readonly [string, string]): boolean {
  const [short, long] = [textOf(construct, SHORT), textOf(construct, FACTOR * SHORT)]
  let [cheapest, dearest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  return [1, 2, 3, 4, 5].some(() => {
    dearest = Math.min(dearest, cost(grammar, long))
    if (dearest < FAST) return true
    cheapest = Math.min(cheapest, cost(grammar, short))
    return dearest < 3 * FACTOR * cheapest
  })
}

for (const grammar of GRAMMARS) {
  t.test(`the work for ${grammar.name} grows like its length`, async t => {
    for (const construct of [...grammar.pieces, ...BLANKS, ...BRACKETS])
      if (!growsLikeTheText(grammar, construct)) t.fail(JSON.stringify(construct))
  })

  t.test(`${grammar.name} that nests 100,000 deep is read or refused, twice`, async t => {
    for (let round = 0; round < 2; round += 1) {
      for (const bracket of [...BRACKETS, '- ', 'if ', 'if true; then ', '{"a":', '{a: ', 'a: '])
        t.doesNotThrow(() => read(grammar, bracket.repeat(100_000)), bracket)
    }
  })
}
