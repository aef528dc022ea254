import t from 'tap'
import { knownTest } from '../../../../lava/target-tests/known-tests.js'

t.test("LTP and the kernel's selftests need no settings", async t => {
  t.match(knownTest('ltp'), [/--run-suite/])
  t.match(knownTest('kselftest-cpu-hotplug'), [/run_kselftest\.sh -c cpu-hotplug$/])
  for (const type of ['unixbench', 'kselftest', 'kselftest-', 'kselftest-a;reboot', 'kselftest-$(id)']) {
    t.equal(knownTest(type), null, type)
  }
})
