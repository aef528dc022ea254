/** What the documents of this project hold: blocks of code, code in a line, links. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Code that stands on lines of its own. */
export interface Block {
  readonly file: string
  /** its first line in the file, from 1 */
  readonly line: number
  /** without what all of its lines are indented by */
  readonly text: string
}

/** A piece of a document, and the document. */
export interface Quote {
  readonly file: string
  readonly text: string
}

const FOLDERS = ['agent', 'lava', 'native', 'systemd', 'test']

const isDocument = (name: string): boolean => name.endsWith('.md') && !name.includes('node_modules')

/** The Markdown files, by their paths from the root. */
export const DOCUMENTS: readonly string[] = [
  ...readdirSync('.').filter(isDocument),
  ...FOLDERS.flatMap(folder =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(isDocument)
      .map(name => join(folder, name)),
  ),
].sort()

export const textOf = (file: string): string => readFileSync(file, 'utf8')

const INDENTED = /^ {4}/

/** A block follows an empty line, and is indented by four blanks or, in a list, more. */
function blocksOf(file: string): Block[] {
  const blocks: Block[] = []
  let open: string[] | null = null
  let before = ''
  const lines = textOf(file).split('\n')
  for (const [index, line] of [...lines, 'the end'].entries()) {
    if (open !== null && line !== '' && !INDENTED.test(line)) {
      blocks.push({ file, line: index - open.length + 1, text: withoutIndent(open) })
      open = null
    }
    if (open !== null) open.push(line)
    else if (before === '' && INDENTED.test(line)) open = [line]
    before = line
  }
  return blocks
}

function withoutIndent(lines: readonly string[]): string {
  const indents = lines.filter(line => line !== '').map(line => line.search(/\S/))
  const text = lines.map(line => line.slice(Math.min(...indents))).join('\n')
  return text.trimEnd()
}

export const BLOCKS: readonly Block[] = DOCUMENTS.flatMap(blocksOf)

/** The block that begins so. @throws Error if there is none */
export function blockOf(file: string, start: string): string {
  const block = BLOCKS.find(block => block.file === file && block.text.startsWith(start))
  if (block === undefined) throw new Error(`${file} has no block that begins with ${start}`)
  return block.text
}

/** Text outside blocks. */
const proseOf = (file: string): string => textOf(file).replace(/^ {4}.*$/gm, '')

const quotes = (pattern: RegExp): readonly Quote[] =>
  DOCUMENTS.flatMap(file => [...proseOf(file).matchAll(pattern)].map(([, text = '']) => ({ file, text })))

/** Code between backquotes. */
export const INLINE: readonly Quote[] = quotes(/`([^`]+)`/g)

/** Targets of links and pictures. */
export const LINKS: readonly Quote[] = quotes(/\]\(([^)\s]+)\)/g)

/** The names by which the headings of a document can be linked, as GitHub makes them. */
export function anchorsOf(file: string): string[] {
  const headings = proseOf(file).matchAll(/^#+ (.+)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
}
