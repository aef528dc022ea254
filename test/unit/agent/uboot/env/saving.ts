/**
 * Saves n=FIRST, n=FIRST+1 and so on, each many bytes long, and prints each number once it is saved. Ends when it is killed.
 *
 * Arguments: `fw_env.config`, FIRST
 */

import { readFileSync, writeSync } from 'node:fs'
import { EnvironmentFile, parseEnvironmentConfig } from '../../../../../agent/uboot/env/environment-file.js'

const [config = '', first = ''] = process.argv.slice(2)
const store = new EnvironmentFile('FAT', parseEnvironmentConfig(readFileSync(config, 'utf8'), config))
for (let n = Number(first); ; n++) {
  await store.save(new Map([['n', `${n} `.repeat(5000)]]))
  writeSync(1, `${n}\n`)
}
