import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { START_MS } from '../../dynamic_plugins/workers/node/deadline.mjs'
import { makeHost } from '../../dynamic_plugins/workers/node/runtime.mjs'
import { temporaryFolder } from './worker.mjs'

for (const core of ['core', 'legacy_core']) {
  describe(`an init that never ends, with ${core}`, () => {
    it('is a note in the errors of calls, which are made without it', async (test) => {
      test.mock.timers.enable({ apis: ['setTimeout'] })
      const begun = signal()
      const plugin = { name: 'slow', init: () => { begun.resolve(); return new Promise(() => {}) } }
      const notes = []
      const host = await makeHost({
        core: await import(`./fixtures/${core}.mjs`), coreVersion: '2.0.0', plugin, settings: {}, askHost: async () => '',
        log: () => {}, notes, notices: [], importFromRoot: async () => ({}), dataFolder: temporaryFolder(test),
      })
      const started = host.start()
      await begun.promise
      test.mock.timers.tick(START_MS)
      await started
      assert.deepEqual(notes, ['its init failed: it takes more than 15 s'])
      assert.ok(host.runtime)
    })
  })
}

/** Return a promise with what resolves it. */
function signal() {
  const made = {}
  made.promise = new Promise((resolve) => { made.resolve = resolve })
  return made
}
