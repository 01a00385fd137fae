import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { bounded, fixture, started, temporaryFolder } from './worker.mjs'

const TABLES = { plugin: 'tables', packages: { '@elizaos/plugin-sql': fixture('sql') } }
const BASE = 'pglite/base.json'
const LOCK = 'pglite.lock'

/** Make what a process that was killed leaves, and nobody has touched since. */
function leaveLock(home) {
  writeFileSync(join(home, LOCK), 'a process that is gone')
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(join(home, LOCK), longAgo, longAgo)
}

async function killed(worker) {
  worker.process.kill('SIGKILL')
  await bounded(worker.ended, 'its end')
  leaveLock(worker.home)
}

/** Wait until *isSo*, looking often. */
async function until(isSo) {
  const soon = (resolve) => (isSo() ? resolve() : setTimeout(soon, 5, resolve))
  await bounded(new Promise(soon), String(isSo))
}

const movedAside = (home) => readdirSync(home).filter((name) => name.startsWith('pglite.damaged-'))

describe('the database of a plugin with tables', () => {
  it('has its tables before the runtime begins, and keeps what is written', async (test) => {
    const home = temporaryFolder(test)
    const first = await started(test, TABLES, { home })
    assert.equal(await first.call('WRITE', { text: 'buy tea' }), 'written')
    await first.leave()
    assert.deepEqual(JSON.parse(readFileSync(join(home, BASE), 'utf8')).notes, ['buy tea'])
    const second = await started(test, TABLES, { home })
    assert.equal(await second.call('READ'), '["buy tea"]')
  })

  it('holds nothing of the configuration', async (test) => {
    const home = temporaryFolder(test)
    const worker = await started(test, TABLES, { home, variables: { NOTES_KEY: 'key-0123456789' } })
    await worker.call('WRITE', { text: 'buy tea' })
    const base = readFileSync(join(home, BASE), 'utf8')
    assert.equal(JSON.parse(base).agents.length, 1)
    assert.ok(!base.includes('key-0123456789'))
  })

  it('is begun anew where it is damaged, the old one is kept, and both are reported', async (test) => {
    const home = temporaryFolder(test)
    const first = await started(test, TABLES, { home })
    await first.call('WRITE', { text: 'buy tea' })
    await first.leave()
    writeFileSync(join(home, BASE), '{"notes": ["buy te')
    const second = await started(test, TABLES, { home })
    const answer = await second.call('READ')
    const [kept] = movedAside(home)
    assert.equal(readFileSync(join(home, kept, 'base.json'), 'utf8'), '{"notes": ["buy te')
    const report = `its database could not be opened \\(.*Aborted\\(\\).*\\): it was moved to ${kept} and a new one begun`
    assert.match(answer, new RegExp(`^\\[\\]\n\\(${report}\\)$`))
    assert.ok(second.notices.some(({ params }) => new RegExp(report).test(params?.data)))
    assert.match((await second.call('FAIL')).failed, new RegExp(report))
    assert.equal(await second.call('READ'), '[]')
    await second.call('WRITE', { text: 'buy milk' })
    assert.equal(await second.call('READ'), '["buy milk"]')
  })

  it('stays where it is while there is no room for it, which looks the same', async (test) => {
    const home = temporaryFolder(test)
    const first = await started(test, TABLES, { home })
    await first.call('WRITE', { text: 'buy tea' })
    await first.leave()
    const whole = readFileSync(join(home, BASE))
    writeFileSync(join(home, BASE), '{"notes": ["buy te')
    const second = await started(test, TABLES, { home, limit: 'ulimit -f 1024' })
    assert.match((await second.call('READ')).failed, /there is no room for its database: EFBIG: .*Make some and try again/)
    await second.leave()
    assert.deepEqual([movedAside(home), existsSync(join(home, 'pglite.room'))], [[], false])
    writeFileSync(join(home, BASE), whole)
    const third = await started(test, TABLES, { home })
    assert.equal(await third.call('READ'), '["buy tea"]')
  })

  it('is begun anew without a word where its first start was cut off: there was nothing in it', async (test) => {
    const home = temporaryFolder(test)
    writeFileSync(join(home, 'stall'), '')
    const first = await started(test, TABLES, { home })
    first.call('READ').catch(() => {})
    await until(() => existsSync(join(home, BASE)))
    await killed(first)
    rmSync(join(home, 'stall'))
    const second = await started(test, TABLES, { home })
    assert.equal(await second.call('READ'), '[]')
    assert.deepEqual([movedAside(home), existsSync(join(home, 'pglite.unfinished'))], [[], false])
  })

  it('stays as it is where a migration of the plugin fails', async (test) => {
    const home = temporaryFolder(test)
    const first = await started(test, TABLES, { home })
    await first.call('WRITE', { text: 'buy tea' })
    await first.leave()
    const second = await started(test, TABLES, { home, variables: { BREAKS: 'yes' } })
    const { failed } = await second.call('READ')
    assert.match(failed, /tables: Destructive migration blocked/)
    await second.leave()
    const third = await started(test, TABLES, { home })
    assert.equal(await third.call('READ'), '["buy tea"]')
    assert.deepEqual(movedAside(home), [])
  })

  it('needs plugin-sql, and an error says so', async (test) => {
    const worker = await started(test, { plugin: 'tables' })
    const { failed } = await worker.call('READ')
    assert.match(failed, /it keeps tables and @elizaos\/plugin-sql cannot be imported: Cannot find package/)
  })
})

describe('two processes and one database', () => {
  it('keep out of each other\'s way, and the second is let in once the first is gone', async (test) => {
    const home = temporaryFolder(test)
    const first = await started(test, TABLES, { home })
    await first.call('WRITE', { text: 'buy tea' })
    const second = await started(test, TABLES, { home })
    await second.call('service:clerk', { do: 'start' })
    assert.match((await second.call('READ')).failed, /another process of this plugin has its database open/)
    assert.equal(await first.call('READ'), '["buy tea"]')
    await first.leave()
    assert.equal(await second.call('READ'), '["buy tea"]')
    assert.equal(await second.call('CLERK'), 'at work')
  })

  it('are no trouble where one was killed', async (test) => {
    const home = temporaryFolder(test)
    const first = await started(test, TABLES, { home })
    await first.call('WRITE', { text: 'buy tea' })
    await killed(first)
    const second = await started(test, TABLES, { home })
    assert.equal(await second.call('READ'), '["buy tea"]')
    await second.leave()
    assert.equal(existsSync(join(home, LOCK)), false)
  })
})
