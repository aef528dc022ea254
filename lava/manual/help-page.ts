/** Makes a manual page of what a command prints for `--help`, so that the two cannot differ. */

import { type PageTitle, RoffPage } from './roff.js'

/** A section's head, with what its lines are. Other blocks are text. */
const HEADINGS = [
  { pattern: /^(?<name>(?:Arguments|Commands|Options|Exit codes)[^:]*):$/, add: addTerms },
  { pattern: /^(?<name>Examples?):(?: (?<text>.*))?$/, add: addExample },
] as const

/** `  --json   print JSON`: a label and, after two blanks, its meaning. */
const TERM = /^ {2}(?<label>\S.*?)(?: {2,}(?<meaning>\S.*))?$/

/** @param help printed on a terminal so wide that no option is cut: `Usage: ...`, what it does, then blocks of lines */
export function pageOfHelp(title: Omit<PageTitle, 'summary'>, help: string): string {
  const [usage = '', summary = '', ...blocks] = help.trim().split(/\n{2,}/)
  const page = new RoffPage({ ...title, summary: summary.replace(/\.$/, '') })
  page.heading('Synopsis').paragraph(usage.replace(/^Usage: /, ''))
  let described = false
  for (const block of blocks) {
    const [first = '', ...rest] = block.split('\n')
    const heading = HEADINGS.find(({ pattern }) => pattern.test(first))
    if (heading === undefined) {
      if (!described) page.heading('Description')
      described = true
      addText(page, [first, ...rest])
      continue
    }
    const { name = '', text } = heading.pattern.exec(first)?.groups ?? {}
    page.heading(name)
    heading.add(page, text === undefined ? rest : [text, ...rest])
  }
  return page.toString()
}

/** A paragraph; indented lines at its end are shown as they are. */
function addText(page: RoffPage, lines: readonly string[]): void {
  const end = lines.findIndex(line => line.startsWith(' '))
  page.paragraph(lines.slice(0, end < 0 ? lines.length : end).join('\n'))
  if (end >= 0) addExample(page, lines.slice(end))
}

function addExample(page: RoffPage, lines: readonly string[]): void {
  page.example(lines.map(line => line.replace(/^ {2}/, '')))
}

function addTerms(page: RoffPage, lines: readonly string[]): void {
  const terms: { label: string; meaning: string }[] = []
  for (const line of lines) {
    const { label, meaning = '' } = TERM.exec(line)?.groups ?? {}
    const last = terms.at(-1)
    if (label !== undefined) terms.push({ label, meaning })
    else if (last !== undefined) last.meaning = `${last.meaning} ${line.trim()}`.trim()
  }
  for (const { label, meaning } of terms) page.term(label, meaning)
}
