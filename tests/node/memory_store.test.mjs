import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createMemoryStore } from '../../dynamic_plugins/workers/node/memory_store.mjs'
import { wordEmbedding } from '../../dynamic_plugins/workers/node/store/word_embedding.mjs'
import { temporaryFolder } from './worker.mjs'

const fileIn = (folder) => join(folder, 'elizaos-store.jsonl')
const texts = (memories) => memories.map(({ content }) => content.text)
const memory = (text, more = {}) => ({
  roomId: 'room', entityId: 'ann', content: { text }, embedding: wordEmbedding(text), ...more,
})

describe('memories', () => {
  it('are found by table, room and person, the newest first', async () => {
    const store = createMemoryStore()
    await store.createMemory(memory('one', { createdAt: 1 }), 'facts')
    await store.createMemory(memory('two', { createdAt: 2 }), 'facts')
    await store.createMemory(memory('bob says', { createdAt: 3, entityId: 'bob' }), 'facts')
    await store.createMemory(memory('elsewhere', { roomId: 'other' }), 'facts')
    await store.createMemory(memory('a message'), 'messages')
    assert.deepEqual(texts(await store.getMemories({ tableName: 'facts', roomId: 'room', entityId: 'ann' })), ['two', 'one'])
    assert.deepEqual(texts(await store.getMemories({ tableName: 'facts', roomId: 'room', count: 1, offset: 1 })), ['two'])
    assert.deepEqual(texts(await store.getMemories({ tableName: 'facts', roomId: 'room', start: 2, end: 2 })), ['two'])
    assert.deepEqual(texts(await store.getMemoriesByRoomIds({ tableName: 'facts', roomIds: ['other'] })), ['elsewhere'])
    assert.equal(await store.countMemories('room', true, 'facts'), 3)
  })

  it('of the same moment come in the order of their making, the last first', async () => {
    const store = createMemoryStore()
    for (const text of ['a', 'b', 'c']) await store.createMemory(memory(text, { createdAt: 7 }), 'facts')
    assert.deepEqual(texts(await store.getMemories({ tableName: 'facts' })), ['c', 'b', 'a'])
  })

  it('of another agent are left out where an agent asks', async () => {
    const store = createMemoryStore()
    await store.createMemory(memory('mine', { agentId: 'me' }), 'facts')
    await store.createMemory(memory('its', { agentId: 'it' }), 'facts')
    assert.deepEqual(texts(await store.getMemories({ tableName: 'facts', agentId: 'me' })), ['mine'])
  })

  it('are copies: what a plugin does to one changes nothing that is stored', async () => {
    const store = createMemoryStore()
    const given = memory('as stored')
    const id = await store.createMemory(given, 'facts')
    given.content.text = 'changed after'
    const found = await store.getMemoryById(id)
    found.content.text = 'changed, too'
    assert.equal((await store.getMemoryById(id)).content.text, 'as stored')
    assert.equal(Object.hasOwn(found, 'tableName'), false)
  })

  it('can be changed in part and removed, one, several and all of a room', async () => {
    const store = createMemoryStore()
    const ids = []
    for (const text of ['a', 'b', 'c', 'd']) ids.push(await store.createMemory(memory(text), 'facts'))
    assert.equal(await store.updateMemory({ id: ids[0], metadata: { seen: true } }), true)
    assert.equal(await store.updateMemory({ id: 'nobody' }), false)
    const changed = await store.getMemoryById(ids[0])
    assert.deepEqual([changed.content.text, changed.metadata], ['a', { seen: true }])
    await store.deleteMemory(ids[0])
    await store.deleteManyMemories([ids[1], ids[2]])
    assert.deepEqual(texts(await store.getMemories({ tableName: 'facts' })), ['d'])
    await store.deleteAllMemories('room', 'facts')
    assert.deepEqual(await store.getMemories({ tableName: 'facts' }), [])
  })

  it('are searched by how alike their embeddings are', async () => {
    const store = createMemoryStore()
    for (const text of ['Bananas are yellow fruits', 'The capital of France is Paris', 'He likes green tea']) {
      await store.createMemory(memory(text), 'facts')
    }
    await store.createMemory(memory('France, without an embedding', { embedding: undefined }), 'facts')
    const search = (text, more) => store.searchMemories({ tableName: 'facts', embedding: wordEmbedding(text), ...more })
    const found = await search('what is the capital of France?', { match_threshold: 0.3 })
    assert.deepEqual(texts(found), ['The capital of France is Paris'])
    assert.ok(found[0].similarity > 0.5 && found[0].similarity <= 1)
    const green = await search('green fruit', { count: 2, match_threshold: 0.1 })
    assert.deepEqual(texts(green).sort(), ['Bananas are yellow fruits', 'He likes green tea'])
    assert.deepEqual(await store.searchMemories({ tableName: 'facts', embedding: [1, 2, 3], match_threshold: 0.1 }), [])
  })
})

