/**
 * A console log as its lines were before it was pasted into a mail: without quotation marks and carriage returns, and
 * with the lines put together again that the running kernel's own messages cut into.
 */

/** A line of a program, or a message of the running kernel. */
export interface LogLine {
  readonly text: string
  readonly fromKernel: boolean
}

/** One or more `>`, and the one blank that mail programs put behind the last. */
const QUOTATION = /^(?:[ \t]*>)+ ?/

/** The time that `printk` puts in front of a message, with the caller where that is configured. */
const KERNEL_TIME = /\[ *\d+\.\d{6}\](?:\[ *[CT]\d+\])? ?/

/** A line that a message cut is shorter than this; more is not put together, whatever the text. */
const LONGEST_FRAGMENT = 512

/**
 * The lines of a text.
 *
 * A message of the kernel may stand anywhere, in the middle of a word too. It ends with its own line break, so what
 * stands in front of it goes on at the start of the next line that is not itself a message.
 */
export function* logLines(text: string): Generator<LogLine> {
  let fragment = ''
  let indentation = 0
  for (const raw of text.split('\n')) {
    const line = raw.replaceAll('\r', '').replace(QUOTATION, '')
    const time = KERNEL_TIME.exec(line)
    const own = time === null ? line : line.slice(0, time.index)
    // In an indented paste the second half is indented as well.
    const joined = fragment === '' ? own : fragment + withoutIndentation(own, indentation)
    if (time === null) {
      yield { text: joined, fromKernel: false }
      fragment = ''
      continue
    }
    if (joined.trim() !== '' && joined.length <= LONGEST_FRAGMENT) {
      if (fragment === '') indentation = own.length - own.trimStart().length
      fragment = joined
    }
    yield { text: line.slice(time.index + time[0].length), fromKernel: true }
  }
  if (fragment !== '') yield { text: fragment, fromKernel: false }
}

function withoutIndentation(line: string, most: number): string {
  const blanks = line.length - line.trimStart().length
  return line.slice(Math.min(blanks, most))
}
