import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { commandNames } from '../../../lava/cli/command-line.js'
import { fauxboot } from '../lava/capture.js'
import { checkCommand, PROGRAMS, parserOf } from './command-check.js'
import { BLOCKS, INLINE } from './document.js'

/** Blocks that are not typed at a shell, by their first words, and what they are. */
const OTHER_BLOCKS: Readonly<Record<string, string>> = {
  'lab (LAVA, KernelCI, you)': 'a drawing',
  '[ 0.90 s] power on': 'what npm run demo prints: it needs QEMU',
  'U-Boot 2026.10-fauxboot': 'a console: examples.test.ts types it',
  'connection: &cubieboard4': "settings of ser2net: it would need the board's serial adapter",
  'nfs: {': 'settings of a pull lab: examples.test.ts reads them',
  '/srv/nfs/fauxboot  192.168.1.0/24': "a line of the NFS server's settings, which only root and a kernel can try",
  'offset   what': "a card's layout: card-layout.test.ts checks it",
  'start  kernel 3.5 s': 'a line of fauxboot board, whose figures are those of one board',
}

/** Stands for every program: it only notes how it was called, one word a line. */
const RECORDER = `#!/bin/sh
words=$(printf '%s\\n' "\${0##*/}" "$@")
printf '%s\\n\\n' "$words" >> "$RECORD"
`

/** Let a shell run lines, and see what it would start. */
function commandsOf(t: Test, lines: string): string[][] {
  t.notMatch(lines, />\s*\//, 'it writes no file of this machine')
  const folder = t.testdir({ bin: {}, work: {} })
  const record = join(folder, 'record')
  writeFileSync(record, '')
  for (const program of PROGRAMS) {
    const path = join(folder, 'bin', program)
    writeFileSync(path, RECORDER)
    chmodSync(path, 0o755)
  }
  // Folders of the home directory that lines write to.
  for (const [, path = ''] of lines.matchAll(/ ~(\/\S*)\//g)) mkdirSync(join(folder, path), { recursive: true })
  const { status, stderr } = spawnSync('/bin/sh', ['-eu', '-c', lines], {
    cwd: join(folder, 'work'),
    env: { PATH: join(folder, 'bin'), RECORD: record, HOME: folder, TOKEN: 'secret', TREE: '/tree' },
    encoding: 'utf8',
  })
  t.equal(status, 0, stderr)
  return readFileSync(record, 'utf8')
    .split('\n\n')
    .filter(words => words !== '')
    .map(words => words.split('\n'))
}

const isOther = (text: string): boolean => Object.keys(OTHER_BLOCKS).some(start => text.startsWith(start))

t.test('every line that a document tells people to type can be typed', async t => {
  for (const { file, line, text } of BLOCKS.filter(({ text }) => !isOther(text))) {
    await t.test(`${file}:${line}`, async t => {
      const commands = commandsOf(t, text)
      t.ok(commands.length > 0, 'it starts something')
      for (const [program = '', ...args] of commands) {
        await t.resolves(checkCommand(program, args), [program, ...args].join(' '))
      }
    })
  }
})

t.test('every example of --help can be typed', async t => {
  for (const name of commandNames()) {
    const { stdout } = await fauxboot([name, '--help'])
    const [, examples = ''] = stdout.split('\nExamples:\n')
    t.match(examples, /^ {2}/, `${name} has examples`)
    for (const [program = '', ...args] of commandsOf(t, examples.replace(/^(?! {2}).*$/gm, ''))) {
      await t.resolves(checkCommand(program, args), [program, ...args].join(' '))
    }
  }
})

t.test('what is not typed is in the documents', async t => {
  for (const start of Object.keys(OTHER_BLOCKS))
    t.ok(
      BLOCKS.some(({ text }) => text.startsWith(start)),
      start,
    )
})

t.test('every command in a sentence has its options', async t => {
  const typed = INLINE.map(({ file, text }) => ({ file, text: text.replace(/^npx fauxboot/, 'fauxboot') }))
  for (const { file, text } of typed.filter(({ text }) => /^(npm |npx |sh test\/|node dist\/)/.test(text))) {
    const [program = '', ...args] = text.split(/\s+/)
    await t.resolves(checkCommand(program, args), `${file}: ${text}`)
  }
  for (const { file, text } of typed.filter(({ text }) => /^fauxboot [a-z]/.test(text))) {
    const [, name = '', ...args] = text.split(/\s+/)
    const { options } = await parserOf(name)
    for (const arg of args.filter(arg => arg.startsWith('--'))) {
      t.ok(
        options.some(({ long }) => long === arg),
        `${file}: ${text}`,
      )
    }
  }
})

/** Options of other programs that documents name alone. */
const OTHER_OPTIONS: Readonly<Record<string, string>> = {
  '--help': 'of every command',
  '--lava': "of systemd/target/target.js, which the sentence's first command shows",
  '--runs': 'of npm run bench',
}

t.test('every option that a document names alone is one of fauxboot', async t => {
  const parsers = await Promise.all(commandNames().map(parserOf))
  const known = new Set(parsers.flatMap(({ options }) => options.map(({ long }) => long)))
  for (const { file, text } of INLINE) {
    const [option = ''] = /^--\w[\w-]*/.exec(text) ?? []
    if (option === '' || /settings\.md|errors\.md/.test(file)) continue
    t.ok(known.has(option) || option in OTHER_OPTIONS, `${file}: ${text}`)
  }
})