describe('rooms, worlds and people', () => {
  it('know who takes part where', async () => {
    const store = createMemoryStore()
    await store.createWorld({ id: 'world', name: 'W' })
    await store.createRooms([{ id: 'room', worldId: 'world' }, { id: 'den', worldId: 'world' }])
    await store.createEntities([{ id: 'ann', names: ['Ann'] }, { id: 'bob', names: ['Bob'] }])
    await store.addParticipantsRoom(['ann', 'bob'], 'room')
    await store.addParticipantsRoom(['ann'], 'den')
    assert.deepEqual(await store.getParticipantsForRoom('room'), ['ann', 'bob'])
    assert.deepEqual(await store.getRoomsForParticipant('ann'), ['room', 'den'])
    assert.deepEqual(await store.getRoomsForParticipants(['ann', 'bob']), ['room', 'den'])
    assert.equal(await store.isRoomParticipant('den', 'bob'), false)
    assert.deepEqual((await store.getEntitiesForRoom('room')).map(({ names }) => names[0]), ['Ann', 'Bob'])
    assert.deepEqual((await store.getRoomsByWorld('world')).map(({ id }) => id), ['room', 'den'])
    assert.equal(await store.removeParticipant('bob', 'room'), true)
    assert.deepEqual(await store.getParticipantsForRoom('room'), ['ann'])
  })

  it('take their memories along when they go', async () => {
    const store = createMemoryStore()
    await store.createRooms([{ id: 'room', worldId: 'world' }])
    await store.createMemory(memory('said here'), 'messages')
    await store.deleteRoomsByWorldId('world')
    assert.equal(await store.getRoom('room'), null)
    assert.deepEqual(await store.getMemories({ tableName: 'messages' }), [])
  })

  it('carry what is known of an entity', async () => {
    const store = createMemoryStore()
    await store.createEntities([{ id: 'ann', names: ['Ann'] }])
    await store.createComponent({ id: 'c', entityId: 'ann', type: 'email', data: { address: 'a' } })
    await store.updateComponent({ id: 'c', data: { address: 'b' } })
    assert.deepEqual((await store.getComponent('ann', 'email')).data, { address: 'b' })
    assert.equal(await store.getComponent('ann', 'phone'), null)
    assert.deepEqual((await store.getEntitiesByIds(['ann', 'nobody'])).map(({ components }) => components.length), [1])
  })

  it('relate to one another, with tags', async () => {
    const store = createMemoryStore()
    await store.createRelationship({ sourceEntityId: 'ann', targetEntityId: 'bob', tags: ['friend'] })
    const found = await store.getRelationship({ sourceEntityId: 'ann', targetEntityId: 'bob' })
    await store.updateRelationship({ ...found, metadata: { since: 2020 } })
    const friends = await store.getRelationships({ entityId: 'bob', tags: ['friend'] })
    assert.deepEqual(friends.map(({ metadata }) => metadata), [{ since: 2020 }])
    assert.deepEqual(await store.getRelationships({ entityId: 'bob', tags: ['enemy'] }), [])
    assert.equal(await store.getRelationship({ sourceEntityId: 'bob', targetEntityId: 'ann' }), null)
  })
})

