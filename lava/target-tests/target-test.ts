/** A test of a job, and how it ended, in the terms of KernelCI's API. */

/** `node.result` (kernelci-core, `ResultValues`). */
export const RESULTS = ['pass', 'fail', 'skip', 'incomplete'] as const
export type Result = (typeof RESULTS)[number]

export interface TargetTest {
  readonly id: string
  readonly type: string
  readonly timeoutSeconds: number
  /** for the target's shell, in this order; one of several lines is a script */
  readonly commands: readonly string[]
  /** `NAME=VALUE` words, in the environment of the commands */
  readonly parameters?: string
  /** why it cannot be run here, as the rest of a sentence about it; then it has no commands */
  readonly unsupported?: string
}

export interface TestOutcome {
  readonly id: string
  /** for KCIDB: `boot`, `shell.smoke` */
  readonly path: string
  readonly result: Result
  /** why, when it did not pass; empty when it did */
  readonly message: string
  readonly seconds: number
  /** when it began, ISO 8601; undefined for one that did not, and in records of earlier versions */
  readonly started?: string
}

/** Types that are the boot itself. */
const BOOT_TYPES = ['boot', 'baseline']

export const isBootTest = ({ type }: Pick<TargetTest, 'type'>): boolean => BOOT_TYPES.includes(type)

/** A word of a path of KCIDB: letters, digits, `_` and `-`. */
export const pathWord = (text: string): string => text.replace(/[^A-Za-z0-9_-]/g, '_')

/** KCIDB's path of a test: dots between words. The boot itself is `boot`. */
export function testPath(test: Pick<TargetTest, 'id' | 'type'>): string {
  return isBootTest(test) ? 'boot' : `${pathWord(test.type)}.${pathWord(test.id)}`
}
