import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { anchorsOf, DOCUMENTS, INLINE, LINKS } from './document.js'

t.test('there are documents, and links in them', async t => {
  for (const file of ['README.md', 'agent/http/README.md', 'test/bench/README.md']) t.ok(DOCUMENTS.includes(file), file)
  t.ok(LINKS.length > 50)
})

t.test('every link leads to a file, and to a heading in it', async t => {
  for (const { file, text } of LINKS) {
    if (/^https?:/.test(text)) continue
    const [path = '', anchor] = text.split('#')
    const target = path === '' ? file : join(dirname(file), path)
    t.ok(existsSync(target), `${file}: ${text}`)
    if (anchor !== undefined) t.ok(anchorsOf(target).includes(anchor), `${file}: ${text}`)
  }
})

/** Names of files that are not of this project, or stand for others. */
const OTHERS: Readonly<Record<string, string>> = {
  'boards.yaml': "lava-docker's",
  'boards/NAME.json': 'NAME stands for a board',
  'systemd/boards/NAME.json': 'NAME stands for a board',
  'NAME-view.ts': 'NAME stands for a view',
  'boot.scr': 'pushed over TFTP',
  'job.json': 'pushed over TFTP',
  'job.yaml': 'pushed over TFTP',
  'nightly/plan.json': 'read over TFTP',
  'status.json': 'read over TFTP',
  'dist/explain.html': 'npm run build makes it',
  'test/py': "of U-Boot's tree",
}

const FILES: readonly string[] = ['agent', 'lava', 'native', 'systemd', 'test'].flatMap(folder =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => join(folder, name)),
)
const BASES: ReadonlySet<string> = new Set(FILES.map(name => basename(name)))

const isPath = (text: string): boolean =>
  /^[\w./-]+$/.test(text) &&
  (/^(agent|lava|native|systemd|test)\//.test(text) ||
    /\w\.(ts|mjs|json|ya?ml|sh|py|c|patch|md|html|cjs|scr)$/.test(text))

t.test('every file that a document names is there: from the root, from the document, or by its name alone', async t => {
  const named = INLINE.filter(({ text }) => isPath(text) && !text.startsWith('/'))
  t.ok(named.length > 50)
  for (const { file, text } of named) {
    const found =
      existsSync(text) ||
      existsSync(join(dirname(file), text)) ||
      (!text.includes('/') && BASES.has(text)) ||
      text in OTHERS
    t.ok(found, `${file}: ${text}`)
  }
  for (const name of Object.keys(OTHERS))
    t.ok(
      named.some(({ text }) => text === name),
      `a document names ${name}`,
    )
})
