/** Where the settings say that the environment is saved. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fault } from '../../errors.js'
import type { UBootConfig } from '../board/uboot-config.js'
import type { EnvironmentStore } from './environment.js'
import { EnvironmentFile, parseEnvironmentConfig } from './environment-file.js'
import { ENVIRONMENT_BYTES } from './uboot-environment.js'

/**
 * What `saveenv` writes is in `directory`, on a board gone with the power, unless a file says where to put it.
 *
 * @throws UBOOT_ENVIRONMENT when that file cannot be read, or makes no sense
 */
export async function environmentStore({
  environment,
  directory,
}: Pick<UBootConfig, 'environment' | 'directory'>): Promise<EnvironmentStore> {
  if (environment === null) {
    const path = join(directory, 'uboot.env')
    return new EnvironmentFile('RAM', [{ path, offset: 0, size: ENVIRONMENT_BYTES }])
  }
  const text = await readConfig(environment)
  return new EnvironmentFile('MMC', parseEnvironmentConfig(text, environment))
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    throw fault(
      'UBOOT_ENVIRONMENT',
      { what: path, reason: thrown instanceof Error ? thrown.message : String(thrown) },
      thrown,
    )
  }
}
