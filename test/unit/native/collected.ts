/** Maps a file, drops the array, and sends whether the mapping existed before and was removed afterwards. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { mapFile } from '../../../native/index.js'
import { answer } from './child.js'

export interface CollectedAnswers {
  readonly mappedWhileUsed: boolean
  readonly mappedWhenForgotten: boolean
  /** the bytes, read through a view that outlived the array */
  readonly seen: string
}

const directory = mkdtempSync(join(tmpdir(), 'fauxboot-map-'))
const path = join(directory, 'artifact')
// A thread undoes a long map.
writeFileSync(path, 'x'.repeat(2 << 20))
const isMapped = () => readFileSync('/proc/self/maps', 'utf8').includes(path)

/** Collect garbage, and let finalizers run, which takes some iterations of the event loop. */
async function collect(turns: number): Promise<void> {
  for (let turn = 0; turn < turns && isMapped(); turn++) {
    global.gc?.()
    await setImmediate()
  }
}

let view: Uint8Array | null = mapFile(path).subarray(5000, 5003)
await collect(5)
const mappedWhileUsed = isMapped()
const seen = Buffer.from(view).toString()
view = null
await collect(100)
const answers: CollectedAnswers = { mappedWhileUsed, mappedWhenForgotten: isMapped(), seen }
rmSync(directory, { recursive: true })
answer(answers)
