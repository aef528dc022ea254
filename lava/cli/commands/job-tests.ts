/** The tests of a job file that is sent as it is, for a boot that is watched. */

import { readJobFile } from '../../client/job-file.js'
import { lavaTests, readLavaYaml } from '../../target-tests/lava-tests.js'
import type { TargetTest } from '../../target-tests/target-test.js'

/**
 * Read the test definitions of a LAVA job.
 *
 * @returns no tests for a job of another kind
 * @throws CLI_FILE; JOB_INVALID with the path of a wrong value
 */
export async function testsOfJobFile(path: string): Promise<TargetTest[]> {
  const { type, content } = await readJobFile(path, { uploads: () => undefined, uploaded: () => undefined })
  return type === 'application/yaml' && typeof content === 'string' ? lavaTests(readLavaYaml(content)) : []
}
