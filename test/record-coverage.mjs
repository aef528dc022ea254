/**
 * Loaded by the processes of a test before all else (`node --import`): records which code of the measured folders runs,
 * and writes it when the process exits. Node's own NODE_V8_COVERAGE writes all modules, a hundred times as much.
 *
 * Environment: FAUXBOOT_COVERAGE, the folder to write to; FAUXBOOT_COVERAGE_OF, the URLs of the measured folders.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'

const { FAUXBOOT_COVERAGE: folder, FAUXBOOT_COVERAGE_OF: measured } = process.env
const prefixes = measured.split(' ').map(url => `${url}/`)

const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

process.on('exit', () => {
  session.post('Profiler.takePreciseCoverage', (error, coverage) => {
    if (error) throw error
    const result = coverage.result.filter(({ url }) => prefixes.some(prefix => url.startsWith(prefix)))
    if (result.length === 0) return
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${randomUUID()}.json`), JSON.stringify({ result }))
  })
})
