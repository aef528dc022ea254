import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { EnvironmentFile, parseEnvironmentConfig } from '../../../../../agent/uboot/env/environment-file.js'

const DEATHS = 6
const SIZE = '0x10000'

/** One copy that is a file of its own, and two in a larger file: on a board, partitions. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  'a file of its own': ['uboot.env 0x0'],
  'two places of a larger file': ['disk 0x1000', 'disk 0x20000'],
}

for (const [where, places] of Object.entries(PLACES)) {
  t.test(
    `a process that is killed while it saves to ${where} leaves what it saved last, or the value before`,
    async t => {
      const directory = t.testdir({ disk: Buffer.alloc(0x40000) })
      const config = join(directory, 'fw_env.config')
      const text = places.map(place => `${join(directory, place)} ${SIZE}\n`).join('')
      writeFileSync(config, text)
      const store = new EnvironmentFile('FAT', parseEnvironmentConfig(text, config))
      let next = 1
      for (let death = 0; death < DEATHS; death++) {
        const saving = spawn(process.execPath, [
          join(import.meta.dirname, `saving${extname(import.meta.filename)}`),
          ...[config, String(next)],
        ])
        const ended = once(saving, 'close')
        let saved = next - 1
        createInterface({ input: saving.stdout }).on('line', line => (saved = Number(line)))
        await once(saving.stdout, 'data')
        // Somewhere in the next few saves, each of which takes about a millisecond.
        await new Promise(resolve => setTimeout(resolve, 2 * death))
        saving.kill('SIGKILL')
        await ended
        const value = (await store.load())?.get('n')
        const found = Number(value?.split(' ')[0])
        t.equal(value, `${found} `.repeat(5000), 'it is whole')
        t.ok(found === saved || found === saved + 1, `saved ${saved}, found ${found}`)
        next = found + 1
      }
    },
  )
}
