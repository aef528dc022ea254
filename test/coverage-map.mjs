/**
 * Which sources tap measures: the folders whose lines must all be run by the unit tests (see CONTRIBUTING.md).
 * `agent/uboot` joins them when it is written.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const MEASURED = ['agent/image', 'agent/kexec', 'agent/boot']

const sources = MEASURED.flatMap(folder =>
  readdirSync(folder, { recursive: true })
    .map(file => join(folder, String(file)))
    .filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts')),
)

export default () => sources
