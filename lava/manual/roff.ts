/** Writes manual pages in the macros of man(7). */

export interface PageTitle {
  /** as in the file's name: `fauxboot-plan` */
  readonly name: string
  /** of the manual: 1 for commands, 8 for services */
  readonly section: number
  /** what it does, in a few words */
  readonly summary: string
  readonly version: string
}

/** Text as roff shows it: a hyphen stays one that can be copied, and no line begins a request. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&')
}

/** A macro's argument. */
const quoted = (text: string): string => `"${escaped(text).replaceAll('"', '\\(dq')}"`

/** A page, written from top to bottom. */
export class RoffPage {
  readonly #lines: string[]

  constructor({ name, section, summary, version }: PageTitle) {
    const title = [quoted(name.toUpperCase()), String(section), '""', quoted(`fauxboot ${version}`)]
    this.#lines = [`.TH ${title.join(' ')}`, '.SH NAME', `${escaped(name)} \\- ${escaped(summary)}`]
  }

  heading(text: string): this {
    this.#lines.push(`.SH ${quoted(text.toUpperCase())}`)
    return this
  }

  paragraph(text: string): this {
    this.#lines.push('.PP', escaped(text))
    return this
  }

  /** An option, a setting, an exit code: what it is called, and what it means. */
  term(label: string, meaning: string): this {
    this.#lines.push('.TP', `.B ${quoted(label)}`, escaped(meaning))
    return this
  }

  /** Lines to type, or to compare with, as they are. */
  example(lines: readonly string[]): this {
    this.#lines.push('.PP', '.EX', ...lines.map(escaped), '.EE')
    return this
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}