describe('tasks, cache and log', () => {
  it('keep tasks by name and tags', async () => {
    const store = createMemoryStore()
    const id = await store.createTask({ name: 'water', tags: ['queue', 'repeat'], metadata: {} })
    await store.createTask({ name: 'feed', tags: ['queue'] })
    await store.updateTask(id, { metadata: { runs: 1 } })
    assert.deepEqual((await store.getTasks({ tags: ['queue', 'repeat'] })).map(({ metadata }) => metadata), [{ runs: 1 }])
    assert.equal((await store.getTasksByName('feed')).length, 1)
    await store.deleteTask(id)
    assert.equal(await store.getTask(id), null)
  })

  it('give a cached value back as it was put in', async () => {
    const store = createMemoryStore()
    const value = { a: 1 }
    await store.setCache('key', value)
    value.a = 2
    assert.deepEqual(await store.getCache('key'), { a: 1 })
    assert.equal(await store.deleteCache('key'), true)
    assert.equal(await store.getCache('key'), undefined)
  })

  it('keep the newest of the log, and what cannot be copied', async () => {
    const store = createMemoryStore()
    for (let i = 0; i < 600; i++) await store.log({ type: 'call', entityId: 'ann', body: { i, format: () => i } })
    const logs = await store.getLogs({ type: 'call', count: 1000 })
    assert.deepEqual([logs.length, logs[0].body.i, logs.at(-1).body.i], [500, 599, 100])
  })
})

describe('what is stored', () => {
  it('is there for the next worker, as it was left', async (test) => {
    const dataFolder = temporaryFolder(test)
    const first = createMemoryStore({ dataFolder })
    await first.createRooms([{ id: 'room' }])
    await first.addParticipantsRoom(['ann'], 'room')
    await first.createEntities([{ id: 'ann', names: ['Ann'] }, { id: 'bob', names: ['Bob'] }])
    await first.createMemory(memory('kept', { embedding: Float32Array.of(1, 0) }), 'facts')
    await first.deleteMemory(await first.createMemory(memory('forgotten'), 'facts'))
    await first.setCache('key', { a: 1 })
    await first.setParticipantUserState('room', 'ann', 'MUTED')
    await first.deleteEntity('bob')

    const second = createMemoryStore({ dataFolder })
    const [found, ...others] = await second.getMemories({ tableName: 'facts' })
    assert.deepEqual([found.content.text, found.embedding, others], ['kept', [1, 0], []])
    assert.deepEqual(await second.getParticipantsForRoom('room'), ['ann'])
    assert.equal(await second.getParticipantUserState('room', 'ann'), 'MUTED')
    assert.deepEqual((await second.getEntitiesByIds(['ann', 'bob'])).map(({ names }) => names), [['Ann']])
    assert.deepEqual(await second.getCache('key'), { a: 1 })
  })

  it('holds no agent, whose settings have the keys', async (test) => {
    const dataFolder = temporaryFolder(test)
    const store = createMemoryStore({ dataFolder })
    await store.createAgent({ id: 'me', settings: { secrets: { KEY: 'key-0123456789' } } })
    await store.createMemory(memory('kept'), 'facts')
    assert.equal((await store.getAgent('me')).id, 'me')
    assert.ok(!readFileSync(fileIn(dataFolder), 'utf8').includes('key-0123456789'))
    assert.equal(await createMemoryStore({ dataFolder }).getAgent('me'), null)
  })

  it('survives a line that was cut off, and says what is lost', async (test) => {
    const dataFolder = temporaryFolder(test)
    const first = createMemoryStore({ dataFolder })
    for (const text of ['one', 'two']) await first.createMemory(memory(text, { createdAt: 1 }), 'facts')
    const whole = readFileSync(fileIn(dataFolder), 'utf8')
    writeFileSync(fileIn(dataFolder), whole.slice(0, -10))
    const logged = []
    const second = createMemoryStore({ dataFolder, log: (level, text) => logged.push(`${level}: ${text}`) })
    assert.deepEqual(logged, ['warning: 1 of 2 lines of what it has stored cannot be read'])
    await second.createMemory(memory('three', { createdAt: 2 }), 'facts')
    assert.deepEqual(texts(await createMemoryStore({ dataFolder }).getMemories({ tableName: 'facts' })), ['three', 'one'])
  })

  it('takes no more room than it needs', async (test) => {
    const dataFolder = temporaryFolder(test)
    const first = createMemoryStore({ dataFolder })
    for (let i = 0; i < 1000; i++) await first.setCache('counter', i)
    createMemoryStore({ dataFolder })
    assert.equal(readFileSync(fileIn(dataFolder), 'utf8').split('\n').length, 2)
    // The first has the old file open.
    await first.setCache('counter', 'last')
    assert.equal(await createMemoryStore({ dataFolder }).getCache('counter'), 'last')
    assert.equal(statSync(fileIn(dataFolder)).mode & 0o777, 0o600)
  })

  it('is the last thousand of the messages', async () => {
    const store = createMemoryStore()
    for (let i = 0; i < 1005; i++) await store.createMemory(memory(String(i), { createdAt: i, embedding: undefined }), 'messages')
    const kept = texts(await store.getMemories({ tableName: 'messages' }))
    assert.deepEqual([kept.length, kept[0], kept.at(-1)], [1000, '1004', '5'])
  })
})

