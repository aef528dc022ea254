/** Where the settings say that the environment is saved. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fault } from '../../errors.js'
import type { EnvironmentStore } from './environment.js'
import { EnvironmentFile, parseEnvironmentConfig } from './environment-file.js'
import { ENVIRONMENT_BYTES } from './uboot-environment.js'

export interface EnvironmentSettings {
  /** directory on a tmpfs */
  readonly directory: string
  /** a `fw_env.config` that says where `saveenv` writes; null: into `directory`, where it is lost with the power */
  readonly environment: string | null
}

/**
 * The store of the saved environment.
 *
 * @throws UBOOT_ENVIRONMENT_CONFIG when that file cannot be read, UBOOT_ENVIRONMENT when it makes no sense
 */
export async function environmentStore({ environment, directory }: EnvironmentSettings): Promise<EnvironmentStore> {
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
    const { code, message } = thrown as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'no such file' : message
    throw fault('UBOOT_ENVIRONMENT_CONFIG', { file: path, reason }, thrown)
  }
}
