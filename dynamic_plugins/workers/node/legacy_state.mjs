/**
 * The state that handlers of 0.x get, without what the core does for it: that one validates every action, and embeds the
 * message with a model that it downloads.
 */

import { within } from './deadline.mjs'
import { describeError, plain } from './plain.mjs'

const PROVIDER_MS = 10_000
const LATE = `no answer within ${PROVIDER_MS / 1000} s`

/**
 * Return the state for a message, with the fields of the core's own.
 * @param {object} runtime
 * @param {object} message
 * @param {object} more further fields, which win
 * @param {(level: string, text: string) => void} log
 */
export async function composeState(runtime, message, more, log) {
  const { character, agentId } = runtime
  const { text, attachments = [] } = message.content
  const state = {
    agentId,
    agentName: character.name,
    senderName: 'user',
    userId: message.userId,
    roomId: message.roomId,
    bio: character.bio.join(' '),
    system: character.system,
    recentMessages: `user: ${text}`,
    recentMessagesData: [message],
    actorsData: await runtime.databaseAdapter.getActorDetails({ roomId: message.roomId }),
    goalsData: [],
    knowledgeData: [],
    ragKnowledgeData: [],
    recentInteractionsData: [],
    attachments: attachments.map(attachmentText).join('\n\n'),
    actionNames: runtime.actions.map(({ name }) => name).join(', '),
    actions: runtime.actions.map(({ name, description }) => `${name}: ${description}`).join('\n'),
    ...EMPTY_TEXTS,
  }
  return { ...state, providers: await providerTexts(runtime, message, state, log), ...more }
}

/** What an agent would say of itself and of earlier talk: this one has neither. */
const EMPTY_TEXTS = Object.fromEntries([
  'lore', 'adjective', 'topic', 'topics', 'knowledge', 'actors', 'goals', 'recentPosts', 'recentMessageInteractions',
  'recentPostInteractions', 'characterPostExamples', 'characterMessageExamples', 'messageDirections', 'postDirections',
  'actionExamples', 'evaluators', 'evaluatorNames', 'evaluatorExamples',
].map((name) => [name, '']))

const attachmentText = ({ title, url, text }) => [title, url, text].filter(Boolean).join('\n')

async function providerTexts(runtime, message, state, log) {
  const texts = await Promise.all(runtime.providers.map(async (provider) => {
    try {
      return textOf(await within(PROVIDER_MS, provider.get(runtime, message, state), LATE))
    } catch (error) {
      log('warning', `a provider failed: ${describeError(error)}`)
      return ''
    }
  }))
  return texts.filter(Boolean).join('\n')
}

function textOf(given) {
  if (given === null || given === undefined) return ''
  return typeof given === 'string' ? given : JSON.stringify(plain(given))
}
