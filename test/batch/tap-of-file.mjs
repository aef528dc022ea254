/** What test files of a batch import as `tap`: the test of the file that is running. */
import root from 'tap'

let test = root

export { root, test as default }

/** From here on, importers see `t` as `tap`. */
export function runIn(t) {
  test = t
}
