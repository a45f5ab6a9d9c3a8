// Lists the tests that passed only at the second try, for example because a busy machine delayed a terminal or a server. In
// suites that look for rare races, a second try counts as a failure.
const NO_SECOND_TRY =
  /\/test\/(faults|histories|protocol|contract)\/|\/(races|settling|lagging-reads|canary)\.test\.ts$/

export default class SecondTries {
  found = []

  onTestCaseResult(test) {
    if (test.diagnostic()?.flaky) this.found.push(`${test.module.moduleId}: ${test.fullName}`)
  }

  onTestRunEnd() {
    if (this.found.length === 0) return
    console.log(`Passed at the second try:\n  ${this.found.join('\n  ')}`)
    const failures = this.found.filter(name => NO_SECOND_TRY.test(name.slice(0, name.indexOf(': '))))
    if (failures.length === 0) return
    console.log(`These must pass at the first try:\n  ${failures.join('\n  ')}`)
    process.exitCode = 1
  }
}
