/**
 * YAML that other people wrote. The package `yaml` recurses as deep as the text nests, compares every key of a map with
 * every other, and walks the whole document for an alias. This reader bounds all three.
 */

import { Composer, type Document, isScalar, Lexer, Parser, visit } from 'yaml'

/**
 * Collections in collections; jobs and settings have some ten. Catching a stack overflow would not do: V8 ends the
 * process when it compiles a regular expression near the end of the stack.
 */
const DEEPEST = 64

/** What is wrong with a text. */
export interface YamlProblem {
  readonly reason: string
  /** null if no line is to blame */
  readonly line: number | null
}

export interface YamlLimits {
  /** words and marks in the text, with the blanks between them; jobs and settings have one for every 4 to 9 characters */
  readonly pieces: number
  /** aliases in the text: each may repeat all that its anchor holds */
  readonly aliases: number
}

/** Makes the error that is thrown. */
type Refusal = (problem: YamlProblem) => Error

class YamlText {
  readonly #text: string
  readonly #limits: YamlLimits
  readonly #refusal: Refusal

  constructor(text: string, limits: YamlLimits, refusal: Refusal) {
    this.#text = text
    this.#limits = limits
    this.#refusal = refusal
  }

  read(): unknown {
    const document = this.#compose()
    this.#check(document)
    try {
      return document.toJS()
    } catch (thrown) {
      // An alias without an anchor, or one that unfolds too far.
      throw this.#refusal({ reason: thrown instanceof Error ? thrown.message : String(thrown), line: null })
    }
  }

  #refuse(reason: string, offset: number): Error {
    return this.#refusal({ reason, line: this.#text.slice(0, offset).split('\n').length })
  }

  /** The syntax tree. The lexer does not recurse, and the parser does so only as far as its stack is deep. */
  *#tokens() {
    const parser = new Parser()
    const most = this.#limits.pieces
    let pieces = 0
    for (const piece of new Lexer().lex(this.#text)) {
      pieces += 1
      if (pieces > most) throw this.#refuse(`more than ${most} words and marks`, parser.offset)
      for (const token of parser.next(piece)) {
        // The first error ends it: the composer would make an object with a stack trace of each.
        if (token.type === 'error') throw this.#refuse(token.message, token.offset)
        yield token
      }
      if (parser.stack.length > DEEPEST) throw this.#refuse(`more than ${DEEPEST} levels`, parser.offset)
    }
    yield* parser.end()
  }

  #compose(): Document {
    // Errors are kept plain: to make them pretty takes the square of the text's length, when there are many.
    const composer = new Composer({ merge: true, uniqueKeys: false, prettyErrors: false, logLevel: 'error' })
    const [document, second] = withoutTraces(() => [...composer.compose(this.#tokens(), true, this.#text.length)])
    if (document === undefined) throw this.#refuse('no document', 0)
    const [error] = document.errors
    if (error !== undefined) throw this.#refuse(error.message, error.pos[0])
    if (second !== undefined) throw this.#refuse('more than one document', second.range[0])
    return document
  }

  /** Count the aliases, and compare the keys of each map by a set. */
  #check(document: Document): void {
    let aliases = 0
    visit(document, {
      Alias: (_, { range }) => {
        aliases += 1
        const most = this.#limits.aliases
        if (aliases > most) throw this.#refuse(`more than ${most} aliases`, range?.[0] ?? 0)
      },
      Map: (_, { items, range }) => {
        const seen = new Set<unknown>()
        for (const { key } of items) {
          if (!isScalar(key)) throw this.#refuse('a map has a key that is a list, a map or an alias', range?.[0] ?? 0)
          if (seen.has(key.value)) throw this.#refuse('Map keys must be unique', key.range?.[0] ?? 0)
          seen.add(key.value)
        }
      },
    })
  }
}

/** The composer makes an error for each piece that is out of place, and the stack trace takes most of its time. */
function withoutTraces<T>(work: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/**
 * Read a text of one YAML document, with merge keys (`<<`). The caller bounds its length.
 *
 * @param refusal makes the error for a text that is not YAML, is nested too deep, or has too much of anything
 */
export function parseYaml(text: string, limits: YamlLimits, refusal: Refusal): unknown {
  return new YamlText(text, limits, refusal).read()
}