describe('a store of 0.x', () => {
  it('has rooms that are ids, and accounts that take part in them', async () => {
    const store = createMemoryStore({ form: '0.x' })
    assert.equal(await store.getRoom('room'), null)
    assert.equal(await store.createRoom('room'), 'room')
    assert.equal(await store.getRoom('room'), 'room')
    await store.createAccount({ id: 'ann', name: 'Ann', username: 'ann' })
    await store.addParticipant('ann', 'room')
    const [actor] = await store.getActorDetails({ roomId: 'room' })
    assert.deepEqual([actor.id, actor.username, actor.details.tagline], ['ann', 'ann', ''])
    assert.deepEqual((await store.getParticipantsForAccount('ann')).map(({ roomId }) => roomId), ['room'])
  })

  it('has goals, and relationships between two users', async () => {
    const store = createMemoryStore({ form: '0.x' })
    await store.createGoal({ id: 'g', roomId: 'room', status: 'IN_PROGRESS', name: 'run' })
    await store.updateGoalStatus({ goalId: 'g', status: 'DONE' })
    assert.deepEqual(await store.getGoals({ roomId: 'room', onlyInProgress: true }), [])
    assert.equal((await store.getGoals({ roomId: 'room' })).length, 1)
    await store.createRelationship({ userA: 'ann', userB: 'bob' })
    assert.equal((await store.getRelationship({ userA: 'bob', userB: 'ann' })).userA, 'ann')
    assert.equal((await store.getRelationships({ userId: 'bob' })).length, 1)
  })

  it('finds knowledge, and removes a document with its parts', async () => {
    const store = createMemoryStore({ form: '0.x' })
    const item = (id, text, agentId = 'me') => ({ id, agentId, content: { text, metadata: {} }, embedding: wordEmbedding(text) })
    await store.createKnowledge(item('doc-chunk-1', 'The capital of France is Paris'))
    await store.createKnowledge(item('doc-chunk-2', 'Bananas are yellow'))
    await store.createKnowledge(item('its', 'The capital of Spain', 'it'))
    const embedding = wordEmbedding('capital of France')
    const found = await store.searchKnowledge({ agentId: 'me', embedding, match_threshold: 0.2, match_count: 5 })
    assert.deepEqual(found.map(({ id }) => id), ['doc-chunk-1'])
    await store.removeKnowledge('doc-chunk-*')
    assert.deepEqual(await store.getKnowledge({ agentId: 'me' }), [])
    assert.equal((await store.getKnowledge({ agentId: 'it' })).length, 1)
  })

  it('has an embedding for every text, and a cache whose key is in an object', async () => {
    const store = createMemoryStore({ form: '0.x' })
    const [{ embedding }] = await store.getCachedEmbeddings({ query_input: 'tea' })
    assert.deepEqual(embedding, wordEmbedding('tea'))
    await store.setCache({ agentId: 'me', key: 'k', value: 'v' })
    assert.equal(await store.getCache({ agentId: 'me', key: 'k' }), 'v')
  })
})

