/**
 * An elizaOS plugin in the smallest host that a person would write, for `evals/elizaos_typescript_cost.py`:
 * `node bare_elizaos_host.mjs PACKAGE`, run from a copy that lies where the package is installed.
 *
 * Prints `ready` once the plugin is imported; then each line of standard input, `{"action", "arguments"}`, is a call, and a
 * line says how it went. The runtime is made at the first call, as the worker does. Its model answers with the arguments.
 */

import { createInterface } from 'node:readline'

const AGENT = '00000000-0000-4000-8000-000000000001'
const USER = '00000000-0000-4000-8000-000000000002'
const ROOM = '00000000-0000-4000-8000-000000000003'
const CHARACTER = {
  id: AGENT, name: 'agent', username: 'agent', system: '', bio: ['An agent'], lore: [], topics: [], adjectives: [], plugins: [],
  knowledge: [], messageExamples: [], postExamples: [], style: { all: [], chat: [], post: [] }, settings: { secrets: {} },
}

const module = await import(process.argv[2])
const core = await import('@elizaos/core')
const plugin = [module.default, ...Object.values(module)].find((value) => typeof value?.name === 'string' && value.actions)
console.log('ready')

let runtime
let modelAnswer = ''
for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line)
  const fields = Object.entries(call.arguments).map(([name, value]) => `<${name}>${value}</${name}>`)
  modelAnswer = `<response>${fields.join('')}</response>`
  try {
    runtime ??= await (core.generateText ? legacyRuntime() : modernRuntime())
    console.log(`called ${JSON.stringify(await handled(call))}`)
  } catch (error) {
    console.log(`failed ${error.message}`)
  }
}
process.exit(0)

async function handled({ action: name, arguments: args }) {
  const action = plugin.actions.find((each) => each.name === name)
  const content = { text: args.text ?? name, source: 'direct', ...args }
  const message = { id: AGENT, entityId: USER, userId: USER, agentId: AGENT, roomId: ROOM, createdAt: Date.now(), content }
  const state = core.generateText ? {} : await runtime.composeState(message)
  const texts = []
  const callback = async ({ text }) => texts.push(text)
  return { value: await action.handler(runtime, message, state, { ...args, parameters: args }, callback, [message]), texts }
}

async function modernRuntime() {
  const made = new core.AgentRuntime({ character: CHARACTER, agentId: AGENT, adapter: await adapter(), plugins: [] })
  await made.initialize({ skipMigrations: true })
  await made.registerPlugin(plugin)
  for (const type of ['TEXT_SMALL', 'TEXT_LARGE']) made.registerModel(type, async () => modelAnswer, 'bare', -1)
  return made
}

async function legacyRuntime() {
  const made = new core.AgentRuntime({
    character: CHARACTER, modelProvider: 'openai', token: 'none', databaseAdapter: emptyAdapter(), plugins: [plugin],
    cacheManager: new core.CacheManager(new core.MemoryCacheAdapter()),
  })
  await made.initialize()
  return made
}

async function adapter() {
  if (plugin.schema) {
    const sql = await import('@elizaos/plugin-sql')
    const made = sql.createDatabaseAdapter({ dataDir: 'pglite' }, AGENT)
    await made.init()
    await made.runPluginMigrations([sql.plugin ?? sql.default, plugin], { verbose: false, force: false, dryRun: false })
    return made
  }
  return core.InMemoryDatabaseAdapter ? new core.InMemoryDatabaseAdapter() : emptyAdapter()
}

/** The least that a runtime starts with: whatever it asks for by id is there, and nothing else. */
function emptyAdapter() {
  const there = async (id) => ({ id, names: ['agent'] })
  const allThere = async (ids) => Promise.all(ids.map(there))
  const known = {
    getAgent: there, getWorld: there, getEntitiesByIds: allThere, getEntityByIds: allThere, getRoomsByIds: allThere,
    getParticipantsForRoom: async () => [AGENT], isReady: async () => true, then: undefined,
  }
  const answer = (name) => async () => (/^(get|search)/.test(name) ? (name.endsWith('s') ? [] : null) : true)
  return new Proxy(known, { get: (methods, name) => (name in methods ? methods[name] : answer(String(name))) })
}
