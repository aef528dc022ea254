/**
 * Restores the lines of a console log that was pasted into a mail: removes quotation marks and carriage returns, and
 * rejoins lines that messages of the running kernel interrupted.
 */

/** A line of a program, or a message of the running kernel. */
export interface LogLine {
  readonly text: string
  readonly fromKernel: boolean
}

/** One or more `>`, and the space that mail programs add after the last. */
const QUOTATION = /^(?:[ \t]*>)+ ?/

/** The time that `printk` prints before a message, with the caller if that is configured. */
const KERNEL_TIME = /\[ *\d+\.\d{6}\](?:\[ *[CT]\d+\])? ?/

/** Interrupted lines are shorter than this; longer ones are never rejoined. */
const LONGEST_FRAGMENT = 512

/**
 * The lines of a text.
 *
 * A message of the kernel may appear anywhere, even within a word. It ends with a line break, so the interrupted line
 * continues at the start of the next line that is not a message.
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
