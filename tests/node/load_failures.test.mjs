import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Worker } from './worker.mjs'

async function failure(test, what) {
  const { error } = await new Worker(test, what).initialize()
  assert.equal(error.code, -32603)
  return error.message
}

describe('a plugin that cannot be loaded fails with its own reason', () => {
  it('a module that is missing', async (test) => {
    assert.match(
      await failure(test, { source: 'import "left-pad"\nexport default {}' }),
      /^Cannot find package 'left-pad' imported from .*plugin-fixture/,
    )
  })

  it('an export that its core does not have', async (test) => {
    assert.match(
      await failure(test, { source: 'import { newest } from "@elizaos/core"\nexport default { newest }' }),
      /^SyntaxError: .*does not provide an export named 'newest' \(index\.mjs, line 1\)$/,
    )
  })

  it('an error while it is imported, with its place', async (test) => {
    assert.equal(
      await failure(test, { source: '\nthrow new TypeError("wrong machine")' }),
      'TypeError: wrong machine (index.mjs, line 2)',
    )
  })

  it('code that is no code', async (test) => {
    assert.equal(await failure(test, { source: 'export default {' }), 'SyntaxError: Unexpected end of input')
  })

  it('code for a newer Node', async (test) => {
    const told = await failure(test, { source: 'throw new TypeError("Array.fromAsync is not a function")' })
    const isOld = Number.parseInt(process.versions.node, 10) < 22
    assert.equal(told.endsWith(`from 22 on, and this is ${process.version})`), isOld)
  })

  it('no plugin object', async (test) => {
    assert.equal(
      await failure(test, { source: 'export const version = "1"; export function help() {}' }),
      'plugin-fixture exports no plugin object; it exports help, version',
    )
    assert.equal(await failure(test, { source: '' }), 'plugin-fixture exports no plugin object; it exports nothing')
  })

  it('a plugin with only a database adapter', async (test) => {
    assert.equal(
      await failure(test, { source: 'export default { name: "db", adapter: { init() {} }, init() {} }' }),
      'offers nothing that can be called: no action, provider, evaluator, service, route or model; it has only a database '
      + 'adapter and a preparation of the runtime',
    )
  })

  it('a plugin that lists nothing and whose init fails', async (test) => {
    const source = 'export default { name: "p", init() { throw new Error("KEY is required") } }'
    assert.match(await failure(test, { source }), /only a preparation of the runtime \(its init failed: KEY is required\)$/)
  })

  it('no core, and a core that cannot be imported', async (test) => {
    const source = 'export default { name: "p", actions: [] }'
    assert.match(await failure(test, { source, core: null }), /^@elizaos\/core, which it runs on, cannot be imported: ENOENT/)
    assert.equal(
      await failure(test, { source, core: 'throw new Error("too old")' }),
      '@elizaos/core, which it runs on, cannot be imported: too old (index.mjs, line 1)',
    )
  })
})