describe('a store of 2.x', () => {
  const store = (options) => createMemoryStore({ form: '2.x', ...options })

  it('takes and gives lists', async () => {
    const db = store()
    const ids = await db.createMemories([
      { memory: memory('a', { createdAt: 1 }), tableName: 'facts' },
      { memory: memory('b', { createdAt: 2, metadata: { kind: 'x' } }), tableName: 'facts' },
    ])
    assert.equal(ids.length, 2)
    assert.deepEqual(texts(await db.getMemories({ tableName: 'facts', orderDirection: 'asc' })), ['a', 'b'])
    assert.deepEqual(texts(await db.getMemories({ tableName: 'facts', limit: 1 })), ['b'])
    assert.deepEqual(texts(await db.getMemories({ tableName: 'facts', metadata: { kind: 'x' } })), ['b'])
    assert.equal(await db.countMemories({ roomIds: ['room'], tableName: 'facts' }), 2)
    assert.equal(await db.countMemories({ tableName: 'facts', metadata: { kind: 'x' } }), 1)
    await db.upsertMemories([{ memory: { ...memory('c'), id: ids[0] }, tableName: 'facts' }])
    await db.deleteMemories([ids[1]])
    assert.deepEqual(texts(await db.getMemories({ tableName: 'facts' })), ['c'])
    await db.deleteAllMemories(['room'], 'facts')
    assert.deepEqual(await db.getMemories({ tableName: 'facts' }), [])
  })

  it('answers for each of the things that it is asked about, in their order', async () => {
    const db = store()
    const [here, there] = [{ roomId: 'room', entityId: 'ann' }, { roomId: 'den', entityId: 'ann' }]
    assert.deepEqual(await db.createRooms([{ id: 'room', worldId: 'w' }, { id: 'den', worldId: 'w' }]), ['room', 'den'])
    assert.deepEqual(await db.createEntities([{ id: 'ann', names: ['Ann'] }]), ['ann'])
    assert.deepEqual(await db.createRoomParticipants(['ann'], 'room'), ['room:ann'])
    const taking = await db.getParticipantsForRooms(['den', 'room'])
    assert.deepEqual(taking, [{ roomId: 'den', entityIds: [] }, { roomId: 'room', entityIds: ['ann'] }])
    assert.deepEqual((await db.getEntitiesForRooms(['room', 'den'])).map(({ entities }) => entities.length), [1, 0])
    assert.deepEqual(await db.areRoomParticipants([here, there]), [true, false])
    await db.updateParticipantUserStates([{ ...here, state: 'MUTED' }])
    assert.deepEqual(await db.getParticipantUserStates([there, here]), [null, 'MUTED'])
    await db.setCaches([{ key: 'a', value: 1 }])
    assert.deepEqual(await db.getCaches(['a', 'b']), new Map([['a', 1]]))
    assert.deepEqual((await db.getRoomsByWorlds(['w'], 1, 1)).map(({ id }) => id), ['den'])
  })

  it('keeps components, changes a part of one, and finds people by them', async () => {
    const db = store()
    await db.createEntities([{ id: 'ann', names: ['Ann'] }, { id: 'bob', names: ['Bob'] }])
    const [id] = await db.createComponents([{ entityId: 'ann', type: 'wallet', data: { balance: 1, coins: ['a'] } }])
    const ops = [
      { op: 'increment', path: 'balance', value: 4 },
      { op: 'push', path: 'coins', value: 'b' },
      { op: 'set', path: 'owner.name', value: 'Ann' },
      { op: 'remove', path: 'coins.0' },
    ]
    await db.patchComponents([{ componentId: id, ops }])
    const keys = ['ann', 'bob'].map((entityId) => ({ entityId, type: 'wallet' }))
    const [component, none] = await db.getComponentsByNaturalKeys(keys)
    assert.deepEqual([component.data, none], [{ balance: 5, coins: ['b'], owner: { name: 'Ann' } }, null])
    const having = (balance) => db.queryEntities({ componentType: 'wallet', componentDataFilter: { balance } })
    assert.deepEqual([(await having(5)).map((entity) => entity.id), await having(6)], [['ann'], []])
    await db.upsertComponents([{ entityId: 'ann', type: 'wallet', data: { balance: 0 } }])
    assert.deepEqual((await db.getComponentsForEntities(['ann', 'bob'])).map(({ data }) => data), [{ balance: 0 }])
    const inherited = { op: 'set', path: '__proto__.x', value: 1 }
    await assert.rejects(db.patchComponents([{ componentId: id, ops: [inherited] }]), /is no path/)
    await assert.rejects(db.patchComponents([{ componentId: 'none', ops: [] }]), /there is no component none/)
  })

  it('keeps one relationship between two, and finds those of several once', async () => {
    const db = store()
    const pair = { sourceEntityId: 'ann', targetEntityId: 'bob' }
    await db.createRelationships([{ ...pair, tags: ['friend'] }])
    await db.createRelationships([{ ...pair, tags: ['other'] }])
    const found = await db.getRelationships({ entityIds: ['ann', 'bob'] })
    assert.deepEqual(found.map(({ tags }) => tags), [['friend']])
    const [there, missing] = await db.getRelationshipsByPairs([pair, { sourceEntityId: 'bob', targetEntityId: 'ann' }])
    assert.deepEqual([there.id, missing], [found[0].id, null])
    await db.deleteRelationships([found[0].id])
    assert.deepEqual(await db.getRelationships({ entityIds: ['ann'] }), [])
  })

  it('hands itself to a transaction, and has no store of its own for plugins', async () => {
    const db = store()
    assert.deepEqual(await db.transaction((inside) => inside.createRooms([{ id: 'room' }])), ['room'])
    assert.equal(db.getPluginStore, undefined)
  })

  it('keeps what the next worker finds', async (test) => {
    const dataFolder = temporaryFolder(test)
    const [id] = await store({ dataFolder }).createComponents([{ entityId: 'ann', type: 'wallet', data: { balance: 1 } }])
    assert.deepEqual((await store({ dataFolder }).getComponentsByIds([id])).map(({ data }) => data), [{ balance: 1 }])
  })
})

