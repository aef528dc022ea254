import t from 'tap'
import { asFault, ERRORS, type ErrorCode, FauxbootError, fault, faultOf, sentenceOf } from '../../../agent/errors.js'

const CODES = Object.keys(ERRORS) as ErrorCode[]
const placeholders = (message: string): string[] => Array.from(message.matchAll(/\{(\w+)\}/g), match => match[1] ?? '')

/** Errors without a remedy of their own, and why. */
const NO_REMEDY: Readonly<Partial<Record<ErrorCode, string>>> = {
  FDT_EDIT: "the sentence is U-Boot's own, word for word",
  MAP_SYNTAX: 'the sentence says what is expected',
  KEXEC_SYSCALL: 'each reason says what to change',
  JOB_CANCELLED: 'somebody wanted that',
  CLI_FILE: 'the reason says what is wrong with the file',
  BUILD_INPUT: 'each reason says what to change',
  CONSOLE_ENDED: "QEMU's last words say why",
}

t.test('every error says what to do about it, after what is wrong', async t => {
  for (const code of CODES) {
    const { problem, remedy } = ERRORS[code]
    if (code in NO_REMEDY) t.equal(remedy, null, code)
    else t.equal(sentenceOf(code), `${problem}; ${remedy}`)
  }
})

t.test('a remedy is one short sentence', async t => {
  for (const code of CODES) {
    const { remedy } = ERRORS[code]
    t.ok((remedy ?? '').length <= 100, code)
    t.notMatch(remedy, /\.$/, code)
  }
})

t.test('a remedy shows the values of its error', async t => {
  const error = fault('ARTIFACT_RANGE', { name: 'zImage', found: 'bytes 9-19/20', received: 5 })
  t.equal(
    error.message,
    'artifact zImage: Content-Range bytes 9-19/20 does not follow the 5 bytes received; continue at byte 5',
  )
})

t.test('every status is an HTTP error and every exit code is 1 or 2', async t => {
  for (const code of CODES) {
    const { status, exit } = ERRORS[code]
    t.ok(status >= 400 && status < 600, `${code} has status ${status}`)
    t.ok(exit === 1 || exit === 2, `${code} has exit code ${exit}`)
  }
})

t.test('a message shows every field that its sentence names', async t => {
  for (const code of CODES) {
    const fields = Object.fromEntries(placeholders(sentenceOf(code)).map(name => [name, `<${name}>`]))
    const { message } = new FauxbootError(code, fields)
    for (const value of Object.values(fields)) t.ok(message.includes(value), `${code} shows ${value}`)
    t.notMatch(message, /\{\w+\}/)
  }
})

t.test('an error goes to a program as code, sentence, status and fields', async t => {
  const error = fault('JOB_UNKNOWN', { id: 'j1' })
  t.same(JSON.parse(JSON.stringify(error)), {
    code: 'JOB_UNKNOWN',
    message: 'there is no job j1; `fauxboot status` lists the jobs',
    statusCode: 404,
    details: { id: 'j1' },
  })
  t.equal(error.exitCode, 1)
})

t.test("an error has U-Boot's words where U-Boot has some, and its own elsewhere", async t => {
  t.equal(fault('FETCH_STATUS', { url: 'u', status: 404, reason: 'Not Found' }).ubootText, 'File not found')
  t.equal(fault('JOB_UNKNOWN', { id: 'j1' }).ubootText, 'there is no job j1; `fauxboot status` lists the jobs')
})

t.test('a foreign error is brought into the table with what was being done and its cause', async t => {
  const cause = new Error('boom')
  const error = asFault(cause, 'reading the moon')
  t.equal(error.code, 'INTERNAL')
  t.equal(error.problem, 'internal error while reading the moon: boom')
  t.equal(error.cause, cause)
  t.equal(asFault('text', 'x').problem, 'internal error while x: text')
  t.equal(asFault(error, 'again'), error)
})

t.test('an error that became JSON is the same error again', async t => {
  const error = fault('FETCH_STATUS', { url: 'http://lab/zImage', status: 404, reason: 'Not Found' })
  const again = faultOf(JSON.parse(JSON.stringify(error)))
  t.match(again, { code: error.code, message: error.message, details: error.details, ubootText: 'File not found' })
})

t.test('an error that another version of the table had keeps its sentence', async t => {
  for (const code of ['ICE_ON_ROAD', 'toString']) {
    const again = faultOf({ code, message: 'the road is icy', statusCode: 500, details: {} })
    t.match(again, { code: 'INTERNAL', problem: `internal error while reading the error ${code}: the road is icy` })
  }
})

t.test('a detail of any length is cut to 200 characters, with its beginning and its end', async t => {
  const key = `first${'x'.repeat(1_000_000)}last`
  const { problem, details } = fault('JOB_INVALID', { where: key, reason: 'is unknown' })
  t.match(details.where, /^first.*x….*x.*last$/)
  t.equal(String(details.where).length, 200)
  t.equal(problem, `the job is not valid: ${details.where} is unknown`)
  t.equal(fault('JOB_UNKNOWN', { id: 'i'.repeat(200) }).details.id, 'i'.repeat(200))
  t.equal(String(fault('JOB_UNKNOWN', { id: '\0'.repeat(1000) }).details.id).length, 200)
})

t.test('control characters in a detail are escaped, in the message too', async t => {
  const reason = 'Not\x1b[2J\x9b1m \u202eFound\r\n\u2028\ud800 ✓ 😀'
  const error = fault('FETCH_STATUS', { url: 'http://lab/zImage', status: 404, reason })
  const shown = 'Not\\u{1b}[2J\\u{9b}1m \\u{202e}Found\\u{d}\\u{a}\\u{2028}\\u{d800} ✓ 😀'
  t.same(error.details, { url: 'http://lab/zImage', status: 404, reason: shown })
  t.ok(error.message.startsWith(`http://lab/zImage: the server answered 404 ${shown}; `))
  t.same(faultOf(JSON.parse(JSON.stringify(error))).details, error.details, 'once is enough')
})

t.test('what a tool of the build printed keeps its lines', async t => {
  const fields = { doing: 'compiling', tool: 'gcc', status: 'exit 1' }
  const { details } = fault('BUILD_TOOL', { ...fields, reason: `${'x'.repeat(500)}\n\x1b[1merror` })
  t.equal(details.reason, `${'x'.repeat(500)}\n\\u{1b}[1merror`)
})
