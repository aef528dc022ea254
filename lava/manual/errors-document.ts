/** `agent/errors.md`: the errors as a table. */

import { ERRORS, type ErrorCode } from '../../agent/errors.js'
import { cell, code } from './markdown-cell.js'

const HEAD = `# Errors

\`npm run build\` writes this file from the table in \`agent/errors.ts\`.

What people read is the problem and, after a semicolon, its remedy: on a console, in \`message\` of the JSON over HTTP,
\`{code, message, statusCode, details}\`, and on the standard error of the command line (with \`--json\` as the same JSON). \`details\`
holds the values that stand in braces below. The exit code is 1 when the input or the request has to change, 2 when something else failed.
An error without a remedy has it in its \`{reason}\`, or has none. The last column is what a real U-Boot prints for the same error, where it
knows it; the console prints that.

| code | problem | remedy | HTTP | exit | U-Boot |
|---|---|---|---|---|---|
`

/** The whole file. */
export function errorsDocument(): string {
  const rows = (Object.keys(ERRORS) as ErrorCode[]).map(name => {
    const { problem, remedy, status, exit, uboot } = ERRORS[name]
    const cells = [code(name), cell(problem), cell(remedy ?? ''), status, exit, cell(uboot ?? '')]
    return `| ${cells.join(' | ')} |\n`
  })
  return HEAD + rows.join('')
}