describe('what no core has', () => {
  it('is answered as by an empty database', async () => {
    const store = createMemoryStore()
    assert.deepEqual(await store.getWidgets(), [])
    assert.deepEqual(await store.searchByColour(), [])
    assert.equal(await store.getWidget(), null)
    assert.equal(await store.countWidgets(), 0)
    assert.equal(await store.saveWidget({}), true)
    assert.equal(await store.transaction(async () => 'done'), 'done')
    assert.equal(await store.withEntityContext('ann', async () => 'done'), 'done')
  })

  it('cannot be mistaken for a promise', async () => {
    const store = await createMemoryStore()
    assert.equal(store.then, undefined)
    assert.equal(await store.getConnection(), store.db)
  })

  it('is refused with the reason where a plugin looks for SQL tables', () => {
    const store = createMemoryStore()
    assert.throws(() => store.db.select(), /there are no SQL tables here \(db\.select\): the plugin declares no schema/)
  })
})

describe('embeddings by words', () => {
  it('are as long as those of a small model, of length 1 and never begin with 0', () => {
    for (const text of ['tea', '', 'Größe & 中文 words']) {
      const embedding = wordEmbedding(text)
      assert.equal(embedding.length, 384)
      assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-9)
      assert.notEqual(embedding[0], 0)
    }
  })
})
